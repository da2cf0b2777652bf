//! The last object: the capture as a whole.

use super::exact_time;
use super::udp::AmountPart;
use crate::reassembly::FragmentCounts;
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
    fragments: FragmentsPart,
    arp: ArpPart,
    udp: UdpPart,
    dropped: Dropped,
    connections: u64,
    evicted: u64,
    first_bytes_given_up: u64,
    comments: Vec<String>,
    names: BTreeMap<String, Vec<String>>,
    warnings: Vec<String>,
}

/// ARP packets by what they are.
#[derive(Serialize)]
struct ArpPart {
    requests: u64,
    replies: u64,
    other: u64,
}

/// How many UDP conversations have an object, and what belongs to none of those.
#[derive(Serialize)]
struct UdpPart {
    conversations: usize,
    beyond_limit: AmountPart,
}

#[derive(Serialize)]
struct Dropped {
    by_kernel: u64,
    by_interface: u64,
}

#[derive(Serialize)]
struct FragmentsPart {
    packets: u64,
    reassembled: u64,
    incomplete: u64,
    overlapping: u64,
    repeated: u64,
    malformed: u64,
    cut: u64,
}

impl FragmentsPart {
    fn of(counts: FragmentCounts) -> Self {
        Self {
            packets: counts.fragments,
            reassembled: counts.reassembled,
            incomplete: counts.incomplete,
            overlapping: counts.overlapping,
            repeated: counts.repeated,
            malformed: counts.malformed,
            cut: counts.cut,
        }
    }
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
            fragments: FragmentsPart::of(summary.fragments),
            arp: ArpPart {
                requests: totals.arp.requests,
                replies: totals.arp.replies,
                other: totals.arp.other,
            },
            udp: UdpPart {
                conversations: summary.udp.conversations().len(),
                beyond_limit: AmountPart::of(summary.udp.rest),
            },
            dropped: Dropped {
                by_kernel: summary.dropped_by_kernel,
                by_interface: summary.dropped_by_interface,
            },
            connections: tracker.total(),
            evicted: tracker.evicted(),
            comments: summary.comments.clone(),
            names: names(summary),
            first_bytes_given_up: tracker.gave_up_reading(),
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

/// The names of each address that the capture brings along.
fn names(summary: &Summary) -> BTreeMap<String, Vec<String>> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (address, name) in &summary.names {
        names
            .entry(address.to_string())
            .or_default()
            .push(name.clone());
    }
    names
}
