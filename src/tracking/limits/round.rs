//! A round: from a segment to the first that is sent when it is acknowledged, hence a round trip as the sender lives it. Over a round it
//! shows whether the link was busy all the time (acknowledgments came evenly, one after the other) or idle for most of it (they came in a
//! burst, and then nothing); whether the round trip grew; and how much was under way, which over several rounds tells a window that
//! opens from one that stands still.

use super::{Heard, Limit, Path, Spent};
use crate::utils::time::Timestamp;

/// Acknowledgments in a round from which on their spacing says something.
const ENOUGH: u32 = 6;
/// A round with as much more under way than the one before it, in per cent, is of a window that opens: twice as much where every segment is
/// acknowledged, half as much again where every second is (RFC 5681 §3.1).
const OPENING: i64 = 140;
/// So many rounds with as much under way in each are a sender that has no room for more.
const FLAT: u32 = 4;

/// A sender that never has as many segments under way as these has a reason that is none of its buffer's.
const LEAST_BUFFER: i64 = 4;

/// A round.
#[derive(Clone, Debug)]
pub struct Round {
    began: Timestamp,
    /// The first octet of the round: its acknowledgment ends it.
    mark: i64,
    /// Nanoseconds in which the sender sent as acknowledgments came in.
    nanos: i64,
    /// The most octets under way.
    flight: i64,
    /// Acknowledgments that said something new, the highest, and when the last of them passed.
    advances: u32,
    acknowledged: i64,
    latest: Option<Timestamp>,
    /// Nanoseconds in which acknowledgments came one after the other.
    busy: i64,
    /// The shortest round trip from the observer to the receiver.
    receiver_round_trip: Option<i64>,
    /// The latest from the observer to the sender: there may be fewer of these than rounds.
    sender_round_trip: Option<i64>,
    /// A timestamp of the receiver's that waits for its echo, and when it passed.
    asked: Option<(u32, Timestamp)>,
}

impl Round {
    /// The first one. `mark` is the first octet that is sent in it.
    pub fn begin(began: Timestamp, mark: i64) -> Self {
        Self {
            began,
            mark,
            nanos: 0,
            flight: 0,
            advances: 0,
            acknowledged: mark,
            latest: None,
            busy: 0,
            receiver_round_trip: None,
            sender_round_trip: None,
            asked: None,
        }
    }

    /// The one behind this.
    pub fn next(&self, began: Timestamp, mark: i64) -> Self {
        Self {
            acknowledged: self.acknowledged,
            latest: self.latest,
            sender_round_trip: self.sender_round_trip,
            asked: self.asked,
            ..Self::begin(began, mark)
        }
    }

    /// The first octet of the round.
    pub const fn mark(&self) -> i64 {
        self.mark
    }

    /// The highest acknowledgment that passed.
    pub const fn acknowledged(&self) -> i64 {
        self.acknowledged
    }

    /// Nanoseconds in which the sender sent as acknowledgments came in.
    pub const fn nanos(&self) -> i64 {
        self.nanos
    }

    /// The most octets under way.
    pub const fn flight(&self) -> i64 {
        self.flight
    }

    /// The sender sent as acknowledgments came in for so much longer.
    pub fn add(&mut self, nanos: i64) {
        self.nanos = self.nanos.saturating_add(nanos);
    }

    /// So many octets are under way.
    pub fn reach(&mut self, flight: i64) {
        self.flight = self.flight.max(flight);
    }

    /// The receiver says something; `moves` if it acknowledges more.
    pub fn hears(&mut self, heard: &Heard, moves: bool) {
        if let Some(nanos) = heard.round_trip.filter(|&nanos| nanos >= 0) {
            self.receiver_round_trip = Some(
                self.receiver_round_trip
                    .map_or(nanos, |least| least.min(nanos)),
            );
        }
        if let Some(value) = heard.timestamp
            && self.asked.is_none()
        {
            self.asked = Some((value, heard.time));
        }
        if !moves {
            return;
        }
        self.acknowledged = heard.acknowledged;
        self.advances = self.advances.saturating_add(1);
        if let Some(before) = self.latest {
            let gap = heard.time.since(before);
            if gap <= heard.path.round_trip() / 8 {
                self.busy = self.busy.saturating_add(gap.max(0));
            }
        }
        self.latest = Some(heard.time);
    }

    /// A segment that the sender sent because something arrived echoes a timestamp of the receiver's (RFC 7323 §4). Near the receiver this
    /// alone tells how long the round trip is now. One that waits is timed; then another may.
    pub fn echoes(&mut self, echo: u32, time: Timestamp) {
        if let Some((value, passed)) = self.asked
            && echo.wrapping_sub(value) as i32 >= 0
        {
            self.asked = None;
            // Of a later one nobody knows when it passed.
            let nanos = time.since(passed);
            if echo == value && nanos >= 0 {
                self.sender_round_trip = Some(nanos);
            }
        }
    }

    /// The sender was silent: queues are empty by now.
    pub const fn rest(&mut self) {
        self.sender_round_trip = None;
    }

    /// Whether the round trip has grown, so that a queue must stand somewhere.
    pub fn is_queued(&self, path: Path) -> bool {
        let behind = self
            .receiver_round_trip
            .is_some_and(|nanos| path.is_grown(nanos.saturating_add(path.sender_round_trip)));
        let before = self
            .sender_round_trip
            .is_some_and(|nanos| path.is_grown(nanos.saturating_add(path.receiver_round_trip)));
        behind || before
    }

    /// Whether acknowledgments came evenly for most of a round that is over at `time`: segments arrived at the rate of a link that was
    /// never idle.
    fn is_busy(&self, time: Timestamp) -> bool {
        let length = time.since(self.began);
        // Seven tenths of it.
        self.advances >= ENOUGH && self.busy >= length / 10 * 7
    }
}

/// How much was under way in the rounds so far.
#[derive(Clone, Debug, Default)]
pub struct Flights {
    before: i64,
    highest: i64,
    /// What was under way in the first of a row of like rounds, and how many more there are.
    like: i64,
    flat: u32,
    /// Whether the latest round was another.
    strayed: bool,
    /// Nanoseconds that the row took, as long as it is too short to tell.
    undecided: i64,
}

impl Flights {
    /// The most octets under way in any round.
    pub const fn highest(&self) -> i64 {
        self.highest
    }

    /// What held the sender back in a round that is over at `time`. `losses` is what keeps the congestion window small, if it is a loss. What
    /// the rounds before it were put down to may turn out to have been something else.
    pub fn classify(
        &mut self,
        round: &Round,
        time: Timestamp,
        path: Path,
        size: i64,
        losses: Option<Limit>,
        spent: &mut Spent,
    ) -> Limit {
        let flight = round.flight();
        let opens =
            self.before == 0 || flight.saturating_mul(100) >= self.before.saturating_mul(OPENING);
        self.before = flight;
        self.highest = self.highest.max(flight);
        self.compare(flight, size);
        if round.is_busy(time) || round.is_queued(path) {
            return Limit::Bottleneck;
        }
        if let Some(limit) = losses {
            return limit;
        }
        if opens {
            return Limit::SlowStart;
        }
        if self.flat >= FLAT {
            let nanos = std::mem::take(&mut self.undecided);
            spent.take_back(Limit::CongestionWindow, Limit::SendBuffer, nanos);
            return Limit::SendBuffer;
        }
        self.undecided = self.undecided.saturating_add(round.nanos());
        Limit::CongestionWindow
    }

    /// Counts rounds with as much under way. One that strays may be chance; two in a row are a change.
    fn compare(&mut self, flight: i64, size: i64) {
        let is_more_than_a_few = flight >= size.saturating_mul(LEAST_BUFFER);
        if is_more_than_a_few && (flight - self.like).abs() <= size {
            self.flat = self.flat.saturating_add(1);
            self.strayed = false;
        } else if self.flat > 0 && !self.strayed {
            self.strayed = true;
        } else {
            (self.like, self.flat, self.strayed, self.undecided) = (flight, 0, false, 0);
        }
    }
}
