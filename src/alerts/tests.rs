//! Each rule with events built by hand: it fires, it does not fire just below, it ends with hysteresis; ordinary traffic raises
//! nothing; memory stays bounded under attack.

use super::*;
use crate::analyzers::tcp::Flags;
use crate::tracking::{ConnectionTracker, Segment};
use crate::utils::addressing::{Endpoint, MacAddress};
use crate::utils::seq::Seq;

const SYN: Flags = Flags::SYN;
const ACK: Flags = Flags::ACK;
const RST: Flags = Flags::RST;
const FIN: Flags = Flags::FIN;
const SYN_ACK: Flags = Flags::SYN.with(Flags::ACK);
const FIN_ACK: Flags = Flags::FIN.with(Flags::ACK);
const XMAS: Flags = Flags::FIN.with(Flags::PSH).with(Flags::URG);

fn host(number: u32, port: u16) -> Endpoint {
    Endpoint::new(Ipv4Addr::from(0x0a00_0000 + number).into(), port)
}

const SERVER: u32 = 0xff_0001;

/// A capture in the making.
struct Scene {
    tracker: ConnectionTracker,
    alerts: Alerts,
    frame: u64,
    /// Milliseconds.
    now: f64,
}

impl Scene {
    fn new() -> Self {
        Self::with("")
    }

    fn with(thresholds: &str) -> Self {
        Self {
            tracker: ConnectionTracker::new(10_000),
            alerts: Alerts::new(Thresholds::read(thresholds).unwrap()),
            frame: 0,
            now: 0.0,
        }
    }

    fn after(&mut self, millis: f64) -> &mut Self {
        self.now += millis;
        self
    }

    fn send(
        &mut self,
        from: Endpoint,
        to: Endpoint,
        flags: Flags,
        change: impl FnOnce(&mut Segment),
    ) -> &mut Self {
        self.frame += 1;
        let mut segment = Segment {
            frame: self.frame,
            time: Timestamp::from_nanos(1_000_000_000_000 + (self.now * 1e6) as i64),
            flags,
            ..Segment::example()
        };
        change(&mut segment);
        let event = self.tracker.observe(from, to, &segment);
        self.alerts.segment(&event);
        self
    }

    fn syn(&mut self, client: Endpoint, server: Endpoint) -> &mut Self {
        self.send(client, server, SYN, |segment| {
            segment.seq = Seq(99);
        })
    }

    fn syn_ack(&mut self, client: Endpoint, server: Endpoint) -> &mut Self {
        self.after(0.001).send(server, client, SYN_ACK, |segment| {
            (segment.seq, segment.ack) = (Seq(499), Seq(100));
        })
    }

    fn ack(&mut self, client: Endpoint, server: Endpoint) -> &mut Self {
        self.send(client, server, ACK, |segment| {
            (segment.seq, segment.ack) = (Seq(100), Seq(500));
        })
    }

    fn open(&mut self, client: Endpoint, server: Endpoint) -> &mut Self {
        self.syn(client, server)
            .syn_ack(client, server)
            .ack(client, server)
    }

    fn data(&mut self, from: Endpoint, to: Endpoint, seq: u32, ack: u32) -> &mut Self {
        self.send(from, to, ACK, |segment| {
            (segment.seq, segment.ack, segment.payload_len) = (Seq(seq), Seq(ack), 100);
        })
    }

    fn refuse(&mut self, client: Endpoint, server: Endpoint) -> &mut Self {
        self.syn(client, server);
        self.send(server, client, RST.with(ACK), |segment| {
            segment.ack = Seq(100);
        })
    }

    /// Time passes.
    fn wait(&mut self, millis: f64) -> &mut Self {
        for _ in 0..(millis / 50.0).ceil() as u64 {
            self.now += 50.0;
            let time = Timestamp::from_nanos(1_000_000_000_000 + (self.now * 1e6) as i64);
            self.alerts.pass(time);
        }
        self
    }

    fn begun(&self) -> Vec<&'static str> {
        self.alerts
            .log
            .alerts()
            .iter()
            .map(|alert| alert.rule.name())
            .collect()
    }

    fn over(&self) -> usize {
        self.alerts
            .log
            .alerts()
            .iter()
            .filter(|alert| alert.over)
            .count()
    }

    fn says(&self) -> Vec<String> {
        self.alerts.log.alerts().iter().map(words::what).collect()
    }
}

#[test]
fn a_syn_flood_is_named_with_its_sources_and_ends() {
    let mut scene = Scene::new();
    for number in 0..1200 {
        scene
            .after(9.0)
            .syn(host(number, 1024 + number as u16), host(SERVER, 80));
    }
    assert_eq!(scene.begun(), ["syn_flood"]);
    let says = scene.says().remove(0);
    assert!(
        says.contains("10.255.0.1:80 from about 1") && says.contains("0 handshakes completed"),
        "{says}"
    );
    assert_eq!(scene.wait(5000.0).over(), 0);
    assert_eq!(scene.wait(9000.0).over(), 1);
}

#[test]
fn below_the_rate_or_with_handshakes_completed_it_is_none() {
    let mut slow = Scene::new();
    let mut busy = Scene::new();
    for number in 0..1200 {
        slow.after(10.5).syn(host(number, 1024), host(SERVER, 80));
        let (client, server) = (host(number, 1024), host(SERVER, 80));
        busy.after(9.0).syn(client, server);
        if number % 4 == 0 {
            busy.syn_ack(client, server).ack(client, server);
        }
    }
    assert!(!slow.wait(9000.0).begun().contains(&"syn_flood"));
    assert!(!busy.wait(9000.0).begun().contains(&"syn_flood"));
}

#[test]
fn a_burst_of_clients_behind_a_long_path_is_no_flood() {
    let mut scene = Scene::new();
    for number in 0..3000 {
        scene.after(0.01).syn(host(number, 1024), host(SERVER, 80));
    }
    scene.wait(300.0);
    for number in 0..3000 {
        scene
            .syn_ack(host(number, 1024), host(SERVER, 80))
            .ack(host(number, 1024), host(SERVER, 80));
    }
    scene.wait(70_000.0);
    assert_eq!(scene.says(), [""; 0]);
}

#[test]
fn a_capture_of_the_clients_alone_raises_nothing() {
    let mut scene = Scene::new();
    for number in 0..2000u32 {
        let (client, server) = (
            host(number % 7, 1024 + number as u16),
            host(SERVER + number % 60, 80),
        );
        scene
            .after(5.0)
            .syn(client, server)
            .after(1.0)
            .ack(client, server)
            .data(client, server, 100, 500);
    }
    assert_eq!(scene.wait(70_000.0).begun(), [] as [&str; 0]);
}

#[test]
fn a_capture_of_the_server_alone_raises_nothing() {
    let mut scene = Scene::new();
    for number in 0..2000u32 {
        scene
            .after(5.0)
            .syn_ack(host(number, 1024), host(SERVER, 80))
            .data(host(SERVER, 80), host(number, 1024), 500, 100);
    }
    assert_eq!(scene.wait(70_000.0).begun(), [] as [&str; 0]);
}

#[test]
fn handshakes_that_stay_open_are_found_after_their_patience() {
    for (open, found) in [(24, true), (19, false)] {
        let mut scene = Scene::new();
        for number in 0..60 {
            let (client, server) = (host(number, 1024), host(SERVER, 80));
            scene
                .after(100.0)
                .syn(client, server)
                .syn_ack(client, server);
            if number >= open {
                scene.ack(client, server).data(client, server, 100, 500);
            }
        }
        assert!(scene.begun().is_empty());
        scene.wait(12_000.0);
        assert_eq!(
            scene.begun().contains(&"half_open"),
            found,
            "{open}: {:?}",
            scene.says()
        );
        assert_eq!(scene.wait(140_000.0).over(), usize::from(found));
    }
}

/// Runs a probe against so many ports.
fn scan(ports: u16, mut probe: impl FnMut(&mut Scene, Endpoint, Endpoint)) -> Scene {
    let mut scene = Scene::new();
    for port in 0..ports {
        probe(scene.after(1.0), host(1, 40_000), host(SERVER, 1000 + port));
    }
    scene
}

fn like_a_system(segment: &mut Segment) {
    segment.seq = Seq(99);
    segment.options.sack_permitted = true;
}

#[test]
fn each_kind_of_port_scan_is_named_at_its_limit_and_not_below() {
    type Kind = (&'static str, u16, fn(&mut Scene, Endpoint, Endpoint));
    let answered: [Kind; 7] = [
        ("SYN", 15, |scene, a, b| {
            scene.refuse(a, b);
        }),
        ("connect", 15, |scene, a, b| {
            scene
                .send(a, b, SYN, like_a_system)
                .send(b, a, RST.with(ACK), |segment| {
                    segment.ack = Seq(100);
                });
        }),
        ("NULL", 3, |scene, a, b| {
            scene.send(a, b, Flags(0), |_| {});
        }),
        ("FIN", 3, |scene, a, b| {
            scene.send(a, b, FIN, |_| {});
        }),
        ("Xmas", 3, |scene, a, b| {
            scene.send(a, b, XMAS, |_| {});
        }),
        ("ACK", 15, |scene, a, b| {
            scene
                .send(a, b, ACK, |segment| {
                    segment.ack = Seq(7);
                })
                .send(b, a, RST, |segment| {
                    segment.seq = Seq(7);
                });
        }),
        ("Maimon", 15, |scene, a, b| {
            scene
                .send(a, b, FIN_ACK, |segment| {
                    segment.ack = Seq(7);
                })
                .send(b, a, RST, |segment| {
                    segment.seq = Seq(7);
                });
        }),
    ];
    for (kind, limit, probe) in answered {
        let named = |scene: &Scene| {
            scene
                .alerts
                .log
                .alerts()
                .iter()
                .filter(|alert| alert.rule == Rule::PortScan)
                .map(words::what)
                .collect::<Vec<_>>()
        };
        assert_eq!(named(&scan(limit - 1, probe)), [""; 0], "{kind}");
        let says = format!("{kind} scan: 10.0.0.1 tries {limit} ports of 10.255.0.1");
        assert_eq!(named(&scan(limit, probe)), [says], "{kind}");
    }
}

#[test]
fn open_ports_tell_syn_scans_from_connect_scans() {
    let half = scan(15, |scene, a, b| {
        scene.syn(a, b).syn_ack(a, b).send(a, b, RST, |segment| {
            segment.seq = Seq(100);
        });
    });
    assert_eq!(
        half.says(),
        ["SYN scan: 10.0.0.1 tries 15 ports of 10.255.0.1, 15 open"]
    );
    let whole = scan(15, |scene, a, b| {
        scene.open(a, b).send(a, b, RST.with(ACK), |segment| {
            (segment.seq, segment.ack) = (Seq(100), Seq(500));
        });
    });
    assert_eq!(
        whole.says(),
        ["connect scan: 10.0.0.1 tries 15 ports of 10.255.0.1, 15 open"]
    );
}

#[test]
fn ports_without_an_answer_count_after_their_patience() {
    let mut scene = scan(15, |scene, a, b| {
        scene.syn(a, b);
    });
    assert!(scene.wait(4900.0).begun().is_empty());
    assert_eq!(scene.wait(300.0).begun(), ["port_scan"]);
    let trail = scene.alerts.log.alerts()[0].trail;
    assert_eq!((trail.first.0, trail.last.0, trail.packets), (1, 15, 15));
    assert_eq!(scene.wait(301_000.0).over(), 0);
    assert_eq!(scene.wait(301_000.0).over(), 1);
}

#[test]
fn a_busy_client_is_no_scanner() {
    let scene = scan(500, |scene, a, b| {
        scene.open(a, b).data(a, b, 100, 500).data(b, a, 500, 200);
        scene.send(a, b, FIN_ACK, |segment| {
            (segment.seq, segment.ack) = (Seq(200), Seq(600));
        });
    });
    assert_eq!(scene.says(), [""; 0]);
}

#[test]
fn connections_of_before_the_capture_are_no_probes() {
    // A web server closes idle connections of a client that is gone; a client goes on and is answered.
    let scene = scan(200, |scene, a, b| {
        let (client, server) = (
            Endpoint::new(a.address, b.port + 40_000),
            Endpoint::new(b.address, 443),
        );
        scene
            .send(server, client, FIN_ACK, |_| {})
            .send(client, server, RST, |_| {});
        scene.send(a, b, ACK, |_| {}).send(b, a, ACK, |_| {});
    });
    assert_eq!(scene.says(), [""; 0]);
}

#[test]
fn a_sweep_needs_hosts_not_tries() {
    for (hosts, found) in [(25, true), (24, false)] {
        let mut scene = Scene::new();
        for number in 0..100 {
            scene.after(10.0).refuse(
                host(1, 2000 + number as u16),
                host(SERVER + number % hosts, 22),
            );
        }
        assert_eq!(scene.begun().contains(&"host_sweep"), found);
    }
}

#[test]
fn slow_scans_stay_below_the_window() {
    let mut scene = Scene::new();
    for port in 0..40 {
        scene
            .after(25_000.0)
            .refuse(host(1, 40_000), host(SERVER, 1000 + port));
    }
    assert_eq!(scene.begun(), [""; 0]);
}

#[test]
fn a_service_that_refuses_is_a_rst_storm() {
    for (number, expected) in [(100, vec!["rst_storm"]), (99, vec![])] {
        let mut scene = Scene::new();
        for number in 0..number {
            scene
                .after(80.0)
                .refuse(host(number, 40_000), host(SERVER, 80));
        }
        assert_eq!(scene.begun(), expected);
        assert_eq!(scene.wait(25_000.0).over(), expected.len());
    }
}

#[test]
fn resets_of_open_connections_count_for_both_hosts_unless_most_are_well() {
    for (well, expected) in [(0, 1), (100, 0)] {
        let mut scene = Scene::new();
        for number in 0..110u32 {
            let (client, server) = (host(number, 40_000), host(SERVER, 80));
            scene
                .after(50.0)
                .open(client, server)
                .data(client, server, 100, 500);
            scene.send(server, client, RST, |segment| {
                segment.seq = Seq(500);
            });
            for other in 0..well.min(2) {
                scene.open(host(1000 + number * 2 + other, 40_000), server);
            }
        }
        assert_eq!(scene.begun().len(), expected, "{:?}", scene.says());
    }
}

#[test]
fn health_checks_that_reset_are_no_storm() {
    let mut scene = Scene::new();
    for number in 0..500 {
        let (client, server) = (host(1, 1024 + number), host(SERVER, 80));
        scene.after(20.0).open(client, server);
        scene.send(client, server, RST.with(ACK), |segment| {
            (segment.seq, segment.ack) = (Seq(100), Seq(500));
        });
    }
    assert_eq!(scene.says(), [""; 0]);
}

#[test]
fn empty_acks_to_and_fro_are_an_ack_storm() {
    let (a, b) = (host(1, 40_000), host(SERVER, 80));
    for (number, found) in [(50, 1), (49, 0)] {
        let mut scene = Scene::new();
        scene.open(a, b).data(a, b, 100, 500).after(10.0);
        scene.send(b, a, ACK, |segment| {
            (segment.seq, segment.ack) = (Seq(500), Seq(200));
        });
        for _ in 0..number {
            scene.after(2.0).send(a, b, ACK, |segment| {
                (segment.seq, segment.ack) = (Seq(200), Seq(500));
            });
            scene.send(b, a, ACK, |segment| {
                (segment.seq, segment.ack) = (Seq(500), Seq(200));
            });
        }
        assert_eq!(scene.begun().len(), found, "{:?}", scene.says());
        assert_eq!(scene.wait(3000.0).over(), found);
    }
}

#[test]
fn duplicate_acks_of_one_side_are_none() {
    let (a, b) = (host(1, 40_000), host(SERVER, 80));
    let mut scene = Scene::new();
    scene.open(a, b).data(a, b, 100, 500);
    for number in 0..500 {
        scene.after(0.5).data(a, b, 300 + number * 100, 500);
        scene.send(b, a, ACK, |segment| {
            (segment.seq, segment.ack) = (Seq(500), Seq(200));
        });
    }
    assert_eq!(scene.says(), [""; 0]);
}

/// Sends segments of which every so many is sent again.
fn repeating(segments: u32, every: u32) -> Scene {
    let (a, b) = (host(1, 40_000), host(SERVER, 80));
    let mut scene = Scene::new();
    scene.open(a, b);
    for number in 0..segments {
        scene.after(20.0).data(a, b, 100 + number * 100, 500);
        if number % every == every - 1 {
            scene.after(300.0).data(a, b, 100 + number * 100, 500);
        }
        scene.after(5.0).send(b, a, ACK, |segment| {
            (segment.seq, segment.ack) = (Seq(500), Seq(200 + number * 100));
        });
    }
    scene
}

#[test]
fn many_retransmissions_are_a_storm_and_few_are_none() {
    assert_eq!(repeating(200, 30).begun(), [""; 0]);
    let mut storm = repeating(200, 6);
    assert_eq!(storm.begun(), ["retransmission_storm"]);
    assert_eq!(storm.wait(25_000.0).over(), 1);
}

#[test]
fn one_segment_again_and_again_is_a_storm() {
    let (a, b) = (host(1, 40_000), host(SERVER, 80));
    for (repeats, found) in [(10, 1), (9, 0)] {
        let mut scene = Scene::new();
        scene.open(a, b).data(a, b, 100, 500);
        for _ in 0..repeats {
            scene.after(900.0).data(a, b, 100, 500);
        }
        assert_eq!(scene.begun().len(), found, "{:?}", scene.says());
    }
}

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
