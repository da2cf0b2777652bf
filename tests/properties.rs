//! What must hold whatever comes: no panic, no absurd figure, and nothing called a retransmission that was sent once.

use etherparse::{PacketBuilder, TcpOptionElement};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};
use tcp_monitor::analyzers::tcp::Flags;
use tcp_monitor::analyzers::tcp_options::{OptionSummary, SackBlock, Timestamps};
use tcp_monitor::analyzers::{Checksum, Frame, LinkType, decode};
use tcp_monitor::tracking::segment::Header;
use tcp_monitor::tracking::wireshark::WiresharkView;
use tcp_monitor::tracking::{Connection, ConnectionTracker, Direction, Segment, Verdict};
use tcp_monitor::utils::addressing::Endpoint;
use tcp_monitor::utils::seq::Seq;
use tcp_monitor::utils::time::Timestamp;

fn endpoint(host: u8, port: u16) -> Endpoint {
    Endpoint::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)), port)
}

fn plain(frame: u64, nanos: i64) -> Segment {
    Segment {
        frame,
        time: Timestamp::from_nanos(nanos),
        wire_len: 54,
        seq: Seq(0),
        ack: Seq(0),
        flags: Flags::ACK,
        window: 60_000,
        urgent: 0,
        payload_len: 0,
        payload_captured: 0,
        header: Header::Whole,
        options: OptionSummary::default(),
        hops_left: 64,
        ecn: 0,
        ip_id: None,
        checksum: None,
        encapsulation: Default::default(),
        place: Default::default(),
    }
}

/// One segment out of thin air, near the wrap of the sequence numbers.
fn any_segment() -> impl Strategy<Value = (bool, Segment)> {
    let numbers = (-3000i64..3000, -3000i64..3000, 0u32..1500, any::<bool>());
    let header = (0u16..512, any::<u16>(), 0u8..4, any::<Option<u16>>());
    let options = (
        any::<Option<(u32, u32)>>(),
        proptest::collection::vec((-3000i64..3000, 0u32..3000), 0..5),
        any::<Option<u8>>(),
        any::<Option<u16>>(),
    );
    let time = prop_oneof![9 => 0i64..50_000_000, 1 => any::<i64>()];
    (any::<bool>(), numbers, header, options, time, 0u8..20).prop_map(
        |(from_client, (seq, ack, len, wild), (flags, window, ecn, ip_id), options, time, kind)| {
            let (timestamps, blocks, scale, mss) = options;
            let near = |offset: i64| Seq(u32::MAX.wrapping_add(offset as u32));
            let mut segment = plain(1, time);
            segment.seq = if wild && kind == 0 {
                Seq(seq as u32)
            } else {
                near(seq)
            };
            segment.ack = near(ack);
            // Most segments look like segments.
            segment.flags = if kind < 12 { Flags::ACK } else { Flags(flags) };
            segment.window = window;
            segment.payload_len = if kind % 2 == 0 { len } else { 0 };
            segment.payload_captured = segment.payload_len / 2;
            segment.ecn = ecn;
            segment.ip_id = ip_id;
            segment.header = match kind {
                1 => Header::Cut,
                2 => Header::TooShort,
                3 => Header::TooLong,
                _ => Header::Whole,
            };
            segment.options = OptionSummary {
                mss,
                window_scale: scale,
                sack_permitted: scale.is_some(),
                timestamps: timestamps.map(|(value, echo)| Timestamps { value, echo }),
                sack: blocks
                    .into_iter()
                    .map(|(left, len)| SackBlock {
                        left: near(left),
                        right: near(left).plus(len),
                    })
                    .collect(),
                ..OptionSummary::default()
            };
            (from_client, segment)
        },
    )
}

/// Figures that no capture may bring out of bounds.
fn check_figures(connection: &Connection) {
    assert!(connection.duration() >= 0 && connection.active_time() >= 0);
    assert!(connection.active_time() <= connection.duration());
    assert!(connection.round_trip().is_none_or(|nanos| nanos >= 0));
    for way in Direction::BOTH {
        let flow = connection.flow(way);
        let counts = &flow.counts;
        assert!(counts.data_packets <= counts.packets && counts.pure_acks <= counts.packets);
        assert!(connection.measured(way).unique_bytes <= counts.payload_bytes);
        assert!(connection.measured(way).smallest_payload <= counts.largest_payload);
        assert!(u64::from(counts.largest_payload) <= counts.payload_bytes);
        assert!(u64::from(flow.retransmissions()) <= counts.packets);
        assert!(connection.transfer_time(way) >= 0 && connection.measured(way).idle >= 0);
        for rates in [connection.goodput(way), connection.throughputs(way)] {
            for rate in [
                rates.over_connection,
                rates.over_transfer,
                rates.over_active_time,
            ] {
                assert!(rate.is_none_or(|rate| rate.is_finite() && rate >= 0.0));
            }
        }
        for missing in connection.missing(way) {
            assert!(missing.range.start < missing.range.end);
        }
    }
    assert!(!connection.conn_state().is_empty());
    let letters = connection.measurements().zeek.history().chars();
    assert!(letters.clone().count() <= 28 && letters.into_iter().all(|letter| letter.is_ascii()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_segments_give_sane_figures(segments in proptest::collection::vec(any_segment(), 1..120)) {
        let mut tracker = ConnectionTracker::new(8);
        tracker.keep_evicted();
        let mut view = WiresharkView::default();
        let (client, server) = (endpoint(1, 40_000), endpoint(2, 80));
        let mut fed = 0;
        for (from_client, mut segment) in segments {
            fed += 1;
            segment.frame = fed;
            let (from, to) = if from_client { (client, server) } else { (server, client) };
            let event = tracker.observe(from, to, &segment);
            let verdicts = event.judgement.verdicts;
            prop_assert!(!(verdicts.has(Verdict::Retransmission) && verdicts.has(Verdict::Reordered)));
            prop_assert!(event.judgement.repeated_octets <= segment.sequence_len());
            view.observe(&event);
        }
        let kept: u64 = tracker.connections().iter().map(|connection| connection.packets()).sum();
        let left: u64 = tracker.take_evicted().map(|left| left.packets()).sum();
        prop_assert_eq!(kept + left, fed);
        for connection in tracker.connections() {
            check_figures(&connection);
        }
    }

    /// Segments out of thin air are hardly ever expected; those of a conversation with some of them in between mostly are.
    #[test]
    fn expected_segments_may_take_the_short_way(
        steps in proptest::collection::vec((any::<bool>(), 0u32..4, any_segment(), 0u8..12), 1..80),
    ) {
        let (mut short, mut long) = (ConnectionTracker::new(8), ConnectionTracker::new(8));
        long.judge_all();
        let ends = [endpoint(1, 40_000), endpoint(2, 80)];
        let mut next = [Seq(u32::MAX - 5000), Seq(7)];
        let mut frame = 0;
        let mut both = |side: usize, segment: Segment| {
            let (from, to) = (ends[side], ends[1 - side]);
            let [quickly, slowly] = [&mut short, &mut long].map(|tracker| {
                let event = tracker.observe(from, to, &segment);
                let said = (event.relative_seq(), event.offset(), event.window(), event.in_flight(), event.rtt());
                (said, event.judgement.verdicts, event.states_before())
            });
            prop_assert_eq!(quickly, slowly);
            Ok(())
        };
        for (at, (from_client, size, (_, wild), kind)) in steps.into_iter().enumerate() {
            frame += 1;
            let side = usize::from(!from_client);
            let mut segment = if kind == 0 { wild } else { plain(0, 0) };
            segment.frame = frame;
            if kind > 0 {
                segment.time = Timestamp::from_nanos(at as i64 * 3_000_000);
                (segment.seq, segment.ack) = (next[side], next[1 - side]);
                segment.payload_len = size * 700;
                segment.payload_captured = segment.payload_len;
                segment.ip_id = Some(frame as u16);
                if at < 2 {
                    segment.flags = Flags::SYN.with(Flags::ACK);
                    segment.payload_len = 0;
                }
                if kind > 1 {
                    next[side] = segment.end();
                }
            }
            both(side, segment)?;
        }
        for (short, long) in short.all().zip(long.all()) {
            prop_assert_eq!(format!("{short:?}"), format!("{long:?}"));
        }
    }

    /// So may the first SYN of a connection.
    #[test]
    fn first_syns_may_take_the_short_way(
        syns in proptest::collection::vec((any_segment(), any::<u8>(), 0u16..12, 0usize..8), 1..40),
    ) {
        let (mut short, mut long) = (ConnectionTracker::new(8), ConnectionTracker::new(8));
        long.judge_all();
        for tracker in [&mut short, &mut long] {
            tracker.leave_out_measurements();
        }
        let checksums = [Checksum::Right, Checksum::Wrong, Checksum::Offloaded];
        for (at, ((_, mut segment), flags, port, checksum)) in syns.into_iter().enumerate() {
            segment.frame = at as u64 + 1;
            segment.checksum = checksums.get(checksum).copied();
            let beside = [Flags::PSH, Flags::URG, Flags::ECE, Flags::CWR, Flags::AE];
            let chosen = beside.iter().enumerate().filter(|(bit, _)| flags >> bit & 1 == 1);
            segment.flags = chosen.fold(Flags::SYN, |flags, (_, flag)| flags.with(*flag));
            (segment.payload_len, segment.payload_captured) = (0, 0);
            let ends = (endpoint(1, 40_000 + port), endpoint(2, 80));
            let [quickly, slowly] = [&mut short, &mut long].map(|tracker| {
                let event = tracker.observe(ends.0, ends.1, &segment);
                let said = (event.relative_seq(), event.offset(), event.window(), event.rtt());
                let judged = format!("{:?}", event.judgement);
                (said, judged, event.states_before(), format!("{:?}", event.connection))
            });
            prop_assert_eq!(quickly, slowly);
        }
        for (short, long) in short.all().zip(long.all()) {
            prop_assert_eq!(format!("{short:?}"), format!("{long:?}"));
        }
    }

    /// A transfer without a single loss, seen from anywhere on a path that overtakes: nothing was sent twice, so nothing may be
    /// called a retransmission, with whatever evidence there is.
    #[test]
    fn the_capture_point_makes_no_retransmissions(
        sizes in proptest::collection::vec(1u32..1448, 2..120),
        // What jitter lets overtake are a handful of segments.
        pause in 600_000i64..2_000_000,
        jitter in proptest::collection::vec(0i64..4_000_000, 120),
        (before, behind) in (0i64..20_000_000, 0i64..20_000_000),
        isn in prop_oneof![Just(u32::MAX - 500), any::<u32>()],
        (with_ids, with_timestamps, copies) in any::<(bool, bool, bool)>(),
    ) {
        let (client, server) = (endpoint(1, 40_000), endpoint(2, 80));
        // Time at the capture point, from the client or not, segment.
        let mut seen: Vec<(i64, bool, Segment)> = Vec::new();
        let clock = |nanos: i64| Timestamps { value: (nanos / 1_000_000) as u32 + 7, echo: 9 };
        // 20 ms at least, so that jitter cannot look like a round trip.
        let far = 20_000_000 + behind;
        let mut syn = plain(0, 0);
        (syn.seq, syn.flags) = (Seq(isn), Flags::SYN);
        syn.options.mss = Some(1460);
        seen.push((before, true, syn));
        let mut answer = plain(0, 0);
        (answer.ack, answer.flags) = (Seq(isn).plus(1), Flags::SYN.with(Flags::ACK));
        answer.options.mss = Some(1460);
        seen.push((before + 2 * far, false, answer));
        let mut ack = plain(0, 0);
        (ack.seq, ack.ack) = (Seq(isn).plus(1), Seq(1));
        seen.push((3 * before + 2 * far, true, ack));
        let start = 2 * (before + far) + 1_000_000;
        let mut next = Seq(isn).plus(1);
        let mut arrivals = Vec::new();
        for (at, &size) in sizes.iter().enumerate() {
            let sent = start + at as i64 * pause;
            let mut segment = plain(0, 0);
            (segment.seq, segment.ack, segment.payload_len) = (next, Seq(1), size);
            segment.payload_captured = size;
            segment.ip_id = with_ids.then_some(at as u16 + 3);
            if with_timestamps {
                segment.options.timestamps = Some(clock(sent));
            }
            next = next.plus(size);
            let here = sent + before + jitter[at];
            seen.push((here, true, segment));
            if copies && with_ids && at % 7 == 3 {
                seen.push((here + 50_000, true, segment));
            }
            arrivals.push((here + far, next));
        }
        // The receiver acknowledges what is complete, as it comes in.
        arrivals.sort_by_key(|&(time, _)| time);
        let ends: Vec<Seq> = sizes.iter().scan(Seq(isn).plus(1), |at, &size| { *at = at.plus(size); Some(*at) }).collect();
        let mut complete = 0;
        let mut have = vec![false; ends.len()];
        for (time, end) in arrivals {
            have[ends.iter().position(|&known| known == end).unwrap()] = true;
            while complete < have.len() && have[complete] { complete += 1; }
            let mut ack = plain(0, 0);
            (ack.seq, ack.ack) = (Seq(1), if complete == 0 { Seq(isn).plus(1) } else { ends[complete - 1] });
            seen.push((time + far, false, ack));
        }
        seen.sort_by_key(|&(time, _, _)| time);
        let mut tracker = ConnectionTracker::new(8);
        for (at, (time, from_client, mut segment)) in seen.into_iter().enumerate() {
            (segment.frame, segment.time) = (at as u64 + 1, Timestamp::from_nanos(time));
            let (from, to) = if from_client { (client, server) } else { (server, client) };
            let event = tracker.observe(from, to, &segment);
            prop_assert!(
                !event.judgement.has(Verdict::Retransmission),
                "frame {}: {:?}", segment.frame, event.judgement
            );
        }
        let connections = tracker.connections();
        let total: u64 = sizes.iter().map(|&size| u64::from(size)).sum();
        prop_assert_eq!(connections[0].measured(Direction::ToServer).unique_bytes, total);
        prop_assert_eq!(connections[0].flow(Direction::ToServer).counts.payload_bytes, total);
        prop_assert_eq!(connections[0].delivered(Direction::ToServer), total);
        prop_assert_eq!(connections[0].missing(Direction::ToServer).count(), 0);
    }

    #[test]
    fn sequence_numbers_agree_with_64_bits(base in any::<i64>(), step in -2_000_000_000i64..2_000_000_000) {
        let base = base >> 8;
        let (from, to) = (Seq(base as u32), Seq((base + step) as u32));
        prop_assert_eq!(to.unwrap_near(base), base + step);
        prop_assert_eq!(from.before(to), step > 0);
        prop_assert_eq!(to.after(from), step > 0);
        prop_assert_eq!(from.plus(step as u32), to);
        prop_assert_eq!(to.minus(step as u32), from);
        prop_assert_eq!(i64::from(from.distance_to(to)), step.rem_euclid(1 << 32));
    }

    /// Packets that etherparse builds are read as etherparse meant them.
    #[test]
    fn the_parsers_agree_with_etherparse(
        (source, target) in any::<([u8; 4], [u8; 4])>(),
        (own, other, seq, ack, window) in any::<(u16, u16, u32, u32, u16)>(),
        (mss, scale, clock) in any::<(Option<u16>, Option<u8>, Option<(u32, u32)>)>(),
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        six in any::<bool>(),
        vlan in proptest::option::of(0u16..4096),
    ) {
        let mut options = Vec::new();
        options.extend(mss.map(TcpOptionElement::MaximumSegmentSize));
        options.extend(scale.map(TcpOptionElement::WindowScale));
        options.extend(clock.map(|(value, echo)| TcpOptionElement::Timestamp(value, echo)));
        let link = PacketBuilder::ethernet2([2; 6], [4; 6]);
        macro_rules! rest {
            ($link:expr) => {{
                let wide = |end: [u8; 4]| [end; 4].concat().try_into().unwrap();
                let ip = if six { $link.ipv6(wide(source), wide(target), 9) } else { $link.ipv4(source, target, 9) };
                let tcp = ip.tcp(own, other, seq, window).ack(ack).psh().options(&options).unwrap();
                let mut bytes = Vec::new();
                tcp.write(&mut bytes, &payload).unwrap();
                bytes
            }};
        }
        let bytes = match vlan {
            Some(id) => rest!(link.single_vlan(id.try_into().unwrap())),
            None => rest!(link),
        };
        let frame = Frame {
            number: 1,
            time: Timestamp::from_nanos(0),
            link: LinkType::ETHERNET,
            interface: 0,
            wire_len: bytes.len() as u32,
            bytes: &bytes,
        };
        let packet = decode(&frame);
        prop_assert!(packet.stop.is_none());
        let (from, to, segment) = Segment::of(&frame, &packet).unwrap();
        prop_assert_eq!((from.port, to.port), (own, other));
        prop_assert_eq!(from.address.is_ipv6(), six);
        prop_assert_eq!((segment.seq, segment.ack, segment.window), (Seq(seq), Seq(ack), window));
        prop_assert_eq!(segment.flags, Flags::ACK.with(Flags::PSH));
        prop_assert_eq!(segment.payload_len as usize, payload.len());
        prop_assert_eq!(segment.options.mss, mss);
        prop_assert_eq!(segment.options.window_scale, scale);
        prop_assert_eq!(segment.options.timestamps, clock.map(|(value, echo)| Timestamps { value, echo }));
        prop_assert_eq!(segment.checksum, Some(Checksum::Right));
        // Cut anywhere, nothing panics, and what is left is said.
        for len in 0..bytes.len() {
            decode(&Frame { bytes: &bytes[..len], ..frame });
        }
    }
}
