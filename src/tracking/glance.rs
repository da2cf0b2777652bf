//! The few figures of a connection by which all of them are ranked and added up: of those that are kept as a lone SYN they are known
//! without making a whole connection of it.

use super::connection::Connection;
use super::direction::Direction;
use super::lone::Lone;
use super::verdict::Verdict;
use crate::analyzers::Checksum;
use crate::utils::time::Timestamp;
use std::net::IpAddr;

/// TCP checksums of one sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksums {
    /// Those that were verified.
    pub verified: u64,
    /// Wrong ones among them.
    pub wrong: u64,
    /// Those among them that hold the pseudo-header's sum alone.
    pub offloaded: u64,
}

/// The figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Packets of both directions.
    pub packets: u64,
    /// Their octets on the wire.
    pub wire_bytes: u64,
    /// Time of the first packet.
    pub start: Timestamp,
    /// Nanoseconds from the first packet to the last.
    pub duration: i64,
    /// The shortest round trip in nanoseconds, if one is known.
    pub round_trip: Option<i64>,
    /// Retransmissions of both directions.
    pub retransmissions: u32,
    /// Client and server with the checksums of what they sent.
    pub senders: [(IpAddr, Checksums); 2],
}

impl Glance {
    /// The figures of a connection.
    pub fn of(connection: &Connection) -> Self {
        Self {
            packets: connection.packets(),
            wire_bytes: connection.wire_bytes(),
            start: connection.start,
            duration: connection.duration(),
            round_trip: connection.round_trip(),
            retransmissions: connection.count(Verdict::Retransmission),
            senders: Direction::BOTH.map(|direction| {
                let counts = &connection.flow(direction).counts;
                let checksums = Checksums {
                    verified: counts.checksums_verified,
                    wrong: counts.rare().checksums_wrong,
                    offloaded: counts.rare().checksums_offloaded,
                };
                (connection.sender(direction).address, checksums)
            }),
        }
    }

    /// The figures of the connection of one SYN.
    pub(super) fn of_lone(lone: &Lone) -> Self {
        let (segment, is) = (&lone.located.segment, |checksum| {
            u64::from(lone.located.segment.checksum == Some(checksum))
        });
        let checksums = Checksums {
            verified: segment.checksum.is_some().into(),
            wrong: is(Checksum::Wrong),
            offloaded: is(Checksum::Offloaded),
        };
        Self {
            packets: 1,
            wire_bytes: segment.wire_len.into(),
            start: segment.time,
            duration: 0,
            round_trip: None,
            retransmissions: 0,
            senders: [
                (lone.located.sender.address, checksums),
                (lone.located.receiver.address, Checksums::default()),
            ],
        }
    }
}
