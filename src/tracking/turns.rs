//! Who waits for whom (ANALYSIS.md 8.4). A turn is a run of data in one direction: a request, then its answer.
//!
//! What is measured is between two runs: from the last octet of a request to the first of its answer, as the observer sees them.
//! That holds the round trip from the observer to the server and back, which is taken off when the figures are asked for: then the
//! same comes out wherever the capture was taken. The client's think time is the same the other way round.

use super::connection::Connection;
use super::direction::{Direction, PerDirection};
use super::durations::Durations;
pub use super::durations::Figures;
use super::judge::Position;
use super::judgement::Judgement;
use super::segment::Segment;
use super::verdict::Verdict;
use crate::utils::time::Timestamp;

/// How long the server let wait, which the table shows, and what it takes to tell.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    /// From the end of a request to the beginning of its answer, as observed.
    waits: Durations<1>,
    /// A repeat of octets that had been acknowledged, which is no part of the run: when, and the run's end before it.
    needless: Option<Box<(Timestamp, Timestamp)>>,
}

/// What is measured of turns beside that.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// Runs of data per direction: requests from the client, answers from the server.
    number: PerDirection<u32>,
    /// When the current run began.
    began: Timestamp,
    /// How long the client thought, and from the first to the last octet of requests and of answers.
    durations: Durations<3>,
}

const THINKING: usize = 0;
/// The transfers to the server; those to the client are the next kind.
const TRANSFERS: usize = 1;

impl Turns {
    /// Those of a connection of which the middle wait is known alone.
    pub(super) fn of_wait(nanos: i64) -> Self {
        let mut turns = Self::default();
        turns.waits.add(0, nanos, 0);
        turns
    }

    /// The middle wait in nanoseconds, with the network; `None` without any.
    pub(super) fn middle_wait(&self) -> Option<i64> {
        Some(self.waits.figures(0, 0, None)?.median)
    }

    /// Asks for the memory beside them that the next one mostly needs.
    pub(super) fn prefetch_beside(&self) {
        self.waits.prefetch_beside();
    }

    /// Octets of memory they take, themselves included.
    pub fn memory(&self) -> usize {
        let needless = self.needless.as_deref().map_or(0, size_of_val);
        size_of::<Self>() + self.waits.memory() + needless
    }
}

impl Runs {
    /// Asks for the memory beside them that the next one mostly needs.
    pub(super) fn prefetch_beside(&self) {
        self.durations.prefetch_beside();
    }

    /// Octets of memory they take beside their own size.
    pub(super) fn memory(&self) -> usize {
        self.durations.memory()
    }

    /// Another run of `speaker` begins at `time`. The other side's ended at `before`, if it had one; `wait` is what `speaker` let wait,
    /// if that can be told, and `shift` what will be taken off the client's waits.
    fn begin(
        &mut self,
        speaker: Direction,
        time: Timestamp,
        before: Option<Timestamp>,
        wait: Option<i64>,
        shift: i64,
    ) {
        if let Some(ended) = before {
            let kind = TRANSFERS + speaker.reverse() as usize;
            let took = ended.since(self.began).max(0);
            self.durations.add(kind, took, shift);
        }
        if let Some(wait) = wait.filter(|_| speaker == Direction::ToServer) {
            self.durations.add(THINKING, wait, shift);
        }
        let number = &mut self.number[speaker];
        *number = number.saturating_add(1);
        self.began = time;
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
    let turns = connection.turns.as_ref();
    let needless = turns.and_then(|turns| turns.needless.as_deref());
    Some(match needless {
        Some(&(repeated, end)) if repeated == last => end,
        _ => last,
    })
}

fn take_turn(connection: &mut Connection, direction: Direction, time: Timestamp) {
    let ended = connection
        .speaker
        .and_then(|speaker| end_of_run(connection, speaker));
    let wait = ended.map(|ended| time.since(ended));
    // What comes sooner than it could have been caused crossed the other side's data. From the server it is no answer, but more of
    // what it said before. From the client it is a request all the same, only that nobody can say how long it thought.
    let round_trip = shift(connection, direction);
    let crossed = wait.is_some_and(|wait| wait < round_trip - round_trip / 8);
    if crossed && direction == Direction::ToClient {
        return;
    }
    let wait = wait.filter(|_| !crossed).map(|wait| wait.max(0));
    if let Some(wait) = wait.filter(|_| direction == Direction::ToClient) {
        let turns = connection.turns.get_or_insert_default();
        turns.waits.add(0, wait, round_trip);
    }
    let from_client = shift(connection, Direction::ToServer);
    if let Some(measured) = &mut connection.measured {
        measured
            .runs
            .begin(direction, time, ended, wait, from_client);
    }
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
        let waits = &self.turns.as_ref()?.waits;
        waits.figures(0, shift(self, Direction::ToClient), None)
    }

    /// The client's think time: from the last octet of an answer at the client to the first of its next request.
    pub fn client_think_time(&self) -> Option<Figures> {
        let durations = &self.measurements().runs.durations;
        durations.figures(THINKING, shift(self, Direction::ToServer), None)
    }

    /// From the first to the last octet of a run: of requests or of answers.
    pub fn run_time(&self, direction: Direction) -> Option<Figures> {
        let runs = &self.measurements().runs;
        let current = (self.speaker == Some(direction))
            .then(|| end_of_run(self, direction))
            .flatten()
            .map(|end| end.since(runs.began).max(0));
        let kind = TRANSFERS + direction as usize;
        runs.durations.figures(kind, 0, current)
    }

    /// Runs of data in a direction.
    pub fn runs(&self, direction: Direction) -> u64 {
        u64::from(self.measurements().runs.number[direction])
    }
}

const _: () = assert!(size_of::<Turns>() <= 64);

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
