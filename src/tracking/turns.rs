//! Who waits for whom (ANALYSIS.md 8.4). A turn is a run of data in one direction: a request, then its answer.
//!
//! What is measured is between two runs: from the last octet of a request to the first of its answer, as the observer sees them.
//! That holds the round trip from the observer to the server and back, which is taken off when the figures are asked for: then the
//! same comes out wherever the capture was taken. The client's think time is the same the other way round.

use super::connection::Connection;
use super::direction::{Direction, PerDirection};
pub use super::durations::Figures;
use super::durations::{Durations, Kind};
use super::judge::Position;
use super::judgement::Judgement;
use super::segment::Segment;
use super::verdict::Verdict;
use crate::utils::time::Timestamp;

/// The turns of a connection.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    /// Runs of data per direction: requests from the client, answers from the server.
    runs: PerDirection<u32>,
    /// When the current run began.
    began: Timestamp,
    /// Between the runs, and how long they took.
    durations: Durations,
    /// A repeat of octets that had been acknowledged, which is no part of the run: when, and the run's end before it.
    needless: Option<Box<(Timestamp, Timestamp)>>,
}

impl Turns {
    /// Asks for the memory beside them that the next one mostly needs.
    pub(super) fn prefetch_beside(&self) {
        self.durations.prefetch_beside();
    }

    /// Octets of memory they take, themselves included.
    pub fn memory(&self) -> usize {
        let needless = self.needless.as_deref().map_or(0, size_of_val);
        size_of::<Self>() + self.durations.memory() + needless
    }
}

/// Looks at a segment before it is recorded.
#[inline(always)]
pub fn note(
    connection: &mut Connection,
    direction: Direction,
    segment: &Segment,
    position: Position,
    judgement: &Judgement,
) {
    const NO_DATA: [Verdict; 3] = [
        Verdict::Duplicate,
        Verdict::KeepAlive,
        Verdict::ZeroWindowProbe,
    ];
    if NO_DATA.iter().any(|&verdict| judgement.has(verdict)) {
        return;
    }
    if connection.speaker == Some(direction) {
        if judgement.has(Verdict::Retransmission) {
            note_needless(connection, direction, segment, position);
        }
    } else if position.end > connection.flow(direction).stream.end {
        take_turn(connection, direction, segment.time);
    }
}

/// A repeat that the other side had no need of does not make the run longer.
fn note_needless(
    connection: &mut Connection,
    direction: Direction,
    segment: &Segment,
    position: Position,
) {
    let acknowledged = connection.flow(direction).stream.acknowledged;
    if acknowledged.is_some_and(|acknowledged| position.end <= acknowledged)
        && let Some(end) = end_of_run(connection, direction)
    {
        let turns = connection.turns.get_or_insert_default();
        turns.needless = Some(Box::new((segment.time, end)));
    }
}

/// When the last octets of the current run passed.
fn end_of_run(connection: &Connection, speaker: Direction) -> Option<Timestamp> {
    let last = connection.flow(speaker).last_data.get()?;
    let needless = connection.turns.as_ref()?.needless.as_deref();
    Some(match needless {
        Some(&(repeated, end)) if repeated == last => end,
        _ => last,
    })
}

fn take_turn(connection: &mut Connection, direction: Direction, time: Timestamp) {
    let before = connection.speaker;
    let ended = before.and_then(|speaker| end_of_run(connection, speaker));
    let wait = ended.map(|ended| time.since(ended));
    // What comes sooner than it could have been caused crossed the other side's data. From the server it is no answer, but more of
    // what it said before. From the client it is a request all the same, only that nobody can say how long it thought.
    let shifts = Direction::BOTH.map(|direction| shift(connection, direction));
    let round_trip = shifts[direction as usize];
    let crossed = wait.is_some_and(|wait| wait < round_trip - round_trip / 8);
    if crossed && direction == Direction::ToClient {
        return;
    }
    let turns = connection.turns.get_or_insert_default();
    if let (Some(speaker), Some(ended), Some(wait)) = (before, ended, wait) {
        let took = ended.since(turns.began).max(0);
        turns.durations.add(Kind::Transfer(speaker), took, shifts);
        if !crossed {
            let kind = Kind::Wait(direction);
            turns.durations.add(kind, wait.max(0), shifts);
        }
    }
    turns.runs[direction] = turns.runs[direction].saturating_add(1);
    turns.began = time;
    connection.speaker = Some(direction);
}

/// Nanoseconds from the observer to the sender of a direction and back.
fn shift(connection: &Connection, direction: Direction) -> i64 {
    connection.flow(direction.reverse()).min_rtt.unwrap_or(0)
}

impl Connection {
    /// The server's think time, which is the client's time to first byte without the network: from the last octet of a request at
    /// the server to the first octet of the answer. `None` without answers.
    pub fn time_to_first_byte(&self) -> Option<Figures> {
        self.wait(Direction::ToClient)
    }

    /// The client's think time: from the last octet of an answer at the client to the first of its next request.
    pub fn client_think_time(&self) -> Option<Figures> {
        self.wait(Direction::ToServer)
    }

    fn wait(&self, direction: Direction) -> Option<Figures> {
        let durations = &self.turns.as_ref()?.durations;
        durations.figures(Kind::Wait(direction), shift(self, direction), None)
    }

    /// From the first to the last octet of a run: of requests or of answers.
    pub fn run_time(&self, direction: Direction) -> Option<Figures> {
        let turns = self.turns.as_ref()?;
        let current = (self.speaker == Some(direction))
            .then(|| end_of_run(self, direction))
            .flatten()
            .map(|end| end.since(turns.began).max(0));
        let kind = Kind::Transfer(direction);
        turns.durations.figures(kind, 0, current)
    }

    /// Runs of data in a direction.
    pub fn runs(&self, direction: Direction) -> u64 {
        let turns = self.turns.as_ref();
        turns.map_or(0, |turns| u64::from(turns.runs[direction]))
    }
}

const _: () = assert!(size_of::<Turns>() <= 112);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::tcp::Flags;
    use crate::tracking::ConnectionTracker;
    use crate::utils::addressing::Endpoint;
    use crate::utils::seq::Seq;
    use crate::utils::time::NANOS_PER_MILLI;

    /// A conversation seen at some point of a path of 20 ms each way, so many of them away from the client.
    struct Talk {
        tracker: ConnectionTracker,
        client: Endpoint,
        server: Endpoint,
        sent: [u32; 2],
        from_client: i64,
    }

    impl Talk {
        fn at(from_client: i64) -> Self {
            let mut talk = Self {
                tracker: ConnectionTracker::new(10),
                client: Endpoint::new([192, 0, 2, 1].into(), 40_000),
                server: Endpoint::new([192, 0, 2, 2].into(), 80),
                sent: [0; 2],
                from_client,
            };
            talk.send(0, 0, Flags::SYN, 0);
            talk.send(1, 20, Flags::SYN.with(Flags::ACK), 0);
            talk.send(0, 40, Flags::ACK, 0);
            talk
        }

        /// A side (0 the client) sends at so many milliseconds of its own.
        fn send(&mut self, side: usize, millis: i64, flags: Flags, octets: u32) {
            let on_the_way = if side == 0 {
                self.from_client
            } else {
                20 - self.from_client
            };
            let segment = Segment {
                time: Timestamp::from_nanos((millis + on_the_way) * NANOS_PER_MILLI),
                flags,
                seq: Seq(self.sent[side]),
                ack: Seq(self.sent[1 - side]),
                payload_len: octets,
                ..Segment::example()
            };
            self.sent[side] += octets + u32::from(flags.syn());
            let (sender, receiver) = if side == 0 {
                (self.client, self.server)
            } else {
                (self.server, self.client)
            };
            self.tracker.observe(sender, receiver, &segment);
        }
    }

    fn millis(figures: Option<Figures>) -> (u64, i64, i64, i64) {
        let figures = figures.unwrap();
        let [min, median, max] =
            [figures.min, figures.median, figures.max].map(|nanos| nanos / NANOS_PER_MILLI);
        (figures.count, min, median, max)
    }

    #[test]
    fn the_same_at_every_point_of_the_path() {
        for from_client in [0, 5, 10, 19, 20] {
            let mut talk = Talk::at(from_client);
            // The server thinks for 300 ms, then for 100 ms; the client for 50 ms in between.
            talk.send(0, 100, Flags::ACK, 10);
            talk.send(0, 110, Flags::ACK, 10);
            talk.send(1, 110 + 20 + 300, Flags::ACK, 1000);
            talk.send(1, 437, Flags::ACK, 1000);
            talk.send(0, 437 + 20 + 50, Flags::ACK, 10);
            talk.send(1, 507 + 20 + 100, Flags::ACK, 1000);
            let connections = talk.tracker.connections();
            let connection = &connections[0];
            assert_eq!(millis(connection.time_to_first_byte()).0, 2);
            let (_, min, _, max) = millis(connection.time_to_first_byte());
            assert_eq!((min, max), (100, 300), "{from_client}");
            assert_eq!(millis(connection.client_think_time()), (1, 50, 50, 50));
            let request = millis(connection.run_time(Direction::ToServer));
            assert_eq!((request.0, request.1, request.3), (2, 0, 10));
            let answer = millis(connection.run_time(Direction::ToClient));
            assert_eq!((answer.0, answer.1, answer.3), (2, 0, 7));
            assert_eq!(connection.runs(Direction::ToClient), 2);
        }
    }

    #[test]
    fn what_crossed_the_request_is_no_answer_to_it() {
        for from_client in [0, 10, 20] {
            let mut talk = Talk::at(from_client);
            talk.send(1, 90, Flags::ACK, 500);
            // The server sends at 155, before the request can have arrived; at the server the order is the other way round.
            if from_client == 20 {
                talk.send(1, 155, Flags::ACK, 500);
                talk.send(0, 150, Flags::ACK, 10);
            } else {
                talk.send(0, 150, Flags::ACK, 10);
                talk.sent[0] -= 10;
                talk.send(1, 155, Flags::ACK, 500);
                talk.sent[0] += 10;
            }
            talk.send(1, 270, Flags::ACK, 500);
            let connections = talk.tracker.connections();
            let found = millis(connections[0].time_to_first_byte());
            assert_eq!(found, (1, 100, 100, 100), "{from_client}");
        }
    }

    #[test]
    fn one_side_alone_waits_for_nobody() {
        let mut talk = Talk::at(0);
        talk.send(0, 100, Flags::ACK, 10);
        talk.send(0, 500, Flags::ACK, 10);
        let connections = talk.tracker.connections();
        assert_eq!(connections[0].time_to_first_byte(), None);
        assert_eq!(connections[0].runs(Direction::ToServer), 1);
        assert_eq!(millis(connections[0].run_time(Direction::ToServer)).1, 400);
    }
}
