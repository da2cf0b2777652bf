//! Transfers between two simulated hosts whose story is known (ANALYSIS.md 8.6), seen from the sender, from the middle of the path and
//! from the receiver: the account has to say what was built in, and the same everywhere.

mod hosts;

use super::{Limit, Spent};
use crate::analyzers::tcp::Flags;
use crate::analyzers::tcp_options::Timestamps;
use crate::tracking::{ConnectionTracker, Direction, Segment};
use crate::utils::addressing::Endpoint;
use crate::utils::seq::Seq;
use crate::utils::time::Timestamp;
use hosts::{Hosts, MILLI, ROOMY, SIZE, Transfer};

/// Somebody who looks at a transfer.
struct Observer {
    tracker: ConnectionTracker,
    client: Endpoint,
    server: Endpoint,
    has_timestamps: bool,
}

impl Observer {
    /// A segment of the client's, or of the server's, passes at `time`; `stamps` are its sender's clock and the echo of the other's.
    fn see(&mut self, from_client: bool, time: i64, mut segment: Segment, stamps: (i64, i64)) {
        segment.time = Timestamp::from_nanos(time);
        segment.payload_captured = segment.payload_len;
        // Clocks of a millisecond, and never 0.
        let clock = |nanos: i64| (nanos / MILLI + 100_000) as u32;
        segment.options.timestamps = self.has_timestamps.then(|| Timestamps {
            value: clock(stamps.0),
            echo: clock(stamps.1),
        });
        if segment.flags.syn() {
            // Never scaled on a SYN itself.
            segment.window = u16::MAX;
            segment.options.window_scale = Some(7);
            segment.options.mss = Some(SIZE as u16);
        }
        let (sender, receiver) = if from_client {
            (self.client, self.server)
        } else {
            (self.server, self.client)
        };
        self.tracker.observe(sender, receiver, &segment);
    }
}

/// A segment without data, in a stream whose octets are numbered from 0.
fn segment(flags: Flags, seq: i64, ack: i64, window: i64) -> Segment {
    Segment {
        flags,
        seq: Seq(seq as u32),
        ack: Seq(ack as u32),
        window: (window * SIZE / 128) as u16,
        ..Segment::example()
    }
}

impl Transfer {
    /// The account of the transfer for an observer so far from the sender.
    fn seen(&self, away: i64) -> Spent {
        let mut observer = Observer {
            tracker: ConnectionTracker::new(4),
            client: Endpoint::new([192, 0, 2, 1].into(), 40_000),
            server: Endpoint::new([192, 0, 2, 2].into(), 80),
            has_timestamps: self.has_timestamps,
        };
        let one_way = self.round_trip / 2;
        let (asks, answers) = (-self.round_trip, -one_way);
        let syn = segment(Flags::SYN, 0, 0, 0);
        observer.see(true, asks + away, syn, (asks, 0));
        let both = segment(Flags::SYN.with(Flags::ACK), 0, 1, 0);
        observer.see(false, -away, both, (answers, asks));
        let opens = segment(Flags::ACK, 1, 1, ROOMY);
        observer.see(true, away, opens, (0, answers));
        for passes in Hosts::new(self, away).run() {
            let from_client = passes.segment.is_some();
            let passing = match passes.segment {
                Some(number) => Segment {
                    payload_len: SIZE as u32,
                    ..segment(Flags::ACK, 1 + number * SIZE, 1, ROOMY)
                },
                None => {
                    let ack = 1 + passes.acknowledges * SIZE;
                    segment(Flags::ACK, 1, ack, passes.window)
                }
            };
            observer.see(from_client, passes.time, passing, passes.stamps);
        }
        let connections = observer.tracker.connections();
        let connection = &connections[0];
        let delivered = connection.delivered(Direction::ToServer);
        assert_eq!(delivered, (self.segments * SIZE).unsigned_abs());
        let spent = connection.spent(Direction::ToServer).unwrap();
        assert_eq!(
            spent.total(),
            connection.duration(),
            "one cause each moment"
        );
        spent
    }

    /// The share of a cause is at least this wherever on the path, and nearly the same.
    fn is(&self, limit: Limit, least: f64) {
        let one_way = self.round_trip / 2;
        let places = [0, one_way / 2, one_way];
        let shares = places.map(|away| self.seen(away).share(limit));
        assert!(shares.iter().all(|&share| share >= least), "{shares:?}");
        let [one, two, three] = shares;
        let apart = one.max(two).max(three) - one.min(two).min(three);
        assert!(apart <= 0.05, "{shares:?}");
    }
}

#[test]
fn a_small_window_limits() {
    Transfer {
        window: 12,
        ..Transfer::default()
    }
    .is(Limit::ReceiverWindow, 0.9);
}

#[test]
fn a_reader_that_stalls_closes_the_window() {
    Transfer {
        window: 60,
        stalls: (200 * MILLI, 2200 * MILLI),
        ..Transfer::default()
    }
    .is(Limit::ReceiverWindow, 0.8);
}

#[test]
fn a_full_link_limits_and_its_queue_grows() {
    for has_timestamps in [true, false] {
        Transfer {
            each: MILLI,
            opens_to: 120,
            segments: 6000,
            has_timestamps,
            ..Transfer::default()
        }
        .is(Limit::Bottleneck, 0.8);
    }
}

/// So slow that few segments are under way, and only the round trip tells.
#[test]
fn a_slow_link_with_a_long_queue_limits() {
    Transfer {
        each: 12 * MILLI,
        opens_to: 12,
        ..Transfer::default()
    }
    .is(Limit::Bottleneck, 0.8);
}

#[test]
fn a_queue_that_overflows_is_a_full_link() {
    Transfer {
        each: MILLI / 2,
        queue: 15,
        segments: 3000,
        ..Transfer::default()
    }
    .is(Limit::Bottleneck, 0.7);
}

#[test]
fn losses_now_and_then_keep_the_window_small() {
    Transfer {
        lost: (0..2000).filter(|at| at % 83 == 40).collect(),
        segments: 2000,
        ..Transfer::default()
    }
    .is(Limit::Loss, 0.6);
}

#[test]
fn an_application_that_writes_now_and_then_has_nothing_to_send() {
    Transfer {
        writes: (5, 300 * MILLI),
        segments: 50,
        ..Transfer::default()
    }
    .is(Limit::Application, 0.9);
}

#[test]
fn a_source_that_is_slow_while_octets_are_under_way_has_nothing_to_send() {
    Transfer {
        writes: (1, 17 * MILLI),
        segments: 200,
        ..Transfer::default()
    }
    .is(Limit::Application, 0.8);
}

#[test]
fn a_full_send_buffer_keeps_as_much_under_way() {
    Transfer {
        buffer: 30,
        ..Transfer::default()
    }
    .is(Limit::SendBuffer, 0.8);
}

#[test]
fn a_single_segment_waits_for_an_acknowledgment_that_is_delayed() {
    Transfer {
        buffer: 1,
        delays: 40 * MILLI,
        segments: 50,
        ..Transfer::default()
    }
    .is(Limit::DelayedAck, 0.9);
}

#[test]
fn a_short_transfer_is_over_before_the_window_opens() {
    let transfer = Transfer {
        segments: 60,
        ..Transfer::default()
    };
    let [near, far] = [0, transfer.round_trip / 2].map(|away| transfer.seen(away));
    for spent in [near, far] {
        let begins = spent.share(Limit::Handshake) + spent.share(Limit::SlowStart);
        assert!(begins + spent.share(Limit::Closing) > 0.95, "{spent:?}");
        assert!(spent.share(Limit::SlowStart) > 0.3, "{spent:?}");
    }
}
