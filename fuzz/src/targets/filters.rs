//! Filters: `-p` and `-i` of any text, and `--filter` of expressions of the language's words, on any frame. Expressions have no
//! words that make libpcap ask for a name on the network.

use super::super::{LINKS, frame};
use arbitrary::Arbitrary;
use tcp_monitor::analyzers::decode;
use tcp_monitor::capture::bpf::Filter;
use tcp_monitor::selection::{AddressPattern, PortRange, Selection};

const WORDS: [&str; 44] = [
    "tcp",
    "udp",
    "icmp",
    "ip",
    "ip6",
    "arp",
    "vlan",
    "mpls",
    "ether",
    "host",
    "net",
    "port",
    "portrange",
    "src",
    "dst",
    "and",
    "or",
    "not",
    "(",
    ")",
    "[",
    "]",
    ":",
    "&",
    "|",
    "+",
    "-",
    "*",
    "/",
    "<",
    ">",
    "=",
    "!=",
    "<<",
    ">>",
    "less",
    "greater",
    "len",
    "proto",
    "protochain",
    "broadcast",
    "tcp[tcpflags]",
    "10.0.0.1",
    "80-90",
];

/// A word of an expression.
#[derive(Arbitrary, Debug)]
pub enum Word {
    /// One of the language.
    Known(u8),
    /// A number.
    Number(u32),
}

/// Filters, and a frame to hold against them.
#[derive(Arbitrary, Debug)]
pub struct Input<'a> {
    /// For `--filter`.
    pub expression: Vec<Word>,
    /// For `-p`.
    pub ports: &'a str,
    /// For `-i`.
    pub addresses: &'a str,
    /// As [`super::super::frame`] reads it.
    pub frame: &'a [u8],
}

/// Holds the frame against the filters.
pub fn run(input: Input<'_>) {
    let expression: Vec<String> = input
        .expression
        .iter()
        .take(24)
        .map(|word| match word {
            Word::Known(index) => WORDS[usize::from(*index) % WORDS.len()].to_owned(),
            Word::Number(number) => number.to_string(),
        })
        .collect();
    let ports = input
        .ports
        .split(',')
        .filter_map(|text| text.parse::<PortRange>().ok());
    let addresses = input
        .addresses
        .split(',')
        .filter_map(|text| text.parse::<AddressPattern>().ok());
    let selection = Selection::new(ports.collect(), addresses.collect());
    let Some(frame) = frame(input.frame) else {
        return;
    };
    selection.wants(&decode(&frame));
    if let Ok(mut filter) = Filter::new(&expression.join(" "), &LINKS[..1]) {
        let _ = filter.matches(&frame);
    }
}
