//! `--connection ID`: everything known of one connection, both directions side by side.

use super::connection_rows::{ROWS, yes_no};
use super::style::{Style, state_of};
use super::{Output, Summary, what};
use crate::diagnosis::Diagnosis;
use crate::tracking::connection::Ending;
use crate::tracking::turns::Figures;
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
    fn wants_packets(&self) -> bool {
        false
    }

    fn wants_measurements(&self) -> bool {
        true
    }

    fn wants_accounts(&self) -> bool {
        true
    }

    fn finish(
        &mut self,
        tracker: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        let keys = tracker.keys();
        for id in &self.ids {
            writeln!(to)?;
            match tracker.by_number(&keys, *id) {
                Some(connection) => {
                    self.one(&connection, summary, to)?;
                    by_wireshark(&connection, summary.wireshark.as_ref(), to)?;
                }
                None if *id < tracker.total() => {
                    writeln!(to, "Connection {id} left the table to make room.")?;
                }
                None => match tracker.total() {
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
    fn one(&self, connection: &Connection, summary: &Summary, to: &mut dyn Write) -> Result<()> {
        let now = summary.totals.last.unwrap_or_default();
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
        for (name, value) in wrapped(connection, summary) {
            writeln!(to, "  {name:<26} {value}")?;
        }
        for (name, value) in beyond_tcp(connection, summary) {
            writeln!(to, "  {name:<26} {value}")?;
        }
        self.held_back(connection, to)?;
        icmp_errors(connection, to)?;
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

impl ConnectionDetail {
    /// What the sender of the most data waited for, largest share of its time first, and what that means.
    fn held_back(&self, connection: &Connection, to: &mut dyn Write) -> Result<()> {
        const INDENT: usize = 29;
        let Some(diagnosis) = Diagnosis::of(connection) else {
            return Ok(());
        };
        // A share and its number stay together.
        let shares = diagnosis.shares().into_iter().map(|(limit, share)| {
            let name = limit.name().replace('_', "\u{a0}");
            format!("{name}\u{a0}{:.0}\u{a0}%", share * 100.0)
        });
        let shares = shares.collect::<Vec<_>>().join(", ");
        let mut name = format!("{} limited by", diagnosis.direction.sender_name());
        for text in [shares, diagnosis.explanation(connection)] {
            for line in self.style.wrap(&text, INDENT) {
                writeln!(to, "  {name:<26} {}", line.replace('\u{a0}', " "))?;
                name.clear();
            }
        }
        Ok(())
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
        ("open and close captured", yes_no(connection.is_complete())),
        (
            "ended",
            connection
                .ending
                .map_or("not in the capture".to_owned(), ending),
        ),
    ];
    facts.push((
        "Zeek's conn_state, history",
        format!(
            "{} {}",
            connection.conn_state(),
            connection.measurements().zeek.history()
        ),
    ));
    facts.push(("active time", format::duration(connection.active_time())));
    if let Some(nanos) = connection.handshake.round_trip() {
        facts.push(("handshake round trip", format::duration(nanos)));
    }
    if let Some(id) = connection.reuses.get() {
        facts.push(("on the ports of connection", id.to_string()));
    }
    facts
}

/// What stood between the link and the connection's IP header.
fn wrapped(connection: &Connection, summary: &Summary) -> Vec<(&'static str, String)> {
    let names = connection.seen_in.names(&summary.encapsulations);
    let rows = names.into_iter().enumerate();
    rows.map(|(at, name)| (if at == 0 { "inside" } else { "and inside" }, name))
        .collect()
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

/// How often each verdict was given, and the causes of retransmissions.
fn counted(connection: &Connection, to: &mut dyn Write) -> Result<()> {
    for rule in crate::tracking::verdict::RULES {
        let [client, server] =
            Direction::BOTH.map(|way| connection.flow(way).counts.verdicts().of(rule.verdict));
        if client + server > 0 {
            writeln!(to, "  {:<26} {client:>20} {server:>20}", rule.name)?;
        }
    }
    for (at, cause) in Cause::ALL.iter().enumerate() {
        let [client, server] =
            Direction::BOTH.map(|way| connection.flow(way).counts.rare().causes[at]);
        if client + server > 0 {
            let name = format!("  retransmitted: {}", cause.name());
            writeln!(to, "{name:<28} {client:>20} {server:>20}")?;
        }
    }
    Ok(())
}

/// Names, what both sides said first, and who waited for whom.
fn beyond_tcp(connection: &Connection, summary: &Summary) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    for (name, end) in [
        ("client's name", connection.client),
        ("server's name", connection.server),
    ] {
        facts.extend(
            summary
                .name_of(end.address)
                .map(|text| (name, text.to_owned())),
        );
    }
    let words = ["client began with", "server began with"];
    for (name, said) in words.into_iter().zip(what::said(connection)) {
        facts.extend(said.map(|introduction| (name, what::in_words(introduction))));
    }
    let [requests, answers] = Direction::BOTH.map(|direction| connection.runs(direction));
    if requests + answers > 0 {
        facts.push((
            "turns",
            format!(
                "{} to the server, {} to the client",
                format::count(requests),
                format::count(answers)
            ),
        ));
    }
    let times = [
        ("time to first byte", connection.time_to_first_byte()),
        ("client's think time", connection.client_think_time()),
        (
            "transfer of requests",
            connection.run_time(Direction::ToServer),
        ),
        (
            "transfer of answers",
            connection.run_time(Direction::ToClient),
        ),
    ];
    facts.extend(
        times
            .into_iter()
            .filter_map(|(name, figures)| Some((name, times_of(figures?)))),
    );
    facts
}

fn times_of(figures: Figures) -> String {
    let [min, median, max] = [figures.min, figures.median, figures.max].map(format::duration);
    match figures.count {
        1 => median,
        _ => format!("min {min}, median {median}, max {max}"),
    }
}

/// The ICMP errors that quote the connection, one a row.
fn icmp_errors(connection: &Connection, to: &mut dyn Write) -> Result<()> {
    let Some(application) = &connection.application else {
        return Ok(());
    };
    let errors = &application.icmp_errors;
    for quoted in &errors.first {
        let name = format!("ICMP error, frame {}", quoted.frame);
        let after = format::duration(quoted.time.since(connection.start));
        let (reporter, what) = (quoted.reporter, quoted.error);
        let whose = quoted.direction.sender_name();
        let seq = quoted
            .relative_seq
            .map_or(String::new(), |seq| format!(" seq={seq}"));
        writeln!(to, "  {name:<26} {what}")?;
        writeln!(to, "  {:<26} {reporter} after {after}, {whose}'s{seq}", "")?;
    }
    let more = errors.number - errors.first.len() as u64;
    if more > 0 {
        let words = format::one_or_many(more, "more was counted", "more were counted");
        writeln!(to, "  {:<26} {words}", "ICMP errors")?;
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
