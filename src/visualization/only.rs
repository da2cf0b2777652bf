//! The packets of chosen connections alone, for an output that shows packets: `-v --connection 3`.

use super::{Output, Seen, Summary};
use crate::alerts::Alert;
use crate::tracking::{Connection, ConnectionTracker};
use crate::utils::time::Timestamp;
use anyhow::Result;
use std::io::Write;

/// An output that sees only the packets of some connections, and everything else.
pub struct Only {
    /// The numbers of the connections.
    pub ids: Vec<u64>,
    /// The output.
    pub output: Box<dyn Output>,
}

impl Output for Only {
    fn wants_packets(&self) -> bool {
        self.output.wants_packets()
    }

    fn wants_measurements(&self) -> bool {
        self.output.wants_measurements()
    }

    fn wants_accounts(&self) -> bool {
        self.output.wants_accounts()
    }

    fn wants_closed(&self) -> bool {
        self.output.wants_closed()
    }

    fn packet(&mut self, seen: &Seen<'_>, to: &mut dyn Write) -> Result<()> {
        // An ICMP error about a connection is of it, too.
        let of = seen.event.map(|event| event.connection.id).or(seen.quotes);
        if of.is_some_and(|id| self.ids.contains(&id)) {
            self.output.packet(seen, to)?;
        }
        Ok(())
    }

    fn alert(&mut self, alert: &Alert, to: &mut dyn Write) -> Result<()> {
        self.output.alert(alert, to)
    }

    fn dropped(&mut self, time: Timestamp, number: u64) {
        self.output.dropped(time, number);
    }

    fn closed(
        &mut self,
        connection: &Connection,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        self.output.closed(connection, summary, to)
    }

    fn finish(
        &mut self,
        tracker: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        self.output.finish(tracker, summary, to)
    }
}
