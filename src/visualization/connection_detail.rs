//! `--connection ID`: everything known of one connection, both directions side by side.

use super::style::{Style, state_of};
use super::{Output, Summary};
use crate::tracking::connection::Ending;
use crate::tracking::flow::Flow;
use crate::tracking::rtt::Samples;
use crate::tracking::verdict::Cause;
use crate::tracking::wireshark::{Flag, WiresharkView};
use crate::tracking::{Connection, ConnectionTracker, Direction};
use crate::utils::format;
use crate::utils::time::Timestamp;
use anyhow::Result;
use owo_colors::OwoColorize;
use std::io::Write;

/// Shows chosen connections at the end.
#[derive(Debug)]
pub struct ConnectionDetail {
    /// How to show them.
    pub style: Style,
    /// Which.
    pub ids: Vec<u64>,
}

impl Output for ConnectionDetail {
    fn finish(
        &mut self,
        tracker: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        let now = summary.totals.last.unwrap_or_default();
        let connections = tracker.connections();
        for id in &self.ids {
            writeln!(to)?;
            match connections.binary_search_by_key(id, |connection| connection.id) {
                Ok(at) => {
                    self.one(connections[at], now, to)?;
                    by_wireshark(connections[at], summary.wireshark.as_ref(), to)?;
                }
                Err(_) if *id < tracker.total() => {
                    writeln!(to, "Connection {id} left the table to make room.")?;
                }
                Err(_) => match tracker.total() {
                    0 => writeln!(to, "There is no connection {id}; none was seen.")?,
                    total => writeln!(
                        to,
                        "There is no connection {id}; they are numbered from 0 to {}.",
                        total - 1
                    )?,
                },
            }
        }
        Ok(())
    }
}

impl ConnectionDetail {
    fn one(&self, connection: &Connection, now: Timestamp, to: &mut dyn Write) -> Result<()> {
        let title = format!(
            "Connection {}: {} → {}",
            connection.id, connection.client, connection.server
        );
        let title = if self.style.color {
            title.bold().to_string()
        } else {
            title
        };
        writeln!(
            to,
            "{title}{}",
            connection
                .service()
                .map_or(String::new(), |service| format!(" ({service})"))
        )?;
        for (name, value) in facts(connection, now) {
            writeln!(to, "  {name:<26} {value}")?;
        }
        writeln!(
            to,
            "  {:<26} {:>20} {:>20}",
            "", "client → server", "server → client"
        )?;
        for (name, value) in ROWS {
            let values = Direction::BOTH.map(|direction| value(connection, direction));
            if values
                .iter()
                .any(|text| !matches!(text.as_str(), "" | "0" | "0 B"))
            {
                let row = format!("  {name:<26} {:>20} {:>20}", values[0], values[1]);
                writeln!(to, "{}", row.trim_end())?;
            }
        }
        counted(connection, to)
    }
}

/// What holds for the connection as a whole.
fn facts(connection: &Connection, now: Timestamp) -> Vec<(&'static str, String)> {
    let states = connection.states_at(now);
    let mut facts = vec![
        ("state", state_of(connection, now).0),
        ("client's state", states[Direction::ToServer].to_string()),
        ("server's state", states[Direction::ToClient].to_string()),
        (
            "client known because",
            connection.role_source.meaning().to_owned(),
        ),
        ("first frame", connection.first_frame.to_string()),
        ("start", format::date_and_time(connection.start)),
        ("duration", format::duration(connection.duration())),
        (
            "opened",
            if connection.is_midstream() {
                "before the capture began".to_owned()
            } else {
                "in the capture".to_owned()
            },
        ),
        (
            "ended",
            connection
                .ending
                .map_or("not in the capture".to_owned(), ending),
        ),
    ];
    if let Some(nanos) = connection.handshake.round_trip() {
        facts.push(("handshake round trip", format::duration(nanos)));
    }
    if let Some(id) = connection.reuses {
        facts.push(("on the ports of connection", id.to_string()));
    }
    facts
}

fn ending(ending: Ending) -> String {
    match ending {
        Ending::Finished(first) => {
            format!("both sides finished, the {} first", first.sender_name())
        }
        Ending::Reset(by) => format!("reset by the {}", by.sender_name()),
        Ending::Refused => "refused: the SYN was answered by a RST".to_owned(),
        Ending::HandshakeAborted(by) => format!("handshake aborted by the {}", by.sender_name()),
        Ending::FinishedThenReset(by) => format!("the {} finished, then reset", by.sender_name()),
    }
}

type Value = fn(&Connection, Direction) -> String;

/// What is known per direction. Rows in which both sides have nothing stay away.
const ROWS: &[(&str, Value)] = &[
    ("packets", |connection, way| {
        format::count(connection.flow(way).counts.packets)
    }),
    ("bytes on the wire", |connection, way| {
        format::bytes(connection.flow(way).counts.wire_bytes)
    }),
    ("data packets", |connection, way| {
        format::count(connection.flow(way).counts.data_packets)
    }),
    ("payload bytes", |connection, way| {
        format::count(connection.flow(way).counts.payload_bytes)
    }),
    ("unique payload bytes", |connection, way| {
        format::count(connection.flow(way).counts.unique_bytes)
    }),
    ("retransmitted bytes", |connection, way| {
        format::count(connection.flow(way).counts.retransmitted_bytes)
    }),
    ("acked, never captured", |connection, way| {
        format::count(connection.flow(way).unseen_acknowledged)
    }),
    ("throughput", |connection, way| {
        connection
            .throughput(way)
            .map_or(String::new(), |bytes| format::bit_rate(bytes * 8.0))
    }),
    ("SYN / FIN / RST", |connection, way| {
        let counts = &connection.flow(way).counts;
        format!("{} / {} / {}", counts.syn, counts.fin, counts.rst)
    }),
    ("PSH / URG", |connection, way| {
        let counts = &connection.flow(way).counts;
        format!("{} / {}", counts.psh, counts.urg)
    }),
    ("pure ACKs", |connection, way| {
        format::count(connection.flow(way).counts.pure_acks)
    }),
    ("SACK / DSACK", |connection, way| {
        let counts = &connection.flow(way).counts;
        format!("{} / {}", counts.sack, counts.dsack)
    }),
    ("MSS offered", |connection, way| {
        offered(connection.flow(way), |flow| {
            flow.offer.mss.map(|size| size.to_string())
        })
    }),
    ("window scale", |connection, way| {
        offered(connection.flow(way), |flow| {
            flow.offer
                .window_scale
                .map(|shift| format!("{shift} (× {})", 1u32 << shift))
        })
    }),
    ("SACK permitted", |connection, way| {
        offered(connection.flow(way), |flow| {
            Some(yes_no(flow.offer.sack_permitted))
        })
    }),
    ("timestamps", |connection, way| {
        offered(connection.flow(way), |flow| {
            Some(yes_no(flow.offer.timestamps))
        })
    }),
    ("largest payload", |connection, way| {
        format::count(u64::from(connection.flow(way).counts.largest_payload))
    }),
    ("smallest payload", |connection, way| {
        format::count(u64::from(connection.flow(way).counts.smallest_payload))
    }),
    ("largest window", |connection, way| {
        format::bytes(connection.flow(way).windows.max)
    }),
    ("smallest window", |connection, way| {
        format::bytes(connection.flow(way).windows.min)
    }),
    ("mean window (by time)", |connection, way| {
        connection
            .flow(way)
            .windows
            .mean()
            .map_or(String::new(), |bytes| format::bytes(bytes as u64))
    }),
    ("time at window 0", |connection, way| {
        nanos(connection.flow(way).windows.zero_nanos)
    }),
    ("initial window", |connection, way| {
        format::bytes(connection.flow(way).initial_window)
    }),
    ("most bytes in flight", |connection, way| {
        format::bytes(connection.flow(way).max_in_flight)
    }),
    ("mean bytes in flight", |connection, way| {
        let flow = connection.flow(way);
        match flow.in_flight_samples {
            0 => String::new(),
            samples => format::bytes((flow.in_flight_sum / u128::from(samples)) as u64),
        }
    }),
    ("longest pause", |connection, way| {
        nanos(connection.flow(way).longest_pause)
    }),
    ("longest row of repeats", |connection, way| {
        connection.flow(way).counts.most_repeats.to_string()
    }),
    ("RTT, handshake", |connection, way| {
        connection
            .flow(way)
            .syn_rtt
            .map_or(String::new(), format::duration)
    }),
    ("RTT samples (data → ACK)", |connection, way| {
        format::count(connection.flow(way).ack_rtt.count)
    }),
    ("RTT min / mean", |connection, way| {
        pair(&connection.flow(way).ack_rtt, |samples| {
            (samples.min as f64, samples.mean())
        })
    }),
    ("RTT median / 95 %", |connection, way| {
        pair(&connection.flow(way).ack_rtt, |samples| {
            (
                samples.percentile(0.5).unwrap_or(0.0),
                samples.percentile(0.95).unwrap_or(0.0),
            )
        })
    }),
    ("RTT 99 % / max", |connection, way| {
        pair(&connection.flow(way).ack_rtt, |samples| {
            (samples.percentile(0.99).unwrap_or(0.0), samples.max as f64)
        })
    }),
    ("RTT deviation / jitter", |connection, way| {
        pair(&connection.flow(way).ack_rtt, |samples| {
            (samples.standard_deviation(), samples.jitter())
        })
    }),
    ("wrong checksums", |connection, way| {
        format::count(connection.flow(way).counts.checksums_wrong)
    }),
];

fn offered(flow: &Flow, value: fn(&Flow) -> Option<String>) -> String {
    if flow.offer.known {
        value(flow).unwrap_or_else(|| "none".to_owned())
    } else {
        "unknown".to_owned()
    }
}

fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn nanos(nanos: i64) -> String {
    if nanos == 0 {
        String::new()
    } else {
        format::duration(nanos)
    }
}

fn pair(samples: &Samples, values: fn(&Samples) -> (f64, f64)) -> String {
    if samples.count == 0 {
        return String::new();
    }
    let (a, b) = values(samples);
    format!(
        "{} / {}",
        format::duration(a as i64),
        format::duration(b as i64)
    )
}

/// How often each verdict was given, and the causes of retransmissions.
fn counted(connection: &Connection, to: &mut dyn Write) -> Result<()> {
    for rule in crate::tracking::verdict::RULES {
        let [client, server] =
            Direction::BOTH.map(|way| connection.flow(way).counts.verdicts.of(rule.verdict));
        if client + server > 0 {
            writeln!(to, "  {:<26} {client:>20} {server:>20}", rule.name)?;
        }
    }
    for (at, cause) in Cause::ALL.iter().enumerate() {
        let [client, server] = Direction::BOTH.map(|way| connection.flow(way).counts.causes[at]);
        if client + server > 0 {
            let name = format!("  retransmitted: {}", cause.name());
            writeln!(to, "{name:<28} {client:>20} {server:>20}")?;
        }
    }
    Ok(())
}

/// How often Wireshark would have shown each of its flags.
fn by_wireshark(
    connection: &Connection,
    view: Option<&WiresharkView>,
    to: &mut dyn Write,
) -> Result<()> {
    let Some(view) = view else { return Ok(()) };
    let counts = Direction::BOTH.map(|way| view.counts(connection.id, way));
    for (flag, name) in Flag::TABLE {
        let [client, server] = counts.map(|counts| counts.map_or(0, |counts| counts.of(flag)));
        if client + server > 0 {
            let name = format!("Wireshark: {name}");
            writeln!(to, "  {name:<34} {client:>12} {server:>20}")?;
        }
    }
    Ok(())
}
