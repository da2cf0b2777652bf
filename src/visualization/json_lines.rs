//! `--json`: one object per line, for jq and scripts. The keys are those of DESIGN.md section 7; they are added to, never
//! renamed. docs/json.md says what each means; a test holds the two together.

use super::{Output, Seen, Summary};
use crate::tracking::flow::Flow;
use crate::tracking::judgement::{Because, Judgement, Repeat, Trigger};
use crate::tracking::rtt::Samples;
use crate::tracking::totals::{Amount, Protocol};
use crate::tracking::verdict::Cause;
use crate::tracking::{Connection, ConnectionTracker, Direction, Event, Verdicts};
use crate::utils::addressing::Endpoint;
use crate::utils::time::{Timestamp, millis, seconds};
use anyhow::Result;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::io::Write;

/// Writes JSON lines.
#[derive(Debug)]
pub struct JsonLines {
    /// Whether each packet gets a line.
    pub packets: bool,
}

impl Output for JsonLines {
    fn packet(&mut self, seen: &Seen<'_>, to: &mut dyn Write) -> Result<()> {
        if self.packets {
            line(&PacketLine::of(seen), to)?;
        }
        Ok(())
    }

    fn closed(&mut self, connection: &Connection, to: &mut dyn Write) -> Result<()> {
        line(&ConnectionLine::of(connection, connection.last), to)
    }

    fn finish(
        &mut self,
        tracker: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        let now = summary.totals.last.unwrap_or_default();
        for connection in tracker.connections() {
            line(&ConnectionLine::of(connection, now), to)?;
        }
        line(&SummaryLine::of(tracker, summary), to)
    }
}

fn line<T: Serialize>(value: &T, mut to: &mut dyn Write) -> Result<()> {
    serde_json::to_writer(&mut to, value)?;
    to.write_all(b"\n")?;
    Ok(())
}

#[derive(Serialize)]
struct PacketLine {
    r#type: &'static str,
    frame: u64,
    #[serde(serialize_with = "exact_time")]
    time: Timestamp,
    bytes: u32,
    #[serde(flatten)]
    segment: Option<SegmentPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'static str>,
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
    fn of(seen: &Seen<'_>) -> Self {
        Self {
            r#type: "packet",
            frame: seen.frame.number,
            time: seen.frame.time,
            bytes: seen.frame.wire_len,
            segment: seen.event.map(SegmentPart::of),
            protocol: seen
                .packet
                .other()
                .map(crate::analyzers::other::Other::name),
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
            seq: event.relative_seq,
            ack: event.relative_ack,
            len: event.segment.payload_len,
            flags: event.segment.flags.to_string(),
            window: event.window,
            verdicts: VerdictNames(event.judgement.verdicts),
            rtt_ms: event.rtt.map(millis),
            bytes_in_flight: event.in_flight,
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

/// Seconds since the epoch with all nine decimals, which a double could not hold.
fn exact_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    let text = crate::utils::format::seconds(time.nanos());
    match serde_json::from_str::<&serde_json::value::RawValue>(&text) {
        Ok(number) => number.serialize(serializer),
        Err(_) => serializer.serialize_f64(time.seconds()),
    }
}

/// What the verdicts rest on.
#[derive(Serialize, Default)]
struct Evidence {
    #[serde(skip_serializing_if = "Option::is_none")]
    of_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_last_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_first_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_acks: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sacked_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silence_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spurious: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_from: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_bytes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_ack: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proves_spurious: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'static str>,
}

impl Evidence {
    fn of(judgement: &Judgement) -> Option<Self> {
        let plain = judgement.repeat.is_none() && judgement.missing.is_none();
        if plain && judgement.duplicate_ack == 0 && judgement.proves_spurious.is_none() {
            return None;
        }
        let mut evidence = Evidence {
            missing_from: judgement.missing.map(|(from, _)| from),
            missing_bytes: judgement.missing.map(|(_, octets)| octets),
            duplicate_ack: (judgement.duplicate_ack > 0).then_some(judgement.duplicate_ack),
            proves_spurious: judgement.proves_spurious.map(|spurious| spurious.frame),
            proof: judgement
                .proves_spurious
                .map(|spurious| spurious.proof.name()),
            ..Evidence::default()
        };
        if let Some(repeat) = &judgement.repeat {
            evidence.add_repeat(repeat);
        }
        Some(evidence)
    }

    fn add_repeat(&mut self, repeat: &Repeat) {
        (self.of_frame, self.since_last_ms) = (
            repeat.last.map(|(frame, _)| frame),
            repeat.last.map(|(_, nanos)| millis(nanos)),
        );
        (self.first_frame, self.since_first_ms) = (
            repeat.first.map(|(frame, _)| frame),
            repeat.first.map(|(_, nanos)| millis(nanos)),
        );
        self.cause = repeat.cause.map(Cause::name);
        self.because = Some(because_name(repeat.because));
        self.lost = repeat.cause.map(|_| repeat.lost.name());
        self.spurious = repeat
            .spurious
            .map(super::super::tracking::judgement::Proof::name);
        match repeat.trigger {
            Some(Trigger::DuplicateAcks(number, frame)) => {
                (self.duplicate_acks, self.trigger_frame) = (Some(number), Some(frame));
            }
            Some(Trigger::Sacked(octets, frame)) => {
                (self.sacked_bytes, self.trigger_frame) = (Some(octets), Some(frame));
            }
            Some(Trigger::PartialAck(frame)) => self.trigger_frame = Some(frame),
            Some(Trigger::Silence(nanos)) => self.silence_ms = Some(millis(nanos)),
            None => {}
        }
    }
}

fn because_name(because: Because) -> &'static str {
    match because {
        Because::SeenBefore => "seen_before",
        Because::AcknowledgedBefore => "acknowledged_before",
        Because::NewerIpId => "newer_ip_id",
        Because::OlderIpId => "older_ip_id",
        Because::MissingIpIds(_) => "missing_ip_ids",
        Because::NewerTimestamp => "newer_timestamp",
        Because::OlderTimestamp => "older_timestamp",
        Because::SameFrame => "same_frame",
        Because::SameHeaders => "same_headers",
        Because::TooSoon(_) => "too_soon",
        Because::LateEnough(_) => "late_enough",
        Because::AfterSilence(_) => "after_silence",
    }
}

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
struct ConnectionLine {
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
    fn of(connection: &Connection, now: Timestamp) -> Self {
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
            client_to_server: FlowPart::of(connection, Direction::ToServer),
            server_to_client: FlowPart::of(connection, Direction::ToClient),
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
}

impl FlowPart {
    fn of(connection: &Connection, direction: Direction) -> Self {
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

#[derive(Serialize)]
struct SummaryLine {
    r#type: &'static str,
    source: String,
    format: String,
    link_type: Vec<String>,
    packets: u64,
    bytes: u64,
    first_time: Option<f64>,
    last_time: Option<f64>,
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
    fn of(tracker: &ConnectionTracker, summary: &Summary) -> Self {
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
            first_time: totals.first.map(Timestamp::seconds),
            last_time: totals.last.map(Timestamp::seconds),
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
