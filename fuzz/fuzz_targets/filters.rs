//! Filters: `-p` and `-i` of any text, and `--filter` of expressions of the language's words, on any frame. Expressions have no
//! words that make libpcap ask for a name on the network.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tcp_monitor::analyzers::decode;
use tcp_monitor::capture::bpf::Filter;
use tcp_monitor::selection::{AddressPattern, PortRange, Selection};
use tcp_monitor_fuzz::{LINKS, frame};

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

#[derive(Arbitrary, Debug)]
enum Word {
    Known(u8),
    Number(u32),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    expression: Vec<Word>,
    ports: &'a str,
    addresses: &'a str,
    frame: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
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
});
