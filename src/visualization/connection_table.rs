//! The table of connections: one row each, as many columns as the terminal has room for.

use super::columns::{Plan, fit};
use super::style::{Style, Tone, align, plain_table, shorten, state_of};
use super::what::what;
use super::{Output, Summary};
use crate::tracking::glance::Glance;
use crate::tracking::{Connection, ConnectionTracker, Direction, Key, Verdict};
use crate::utils::format;
use crate::utils::time::Timestamp;
use anyhow::Result;
use comfy_table::{Attribute, Cell, ContentArrangement, Table};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::io::Write;

/// The order of rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Most octets on the wire first.
    Bytes,
    /// Most packets first.
    Packets,
    /// Longest first.
    Duration,
    /// Earliest first.
    Start,
    /// Longest round trip first.
    RoundTrip,
    /// Most retransmissions first.
    Retransmissions,
}

/// Shows the table at the end.
#[derive(Debug)]
pub struct ConnectionTable {
    /// How to show it.
    pub style: Style,
    /// Rows at most; 0 for all.
    pub top: usize,
    /// Their order.
    pub order: Order,
}

/// Rows in one piece: a table of everything at once would take three kilobytes a row (perf/NOTES.md).
const ROWS_AT_ONCE: usize = 1000;

impl Output for ConnectionTable {
    fn wants_packets(&self) -> bool {
        false
    }

    fn wants_measurements(&self) -> bool {
        false
    }

    fn wants_accounts(&self) -> bool {
        false
    }

    fn finish(
        &mut self,
        tracker: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        let all = tracker.kept();
        if all == 0 {
            writeln!(to, "No TCP connections.")?;
            return Ok(());
        }
        let shown = match self.top {
            0 => all,
            top => top.min(all),
        };
        let keys = first(tracker, self.order, shown);
        for keys in keys.chunks(ROWS_AT_ONCE) {
            let rows: Vec<_> = keys.iter().map(|&key| tracker.connection(key)).collect();
            writeln!(to, "{}", self.table(&rows, summary).trim_fmt())?;
        }
        if all > shown {
            let hidden = format::one_or_many(
                (all - shown) as u64,
                "more connection is",
                "more connections are",
            );
            writeln!(to, "{hidden} not shown; --top 0 shows all of them.")?;
        }
        if tracker.evicted() > 0 {
            let left = format::counted(tracker.evicted(), "connection");
            writeln!(
                to,
                "{left} left the table to make room; --max-connections raises the limit."
            )?;
        }
        Ok(())
    }
}

/// What the first so many connections in this order are found by; equal ones in the order of their numbers. At least one.
fn first(tracker: &ConnectionTracker, order: Order, shown: usize) -> Vec<Key> {
    let place = |(key, glance): (Key, Glance)| (Reverse(rank(&glance, order)), key.id, key);
    let mut all: Vec<_> = tracker.glances().map(place).collect();
    let before = |&(rank, id, _): &(Reverse<i128>, u64, Key)| (rank, id);
    if shown < all.len() {
        all.select_nth_unstable_by_key(shown - 1, before);
        all.truncate(shown);
    }
    all.sort_unstable_by_key(before);
    all.into_iter().map(|(.., key)| key).collect()
}

/// What a connection is ranked by, the highest first.
fn rank(glance: &Glance, order: Order) -> i128 {
    match order {
        Order::Bytes => glance.wire_bytes.into(),
        Order::Packets => glance.packets.into(),
        Order::Duration => glance.duration.into(),
        Order::Start => -i128::from(glance.start.nanos()),
        Order::RoundTrip => glance.round_trip.map_or(i128::MIN, i128::from),
        Order::Retransmissions => glance.retransmissions.into(),
    }
}

/// One column: its heading, how early it leaves when room is short (0 never), and what stands in it.
struct Column {
    heading: &'static str,
    rank: u8,
    right: bool,
    cell: fn(&Connection, &Summary) -> String,
}

const CLIENT: usize = 1;
const SERVER: usize = 2;
const STATE: usize = 4;
const RETRANSMISSIONS: usize = 11;

const COLUMNS: [Column; 15] = [
    Column {
        heading: "id",
        rank: 0,
        right: true,
        cell: |connection, _| connection.id.to_string(),
    },
    Column {
        heading: "client",
        rank: 0,
        right: false,
        cell: client,
    },
    Column {
        heading: "server",
        rank: 0,
        right: false,
        cell: |connection, summary| summary.named(connection.server),
    },
    Column {
        heading: "service",
        rank: 6,
        right: false,
        cell: |connection, _| connection.service().unwrap_or("").to_owned(),
    },
    Column {
        heading: "state",
        rank: 1,
        right: false,
        cell: |connection, summary| state_of(connection, now(summary)).0,
    },
    Column {
        heading: "pkts →",
        rank: 8,
        right: true,
        cell: |connection, _| packets(connection, Direction::ToServer),
    },
    Column {
        heading: "pkts ←",
        rank: 8,
        right: true,
        cell: |connection, _| packets(connection, Direction::ToClient),
    },
    Column {
        heading: "bytes →",
        rank: 2,
        right: true,
        cell: |connection, _| octets(connection, Direction::ToServer),
    },
    Column {
        heading: "bytes ←",
        rank: 2,
        right: true,
        cell: |connection, _| octets(connection, Direction::ToClient),
    },
    Column {
        heading: "duration",
        rank: 4,
        right: true,
        cell: |connection, _| format::duration(connection.duration()),
    },
    Column {
        heading: "RTT",
        rank: 5,
        right: true,
        cell: |connection, _| connection.round_trip().map_or("–".into(), format::duration),
    },
    Column {
        heading: "retr",
        rank: 3,
        right: true,
        cell: |connection, _| retransmissions(connection),
    },
    Column {
        heading: "throughput",
        rank: 7,
        right: true,
        cell: |connection, _| throughput(connection),
    },
    Column {
        heading: "TTFB",
        rank: 9,
        right: true,
        cell: |connection, _| {
            let figures = connection.time_to_first_byte();
            figures.map_or("–".into(), |figures| format::duration(figures.median))
        },
    },
    Column {
        heading: "what",
        rank: 10,
        right: false,
        cell: |connection, _| shorten(&what(connection), MOST_OF_WHAT),
    },
];

/// Characters of what a connection is about.
const MOST_OF_WHAT: usize = 40;

fn now(summary: &Summary) -> Timestamp {
    summary.totals.last.unwrap_or_default()
}

fn client(connection: &Connection, summary: &Summary) -> String {
    // A guessed role is marked.
    let mark = if connection.role_source.is_guessed() {
        "?"
    } else {
        ""
    };
    format!("{}{mark}", summary.named(connection.client))
}

fn packets(connection: &Connection, direction: Direction) -> String {
    format::count(connection.flow(direction).counts.packets)
}

fn octets(connection: &Connection, direction: Direction) -> String {
    format::bytes(connection.flow(direction).counts.wire_bytes)
}

fn retransmissions(connection: &Connection) -> String {
    match connection.count(Verdict::Retransmission) {
        0 => "–".to_owned(),
        number => number.to_string(),
    }
}

/// Of the direction that carried more.
fn throughput(connection: &Connection) -> String {
    let rates = Direction::BOTH
        .iter()
        .filter_map(|&direction| connection.throughput(direction));
    rates
        .reduce(f64::max)
        .map_or("–".into(), |bytes| format::bit_rate(bytes * 8.0))
}

impl ConnectionTable {
    fn table(&self, connections: &[Cow<'_, Connection>], summary: &Summary) -> Table {
        let now = now(summary);
        let mut rows: Vec<[String; COLUMNS.len()]> = connections
            .iter()
            .map(|connection| {
                COLUMNS
                    .each_ref()
                    .map(|column| (column.cell)(connection, summary))
            })
            .collect();
        let shown = fit(&mut rows, &plan(), self.style.width.map(usize::from));
        let mut table = plain_table(self.style.color);
        table.set_content_arrangement(ContentArrangement::Disabled);
        let heading = |&at: &usize| Cell::new(COLUMNS[at].heading).add_attribute(Attribute::Bold);
        table.set_header(shown.iter().map(heading));
        for (row, connection) in rows.iter().zip(connections) {
            table.add_row(
                shown
                    .iter()
                    .map(|&at| self.cell(at, &row[at], connection, now)),
            );
        }
        align(&mut table, |place| {
            shown.get(place).is_some_and(|&at| COLUMNS[at].right)
        });
        table
    }

    fn cell(&self, at: usize, text: &str, connection: &Connection, now: Timestamp) -> Cell {
        let cell = Cell::new(text);
        let tone = match at {
            STATE => Some(state_of(connection, now).1),
            RETRANSMISSIONS if connection.count(Verdict::Retransmission) > 0 => Some(Tone::Warning),
            _ => None,
        };
        match tone {
            Some(tone) if self.style.color => cell.fg(tone.table_color()),
            _ => cell,
        }
    }
}

/// What the choice of columns goes by.
fn plan() -> Plan<{ COLUMNS.len() }> {
    Plan {
        headings: COLUMNS.each_ref().map(|column| column.heading),
        ranks: COLUMNS.each_ref().map(|column| column.rank),
        endpoints: [CLIENT, SERVER],
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::column_width;
    use super::*;

    fn rows(client: &str) -> Vec<[String; COLUMNS.len()]> {
        let mut row: [String; COLUMNS.len()] =
            std::array::from_fn(|at| COLUMNS[at].heading.to_owned());
        (row[CLIENT], row[SERVER], row[STATE]) = (
            client.to_owned(),
            client.to_owned(),
            "ESTABLISHED".to_owned(),
        );
        vec![row]
    }

    #[test]
    fn without_a_limit_all_columns_stand() {
        assert_eq!(
            fit(&mut rows("[2001:db8::1]:443"), &plan(), None).len(),
            COLUMNS.len()
        );
    }

    #[test]
    fn every_row_fits_whatever_the_addresses() {
        for width in [40, 60, 80, 120, 160, 200] {
            for client in [
                "10.0.0.1:80",
                "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535",
            ] {
                let mut rows = rows(client);
                let shown = fit(&mut rows, &plan(), Some(width));
                let total: usize = shown
                    .iter()
                    .map(|&at| column_width(&rows, COLUMNS[at].heading, at) + 2)
                    .sum();
                assert!(total <= width + 2, "{width} columns, {client}: {total}");
                assert!(shown.contains(&CLIENT) && shown.contains(&SERVER));
            }
        }
    }
}
