//! Rules over events: what a person should be told of at once. Facts come from the tracking; that they deserve an alert is
//! policy, and stands here and in `thresholds.toml`.
//!
//! Windows slide in the capture's time, an alert ends after one window below half its limit, and memory is bounded under
//! attack: every table has a fixed capacity (a few thousand entries, all of them together some 45 MiB when all are full) in which
//! the least weighty give way, and how many did is counted. Ordinary traffic costs next to nothing: a segment without SYN, FIN, RST,
//! retransmission or closed window is passed over after a few comparisons.
//!
//! What is not handled: retransmission storms are found per connection, not per host; of ARP only conflicting claims are looked
//! at; a scan spread over more than the window, or over many sources, stays below the limits.

mod ack_storm;
mod agenda;
mod arp;
mod attempts;
mod clock;
mod distinct;
mod handshakes;
pub mod log;
mod occurrences;
mod repeats;
mod resets;
pub mod rule;
mod scans;
mod servers;
mod stalls;
mod table;
#[cfg(test)]
mod tests;
pub mod thresholds;
mod window;
pub mod words;

pub use log::{Alert, Log};
pub use rule::Rule;
pub use thresholds::Thresholds;

use crate::analyzers::other::Other;
use crate::analyzers::{Frame, Layer, Packet};
use crate::tracking::state::State;
use crate::tracking::{Event, Verdict};
use crate::utils::time::{NANOS_PER_MILLI, Timestamp};
use ack_storm::AckStorms;
use arp::Claims;
use clock::{CaptureClock, Moment};
use handshakes::Handshakes;
use log::Subject;
use occurrences::Occurrences;
use repeats::RetransmissionStorms;
use resets::RstStorms;
use stalls::Stalls;
use std::net::{IpAddr, Ipv4Addr};

/// How often rules that wait for time to pass are looked at, in nanoseconds of the capture.
const TICK: i64 = 100 * NANOS_PER_MILLI;

/// All rules with what they remember.
#[derive(Debug)]
pub struct Alerts {
    thresholds: Thresholds,
    clock: CaptureClock,
    last: Moment,
    next_tick: i64,
    log: Log,
    handshakes: Handshakes,
    rst_storms: RstStorms,
    retransmission_storms: RetransmissionStorms,
    ack_storms: AckStorms,
    stalls: Stalls,
    claims: Claims,
    arp_conflicts: Occurrences<Ipv4Addr>,
    ttl_changes: Occurrences<IpAddr>,
    bad_flags: Occurrences<IpAddr>,
}

impl Alerts {
    /// Rules with these thresholds that have seen nothing yet.
    pub fn new(thresholds: Thresholds) -> Self {
        let (arp, ttl, flags) = (
            &thresholds.arp_conflict,
            &thresholds.ttl_change,
            &thresholds.bad_flags,
        );
        Self {
            clock: CaptureClock::default(),
            last: Moment::default(),
            next_tick: TICK,
            log: Log::default(),
            handshakes: Handshakes::default(),
            rst_storms: RstStorms::default(),
            retransmission_storms: RetransmissionStorms::default(),
            ack_storms: AckStorms::default(),
            stalls: Stalls::default(),
            claims: Claims::default(),
            arp_conflicts: Occurrences::new(Rule::ArpConflict, arp.conflicts, arp.seconds.0),
            ttl_changes: Occurrences::new(Rule::TtlChange, ttl.resets, ttl.seconds.0),
            bad_flags: Occurrences::new(Rule::BadFlags, flags.packets, flags.seconds.0),
            thresholds,
        }
    }

    /// Takes in a packet, and for TCP what the tracking says of it.
    pub fn packet(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, event: Option<&Event<'_>>) {
        match event {
            Some(event) => self.segment(event),
            None => {
                let moment = self.moment(frame.number, frame.time);
                self.claim(frame, packet, moment);
            }
        }
    }

    /// Takes in a segment.
    pub fn segment(&mut self, event: &Event<'_>) {
        let segment = event.segment;
        let moment = self.moment(segment.frame, segment.time);
        let verdicts = event.judgement.verdicts;
        if verdicts.has(Verdict::Duplicate) {
            return;
        }
        let Self {
            thresholds, log, ..
        } = self;
        let flags = segment.flags;
        if flags.syn()
            || flags.fin()
            || flags.rst()
            || !flags.ack()
            || handshakes::is_completed_by(event)
        {
            self.handshakes
                .add(event, moment, thresholds, &mut self.rst_storms, log);
            self.look_at_header(event, moment);
        }
        let Self {
            thresholds, log, ..
        } = self;
        if thresholds.retransmission_storm.enabled && verdicts.has(Verdict::Retransmission) {
            let rule = &thresholds.retransmission_storm;
            self.retransmission_storms.add(event, moment, rule, log);
        }
        if thresholds.zero_window_stall.enabled {
            self.stalls
                .add(event, moment, &thresholds.zero_window_stall, log);
        }
        if thresholds.ack_storm.enabled {
            self.ack_storms
                .add(event, moment, &thresholds.ack_storm, log);
        }
    }

    /// Flags and distance of a segment that is not an ordinary one.
    fn look_at_header(&mut self, event: &Event<'_>, moment: Moment) {
        let (flags, source) = (
            event.segment.flags,
            event.connection.sender(event.direction).address,
        );
        let contradictory = flags.syn() && (flags.fin() || flags.rst());
        // Who closes before anything came has nothing to acknowledge.
        let gives_up = event.states_before()[event.direction] == State::SynSent && flags.fin();
        let unacknowledging = !flags.ack() && !flags.syn() && !flags.rst() && !gives_up;
        let impossible = contradictory || unacknowledging;
        if impossible && self.thresholds.bad_flags.enabled {
            let figures = [("flags", u64::from(flags.0))];
            self.bad_flags.add(
                source,
                Subject::Host(source),
                &figures,
                moment,
                &mut self.log,
            );
        }
        let rule = &self.thresholds.ttl_change;
        let [client, server] = event.states_before().0;
        let is_open = client.is_synchronized() && server.is_synchronized();
        if let Some(before) = event.hops_before()
            && rule.enabled
            && flags.rst()
            && is_open
        {
            let now = event.segment.hops_left;
            let other_place = distance(before).abs_diff(distance(now)) >= rule.hops;
            if other_place && before.abs_diff(now) >= rule.hops {
                let figures = [("ttl", now.into()), ("ttl_before", before.into())];
                let [sender, receiver] = [event.direction, event.direction.reverse()]
                    .map(|side| event.connection.sender(side));
                let id = event.connection.id;
                let subject = Subject::Connection {
                    id,
                    sender,
                    receiver,
                };
                // Whoever breaks connections breaks many of one host.
                let key = receiver.address;
                self.ttl_changes
                    .add(key, subject, &figures, moment, &mut self.log);
            }
        }
    }

    /// An ARP packet claims its sender's address for its sender's station.
    fn claim(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, moment: Moment) {
        let rule = &self.thresholds.arp_conflict;
        let Some((station, address)) = packet.other().and_then(Other::arp_claim) else {
            return;
        };
        if !rule.enabled {
            return;
        }
        let vlan = packet.layers.iter().find_map(|layer| match layer {
            Layer::Vlan(tag) => Some(tag.vlan()),
            _ => None,
        });
        let place = (frame.interface, vlan, address);
        if let Some(before) = self.claims.add(place, station, moment, rule.seconds.0) {
            let stations = [before, station];
            let subject = Subject::Claim { address, stations };
            self.arp_conflicts
                .add(address, subject, &[], moment, &mut self.log);
        }
    }

    /// Time passes without packets: `time` is the capture's.
    pub fn pass(&mut self, time: Timestamp) {
        self.moment(self.last.frame, time);
    }

    /// The capture is over: rules that waited for time to pass have their last word.
    pub fn end(&mut self) {
        self.tick(self.last, true);
    }

    /// What was found.
    pub fn into_log(mut self) -> Log {
        self.log.evicted = self.handshakes.evicted()
            + self.rst_storms.evicted()
            + self.retransmission_storms.evicted()
            + self.ack_storms.evicted()
            + self.stalls.evicted()
            + self.claims.evicted()
            + self.arp_conflicts.evicted()
            + self.ttl_changes.evicted()
            + self.bad_flags.evicted();
        self.log
    }

    /// Whether alerts began or ended since they were last taken.
    pub fn has_news(&self) -> bool {
        self.log.has_news()
    }

    /// Alerts that began or ended since the last call.
    pub fn take_news(&mut self) -> Vec<Alert> {
        self.log.take_news()
    }

    fn moment(&mut self, frame: u64, time: Timestamp) -> Moment {
        let now = self.clock.advance(time);
        let moment = Moment { now, frame, time };
        self.last = moment;
        if now >= self.next_tick {
            self.next_tick = now.saturating_add(TICK);
            self.tick(moment, false);
        }
        moment
    }

    #[cold]
    fn tick(&mut self, moment: Moment, over: bool) {
        let Self {
            thresholds, log, ..
        } = self;
        self.handshakes.tick(moment, over, thresholds, log);
        self.rst_storms.tick(moment, &thresholds.rst_storm, log);
        self.retransmission_storms
            .tick(moment, &thresholds.retransmission_storm, log);
        self.ack_storms.tick(moment, &thresholds.ack_storm, log);
        self.arp_conflicts.tick(moment, log);
        self.ttl_changes.tick(moment, log);
        self.bad_flags.tick(moment, log);
    }
}

/// Routers on the way, guessed from the time to live: senders begin with 32, 64, 128 or 255.
fn distance(hops_left: u8) -> u8 {
    let begins_with = [32, 64, 128, 255]
        .into_iter()
        .find(|&start| hops_left <= start);
    begins_with.unwrap_or(255) - hops_left
}
