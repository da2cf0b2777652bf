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
    /// One so far from the client, who saw a connection open that begins at the client at time 0.
    fn of_opening(round_trip: i64, away: i64, has_timestamps: bool) -> Self {
        let mut observer = Observer {
            tracker: ConnectionTracker::new(4),
            client: Endpoint::new([192, 0, 2, 1].into(), 40_000),
            server: Endpoint::new([192, 0, 2, 2].into(), 80),
            has_timestamps,
        };
        let (asks, answers) = (-round_trip, -round_trip / 2);
        let syn = segment(Flags::SYN, 0, 0, 0);
        observer.see(true, asks + away, syn, (asks, 0));
        let both = segment(Flags::SYN.with(Flags::ACK), 0, 1, 0);
        observer.see(false, -away, both, (answers, asks));
        let opens = segment(Flags::ACK, 1, 1, ROOMY);
        observer.see(true, away, opens, (0, answers));
        observer
    }

    /// The account of the client.
    fn spent(&self) -> Option<Spent> {
        let connections = self.tracker.connections();
        let spent = connections[0].spent(Direction::ToServer)?;
        let duration = connections[0].duration();
        assert_eq!(spent.total(), duration, "one cause each moment");
        Some(spent)
    }

    /// The client sends octets from `seq` on, or the server does.
    fn says(&mut self, from_client: bool, time: i64, (seq, ack): (i64, i64), octets: u32) {
        let said = Segment {
            payload_len: octets,
            ..segment(Flags::ACK, seq, ack, ROOMY)
        };
        self.see(from_client, time, said, (time, time));
    }

    /// The other side's window, in segments, and nothing else.
    fn offers(&mut self, time: i64, ack: i64, window: i64) {
        let said = segment(Flags::ACK, 1, ack, window);
        self.see(false, time, said, (time, time));
    }

    /// The cause that took the largest share of the client's time.
    fn finds(&self, limit: Limit, least: f64) {
        let spent = self.spent().unwrap();
        assert!(spent.share(limit) >= least, "{limit:?} {spent:?}");
    }

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
        let mut observer = Observer::of_opening(self.round_trip, away, self.has_timestamps);
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

#[test]
fn a_buffer_on_a_short_path_is_no_full_link() {
    Transfer {
        round_trip: MILLI / 10,
        buffer: 8,
        ..Transfer::default()
    }
    .is(Limit::SendBuffer, 0.8);
}

#[test]
fn an_answer_that_acknowledges_ends_the_other_sides_turn() {
    // A server that thinks for longer and for shorter than a delayed acknowledgment takes, and one that answers at once on a short path.
    for (round_trip, thinks) in [(20, 100_000), (20, 5_000), (0, 50)] {
        let trip = round_trip * MILLI + MILLI / 10;
        let mut observer = Observer::of_opening(trip, 0, true);
        for turn in 0..50 {
            let time = turn * (trip + thinks * MILLI / 1000 + MILLI / 20);
            let answered = time + trip + thinks * MILLI / 1000;
            observer.says(true, time, (1 + turn * 200, 1 + turn * 300), 200);
            observer.says(false, answered, (1 + turn * 300, 201 + turn * 200), 300);
        }
        observer.finds(Limit::Application, 0.9);
    }
}

#[test]
fn a_needless_repeat_is_over_at_once() {
    let mut observer = Observer::of_opening(20 * MILLI, 10 * MILLI, false);
    observer.says(true, 100 * MILLI, (1, 1), 500);
    observer.offers(101 * MILLI, 501, ROOMY);
    // The acknowledgment is lost behind the observer.
    observer.says(true, 400 * MILLI, (1, 1), 500);
    observer.offers(401 * MILLI, 501, ROOMY);
    observer.says(true, 60_000 * MILLI, (501, 1), 500);
    observer.offers(60_001 * MILLI, 1001, ROOMY);
    observer.finds(Limit::Application, 0.98);
}

#[test]
fn a_window_that_stays_closed_holds_back_to_the_end() {
    let mut observer = Observer::of_opening(20 * MILLI, 0, false);
    observer.says(true, 0, (1, 1), 1000);
    observer.offers(20 * MILLI, 1001, 0);
    for probe in 1..20 {
        let time = probe * 1000 * MILLI;
        observer.says(true, time, (1000, 1), 0);
        observer.offers(time + 20 * MILLI, 1001, 0);
    }
    observer.finds(Limit::ReceiverWindow, 0.95);
}

#[test]
fn small_segments_in_a_row_are_all_that_there_is() {
    let mut observer = Observer::of_opening(40 * MILLI, 0, true);
    for at in 0..2000 {
        observer.says(true, at * MILLI, (1 + at * 200, 1), 200);
        if at >= 40 {
            observer.offers(at * MILLI + 1, 1 + (at - 39) * 200, ROOMY);
        }
    }
    observer.finds(Limit::Application, 0.9);
}

#[test]
fn what_would_have_fitted_was_not_held_by_the_window() {
    let mut observer = Observer::of_opening(20 * MILLI, 0, false);
    observer.says(true, 0, (1, 1), 1000);
    for at in 0..20 {
        let time = at * 1000 * MILLI;
        observer.offers(time + 20 * MILLI, 1001 + at * 50, 1);
        observer.says(true, time + 1000 * MILLI, (1001 + at * 50, 1), 50);
    }
    observer.finds(Limit::Application, 0.9);
}

#[test]
fn one_direction_alone_tells_nothing() {
    let mut observer = Observer::of_opening(20 * MILLI, 0, false);
    (0..50).for_each(|at| observer.says(true, at * MILLI, (1 + at * 1000, 1), 1000));
    assert_eq!(observer.spent(), None);
}

#[test]
fn data_with_the_third_step_of_the_handshake_come_behind_it() {
    let mut tracker = ConnectionTracker::new(4);
    let client = Endpoint::new([192, 0, 2, 1].into(), 40_000);
    let server = Endpoint::new([192, 0, 2, 2].into(), 80);
    let mut see = |from_client, millis, mut segment: Segment, octets: u32| {
        segment.time = Timestamp::from_nanos(millis * MILLI);
        (segment.payload_len, segment.payload_captured) = (octets, octets);
        let (sender, receiver) = if from_client {
            (client, server)
        } else {
            (server, client)
        };
        tracker.observe(sender, receiver, &segment);
    };
    // A SYN with data (RFC 7413), whose answer takes 100 ms.
    see(true, 0, segment(Flags::SYN, 0, 0, ROOMY), 100);
    see(
        false,
        100,
        segment(Flags::SYN.with(Flags::ACK), 0, 101, ROOMY),
        0,
    );
    see(true, 100, segment(Flags::ACK, 101, 1, ROOMY), 100);
    see(false, 200, segment(Flags::ACK, 1, 201, ROOMY), 0);
    let connections = tracker.connections();
    let spent = connections[0].spent(Direction::ToServer).unwrap();
    assert_eq!(
        (spent.share(Limit::Handshake), spent.share(Limit::Closing)),
        (0.5, 0.5)
    );
}
