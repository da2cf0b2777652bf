//! One direction's octets: what was sent, what was captured of it, and what the other side has acknowledged.
//!
//! Positions are offsets from the initial sequence number in 64 bits, so that they do not wrap (ANALYSIS.md 3.3): the SYN is
//! octet 0 and data begin at 1. A stream that was joined in the middle begins at 1 too.
//!
//! Memory is bounded. Of the octets that the capture missed, at most `MAX_HOLES` holes are kept; of the transmissions, which
//! stand in the log of all streams, those not yet acknowledged up to `MAX_UNACKNOWLEDGED`, and the last of the others, which
//! later evidence (a duplicate, a DSACK) may still be about. What only a stream with gaps needs is made when it has one.

use super::gaps::Gaps;
pub use super::gaps::{Hole, MAX_HOLES};
use super::ranges::{Ranges, overlap};
pub use super::sent::{Acknowledged, Sent};
use super::sent_log::{SentList, SentLog};
use crate::utils::maybe::Maybe;
use crate::utils::seq::Seq;
use crate::utils::time::Timestamp;
use std::cmp::Ordering;
use std::ops::Range;

/// The most transmissions kept that are not acknowledged; the oldest are forgotten first.
pub const MAX_UNACKNOWLEDGED: usize = 16_384;
/// As many where nobody ever acknowledged any: the capture sees one side alone.
pub const MAX_OF_ONE_SIDE: usize = 1024;
/// So many looks at earlier transmissions a stream may have beyond those that its new octets earn, and so many does each segment
/// with new octets earn: a sender repeats little of what it sends.
const MOST_LOOKS: u32 = 1 << 20;
const EARNED: u32 = 64;
/// Once they are used up, only so many transmissions are looked at for each question.
const FEW: usize = 128;

/// The offset of a sequence number, taken as the one nearest to `near`.
pub const fn offset_of(base: Seq, seq: Seq, near: i64) -> i64 {
    Seq(base.distance_to(seq)).unwrap_near(near)
}

static NOTHING_SACKED: Ranges = Ranges::EMPTY;

/// One direction's octets.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Behind the highest octet that was sent; 0 before anything was.
    pub end: i64,
    /// The highest acknowledgment by the receiver.
    pub acknowledged: Maybe<i64>,
    /// The right edge of the receiver's window, as far as it ever reached.
    pub edge: Maybe<i64>,
    /// The octet of the FIN, if one was sent.
    pub fin: Maybe<i64>,
    gaps: Option<Box<Gaps>>,
    sent: SentList,
    base: Seq,
    /// Looks at earlier transmissions that new octets have not earned yet.
    looks: u32,
    has_base: bool,
    /// Whether a segment of this direction has been captured.
    pub started: bool,
}

impl Stream {
    /// A stream of which no more is known than how far it got.
    pub(super) fn resumed(
        base: Option<Seq>,
        started: bool,
        end: i64,
        acknowledged: Maybe<i64>,
        fin: Maybe<i64>,
    ) -> Self {
        Self {
            base: base.unwrap_or_default(),
            has_base: base.is_some(),
            started,
            end,
            acknowledged,
            fin,
            ..Self::default()
        }
    }

    /// The initial sequence number, if it is known or could be inferred.
    pub fn base(&self) -> Option<Seq> {
        self.has_base.then_some(self.base)
    }

    /// Sets the initial sequence number. Everything known of another one is forgotten.
    pub fn set_base(&mut self, base: Seq, log: &mut SentLog) {
        if self.base() != Some(base) {
            self.release(log);
            *self = Stream {
                base,
                has_base: true,
                ..Stream::default()
            };
        }
    }

    /// Octets of memory it takes beside its own size and the log.
    pub fn memory(&self) -> usize {
        self.gaps.as_deref().map_or(0, Gaps::memory)
    }

    /// Asks for the transmission that will be acknowledged next.
    pub(super) fn prefetch_beside(&self, log: &SentLog) {
        log.prefetch_oldest(&self.sent);
    }

    /// Gives back what it holds of the log: the connection leaves. Its gaps may still be shown.
    pub fn release(&mut self, log: &mut SentLog) {
        log.forget(&mut self.sent);
        let pieces = self.gaps.as_deref().map_or(0, Gaps::pieces);
        log.note_pieces(pieces, 0);
    }

    fn gaps_mut(&mut self) -> &mut Gaps {
        self.gaps.get_or_insert_default()
    }

    /// Changes the holes and what is selectively acknowledged, within the bounds.
    fn change_pieces<T>(&mut self, log: &mut SentLog, change: impl FnOnce(&mut Gaps) -> T) -> T {
        let gaps = self.gaps_mut();
        let before = gaps.pieces();
        let result = change(gaps);
        match gaps.pieces().cmp(&before) {
            Ordering::Greater => gaps.give_way(log),
            Ordering::Less => gaps.give_back(),
            Ordering::Equal => {}
        }
        log.note_pieces(before, gaps.pieces());
        result
    }

    /// The offset of a sequence number of this stream; `None` while the base is unknown.
    pub fn offset(&self, seq: Seq) -> Option<i64> {
        let near = if self.started {
            self.end
        } else {
            self.acknowledged.unwrap_or(1)
        };
        Some(offset_of(self.base()?, seq, near))
    }

    /// Octets of a range that the capture has seen.
    pub fn seen(&self, range: &Range<i64>) -> i64 {
        let below_end = overlap(range, &(i64::MIN..self.end));
        below_end - self.missing(range)
    }

    /// Octets of a range, below the highest sent, that the capture has not seen.
    pub fn missing(&self, range: &Range<i64>) -> i64 {
        self.holes_in(range)
            .map(|hole| overlap(&hole.range(), range))
            .sum()
    }

    /// The holes that a range touches, lowest first.
    pub fn holes_in<'a>(&'a self, range: &'a Range<i64>) -> impl Iterator<Item = &'a Hole> {
        let holes = self.holes();
        let first = holes.partition_point(|hole| hole.end <= range.start);
        holes[first..]
            .iter()
            .take_while(|hole| hole.start < range.end)
    }

    /// All holes, lowest first.
    pub fn holes(&self) -> &[Hole] {
        self.gaps.as_ref().map_or(&[], |gaps| &gaps.holes)
    }

    /// What the receiver has selectively acknowledged above its acknowledgment.
    pub fn sacked(&self) -> &Ranges {
        self.gaps
            .as_ref()
            .map_or(&NOTHING_SACKED, |gaps| &gaps.sacked)
    }

    /// The lowest octet that the receiver has not acknowledged; 0 if it has not acknowledged anything.
    pub fn lowest_unacknowledged(&self) -> i64 {
        self.acknowledged.unwrap_or(0)
    }

    /// The latest transmission, acknowledged or not, of any octet of a range.
    pub fn latest_of<'a>(&self, range: &Range<i64>, log: &'a SentLog) -> Option<&'a Sent> {
        self.transmissions(log)
            .find(|sent| overlap(&sent.range(), range) > 0)
    }

    /// The latest transmission of any octet of a range, if it was a repeat.
    pub fn latest_repeat_of<'a>(&self, range: &Range<i64>, log: &'a SentLog) -> Option<&'a Sent> {
        // Most streams repeat nothing, and most acknowledgments are above what was repeated: no need to look.
        if self.gaps.as_ref()?.repeats_end <= range.start {
            return None;
        }
        self.latest_of(range, log).filter(|sent| sent.repeats > 0)
    }

    /// Whether octets that are not acknowledged were ever sent again.
    #[inline]
    pub fn has_repeats_above_acknowledged(&self) -> bool {
        let lowest = self.lowest_unacknowledged();
        let gaps = self.gaps.as_ref();
        gaps.is_some_and(|gaps| gaps.repeats_end > lowest)
    }

    /// The transmissions that are still known: first those not acknowledged, latest first, then the others likewise.
    pub fn transmissions<'a>(&self, log: &'a SentLog) -> impl Iterator<Item = &'a Sent> + use<'a> {
        let most = self.how_far();
        log.unacknowledged(&self.sent)
            .take(most)
            .chain(log.acknowledged(&self.sent).take(most))
    }

    /// How many transmissions of each kind are looked at.
    const fn how_far(&self) -> usize {
        if self.looks < MOST_LOOKS {
            usize::MAX
        } else {
            FEW
        }
    }

    /// A segment came for which earlier transmissions were looked at: it carries no new octets.
    pub fn note_looks(&mut self) {
        let looks = (self.sent.len() as u32).min(self.how_far() as u32);
        self.looks = self.looks.saturating_add(looks + FEW as u32);
    }

    /// Transmissions that are not acknowledged.
    pub const fn unacknowledged(&self) -> &SentList {
        &self.sent
    }

    /// Records a transmission of the octets of `sent`, and puts into it what came before. Marks earlier ones of the same octets as
    /// sent again and returns how many octets the capture sees for the first time.
    pub fn transmit(&mut self, sent: &mut Sent, log: &mut SentLog) -> i64 {
        let range = sent.range();
        let mut fresh = self.fill(&range, log);
        if range.start < self.end {
            self.link_to_earlier(sent, log);
        } else if self.started && range.start > self.end {
            self.open_hole(self.end..range.start, sent, log);
        }
        if range.end > self.end || !self.started {
            fresh += range.end
                - if self.started {
                    range.start.max(self.end)
                } else {
                    range.start
                };
            self.reach_new_octets(range.end);
        }
        self.started = true;
        if sent.start < sent.end {
            self.keep(sent, log);
        }
        fresh
    }

    /// The same for the SYN that a stream of which nothing is known begins with.
    #[inline]
    pub fn begin(&mut self, base: Seq, syn: &mut Sent, log: &mut SentLog) {
        (self.base, self.has_base, self.started) = (base, true, true);
        self.append(syn, log);
    }

    /// The same for octets that begin where the stream, which has started, ends.
    #[inline]
    pub fn append(&mut self, sent: &mut Sent, log: &mut SentLog) {
        self.reach_new_octets(sent.end);
        self.keep(sent, log);
    }

    /// Keeps a transmission. What had been acknowledged when it passed waits for no acknowledgment, unless there are others that do:
    /// it stays behind those, so that all are in the order in which they passed.
    #[inline]
    fn keep(&mut self, sent: &mut Sent, log: &mut SentLog) {
        sent.acknowledged_before = self
            .acknowledged
            .is_some_and(|acknowledged| sent.end <= acknowledged);
        if sent.acknowledged_before && self.sent.is_empty() {
            log.keep_acknowledged(&mut self.sent, sent);
        } else {
            self.make_room(log);
            log.push(&mut self.sent, sent);
        }
    }

    #[inline]
    fn reach_new_octets(&mut self, end: i64) {
        self.looks = self.looks.saturating_sub(EARNED);
        self.end = end;
        if let Some(gaps) = &mut self.gaps {
            gaps.repeat_since = Maybe::default();
        }
    }

    /// Keeps within the bounds before a transmission is added.
    #[inline]
    fn make_room(&mut self, log: &mut SentLog) {
        let most = if self.acknowledged.is_none() {
            MAX_OF_ONE_SIDE
        } else {
            MAX_UNACKNOWLEDGED
        };
        if self.sent.len() >= most || log.is_full() {
            log.drop_oldest(&mut self.sent);
        }
    }

    /// Notes that a retransmission passed at `time`.
    pub fn note_repeat(&mut self, time: Timestamp) {
        self.gaps_mut().repeat_since.set_if_none(time);
    }

    /// A segment without octets beyond the highest sent shows that something is missing, too.
    pub fn reach(&mut self, sent: &Sent, log: &mut SentLog) {
        if self.started && sent.start > self.end {
            self.open_hole(self.end..sent.start, sent, log);
        }
        if !self.started || sent.start > self.end {
            self.end = sent.start;
        }
        self.started = true;
    }

    fn link_to_earlier(&mut self, sent: &mut Sent, log: &mut SentLog) {
        let range = sent.range();
        let earlier = self
            .latest_of(&range, log)
            .map(|last| (last.first, last.repeats));
        if let Some((first, repeats)) = earlier {
            sent.first = first;
            sent.repeats = repeats.saturating_add(1);
            let gaps = self.gaps_mut();
            gaps.repeats_end = gaps.repeats_end.max(range.end);
        }
        log.change(&self.sent, self.how_far(), |old| {
            old.sent_again |= overlap(&old.range(), &range) > 0;
        });
    }

    fn open_hole(&mut self, range: Range<i64>, behind: &Sent, log: &mut SentLog) {
        let Sent {
            frame,
            tsval,
            ip_id,
            ..
        } = *behind;
        let opened = self
            .gaps
            .as_ref()
            .map_or(behind.time, |gaps| gaps.repeat_since.unwrap_or(behind.time));
        let acknowledged = self
            .acknowledged
            .is_some_and(|acknowledged| acknowledged >= range.end);
        let hole = Hole {
            start: range.start,
            end: range.end,
            extent: range.end - range.start,
            opened,
            frame,
            tsval,
            ip_id,
            acknowledged,
        };
        self.change_pieces(log, |gaps| gaps.holes.push(hole));
    }

    /// Takes a range out of the holes; returns how many octets that were.
    fn fill(&mut self, range: &Range<i64>, log: &mut SentLog) -> i64 {
        if self.holes().is_empty() {
            return 0;
        }
        self.change_pieces(log, |gaps| gaps.fill(range))
    }

    /// Octets below `offset` that the capture never saw and that no earlier acknowledgment told of, and the first of them.
    pub fn unseen_below(&self, offset: i64) -> Option<(i64, i64)> {
        let holes = self
            .holes()
            .iter()
            .take_while(|hole| hole.end <= offset)
            .filter(|hole| !hole.acknowledged);
        let (first, sum) = holes.fold((None, 0), |(first, sum), hole| {
            (first.or(Some(hole.start)), sum + hole.end - hole.start)
        });
        let beyond = if self.started {
            (offset - self.end).max(0)
        } else {
            0
        };
        let first = first.or((beyond > 0).then_some(self.end))?;
        Some((first, sum + beyond))
    }

    /// Records that the receiver acknowledges everything below `offset`, in a segment that looks like `by`.
    pub fn acknowledge(&mut self, offset: i64, by: &Sent, log: &mut SentLog) -> Acknowledged {
        if !self.is_news(offset) {
            return Acknowledged::default();
        }
        if self.started && offset > self.end {
            self.open_hole(
                self.end..offset,
                &Sent {
                    tsval: None,
                    ip_id: 0,
                    ..*by
                },
                log,
            );
            self.end = offset;
        }
        self.acknowledge_sent(offset, log)
    }

    /// Whether an acknowledgment of everything below `offset` tells of more than those before it.
    #[inline]
    pub fn is_news(&self, offset: i64) -> bool {
        self.acknowledged
            .is_none_or(|acknowledged| offset > acknowledged)
    }

    /// The same for an offset that is news, and not beyond what was captured.
    #[inline]
    pub fn acknowledge_sent(&mut self, offset: i64, log: &mut SentLog) -> Acknowledged {
        let mut news = Acknowledged::default();
        self.acknowledged = offset.into();
        if self.gaps.is_some() {
            self.change_pieces(log, |gaps| gaps.acknowledge(offset));
        }
        while let Some(sent) = log.acknowledge_oldest_if(&mut self.sent, |sent| sent.end <= offset)
        {
            news.take(sent);
        }
        news
    }

    /// Marks a transmission as a needless repeat.
    pub fn mark_spurious(&mut self, frame: u64, log: &mut SentLog) {
        log.change_all(&self.sent, |sent| sent.spurious |= sent.frame == frame);
    }

    /// Records a block of a selective acknowledgment; returns how many octets it newly tells of.
    pub fn selectively_acknowledge(&mut self, block: Range<i64>, log: &mut SentLog) -> i64 {
        let floor = self.lowest_unacknowledged();
        // What lies beyond everything sent cannot have been received: a block from another connection, or nonsense.
        if block.end > self.end || block.end <= floor {
            return 0;
        }
        let block = block.start.max(floor)..block.end;
        self.change_pieces(log, |gaps| gaps.sacked.insert(block))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::tracking::sent_log::{
        MAX_ACKNOWLEDGED, MAX_PIECES_OF_ALL, MAX_UNACKNOWLEDGED_OF_ALL,
    };

    pub fn sent(start: i64, end: i64, frame: u64) -> Sent {
        let time = Timestamp::from_nanos(frame as i64);
        Sent {
            start,
            end,
            frame,
            time,
            first: (frame, time),
            ack: Seq(0),
            window: 0,
            ip_id: 0,
            tsval: None,
            hops_left: 64,
            place: Default::default(),
            repeats: 0,
            sent_again: false,
            spurious: false,
            acknowledged_before: false,
        }
    }

    fn stream(pieces: &[(i64, i64)]) -> (Stream, SentLog) {
        let (mut stream, mut log) = (Stream::default(), SentLog::default());
        stream.set_base(Seq(0), &mut log);
        for (at, &(start, end)) in pieces.iter().enumerate() {
            stream.transmit(&mut sent(start, end, at as u64 + 1), &mut log);
        }
        (stream, log)
    }

    #[test]
    fn a_gap_is_a_hole_until_it_is_filled() {
        let (mut stream, mut log) = stream(&[(1, 11), (31, 41)]);
        assert_eq!(
            (stream.end, stream.missing(&(0..100)), stream.seen(&(1..41))),
            (41, 20, 20)
        );
        assert_eq!(stream.transmit(&mut sent(16, 21, 3), &mut log), 5);
        assert_eq!(
            stream.holes().iter().map(Hole::range).collect::<Vec<_>>(),
            [11..16, 21..31]
        );
        assert_eq!(stream.transmit(&mut sent(11, 31, 4), &mut log), 15);
        assert!(stream.holes().is_empty());
    }

    #[test]
    fn repeats_know_the_first_transmission() {
        let (mut stream, mut log) = stream(&[(1, 11), (11, 21), (1, 11)]);
        stream.transmit(&mut sent(1, 21, 4), &mut log);
        let last = stream.latest_of(&(1..2), &log).unwrap();
        assert_eq!((last.frame, last.first.0, last.repeats), (4, 1, 2));
        assert!(
            log.unacknowledged(stream.unacknowledged())
                .skip(1)
                .all(|sent| sent.sent_again)
        );
    }

    #[test]
    fn an_acknowledgment_beyond_what_was_captured_tells_of_capture_loss() {
        let (mut stream, mut log) = stream(&[(1, 11), (21, 31)]);
        for (offset, unseen) in [(31, Some((11, 10))), (51, Some((31, 20))), (51, None)] {
            assert_eq!(stream.unseen_below(offset), unseen);
            stream.acknowledge(offset, &sent(0, 0, 9), &mut log);
        }
        assert_eq!(stream.end, 51);
        assert!(stream.unacknowledged().is_empty());
        assert_eq!(stream.latest_of(&(1..2), &log).unwrap().frame, 1);
    }

    /// RFC 6298 §3 leaves out what was sent more than once, and no more.
    #[test]
    fn a_needless_repeat_does_not_keep_what_follows_from_being_timed() {
        for with_others in [false, true] {
            let (mut stream, mut log) = stream(&[(1, 11)]);
            stream.acknowledge(11, &sent(0, 0, 9), &mut log);
            if with_others {
                stream.transmit(&mut sent(11, 21, 10), &mut log);
            }
            stream.transmit(&mut sent(1, 11, 20), &mut log);
            stream.transmit(&mut sent(stream.end, 31, 30), &mut log);
            let news = stream.acknowledge(31, &sent(0, 0, 40), &mut log);
            assert_eq!(news.timed, Some(Timestamp::from_nanos(30)));
            assert_eq!(news.segments, 1 + u32::from(with_others));
            assert_eq!(stream.latest_of(&(1..2), &log).unwrap().frame, 20);
        }
    }

    /// Two segments were lost; the repeat of the lower one waits behind the other, although it is acknowledged.
    #[test]
    fn transmissions_stay_in_the_order_in_which_they_passed() {
        let (mut stream, mut log) = stream(&[(1, 11), (11, 21), (21, 31)]);
        stream.acknowledge(1, &sent(0, 0, 9), &mut log);
        stream.transmit(&mut sent(11, 21, 10), &mut log);
        stream.transmit(&mut sent(1, 11, 11), &mut log);
        stream.acknowledge(11, &sent(0, 0, 12), &mut log);
        for frame in 13..16 {
            stream.transmit(&mut sent(1, 11, frame), &mut log);
            assert_eq!(stream.latest_of(&(1..2), &log).unwrap().frame, frame);
        }
        stream.acknowledge(31, &sent(0, 0, 16), &mut log);
        stream.transmit(&mut sent(1, 11, 17), &mut log);
        let frames = stream.transmissions(&log).map(|sent| sent.frame);
        assert!(frames.eq([17, 15, 14, 13, 11, 10, 3, 2, 1]));
    }

    #[test]
    fn selective_acknowledgments_count_above_the_cumulative_one() {
        let (mut stream, mut log) = stream(&[(1, 11), (11, 21), (21, 31)]);
        assert_eq!(stream.selectively_acknowledge(21..31, &mut log), 10);
        assert_eq!(stream.selectively_acknowledge(21..99, &mut log), 0);
        stream.acknowledge(31, &sent(0, 0, 9), &mut log);
        assert!(stream.sacked().is_empty());
    }

    #[test]
    fn who_repeats_all_the_time_is_looked_at_less() {
        let (mut stream, mut log) = stream(&[]);
        stream.acknowledge(1, &sent(0, 0, 9), &mut log);
        let count = |stream: &Stream, log: &SentLog| stream.transmissions(log).count();
        for at in 0..2000 {
            stream.transmit(&mut sent(at * 10, at * 10 + 10, 1), &mut log);
        }
        stream.note_looks();
        assert_eq!(count(&stream, &log), 2000);
        (0..1000).for_each(|_| stream.note_looks());
        assert_eq!(count(&stream, &log), FEW);
        for at in 2000..20_000 {
            stream.transmit(&mut sent(at * 10, at * 10 + 10, 1), &mut log);
        }
        assert!(count(&stream, &log) > FEW);
    }

    #[test]
    fn all_streams_together_are_bounded_too() {
        let mut log = SentLog::default();
        let mut streams: Vec<_> = (0..4000).map(|_| Stream::default()).collect();
        for at in 0..600 {
            for stream in &mut streams {
                stream.transmit(&mut sent(at * 10, at * 10 + 10, 1), &mut log);
            }
        }
        let kept: usize = streams.iter().map(|stream| stream.sent.len()).sum();
        assert_eq!(kept, MAX_UNACKNOWLEDGED_OF_ALL);
        // One that had none gets one.
        let mut newcomer = Stream::default();
        newcomer.transmit(&mut sent(0, 10, 2), &mut log);
        newcomer.transmit(&mut sent(10, 20, 3), &mut log);
        assert_eq!(newcomer.sent.len(), 1);
    }

    #[test]
    fn holes_are_bounded_however_they_come_about() {
        // A single hole, of which every third octet is filled.
        let (mut stream, mut log) = stream(&[(1, 2), (30_000, 30_001)]);
        for at in 1..5000 {
            stream.transmit(&mut sent(at * 3, at * 3 + 1, 3), &mut log);
        }
        assert_eq!(stream.holes().len(), MAX_HOLES);
        stream.transmit(&mut sent(1, 30_001, 4), &mut log);
        assert!(stream.holes().is_empty() && stream.memory() < 4096);
        assert_eq!(log.pieces(), 0);
    }

    #[test]
    fn holes_and_selective_acknowledgments_of_all_streams_are_bounded() {
        let mut log = SentLog::default();
        let mut streams: Vec<_> = (0..3000).map(|_| Stream::default()).collect();
        for stream in &mut streams {
            for at in 0..600 {
                stream.transmit(&mut sent(at * 20, at * 20 + 10, 1), &mut log);
            }
            for at in 1..300 {
                stream.selectively_acknowledge(at * 40..at * 40 + 5, &mut log);
            }
        }
        let pieces = |streams: &[Stream]| -> usize {
            let gaps = streams.iter().filter_map(|stream| stream.gaps.as_deref());
            gaps.map(Gaps::pieces).sum()
        };
        assert_eq!(log.pieces(), pieces(&streams));
        let most = MAX_PIECES_OF_ALL + 2 * streams.len();
        assert!((MAX_PIECES_OF_ALL..most).contains(&log.pieces()));
        for stream in &mut streams {
            stream.release(&mut log);
        }
        assert_eq!(log.pieces(), 0);
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let (mut stream, mut log) = stream(&[]);
        for at in 0..(MAX_UNACKNOWLEDGED as i64 * 2) {
            stream.transmit(&mut sent(at * 20, at * 20 + 10, 1), &mut log);
        }
        assert_eq!(
            (stream.holes().len(), stream.unacknowledged().len()),
            (MAX_HOLES, MAX_OF_ONE_SIDE)
        );
        stream.acknowledge(1, &sent(0, 0, 9), &mut log);
        for at in 0..(MAX_UNACKNOWLEDGED as i64 * 2) {
            stream.transmit(&mut sent(at * 20, at * 20 + 10, 1), &mut log);
        }
        assert_eq!(stream.unacknowledged().len(), MAX_UNACKNOWLEDGED);
        stream.acknowledge(stream.end, &sent(0, 0, 9), &mut log);
        // What is sent again and again after that is acknowledged already.
        for at in 0..10_000 {
            stream.transmit(&mut sent(at * 20, at * 20 + 10, 1), &mut log);
        }
        assert!(stream.unacknowledged().is_empty());
        let kept = stream.transmissions(&log).count();
        assert!(kept <= MAX_ACKNOWLEDGED as usize, "{kept}");
    }
}
