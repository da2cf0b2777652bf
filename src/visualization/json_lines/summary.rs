//! The last object: the capture as a whole.

use super::exact_time;
use crate::tracking::ConnectionTracker;
use crate::tracking::totals::{Amount, Protocol};
use crate::utils::time::Timestamp;
use crate::visualization::Summary;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

#[derive(Serialize)]
pub struct SummaryLine {
    r#type: &'static str,
    source: String,
    format: String,
    link_type: Vec<String>,
    packets: u64,
    bytes: u64,
    #[serde(serialize_with = "exact_time_if_any")]
    first_time: Option<Timestamp>,
    #[serde(serialize_with = "exact_time_if_any")]
    last_time: Option<Timestamp>,
    layers: Layers,
    stops: BTreeMap<String, u64>,
    dropped: Dropped,
    connections: u64,
    evicted: u64,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Dropped {
    by_kernel: u64,
    by_interface: u64,
}

struct Layers(Vec<(&'static str, Amount)>);

impl Serialize for Layers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Part {
            packets: u64,
            bytes: u64,
        }
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, amount) in &self.0 {
            map.serialize_entry(
                key,
                &Part {
                    packets: amount.packets,
                    bytes: amount.bytes,
                },
            )?;
        }
        map.end()
    }
}

impl SummaryLine {
    /// What is known of the capture at its end.
    pub fn of(tracker: &ConnectionTracker, summary: &Summary) -> Self {
        let totals = &summary.totals;
        let layers = Protocol::ALL
            .iter()
            .map(|&protocol| (protocol.key(), totals.layer(protocol)));
        let stops = totals
            .stops
            .iter()
            .map(|(stop, &number)| (format!("{}: {}", stop.layer, stop.why.name()), number));
        Self {
            r#type: "summary",
            source: summary.source.clone(),
            format: summary.format.clone(),
            link_type: summary.link_types.iter().map(ToString::to_string).collect(),
            packets: totals.all.packets,
            bytes: totals.all.bytes,
            first_time: totals.first,
            last_time: totals.last,
            layers: Layers(layers.filter(|(_, amount)| amount.packets > 0).collect()),
            stops: stops.collect(),
            dropped: Dropped {
                by_kernel: summary.dropped_by_kernel,
                by_interface: summary.dropped_by_interface,
            },
            connections: tracker.total(),
            evicted: tracker.evicted(),
            warnings: summary.warnings.clone(),
        }
    }
}

fn exact_time_if_any<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => exact_time(time, serializer),
        None => serializer.serialize_none(),
    }
}
