//! DNS: what is asked, and which addresses the answer names (RFC 1035), read by the simple-dns crate.

use super::{Context, Introduction, Reading, text};
use simple_dns::rdata::RData;
use simple_dns::{PacketFlag, QTYPE, TYPE};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The port of DNS.
pub const PORT: u16 = 53;
/// Addresses of one answer that are kept.
const MAX_ADDRESSES: usize = 32;
/// Octets of the length in front of a message over TCP (RFC 1035 §4.2.2).
const LENGTH: usize = 2;
/// Octets of a message's header.
const HEADER: usize = 12;

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Whether it is an answer.
    pub is_answer: bool,
    /// The first name asked for.
    pub name: Option<String>,
    /// What is asked for it: `A`, `AAAA` and so on.
    pub kind: Option<String>,
    /// The addresses in the answer, each with the name that was asked for, or its own where nothing was.
    pub addresses: Vec<(IpAddr, String)>,
}

/// A message over TCP.
pub fn read(bytes: &[u8], context: Context) -> Reading {
    if context.server_port != PORT {
        return Reading::Unknown;
    }
    let Some((length, rest)) = bytes.split_at_checked(LENGTH) else {
        return Reading::NeedsMore;
    };
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    match rest.get(..length) {
        None => Reading::NeedsMore,
        Some(bytes) => message(bytes).map_or(Reading::Unknown, |message| {
            Reading::Is(Introduction::Dns(message))
        }),
    }
}

/// A message; `None` for anything else, a part of a message among it.
pub fn message(bytes: &[u8]) -> Option<Message> {
    if bytes.len() < HEADER {
        return None;
    }
    let packet = simple_dns::Packet::parse(bytes).ok()?;
    let question = packet.questions.first();
    let name = question.map(|question| text(question.qname.to_string().as_bytes()));
    let mut addresses = Vec::new();
    for record in packet.answers.iter().take(MAX_ADDRESSES) {
        let address: IpAddr = match &record.rdata {
            RData::A(a) => Ipv4Addr::from(a.address).into(),
            RData::AAAA(aaaa) => Ipv6Addr::from(aaaa.address).into(),
            _ => continue,
        };
        // Whoever asked for www.example.org does not know the alias that it is served under.
        let own = || text(record.name.to_string().as_bytes());
        addresses.push((address, name.clone().unwrap_or_else(own)));
    }
    Some(Message {
        is_answer: packet.has_flags(PacketFlag::RESPONSE),
        name,
        kind: question.map(|question| kind(question.qtype)),
        addresses,
    })
}

fn kind(kind: QTYPE) -> String {
    match kind {
        QTYPE::TYPE(TYPE::Unknown(number)) => format!("TYPE{number}"),
        QTYPE::TYPE(kind) => format!("{kind:?}"),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// www.example.org is an alias of a.example.org, which has 192.0.2.7 and 2001:db8::7.
    const ANSWER: &[u8] = b"\x12\x34\x81\x80\x00\x01\x00\x03\x00\x00\x00\x00\
        \x03www\x07example\x03org\x00\x00\x01\x00\x01\
        \xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x10\x00\x04\x01a\xc0\x10\
        \xc0\x2d\x00\x01\x00\x01\x00\x00\x00\x10\x00\x04\xc0\x00\x02\x07\
        \xc0\x2d\x00\x1c\x00\x01\x00\x00\x00\x10\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07";

    #[test]
    fn an_answer_names_addresses_as_they_were_asked_for() {
        let found = message(ANSWER).unwrap();
        assert!(found.is_answer);
        assert_eq!(found.name.as_deref(), Some("www.example.org"));
        assert_eq!(found.kind.as_deref(), Some("A"));
        let named = |address: &str| (address.parse().unwrap(), "www.example.org".to_owned());
        assert_eq!(found.addresses, [named("192.0.2.7"), named("2001:db8::7")]);
        for length in 0..ANSWER.len() {
            let _ = message(&ANSWER[..length]);
        }
    }

    #[test]
    fn over_tcp_a_length_stands_before_it() {
        let bytes = [&(ANSWER.len() as u16).to_be_bytes(), ANSWER].concat();
        let context = Context {
            server_port: 53,
            last: false,
        };
        let found = read(&bytes, context);
        assert_eq!(
            found,
            Reading::Is(Introduction::Dns(message(ANSWER).unwrap()))
        );
        assert_eq!(read(&bytes[..40], context), Reading::NeedsMore);
        assert_eq!(read(&bytes, Context::default()), Reading::Unknown);
    }

    #[test]
    fn names_cannot_steer_a_terminal() {
        let mut bytes = ANSWER.to_vec();
        bytes[13] = 0x1b;
        assert_eq!(
            message(&bytes).unwrap().name.as_deref(),
            Some("\\u{1b}ww.example.org")
        );
    }
}
