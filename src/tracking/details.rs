//! Figures of one direction that small transfers have no use for: kept in a place of their own, which is made when a direction
//! gets that far or something rare happens, so that a connection of a few packets costs no memory for them.
//!
//! What is marked "long transfers" is measured from the ninth data packet of a direction on, once it has
//! sent 8 KiB. Everything else is complete.

use super::connection::Connection;
use super::direction::Direction;
use super::flow::Flow;
use super::judge::Position;
use super::judgement::Judgement;
use super::measurements::{OneWay, is_initial};
use super::record::Recorded;
use super::samples::Samples;
use super::segment::Segment;
use super::sent_log::SentLog;
use super::stream::offset_of;
use super::verdict::Verdict;
use crate::analyzers::tcp::Flags;
use crate::utils::time::{NANOS_PER_MILLI, Timestamp};
use std::collections::VecDeque;

/// Data packets of a direction from which on the figures of long transfers are measured.
pub const LONG_TRANSFER: u64 = 9;
/// Octets of payload from which on they are, too: keystrokes and small requests are no transfers, however many there are.
pub const LONG_TRANSFER_BYTES: u64 = 8192;
/// Timestamp values that wait for their echo; beyond that the oldest are forgotten.
const MAX_WAITING: usize = 256;
/// Shorter pauses are never called idle (ANALYSIS.md 7.6).
const LEAST_IDLE: i64 = 10 * NANOS_PER_MILLI;

/// The figures.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// Packets with PSH but without data.
    pub pushed_without_data: u64,
    /// Packets with URG and data.
    pub urgent_data_packets: u64,
    /// The sum of their urgent pointers.
    pub urgent_bytes: u64,
    /// The most SACK blocks in one packet.
    pub most_sack_blocks: u8,
    /// Octets that window probes carried.
    pub probe_bytes: u64,
    /// Data packets of which the snap length cut something off.
    pub cut_packets: u64,
    /// How many octets of payload that was.
    pub cut_bytes: u64,
    /// How often a duplicate ACK was the third.
    pub third_duplicate_acks: u64,
    /// Acknowledgments of this side's data that time nothing, because the segment at their end was sent more than once (Karn).
    pub ambiguous_acks: u64,
    /// Those that time nothing because they cover an earlier segment that was sent again later.
    pub post_loss_acks: u64,
    /// From the last transmission of a repeated segment to its acknowledgment.
    pub rtt_of_last_copy: Samples,
    /// From a transmission to the next of the same octets.
    pub repeat_wait: Samples,
    /// From a segment to the first selective acknowledgment that covers it.
    pub sack_rtt: Samples,
    /// Long transfers: from a new timestamp value of this side's data to its first echo (RFC 7323 §4.1).
    pub timestamp_rtt: Samples,
    /// Long transfers: round trips of segments of the largest size.
    pub full_size_rtt: Samples,
    /// Long transfers: segments that were acknowledged by an acknowledgment of a later one.
    pub acknowledged_with_later: u64,
    /// Long transfers: the fewest octets in flight, but not 0.
    pub least_in_flight: Option<u64>,
    /// The smallest window offered that was not 0; `None` unless a window was 0.
    pub smallest_open_window: Option<u64>,
    has_closed: bool,
    full_size: u32,
    flight: Flight,
    sizes: Sizes,
    waiting: VecDeque<(u32, Timestamp)>,
}

impl Details {
    /// Octets in flight, weighted by time; `None` where no time passed. Long transfers.
    pub fn mean_in_flight(&self) -> Option<f64> {
        (self.flight.nanos > 0).then(|| self.flight.weighted / self.flight.nanos as f64)
    }

    /// Octets of memory they take, themselves included.
    pub fn memory(&self) -> usize {
        let samples = [
            &self.rtt_of_last_copy,
            &self.repeat_wait,
            &self.sack_rtt,
            &self.timestamp_rtt,
            &self.full_size_rtt,
        ];
        size_of::<Self>()
            + samples.map(Samples::memory).iter().sum::<usize>()
            + self.waiting.capacity() * size_of::<(u32, Timestamp)>()
    }

    /// The most frequent size among the larger half of the segments; `None` before there are nine. Long transfers.
    pub fn full_size(&self) -> Option<u32> {
        self.sizes.most_frequent_full()
    }
}

/// Octets in flight over time.
#[derive(Clone, Debug, Default)]
struct Flight {
    latest: Option<(u64, Timestamp)>,
    weighted: f64,
    nanos: i64,
}

/// The most frequent sizes, in bounded memory: a size that is none of them takes one off each (Misra and Gries, 1982), so that
/// a size of more than a fifth of all segments is among the four for sure.
#[derive(Clone, Debug, Default)]
struct Sizes([(u32, u32); 4]);

impl Sizes {
    fn add(&mut self, size: u32) {
        if let Some(known) = self
            .0
            .iter_mut()
            .find(|known| known.0 == size && known.1 > 0)
        {
            known.1 = known.1.saturating_add(1);
        } else if let Some(free) = self.0.iter_mut().find(|known| known.1 == 0) {
            *free = (size, 1);
        } else {
            self.0.iter_mut().for_each(|known| known.1 -= 1);
        }
    }

    fn most_frequent_full(&self) -> Option<u32> {
        let largest = self
            .0
            .iter()
            .filter(|known| known.1 > 0)
            .map(|known| known.0)
            .max()?;
        let full = self
            .0
            .iter()
            .filter(|known| known.1 > 0 && known.0 * 2 > largest);
        full.max_by_key(|known| (known.1, known.0))
            .map(|known| known.0)
    }
}

/// What is only known before a segment is recorded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before {
    sack_rtt: Option<i64>,
    idle: i64,
    /// The smallest window that its sender has offered so far, if it never was 0.
    smallest_window: Option<u64>,
}

/// Looks at a segment before it is recorded.
pub fn before(
    connection: &Connection,
    log: &SentLog,
    direction: Direction,
    segment: &Segment,
    position: Position,
) -> Before {
    Before {
        sack_rtt: selectively_timed(connection, log, direction, segment, position),
        idle: idle(connection, segment),
        smallest_window: connection.measured(direction).windows.smallest_open(),
    }
}

/// The round trip that a selective acknowledgment times: the highest octet of its first new block, if it was sent once (Karn).
fn selectively_timed(
    connection: &Connection,
    log: &SentLog,
    direction: Direction,
    segment: &Segment,
    position: Position,
) -> Option<i64> {
    let block = segment.options.sack.as_slice().first()?;
    let stream = &connection.flow(direction.reverse()).stream;
    let (base, ack) = (stream.base()?, position.ack?);
    let (left, right) = (
        offset_of(base, block.left, ack),
        offset_of(base, block.right, ack),
    );
    let last = right - 1..right;
    if left >= right || right <= ack || stream.sacked().overlap(&last) > 0 {
        return None;
    }
    let sent = stream.latest_of(&last, log)?;
    (sent.repeats == 0 && !sent.sent_again).then(|| segment.time.since(sent.time))
}

/// Nanoseconds that this segment ends in which nothing was in flight either way (ANALYSIS.md 7.6); 0 if it ends no such pause.
fn idle(connection: &Connection, segment: &Segment) -> i64 {
    let pause = segment.time.since(connection.last);
    if pause <= LEAST_IDLE || pause <= connection.round_trip().unwrap_or(0) {
        return 0;
    }
    let quiet = connection
        .flows
        .0
        .iter()
        .all(|flow| flow.stream.lowest_unacknowledged() >= flow.stream.end);
    if quiet { pause } else { 0 }
}

/// Takes in a segment that has been judged and recorded, and is no copy of one that was. `own` is what is measured of its sender's
/// direction.
pub fn note(
    (own, other): (&mut OneWay, &mut OneWay),
    (sender, receiver): (&Flow, &Flow),
    segment: &Segment,
    judgement: &Judgement,
    recorded: &Recorded,
    before: Before,
) {
    own.idle = own.idle.saturating_add(before.idle);
    if segment.payload_len > 0 && is_initial(sender) {
        own.initial_packets = own.initial_packets.saturating_add(1);
    }
    windows(&mut own.details, segment, recorded.window, before);
    sent(&mut own.details, sender, segment, judgement, recorded);
    acknowledged(&mut other.details, receiver, segment, recorded, before);
}

/// Whether the figures of long transfers are measured for a direction.
fn is_long(flow: &Flow) -> bool {
    flow.counts.data_packets >= LONG_TRANSFER && flow.counts.payload_bytes >= LONG_TRANSFER_BYTES
}

/// The smallest open window, from when a window was closed on.
fn windows(details: &mut Option<Box<Details>>, segment: &Segment, window: u64, before: Before) {
    if segment.flags.rst() {
        return;
    }
    match (details, window) {
        (details, 0) => {
            let details = details.get_or_insert_default();
            if !details.has_closed {
                details.has_closed = true;
                details.smallest_open_window = before.smallest_window;
            }
        }
        (Some(details), _) if details.has_closed => {
            let smallest = &mut details.smallest_open_window;
            *smallest = Some(smallest.map_or(window, |smallest| smallest.min(window)));
        }
        _ => {}
    }
}

/// What the segment adds to its own direction.
fn sent(
    details: &mut Option<Box<Details>>,
    sender: &Flow,
    segment: &Segment,
    judgement: &Judgement,
    recorded: &Recorded,
) {
    let is_long = is_long(sender);
    let len = segment.payload_len;
    let blocks = segment.options.sack.as_slice().len() as u8;
    let cut = len.saturating_sub(segment.payload_captured);
    let has_urgent = segment.flags.any(Flags::URG) && len > 0;
    let is_probe = judgement.has(Verdict::ZeroWindowProbe);
    let pushes_nothing = segment.flags.any(Flags::PSH) && len == 0;
    let waited = judgement
        .repeat
        .filter(|repeat| repeat.cause.is_some())
        .and_then(|repeat| repeat.last);
    let rare = blocks > 0
        || cut > 0
        || has_urgent
        || is_probe
        || pushes_nothing
        || waited.is_some()
        || judgement.duplicate_ack == 3;
    if !(rare || is_long && len > 0) {
        return;
    }
    let details = details.get_or_insert_default();
    details.pushed_without_data += u64::from(pushes_nothing);
    details.most_sack_blocks = details.most_sack_blocks.max(blocks);
    details.third_duplicate_acks += u64::from(judgement.duplicate_ack == 3);
    if has_urgent {
        details.urgent_data_packets += 1;
        details.urgent_bytes += u64::from(segment.urgent);
    }
    if is_probe {
        details.probe_bytes += u64::from(len);
    }
    if cut > 0 {
        details.cut_packets += 1;
        details.cut_bytes += u64::from(cut);
    }
    if let Some((_, nanos)) = waited {
        details.repeat_wait.add(nanos);
    }
    if is_long && len > 0 {
        details.long_transfer(segment, recorded.in_flight.unwrap_or(0));
    }
}

impl Details {
    fn long_transfer(&mut self, segment: &Segment, in_flight: u64) {
        self.sizes.add(segment.payload_len);
        if in_flight > 0 {
            self.least_in_flight = Some(
                self.least_in_flight
                    .map_or(in_flight, |least| least.min(in_flight)),
            );
        }
        if let Some((before, since)) = self.flight.latest {
            let nanos = segment.time.since(since).max(0);
            self.flight.weighted += before as f64 * nanos as f64;
            self.flight.nanos = self.flight.nanos.saturating_add(nanos);
        }
        self.flight.latest = Some((in_flight, segment.time));
        // A value stays for a tick of the sender's clock, so only the first packet with it is timed.
        if let Some(timestamps) = segment.options.timestamps
            && self
                .waiting
                .back()
                .is_none_or(|&(newest, _)| timestamps.value.wrapping_sub(newest) as i32 > 0)
        {
            if self.waiting.len() >= MAX_WAITING {
                self.waiting.pop_front();
            }
            self.waiting.push_back((timestamps.value, segment.time));
        }
    }

    /// An echo of a timestamp value: what it times, the first time.
    fn echo(&mut self, echo: u32, time: Timestamp) {
        while let Some(&(value, sent)) = self.waiting.front() {
            match echo.wrapping_sub(value) as i32 {
                ..=-1 => return,
                0 => self.timestamp_rtt.add(time.since(sent)),
                1.. => {}
            }
            self.waiting.pop_front();
        }
    }
}

/// What the segment tells of the other direction's data.
fn acknowledged(
    details: &mut Option<Box<Details>>,
    receiver: &Flow,
    segment: &Segment,
    recorded: &Recorded,
    before: Before,
) {
    let news = &recorded.acknowledged;
    let untimed = news.segments > 0 && news.timed.is_none();
    if untimed || before.sack_rtt.is_some() {
        let details = details.get_or_insert_default();
        if let Some(nanos) = before.sack_rtt {
            details.sack_rtt.add(nanos);
        }
        if untimed && news.last_repeated {
            details.ambiguous_acks += 1;
            if let Some(last) = news.last {
                details.rtt_of_last_copy.add(segment.time.since(last));
            }
        } else if untimed {
            details.post_loss_acks += 1;
        }
    }
    if !is_long(receiver) {
        return;
    }
    let Some(details) = details else { return };
    details.acknowledged_with_later += u64::from(news.segments.saturating_sub(1));
    if let Some(timestamps) = segment.options.timestamps.filter(|_| segment.flags.ack()) {
        details.echo(timestamps.echo, segment.time);
    }
    let Some(nanos) = recorded.rtt else { return };
    if news.last_len > details.full_size {
        details.full_size = news.last_len;
        details.full_size_rtt = Samples::default();
    }
    if news.last_len == details.full_size {
        details.full_size_rtt.add(nanos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_size_is_the_most_frequent_of_the_large_ones() {
        let mut sizes = Sizes::default();
        for at in 0..200 {
            sizes.add(if at % 3 == 0 { 10 + at } else { 1448 });
        }
        sizes.add(1460);
        assert_eq!(sizes.most_frequent_full(), Some(1448));
        assert_eq!(Sizes::default().most_frequent_full(), None);
    }

    #[test]
    fn only_the_first_packet_with_a_timestamp_is_timed_and_only_once() {
        let mut details = Details::default();
        let at = Timestamp::from_nanos;
        details
            .waiting
            .extend([(5, at(0)), (6, at(100)), (9, at(300))]);
        for (echo, time) in [(4, 400), (6, 450), (6, 500), (7, 510)] {
            details.echo(echo, at(time));
        }
        assert_eq!(
            (
                details.timestamp_rtt.figures().count,
                details.timestamp_rtt.figures().max
            ),
            (1, 350)
        );
        assert_eq!(details.waiting.len(), 1);
    }
}
