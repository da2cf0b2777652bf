//! ICMP and ICMPv6 errors about TCP: what a router or a host says of a segment that it could not forward or take.
//!
//! An error quotes the packet that it is about: its IP header and at least the first eight octets behind it, which hold TCP's
//! ports and sequence number (RFC 792, RFC 4443 §2.4 (c)). Read by hand, with the views of this room.

use super::ipv4::Ipv4;
use super::ipv6::{Ipv6, Ipv6Extension};
use super::other::Other;
use super::packet::Packet;
use crate::utils::addressing::Endpoint;
use crate::utils::seq::Seq;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Octets of an ICMP header in front of the quoted packet, in both versions.
const HEADER: usize = 8;
/// The most extension headers of a quoted packet that are stepped over.
const MAX_EXTENSIONS: usize = 8;

/// What an error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpProblem {
    /// The destination cannot be reached, for the reason of this code (RFC 792, RFC 1812 §5.2.7.1; RFC 4443 §3.1).
    Unreachable(u8),
    /// The packet is larger than the next link takes, and may not be cut: the largest that it takes in octets; 0 from routers
    /// that do not say (RFC 1191 §4, RFC 8201 §4).
    TooBig(u32),
    /// The time to live ran out on the way (0), or fragments did not arrive in time (1).
    TimeExceeded(u8),
    /// There is a better first hop.
    Redirect(IpAddr),
    /// A field of the header makes no sense; the code.
    ParameterProblem(u8),
    /// Slow down (RFC 792; obsolete, RFC 6633).
    SourceQuench,
}

/// An error about a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Who says it.
    pub reporter: IpAddr,
    /// What it says.
    pub problem: IcmpProblem,
    /// Whether it came in ICMPv6, where codes mean something else.
    pub version_6: bool,
    /// Who sent the quoted segment.
    pub sender: Endpoint,
    /// Whom the quoted segment was sent to.
    pub receiver: Endpoint,
    /// The quoted segment's sequence number.
    pub seq: Seq,
}

impl IcmpProblem {
    /// In a word that stands in every machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            IcmpProblem::Unreachable(_) => "unreachable",
            IcmpProblem::TooBig(_) => "too_big",
            IcmpProblem::TimeExceeded(_) => "time_exceeded",
            IcmpProblem::Redirect(_) => "redirect",
            IcmpProblem::ParameterProblem(_) => "parameter_problem",
            IcmpProblem::SourceQuench => "source_quench",
        }
    }

    /// The code of the error, where it tells something.
    pub const fn code(self) -> Option<u8> {
        match self {
            IcmpProblem::Unreachable(code)
            | IcmpProblem::TimeExceeded(code)
            | IcmpProblem::ParameterProblem(code) => Some(code),
            IcmpProblem::TooBig(_) | IcmpProblem::Redirect(_) | IcmpProblem::SourceQuench => None,
        }
    }
}

impl fmt::Display for IcmpError {
    /// What the error says, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            IcmpProblem::Unreachable(code) => match unreachable(code, self.version_6) {
                Some(words) => f.write_str(words),
                None => write!(f, "destination unreachable, code {code}"),
            },
            IcmpProblem::TooBig(mtu) if self.version_6 => write!(f, "packet too big, MTU {mtu}"),
            IcmpProblem::TooBig(0) => f.write_str("fragmentation needed, MTU not said"),
            IcmpProblem::TooBig(mtu) => write!(f, "fragmentation needed, MTU {mtu}"),
            IcmpProblem::TimeExceeded(0) => f.write_str("time to live exceeded"),
            IcmpProblem::TimeExceeded(_) => f.write_str("reassembly time exceeded"),
            IcmpProblem::Redirect(to) => write!(f, "redirect to {to}"),
            IcmpProblem::ParameterProblem(code) => write!(f, "parameter problem, code {code}"),
            IcmpProblem::SourceQuench => f.write_str("source quench"),
        }
    }
}

/// What a code of "destination unreachable" means (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1; RFC 4443 §3.1, RFC 9486);
/// `None` for one without a meaning.
const fn unreachable(code: u8, version_6: bool) -> Option<&'static str> {
    Some(match (version_6, code) {
        (false, 0) => "network unreachable",
        (false, 1) | (true, 3) => "host unreachable",
        (false, 2) => "protocol unreachable",
        (false, 3) | (true, 4) => "port unreachable",
        (false, 5) => "source route failed",
        (false, 6) => "network unknown",
        (false, 7) => "host unknown",
        (false, 9) => "network prohibited",
        (false, 10) => "host prohibited",
        (false, 11) => "network unreachable for this type of service",
        (false, 12) => "host unreachable for this type of service",
        (false, 13) | (true, 1) => "administratively prohibited",
        (true, 0) => "no route to the destination",
        (true, 2) => "beyond the scope of the source address",
        (true, 5) => "source address failed the policy",
        (true, 6) => "route rejected",
        _ => return None,
    })
}

impl IcmpError {
    /// The error of a packet; `None` if the packet is no ICMP error, or if it quotes anything but the first fragment of TCP as
    /// far as its sequence number.
    pub fn of(packet: &Packet<'_>) -> Option<Self> {
        let (bytes, version_6) = match packet.other()? {
            Other::Icmp(bytes) => (*bytes, false),
            Other::Icmpv6(bytes) => (*bytes, true),
            Other::Udp(_) | Other::Arp(_) => return None,
        };
        let (header, quoted) = bytes.split_at_checked(HEADER)?;
        let (problem, quoted) = if version_6 {
            version_6_problem(header, quoted)?
        } else {
            (version_4_problem(header)?, quoted)
        };
        let (sender, receiver, seq) = quoted_segment(quoted)?;
        Some(Self {
            reporter: packet.ip()?.source(),
            problem,
            version_6,
            sender,
            receiver,
            seq,
        })
    }
}

fn version_4_problem(header: &[u8]) -> Option<IcmpProblem> {
    let code = header[1];
    Some(match (header[0], code) {
        (3, 4) => IcmpProblem::TooBig(u16::from_be_bytes([header[6], header[7]]).into()),
        (3, _) => IcmpProblem::Unreachable(code),
        (4, _) => IcmpProblem::SourceQuench,
        (5, _) => {
            let gateway = Ipv4Addr::new(header[4], header[5], header[6], header[7]);
            IcmpProblem::Redirect(gateway.into())
        }
        (11, _) => IcmpProblem::TimeExceeded(code),
        (12, _) => IcmpProblem::ParameterProblem(code),
        _ => return None,
    })
}

/// What an ICMPv6 error says, and the packet that it quotes: in a redirect that is an option of neighbour discovery.
fn version_6_problem<'a>(header: &[u8], behind: &'a [u8]) -> Option<(IcmpProblem, &'a [u8])> {
    let mtu = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    let problem = match header[0] {
        1 => IcmpProblem::Unreachable(header[1]),
        2 => IcmpProblem::TooBig(mtu),
        3 => IcmpProblem::TimeExceeded(header[1]),
        4 => IcmpProblem::ParameterProblem(header[1]),
        137 => {
            let (target, quoted) = redirected(behind)?;
            return Some((IcmpProblem::Redirect(target.into()), quoted));
        }
        _ => return None,
    };
    Some((problem, behind))
}

/// The target of a redirect and the packet in its "redirected header" option (RFC 4861 §4.5, §4.6.3).
fn redirected(bytes: &[u8]) -> Option<(Ipv6Addr, &[u8])> {
    let target = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(..16)?).ok()?);
    let mut options = bytes.get(32..)?;
    loop {
        let length = usize::from(*options.get(1)?) * 8;
        if length == 0 {
            return None;
        }
        if options[0] == 4 {
            let end = length.min(options.len());
            return Some((target, options.get(8..end)?));
        }
        options = options.get(length..)?;
    }
}

/// Sender, receiver and sequence number of a quoted TCP segment.
fn quoted_segment(bytes: &[u8]) -> Option<(Endpoint, Endpoint, Seq)> {
    let (source, destination, transport): (IpAddr, IpAddr, _) = match bytes.first()? >> 4 {
        4 => {
            let ip = Ipv4::new(bytes)?;
            let is_tcp = ip.protocol() == 6 && ip.fragment_offset() == 0;
            let transport = bytes.get(ip.header_len().max(Ipv4::MIN_LEN)..)?;
            is_tcp.then_some((ip.source().into(), ip.destination().into(), transport))?
        }
        6 => {
            let ip = Ipv6::new(bytes)?;
            let transport = behind_extensions(ip.next_header(), bytes.get(Ipv6::LEN..)?)?;
            (ip.source().into(), ip.destination().into(), transport)
        }
        _ => return None,
    };
    let [a, b, c, d, e, g, h, i, ..] = *transport else {
        return None;
    };
    let port = |high, low| u16::from_be_bytes([high, low]);
    Some((
        Endpoint::new(source, port(a, b)),
        Endpoint::new(destination, port(c, d)),
        Seq(u32::from_be_bytes([e, g, h, i])),
    ))
}

/// Steps over extension headers to TCP; `None` if something else is behind them, or a later fragment.
fn behind_extensions(mut protocol: u8, mut bytes: &[u8]) -> Option<&[u8]> {
    for _ in 0..MAX_EXTENSIONS {
        if !Ipv6Extension::is_extension(protocol) {
            break;
        }
        let extension = Ipv6Extension::new(protocol, bytes)?;
        if extension.fragment().is_some_and(|(offset, ..)| offset > 0) {
            return None;
        }
        protocol = extension.next_header();
        bytes = bytes.get(extension.bytes().len()..)?;
    }
    (protocol == 6).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::{Frame, LinkType, decode};
    use crate::utils::time::Timestamp;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    /// An error from 192.0.2.254 to 192.0.2.1 about its segment to 198.51.100.7:80.
    fn version_4(kind: u8, code: u8, rest: [u8; 4], quoted_octets: usize) -> Vec<u8> {
        let mut quoted = Vec::new();
        PacketBuilder::ipv4([192, 0, 2, 1], [198, 51, 100, 7], 1)
            .tcp(40_000, 80, 0x0102_0304, 1000)
            .write(&mut quoted, &[])
            .unwrap();
        let mut icmp = vec![kind, code, 0, 0];
        icmp.extend(rest);
        icmp.extend(&quoted[..quoted_octets]);
        let mut bytes = Vec::new();
        PacketBuilder::ipv4([192, 0, 2, 254], [192, 0, 2, 1], 64)
            .write(&mut bytes, etherparse::IpNumber::ICMP, &icmp)
            .unwrap();
        bytes
    }

    fn version_6(header: [u8; 8], before: &[u8]) -> Vec<u8> {
        let (client, server): ([u8; 16], [u8; 16]) = ([1; 16], [2; 16]);
        let mut quoted = Vec::new();
        PacketBuilder::ipv6(client, server, 1)
            .tcp(40_000, 443, 7, 1000)
            .write(&mut quoted, &[])
            .unwrap();
        let mut icmp = header.to_vec();
        icmp.extend(before);
        icmp.extend(&quoted[..48]);
        let mut bytes = Vec::new();
        PacketBuilder::ipv6([9; 16], client, 64)
            .write(&mut bytes, etherparse::IpNumber::IPV6_ICMP, &icmp)
            .unwrap();
        bytes
    }

    fn error(bytes: &[u8]) -> Option<IcmpError> {
        IcmpError::of(&decode(&Frame {
            number: 1,
            time: Timestamp::from_nanos(0),
            link: LinkType::RAW,
            interface: 0,
            wire_len: bytes.len() as u32,
            bytes,
        }))
    }

    #[test]
    fn the_quoted_segment_and_what_is_said_of_it() {
        let found = error(&version_4(3, 4, [0, 0, 5, 0x78], 28)).unwrap();
        assert_eq!(found.problem, IcmpProblem::TooBig(1400));
        assert_eq!(found.to_string(), "fragmentation needed, MTU 1400");
        assert_eq!(found.sender.to_string(), "192.0.2.1:40000");
        assert_eq!(found.receiver.to_string(), "198.51.100.7:80");
        assert_eq!(
            (found.seq, found.reporter),
            (Seq(0x0102_0304), [192, 0, 2, 254].into())
        );
        let words = |kind, code, rest| error(&version_4(kind, code, rest, 40)).unwrap().to_string();
        assert_eq!(words(3, 3, [0; 4]), "port unreachable");
        assert_eq!(words(3, 13, [0; 4]), "administratively prohibited");
        assert_eq!(words(3, 99, [0; 4]), "destination unreachable, code 99");
        assert_eq!(words(11, 0, [0; 4]), "time to live exceeded");
        assert_eq!(words(5, 1, [192, 0, 2, 9]), "redirect to 192.0.2.9");
    }

    #[test]
    fn errors_of_version_6() {
        let too_big = error(&version_6([2, 0, 0, 0, 0, 0, 5, 0], &[])).unwrap();
        assert_eq!(too_big.to_string(), "packet too big, MTU 1280");
        assert_eq!((too_big.sender.port, too_big.receiver.port), (40_000, 443));
        let prohibited = error(&version_6([1, 1, 0, 0, 0, 0, 0, 0], &[])).unwrap();
        assert_eq!(prohibited.to_string(), "administratively prohibited");
        // Target, destination, and the option: kind 4, 7 times 8 octets, 6 of them reserved.
        let mut before = [5u8; 16].to_vec();
        before.extend([2; 16]);
        before.extend([4, 7, 0, 0, 0, 0, 0, 0]);
        let redirect = error(&version_6([137, 0, 0, 0, 0, 0, 0, 0], &before)).unwrap();
        assert_eq!(
            redirect.problem,
            IcmpProblem::Redirect(Ipv6Addr::from([5; 16]).into())
        );
        assert_eq!(redirect.sender.port, 40_000);
    }

    #[test]
    fn a_quotation_without_a_sequence_number_is_none() {
        for octets in 0..28 {
            assert_eq!(error(&version_4(3, 3, [0; 4], octets)), None, "{octets}");
        }
    }

    #[test]
    fn an_echo_is_no_error() {
        assert_eq!(error(&version_4(8, 0, [0; 4], 28)), None);
    }

    proptest! {
        #[test]
        fn anything_may_be_quoted(kind: u8, code: u8, version in 0u8..16, bytes: Vec<u8>, six: bool) {
            let mut icmp = vec![kind, code, 0, 0, 0, 0, 0, 0, version << 4 | 5];
            icmp.extend(bytes);
            let mut packet = Packet::default();
            packet.layers.push(crate::analyzers::Layer::Other(if six { Other::Icmpv6(&icmp) } else { Other::Icmp(&icmp) }));
            let _ = IcmpError::of(&packet).map(|error| error.to_string());
            let _ = quoted_segment(&icmp[8..]);
            let _ = redirected(&icmp);
        }
    }
}
