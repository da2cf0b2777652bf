//! The object of one packet.

use super::evidence::Evidence;
use super::exact_time;
use super::icmp_errors::IcmpErrorPart;
use super::wireshark::{self, Values};
use crate::analyzers::icmp_error::IcmpError;
use crate::tracking::wireshark::Analysis;
use crate::tracking::{Direction, Event, Verdicts};
use crate::utils::time::{Timestamp, millis};
use crate::visualization::Seen;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

#[derive(Serialize)]
pub struct PacketLine {
    r#type: &'static str,
    frame: u64,
    #[serde(serialize_with = "exact_time")]
    time: Timestamp,
    bytes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    comments: Vec<String>,
    #[serde(flatten)]
    segment: Option<SegmentPart>,
    #[serde(
        serialize_with = "wireshark::names",
        skip_serializing_if = "Option::is_none"
    )]
    wireshark: Option<Analysis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wireshark_values: Option<Values>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quotes_connection: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_error: Option<IcmpErrorPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<String>,
}

#[derive(Serialize)]
struct SegmentPart {
    connection: u64,
    from: &'static str,
    seq: u32,
    ack: u32,
    len: u32,
    flags: String,
    window: u64,
    verdicts: VerdictNames,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_in_flight: Option<u64>,
    client_state: &'static str,
    server_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
}

impl PacketLine {
    /// What is known of a packet.
    pub fn of(seen: &Seen<'_>) -> Self {
        Self {
            r#type: "packet",
            frame: seen.frame.number,
            comments: seen.comments.to_vec(),
            interface: seen.interface_of_several.map(ToOwned::to_owned),
            time: seen.frame.time,
            bytes: seen.frame.wire_len,
            segment: seen.event.map(SegmentPart::of),
            wireshark: seen.wireshark.copied(),
            wireshark_values: seen.wireshark.map(Values::of),
            protocol: seen
                .packet
                .other()
                .map(crate::analyzers::other::Other::name),
            quotes_connection: seen.quotes,
            icmp_error: seen
                .quotes
                .and_then(|_| IcmpError::of(seen.packet))
                .map(|error| IcmpErrorPart::of(&error)),
            stop: seen
                .packet
                .stop
                .map(|stop| format!("{}: {}", stop.layer, stop.why.name())),
        }
    }
}

impl SegmentPart {
    fn of(event: &Event<'_>) -> Self {
        let connection = event.connection;
        Self {
            connection: connection.id,
            from: event.direction.sender_name(),
            seq: event.relative_seq(),
            ack: event.relative_ack(),
            len: event.segment.payload_len,
            flags: event.segment.flags.to_string(),
            window: event.window(),
            verdicts: VerdictNames(event.judgement.verdicts),
            rtt_ms: event.rtt().map(millis),
            bytes_in_flight: event.in_flight(),
            client_state: connection.states[Direction::ToServer].name(),
            server_state: connection.states[Direction::ToClient].name(),
            evidence: Evidence::of(event.judgement),
        }
    }
}

struct VerdictNames(Verdicts);

impl Serialize for VerdictNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for verdict in self.0.iter() {
            list.serialize_element(verdict.name())?;
        }
        list.end()
    }
}
