//! UDP conversations: packets and octets between two endpoints, each way. UDP has no connections; everything between the same
//! two addresses and ports is one conversation.
//!
//! Memory is bounded: conversations beyond the limit are counted together.

use super::direction::{Direction, PerDirection};
use super::totals::Amount;
use crate::analyzers::{Frame, Packet};
use crate::utils::addressing::Endpoint;
use crate::utils::protocol_maps;
use crate::utils::time::Timestamp;
use hashbrown::HashMap;

/// Conversations that are kept apart.
pub const MAX_CONVERSATIONS: usize = 65_536;

/// A conversation.
#[derive(Clone, Debug)]
pub struct UdpConversation {
    /// Its number, from 0 in the order of first packets, as Wireshark's udp.stream.
    pub id: u64,
    /// The side that sent first; but the side with a service's port is the server if only one side has one.
    pub client: Endpoint,
    /// The other side.
    pub server: Endpoint,
    /// The frame of its first packet.
    pub first_frame: u64,
    /// Time of its first packet.
    pub start: Timestamp,
    /// The latest time of any packet of it.
    pub last: Timestamp,
    /// Packets and octets on the wire, each way.
    pub amounts: PerDirection<Amount>,
}

impl UdpConversation {
    /// The name of the service at the server's port; `None` without.
    pub fn service(&self) -> Option<&'static str> {
        protocol_maps::udp_service_name(self.server.port)
    }

    /// Nanoseconds from its first packet to its last.
    pub fn duration(&self) -> i64 {
        self.last.since(self.start).max(0)
    }

    /// Octets on the wire, both ways together.
    pub fn bytes(&self) -> u64 {
        self.amounts.0.iter().map(|amount| amount.bytes).sum()
    }

    fn begin(id: u64, frame: &Frame<'_>, sender: Endpoint, receiver: Endpoint) -> Self {
        let is_service = |end: Endpoint| protocol_maps::udp_service_name(end.port).is_some();
        let (client, server) = if is_service(sender) && !is_service(receiver) {
            (receiver, sender)
        } else {
            (sender, receiver)
        };
        Self {
            id,
            client,
            server,
            first_frame: frame.number,
            start: frame.time,
            last: frame.time,
            amounts: PerDirection::default(),
        }
    }

    fn add(&mut self, frame: &Frame<'_>, sender: Endpoint) {
        let direction = if sender == self.client {
            Direction::ToServer
        } else {
            Direction::ToClient
        };
        self.amounts[direction].add(frame);
        self.last = self.last.max(frame.time);
    }
}

/// All conversations.
#[derive(Clone, Debug, Default)]
pub struct UdpConversations {
    index: HashMap<(Endpoint, Endpoint), u32>,
    kept: Vec<UdpConversation>,
    /// Packets and octets of conversations beyond the limit.
    pub rest: Amount,
}

impl UdpConversations {
    /// Counts a packet; one that is not UDP is left out.
    pub fn observe(&mut self, frame: &Frame<'_>, packet: &Packet<'_>) {
        let Some((sender, receiver)) = packet.endpoints() else {
            return;
        };
        let key = (sender.min(receiver), sender.max(receiver));
        let at = match self.index.get(&key) {
            Some(&at) => at as usize,
            None if self.kept.len() >= MAX_CONVERSATIONS => return self.rest.add(frame),
            None => {
                let at = self.kept.len();
                self.index.insert(key, at as u32);
                let begun = UdpConversation::begin(at as u64, frame, sender, receiver);
                self.kept.push(begun);
                at
            }
        };
        self.kept[at].add(frame, sender);
    }

    /// Those that are kept, in the order of their numbers.
    pub fn conversations(&self) -> &[UdpConversation] {
        &self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::{LinkType, decode};
    use etherparse::PacketBuilder;

    fn observe(
        conversations: &mut UdpConversations,
        nanos: i64,
        from: ([u8; 4], u16),
        to: ([u8; 4], u16),
    ) {
        let mut bytes = Vec::new();
        PacketBuilder::ipv4(from.0, to.0, 64)
            .udp(from.1, to.1)
            .write(&mut bytes, b"four")
            .unwrap();
        let frame = Frame {
            number: 7,
            time: Timestamp::from_nanos(nanos),
            link: LinkType::RAW,
            interface: 0,
            wire_len: bytes.len() as u32,
            bytes: &bytes,
        };
        conversations.observe(&frame, &decode(&frame));
    }

    #[test]
    fn both_ways_are_one_conversation() {
        let mut all = UdpConversations::default();
        let (client, server) = (([192, 0, 2, 1], 40_000), ([192, 0, 2, 2], 53));
        // The capture began with the answer.
        observe(&mut all, 5, server, client);
        observe(&mut all, 9, client, server);
        observe(&mut all, 7, client, server);
        observe(&mut all, 9, client, ([192, 0, 2, 2], 54));
        let [first, second] = all.conversations() else {
            panic!("{all:?}");
        };
        assert_eq!((first.client.port, first.server.port), (40_000, 53));
        assert_eq!((first.service(), first.duration()), (Some("domain"), 4));
        assert_eq!(first.amounts[Direction::ToServer].packets, 2);
        assert_eq!(first.amounts[Direction::ToClient].bytes, 32);
        assert_eq!((second.id, second.server.port), (1, 54));
    }

    #[test]
    fn beyond_the_limit_they_are_counted_together() {
        let mut all = UdpConversations::default();
        for n in 0..=(MAX_CONVERSATIONS as u32 + 1) {
            let client = n.to_be_bytes();
            observe(&mut all, 0, (client, 40_000), ([192, 0, 2, 2], 53));
        }
        assert_eq!(all.conversations().len(), MAX_CONVERSATIONS);
        assert_eq!(all.rest.packets, 2);
    }
}
