//! Connections of which only a SYN has been seen. Under a SYN flood there are millions of them, so they are kept as what they are:
//! that one segment, a sixth of a connection's size. Everything else follows from it, and is worked out again when somebody looks
//! or when a second segment comes.

use super::connection::Connection;
use super::connection_tracker::Located;
use super::first_syn::follow_first_syn;
use super::follow::AtHand;
use super::measurements::Measures;
use super::segment::{Header, Segment};
use super::sent_log::SentLog;
use crate::utils::addressing::Endpoint;
use crate::utils::maybe::Maybe;

/// A connection of one SYN.
#[derive(Clone, Debug)]
pub struct Lone {
    /// The connection's number.
    pub id: u64,
    /// The number of the connection that had its ports before, if one had.
    pub reuses: Maybe<i64>,
    /// The SYN.
    pub located: Located,
}

impl Lone {
    /// Whether a connection that begins with this segment can be kept as it: a SYN that carries nothing.
    pub fn suits(segment: &Segment) -> bool {
        let flags = segment.flags;
        let only_syn = flags.syn() && !flags.ack() && !flags.fin() && !flags.rst();
        only_syn && segment.payload_len == 0 && segment.header == Header::Whole
    }

    /// Whether a segment from this sender opens another connection on the same ports, as
    /// [`super::numbering::Numbering::starts_new_stream`] has it.
    pub fn is_replaced_by(&self, sender: Endpoint, segment: &Segment) -> bool {
        sender == self.located.sender
            && segment.flags.syn()
            && !segment.flags.ack()
            && segment.seq != self.located.segment.seq
    }

    /// The connection as it stands behind its SYN, with the SYN's transmission in the log. `measures` says what of
    /// its measurements somebody will want.
    pub fn connection(&self, log: &mut SentLog, measures: Measures) -> Connection {
        let Located {
            sender,
            receiver,
            segment,
            ..
        } = &self.located;
        let ends = (*sender, *receiver);
        let mut connection = Connection::begin(self.id, ends, segment, self.reuses, measures);
        let reused = self.reuses.is_some();
        let at_hand = &mut AtHand::default();
        follow_first_syn(&mut connection, log, at_hand, (*sender, segment), reused);
        connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::tcp::Flags;
    use crate::tracking::glance::Glance;
    use crate::tracking::state::State;
    use crate::tracking::{ConnectionTracker, Verdict};
    use crate::utils::seq::Seq;
    use crate::utils::time::{NANOS_PER_SECOND, Timestamp};

    fn end(last: u8, port: u16) -> Endpoint {
        Endpoint::new([192, 0, 2, last].into(), port)
    }

    fn syn(seq: u32) -> Segment {
        Segment {
            flags: Flags::SYN,
            seq: Seq(seq),
            wire_len: 66,
            ..Segment::example()
        }
    }

    #[test]
    fn a_flood_takes_little_memory_and_every_connection_can_be_seen() {
        let mut tracker = ConnectionTracker::new(1000);
        for port in 0..3000 {
            let segment = syn(7);
            let event = tracker.observe(end(1, port), end(2, 80), &segment);
            assert_eq!(event.connection.id, u64::from(port));
            assert_eq!(event.connection.states.0, [State::SynSent, State::Listen]);
        }
        let memory = tracker.memory();
        assert_eq!((memory.kept, tracker.evicted()), (1000, 2000));
        assert!(memory.connections < 200 * 1000, "{memory:?}");
        assert_eq!((memory.beside, memory.log), (0, 0));
        let all = tracker.connections();
        assert!(all.iter().map(|one| one.id).eq(2000..3000));
        for (key, glance) in tracker.glances() {
            assert_eq!(glance, Glance::of(&tracker.connection(key)));
        }
        assert!(
            all.iter()
                .all(|one| one.packets() == 1 && one.wire_bytes() == 66)
        );
    }

    #[test]
    fn more_of_it_makes_it_whole() {
        let mut tracker = ConnectionTracker::new(10);
        let (client, server) = (end(1, 40_000), end(2, 80));
        tracker.observe(client, server, &syn(7));
        let repeated = Segment {
            frame: 2,
            time: Timestamp::from_nanos(NANOS_PER_SECOND),
            ..syn(7)
        };
        let event = tracker.observe(client, server, &repeated);
        assert!(event.judgement.has(Verdict::Retransmission));
        assert_eq!(event.connection.packets(), 2);
        assert_eq!(
            event.judgement.repeat.and_then(|repeat| repeat.first),
            Some((1, NANOS_PER_SECOND))
        );
        let connections = tracker.connections();
        assert_eq!((connections.len(), connections[0].first_frame), (1, 1));
    }

    #[test]
    fn another_syn_on_its_ports_is_another_connection() {
        let mut tracker = ConnectionTracker::new(10);
        let (client, server) = (end(1, 40_000), end(2, 80));
        let [first, second, crossing] = [7, 8, 9].map(syn);
        tracker.observe(client, server, &first);
        let event = tracker.observe(client, server, &second);
        assert!(event.judgement.has(Verdict::ReusedPorts));
        assert_eq!(event.judgement.basis.connection, Some(0));
        // The other side's SYN crosses it.
        let event = tracker.observe(server, client, &crossing);
        assert_eq!(event.connection.id, 1);
        let connections = tracker.connections();
        assert_eq!(connections.len(), 2);
        assert_eq!(connections[1].reuses.get(), Some(0));
        assert_eq!(connections[1].count(Verdict::ReusedPorts), 1);
    }
}
