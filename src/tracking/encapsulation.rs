//! What a connection came wrapped in: tags, labels, sessions and tunnels between the link and the innermost IP header.
//!
//! A capture has few different stacks and many packets, so that a packet carries the number of its stack only. Connections
//! without any have [`EncapsulationId::PLAIN`], for which nothing is looked up.

use crate::analyzers::{Layer, Packet};
use arrayvec::ArrayVec;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

/// Which stack of an [`Encapsulations`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default)]
pub struct EncapsulationId(u16);

impl EncapsulationId {
    /// No tags, labels or tunnels.
    pub const PLAIN: EncapsulationId = EncapsulationId(0);
    /// There are more different stacks than are kept; which one this is, is not known.
    pub const UNKNOWN: EncapsulationId = EncapsulationId(u16::MAX);

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// One wrapping.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wrapping {
    /// A VLAN tag.
    Vlan(u16),
    /// An MPLS label.
    Mpls(u32),
    /// A PPPoE session.
    Pppoe(u16),
    /// An outer IP header; the lower address first, so that both directions are the same stack.
    Ip(IpAddr, IpAddr),
    /// GRE, with its key.
    Gre(Option<u32>),
    /// ERSPAN, with its session.
    Erspan(u16),
    /// VXLAN, with its network.
    Vxlan(u32),
    /// Geneve, with its network.
    Geneve(u32),
    /// GTP-U, with its tunnel.
    GtpU(u32),
}

impl fmt::Display for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrapping::Vlan(vlan) => write!(f, "VLAN {vlan}"),
            Wrapping::Mpls(label) => write!(f, "MPLS {label}"),
            Wrapping::Pppoe(session) => write!(f, "PPPoE {session}"),
            Wrapping::Ip(a, b) => write!(f, "{a} <> {b}"),
            Wrapping::Gre(None) => f.write_str("GRE"),
            Wrapping::Gre(Some(key)) => write!(f, "GRE {key}"),
            Wrapping::Erspan(session) => write!(f, "ERSPAN {session}"),
            Wrapping::Vxlan(network) => write!(f, "VXLAN {network}"),
            Wrapping::Geneve(network) => write!(f, "Geneve {network}"),
            Wrapping::GtpU(tunnel) => write!(f, "GTP-U 0x{tunnel:08x}"),
        }
    }
}

/// Wrappings that are kept of a stack, the outermost first. A packet with more shows the outermost ones.
const MOST_WRAPPINGS: usize = 8;
/// Different stacks that are kept.
const MOST_STACKS: usize = 4096;

/// Wrappings from the outside in.
pub type Stack = ArrayVec<Wrapping, MOST_WRAPPINGS>;

/// The different stacks of a capture.
#[derive(Clone, Debug, Default)]
pub struct Encapsulations {
    stacks: Vec<Stack>,
    ids: HashMap<Stack, EncapsulationId>,
    /// The latest one: packets of a tunnel come in rows.
    latest: Option<(Stack, EncapsulationId)>,
}

impl Encapsulations {
    /// The number of a packet's stack.
    #[inline]
    pub fn of(&mut self, packet: &Packet<'_>) -> EncapsulationId {
        // Link, IP and TCP: nothing in between.
        if let [
            Layer::Ethernet(_)
            | Layer::LinuxCookedV1(_)
            | Layer::LinuxCookedV2(_)
            | Layer::Loopback(_),
            Layer::Ipv4(_) | Layer::Ipv6(_),
            Layer::Tcp(_),
        ] = packet.layers.as_slice()
        {
            return EncapsulationId::PLAIN;
        }
        self.look_up(stack_of(packet))
    }

    fn look_up(&mut self, stack: Stack) -> EncapsulationId {
        if stack.is_empty() {
            return EncapsulationId::PLAIN;
        }
        if let Some((latest, id)) = &self.latest
            && *latest == stack
        {
            return *id;
        }
        let id = match self.ids.get(&stack) {
            Some(id) => *id,
            None if self.stacks.len() >= MOST_STACKS => return EncapsulationId::UNKNOWN,
            None => {
                self.stacks.push(stack.clone());
                let id = EncapsulationId(self.stacks.len() as u16);
                self.ids.insert(stack.clone(), id);
                id
            }
        };
        self.latest = Some((stack, id));
        id
    }

    /// The stacks behind the first `known` ones, in the order in which they were first seen.
    pub fn since(&self, known: usize) -> &[Stack] {
        self.stacks.get(known..).unwrap_or_default()
    }

    /// Takes over stacks that came behind those that are known here, for their names.
    pub fn learn(&mut self, stacks: &[Stack]) {
        self.stacks.extend_from_slice(stacks);
    }

    /// How many stacks there are.
    pub fn len(&self) -> usize {
        self.stacks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.stacks.is_empty()
    }

    /// A stack in words, the outermost first: `VLAN 7, 192.0.2.1 <> 192.0.2.2, GRE`.
    pub fn name(&self, id: EncapsulationId) -> String {
        match id {
            EncapsulationId::PLAIN => "none".to_owned(),
            EncapsulationId::UNKNOWN => "one of many".to_owned(),
            EncapsulationId(number) => {
                let stack = self.stacks.get(usize::from(number).wrapping_sub(1));
                let names = stack.into_iter().flatten().map(ToString::to_string);
                names.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

fn stack_of(packet: &Packet<'_>) -> Stack {
    let mut stack = Stack::new();
    let is_ip = |layer: &Layer<'_>| matches!(layer, Layer::Ipv4(_) | Layer::Ipv6(_));
    let innermost = packet.layers.iter().rposition(is_ip).unwrap_or(0);
    for layer in packet.layers.iter().take(innermost) {
        match layer {
            Layer::Vlan(tag) => push(&mut stack, Wrapping::Vlan(tag.vlan())),
            Layer::Mpls(labels) => {
                for entry in labels.labels() {
                    push(&mut stack, Wrapping::Mpls(entry.label));
                }
            }
            Layer::Pppoe(header) => push(&mut stack, Wrapping::Pppoe(header.session())),
            Layer::Ipv4(ip) => push(
                &mut stack,
                between(ip.source().into(), ip.destination().into()),
            ),
            Layer::Ipv6(ip) => push(
                &mut stack,
                between(ip.source().into(), ip.destination().into()),
            ),
            // The key of PPTP holds a length and is another one in each packet.
            Layer::Gre(header) => push(
                &mut stack,
                Wrapping::Gre(header.key().filter(|_| header.version() == 0)),
            ),
            Layer::Erspan(header) => push(&mut stack, Wrapping::Erspan(header.session())),
            Layer::Vxlan(header) => push(&mut stack, Wrapping::Vxlan(header.network())),
            Layer::Geneve(header) => push(&mut stack, Wrapping::Geneve(header.network())),
            Layer::GtpU(header) => push(&mut stack, Wrapping::GtpU(header.tunnel())),
            _ => {}
        }
    }
    stack
}

fn push(stack: &mut Stack, wrapping: Wrapping) {
    // What does not fit is not kept.
    let _ = stack.try_push(wrapping);
}

fn between(a: IpAddr, b: IpAddr) -> Wrapping {
    Wrapping::Ip(a.min(b), a.max(b))
}

/// The stacks that a connection's packets came in, in the order in which they were first seen: the first four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenIn([EncapsulationId; 4]);

/// No stack: the place is free.
const FREE: EncapsulationId = EncapsulationId(u16::MAX - 1);

impl Default for SeenIn {
    fn default() -> Self {
        Self([FREE; 4])
    }
}

impl SeenIn {
    /// Notes the stack of a packet.
    #[inline]
    pub fn note(&mut self, id: EncapsulationId) {
        for place in &mut self.0 {
            if *place == id {
                return;
            }
            if *place == FREE {
                *place = id;
                return;
            }
        }
    }

    /// The only stack; `None` if there are several, or none yet.
    pub(super) fn only(&self) -> Option<EncapsulationId> {
        match self.0 {
            [id, FREE, ..] if id != FREE => Some(id),
            _ => None,
        }
    }

    /// The stacks, in words; empty if all packets came without any.
    pub fn names(&self, encapsulations: &Encapsulations) -> Vec<String> {
        match self.0 {
            [FREE | EncapsulationId::PLAIN, FREE, ..] => Vec::new(),
            ids => ids
                .into_iter()
                .filter(|&id| id != FREE)
                .map(|id| encapsulations.name(id))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::{Frame, LinkType, decode};
    use crate::utils::time::Timestamp;
    use etherparse::PacketBuilder;

    fn id(encapsulations: &mut Encapsulations, bytes: &[u8]) -> EncapsulationId {
        let frame = Frame {
            number: 1,
            time: Timestamp::default(),
            link: LinkType::ETHERNET,
            interface: 0,
            wire_len: bytes.len() as u32,
            bytes,
        };
        encapsulations.of(&decode(&frame))
    }

    fn tagged(vlan: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .single_vlan(vlan.try_into().unwrap())
            .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
            .tcp(1, 2, 3, 4)
            .write(&mut bytes, &[])
            .unwrap();
        bytes
    }

    #[test]
    fn the_same_stack_has_the_same_number() {
        let mut encapsulations = Encapsulations::default();
        let (first, second) = (
            id(&mut encapsulations, &tagged(7)),
            id(&mut encapsulations, &tagged(8)),
        );
        assert_ne!(first, second);
        assert_eq!(first, id(&mut encapsulations, &tagged(7)));
        assert_eq!(encapsulations.name(first), "VLAN 7");
        assert_eq!(encapsulations.name(EncapsulationId::PLAIN), "none");
    }

    #[test]
    fn the_number_of_stacks_is_bounded() {
        let mut encapsulations = Encapsulations::default();
        for network in 0..2 * MOST_STACKS as u32 {
            let stack = [Wrapping::Vxlan(network)].into_iter().collect();
            encapsulations.look_up(stack);
        }
        assert_eq!(encapsulations.stacks.len(), MOST_STACKS);
        let more = [Wrapping::Vxlan(u32::MAX)].into_iter().collect();
        assert_eq!(encapsulations.look_up(more), EncapsulationId::UNKNOWN);
    }

    #[test]
    fn a_connection_remembers_four() {
        let mut seen = SeenIn::default();
        assert!(seen.names(&Encapsulations::default()).is_empty());
        seen.note(EncapsulationId::PLAIN);
        assert!(seen.names(&Encapsulations::default()).is_empty());
        for number in [1, 1, 2, 3, 4, 5] {
            seen.note(EncapsulationId(number));
        }
        assert_eq!(seen.0.map(|id| id.0), [0, 1, 2, 3]);
    }
}
