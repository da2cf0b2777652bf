//! What Wireshark says, beside what we say: the values of one packet and the counts of one direction.

use crate::tracking::Direction;
use crate::tracking::wireshark::{Analysis, WiresharkView};
use crate::utils::time::{millis, seconds};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// The values that Wireshark shows beside its flags, under its own names, in the units of this document.
#[derive(Serialize)]
pub struct Values {
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_ack_num: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_ack_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acks_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_rtt_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rto_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rto_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_in_flight: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    push_bytes_sent: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_rtt_ms: Option<f64>,
    window_scale_factor: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    fast_open: Option<&'static str>,
}

impl Values {
    /// The values of one packet.
    pub fn of(analysis: &Analysis) -> Self {
        Self {
            duplicate_ack_num: analysis.duplicate_ack.map(|duplicate| duplicate.number),
            duplicate_ack_frame: analysis.duplicate_ack.map(|duplicate| duplicate.frame),
            acks_frame: analysis.acknowledged.map(|acknowledged| acknowledged.frame),
            ack_rtt_ms: analysis
                .acknowledged
                .and_then(|acknowledged| acknowledged.rtt)
                .map(millis),
            rto_s: analysis.timeout.map(|timeout| seconds(timeout.nanos)),
            rto_frame: analysis.timeout.map(|timeout| timeout.frame),
            bytes_in_flight: analysis.bytes_in_flight,
            push_bytes_sent: analysis.push_bytes_sent,
            initial_rtt_ms: analysis.initial_rtt.map(millis),
            window_scale_factor: analysis.window_scale.factor(),
            fast_open: analysis.fast_open_names().next(),
        }
    }
}

/// Writes the names of the flags as a list.
pub fn names<S: Serializer>(analysis: &Option<Analysis>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(analysis.iter().flat_map(Analysis::names))
}

/// How often each flag was shown in a direction of a connection.
pub fn counts(
    view: Option<&WiresharkView>,
    connection: u64,
    direction: Direction,
) -> Option<BTreeMap<&'static str, u32>> {
    Some(view?.counts(connection, direction)?.iter().collect())
}
