//! The summary of a capture: what was read, its layers, what could not be decoded, what was lost.

use super::style::{Style, align, plain_table};
use super::{Output, Summary};
use crate::analyzers::{LayerName, Stop, Why};
use crate::reassembly::FragmentCounts;
use crate::tracking::ConnectionTracker;
use crate::tracking::totals::{ArpCounts, Protocol};
use crate::utils::format;
use anyhow::Result;
use comfy_table::Table;
use owo_colors::OwoColorize;
use std::collections::HashMap;
use std::io::Write;
use std::net::IpAddr;

/// Shows the summary at the end.
#[derive(Debug)]
pub struct Report {
    /// How to show it.
    pub style: Style,
}

impl Output for Report {
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
        self.source(summary, to)?;
        written_in_the_capture(summary, to)?;
        if summary.totals.all.packets > 0 {
            writeln!(to, "{}", layers(summary).trim_fmt())?;
        }
        arp(summary, to)?;
        self.undecoded(summary, to)?;
        fragments(summary.fragments, to)?;
        self.checksums(tracker, summary, to)?;
        self.drops(summary, to)?;
        writeln!(to)?;
        Ok(())
    }
}

impl Report {
    fn source(&self, summary: &Summary, to: &mut dyn Write) -> Result<()> {
        let totals = &summary.totals;
        let name = if self.style.color {
            summary.source.bold().to_string()
        } else {
            summary.source.clone()
        };
        let links: Vec<_> = summary.link_types.iter().map(ToString::to_string).collect();
        let snap = summary
            .snap_length
            .map_or(String::new(), |length| format!(", snap length {length} B"));
        let links = if links.is_empty() {
            String::new()
        } else {
            format!(", {}", links.join(" and "))
        };
        writeln!(to, "{name}: {}{links}{snap}", summary.format)?;
        let (packets, octets) = (
            format::counted(totals.all.packets, "packet"),
            format::bytes(totals.all.bytes),
        );
        match totals.first {
            None => writeln!(
                to,
                "No packets{}.",
                if totals.left_out.packets > 0 {
                    " passed the filters"
                } else {
                    ""
                }
            )?,
            Some(first) => {
                let span = totals.span();
                let rate = if span > 0 {
                    format!(
                        ", {} on average",
                        format::bit_rate(totals.all.bytes as f64 * 8e9 / span as f64)
                    )
                } else {
                    String::new()
                };
                writeln!(
                    to,
                    "{}, {}\n{packets}, {octets}{rate}",
                    format::date_and_time(first),
                    format::duration(span)
                )?;
            }
        }
        if totals.left_out.packets > 0 {
            writeln!(
                to,
                "{} did not pass the filters.",
                format::counted(totals.left_out.packets, "packet")
            )?;
        }
        if totals.backwards > 0 {
            writeln!(
                to,
                "{} an earlier time than the packet before.",
                format::one_or_many(totals.backwards, "packet carries", "packets carry")
            )?;
        }
        if totals.cut > 0 {
            writeln!(
                to,
                "{} cut by the snap length.",
                format::one_or_many(totals.cut, "packet was", "packets were")
            )?;
        }
        Ok(())
    }

    fn undecoded(&self, summary: &Summary, to: &mut dyn Write) -> Result<()> {
        // What became of fragments of IP is said in a line of its own.
        let is_ip_fragment = |stop: &Stop| {
            stop.why == Why::Fragment && matches!(stop.layer, LayerName::Ipv4 | LayerName::Ipv6)
        };
        let all = summary.totals.stops.iter();
        let mut stops = all.filter(|(stop, _)| !is_ip_fragment(stop)).peekable();
        if stops.peek().is_none() {
            return Ok(());
        }
        writeln!(to, "Not decoded to the end:")?;
        for (stop, &packets) in stops {
            let why = match stop.why {
                Why::Truncated => "cut off, too little was captured",
                Why::Malformed => "malformed",
                Why::Unsupported => "not read by tcp-monitor",
                Why::Fragment => "fragments of larger datagrams",
                Why::Encrypted => "encrypted, not read",
            };
            writeln!(to, "  {:>9}  {}: {why}", format::count(packets), stop.layer)?;
        }
        Ok(())
    }

    /// Wrong checksums, with offload told apart: a sender whose segments are nearly all "wrong" while the other side's are right
    /// leaves the sum to its network card, behind the capture point (ANALYSIS.md 10.2).
    fn checksums(
        &self,
        tracker: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        let (wrong, offloaded) = wrong_checksums(tracker);
        if summary.totals.wrong_ip_checksums > 0 {
            writeln!(
                to,
                "{} a wrong IPv4 header checksum.",
                format::one_or_many(
                    summary.totals.wrong_ip_checksums,
                    "packet has",
                    "packets have"
                )
            )?;
        }
        if wrong > 0 {
            writeln!(
                to,
                "{} a wrong checksum.",
                format::one_or_many(wrong, "TCP segment has", "TCP segments have")
            )?;
        }
        if offloaded > 0 {
            let checksums =
                format::one_or_many(offloaded, "TCP checksum was", "TCP checksums were");
            writeln!(
                to,
                "{checksums} left to the sender's network card (offload): no damage."
            )?;
        }
        Ok(())
    }

    fn drops(&self, summary: &Summary, to: &mut dyn Write) -> Result<()> {
        if summary.dropped_by_kernel > 0 {
            let packets =
                format::one_or_many(summary.dropped_by_kernel, "packet was", "packets were");
            writeln!(
                to,
                "{packets} dropped by the kernel: figures below are short of them."
            )?;
        }
        if summary.dropped_by_interface > 0 {
            let packets =
                format::one_or_many(summary.dropped_by_interface, "packet was", "packets were");
            writeln!(
                to,
                "{packets} dropped by the interface: figures below are short of them."
            )?;
        }
        Ok(())
    }
}

/// Names that are shown.
const SHOWN_NAMES: usize = 20;

/// Comments and names of addresses that the capture brings along.
fn written_in_the_capture(summary: &Summary, to: &mut dyn Write) -> Result<()> {
    for comment in &summary.comments {
        writeln!(to, "Comment: {}", format::printable(comment))?;
    }
    if summary.names.is_empty() {
        return Ok(());
    }
    writeln!(to, "Names in the capture:")?;
    for (address, name) in summary.names.iter().take(SHOWN_NAMES) {
        writeln!(to, "  {address}  {}", format::printable(name))?;
    }
    let more = summary.names.len().saturating_sub(SHOWN_NAMES);
    if more > 0 {
        writeln!(to, "  and {} more", format::count(more as u64))?;
    }
    Ok(())
}

/// What became of the fragments of IP.
fn fragments(counts: FragmentCounts, to: &mut dyn Write) -> Result<()> {
    if counts.fragments == 0 {
        return Ok(());
    }
    writeln!(
        to,
        "{} IP fragments: {} datagrams put together.",
        format::count(counts.fragments),
        format::count(counts.reassembled)
    )?;
    for (number, what) in [
        (
            counts.incomplete,
            "datagrams incomplete after 30 s or at the end",
        ),
        (counts.overlapping, "datagrams with overlapping fragments"),
        (counts.repeated, "fragments that came twice"),
        (counts.malformed, "fragments with impossible lengths"),
        (
            counts.cut,
            "fragments cut by the snap length, not put together",
        ),
    ] {
        if number > 0 {
            writeln!(to, "  {:>9}  {what}", format::count(number))?;
        }
    }
    Ok(())
}

/// TCP segments with a wrong checksum, and those whose sender leaves the sum to its network card: that is sure where the field
/// holds the sum of the pseudo-header, and likely where more than half of at least 20 from one address are wrong, or all of at
/// least 4.
fn wrong_checksums(tracker: &ConnectionTracker) -> (u64, u64) {
    let mut senders: HashMap<IpAddr, (u64, u64)> = HashMap::new();
    let mut left_to_card = 0;
    let all = || tracker.glances().flat_map(|(_, glance)| glance.senders);
    for (address, checksums) in all() {
        left_to_card += checksums.offloaded;
        if checksums.wrong > 0 {
            senders.entry(address).or_default().1 += checksums.wrong;
        }
    }
    // Mostly there are none.
    if !senders.is_empty() {
        for (address, checksums) in all() {
            if let Some(sender) = senders.get_mut(&address) {
                sender.0 += checksums.verified;
            }
        }
    }
    let is_offloaded = |&(verified, wrong): &(u64, u64)| {
        verified >= 20 && wrong * 2 > verified || verified >= 4 && wrong == verified
    };
    senders
        .values()
        .fold((0, left_to_card), |(bad, offloaded), sender| {
            if is_offloaded(sender) {
                (bad, offloaded + sender.1)
            } else {
                (bad + sender.1, offloaded)
            }
        })
}

/// ARP packets by what they are.
fn arp(summary: &Summary, to: &mut dyn Write) -> Result<()> {
    let counts = summary.totals.arp;
    if counts == ArpCounts::default() {
        return Ok(());
    }
    let requests = format::counted(counts.requests, "request");
    let replies = format::one_or_many(counts.replies, "reply", "replies");
    let other = match counts.other {
        0 => String::new(),
        number => format!(", {} of another kind", format::count(number)),
    };
    writeln!(to, "ARP: {requests}, {replies}{other}.")?;
    Ok(())
}

fn layers(summary: &Summary) -> Table {
    let totals = &summary.totals;
    let mut table = plain_table(false);
    table.set_header(["layer", "packets", "bytes", "share"]);
    for protocol in Protocol::ALL {
        let amount = totals.layer(protocol);
        if amount.packets > 0 {
            let share = 100.0 * amount.packets as f64 / totals.all.packets as f64;
            let share = format!("{share:.1} %");
            table.add_row([
                protocol.name().to_owned(),
                format::count(amount.packets),
                format::bytes(amount.bytes),
                share,
            ]);
        }
    }
    align(&mut table, |at| at > 0);
    table
}
