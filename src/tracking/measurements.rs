//! What is measured of a connection for those who look at it closely: `--connection`, JSON, the lines and graphs of packets. The table
//! shows none of it, and no verdict rests on it. So it is kept apart, and not measured at all in a run that shows it nowhere, which
//! saves a third of the time of each segment and nearly half of a connection's memory.

use super::connection::{Connection, Handshake};
use super::details::{self, Details};
use super::direction::{Direction, PerDirection};
use super::flow::Flow;
use super::judge::Position;
use super::judgement::Judgement;
use super::known_to_sender::KnownToSender;
use super::limits::{Account, Heard, Opening, Path, Sending, Spent};
use super::record::{Recorded, is_first_scaled};
use super::samples::Samples;
use super::segment::{Header, Segment};
use super::sent_log::SentLog;
use super::turns::Runs;
use super::verdict::{Cause, Verdict};
use super::windows::WindowStatistics;
use super::zeek::ZeekView;
use crate::analyzers::tcp::Flags;
use crate::utils::maybe::Maybe;
use crate::utils::prefetch::prefetch;
use crate::utils::time::Timestamp;
use std::sync::LazyLock;

/// Connections at once, from which on others are not accounted for: an account takes half a kilobyte a direction, which half a million
/// connections within a gigabyte leave no room for.
pub const MOST_ACCOUNTED: usize = 100_000;

/// How much of it somebody will want to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measures {
    /// Nothing.
    Nothing,
    /// All but what held senders back.
    Figures,
    /// All of it.
    All,
}

impl Measures {
    /// The measurements of a connection that begins; `None` where nobody wants them.
    pub(super) fn begin(self) -> Option<Box<Measurements>> {
        (self != Measures::Nothing).then(|| {
            Box::new(Measurements {
                accounts: self == Measures::All,
                ..Measurements::default()
            })
        })
    }
}

/// The measurements of a connection.
#[derive(Clone, Debug, Default)]
pub struct Measurements {
    /// Whether it is accounted for what holds the senders back.
    accounts: bool,
    /// Zeek's codes.
    pub zeek: ZeekView,
    /// Requests and answers.
    pub(super) runs: Runs,
    sides: PerDirection<OneWay>,
}

/// The measurements of one direction.
#[derive(Clone, Debug, Default)]
pub struct OneWay {
    /// The windows it offered.
    pub windows: WindowStatistics,
    /// Octets of payload, each counted once.
    pub unique_bytes: u64,
    /// Packets with PSH.
    pub psh: u64,
    /// Octets of payload in the smallest data packet; 0 without data.
    pub smallest_payload: u32,
    /// The most octets under way.
    pub max_in_flight: u64,
    /// Sum and number of what was under way, for the mean.
    pub in_flight_sum: u64,
    /// How many times it was taken.
    pub in_flight_samples: u64,
    /// Payload octets sent before the first acknowledgment of any.
    pub initial_window: u64,
    /// Data packets sent before the first acknowledgment of any.
    pub initial_packets: u16,
    /// The longest pause between two of its packets in nanoseconds.
    pub longest_pause: i64,
    /// Nanoseconds in which nothing was in flight either way, in pauses that a segment of this direction ended.
    pub idle: i64,
    /// Round trips from the observer over the receiver back: this sender's data to their acknowledgment.
    pub ack_rtt: Samples,
    /// Round trips of this side's SYN to its acknowledgment, observer to receiver and back; nanoseconds.
    pub syn_rtt: Maybe<i64>,
    /// Figures that small transfers have no use for; `None` where there are none.
    pub details: Option<Box<Details>>,
    /// What the sender knows to be acknowledged, from acknowledgments that have had the time to reach it.
    known_to_sender: KnownToSender,
    /// What held the sender back, from its first data on.
    account: Option<Box<Account>>,
}

static NOT_MEASURED: LazyLock<Measurements> = LazyLock::new(Measurements::default);

impl Measurements {
    /// Octets of memory they take, themselves included.
    pub fn memory(&self) -> usize {
        let beside = self.sides.0.iter().map(OneWay::memory);
        size_of::<Self>() + self.runs.memory() + beside.sum::<usize>()
    }

    /// Asks for the memory beside them that a segment mostly needs.
    pub(super) fn prefetch_beside(&self) {
        self.runs.prefetch_beside();
        for side in &self.sides.0 {
            side.ack_rtt.prefetch_beside();
            if let Some(account) = side.account.as_deref() {
                prefetch(account);
            }
        }
    }
}

impl OneWay {
    fn memory(&self) -> usize {
        let details = self.details.as_deref().map_or(0, Details::memory);
        let account = self.account.as_deref().map_or(0, Account::memory);
        details + account + self.ack_rtt.memory() + self.known_to_sender.memory()
    }
}

impl Connection {
    /// What is measured of one direction; nothing where nobody asked for measurements.
    pub fn measured(&self, direction: Direction) -> &OneWay {
        &self.measurements().sides[direction]
    }

    /// What is measured of both. Asked for where nothing was measured, which an output must not do
    /// ([`super::ConnectionTracker::leave_out_measurements`]), it is all zeros.
    pub fn measurements(&self) -> &Measurements {
        debug_assert!(
            self.measured.is_some(),
            "an output that shows measurements has to say so"
        );
        self.measured.as_deref().unwrap_or(&NOT_MEASURED)
    }
}

impl Connection {
    /// How the time of a direction was spent, as far as what held its sender back goes; `None` if it sent no data, if no time
    /// passed, if its receiver was not captured, and if nobody accounts for it: no output asked
    /// ([`super::ConnectionTracker::leave_out_accounts`]), or there were too many connections when it began ([`MOST_ACCOUNTED`]).
    pub fn spent(&self, direction: Direction) -> Option<Spent> {
        let account = self.measured(direction).account.as_deref()?;
        let (sender, receiver) = (self.flow(direction), self.flow(direction.reverse()));
        let size = full_segment(sender, receiver);
        account
            .spent(self.last, path(sender, receiver), size)
            .filter(|spent| spent.total() > 0)
    }
}

/// What is only known before a segment is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    details: details::Before,
    latest: Option<Timestamp>,
}

/// Looks at a segment before it is recorded. `None` where nothing is measured.
#[inline(always)]
pub fn before(
    connection: &mut Connection,
    log: &SentLog,
    direction: Direction,
    segment: &Segment,
    position: Position,
    judgement: &Judgement,
) -> Option<Before> {
    let measured = connection.measured.as_deref_mut()?;
    let (sender, receiver) = connection.flows.pair_mut(direction);
    let flows = (&*sender, &*receiver);
    measured
        .zeek
        .observe(direction, flows, segment, position, judgement);
    Some(Before {
        details: details::before(connection, log, direction, segment, position),
        latest: connection
            .flow(direction)
            .latest
            .map(|latest| latest.segment.time),
    })
}

/// Measures a segment that has been judged and recorded.
pub fn note(
    connection: &mut Connection,
    direction: Direction,
    segment: &Segment,
    judgement: &Judgement,
    recorded: &mut Recorded,
    before: Before,
) {
    let Connection {
        flows,
        measured: Some(measured),
        start,
        handshake,
        ..
    } = connection
    else {
        return;
    };
    let (sender, receiver) = flows.pair_mut(direction);
    let (own, other) = measured.sides.pair_mut(direction);
    if !judgement.has(Verdict::Duplicate) {
        own.count(sender, segment);
        if !judgement.has(Verdict::OldDuplicate) {
            if segment.header != Header::TooLong {
                own.offers(sender, receiver, segment, recorded);
                own.sends(sender, receiver, segment, recorded, before.latest);
                other.is_acknowledged(sender, segment, recorded);
                if measured.accounts {
                    let opening = (*start, &*handshake);
                    own.accounts_for(opening, (sender, receiver), segment, judgement, recorded);
                    other.hears(receiver, sender, segment, judgement, recorded);
                }
            }
            details::note(
                (&mut *own, &mut *other),
                (sender, receiver),
                segment,
                judgement,
                recorded,
                before.details,
            );
        }
    }
}

impl OneWay {
    fn count(&mut self, sender: &Flow, segment: &Segment) {
        self.psh += u64::from(segment.flags.any(Flags::PSH));
        if segment.payload_len > 0 {
            let is_first = sender.counts.data_packets == 1;
            let smallest = if is_first {
                u32::MAX
            } else {
                self.smallest_payload
            };
            self.smallest_payload = smallest.min(segment.payload_len);
        }
    }

    fn offers(&mut self, sender: &Flow, receiver: &Flow, segment: &Segment, recorded: &Recorded) {
        if segment.flags.rst() {
            return;
        }
        let window = u32::try_from(recorded.window).unwrap_or(u32::MAX);
        self.windows.add(window, segment.time);
        if is_first_scaled(sender, receiver, segment) {
            (self.windows.min, self.windows.max) = (window, window);
        }
    }

    fn sends(
        &mut self,
        sender: &Flow,
        receiver: &Flow,
        segment: &Segment,
        recorded: &mut Recorded,
        latest: Option<Timestamp>,
    ) {
        if let Some(latest) = latest {
            self.longest_pause = self.longest_pause.max(segment.time.since(latest));
        }
        self.unique_bytes += recorded.fresh;
        if recorded.transmits && is_initial(sender) {
            self.initial_window += u64::from(segment.payload_len);
        }
        if segment.payload_len > 0 && !segment.flags.rst() {
            let out = self.in_flight(sender, receiver, segment);
            self.max_in_flight = self.max_in_flight.max(out);
            self.in_flight_sum = self.in_flight_sum.saturating_add(out);
            self.in_flight_samples += 1;
            recorded.in_flight = Some(out);
        }
    }

    /// What is under way behind a data segment, as its sender knew it. Where acknowledgments seem to take longer to the sender than
    /// they do (a slow third step of the handshake may be all there is to tell), the window still bounds it: no sender has more
    /// under way than the receiver ever offered (RFC 9293 §3.8.6).
    fn in_flight(&mut self, sender: &Flow, receiver: &Flow, segment: &Segment) -> u64 {
        let known = self.known_to_sender.at(segment.time).max(1);
        let out = (sender.stream.end - known - sender.stream.sacked().above(known))
            .max(0)
            .unsigned_abs();
        let scales_are_known = sender.offer.known && receiver.offer.known;
        let most = if scales_are_known {
            u64::from(receiver.windows.max).max(u64::from(segment.payload_len))
        } else {
            u64::MAX
        };
        out.min(most)
    }

    /// Accounts for the time up to a segment with data of a connection that began at `start`.
    fn accounts_for(
        &mut self,
        (start, handshake): (Timestamp, &Handshake),
        (sender, receiver): (&Flow, &Flow),
        segment: &Segment,
        judgement: &Judgement,
        recorded: &Recorded,
    ) {
        let flags = segment.flags;
        // What comes with a SYN (RFC 7413) is over before anything could hold it back.
        if !recorded.transmits || segment.payload_len == 0 || flags.rst() || flags.syn() {
            return;
        }
        let cause = judgement.repeat.and_then(|repeat| repeat.cause);
        let sending = Sending {
            time: segment.time,
            end: sender.stream.end,
            size: full_segment(sender, receiver),
            is_small: segment.payload_len
                < u32::from(receiver.offer.mss.unwrap_or(DEFAULT_MSS)) / 4,
            path: path(sender, receiver),
            echo: segment.options.timestamps.map(|stamps| stamps.echo),
            repeats: judgement.has(Verdict::Retransmission),
            is_needless: judgement.has(Verdict::SpuriousRetransmission),
            after_timeout: cause == Some(Cause::Timeout),
            misses: judgement.has(Verdict::LostSegment),
        };
        match &mut self.account {
            Some(account) => account.sends(&sending),
            None => {
                let end = sender.stream.end - i64::try_from(recorded.fresh).unwrap_or(0);
                let edge = window_edge(sender, receiver, false);
                let opening = opening(start, handshake, [sender, receiver], segment.time);
                let account = Account::begin(&opening, end, edge, &sending);
                self.account = Some(Box::new(account));
            }
        }
    }

    /// The receiver of this direction's data says something in a segment. `sender` sent the data.
    fn hears(
        &mut self,
        sender: &Flow,
        receiver: &Flow,
        segment: &Segment,
        judgement: &Judgement,
        recorded: &Recorded,
    ) {
        let Some(account) = self.account.as_deref_mut() else {
            return;
        };
        let says = segment.flags.ack() && !segment.flags.rst() && !segment.flags.syn();
        let is_closed = segment.window == 0;
        if let Some(edge) = window_edge(sender, receiver, is_closed).filter(|_| says) {
            account.hears(&Heard {
                time: segment.time,
                acknowledged: sender.stream.lowest_unacknowledged(),
                edge,
                has_data: segment.payload_len > 0,
                is_progress: recorded.moves.is_some() || judgement.duplicate_ack > 0,
                is_closed,
                round_trip: recorded.rtt,
                timestamp: segment.options.timestamps.map(|stamps| stamps.value),
                path: path(sender, receiver),
            });
        }
    }

    /// A segment from the other side, `acknowledger`, acknowledges data of this one.
    fn is_acknowledged(&mut self, acknowledger: &Flow, segment: &Segment, recorded: &Recorded) {
        if let Some(ack) = recorded.moves {
            let round_trip = acknowledger.min_rtt.unwrap_or(0);
            self.known_to_sender.pass(ack, segment.time, round_trip);
        }
        match recorded.rtt {
            Some(rtt) if recorded.times_syn => self.syn_rtt = rtt.into(),
            Some(rtt) => self.ack_rtt.add(rtt),
            None => {}
        }
    }
}

/// Whether nothing that a side sent behind its SYN is acknowledged yet.
pub(super) fn is_initial(sender: &Flow) -> bool {
    sender.counts.syn > 0 && sender.stream.lowest_unacknowledged() <= 1
}

/// How a connection opened in which the first data come at `time`, perhaps with the third step of the handshake. Where something was sent
/// again, the last SYN is the one that was answered.
fn opening(start: Timestamp, handshake: &Handshake, flows: [&Flow; 2], time: Timestamp) -> Opening {
    let repeated = flows.iter().any(|flow| flow.retransmissions() > 0);
    let is_whole = handshake.syn.is_some() && handshake.syn_ack.is_some();
    Opening {
        start,
        asked: handshake.syn.get().filter(|_| repeated).unwrap_or(start),
        open: is_whole.then(|| handshake.ack.unwrap_or(time)),
    }
}

/// What a segment may carry where nobody said (RFC 9293 §3.7.1).
const DEFAULT_MSS: u16 = 536;

/// The path between observer, sender and receiver, as it was measured so far.
fn path(sender: &Flow, receiver: &Flow) -> Path {
    Path {
        sender_round_trip: receiver.min_rtt.unwrap_or(0),
        receiver_round_trip: sender.min_rtt.unwrap_or(0),
    }
}

/// How far the receiver's window reached; `None` before it said. Where not both SYNs tell its scale, only that it is closed tells
/// anything.
fn window_edge(sender: &Flow, receiver: &Flow, is_closed: bool) -> Option<i64> {
    let edge = sender.stream.edge.get()?;
    let is_known = sender.offer.known && receiver.offer.known || is_closed;
    Some(if is_known { edge } else { i64::MAX })
}

/// Octets of a full segment on the wire: what the network card is left to cut apart (ANALYSIS.md 10.2) passes in larger pieces.
fn full_segment(sender: &Flow, receiver: &Flow) -> i64 {
    let largest = sender.segment_size();
    let most = receiver.offer.mss.map_or(largest, u32::from).max(1);
    i64::from(largest.min(most))
}
