//! Records a judged segment in both flows. Nothing is decided here; the judge has spoken before.

use super::counting::{count, count_expected, count_first_syn};
use super::direction::Direction;
use super::flow::{Flow, Latest, LatestSegment, Offer, Recovery};
use super::judge::Position;
use super::judge::duplicate_block;
use super::judgement::Judgement;
use super::segment::{Header, Segment};
use super::sent_log::SentLog;
use super::stream::{Acknowledged, Sent, offset_of};
use super::verdict::{Cause, Verdict};
use crate::utils::maybe::Maybe;

/// What recording a segment brought to light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The window it offers in bytes, scaled where the scale is known.
    pub window: u64,
    /// Octets under way behind it, as its sender knew it; `None` without data, and where nobody wants measurements.
    pub in_flight: Option<u64>,
    /// Octets of payload that the capture sees for the first time.
    pub fresh: u64,
    /// Whether its octets count as a transmission: it has some, and is no probe.
    pub transmits: bool,
    /// Where it moved the acknowledgment to; `None` if it did not.
    pub moves: Option<i64>,
    /// Whether the round trip is that of a SYN.
    pub times_syn: bool,
    /// The round trip that its acknowledgment times, in nanoseconds.
    pub rtt: Option<i64>,
    /// What it acknowledges that was not acknowledged before.
    pub acknowledged: Acknowledged,
}

/// Records a segment from `sender`'s side.
pub fn record(
    (sender, receiver): (&mut Flow, &mut Flow),
    log: &mut SentLog,
    segment: &Segment,
    position: Position,
    judgement: &Judgement,
    recorded: &mut Recorded,
) {
    count(&mut sender.counts, segment, judgement);
    let window = scaled_window(sender, receiver, segment);
    *recorded = Recorded {
        window: u64::from(window),
        ..Recorded::default()
    };
    let verdicts = judgement.verdicts;
    if verdicts.has(Verdict::Duplicate) || segment.header == Header::TooLong {
        return;
    }
    if segment.flags.syn() {
        sender.offer = offer(segment);
    }
    // What it offers was offered on another connection.
    if verdicts.has(Verdict::OldDuplicate) {
        return;
    }
    if !segment.flags.rst() {
        let anew = is_first_scaled(sender, receiver, segment);
        sender.windows.add(window, anew);
    }
    let mut sent = transmission(segment, position);
    sent.spurious = verdicts.has(Verdict::SpuriousRetransmission);
    if !segment.flags.rst() {
        octets(sender, log, segment, &mut sent, judgement, recorded);
        if let Some(ack) = position.ack.filter(|_| !verdicts.has(Verdict::BadSynAck)) {
            let flows = (&mut *sender, receiver);
            acknowledgment(flows, log, segment, ack, &sent, judgement, recorded);
        }
    }
    remember(sender, segment, judgement);
}

/// What [`record`] comes to for a segment of which nothing is said ([`super::expected`]): its octets, if it has some, begin where
/// its sender's stream ends, and `ack` is nothing that was not captured.
#[inline]
pub fn record_expected(
    (sender, receiver): (&mut Flow, &mut Flow),
    log: &mut SentLog,
    segment: &Segment,
    position: Position,
    ack: i64,
    recorded: &mut Recorded,
) {
    let len = segment.payload_len;
    count_expected(&mut sender.counts, segment);
    let window = scaled_window(sender, receiver, segment);
    let anew = is_first_scaled(sender, receiver, segment);
    sender.windows.add(window, anew);
    *recorded = Recorded {
        window: u64::from(window),
        fresh: u64::from(len),
        transmits: len > 0,
        ..Recorded::default()
    };
    if len > 0 {
        sender.first_data.set_if_none(segment.time);
        sender.last_data = segment.time.into();
        let mut sent = transmission(segment, position);
        sender.stream.append(&mut sent, log);
    }
    let before = receiver.stream.acknowledged;
    note_edge(receiver, ack, recorded.window);
    sender.acknowledging.last_time = segment.time.into();
    if receiver.stream.is_news(ack) {
        recorded.acknowledged = receiver.stream.acknowledge_sent(ack, log);
        recorded.moves = Some(ack);
        sender.acknowledging.duplicates = 0;
        sender.acknowledging.last_progress = segment.frame;
        leave_recovery(receiver, ack);
        time_round_trip(receiver, segment, ack, before, recorded);
    }
    remember(sender, segment, &Judgement::NOTHING);
}

/// What [`record`] comes to for a SYN without data that begins a connection, where nothing is said of it.
#[inline]
pub fn record_first_syn(
    sender: &mut Flow,
    log: &mut SentLog,
    segment: &Segment,
    position: Position,
) -> Recorded {
    count_first_syn(&mut sender.counts, segment);
    sender.offer = offer(segment);
    // Never scaled on a SYN (RFC 7323 §2.2).
    let window = u32::from(segment.window);
    sender.windows.add(window, false);
    let mut sent = transmission(segment, position);
    sender.stream.begin(segment.seq, &mut sent, log);
    remember(sender, segment, &Judgement::NOTHING);
    Recorded {
        window: window.into(),
        transmits: true,
        ..Recorded::default()
    }
}

/// What a SYN offers. Options that were cut off are unknown, not absent.
fn offer(segment: &Segment) -> Offer {
    Offer {
        known: segment.header == Header::Whole,
        mss: segment.options.mss,
        window_scale: segment.options.window_scale.map(|shift| shift.min(14)),
        sack_permitted: segment.options.sack_permitted,
        timestamps: segment.options.timestamps.is_some(),
    }
}

/// The window in bytes. Scaling holds only if both SYNs offered it, and never on a SYN itself (RFC 7323 §2).
#[inline(always)]
pub(super) fn scaled_window(sender: &Flow, receiver: &Flow, segment: &Segment) -> u32 {
    let shift = match (sender.offer.window_scale, receiver.offer.window_scale) {
        (Some(shift), Some(_)) if !segment.flags.syn() => shift,
        _ => 0,
    };
    u32::from(segment.window) << shift
}

/// Whether scaling sets in: what the SYN offered was cut to 16 bits, and is no measure for what follows.
#[inline(always)]
pub(super) fn is_first_scaled(sender: &Flow, receiver: &Flow, segment: &Segment) -> bool {
    let scaling = sender.offer.window_scale.is_some() && receiver.offer.window_scale.is_some();
    scaling && !segment.flags.syn() && sender.counts.packets == u64::from(sender.counts.syn) + 1
}

#[inline(always)]
fn transmission(segment: &Segment, position: Position) -> Sent {
    Sent {
        start: position.start,
        end: position.end,
        frame: segment.frame,
        time: segment.time,
        first: (segment.frame, segment.time),
        ack: segment.ack,
        window: segment.window,
        ip_id: segment.ip_id.unwrap_or(0),
        tsval: segment
            .options
            .timestamps
            .map(|timestamps| timestamps.value),
        hops_left: segment.hops_left,
        place: segment.place,
        repeats: 0,
        sent_again: false,
        spurious: false,
        acknowledged_before: false,
    }
}

/// The octets of the segment itself.
fn octets(
    sender: &mut Flow,
    log: &mut SentLog,
    segment: &Segment,
    sent: &mut Sent,
    judgement: &Judgement,
    recorded: &mut Recorded,
) {
    let verdicts = judgement.verdicts;
    let below = sent.start < sender.stream.end;
    if below && sender.stream.started {
        sender.stream.note_looks();
    }
    let is_probe =
        verdicts.has(Verdict::KeepAlive) || verdicts.has(Verdict::ZeroWindowProbe) && below;
    if sent.start == sent.end || is_probe {
        if !is_probe {
            sender.stream.reach(sent, log);
        }
        return;
    }
    if segment.payload_len > 0 {
        sender.first_data.set_if_none(segment.time);
        sender.last_data = segment.time.into();
    }
    let syn_and_fin = u64::from(segment.flags.syn()) + u64::from(segment.flags.fin());
    let fresh = sender.stream.transmit(sent, log).unsigned_abs();
    recorded.fresh = fresh.saturating_sub(syn_and_fin);
    recorded.transmits = true;
    remember_tail(sender, judgement);
    if segment.flags.fin() {
        sender.stream.fin = (sent.end - 1).into();
    }
    if verdicts.has(Verdict::Retransmission) {
        let counts = sender.counts.rare_mut();
        counts.most_repeats = counts.most_repeats.max(sent.repeats.max(1));
        sender.stream.note_repeat(segment.time);
        recover(sender, judgement);
    }
}

/// The packets that are known to be missing behind the captured octets become fewer as these go on.
fn remember_tail(sender: &mut Flow, judgement: &Judgement) {
    let end = sender.stream.end;
    if let Some(packets) = judgement.lost_tail {
        sender.recovering_mut().lost_tail = Some((end, packets));
    } else if let Some((tail, packets)) = sender.recovering().lost_tail {
        let is_new = judgement.has(Verdict::LostSegment) && !judgement.has(Verdict::Retransmission);
        let size = i64::from(sender.segment_size());
        let gone = (end - tail + size - 1) / size;
        let rest = if is_new { 0 } else { i64::from(packets) - gone };
        sender.recovering_mut().lost_tail = u16::try_from(rest)
            .ok()
            .filter(|&rest| rest > 0)
            .map(|rest| (end, rest));
    }
}

/// A retransmission opens a recovery that lasts until everything sent before it is acknowledged.
fn recover(sender: &mut Flow, judgement: &Judgement) {
    let until = sender.stream.end;
    let recovery = &mut sender.recovering_mut().recovery;
    match judgement.repeat.and_then(|repeat| repeat.cause) {
        Some(Cause::Timeout) => *recovery = Recovery::Timeout(until),
        Some(Cause::Fast | Cause::Rack) if *recovery == Recovery::None => {
            *recovery = Recovery::Fast(until);
        }
        _ => {}
    }
}

/// What the segment says of the receiver's octets: the round trip that it times, and what it newly acknowledges.
fn acknowledgment(
    (sender, receiver): (&mut Flow, &mut Flow),
    log: &mut SentLog,
    segment: &Segment,
    ack: i64,
    sent: &Sent,
    judgement: &Judgement,
    recorded: &mut Recorded,
) {
    let stream = &mut receiver.stream;
    let before = stream.acknowledged;
    if let Some((_, octets)) = stream.unseen_below(ack) {
        receiver.counts.rare_mut().unseen_acknowledged += octets.unsigned_abs();
    }
    let news = stream.acknowledge(ack, sent, log);
    let moved = stream.acknowledged != before;
    note_edge(receiver, ack, recorded.window);
    let told = blocks(receiver, log, segment, ack);
    if told.duplicate {
        sender.counts.rare_mut().dsack += 1;
    }
    if let Some(spurious) = judgement.proves_spurious {
        receiver.stream.mark_spurious(spurious.frame, log);
        // A timeout that turns out needless is taken back, and what is lost then is lost by itself (RFC 4015 §3).
        if spurious.first_arrived && matches!(receiver.recovering().recovery, Recovery::Timeout(_))
        {
            receiver.recovering_mut().recovery = Recovery::None;
        }
        receiver
            .counts
            .rare_mut()
            .verdicts
            .add(Verdict::SpuriousRetransmission);
    }
    let acknowledging = &mut sender.acknowledging;
    acknowledging.last_time = segment.time.into();
    if moved {
        acknowledging.duplicates = 0;
    }
    if moved || told.news {
        acknowledging.last_progress = segment.frame;
    }
    if judgement.duplicate_ack > 0 {
        acknowledging.duplicates = judgement.duplicate_ack;
        sender.recovering_mut().last_duplicate = segment.frame;
    }
    if told.news {
        sender.recovering_mut().last_sack = segment.frame;
    }
    if moved {
        leave_recovery(receiver, ack);
    }
    (recorded.acknowledged, recorded.moves) = (news, moved.then_some(ack));
    time_round_trip(receiver, segment, ack, before, recorded);
}

/// How far the receiver's window reaches.
#[inline(always)]
fn note_edge(receiver: &mut Flow, ack: i64, window: u64) {
    let stream = &mut receiver.stream;
    let edge = ack.saturating_add_unsigned(window);
    stream.edge = stream.edge.unwrap_or(edge).max(edge).into();
}

/// The round trip that an acknowledgment times. `before` is what was acknowledged before it.
#[inline(always)]
fn time_round_trip(
    receiver: &mut Flow,
    segment: &Segment,
    ack: i64,
    before: Maybe<i64>,
    recorded: &mut Recorded,
) {
    let Some(timed) = recorded.acknowledged.timed else {
        return;
    };
    let rtt = segment.time.since(timed);
    receiver.add_rtt(rtt);
    recorded.rtt = Some(rtt);
    recorded.times_syn = before.is_none_or(|before| before < 1) && ack == 1;
}

/// What selective blocks told.
#[derive(Default)]
struct Told {
    duplicate: bool,
    news: bool,
}

fn blocks(receiver: &mut Flow, log: &mut SentLog, segment: &Segment, ack: i64) -> Told {
    let Some(base) = receiver.stream.base() else {
        return Told::default();
    };
    let blocks = segment.options.sack.as_slice();
    let ranges = || {
        blocks
            .iter()
            .map(|block| offset_of(base, block.left, ack)..offset_of(base, block.right, ack))
    };
    let duplicate = duplicate_block(ranges(), ack).is_some();
    let mut news = 0;
    for range in ranges().skip(usize::from(duplicate)) {
        news += receiver.stream.selectively_acknowledge(range, log);
    }
    Told {
        duplicate,
        news: news > 0,
    }
}

fn leave_recovery(receiver: &mut Flow, ack: i64) {
    if let Recovery::Fast(until) | Recovery::Timeout(until) = receiver.recovering().recovery
        && ack >= until
    {
        receiver.recovering_mut().recovery = Recovery::None;
    }
}

/// What the next segment of this side is compared with.
#[inline(always)]
fn remember(sender: &mut Flow, segment: &Segment, judgement: &Judgement) {
    let loss = judgement.has(Verdict::LostSegment) || judgement.has(Verdict::Retransmission);
    sender.ip_ids.observe(segment.ip_id, loss);
    if let Some(timestamps) = segment.options.timestamps {
        let newer = sender
            .newest_tsval
            .is_none_or(|newest| timestamps.value.wrapping_sub(newest) as i32 > 0);
        sender.newest_tsval = if newer {
            Some(timestamps.value)
        } else {
            sender.newest_tsval
        };
    }
    sender.latest = Some(Latest {
        segment: LatestSegment::of(segment),
        verdicts: judgement.verdicts,
    });
}

/// Which way data mostly flow: the direction with more payload.
pub fn main_direction(to_server: &Flow, to_client: &Flow) -> Direction {
    if to_server.counts.payload_bytes >= to_client.counts.payload_bytes {
        Direction::ToServer
    } else {
        Direction::ToClient
    }
}
