//! The object of one direction of a connection: everything its sender did, in the order counts, sizes, windows, times, verdicts.

use super::limits::LimitsPart;
use super::wireshark;
use crate::tracking::details::Details;
use crate::tracking::flow::Flow;
use crate::tracking::measurements::OneWay;
use crate::tracking::samples::Figures;
use crate::tracking::verdict::{Cause, Verdict};
use crate::tracking::wireshark::WiresharkView;
use crate::tracking::{Connection, Direction};
use crate::utils::time::millis;
use serde::Serialize;
use std::collections::BTreeMap;

/// Ranges that were never captured are listed up to this many; their octets are counted all the same.
const MISSING_LISTED: usize = 16;

#[derive(Serialize)]
pub struct DirectionPart {
    packets: u64,
    bytes: u64,
    payload_bytes: u64,
    unique_bytes: u64,
    retransmitted_bytes: u64,
    retransmitted_packets: u32,
    delivered_bytes: u64,
    stream_bytes: Option<u64>,
    data_packets: u64,
    pushed_data_packets: u64,
    urgent_data_packets: u64,
    urgent_bytes: u64,
    pure_acks: u64,
    syn_packets: u32,
    fin_packets: u32,
    rst_packets: u32,
    psh_packets: u64,
    urg_packets: u64,
    sack_packets: u64,
    dsack_packets: u64,
    most_sack_blocks: u8,
    third_duplicate_acks: u64,
    cut_packets: u64,
    cut_bytes: u64,
    wrong_checksums: u64,
    offloaded_checksums: u64,
    mss: Option<u16>,
    effective_mss: u32,
    largest_payload: u32,
    smallest_payload: u32,
    mean_payload: Option<f64>,
    window_scale: Option<u8>,
    sack_permitted: bool,
    timestamps: bool,
    window: Option<WindowPart>,
    max_in_flight: u64,
    min_in_flight: Option<u64>,
    mean_in_flight: Option<f64>,
    mean_in_flight_by_time: Option<f64>,
    initial_window_bytes: u64,
    initial_window_packets: u16,
    window_probe_bytes: u64,
    throughput_bps: Option<f64>,
    throughput_over_transfer_bps: Option<f64>,
    throughput_over_active_time_bps: Option<f64>,
    goodput_bps: Option<f64>,
    goodput_over_transfer_bps: Option<f64>,
    goodput_over_active_time_bps: Option<f64>,
    transfer_ms: f64,
    longest_pause_ms: f64,
    idle_ms: f64,
    rtt_ms: Option<SamplesPart>,
    syn_rtt_ms: Option<f64>,
    timestamp_rtt_ms: Option<SamplesPart>,
    sack_rtt_ms: Option<SamplesPart>,
    full_size_rtt_ms: Option<SamplesPart>,
    last_copy_rtt_ms: Option<SamplesPart>,
    ambiguous_acks: u64,
    post_loss_acks: u64,
    acknowledged_with_later: u64,
    repeat_wait_ms: Option<SamplesPart>,
    most_repeats: u16,
    missing_bytes: u64,
    acknowledged_unseen_bytes: u64,
    missing: Vec<MissingPart>,
    verdicts: BTreeMap<&'static str, u32>,
    causes: BTreeMap<&'static str, u32>,
    limits: Option<LimitsPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wireshark: Option<BTreeMap<&'static str, u32>>,
}

/// The windows that the sender of a direction offered, in bytes.
#[derive(Serialize)]
struct WindowPart {
    max: u64,
    min: u64,
    min_open: u64,
    mean: f64,
    zero_packets: u32,
    zero_ms: f64,
}

/// Octets that were never captured.
#[derive(Serialize)]
struct MissingPart {
    from: i64,
    bytes: u64,
    acknowledged: bool,
    before_frame: u64,
}

impl DirectionPart {
    /// What is known of a direction.
    pub fn of(connection: &Connection, way: Direction, view: Option<&WiresharkView>) -> Self {
        let flow = connection.flow(way);
        let counts = &flow.counts;
        let none = Details::default();
        let measured = connection.measured(way);
        let details = measured.details.as_deref().unwrap_or(&none);
        let bits = |bytes: Option<f64>| bytes.map(|bytes| bytes * 8.0);
        let (throughput, goodput) = (connection.throughputs(way), connection.goodput(way));
        Self {
            packets: counts.packets,
            bytes: counts.wire_bytes,
            payload_bytes: counts.payload_bytes,
            unique_bytes: measured.unique_bytes,
            retransmitted_bytes: counts.rare().retransmitted_bytes,
            retransmitted_packets: flow.retransmissions(),
            delivered_bytes: connection.delivered(way),
            stream_bytes: connection.stream_length(way),
            data_packets: counts.data_packets,
            pushed_data_packets: measured.psh.saturating_sub(details.pushed_without_data),
            urgent_data_packets: details.urgent_data_packets,
            urgent_bytes: details.urgent_bytes,
            pure_acks: counts.pure_acks,
            syn_packets: counts.syn,
            fin_packets: counts.fin,
            rst_packets: counts.rst,
            psh_packets: measured.psh,
            urg_packets: counts.rare().urg,
            sack_packets: counts.rare().sack,
            dsack_packets: counts.rare().dsack,
            most_sack_blocks: details.most_sack_blocks,
            third_duplicate_acks: details.third_duplicate_acks,
            cut_packets: details.cut_packets,
            cut_bytes: details.cut_bytes,
            wrong_checksums: counts.rare().checksums_wrong,
            offloaded_checksums: counts.rare().checksums_offloaded,
            mss: flow.offer.mss,
            effective_mss: connection.effective_mss(way),
            largest_payload: counts.largest_payload,
            smallest_payload: measured.smallest_payload,
            mean_payload: mean(counts.payload_bytes, counts.data_packets),
            window_scale: flow.offer.window_scale,
            sack_permitted: flow.offer.sack_permitted,
            timestamps: flow.offer.timestamps,
            window: WindowPart::of(flow, measured, details),
            max_in_flight: measured.max_in_flight,
            min_in_flight: details.least_in_flight,
            mean_in_flight: (measured.in_flight_samples > 0)
                .then(|| measured.in_flight_sum as f64 / measured.in_flight_samples as f64),
            mean_in_flight_by_time: details.mean_in_flight(),
            initial_window_bytes: measured.initial_window,
            initial_window_packets: measured.initial_packets,
            window_probe_bytes: details.probe_bytes,
            throughput_bps: bits(throughput.over_connection),
            throughput_over_transfer_bps: bits(throughput.over_transfer),
            throughput_over_active_time_bps: bits(throughput.over_active_time),
            goodput_bps: bits(goodput.over_connection),
            goodput_over_transfer_bps: bits(goodput.over_transfer),
            goodput_over_active_time_bps: bits(goodput.over_active_time),
            transfer_ms: millis(connection.transfer_time(way)),
            longest_pause_ms: millis(measured.longest_pause),
            idle_ms: millis(measured.idle),
            rtt_ms: SamplesPart::of(&measured.ack_rtt.figures()),
            syn_rtt_ms: measured.syn_rtt.get().map(millis),
            timestamp_rtt_ms: SamplesPart::of(&details.timestamp_rtt.figures()),
            sack_rtt_ms: SamplesPart::of(&details.sack_rtt.figures()),
            full_size_rtt_ms: SamplesPart::of(&details.full_size_rtt.figures()),
            last_copy_rtt_ms: SamplesPart::of(&details.rtt_of_last_copy.figures()),
            ambiguous_acks: details.ambiguous_acks,
            post_loss_acks: details.post_loss_acks,
            acknowledged_with_later: details.acknowledged_with_later,
            repeat_wait_ms: SamplesPart::of(&details.repeat_wait.figures()),
            most_repeats: counts.rare().most_repeats,
            missing_bytes: connection
                .missing(way)
                .map(|missing| octets(&missing.range))
                .sum(),
            acknowledged_unseen_bytes: counts.rare().unseen_acknowledged,
            missing: missing(connection, way),
            verdicts: counts
                .verdicts()
                .iter()
                .map(|(verdict, number)| (verdict.name(), number))
                .collect(),
            causes: causes(flow),
            limits: connection.spent(way).as_ref().map(LimitsPart::of),
            wireshark: wireshark::counts(view, connection.id, way),
        }
    }
}

fn mean(sum: u64, number: u64) -> Option<f64> {
    (number > 0).then(|| sum as f64 / number as f64)
}

fn octets(range: &std::ops::Range<i64>) -> u64 {
    range.end.saturating_sub(range.start).max(0).unsigned_abs()
}

fn missing(connection: &Connection, way: Direction) -> Vec<MissingPart> {
    connection
        .missing(way)
        .take(MISSING_LISTED)
        .map(|missing| MissingPart {
            from: missing.range.start,
            bytes: octets(&missing.range),
            acknowledged: missing.acknowledged,
            before_frame: missing.before_frame,
        })
        .collect()
}

fn causes(flow: &Flow) -> BTreeMap<&'static str, u32> {
    Cause::ALL
        .iter()
        .zip(flow.counts.rare().causes)
        .filter(|&(_, number)| number > 0)
        .map(|(cause, number)| (cause.name(), number))
        .collect()
}

impl WindowPart {
    fn of(flow: &Flow, measured: &OneWay, details: &Details) -> Option<Self> {
        let windows = &measured.windows;
        Some(Self {
            max: windows.max.into(),
            min: windows.min.into(),
            min_open: details.smallest_open_window.unwrap_or(windows.min.into()),
            mean: windows.mean()?,
            zero_packets: flow.counts.verdicts().of(Verdict::ZeroWindow),
            zero_ms: millis(windows.zero_nanos),
        })
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
    fn of(samples: &Figures) -> Option<Self> {
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
