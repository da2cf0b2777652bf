//! The alerts that were raised: who, what, how much, since when and until when. Bounded: beyond the limit further ones are
//! only counted.

use super::clock::Moment;
use super::rule::{ROWS, Rule, ScanKind};
use crate::utils::addressing::{Endpoint, MacAddress};
use crate::utils::time::Timestamp;
use std::net::{IpAddr, Ipv4Addr};

/// Alerts that are kept per rule at most, so that no rule can hide what another found; further ones are only counted.
pub const MAX_ALERTS: u64 = 100;

/// Whom an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A service that many call.
    Service(Endpoint),
    /// One host.
    Host(IpAddr),
    /// One address that tries the ports of another.
    Scan {
        /// Who tries.
        source: IpAddr,
        /// Whose ports.
        target: IpAddr,
        /// How.
        kind: ScanKind,
    },
    /// One address that tries one port of many.
    Sweep {
        /// Who tries.
        source: IpAddr,
        /// Which port.
        port: u16,
        /// How.
        kind: ScanKind,
    },
    /// One direction of a connection.
    Connection {
        /// Its number.
        id: u64,
        /// Who sends in this direction.
        sender: Endpoint,
        /// Who receives.
        receiver: Endpoint,
    },
    /// An IPv4 address that two stations claim.
    Claim {
        /// The address.
        address: Ipv4Addr,
        /// The station that claimed it before, and the one that claims it now.
        stations: [MacAddress; 2],
    },
}

/// The packets that an alert rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// The first of them: frame and time.
    pub first: (u64, Timestamp),
    /// The last of them.
    pub last: (u64, Timestamp),
    /// How many.
    pub packets: u64,
    seen: i64,
}

impl Trail {
    /// One packet more. After silence for longer than `window` nanoseconds the trail begins anew, unless an alert holds it.
    pub fn step(&mut self, moment: Moment, window: i64, held: bool) {
        let at = (moment.frame, moment.time);
        if self.packets == 0 || !held && moment.now.saturating_sub(self.seen) > window {
            (self.first, self.packets) = (at, 0);
        }
        // What failed is known later than what was refused, so that frames need not come in order.
        if at.0 < self.first.0 {
            self.first = at;
        }
        if at.0 >= self.last.0 || self.packets == 0 {
            self.last = at;
        }
        self.seen = moment.now;
        self.packets += 1;
    }

    /// When the last packet came, on the clock of the windows.
    pub const fn seen(&self) -> i64 {
        self.seen
    }
}

/// A number with its name, which is its key in JSON.
pub type Figure = (&'static str, u64);

/// One alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its number, from 0.
    pub id: u32,
    /// Which rule raised it.
    pub rule: Rule,
    /// Whom it is about.
    pub subject: Subject,
    /// The packets that it rests on.
    pub trail: Trail,
    /// The frame at which it was known, and the time: where only time made it known, the last frame before.
    pub known: (u64, Timestamp),
    /// Whether it is over: a window passed below half the limit.
    pub over: bool,
    /// How much.
    pub figures: Vec<Figure>,
}

impl Alert {
    /// A figure by its name; 0 without.
    pub fn figure(&self, name: &str) -> u64 {
        let found = self.figures.iter().find(|figure| figure.0 == name);
        found.map_or(0, |figure| figure.1)
    }
}

/// Where an alert stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(u32);

/// All alerts of a capture.
#[derive(Clone, Debug, Default)]
pub struct Log {
    alerts: Vec<Alert>,
    fired: [u64; ROWS.len()],
    /// Alerts that began or ended and were not told yet.
    news: Vec<u32>,
    /// Entries that tables dropped to keep within their bounds.
    pub evicted: u64,
}

impl Log {
    /// An alert begins. Beyond the limit it is only counted.
    pub fn begin(
        &mut self,
        rule: Rule,
        subject: Subject,
        trail: Trail,
        figures: &[Figure],
        known: Moment,
    ) -> Handle {
        self.fired[rule as usize] += 1;
        if self.fired[rule as usize] > MAX_ALERTS {
            return Handle(u32::MAX);
        }
        let id = self.alerts.len() as u32;
        self.alerts.push(Alert {
            id,
            rule,
            subject,
            trail,
            known: (known.frame, known.time),
            over: false,
            figures: figures.to_vec(),
        });
        self.news.push(id);
        Handle(id)
    }

    /// Whether the next alert of a rule will be kept; if not, nobody reads its figures.
    pub fn has_room(&self, rule: Rule) -> bool {
        self.fired[rule as usize] < MAX_ALERTS
    }

    /// What is known of an alert by now.
    pub fn update(&mut self, handle: Handle, trail: Trail, figures: &[Figure]) {
        if let Some(alert) = self.alerts.get_mut(handle.0 as usize) {
            alert.trail = trail;
            alert.figures.clear();
            alert.figures.extend_from_slice(figures);
        }
    }

    /// An alert is over.
    pub fn end(&mut self, handle: Handle) {
        if let Some(alert) = self.alerts.get_mut(handle.0 as usize) {
            alert.over = true;
            self.news.push(handle.0);
        }
    }

    /// Whether alerts began or ended since they were last taken.
    pub fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// Alerts that began or ended since the last call.
    pub fn take_news(&mut self) -> Vec<Alert> {
        let alerts = &self.alerts;
        self.news
            .drain(..)
            .map(|id| alerts[id as usize].clone())
            .collect()
    }

    /// All that are kept, in the order in which they were known.
    pub fn alerts(&self) -> &[Alert] {
        &self.alerts
    }

    /// How often a rule fired.
    pub fn fired(&self, rule: Rule) -> u64 {
        self.fired[rule as usize]
    }

    /// How many alerts there were beyond those that are kept.
    pub fn not_kept(&self) -> u64 {
        self.fired.iter().sum::<u64>() - self.alerts.len() as u64
    }
}

/// Whether an alert is going on for something, with hysteresis.
#[derive(Clone, Copy, Debug, Default)]
pub struct Active {
    handle: Option<Handle>,
    low_since: Option<i64>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing is going on.
    Quiet,
    /// An alert is to begin.
    Begins,
    /// It goes on.
    GoesOn(Handle),
    /// It is over.
    Ends(Handle),
}

impl Active {
    /// Whether an alert is going on.
    pub const fn is(&self) -> bool {
        self.handle.is_some()
    }

    /// When it will have been below half its limit for one window, if it is now.
    pub fn ends_at(&self, window: i64) -> Option<i64> {
        Some(self.low_since?.saturating_add(window))
    }

    /// Remembers the alert that was begun.
    pub fn begun(&mut self, handle: Handle) {
        *self = Self {
            handle: Some(handle),
            low_since: None,
        };
    }

    /// One look at `now`: whether the limit is reached, and whether it is below half of it. After one window of that it ends.
    pub fn step(&mut self, now: i64, reached: bool, low: bool, window: i64) -> Step {
        let Some(handle) = self.handle else {
            return if reached { Step::Begins } else { Step::Quiet };
        };
        if !low {
            self.low_since = None;
            return Step::GoesOn(handle);
        }
        let since = *self.low_since.get_or_insert(now);
        if now.saturating_sub(since) < window {
            return Step::GoesOn(handle);
        }
        *self = Self::default();
        Step::Ends(handle)
    }
}

impl Log {
    /// Carries out what a step says.
    pub fn carry_out(
        &mut self,
        active: &mut Active,
        step: Step,
        (rule, subject): (Rule, Subject),
        trail: Trail,
        figures: &[Figure],
        known: Moment,
    ) {
        match step {
            Step::Quiet => {}
            Step::Begins => active.begun(self.begin(rule, subject, trail, figures, known)),
            Step::GoesOn(handle) => self.update(handle, trail, figures),
            Step::Ends(handle) => self.end(handle),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(log: &mut Log) -> Handle {
        let subject = Subject::Host([192, 0, 2, 1].into());
        log.begin(
            Rule::RstStorm,
            subject,
            Trail::default(),
            &[("resets", 7)],
            Moment::default(),
        )
    }

    #[test]
    fn it_ends_after_one_window_below_half_and_not_sooner() {
        let (mut log, mut active) = (Log::default(), Active::default());
        assert_eq!(active.step(0, false, true, 10), Step::Quiet);
        assert_eq!(active.step(1, true, false, 10), Step::Begins);
        let handle = begin(&mut log);
        active.begun(handle);
        assert_eq!(active.step(2, false, true, 10), Step::GoesOn(handle));
        assert_eq!(active.step(11, false, false, 10), Step::GoesOn(handle));
        assert_eq!(active.step(12, false, true, 10), Step::GoesOn(handle));
        assert_eq!(active.step(22, false, true, 10), Step::Ends(handle));
        assert_eq!(active.step(23, false, true, 10), Step::Quiet);
    }

    #[test]
    fn beyond_the_limit_alerts_are_counted() {
        let mut log = Log::default();
        for _ in 0..MAX_ALERTS + 5 {
            let handle = begin(&mut log);
            log.end(handle);
        }
        assert_eq!((log.alerts().len() as u64, log.not_kept()), (MAX_ALERTS, 5));
        assert_eq!(log.fired(Rule::RstStorm), MAX_ALERTS + 5);
        assert_eq!(log.take_news().len() as u64, 2 * MAX_ALERTS);
        assert!(!log.has_news());
    }
}
