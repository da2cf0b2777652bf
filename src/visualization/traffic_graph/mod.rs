//! `--graph`: the traffic of the capture over time. Bits per second, stacked by the largest connections; packets per second;
//! retransmissions and new connections per second; and where the capture itself lost packets.
//!
//! Sums are kept in bins that grow wider as time goes on, for the capture as a whole and for a bounded number of connections:
//! what is not among the largest goes into the rest, which is the whole less those that are shown.

mod drawing;
mod spans;

pub use drawing::TrafficDrawing;

use super::chart::file::Place;
use super::marks::{Mark, Marks};
use super::series::Bins;
use super::style::Style;
use super::trace::Window;
use super::{Output, Seen, Summary, terminal};
use crate::tracking::{Connection, ConnectionTracker, Verdict};
use crate::utils::time::Timestamp;
use anyhow::Result;
use std::collections::HashMap;
use std::io::Write;

/// Connections of which sums are kept; beyond that the smallest goes into the rest.
const MOST_CONNECTIONS: usize = 512;
/// Bins of each sum.
const BINS: usize = 1200;

/// The sums of one connection.
#[derive(Debug)]
struct Share {
    bins: Bins,
    name: String,
    bytes: u64,
}

/// What is collected over the capture.
#[derive(Debug)]
pub struct Traffic {
    /// Octets on the wire.
    bytes: Bins,
    packets: Bins,
    retransmissions: Bins,
    new_connections: Bins,
    shares: HashMap<u64, Share>,
    /// Where acknowledgments tell of octets that the capture missed.
    missed: Marks,
    /// Where the kernel's count of dropped packets rose.
    drops: Marks,
    begin: Timestamp,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Traffic {
    /// Nothing collected yet, of a capture that begins at this time. All sums begin there, so that they lie over each other.
    fn beginning(begin: Timestamp) -> Self {
        let bins = || Bins::beginning(begin, BINS);
        Self {
            bytes: bins(),
            packets: bins(),
            retransmissions: bins(),
            new_connections: bins(),
            shares: HashMap::new(),
            missed: Marks::default(),
            drops: Marks::default(),
            begin,
            first: None,
            last: None,
        }
    }

    fn observe(&mut self, seen: &Seen<'_>) {
        let time = seen.frame.time;
        let bytes = u64::from(seen.frame.wire_len);
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = self.last.max(Some(time));
        self.bytes.add(time, bytes);
        self.packets.add(time, 1);
        let Some(event) = seen.event else { return };
        let begin = self.begin;
        if event.judgement.has(Verdict::Retransmission) {
            self.retransmissions.add(time, 1);
        }
        if event.connection.first_frame == seen.frame.number {
            self.new_connections.add(time, 1);
        }
        if event.judgement.has(Verdict::AckLostSegment) {
            self.missed.push(moment(seen.frame.number, time, 1));
        }
        let share = self
            .shares
            .entry(event.connection.id)
            .or_insert_with(|| Share {
                bins: Bins::beginning(begin, BINS),
                name: name(event.connection),
                bytes: 0,
            });
        share.bins.add(time, bytes);
        share.bytes += bytes;
        if self.shares.len() > MOST_CONNECTIONS {
            self.make_room();
        }
    }

    /// The smaller half goes into the rest.
    fn make_room(&mut self) {
        let mut sizes: Vec<_> = self
            .shares
            .iter()
            .map(|(&id, share)| (share.bytes, id))
            .collect();
        sizes.sort_unstable();
        for (_, id) in &sizes[..MOST_CONNECTIONS / 2] {
            self.shares.remove(id);
        }
    }

    fn dropped(&mut self, time: Timestamp, number: u64) {
        self.drops
            .push(moment(0, time, u32::try_from(number).unwrap_or(u32::MAX)));
    }
}

fn name(connection: &Connection) -> String {
    format!(
        "{}: {} → {}",
        connection.id, connection.client, connection.server
    )
}

fn moment(frame: u64, time: Timestamp, count: u32) -> Mark {
    Mark {
        frame,
        time,
        low: 0,
        high: 1,
        count,
    }
}

/// Collects the traffic and draws it at the end.
#[derive(Debug)]
pub struct TrafficGraph {
    /// Where the file is written.
    pub place: Place,
    /// Draw into the terminal instead.
    pub terminal: Option<Style>,
    /// Seconds of the capture to show, from and to.
    pub asked: (Option<f64>, Option<f64>),
    traffic: Option<Traffic>,
}

impl TrafficGraph {
    /// Nothing collected yet.
    pub fn new(place: Place, terminal: Option<Style>, asked: (Option<f64>, Option<f64>)) -> Self {
        Self {
            place,
            terminal,
            asked,
            traffic: None,
        }
    }
}

impl Output for TrafficGraph {
    fn wants_packets(&self) -> bool {
        true
    }

    fn wants_measurements(&self) -> bool {
        false
    }

    fn wants_accounts(&self) -> bool {
        false
    }

    fn packet(&mut self, seen: &Seen<'_>, _to: &mut dyn Write) -> Result<()> {
        let traffic = self.traffic.get_or_insert_with(|| {
            Traffic::beginning(seen.frame.time.plus(seen.since_start.saturating_neg()))
        });
        let window = Window::asked(self.asked, traffic.begin);
        if window.has(seen.frame.time) {
            // A graph that is to begin somewhere begins there, whether or not packets do.
            traffic.first.get_or_insert(window.from.max(traffic.begin));
            traffic.observe(seen);
        }
        Ok(())
    }

    fn dropped(&mut self, time: Timestamp, number: u64) {
        if let Some(traffic) = &mut self.traffic {
            traffic.dropped(time, number);
        }
    }

    fn finish(
        &mut self,
        _tracker: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        let Some(traffic) = &self.traffic else {
            eprintln!("tcp-monitor: no packets, so no graph of the traffic");
            return Ok(());
        };
        let drawing = TrafficDrawing {
            traffic,
            source: &summary.source,
            dropped: summary.dropped_by_kernel,
        };
        match self.terminal {
            Some(style) => terminal::draw(&drawing, style, to),
            None => self
                .place
                .draw(&summary.source, traffic.begin, "traffic", &drawing)
                .map(|_| ()),
        }
    }
}

#[cfg(test)]
mod tests;
