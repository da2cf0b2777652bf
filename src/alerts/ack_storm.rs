//! ACK storms: two ends answer each other's empty ACKs, neither of which says anything new (ANALYSIS.md 9, RFC 5961 §7).
//!
//! Acknowledgments are half of all packets, so looking at one must cost nothing: those that move on are passed over at once,
//! and the others are counted in a small table by the connection's number, in which a newcomer takes the place of whoever was
//! not heard of for a window.

use super::clock::Moment;
use super::log::{Active, Log, Subject, Trail};
use super::rule::Rule;
use super::thresholds::AckStorm;
use super::window::Sliding;
use crate::tracking::{Direction, Event, Verdict};

/// Connections that are watched at once.
const PLACES: usize = 256;
/// No connection has this number.
const NOBODY: u64 = u64::MAX;
/// From so many ACKs on a place is not given away while they go on.
const WORTH_KEEPING: u64 = 8;

#[derive(Clone, Debug, Default)]
struct Place {
    acks: [Sliding; 2],
    trail: Trail,
    active: Active,
    about: Option<Subject>,
}

/// Empty ACKs without news, per connection.
#[derive(Debug, Default)]
pub struct AckStorms {
    /// Whose each place is, apart from the places so that looking at it stays in the nearest cache; empty until an ACK counts.
    ids: Vec<u64>,
    places: Vec<Place>,
    passed_over: u64,
}

impl AckStorms {
    /// A segment of a connection, no duplicate.
    pub fn add(&mut self, event: &Event<'_>, moment: Moment, rule: &AckStorm, log: &mut Log) {
        let (id, segment) = (event.connection.id, event.segment);
        if !segment.is_pure_ack() {
            // Data are a reason to answer.
            let at = id as usize % PLACES;
            if segment.payload_len > 0
                && self.ids.get(at) == Some(&id)
                && !self.places[at].active.is()
            {
                self.ids[at] = NOBODY;
            }
            return;
        }
        if says_something(event) {
            return;
        }
        if self.places.is_empty() {
            self.places = vec![Place::default(); PLACES];
            self.ids = vec![NOBODY; PLACES];
        }
        let at = id as usize % PLACES;
        let place = &mut self.places[at];
        if self.ids[at] != id {
            let recent = moment.now.saturating_sub(place.trail.seen()) <= rule.seconds.0;
            if place.active.is()
                || self.ids[at] != NOBODY && recent && place.trail.packets >= WORTH_KEEPING
            {
                self.passed_over += 1;
                return;
            }
            self.ids[at] = id;
            *place = Place {
                about: Some(Subject::Connection {
                    id,
                    sender: event.connection.client,
                    receiver: event.connection.server,
                }),
                ..Place::default()
            };
        }
        place.trail.step(moment, rule.seconds.0, place.active.is());
        place.acks[usize::from(event.direction == Direction::ToClient)].add(
            moment.now,
            rule.seconds.0,
            1,
        );
        place.look(moment, rule, log);
    }

    /// Time has passed.
    pub fn tick(&mut self, moment: Moment, rule: &AckStorm, log: &mut Log) {
        for place in self.places.iter_mut().filter(|place| place.active.is()) {
            place.look(moment, rule, log);
        }
    }

    /// ACKs that were not counted because their place was taken.
    pub fn evicted(&self) -> u64 {
        self.passed_over
    }
}

/// Whether a pure ACK acknowledges more, opens the window, or answers a question.
fn says_something(event: &Event<'_>) -> bool {
    let acknowledging = &event.connection.flow(event.direction).acknowledging;
    let moves = acknowledging.last_progress == event.segment.frame;
    let answers = [
        Verdict::WindowUpdate,
        Verdict::KeepAlive,
        Verdict::KeepAliveAck,
        Verdict::ZeroWindowProbe,
        Verdict::ZeroWindowProbeAck,
    ];
    moves || answers.iter().any(|&verdict| event.judgement.has(verdict))
}

impl Place {
    fn look(&mut self, moment: Moment, rule: &AckStorm, log: &mut Log) {
        let Some(subject) = self.about else { return };
        let window = rule.seconds.0;
        let acks = self.acks.each_mut().map(|acks| acks.at(moment.now, window));
        let fewest = acks[0].min(acks[1]);
        let step = self.active.step(
            moment.now,
            fewest >= rule.acks,
            fewest * 2 < rule.acks,
            window,
        );
        let figures = [("acks", self.trail.packets)];
        log.carry_out(
            &mut self.active,
            step,
            (Rule::AckStorm, subject),
            self.trail,
            &figures,
            moment,
        );
    }
}
