//! Stalled windows, RSTs from elsewhere, impossible flags, ARP, and what holds for all rules.

use super::*;

/// A window that closes and is asked about for so many seconds.
fn stalled(seconds: u32, asked: bool) -> Scene {
    let (a, b) = (host(1, 40_000), host(SERVER, 80));
    let closed = |segment: &mut Segment| {
        (segment.seq, segment.ack, segment.window) = (Seq(500), Seq(200), 0);
    };
    let mut scene = Scene::new();
    scene
        .open(a, b)
        .data(a, b, 100, 500)
        .after(10.0)
        .send(b, a, ACK, closed);
    for _ in 0..seconds {
        scene.after(1000.0);
        if asked {
            scene.send(a, b, ACK, |segment| {
                (segment.seq, segment.ack, segment.payload_len) = (Seq(200), Seq(500), 1);
            });
        }
        scene.after(1.0).send(b, a, ACK, closed);
    }
    scene
}

#[test]
fn a_window_that_stays_closed_is_a_stall_if_somebody_waits() {
    assert_eq!(stalled(4, true).begun(), [""; 0]);
    assert_eq!(stalled(20, false).begun(), [""; 0]);
    let mut scene = stalled(6, true);
    assert_eq!(scene.begun(), ["zero_window_stall"]);
    let (a, b) = (host(1, 40_000), host(SERVER, 80));
    scene.after(1000.0).send(b, a, ACK, |segment| {
        (segment.seq, segment.ack) = (Seq(500), Seq(200));
    });
    assert_eq!(scene.over(), 1);
    let says = scene.says().remove(0);
    assert!(
        says.contains("10.255.0.1:80 keeps its window closed to 10.0.0.1:40000 for 7"),
        "{says}"
    );
}

#[test]
fn a_reset_from_elsewhere_is_told_from_the_senders_own() {
    let (a, b) = (host(1, 40_000), host(SERVER, 80));
    for (ttl, found) in [
        (51, 0),
        (50, 0),
        (49, 1),
        (60, 1),
        (115, 0),
        (242, 0),
        (64, 1),
    ] {
        let mut scene = Scene::new();
        scene.open(a, b).send(b, a, ACK, |segment| {
            (
                segment.seq,
                segment.ack,
                segment.payload_len,
                segment.hops_left,
            ) = (Seq(500), Seq(100), 10, 51);
        });
        scene.send(b, a, RST, |segment| {
            (segment.seq, segment.hops_left) = (Seq(510), ttl);
        });
        assert_eq!(scene.begun().len(), found, "{ttl}: {:?}", scene.says());
        assert_eq!(scene.wait(130_000.0).over(), found);
    }
}

#[test]
fn a_syn_scan_by_another_stack_is_no_ttl_change() {
    let (a, b) = (host(1, 40_000), host(SERVER, 80));
    let mut scene = Scene::new();
    scene.syn(a, b).syn_ack(a, b).send(a, b, RST, |segment| {
        (segment.seq, segment.hops_left) = (Seq(100), 40);
    });
    assert_eq!(scene.says(), [""; 0]);
}

#[test]
fn impossible_flags_are_told_and_ordinary_ones_are_not() {
    let (a, b) = (host(1, 40_000), host(SERVER, 80));
    let fine = [
        SYN,
        SYN_ACK,
        ACK,
        FIN_ACK,
        RST,
        RST.with(ACK),
        ACK.with(Flags::PSH).with(Flags::URG),
        SYN.with(Flags::ECE),
    ];
    for flags in fine {
        assert_eq!(
            Scene::new().send(a, b, flags, |_| {}).begun(),
            [""; 0],
            "{flags}"
        );
    }
    for flags in [
        SYN.with(FIN),
        SYN.with(RST),
        FIN,
        Flags(0),
        XMAS,
        Flags::PSH,
    ] {
        assert_eq!(
            Scene::new().send(a, b, flags, |_| {}).begun(),
            ["bad_flags"],
            "{flags}"
        );
    }
    // Who closes before an answer came has nothing to acknowledge.
    let mut early = Scene::new();
    early.syn(a, b).send(a, b, FIN, |segment| {
        segment.seq = Seq(100);
    });
    assert_eq!(early.begun(), [""; 0]);
}

#[test]
fn duplicates_made_by_the_capture_count_once() {
    let mut scene = Scene::new();
    for port in 0..14 {
        let (a, b) = (host(1, 40_000), host(SERVER, 1000 + port));
        scene.after(1.0).syn(a, b).syn(a, b);
        for _ in 0..2 {
            scene.send(b, a, RST.with(ACK), |segment| {
                segment.ack = Seq(100);
            });
        }
    }
    assert_eq!(scene.wait(10_000.0).begun(), [""; 0]);
}

#[test]
fn rules_can_be_switched_off() {
    let off: String = rule::ROWS
        .iter()
        .map(|row| format!("[{}]\nenabled = false\n", row.name))
        .collect();
    let mut scene = Scene::with(&off);
    for number in 0..2000 {
        scene
            .after(1.0)
            .refuse(host(1, 40_000), host(SERVER, number))
            .send(host(2, 1), host(3, number), XMAS, |_| {});
        scene.syn(host(5000 + u32::from(number), 1), host(SERVER, 80));
    }
    assert_eq!(scene.wait(20_000.0).begun(), [""; 0]);
}

#[test]
fn a_million_sources_stay_within_memory_and_the_flood_is_named() {
    let mut scene = Scene::new();
    for number in 0..1_000_000u32 {
        scene
            .after(0.02)
            .syn(host(number, number as u16), host(SERVER, 80));
        if number % 3 == 0 {
            scene.send(
                host(number, 7),
                host(number + 1, number as u16),
                XMAS,
                |_| {},
            );
        }
    }
    scene.alerts.end();
    assert!(scene.begun().contains(&"syn_flood"));
    let flood = scene
        .alerts
        .log
        .alerts()
        .iter()
        .find(|alert| alert.rule == Rule::SynFlood)
        .unwrap();
    assert_eq!(flood.figure("syns"), 1_000_000);
    assert!(flood.figure("sources").abs_diff(1_000_000) < 100_000);
    assert!(scene.alerts.log.alerts().len() <= 3 * log::MAX_ALERTS as usize);
    assert!(scene.alerts.into_log().evicted > 0);
}

#[test]
fn conflicting_claims_of_an_address_are_one_alert() {
    use crate::analyzers::{Frame, LinkType, decode};
    let mut alerts = Alerts::new(Thresholds::default());
    let mut claim = |number: u64, station: [u8; 6]| {
        let mut bytes = vec![0xff; 6];
        bytes.extend(station);
        bytes.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
        bytes.extend(station);
        bytes.extend([192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1]);
        let frame = Frame {
            number,
            time: Timestamp::from_nanos(number as i64 * 1_000_000_000),
            link: LinkType::ETHERNET,
            interface: 0,
            wire_len: bytes.len() as u32,
            bytes: &bytes,
        };
        alerts.packet(&frame, &decode(&frame), None);
        alerts
            .log
            .alerts()
            .iter()
            .map(|alert| (alert.subject, alert.trail.packets))
            .collect::<Vec<_>>()
    };
    let (a, b) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    assert_eq!((claim(1, a), claim(2, a)), (vec![], vec![]));
    claim(3, b);
    let address = [192, 0, 2, 1].into();
    let stations = [MacAddress(a), MacAddress(b)];
    assert_eq!(claim(4, a), [(Subject::Claim { address, stations }, 2)]);
}
