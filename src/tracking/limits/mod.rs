//! What held a sender back, and for how long (ANALYSIS.md 8.2). No label is put on a connection: its time is accounted for. Each
//! interval between two segments with data that a sender transmits has one cause, the first that holds, and what comes out is how
//! many nanoseconds each cause took. RFC 4898 (`tcpEStatsPerf`) has the same figures from inside a sender; here they are read off the
//! packets, and the observer may stand anywhere on the path: what the receiver says is taken to be known when it has had the time to
//! reach the sender and what that sends in answer to pass here (ANALYSIS.md 7.3).
//!
//! What can be told at once (the sender was silent, the window had no room, octets were lost) is told at once. Otherwise the sender sent
//! as acknowledgments came in, and whether that was the link, its congestion window or its buffer shows over a whole round trip: that is
//! in [`round`]. Whether a loss was a full queue or bad luck shows when it is repaired: that is in [`episode`].

mod arriving;
mod episode;
mod round;
mod spent;
#[cfg(test)]
mod tests;

use crate::utils::time::{NANOS_PER_MILLI, Timestamp};
use arriving::Arriving;
use episode::{Episode, Losses};
use round::{Flights, Round};
pub use spent::{Limit, Spent};

/// The path as it was measured so far, in nanoseconds; 0 where it was not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Path {
    /// From the observer to the sender and back, at its shortest.
    pub sender_round_trip: i64,
    /// From the observer to the receiver and back, at its shortest.
    pub receiver_round_trip: i64,
}

impl Path {
    const fn round_trip(self) -> i64 {
        self.sender_round_trip
            .saturating_add(self.receiver_round_trip)
    }

    /// By how much an answer may come early or late and still be the answer.
    fn slack(self) -> i64 {
        (2 * NANOS_PER_MILLI).max(self.round_trip() / 8)
    }

    /// How long a sender with everything acknowledged may be silent before it is said to have nothing to send.
    fn quiet(self) -> i64 {
        (NANOS_PER_MILLI / 5).max(self.round_trip() / 8)
    }

    /// Whether a round trip of this length means that a queue stands somewhere.
    fn is_grown(self, round_trip: i64) -> bool {
        let shortest = self.round_trip();
        round_trip
            > shortest
                .saturating_add(shortest / 4)
                .saturating_add(NANOS_PER_MILLI)
    }

    /// A silence that only a timer ends: longer than two round trips and the shortest timer in use, 200 ms (RFC 6298 §2.4 asks for a
    /// second).
    fn long_silence(self) -> i64 {
        self.round_trip()
            .saturating_mul(2)
            .saturating_add(200 * NANOS_PER_MILLI)
    }
}

/// How the connection opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// When its first packet passed.
    pub start: Timestamp,
    /// When the SYN that was answered passed; the start, if that is the first or none was captured.
    pub asked: Timestamp,
    /// When the handshake was through; `None` if the capture does not show it.
    pub open: Option<Timestamp>,
}

/// A segment with data, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// When it passed.
    pub time: Timestamp,
    /// Behind the highest octet that its sender has sent with it.
    pub end: i64,
    /// Octets of a full segment; at least 1.
    pub size: i64,
    /// Whether it is so small that its sender had no more to send: less than a quarter of what a segment may carry, which no path
    /// makes necessary (576 octets pass everywhere, RFC 791 §3.1).
    pub is_small: bool,
    /// The path so far.
    pub path: Path,
    /// The timestamp that it echoes.
    pub echo: Option<u32>,
    /// Whether it repeats octets.
    pub repeats: bool,
    /// Whether the receiver had said by then that it has them.
    pub is_needless: bool,
    /// Whether that was for the retransmission timer.
    pub after_timeout: bool,
    /// Whether octets before it are missing.
    pub misses: bool,
}

/// What the receiver said in a segment, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// When it passed.
    pub time: Timestamp,
    /// The highest acknowledgment so far.
    pub acknowledged: i64,
    /// The right edge of the window as far as it ever reached; the end of all numbers where its scale is not known.
    pub edge: i64,
    /// Whether it carries data of its own.
    pub has_data: bool,
    /// Whether it says more than was known: a higher acknowledgment, or that something else arrived.
    pub is_progress: bool,
    /// Whether the window is closed.
    pub is_closed: bool,
    /// The round trip from here to the receiver and back that it times.
    pub round_trip: Option<i64>,
    /// Its timestamp.
    pub timestamp: Option<u32>,
    /// The path so far.
    pub path: Path,
}

/// The account of one direction, from its first segment with data on.
#[derive(Clone, Debug)]
pub struct Account {
    spent: Spent,
    /// Up to here time is accounted for.
    last: Timestamp,
    /// Behind the highest octet sent.
    end: i64,
    arriving: Arriving,
    /// Whether the receiver's window is closed, and whether it was at any time since the last segment with data.
    is_closed: bool,
    was_closed: bool,
    /// Whether it said anything: otherwise the capture shows one direction alone.
    was_heard: bool,
    /// Small segments in a row.
    small: u32,
    round: Round,
    flights: Flights,
    episode: Option<Episode>,
    losses: Losses,
}

/// What an interval is put down to.
enum Held {
    By(Limit),
    /// A loss: by what shows when it is repaired.
    Repairing,
    /// The network: by what in it shows when the round trip is over.
    Sending,
}

/// A receiver that acknowledges so much later than it could has waited for more to acknowledge: RFC 9293 §3.8.6.3 allows half a
/// second, and no timer in use is shorter than 40 ms.
const DELAYED: i64 = 30 * NANOS_PER_MILLI;
/// So many small segments in a row are those of an application that has no more to send.
const SMALL: u32 = 3;

impl Account {
    /// Begins with the first segment with data of a direction. `end` is where the sender's octets ended before it, `edge` the right edge
    /// of the window.
    pub fn begin(opening: &Opening, end: i64, edge: Option<i64>, first: &Sending) -> Self {
        let mut spent = Spent::default();
        let (start, time) = (opening.start, first.time.max(opening.start));
        let asked = opening.asked.clamp(start, time);
        let open = opening.open.map_or(asked, |open| open.clamp(asked, time));
        spent.add(Limit::Loss, asked.since(start));
        spent.add(Limit::Handshake, open.since(asked));
        spent.add(Limit::Application, time.since(open));
        let mut account = Self {
            spent,
            last: first.time,
            end,
            arriving: Arriving::new(end, edge, first.time),
            is_closed: false,
            was_closed: false,
            was_heard: false,
            small: 0,
            round: Round::begin(first.time, end),
            flights: Flights::default(),
            episode: None,
            losses: Losses::default(),
        };
        account.reach(first);
        account
    }

    /// The sender sends a further segment with data: first what it knows by now and why it waited, then what the segment begins or
    /// ends (a loss, a round), and last where its octets end.
    pub fn sends(&mut self, sending: &Sending) {
        let known_before = self.arriving.known;
        self.arriving
            .arrive(sending.time, sending.path.slack(), self.end);
        let gap = sending.time.since(self.last).max(0);
        let is_repairing = sending.repeats || self.episode.is_some();
        if sending.repeats || sending.misses {
            self.begin_episode(sending);
        }
        match self.held_back(sending, gap, known_before, is_repairing) {
            Held::By(limit) => {
                self.spent.add(limit, gap);
                if limit == Limit::Application {
                    self.round.rest();
                }
            }
            Held::Repairing => {
                if let Some(episode) = &mut self.episode {
                    episode.add(gap);
                }
            }
            Held::Sending => self.round.add(gap),
        }
        self.last = self.last.max(sending.time);
        if sending.repeats {
            self.repeat(sending, gap);
        }
        if self.is_clocked(sending)
            && let Some(echo) = sending.echo
        {
            self.round.echoes(echo, sending.time);
        }
        if self.arriving.known > self.round.mark() {
            self.end_round(sending.time, sending.path, sending.size);
            self.round = self.round.next(sending.time, self.end);
        }
        self.was_closed = self.is_closed;
        self.reach(sending);
    }

    fn reach(&mut self, sending: &Sending) {
        self.end = self.end.max(sending.end);
        self.round.reach(self.end - self.arriving.known);
        self.small = if sending.is_small {
            self.small.saturating_add(1)
        } else {
            0
        };
    }

    /// Why a segment was not sent sooner. `known_before` is what its sender knew to be acknowledged when it sent the one before it, `gap`
    /// nanoseconds ago.
    fn held_back(
        &self,
        sending: &Sending,
        gap: i64,
        known_before: i64,
        is_repairing: bool,
    ) -> Held {
        let path = sending.path;
        let room = self
            .arriving
            .edge_before
            .map_or(i64::MAX, |edge| edge.saturating_sub(self.end));
        // A sender does not begin to fill less than a segment's room (RFC 9293 §3.8.6.2.1), unless it has no more than that.
        let has_room = room >= sending.size.min((sending.end - self.end).max(1));
        // A receiver that takes nothing more stands above all else: repeats only ask whether it does again.
        if !has_room && self.was_closed {
            return Held::By(Limit::ReceiverWindow);
        }
        if is_repairing {
            return Held::Repairing;
        }
        if !has_room {
            return Held::By(Limit::ReceiverWindow);
        }
        let all_known = self.arriving.known >= self.end;
        // What came with data of the other side is an answer, and the sender's turn begins.
        if all_known && self.arriving.was_answer {
            return Held::By(Limit::Application);
        }
        let is_clocked = self.is_clocked(sending);
        let single = self.end - known_before <= sending.size && self.end > known_before;
        if is_clocked && single && gap > path.round_trip().saturating_add(DELAYED) {
            return Held::By(Limit::DelayedAck);
        }
        let silent = all_known && sending.time.since(self.arriving.all_at) > path.quiet();
        let unasked = !is_clocked && gap > path.slack();
        if silent || unasked || self.small >= SMALL {
            return Held::By(Limit::Application);
        }
        Held::Sending
    }

    /// Whether a segment was sent because something arrived.
    fn is_clocked(&self, sending: &Sending) -> bool {
        let progress = self.arriving.progress;
        progress.is_some_and(|at| sending.time.since(at) <= sending.path.slack())
    }

    fn begin_episode(&mut self, sending: &Sending) {
        if self.episode.is_none() {
            let flight = (self.end - self.arriving.known).max(0);
            let until = self.end.max(sending.end);
            let queued = self.round.is_queued(sending.path);
            self.episode = Some(Episode::begin(until, flight, sending.size, queued));
        }
    }

    fn repeat(&mut self, sending: &Sending, gap: i64) {
        let timeout = sending.after_timeout || gap > sending.path.long_silence();
        if let Some(episode) = &mut self.episode {
            episode.repeat(timeout, sending.is_needless);
        }
        self.end_episode_if_repaired();
    }

    /// The receiver says something.
    pub fn hears(&mut self, heard: &Heard) {
        self.was_heard = true;
        self.is_closed = heard.is_closed;
        self.was_closed |= heard.is_closed;
        let moves = heard.acknowledged > self.round.acknowledged();
        self.arriving.pass(heard);
        self.round.hears(heard, moves);
        self.end_episode_if_repaired();
    }

    fn end_episode_if_repaired(&mut self) {
        let acknowledged = self.round.acknowledged();
        let repaired = |episode: &mut Episode| acknowledged >= episode.until;
        if let Some(episode) = self.episode.take_if(repaired) {
            self.end_episode(&episode);
        }
    }

    fn end_episode(&mut self, episode: &Episode) {
        match self.losses.note(episode, self.flights.highest()) {
            Some(limit) => self.spent.add(limit, episode.nanos),
            // Octets that were only late: nobody repaired anything.
            None => self.round.add(episode.nanos),
        }
    }

    fn end_round(&mut self, time: Timestamp, path: Path, size: i64) {
        let losses = self.losses.after_round(self.round.flight());
        let limit = self
            .flights
            .classify(&self.round, time, path, size, losses, &mut self.spent);
        self.spent.add(limit, self.round.nanos());
    }

    /// How the time was spent, where the connection's last packet passed at `end`. `size` is that of a full segment. `None` where the
    /// receiver never said anything: one direction alone does not tell what its sender waited for.
    pub fn spent(&self, end: Timestamp, path: Path, size: i64) -> Option<Spent> {
        if !self.was_heard {
            return None;
        }
        let mut account = self.clone();
        let rest = end.since(account.last).max(0);
        account.end_round(account.last, path, size);
        if account.is_closed {
            account.spent.add(Limit::ReceiverWindow, rest);
        } else if let Some(episode) = &mut account.episode {
            episode.add(rest);
        } else {
            account.close(end, rest, path);
        }
        if let Some(episode) = account.episode.take() {
            account.end_episode(&episode);
            account.spent.add(Limit::Closing, account.round.nanos());
        }
        Some(account.spent)
    }

    /// Accounts for the `rest` of the time behind the last segment with data, up to `end`.
    fn close(&mut self, end: Timestamp, rest: i64, path: Path) {
        self.arriving
            .arrive(end, path.sender_round_trip.saturating_add(1), self.end);
        let closing = if self.arriving.known >= self.end {
            self.arriving.all_at.since(self.last).clamp(0, rest)
        } else {
            rest
        };
        let quiet = rest - closing;
        // The last words of a connection take a round trip, too.
        if quiet > path.round_trip().max(path.slack()) {
            self.spent.add(Limit::Closing, closing);
            self.spent.add(Limit::Application, quiet);
        } else {
            self.spent.add(Limit::Closing, rest);
        }
    }

    /// Octets of memory it takes, itself included.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.arriving.memory()
    }
}
