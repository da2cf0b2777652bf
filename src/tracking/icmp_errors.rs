//! The ICMP errors that quote a segment of a connection. They explain why it went wrong, and are no part of it: they take no
//! connection number of their own (DESIGN.md §5).

use super::connection::Connection;
use super::direction::Direction;
use crate::analyzers::icmp_error::{IcmpError, IcmpProblem};
use crate::utils::time::Timestamp;
use std::net::IpAddr;

/// The errors of a connection that are kept, the first ones; the rest is counted.
pub const KEPT: usize = 16;

/// An error in a connection's history.
#[derive(Clone, Copy, Debug)]
pub struct Quoted {
    /// The frame that carried it.
    pub frame: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Who says it.
    pub reporter: IpAddr,
    /// What it says, and of which segment.
    pub error: IcmpError,
    /// Which way the quoted segment went.
    pub direction: Direction,
    /// The quoted sequence number, relative to its sender's first.
    pub relative_seq: Option<u32>,
}

/// The errors that quote a connection.
#[derive(Clone, Debug, Default)]
pub struct IcmpErrors {
    /// The first of them.
    pub first: Vec<Quoted>,
    /// How many there were, those that are not kept among them.
    pub number: u64,
    /// The smallest packet size that one of them named in octets: the MTU of the path, as far as is known.
    pub least_mtu: Option<u32>,
}

impl IcmpErrors {
    fn add(&mut self, quoted: Quoted) {
        self.number += 1;
        if let IcmpProblem::TooBig(mtu @ 1..) = quoted.error.problem {
            self.least_mtu = Some(self.least_mtu.map_or(mtu, |least| least.min(mtu)));
        }
        if self.first.len() < KEPT {
            self.first.push(quoted);
        }
    }
}

/// Notes an error in the connection that it quotes.
pub fn note(connection: &mut Connection, frame: u64, time: Timestamp, error: &IcmpError) {
    let direction = connection.direction_from(error.sender);
    let base = connection.flow(direction).stream.base();
    let quoted = Quoted {
        frame,
        time,
        reporter: error.reporter,
        error: *error,
        direction,
        relative_seq: base.map(|base| base.distance_to(error.seq)),
    };
    connection
        .application
        .get_or_insert_default()
        .icmp_errors
        .add(quoted);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::{ConnectionTracker, Segment};
    use crate::utils::addressing::Endpoint;
    use crate::utils::seq::Seq;

    #[test]
    fn errors_stand_with_the_connection_in_bounded_memory() {
        let client = Endpoint::new([192, 0, 2, 1].into(), 40_000);
        let server = Endpoint::new([198, 51, 100, 7].into(), 80);
        let mut tracker = ConnectionTracker::new(10);
        let segment = Segment {
            seq: Seq(1000),
            ..Segment::example()
        };
        tracker.observe(client, server, &segment);
        let mut error = IcmpError {
            reporter: [192, 0, 2, 254].into(),
            problem: IcmpProblem::TooBig(1400),
            version_6: false,
            sender: client,
            receiver: server,
            seq: Seq(1100),
        };
        let time = Timestamp::from_nanos(0);
        for mtu in 0..1000 {
            error.problem = IcmpProblem::TooBig(1400 - mtu);
            assert_eq!(tracker.note_icmp_error(2, time, &error), Some(0));
        }
        error.receiver.port = 81;
        assert_eq!(tracker.note_icmp_error(2, time, &error), None);
        assert_eq!(tracker.total(), 1, "errors take no number");
        let connections = tracker.connections();
        let errors = &connections[0].application.as_ref().unwrap().icmp_errors;
        assert_eq!((errors.number, errors.first.len()), (1000, KEPT));
        assert_eq!(errors.least_mtu, Some(401));
        assert_eq!(errors.first[0].direction, Direction::ToServer);
        assert_eq!(errors.first[0].relative_seq, Some(101));
    }
}
