//! Events → something to look at. Every output has the same shape: see each packet, see a connection leave, write the end.
//!
//! Adding an output is one new file here and one row in `run`; nothing else learns of it.

pub mod annotation;
pub mod chart;
mod columns;
pub mod connection_detail;
pub mod connection_graphs;
mod connection_rows;
pub mod connection_table;
pub mod findings;
pub mod json_lines;
pub mod ladder;
pub mod marks;
pub mod onion;
pub mod only;
pub mod overview;
pub mod packet_lines;
pub mod report;
pub mod series;
pub mod series_csv;
pub mod style;
pub mod terminal;
pub mod time_sequence;
pub mod trace;
pub mod traces;
pub mod traffic_graph;
pub mod udp_table;
pub mod verdict_table;
mod what;
pub mod wireshark_column;
pub mod xplot;

use crate::alerts::{Alert, Log};
use crate::analyzers::{Frame, LinkType, Packet};
use crate::reassembly::FragmentCounts;
use crate::tracking::encapsulation::Encapsulations;
use crate::tracking::names::Names;
use crate::tracking::totals::Totals;
use crate::tracking::udp::UdpConversations;
use crate::tracking::wireshark::{Analysis, WiresharkView};
use crate::tracking::{Connection, ConnectionTracker, Event};
use crate::utils::addressing::Endpoint;
use crate::utils::time::Timestamp;
use anyhow::Result;
use std::io::Write;
use std::net::IpAddr;

/// A packet that passed the selection, with what the tracking said of it.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The frame.
    pub frame: &'a Frame<'a>,
    /// What could be read of it.
    pub packet: &'a Packet<'a>,
    /// For TCP: the segment in its connection.
    pub event: Option<&'a Event<'a>>,
    /// For an ICMP error that quotes a TCP segment: the number of that segment's connection, if it is known.
    pub quotes: Option<u64>,
    /// What Wireshark says of that segment, if that was asked for.
    pub wireshark: Option<&'a Analysis>,
    /// What somebody wrote about it in the capture; not escaped.
    pub comments: &'a [String],
    /// The interface it was captured on, if the capture names it.
    pub interface: Option<&'a str>,
    /// The same, if the capture has several.
    pub interface_of_several: Option<&'a str>,
    /// Nanoseconds since the first packet of the capture.
    pub since_start: i64,
}

/// The capture as a whole, as far as it has been read.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// File, interface or `standard input`, safe to print.
    pub source: String,
    /// The kind of capture, in a word.
    pub format: String,
    /// What somebody wrote into the capture about it as a whole; not escaped.
    pub comments: Vec<String>,
    /// Names of addresses that the capture brings along; not escaped.
    pub names: Vec<(IpAddr, String)>,
    /// The link types of its interfaces.
    pub link_types: Vec<LinkType>,
    /// The snap length in bytes, if there is one.
    pub snap_length: Option<u32>,
    /// Packets, bytes, layers, what could not be read.
    pub totals: Totals,
    /// The tags and tunnels that were seen.
    pub encapsulations: Encapsulations,
    /// What became of fragments.
    pub fragments: FragmentCounts,
    /// UDP conversations.
    pub udp: UdpConversations,
    /// Names of addresses, if they were asked for.
    pub known_names: Option<Names>,
    /// Packets that the kernel dropped.
    pub dropped_by_kernel: u64,
    /// Packets that the interface or its driver dropped.
    pub dropped_by_interface: u64,
    /// Remarks on the capture: how it ended, what was odd about it.
    pub warnings: Vec<String>,
    /// Wireshark's view of every connection, if that was asked for.
    pub wireshark: Option<WiresharkView>,
    /// What the alerts found, once the capture is over.
    pub alerts: Log,
}

impl Summary {
    /// An endpoint with the name of its address, if that is known, or with the address.
    pub fn named(&self, endpoint: Endpoint) -> String {
        match self.name_of(endpoint.address) {
            Some(name) => format!("{name}:{}", endpoint.port),
            None => endpoint.to_string(),
        }
    }

    /// The name of an address, if names were asked for and it has one. Safe to print.
    pub fn name_of(&self, address: IpAddr) -> Option<&str> {
        self.known_names.as_ref()?.of(address)
    }
}

/// Something that shows results. What it prints goes to the writer it is handed; files it writes itself.
pub trait Output {
    /// Whether [`Output::packet`] wants to be called. Where no output does, packets are not kept behind their segments. Every output
    /// has to say: one that asks without need makes the whole program several times slower.
    fn wants_packets(&self) -> bool;

    /// Whether it shows what is measured of connections beyond what the table needs ([`Connection::measurements`]). Where no output does,
    /// nor wants packets, nothing of it is measured. Every output has to say: one that shows measurements without asking shows zeros.
    fn wants_measurements(&self) -> bool;

    /// Whether it shows what held senders back ([`Connection::spent`]). Where no output does, their time is not accounted for. Every output
    /// has to say: one that shows it without asking shows nothing.
    fn wants_accounts(&self) -> bool;

    /// Whether [`Output::closed`] wants to be called. Where no output does, connections that leave are forgotten at once.
    fn wants_closed(&self) -> bool {
        false
    }

    /// A packet passed the selection.
    fn packet(&mut self, _seen: &Seen<'_>, _to: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    /// An alert began or is over, behind the packet that made it known.
    fn alert(&mut self, _alert: &Alert, _to: &mut dyn Write) -> Result<()> {
        Ok(())
    }

    /// The kernel or the interface dropped so many more packets, as was learned at `time`.
    fn dropped(&mut self, _time: Timestamp, _number: u64) {}

    /// A connection leaves the tracking before the end, to make room.
    fn closed(
        &mut self,
        _connection: &Connection,
        _summary: &Summary,
        _to: &mut dyn Write,
    ) -> Result<()> {
        Ok(())
    }

    /// The capture is over.
    fn finish(
        &mut self,
        _tracker: &ConnectionTracker,
        _summary: &Summary,
        _to: &mut dyn Write,
    ) -> Result<()> {
        Ok(())
    }
}
