//! What becomes of the handshakes at each service: SYN floods, and handshakes that stay open (ANALYSIS.md 9).
//!
//! Handshakes are counted in the slot of time in which their SYN came, whenever they come to something, so that a slot that is
//! old enough tells how many of its SYNs became connections, without remembering any of them. A client that goes on has got its
//! answer, whether or not that was captured: a capture of one direction raises nothing.

use super::clock::Moment;
use super::distinct::Estimate;
use super::log::{Active, Log, Subject, Trail};
use super::rule::Rule;
use super::table::{Bounded, Weight};
use super::thresholds::{HalfOpen, SynFlood, Thresholds};
use crate::utils::addressing::Endpoint;
use std::net::IpAddr;

/// Services that are kept, at most.
const CAPACITY: usize = 4096;
/// Slots of the flood's window, and how many of the newest are still too young to tell.
const FLOOD_SLOTS: i64 = 5;
const YOUNG: i64 = 2;
/// Slots of the window of open handshakes.
const OPEN_SLOTS: i64 = 12;

/// What became of the handshakes of one slot of time.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// SYNs that were not refused.
    syns: u32,
    /// Those that were answered.
    answered: u32,
    /// Those whose client went on.
    completed: u32,
    /// Those that were answered and are neither completed nor taken back.
    open: u32,
}

/// Slots of time in a ring.
#[derive(Clone, Debug)]
struct Slots<const N: usize> {
    slots: [Slot; N],
    newest: i64,
}

impl<const N: usize> Default for Slots<N> {
    fn default() -> Self {
        Self {
            slots: [Slot::default(); N],
            newest: 0,
        }
    }
}

impl<const N: usize> Slots<N> {
    /// The slot of a moment, if it is not too old.
    fn at(&mut self, now: i64, width: i64) -> Option<&mut Slot> {
        let number = now.max(0) / width.max(1);
        self.slide(number);
        (self.newest - number < N as i64).then(|| &mut self.slots[number as usize % N])
    }

    /// The sum of `count` slots, without the newest `young`.
    fn sum(&mut self, now: i64, width: i64, young: i64, count: i64) -> Slot {
        self.slide(now.max(0) / width.max(1));
        let mut sum = Slot::default();
        for number in (self.newest - young - count + 1).max(0)..=self.newest - young {
            let slot = self.slots[number as usize % N];
            sum.syns = sum.syns.saturating_add(slot.syns);
            sum.answered = sum.answered.saturating_add(slot.answered);
            sum.completed = sum.completed.saturating_add(slot.completed);
            sum.open = sum.open.saturating_add(slot.open);
        }
        sum
    }

    fn slide(&mut self, number: i64) {
        if number - self.newest >= N as i64 {
            self.slots = [Slot::default(); N];
            self.newest = number;
        }
        while self.newest < number {
            self.newest += 1;
            self.slots[self.newest as usize % N] = Slot::default();
        }
    }
}

/// What happened to a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// A SYN came, from this address.
    Syn(IpAddr),
    /// The SYN was refused.
    Refused,
    /// It was answered with a SYN+ACK.
    Answered,
    /// The client went on.
    Completed {
        /// Whether the SYN+ACK was captured.
        answered: bool,
    },
    /// Either side took it back behind the SYN+ACK.
    Aborted,
}

/// SYNs at a service that has many, from the beginning of the slot in which they became many.
#[derive(Debug, Default)]
struct Surge {
    trail: Trail,
    completed: u64,
    sources: Estimate,
}

#[derive(Debug, Default)]
struct Server {
    flood: Slots<8>,
    waiting: Slots<16>,
    /// The first SYN of the newest slot of the flood's window.
    first: (i64, Moment),
    surge: Option<Box<Surge>>,
    flooded: Active,
    answers: Trail,
    left_open: Active,
    is_hot: bool,
}

impl Weight for Server {
    fn weight(&self) -> u64 {
        match self.is_hot {
            true => u64::MAX,
            false => self.answers.packets.max(1),
        }
    }
}

/// All services.
#[derive(Debug)]
pub struct Servers {
    table: Bounded<Endpoint, Server>,
    hot: Vec<Endpoint>,
}

impl Default for Servers {
    fn default() -> Self {
        Self {
            table: Bounded::new(CAPACITY),
            hot: Vec::new(),
        }
    }
}

impl Servers {
    /// Something happened to a handshake whose SYN was sent at `begun` on the clock of the windows.
    pub fn add(
        &mut self,
        server: Endpoint,
        fate: Fate,
        begun: i64,
        moment: Moment,
        thresholds: &Thresholds,
    ) {
        let found = match fate {
            Fate::Syn(_) => Some(self.table.entry(server, Server::default)),
            _ => self.table.get_mut(&server),
        };
        let Some(entry) = found else { return };
        entry.note(fate, begun, moment, thresholds);
        if !entry.is_hot && entry.is_worth_watching(thresholds) {
            entry.is_hot = true;
            self.hot.push(server);
        }
    }

    /// Whether SYNs flood a service, or may turn out to: many come, and few become connections. Those who send them are hardly who
    /// they say, and who asks one service again and again looks for no other.
    pub fn may_be_flooded(&mut self, server: &Endpoint, rule: &SynFlood) -> bool {
        if self.hot.is_empty() {
            return false;
        }
        self.table.get_mut(server).is_some_and(|server| {
            let few_completed = |surge: &Surge| {
                surge.completed as f64 <= rule.completed_share * surge.trail.packets as f64
            };
            server.flooded.is() || server.surge.as_deref().is_some_and(few_completed)
        })
    }

    /// Time has passed; `over` if there will be no more of it, so that nothing is too young any more.
    pub fn tick(&mut self, moment: Moment, over: bool, thresholds: &Thresholds, log: &mut Log) {
        let table = &mut self.table;
        self.hot.retain(|&endpoint| {
            table.get_mut(&endpoint).is_some_and(|server| {
                server.look_for_flood(endpoint, moment, over, &thresholds.syn_flood, log);
                server.look_for_open(endpoint, moment, &thresholds.half_open, log);
                server.is_hot
            })
        });
    }

    /// How many entries left to keep within the bounds.
    pub fn evicted(&self) -> u64 {
        self.table.evicted()
    }
}

impl Server {
    fn note(&mut self, fate: Fate, begun: i64, moment: Moment, thresholds: &Thresholds) {
        let flood_width = thresholds.syn_flood.seconds.0 / FLOOD_SLOTS;
        let open_width = thresholds.half_open.seconds.0 / OPEN_SLOTS;
        if let Fate::Syn(source) = fate {
            self.note_syn(source, moment, flood_width, &thresholds.syn_flood);
        }
        if fate == Fate::Answered {
            let quiet =
                !self.left_open.is() && self.waiting.sum(moment.now, open_width, 0, 16).open == 0;
            self.answers.step(
                moment,
                if quiet { -1 } else { i64::MAX },
                self.left_open.is(),
            );
        }
        if let (Fate::Completed { .. }, Some(surge)) = (fate, &mut self.surge) {
            surge.completed += 1;
        }
        let slots = [
            self.flood.at(begun, flood_width),
            self.waiting.at(begun, open_width),
        ];
        for slot in slots.into_iter().flatten() {
            match fate {
                Fate::Syn(_) => slot.syns = slot.syns.saturating_add(1),
                Fate::Refused => slot.syns = slot.syns.saturating_sub(1),
                Fate::Answered => (slot.answered, slot.open) = (slot.answered + 1, slot.open + 1),
                Fate::Completed { answered } => {
                    slot.completed = slot.completed.saturating_add(1);
                    slot.open = slot.open.saturating_sub(answered.into());
                }
                Fate::Aborted => slot.open = slot.open.saturating_sub(1),
            }
        }
    }

    fn note_syn(&mut self, source: IpAddr, moment: Moment, width: i64, rule: &SynFlood) {
        let slot = moment.now / width.max(1);
        if self.first.0 != slot || self.first.1.frame == 0 {
            self.first = (slot, moment);
        }
        if let Some(surge) = &mut self.surge {
            surge.trail.step(moment, i64::MAX, true);
            surge.sources.add(source);
            return;
        }
        let young = self.flood.sum(moment.now, width, 0, 1);
        let many = i64::from(rule.syns_per_second).saturating_mul(width) / 2_000_000_000;
        if i64::from(young.syns) >= many.max(1) {
            let mut surge = Surge::default();
            surge.trail.step(self.first.1, i64::MAX, true);
            surge.trail.step(moment, i64::MAX, true);
            surge.trail.packets = u64::from(young.syns) + 1;
            surge.sources.add(source);
            self.surge = Some(Box::new(surge));
        }
    }

    /// Whether time alone may bring an alert, so that ticks have to look.
    fn is_worth_watching(&self, thresholds: &Thresholds) -> bool {
        let slot = &self.waiting.slots[self.waiting.newest as usize % 16];
        let few = thresholds
            .half_open
            .share_from
            .min(thresholds.half_open.handshakes)
            / 16;
        let many = thresholds.syn_flood.half_open / 16;
        self.surge.is_some() || slot.open > few.min(many)
    }

    fn look_for_flood(
        &mut self,
        endpoint: Endpoint,
        moment: Moment,
        over: bool,
        rule: &SynFlood,
        log: &mut Log,
    ) {
        let (window, width) = (rule.seconds.0, rule.seconds.0 / FLOOD_SLOTS);
        let young = if over { 0 } else { YOUNG };
        let sum = self.flood.sum(moment.now, width, young, FLOOD_SLOTS);
        let wanted = f64::from(rule.syns_per_second) * window as f64 / 1e9;
        let completes = f64::from(sum.completed) > rule.completed_share * f64::from(sum.syns);
        let enough = f64::from(sum.syns) >= wanted || sum.open >= rule.half_open;
        let low = completes || f64::from(sum.syns) * 2.0 < wanted && sum.open * 2 < rule.half_open;
        let now = self.flood.sum(moment.now, width, 0, FLOOD_SLOTS + YOUNG);
        let Some(surge) = &self.surge else {
            self.is_hot = now.open > 0;
            return;
        };
        if rule.enabled {
            let reached = enough && !completes;
            // Counting sources takes a while, and only an alert tells of them.
            let sources = if reached || self.flooded.is() {
                surge.sources.count()
            } else {
                0
            };
            let step = self.flooded.step(moment.now, reached, low, window);
            let figures = [
                ("syns", surge.trail.packets),
                ("completed", surge.completed),
                ("open", now.open.into()),
                ("sources", sources.min(surge.trail.packets)),
            ];
            let about = (Rule::SynFlood, Subject::Service(endpoint));
            log.carry_out(
                &mut self.flooded,
                step,
                about,
                surge.trail,
                &figures,
                moment,
            );
        }
        if !self.flooded.is() && f64::from(now.syns) * 16.0 < wanted {
            self.surge = None;
        }
    }

    fn look_for_open(
        &mut self,
        endpoint: Endpoint,
        moment: Moment,
        rule: &HalfOpen,
        log: &mut Log,
    ) {
        let (window, width) = (rule.seconds.0, rule.seconds.0 / OPEN_SLOTS);
        let young = (rule.patience_seconds.0 / width.max(1) + 1).min(3);
        let sum = self.waiting.sum(moment.now, width, young, OPEN_SLOTS);
        let share = f64::from(sum.open) >= rule.open_share * f64::from(sum.answered);
        let reached = sum.open >= rule.handshakes || sum.open >= rule.share_from && share;
        let low = sum.open * 2 < rule.handshakes && (sum.open * 2 < rule.share_from || !share);
        // A flood says it all.
        let reached = reached && !self.flooded.is();
        let figures = [("open", sum.open.into()), ("answered", sum.answered.into())];
        if rule.enabled {
            let step = self.left_open.step(moment.now, reached, low, window);
            let about = (Rule::HalfOpen, Subject::Service(endpoint));
            log.carry_out(
                &mut self.left_open,
                step,
                about,
                self.answers,
                &figures,
                moment,
            );
        }
        let any = self.waiting.sum(moment.now, width, 0, 16).open > 0;
        self.is_hot = self.surge.is_some() || self.left_open.is() || any;
    }
}
