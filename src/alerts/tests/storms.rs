//! Storms of RSTs, of ACKs and of retransmissions.

use super::*;

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
