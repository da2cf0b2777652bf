//! An alert in words: one sentence that says who did what, and how much.

use super::log::{Alert, Subject};
use super::rule::Rule;
use crate::analyzers::tcp::Flags;
use crate::utils::format;

/// Who, what and how much, in one sentence without a full stop; nothing in it is text from the network.
pub fn what(alert: &Alert) -> String {
    let figure = |name| alert.figure(name);
    let many = |name| format::count(alert.figure(name));
    match (alert.rule, alert.subject) {
        (Rule::SynFlood, Subject::Service(server)) => {
            let sources = match figure("sources") {
                1 => "one address".to_owned(),
                number @ 2..=100 => format!("{number} addresses"),
                number => format!("about {} addresses", format::count(rounded(number))),
            };
            let completed = format::counted(figure("completed"), "handshake");
            format!(
                "{} SYNs to {server} from {sources}, {completed} completed",
                many("syns")
            )
        }
        (Rule::HalfOpen, Subject::Service(server)) => format!(
            "{server} waits in vain for the ACK of {} of {} handshakes",
            many("open"),
            many("answered")
        ),
        (
            Rule::PortScan,
            Subject::Scan {
                source,
                target,
                kind,
            },
        ) => format!(
            "{kind} scan: {source} tries {} of {target}{}",
            format::counted(figure("ports"), "port"),
            open(figure("open"))
        ),
        (Rule::HostSweep, Subject::Sweep { source, port, kind }) => format!(
            "{kind} sweep: {source} tries port {port} of {}{}",
            format::counted(figure("hosts"), "host"),
            open(figure("open"))
        ),
        (Rule::RstStorm, Subject::Service(server)) => {
            format!(
                "{server} refuses {}",
                format::counted(figure("resets"), "connection")
            )
        }
        (Rule::RstStorm, Subject::Host(address)) => {
            format!(
                "{} of {address} are reset",
                format::counted(figure("resets"), "connection")
            )
        }
        (
            Rule::AckStorm,
            Subject::Connection {
                id,
                sender,
                receiver,
            },
        ) => format!(
            "connection {id}: {sender} and {receiver} answer each other with {} that say nothing new",
            format::counted(figure("acks"), "ACK")
        ),
        (
            Rule::RetransmissionStorm,
            Subject::Connection {
                id,
                sender,
                receiver,
            },
        ) => {
            let share = 100.0 * figure("repeated_bytes") as f64 / figure("bytes").max(1) as f64;
            format!(
                "connection {id}: {} from {sender} to {receiver}; {share:.0} % of its last {} are repeats, one segment up to {}",
                format::counted(figure("retransmissions"), "retransmission"),
                format::bytes(figure("bytes")),
                format::counted(figure("most_repeats"), "time")
            )
        }
        (
            Rule::ZeroWindowStall,
            Subject::Connection {
                id,
                sender,
                receiver,
            },
        ) => format!(
            "connection {id}: {receiver} keeps its window closed to {sender} for {}, asked {}",
            format::duration((figure("closed_ms") as i64).saturating_mul(1_000_000)),
            format::counted(figure("probes"), "time")
        ),
        (
            Rule::ArpConflict,
            Subject::Claim {
                address,
                stations: [before, now],
            },
        ) => {
            format!("{address} is claimed by {before} and by {now}")
        }
        (
            Rule::TtlChange,
            Subject::Connection {
                id,
                sender,
                receiver,
            },
        ) => {
            let more = match alert.trail.packets {
                1 => String::new(),
                packets => format!(
                    "; {} such RSTs to {} in all",
                    format::count(packets),
                    receiver.address
                ),
            };
            let (ttl, before) = (figure("ttl"), figure("ttl_before"));
            format!(
                "connection {id}: RST to {receiver} in the name of {sender} with {ttl} hops left, its packets before had {before}{more}"
            )
        }
        (Rule::BadFlags, Subject::Host(address)) => {
            let flags = Flags(figure("flags") as u16);
            let flags = match flags.0 {
                0 => "no flags at all".to_owned(),
                _ => format!("the flags {flags}"),
            };
            match alert.trail.packets {
                1 => format!("{address} sends a packet with {flags}"),
                packets => format!(
                    "{address} sends {} packets with flags that cannot be, the first with {flags}",
                    format::count(packets)
                ),
            }
        }
        (_, subject) => format!("{subject:?}"),
    }
}

fn open(ports: u64) -> String {
    if ports == 0 {
        String::new()
    } else {
        format!(", {} open", format::count(ports))
    }
}

/// Two digits of an estimate: more would pretend to be exact.
fn rounded(number: u64) -> u64 {
    let digits = number.checked_ilog10().unwrap_or(0).saturating_sub(1);
    let unit = 10u64.pow(digits);
    number.saturating_add(unit / 2) / unit * unit
}
