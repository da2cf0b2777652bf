//! SYN floods and handshakes that stay open.

use super::*;

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
