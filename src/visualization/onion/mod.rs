//! `-vv`: the packet as an onion, layer by layer, each field with its width, value and meaning, the way a student wants to read
//! it, and with the document that defines each header.

mod link;
mod link_other;
mod network;
mod tracked;
mod transport;
mod tunnels;
mod wireless;

use super::style::Style;
use super::{Output, Seen};
use crate::analyzers::Layer;
use crate::utils::format;
use anyhow::Result;
use owo_colors::OwoColorize;
use std::fmt::Display;
use std::io::Write;

/// Takes each packet apart.
#[derive(Debug)]
pub struct Onion {
    /// How to show it.
    pub style: Style,
}

impl Output for Onion {
    fn wants_packets(&self) -> bool {
        true
    }

    fn wants_measurements(&self) -> bool {
        false
    }

    fn wants_accounts(&self) -> bool {
        false
    }

    fn packet(&mut self, seen: &Seen<'_>, to: &mut dyn Write) -> Result<()> {
        let frame = seen.frame;
        let title = format!("Frame {}", frame.number);
        let title = if self.style.color {
            title.bold().to_string()
        } else {
            title
        };
        let (wire, captured) = (frame.wire_len, frame.bytes.len());
        writeln!(
            to,
            "{title}: {wire} bytes on the wire, {captured} captured, {}, {} s after the first",
            format::date_and_time(frame.time),
            format::seconds(seen.since_start)
        )?;
        if let Some(interface) = seen.interface {
            writeln!(to, "  Captured on interface {interface}")?;
        }
        for comment in seen.comments {
            writeln!(to, "  Comment: {}", format::printable(comment))?;
        }
        for layer in &seen.packet.layers {
            self.block(&layer_fields(layer, seen), to)?;
        }
        if let Some(stop) = seen.packet.stop {
            writeln!(
                to,
                "  Not read further: {} is {}.",
                stop.layer,
                stop.why.name()
            )?;
        }
        if let Some(event) = seen.event {
            self.block(&tracked::tracked(event, seen.wireshark), to)?;
        }
        writeln!(to)?;
        Ok(())
    }
}

/// One layer: its name, where it is defined, and its fields.
struct Block {
    title: &'static str,
    source: &'static str,
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    /// Width in bits; 0 where it varies or is none.
    bits: u16,
    value: String,
    meaning: String,
}

impl Block {
    fn new(title: &'static str, source: &'static str) -> Self {
        Self {
            title,
            source,
            fields: Vec::new(),
        }
    }

    fn field(
        mut self,
        name: &'static str,
        bits: u16,
        value: impl Display,
        meaning: impl Display,
    ) -> Self {
        self.fields.push(Field {
            name,
            bits,
            value: value.to_string(),
            meaning: meaning.to_string(),
        });
        self
    }
}

impl Onion {
    fn block(&self, block: &Block, to: &mut dyn Write) -> Result<()> {
        let source = if block.source.is_empty() {
            String::new()
        } else {
            format!("  ({})", block.source)
        };
        if self.style.color {
            writeln!(
                to,
                "  {}{}",
                block.title.cyan().bold(),
                source.bright_black()
            )?;
        } else {
            writeln!(to, "  {}{source}", block.title)?;
        }
        for Field {
            name,
            bits,
            value,
            meaning,
        } in &block.fields
        {
            let bits = if *bits == 0 {
                String::new()
            } else {
                format!("{bits} bit")
            };
            let line = format!("    {name:<24} {bits:>7}  {value:<24} {meaning}");
            writeln!(to, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn layer_fields(layer: &Layer<'_>, seen: &Seen<'_>) -> Block {
    match layer {
        Layer::Ethernet(header) => link::ethernet(header),
        Layer::Vlan(tag) => link::vlan(tag),
        Layer::LinuxCookedV1(header) => link::cooked_v1(header),
        Layer::LinuxCookedV2(header) => link::cooked_v2(header),
        Layer::Loopback(header) => link::loopback(header),
        Layer::Llc(header) => link_other::llc(header),
        Layer::Ppp(header) => link_other::ppp(header),
        Layer::CiscoHdlc(header) => link_other::cisco_hdlc(header),
        Layer::Pppoe(header) => link_other::pppoe(header),
        Layer::Fddi(header) => link_other::fddi(header),
        Layer::Nflog(header) => link_other::nflog(header),
        Layer::InfiniBand(header) => link_other::infiniband(header),
        Layer::Radiotap(header) => wireless::radiotap(header),
        Layer::Ieee80211(header) => wireless::ieee80211(header),
        Layer::Mpls(stack) => tunnels::mpls(stack),
        Layer::Gre(header) => tunnels::gre(header),
        Layer::Erspan(header) => tunnels::erspan(header),
        Layer::Vxlan(header) => tunnels::vxlan(header),
        Layer::Geneve(header) => tunnels::geneve(header),
        Layer::GtpU(header) => tunnels::gtp_u(header),
        Layer::Ipv4(header) => network::ipv4(header),
        Layer::Ipv6(header) => network::ipv6(header),
        Layer::Ipv6Extension(header) => network::extension(header),
        Layer::Tcp(header) => transport::tcp(header, seen.packet),
        Layer::Other(header) => transport::other(header),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":")
}
