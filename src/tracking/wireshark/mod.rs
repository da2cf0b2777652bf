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

pub use analysis::{
    Acknowledged, Analysis, DuplicateAck, Flag, FlagCounts, FlagSet, Timeout, WindowScale,
};

use super::direction::{Direction, PerDirection};
use super::event::Event;
use super::numbering::{Numbering, Relative};
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
        let analysis = conversation.observe(event.direction, event.segment, reused_ports);
        conversation.counts[event.direction].add(analysis.flags);
        analysis
    }

    /// How often each flag was shown in a direction of a connection; `None` for a connection that is not known.
    pub fn counts(&self, connection: u64, direction: Direction) -> Option<&FlagCounts> {
        let conversation = self.conversations.get(&connection)?;
        Some(&conversation.counts[direction])
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
    counts: PerDirection<FlagCounts>,
}

impl Conversation {
    /// Judges one segment as tshark does and remembers it. `reused_ports` says that it opened this stream on the ports of an
    /// earlier one. All segments of a conversation have to be given, in the order of the capture.
    ///
    /// Of a header that tshark cannot read to its end it shows no analysis (ANALYSIS.md 1.2, 10.3). How far it got decides
    /// what it remembers: of one that claims too much only the time of a SYN, of one that claims too little all but that and
    /// the options, of one that was cut all but the options.
    pub fn observe(
        &mut self,
        direction: Direction,
        segment: &Segment,
        reused_ports: bool,
    ) -> Analysis {
        let mut hidden = Analysis {
            window_scale: self.sides[direction].scale,
            ..Analysis::default()
        };
        let mut analysis = hidden;
        analysis.flags.insert_if(reused_ports, Flag::ReusedPorts);
        let relative = self.number(direction, segment, &mut analysis);
        if segment.header == Header::TooLong {
            self.handshake.observe(segment);
            return hidden;
        }
        let has_entry = self.judge_and_record(direction, segment, &mut analysis);
        if segment.header == Header::TooShort {
            return hidden;
        }
        self.read_options(direction, segment);
        self.handshake.observe(segment);
        let fast_open = self.handshake.fast_open(segment, relative);
        if segment.header == Header::Cut {
            hidden.flags = fast_open;
            return hidden;
        }
        analysis.flags.insert_all(fast_open);
        analysis.initial_rtt = self.handshake.round_trip.filter(|_| has_entry);
        analysis
    }

    /// Step 0: numbers the segment, and tells whether it moves its sender's base (ANALYSIS.md 1.3, 3.2).
    fn number(
        &mut self,
        direction: Direction,
        segment: &Segment,
        analysis: &mut Analysis,
    ) -> Relative {
        let moves_base = self.numbering.moves_base(direction, segment);
        analysis.flags.insert_if(moves_base, Flag::ReusedPorts);
        let known = self.numbering.base(direction) == Some(segment.seq);
        if known && segment.flags.syn() && !segment.flags.ack() {
            self.sides[direction].rewind();
        }
        self.numbering.observe(direction, segment)
    }

    /// Steps 1 to P. Says whether tshark opens an entry for the segment, without which it does not show the iRTT either.
    fn judge_and_record(
        &mut self,
        direction: Direction,
        segment: &Segment,
        analysis: &mut Analysis,
    ) -> bool {
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
        let flight = sender.flight(receiver, segment, base);
        analysis.bytes_in_flight = flight.map(|flight| flight.bytes).filter(|&bytes| bytes > 0);
        analysis.push_bytes_sent = flight.map(|flight| flight.since_push);
        !analysis.flags.is_empty()
            || verdict.ack_beyond.is_some()
            || analysis.acknowledged.is_some()
            || flight.is_some()
    }

    /// What tshark learns from the options, behind the analysis (ANALYSIS.md 3.5, 4.1). It reads none of a header that was cut.
    fn read_options(&mut self, direction: Direction, segment: &Segment) {
        let (sender, receiver) = self.sides.pair_mut(direction);
        let whole = segment.header == Header::Whole;
        side::record_options(sender, receiver, segment, whole);
        if whole {
            self.multipath |= segment.options.multipath;
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
    /// Whether a SYN carried a Fast Open cookie and data.
    fast_open_data: bool,
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

    /// What Wireshark says of Fast Open (RFC 7413 §4.2): any SYN+ACK that acknowledges more than the SYN accepts its data, with
    /// or without a cookie; none is called ignored unless a cookie and data were sent.
    ///
    /// The summary of the options does not tell a cookie from the request for one. A request goes without data and is not
    /// flagged by tshark, so the data tell; a cookie without data is missed.
    fn fast_open(&mut self, segment: &Segment, relative: Relative) -> FlagSet {
        let mut flags = FlagSet::default();
        match (segment.flags.syn(), segment.flags.ack()) {
            (true, false) => {
                let whole = segment.header == Header::Whole;
                let sends_data = whole && segment.options.fast_open && segment.payload_len > 0;
                self.fast_open_data |= sends_data;
                flags.insert_if(sends_data, Flag::FastOpenSyn);
            }
            (true, true) if relative.ack > 1 => flags.insert(Flag::FastOpenAck),
            (true, true) => flags.insert_if(self.fast_open_data, Flag::FastOpenIgnored),
            _ => {}
        }
        flags
    }
}
