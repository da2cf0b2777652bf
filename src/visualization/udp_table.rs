//! The table of UDP conversations, below that of the TCP connections: one row each, the largest first.

use super::columns::{Plan, fit};
use super::style::{Style, align, plain_table};
use super::{Output, Summary};
use crate::tracking::udp::UdpConversation;
use crate::tracking::{ConnectionTracker, Direction};
use crate::utils::format;
use anyhow::Result;
use comfy_table::{Attribute, Cell, ContentArrangement, Table};
use std::cmp::Reverse;
use std::io::Write;

/// Shows the table at the end.
#[derive(Debug)]
pub struct UdpTable {
    /// How to show it.
    pub style: Style,
    /// Rows at most; 0 for all.
    pub top: usize,
}

/// Rows in one piece, as in the table of connections.
const ROWS_AT_ONCE: usize = 1000;
const COLUMNS: usize = 9;
const PLAN: Plan<COLUMNS> = Plan {
    headings: [
        "udp",
        "client",
        "server",
        "service",
        "pkts →",
        "pkts ←",
        "bytes →",
        "bytes ←",
        "duration",
    ],
    ranks: [0, 0, 0, 3, 1, 1, 0, 0, 2],
    endpoints: [1, 2],
};

impl Output for UdpTable {
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
        _: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        let mut conversations: Vec<_> = summary.udp.conversations().iter().collect();
        if conversations.is_empty() {
            return Ok(());
        }
        let all = conversations.len();
        conversations.sort_by_key(|conversation| Reverse(conversation.bytes()));
        if self.top > 0 {
            conversations.truncate(self.top);
        }
        writeln!(to)?;
        for rows in conversations.chunks(ROWS_AT_ONCE) {
            writeln!(to, "{}", self.table(rows, summary).trim_fmt())?;
        }
        let hidden = (all - conversations.len()) as u64;
        if hidden > 0 {
            let hidden = format::one_or_many(
                hidden,
                "more UDP conversation is",
                "more UDP conversations are",
            );
            writeln!(to, "{hidden} not shown; --top 0 shows all of them.")?;
        }
        let rest = summary.udp.rest;
        if rest.packets > 0 {
            let packets = format::one_or_many(rest.packets, "packet", "packets");
            let octets = format::bytes(rest.bytes);
            writeln!(
                to,
                "{packets} ({octets}) of further UDP conversations were counted together."
            )?;
        }
        Ok(())
    }
}

impl UdpTable {
    fn table(&self, conversations: &[&UdpConversation], summary: &Summary) -> Table {
        let mut rows: Vec<_> = conversations.iter().map(|one| row(one, summary)).collect();
        let shown = fit(&mut rows, &PLAN, self.style.width.map(usize::from));
        let mut table = plain_table(self.style.color);
        table.set_content_arrangement(ContentArrangement::Disabled);
        let heading = |&at: &usize| Cell::new(PLAN.headings[at]).add_attribute(Attribute::Bold);
        table.set_header(shown.iter().map(heading));
        for row in &rows {
            table.add_row(shown.iter().map(|&at| row[at].as_str()));
        }
        align(&mut table, |place| {
            shown.get(place).is_some_and(|&at| at == 0 || at > 3)
        });
        table
    }
}

fn row(conversation: &UdpConversation, summary: &Summary) -> [String; COLUMNS] {
    let [to_server, to_client] = Direction::BOTH.map(|direction| conversation.amounts[direction]);
    [
        conversation.id.to_string(),
        summary.named(conversation.client),
        summary.named(conversation.server),
        conversation.service().unwrap_or("").to_owned(),
        format::count(to_server.packets),
        format::count(to_client.packets),
        format::bytes(to_server.bytes),
        format::bytes(to_client.bytes),
        format::duration(conversation.duration()),
    ]
}
