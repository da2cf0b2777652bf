//! Windows that stay closed although the sender asks for room (ANALYSIS.md 9). A closed window that nobody asks about harms
//! nobody: there was nothing more to send.

use super::clock::Moment;
use super::log::{Active, Log, Step, Subject, Trail};
use super::rule::Rule;
use super::table::{Bounded, Weight};
use super::thresholds::ZeroWindowStall;
use crate::tracking::state::State;
use crate::tracking::{Direction, Event, Verdict};

/// Closed windows that are kept, at most.
const CAPACITY: usize = 1024;

#[derive(Debug)]
struct Closed {
    since: i64,
    trail: Trail,
    probes: u64,
    active: Active,
    subject: Subject,
}

impl Weight for Closed {
    fn weight(&self) -> u64 {
        if self.active.is() {
            u64::MAX
        } else {
            self.probes
        }
    }
}

/// A connection's number, and the direction in which the closed window was offered.
type Key = (u64, Direction);

/// All windows that are closed at the moment.
#[derive(Debug)]
pub struct Stalls {
    table: Bounded<Key, Closed>,
    /// A bit per connection number modulo 64 that may be in the table, so that the others cost nothing.
    filter: u64,
}

impl Default for Stalls {
    fn default() -> Self {
        Self {
            table: Bounded::new(CAPACITY),
            filter: 0,
        }
    }
}

impl Stalls {
    /// A segment of a connection, no duplicate.
    pub fn add(
        &mut self,
        event: &Event<'_>,
        moment: Moment,
        rule: &ZeroWindowStall,
        log: &mut Log,
    ) {
        let bit = 1 << (event.connection.id % 64);
        let flags = event.segment.flags;
        if event.segment.window != 0 && self.filter & bit == 0 || flags.syn() {
            return;
        }
        let own = (event.connection.id, event.direction);
        let other = (event.connection.id, event.direction.reverse());
        if flags.rst() || event.connection.is_closed() {
            self.open(own, moment, log);
            self.open(other, moment, log);
            return;
        }
        if let Some(closed) = self.table.get_mut(&other)
            && asks_for_room(event)
        {
            closed.probes += 1;
            closed.trail.step(moment, i64::MAX, true);
            closed.look(moment, rule, log);
        }
        let state = event.connection.states[event.direction.reverse()];
        let may_send = matches!(state, State::Established | State::CloseWait);
        if event.segment.window != 0 || !may_send {
            return self.open(own, moment, log);
        }
        self.filter |= bit;
        let closed = self.table.entry(own, || Closed {
            since: moment.now,
            trail: Trail::default(),
            probes: 0,
            active: Active::default(),
            subject: Subject::Connection {
                id: event.connection.id,
                sender: event.connection.sender(event.direction.reverse()),
                receiver: event.connection.sender(event.direction),
            },
        });
        closed.trail.step(moment, i64::MAX, true);
        closed.look(moment, rule, log);
    }

    /// How many entries left to keep within the bounds.
    pub fn evicted(&self) -> u64 {
        self.table.evicted()
    }

    /// The window opens, or nobody waits for it any more.
    fn open(&mut self, key: Key, moment: Moment, log: &mut Log) {
        if let Some(mut closed) = self.table.remove(&key)
            && closed.active.is()
            && let Step::GoesOn(handle) = closed.active.step(moment.now, true, false, i64::MAX)
        {
            closed.trail.step(moment, i64::MAX, true);
            log.update(handle, closed.trail, &closed.figures(moment.now));
            log.end(handle);
        }
        if self.table.is_empty() {
            self.filter = 0;
        }
    }
}

/// Whether a segment shows that its sender waits for the window.
fn asks_for_room(event: &Event<'_>) -> bool {
    [
        Verdict::ZeroWindowProbe,
        Verdict::KeepAlive,
        Verdict::Retransmission,
    ]
    .iter()
    .any(|&verdict| event.judgement.has(verdict))
}

impl Closed {
    fn figures(&self, until: i64) -> [(&'static str, u64); 2] {
        let millis = until.saturating_sub(self.since).max(0) as u64 / 1_000_000;
        [("closed_ms", millis), ("probes", self.probes)]
    }

    fn look(&mut self, moment: Moment, rule: &ZeroWindowStall, log: &mut Log) {
        // As long as it was seen closed: the capture may have had a pause since.
        let long = self.trail.seen().saturating_sub(self.since) >= rule.seconds.0;
        let step = self
            .active
            .step(moment.now, long && self.probes > 0, false, i64::MAX);
        let about = (Rule::ZeroWindowStall, self.subject);
        let figures = self.figures(self.trail.seen());
        log.carry_out(&mut self.active, step, about, self.trail, &figures, moment);
    }
}
