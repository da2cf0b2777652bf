//! Each rule with events built by hand: it fires, it does not fire just below, it ends with hysteresis; ordinary traffic raises
//! nothing; memory stays bounded under attack.

mod handshakes;
mod others;
mod scans;
mod storms;

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
