//! Connections that are reset in numbers, by or to one host, or refused by one service (ANALYSIS.md 9).
//!
//! Each connection counts once, at its first RST, and only while both sides were talking: a RST behind a FIN is an ordinary way
//! to close, one without any data a health check, and one that answers a stealth probe belongs to a scan.

use super::clock::Moment;
use super::log::{Active, Log, Subject, Trail};
use super::rule::Rule;
use super::table::{Bounded, Weight};
use super::thresholds::RstStorm;
use super::window::Sliding;
use crate::utils::addressing::Endpoint;
use std::net::IpAddr;

/// Hosts and services that are kept, at most.
const CAPACITY: usize = 8192;

/// Whose connections are counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Party {
    /// A host whose open connections are reset, by it or by others.
    Host(IpAddr),
    /// A service that refuses.
    Service(Endpoint),
}

#[derive(Debug, Default)]
struct Resets {
    resets: Sliding,
    begun: Sliding,
    trail: Trail,
    active: Active,
}

impl Weight for Resets {
    fn weight(&self) -> u64 {
        if self.active.is() {
            u64::MAX
        } else {
            self.trail.packets
        }
    }
}

/// Resets per party.
#[derive(Debug)]
pub struct RstStorms {
    table: Bounded<Party, Resets>,
    hot: Vec<Party>,
    is_empty: bool,
}

impl Default for RstStorms {
    fn default() -> Self {
        Self {
            table: Bounded::new(CAPACITY),
            hot: Vec::new(),
            is_empty: true,
        }
    }
}

impl RstStorms {
    /// A connection began: it counts for those that had resets lately.
    pub fn begun(&mut self, client: Endpoint, server: Endpoint, now: i64, rule: &RstStorm) {
        if self.is_empty {
            return;
        }
        for party in [
            Party::Host(client.address),
            Party::Host(server.address),
            Party::Service(server),
        ] {
            if let Some(resets) = self.table.get_mut(&party) {
                resets.begun.add(now, rule.seconds.0, 1);
            }
        }
    }

    /// A connection of this party was reset.
    pub fn add(&mut self, party: Party, moment: Moment, rule: &RstStorm, log: &mut Log) {
        self.is_empty = false;
        let window = rule.seconds.0;
        let entry = self.table.entry(party, Resets::default);
        let was_active = entry.active.is();
        entry.trail.step(moment, window, was_active);
        entry.resets.add(moment.now, window, 1);
        entry.look(party, moment, rule, log);
        if entry.active.is() && !was_active {
            self.hot.push(party);
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, moment: Moment, rule: &RstStorm, log: &mut Log) {
        let table = &mut self.table;
        self.hot.retain(|&party| {
            table.get_mut(&party).is_some_and(|entry| {
                entry.look(party, moment, rule, log);
                entry.active.is()
            })
        });
    }

    /// How many entries left to keep within the bounds.
    pub fn evicted(&self) -> u64 {
        self.table.evicted()
    }
}

impl Resets {
    fn look(&mut self, party: Party, moment: Moment, rule: &RstStorm, log: &mut Log) {
        let window = rule.seconds.0;
        let resets = self.resets.at(moment.now, window);
        let begun = self.begun.at(moment.now, window).max(resets);
        let share = f64::from(resets) / f64::from(begun.max(1));
        let reached = resets >= rule.resets && share >= rule.connections_share;
        let low = resets * 2 < rule.resets || share * 2.0 < rule.connections_share;
        let step = self.active.step(moment.now, reached, low, window);
        let subject = match party {
            Party::Host(address) => Subject::Host(address),
            Party::Service(endpoint) => Subject::Service(endpoint),
        };
        let figures = [("resets", self.trail.packets)];
        log.carry_out(
            &mut self.active,
            step,
            (Rule::RstStorm, subject),
            self.trail,
            &figures,
            moment,
        );
    }
}
