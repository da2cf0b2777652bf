//! One packet seen at several places: on several interfaces, plain and in a tunnel, before and behind a VLAN tag (ANALYSIS.md
//! 4.15). A capture on all interfaces of a router sees each packet at least twice.

use super::Case;
use crate::tracking::judgement::Because;
use crate::tracking::segment::Place;
use crate::utils::time::NANOS_PER_MILLI;

/// Between two places of one machine a packet takes no longer, unless the whole round trip is shorter.
const LONGEST_WAY: i64 = 50 * NANOS_PER_MILLI;
/// No sender sends again as soon as this, however short the round trip: its timers tick in milliseconds.
const SOONEST_REPEAT: i64 = NANOS_PER_MILLI;

/// Whether a segment with the same headers as an earlier one is the same packet, seen at another place: the IP identification
/// agrees, if there is one, and its sender could not have sent it again so soon.
pub(super) fn copy(case: &Case<'_>, place: Place, ip_id: u16, nanos: i64) -> Option<Because> {
    let limit = case.path.round_trip.map_or(LONGEST_WAY, |round_trip| {
        round_trip.clamp(SOONEST_REPEAT, LONGEST_WAY)
    });
    let same_id = case.segment.ip_id.unwrap_or(0) == ip_id;
    let within = |limit: i64| (-limit..=limit).contains(&nanos);
    let at_once = within(limit) || same_id && ip_id != 0 && within(LONGEST_WAY);
    (case.segment.place != place && same_id && at_once).then_some(Because::SeenElsewhere)
}

#[cfg(test)]
mod tests {
    use crate::analyzers::{Frame, LinkType, decode};
    use crate::tracking::judgement::{Because, Judgement};
    use crate::tracking::{ConnectionTracker, Segment, Verdict};
    use crate::utils::time::{NANOS_PER_MILLI, Timestamp};
    use etherparse::PacketBuilder;

    /// An IPv6 segment, which has no identification.
    fn segment(hops: u8, payload: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        PacketBuilder::ipv6([1; 16], [2; 16], hops)
            .tcp(40000, 80, 100, 1000)
            .ack(7)
            .write(&mut bytes, &vec![0; payload])
            .unwrap();
        bytes
    }

    /// Sees one segment on interface 0, and this one on another interface so much later.
    fn second(first: &[u8], bytes: &[u8], interface: u32, nanos: i64) -> Judgement {
        let mut tracker = ConnectionTracker::new(1);
        let mut judgement = Judgement::default();
        for (bytes, interface, nanos) in [(first, 0, 0), (bytes, interface, nanos)] {
            let frame = Frame {
                number: 1,
                time: Timestamp::from_nanos(nanos),
                link: LinkType::RAW,
                interface,
                wire_len: bytes.len() as u32,
                bytes,
            };
            let found = Segment::of(&frame, &decode(&frame));
            let (sender, receiver, segment) = found.unwrap();
            judgement = *tracker.observe(sender, receiver, &segment).judgement;
        }
        judgement
    }

    #[test]
    fn one_packet_on_two_interfaces_is_a_duplicate() {
        for payload in [0, 10] {
            let judged = second(&segment(64, payload), &segment(63, payload), 1, 2000);
            assert!(judged.has(Verdict::Duplicate), "{payload}");
            let because = judged.repeat.map(|repeat| repeat.because);
            assert_eq!(because, Some(Because::SeenElsewhere));
        }
    }

    #[test]
    fn an_acknowledgment_repeated_on_one_interface_is_none() {
        let judged = second(&segment(64, 0), &segment(64, 0), 0, 2000);
        assert!(!judged.has(Verdict::Duplicate));
    }

    #[test]
    fn hops_do_not_grow_and_copies_come_at_once() {
        for payload in [0, 10] {
            let grown = second(&segment(63, payload), &segment(64, payload), 1, 2000);
            assert!(!grown.has(Verdict::Duplicate));
            let late = 51 * NANOS_PER_MILLI;
            let late = second(&segment(64, payload), &segment(64, payload), 1, late);
            assert!(!late.has(Verdict::Duplicate));
        }
    }
}
