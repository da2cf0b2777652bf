//! The object of one connection, with both its directions.

use super::exact_time;
use super::wireshark;
use crate::tracking::flow::Flow;
use crate::tracking::rtt::Samples;
use crate::tracking::verdict::Cause;
use crate::tracking::wireshark::WiresharkView;
use crate::tracking::{Connection, Direction};
use crate::utils::addressing::Endpoint;
use crate::utils::time::{Timestamp, millis, seconds};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct EndpointPart {
    address: String,
    port: u16,
}

impl EndpointPart {
    fn of(endpoint: Endpoint) -> Self {
        Self {
            address: endpoint.address.to_string(),
            port: endpoint.port,
        }
    }
}

#[derive(Serialize)]
pub struct ConnectionLine {
    r#type: &'static str,
    id: u64,
    client: EndpointPart,
    server: EndpointPart,
    service: Option<&'static str>,
    state: &'static str,
    client_state: &'static str,
    server_state: &'static str,
    #[serde(serialize_with = "exact_time")]
    start: Timestamp,
    duration_s: f64,
    initial_rtt_ms: Option<f64>,
    packets: u64,
    bytes: u64,
    client_to_server: FlowPart,
    server_to_client: FlowPart,
}

impl ConnectionLine {
    /// A connection as it stands at a moment of the capture.
    pub fn of(connection: &Connection, now: Timestamp, view: Option<&WiresharkView>) -> Self {
        let states = connection.states_at(now);
        Self {
            r#type: "connection",
            id: connection.id,
            client: EndpointPart::of(connection.client),
            server: EndpointPart::of(connection.server),
            service: connection.service(),
            state: connection.summary_state(now).name(),
            client_state: states[Direction::ToServer].name(),
            server_state: states[Direction::ToClient].name(),
            start: connection.start,
            duration_s: seconds(connection.duration()),
            initial_rtt_ms: connection.handshake.round_trip().map(millis),
            packets: connection.packets(),
            bytes: connection.wire_bytes(),
            client_to_server: FlowPart::of(connection, Direction::ToServer, view),
            server_to_client: FlowPart::of(connection, Direction::ToClient, view),
        }
    }
}

#[derive(Serialize)]
struct FlowPart {
    packets: u64,
    bytes: u64,
    payload_bytes: u64,
    unique_bytes: u64,
    retransmitted_bytes: u64,
    data_packets: u64,
    mss: Option<u16>,
    window_scale: Option<u8>,
    sack_permitted: bool,
    timestamps: bool,
    max_in_flight: u64,
    throughput_bps: Option<f64>,
    rtt_ms: Option<SamplesPart>,
    verdicts: BTreeMap<&'static str, u32>,
    causes: BTreeMap<&'static str, u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wireshark: Option<BTreeMap<&'static str, u32>>,
}

impl FlowPart {
    fn of(connection: &Connection, direction: Direction, view: Option<&WiresharkView>) -> Self {
        let flow: &Flow = connection.flow(direction);
        let counts = &flow.counts;
        let causes = Cause::ALL
            .iter()
            .zip(counts.causes)
            .filter(|&(_, number)| number > 0);
        Self {
            packets: counts.packets,
            bytes: counts.wire_bytes,
            payload_bytes: counts.payload_bytes,
            unique_bytes: counts.unique_bytes,
            retransmitted_bytes: counts.retransmitted_bytes,
            data_packets: counts.data_packets,
            mss: flow.offer.mss,
            window_scale: flow.offer.window_scale,
            sack_permitted: flow.offer.sack_permitted,
            timestamps: flow.offer.timestamps,
            max_in_flight: flow.max_in_flight,
            throughput_bps: connection.throughput(direction).map(|bytes| bytes * 8.0),
            rtt_ms: SamplesPart::of(&flow.ack_rtt),
            verdicts: counts
                .verdicts
                .iter()
                .map(|(verdict, number)| (verdict.name(), number))
                .collect(),
            causes: causes
                .map(|(cause, number)| (cause.name(), number))
                .collect(),
            wireshark: wireshark::counts(view, connection.id, direction),
        }
    }
}

#[derive(Serialize)]
struct SamplesPart {
    count: u64,
    min: f64,
    p50: Option<f64>,
    mean: f64,
    p95: Option<f64>,
    p99: Option<f64>,
    max: f64,
    stdev: f64,
    jitter: f64,
}

impl SamplesPart {
    fn of(samples: &Samples) -> Option<Self> {
        let percentile = |share| samples.percentile(share).map(|nanos| nanos / 1e6);
        (samples.count > 0).then(|| Self {
            count: samples.count,
            min: millis(samples.min),
            p50: percentile(0.5),
            mean: samples.mean() / 1e6,
            p95: percentile(0.95),
            p99: percentile(0.99),
            max: millis(samples.max),
            stdev: samples.standard_deviation() / 1e6,
            jitter: samples.jitter() / 1e6,
        })
    }
}
