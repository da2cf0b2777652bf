//! What nearly all segments are: the next octets in order on an open connection, or an acknowledgment of more, with nothing remarkable
//! about them. No rule says anything of these, and no state changes, so that the judge need not be asked (what TCP
//! implementations call header prediction: Jacobson, "4BSD TCP header prediction", 1990). Every condition here rules out what
//! some rule of [`super::judge`] looks for. Builds with debug assertions ask the judge all the same, and compare.

use super::connection::Connection;
use super::direction::Direction;
use super::flow::{Flow, Latest};
use super::judge::Position;
use super::segment::{Header, Segment};
use super::state::State;
use crate::analyzers::Checksum;
use crate::analyzers::tcp::Flags;

/// Whether nothing can be said of a segment. `false` says nothing: then the judge has to be asked.
#[inline(always)]
pub fn is_expected(
    connection: &Connection,
    direction: Direction,
    segment: &Segment,
    position: Position,
) -> bool {
    let (sender, receiver) = (
        connection.flow(direction),
        connection.flow(direction.reverse()),
    );
    let (Some(ack), Some(own), Some(other)) = (position.ack, &sender.latest, &receiver.latest)
    else {
        return false;
    };
    connection.states.0 == [State::Established; 2]
        && connection.before_reset.is_none()
        && is_ordinary(segment)
        && is_next(sender, receiver, segment, position)
        && says_more(receiver, segment, own, ack)
        && keeps_its_window(sender, receiver, segment, ack)
        && asked_for_nothing(other)
}

/// Nothing about the segment by itself: whole, right, ACK with or without PSH, room in its window. A single octet may be a probe.
#[inline(always)]
fn is_ordinary(segment: &Segment) -> bool {
    let len = segment.payload_len;
    let flags = segment.flags.0;
    let only_ack = flags == Flags::ACK.0 || flags == Flags::ACK.with(Flags::PSH).0 && len > 0;
    only_ack
        && segment.header == Header::Whole
        && segment.ecn != 3
        && segment.window > 0
        && len != 1
        && segment.payload_captured == len
        && segment.options.sack.as_slice().is_empty()
        && matches!(segment.checksum, None | Some(Checksum::Right))
}

/// It stands where its sender's octets end, neither behind a FIN nor in place of a lost tail, and does not fill the window.
#[inline(always)]
fn is_next(sender: &Flow, receiver: &Flow, segment: &Segment, position: Position) -> bool {
    let stream = &sender.stream;
    if !stream.started || position.start != stream.end || stream.fin.is_some() {
        return false;
    }
    if segment.payload_len == 0 {
        return true;
    }
    let missing = sender
        .ip_ids
        .ahead(segment.ip_id)
        .is_some_and(|ahead| ahead > 1);
    let lost_tail = missing && sender.ip_ids.is_exact() || sender.recovering().lost_tail.is_some();
    let size = i64::from(sender.segment_size().max(segment.payload_len));
    let scales_are_known = sender.offer.known && receiver.offer.known;
    let has_room = stream
        .edge
        .is_none_or(|edge| edge.saturating_sub(position.end) >= size);
    !lost_tail && (has_room || !scales_are_known)
}

/// What it acknowledges was captured, was sent once, and is more than before unless it carries data.
#[inline(always)]
fn says_more(receiver: &Flow, segment: &Segment, own: &Latest, ack: i64) -> bool {
    let stream = &receiver.stream;
    let repeats_nothing = segment.payload_len > 0 || own.segment.ack != segment.ack;
    repeats_nothing
        && stream.started
        && stream.fin.is_none()
        && ack <= stream.end
        && ack >= stream.lowest_unacknowledged()
        && stream.holes().is_empty()
        && !stream.has_repeats_above_acknowledged()
}

/// It takes nothing of the window back.
#[inline(always)]
fn keeps_its_window(sender: &Flow, receiver: &Flow, segment: &Segment, ack: i64) -> bool {
    let window = super::record::scaled_window(sender, receiver, segment);
    let edge = ack.saturating_add(i64::from(window));
    receiver.stream.edge.is_none_or(|before| edge >= before)
}

/// The other side's latest segment asks for no answer: no probe, no SYN, no RST, and no window that is closed.
#[inline(always)]
fn asked_for_nothing(other: &Latest) -> bool {
    other.verdicts.is_empty()
        && other.segment.window > 0
        && !other.segment.flags.any(Flags::SYN.with(Flags::RST))
}
