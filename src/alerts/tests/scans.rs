//! Port scans and host sweeps, and who is none.

use super::*;

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
