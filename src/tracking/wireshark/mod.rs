//! Wireshark's flags beside ours: what tshark 4.0 shows as `tcp.analysis.*`, to the letter.
//!
//! The contract is fidelity, not sense. Where tshark is wrong, this is wrong in the same way, so that someone who knows
//! Wireshark's column finds it here; our own verdicts are in `judge`. The rules and their order are those of ANALYSIS.md 4.1
//! to 4.14: the steps are named A to P there, and here.
//!
//! One `Conversation` belongs to one stream, as the connection tracker splits them (ANALYSIS.md 1.3). A segment is first
//! judged by rules that change nothing, then recorded. Nothing of this exists unless somebody makes a `WiresharkView`.
//!
//! Not handled: tshark joins the multipath options of several subflows into one (ANALYSIS.md 4.7), here each stream has its
//! own; and it may learn of a connection from an ICMP error, which here is no segment.

mod analysis;
mod rules;
mod side;
mod unacked;

pub use analysis::{Acknowledged, Analysis, DuplicateAck, Flag, FlagSet, Timeout, WindowScale};

use super::direction::{Direction, PerDirection};
use super::event::Event;
use super::numbering::Numbering;
use super::segment::{Header, Segment};
use crate::utils::time::Timestamp;
use hashbrown::HashMap;
use rules::Case;
use side::Side;

/// The conversations of a capture, one for each connection of the tracker.
#[derive(Clone, Debug, Default)]
pub struct WiresharkView {
    conversations: HashMap<u64, Conversation>,
}

impl WiresharkView {
    /// Judges the segment of an event as tshark does and remembers it.
    pub fn observe(&mut self, event: &Event<'_>) -> Analysis {
        let connection = event.connection;
        let (conversation, reused_ports) = match self.conversations.entry(connection.id) {
            hashbrown::hash_map::Entry::Occupied(known) => (known.into_mut(), false),
            hashbrown::hash_map::Entry::Vacant(new) => (
                new.insert(Conversation::default()),
                connection.reuses.is_some(),
            ),
        };
        conversation.observe(event.direction, event.segment, reused_ports)
    }

    /// Lets go of a connection that the tracker no longer keeps.
    pub fn forget(&mut self, connection: u64) {
        self.conversations.remove(&connection);
    }
}

/// The state that tshark keeps of one stream.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    sides: PerDirection<Side>,
    numbering: Numbering,
    handshake: Handshake,
    /// One bit per subtype of multipath TCP that either side used so far.
    multipath: u16,
}

impl Conversation {
    /// Judges one segment as tshark does and remembers it. `reused_ports` says that it opened this stream on the ports of an
    /// earlier one. All segments of a conversation have to be given, in the order of the capture.
    pub fn observe(
        &mut self,
        direction: Direction,
        segment: &Segment,
        reused_ports: bool,
    ) -> Analysis {
        let mut analysis = Analysis {
            window_scale: self.sides[direction].scale,
            ..Analysis::default()
        };
        analysis.flags.insert_if(reused_ports, Flag::ReusedPorts);
        if segment.header == Header::TooLong {
            return analysis;
        }
        let moves_base = self.start(direction, segment);
        analysis.flags.insert_if(moves_base, Flag::ReusedPorts);
        self.judge_and_record(direction, segment, &mut analysis);
        let has_entry = analysis.has_entry();
        self.read_options(direction, segment, &mut analysis);
        self.handshake.observe(segment);
        if segment.header == Header::Cut {
            return Analysis {
                window_scale: analysis.window_scale,
                ..Analysis::default()
            };
        }
        analysis.initial_rtt = self.handshake.round_trip.filter(|_| has_entry);
        analysis
    }

    /// Step 0: numbers the segment, and says whether it moves its sender's base (ANALYSIS.md 1.3, 3.2).
    fn start(&mut self, direction: Direction, segment: &Segment) -> bool {
        let base = self.numbering.base(direction);
        let moves_base = self.numbering.moves_base(direction, segment);
        if segment.flags.syn() && !segment.flags.ack() && base == Some(segment.seq) {
            self.sides[direction].rewind();
        }
        self.numbering.observe(direction, segment);
        moves_base
    }

    /// Steps 1 to P.
    fn judge_and_record(
        &mut self,
        direction: Direction,
        segment: &Segment,
        analysis: &mut Analysis,
    ) {
        let base = self.numbering.base(direction).unwrap_or(segment.seq);
        let (sender, receiver) = self.sides.pair_mut(direction);
        let verdict = rules::judge(&Case {
            sender,
            receiver,
            segment,
            initial_rtt: self.handshake.round_trip,
            multipath: self.multipath,
        });
        side::record(sender, receiver, segment, &verdict);
        sender.multipath = self.multipath;
        analysis.flags.insert_all(verdict.flags);
        analysis.duplicate_ack = verdict.duplicate_ack;
        analysis.timeout = verdict.timeout.filter(|timeout| timeout.nanos != 0);
        analysis.acknowledged = receiver.unacked.acknowledge(segment.ack, segment.time);
        if let Some(flight) = sender.flight(receiver, segment, base) {
            analysis.bytes_in_flight = flight.bytes;
            analysis.push_bytes_sent = flight.bytes.map(|_| flight.since_push);
        }
    }

    /// What tshark learns from the options, behind the analysis (ANALYSIS.md 3.5, 4.1). It reads none of a header that was cut.
    fn read_options(&mut self, direction: Direction, segment: &Segment, analysis: &mut Analysis) {
        let whole = segment.header != Header::Cut;
        let (sender, receiver) = self.sides.pair_mut(direction);
        side::record_options(sender, receiver, segment, whole);
        if whole {
            self.multipath |= segment.options.multipath;
            if let Some(flag) = self.handshake.fast_open(segment) {
                analysis.flags.insert(flag);
            }
        }
    }
}

/// What the whole stream remembers of its opening.
#[derive(Clone, Copy, Debug, Default)]
struct Handshake {
    /// Time of the latest SYN without ACK.
    syn: Option<Timestamp>,
    /// Nanoseconds from there to the first ACK without SYN: Wireshark's iRTT.
    round_trip: Option<i64>,
}

impl Handshake {
    /// Fixes the iRTT once (ANALYSIS.md 4.13). Wireshark takes one of exactly 0 for none.
    fn observe(&mut self, segment: &Segment) {
        match (segment.flags.syn(), segment.flags.ack()) {
            (true, false) => self.syn = Some(segment.time),
            (false, true) if self.round_trip.is_none() => {
                let round_trip = self.syn.map(|syn| segment.time.since(syn));
                self.round_trip = round_trip.filter(|&nanos| nanos != 0);
            }
            _ => {}
        }
    }

    /// What Wireshark says of Fast Open (RFC 7413).
    fn fast_open(&mut self, _segment: &Segment) -> Option<Flag> {
        None
    }
}
