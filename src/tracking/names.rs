//! Names of addresses, learned from the DNS answers in the capture. Nothing is asked of anyone here.

use crate::analyzers::Packet;
use crate::analyzers::application::dns;
use crate::analyzers::other::Other;
use crate::utils::time::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;

/// Addresses that have a name at most; beyond that no more are learned, only counted.
const MAX_NAMES: usize = 100_000;
/// The ports whose datagrams are read: DNS, multicast DNS (RFC 6762), link-local name resolution (RFC 4795).
const PORTS: [u16; 3] = [dns::PORT, 5353, 5355];

/// Names by address.
#[derive(Clone, Debug, Default)]
pub struct Names {
    names: HashMap<IpAddr, (Timestamp, String)>,
    /// Addresses that were not taken in because there are too many.
    pub left_out: u64,
}

impl Names {
    /// The latest name that was learned for an address. Safe to print.
    pub fn of(&self, address: IpAddr) -> Option<&str> {
        self.names.get(&address).map(|(_, name)| name.as_str())
    }

    /// Takes in a name that was told at `time`, which must be safe to print. A later one replaces it: addresses change hands.
    pub fn learn(&mut self, address: IpAddr, name: String, time: Timestamp) {
        let known = self.names.get(&address).map(|(since, _)| *since);
        if known.is_none() && self.names.len() >= MAX_NAMES {
            self.left_out += 1;
        } else if !name.is_empty() && known.is_none_or(|since| since <= time) {
            self.names.insert(address, (time, name));
        }
    }

    /// Takes in all names of others.
    pub fn extend(&mut self, others: Names) {
        self.left_out += others.left_out;
        for (address, (time, name)) in others.names {
            self.learn(address, name, time);
        }
    }

    /// Learns from a datagram, if it is a DNS answer.
    pub fn observe(&mut self, time: Timestamp, packet: &Packet<'_>) {
        let Some((source, _)) = packet.ports() else {
            return;
        };
        let payload = packet.other().and_then(Other::udp_payload);
        if !PORTS.contains(&source) {
            return;
        }
        let message = payload.and_then(dns::message);
        for (address, name) in message
            .filter(|message| message.is_answer)
            .into_iter()
            .flat_map(|message| message.addresses)
        {
            self.learn(address, name, time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_name_counts_and_memory_is_bounded() {
        let mut names = Names::default();
        let address = |n: u32| IpAddr::from(n.to_be_bytes());
        names.learn(
            address(0),
            "old.example.org".into(),
            Timestamp::from_nanos(0),
        );
        for n in 0..=MAX_NAMES as u32 {
            names.learn(
                address(n),
                "new.example.org".into(),
                Timestamp::from_nanos(1),
            );
        }
        assert_eq!(names.of(address(0)), Some("new.example.org"));
        assert_eq!(
            (names.of(address(MAX_NAMES as u32)), names.left_out),
            (None, 1)
        );
    }
}
