//! Zeek's view of a connection: the code of its `conn_state` and the letters of its `history`, as its conn.log has them
//! (ANALYSIS.md 2.9), because people sort by them. Kept beside our own states, which do not determine them.
//!
//! Not as Zeek has it: a connection is not ended by timers here, and a segment with a wrong checksum gets its letter and is
//! followed all the same.

use super::direction::{Direction, PerDirection};
use super::flow::Flow;
use super::judge::Position;
use super::judgement::Judgement;
use super::segment::Segment;
use super::verdict::Verdict;
use crate::analyzers::Checksum;
use crate::analyzers::tcp::Flags;

/// The most letters of a history; a `+` in the last place says that there would be more.
const LONGEST_HISTORY: usize = 28;

/// Every code with what it means, for help and documents.
pub const CODES: [(&str, &str); 13] = [
    ("S0", "a SYN without an answer"),
    ("S1", "established, not closed"),
    ("SF", "established and closed by both sides"),
    ("REJ", "the SYN was refused"),
    ("S2", "closed by the client, the server did not follow"),
    ("S3", "closed by the server, the client did not follow"),
    ("RSTO", "established, reset by the client"),
    ("RSTR", "reset by the server"),
    (
        "RSTOS0",
        "a SYN and then a RST by the client, no answer seen",
    ),
    (
        "RSTRH",
        "a SYN+ACK and then a RST by the server, no SYN seen",
    ),
    ("SH", "a SYN and then a FIN by the client, no answer seen"),
    ("SHR", "a SYN+ACK and then a FIN by the server, no SYN seen"),
    ("OTH", "no SYN seen, and nothing of the above"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Endpoint {
    #[default]
    Inactive,
    Partial,
    SynSent,
    SynAckSent,
    Established,
    Closed,
    Reset,
}

impl Endpoint {
    const fn is_inactive(self) -> bool {
        matches!(self, Endpoint::Inactive | Endpoint::Partial)
    }

    const fn was_established(self) -> bool {
        matches!(
            self,
            Endpoint::Established | Endpoint::Closed | Endpoint::Reset
        )
    }
}

/// The lowest bit of `once` for letters that may stand again.
const AGAIN: u8 = 16;

/// The view of one connection.
#[derive(Clone, Debug, Default)]
pub struct ZeekView {
    states: PerDirection<Endpoint>,
    before: PerDirection<Endpoint>,
    once: PerDirection<u8>,
    /// The sequence numbers of the latest letters that may stand again; a bit of `once` says whether there is one.
    last: PerDirection<[u32; 3]>,
    counted: Option<Box<PerDirection<[u32; 4]>>>,
    history: [u8; LONGEST_HISTORY],
    letters: u8,
}

/// Letters that stand at the first, the tenth, the hundredth event.
#[derive(Clone, Copy)]
enum Counted {
    Checksum,
    ZeroWindow,
    Repeated,
    Gap,
}

impl ZeekView {
    /// Takes in a segment, with both flows as they were before it.
    pub fn observe(
        &mut self,
        direction: Direction,
        (sender, receiver): (&Flow, &Flow),
        segment: &Segment,
        position: Position,
        judgement: &Judgement,
    ) {
        if self.letters == 0 && direction == Direction::ToClient {
            self.write(b'^');
        }
        if segment.checksum == Some(Checksum::Wrong) {
            self.count(direction, Counted::Checksum);
        }
        self.flags(direction, segment);
        let reset = |state| state == Endpoint::Reset;
        let over = reset(self.states[direction]) || reset(self.states[direction.reverse()]);
        if segment.window == 0 && !segment.flags.rst() && !over && receiver.stream.fin.is_none() {
            self.count(direction, Counted::ZeroWindow);
        }
        if segment.payload_len > 0 && sender.stream.started && position.end <= sender.stream.end {
            self.count(direction, Counted::Repeated);
        }
        self.advance(direction, segment);
        let established = self.states.0.iter().all(|state| state.was_established());
        if judgement.has(Verdict::AckLostSegment) && established {
            self.count(direction.reverse(), Counted::Gap);
        }
    }

    /// The letter of the flags, or else of data or a bare ACK.
    fn flags(&mut self, direction: Direction, segment: &Segment) {
        let flags = segment.flags;
        let end = segment.end().0;
        match (flags.syn(), flags.fin(), flags.rst()) {
            (_, true, true) => self.once(direction, b'I', 1),
            (true, true, false) | (true, false, true) => self.once(direction, b'Q', 2),
            (true, false, false) if flags.ack() => self.again(direction, b'H', 0, segment.seq.0),
            (true, false, false) => self.again(direction, b'S', 0, segment.seq.0),
            (false, true, false) => self.again(direction, b'F', 1, end),
            (false, false, true) => self.again(direction, b'R', 2, segment.seq.0),
            _ if segment.payload_len > 0 => self.once(direction, b'D', 4),
            _ if flags.ack() => self.once(direction, b'A', 8),
            _ => {}
        }
    }

    fn once(&mut self, direction: Direction, letter: u8, bit: u8) {
        if self.once[direction] & bit == 0 {
            self.once[direction] |= bit;
            self.write_for(direction, letter);
        }
    }

    /// A letter that stands again when the sequence number differs from the last of its kind.
    fn again(&mut self, direction: Direction, letter: u8, kind: usize, number: u32) {
        let bit = AGAIN << kind;
        if self.once[direction] & bit == 0 || self.last[direction][kind] != number {
            self.once[direction] |= bit;
            self.last[direction][kind] = number;
            self.write_for(direction, letter);
        }
    }

    fn count(&mut self, direction: Direction, what: Counted) {
        let counts = &mut self.counted.get_or_insert_default()[direction];
        let count = &mut counts[what as usize];
        *count = count.saturating_add(1);
        let is_power_of_ten = 10u32.pow(count.ilog10()) == *count;
        if is_power_of_ten {
            self.write_for(direction, b"CWTG"[what as usize]);
        }
    }

    fn write_for(&mut self, direction: Direction, letter: u8) {
        self.write(match direction {
            Direction::ToServer => letter,
            Direction::ToClient => letter.to_ascii_lowercase(),
        });
    }

    fn write(&mut self, letter: u8) {
        let at = usize::from(self.letters);
        if let Some(place) = self.history.get_mut(at) {
            *place = if at + 1 < LONGEST_HISTORY {
                letter
            } else {
                b'+'
            };
            self.letters += 1;
        }
    }

    /// The states of both sides behind a segment.
    fn advance(&mut self, direction: Direction, segment: &Segment) {
        use Endpoint::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
        let flags = segment.flags;
        let (own, peer) = (self.states[direction], self.states[direction.reverse()]);
        match own {
            Inactive => self.first(direction, segment),
            SynSent | SynAckSent if flags.rst() => self.enter(direction, Reset),
            SynSent | SynAckSent if flags.fin() => self.enter(direction, Closed),
            Partial if flags.syn() && !flags.any(Flags::ACK) && peer == Inactive => {
                self.enter(direction, SynSent);
            }
            Established | Partial if flags.rst() => self.enter(direction, Reset),
            Established | Partial if flags.fin() => {
                self.enter(direction, Closed);
                if peer == Reset && self.before[direction.reverse()] == Closed {
                    self.enter(direction.reverse(), Closed);
                }
            }
            Closed if flags.rst() && peer != Closed => self.enter(direction, Reset),
            _ => {}
        }
    }

    /// The first segment of a side.
    fn first(&mut self, direction: Direction, segment: &Segment) {
        use Endpoint::{Closed, Established, Partial, Reset, SynAckSent, SynSent};
        let flags = segment.flags;
        let peer = self.states[direction.reverse()];
        if flags.syn() {
            match direction {
                Direction::ToServer if flags.ack() => self.enter(direction, SynAckSent),
                Direction::ToServer => self.enter(direction, SynSent),
                Direction::ToClient => {
                    self.enter(direction, Established);
                    if peer == SynSent {
                        self.enter(direction.reverse(), Established);
                    }
                }
            }
        }
        if flags.fin() {
            self.enter(direction, Closed);
        }
        if flags.rst() {
            self.enter(direction, Reset);
        }
        if flags.any(Flags::SYN.with(Flags::FIN).with(Flags::RST)) {
            return;
        }
        let answers_nothing = direction == Direction::ToClient && peer == SynSent;
        if answers_nothing && segment.payload_len == 0 {
            return;
        }
        let next = if flags.ack() && peer == Established {
            Established
        } else {
            Partial
        };
        self.enter(direction, next);
    }

    fn enter(&mut self, direction: Direction, state: Endpoint) {
        self.before[direction] = self.states[direction];
        self.states[direction] = state;
    }

    /// The letters of the history: capitals for the client's packets, small letters for the server's.
    pub fn history(&self) -> &str {
        std::str::from_utf8(&self.history[..usize::from(self.letters)]).unwrap_or_default()
    }

    /// The code of `conn_state`. `has_payload` tells whether either side sent any.
    pub fn conn_state(&self, has_payload: bool) -> &'static str {
        use Endpoint::{Closed, Established, Inactive, Reset, SynAckSent, SynSent};
        let [originator, responder] = self.states.0;
        let refused =
            matches!(originator, SynSent | SynAckSent) || originator == Reset && !has_payload;
        match (originator, responder) {
            (_, Reset) if refused => "REJ",
            (_, Reset) if originator.is_inactive() => "RSTRH",
            (_, Reset) => "RSTR",
            (Reset, _) if responder.is_inactive() && self.is_bare_syn_and_reset() => "RSTOS0",
            (Reset, _) if responder.is_inactive() => "OTH",
            (Reset, _) => "RSTO",
            (Closed, Closed) => "SF",
            (Closed, _) if responder.is_inactive() => "SH",
            (Closed, _) => "S2",
            (_, Closed) if originator.is_inactive() => "SHR",
            (_, Closed) => "S3",
            (SynSent, Inactive) => "S0",
            (Established, Established) => "S1",
            _ => "OTH",
        }
    }

    /// A SYN, then a RST, and nothing between that an established connection would show: `^?S[^HAFGIQ]*R`.
    fn is_bare_syn_and_reset(&self) -> bool {
        let letters = self.history().trim_start_matches('^');
        let Some(rest) = letters.strip_prefix('S') else {
            return false;
        };
        rest.find('R')
            .is_some_and(|reset| !rest[..reset].contains(['H', 'A', 'F', 'G', 'I', 'Q']))
    }
}
