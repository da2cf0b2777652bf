//! The time-sequence sheet: what one connection did, on one page.
//!
//! The idea is tcptrace's: time to the right, sequence numbers up. Each data segment is the span of octets that it covers; below
//! it climbs the line of what was acknowledged, above it the edge of the receiver's window, and between the two lies all that
//! the sender was allowed to have under way. One look tells a transfer held back by its window (segments touch the edge) from
//! one held back by its application (they end below it), by loss (marks and flat lines) or by the path (a straight line).
//! Panels below show octets in flight, round trips and rates over the same time.

mod layout;
mod lower;
mod main_panel;
mod marks;
mod words;

use super::chart::file::Drawing;
use super::chart::sheet::Sheet;
use super::trace::ConnectionTrace;
use crate::tracking::Connection;
use crate::utils::time::Timestamp;
use anyhow::Result;
use plotters_backend::DrawingBackend;

/// A connection's sheet, ready to be drawn.
#[derive(Debug)]
pub struct TimeSequence<'a> {
    /// The connection as it stands at the end.
    pub connection: &'a Connection,
    /// What was collected.
    pub trace: &'a ConnectionTrace,
    /// The first moment of the capture: the time axis counts from there.
    pub begin: Timestamp,
    /// Seconds of the capture that were asked for; `None` for all that the connection has.
    pub asked: (Option<f64>, Option<f64>),
}

impl Drawing for TimeSequence<'_> {
    fn draw<DB: DrawingBackend>(&self, sheet: &mut Sheet<DB>) -> Result<()> {
        let layout = layout::Layout::of(self, sheet)?;
        for (direction, panel) in &layout.main {
            main_panel::draw(self, *direction, panel, &layout, sheet)?;
        }
        for (kind, panel) in &layout.lower {
            lower::draw(self, *kind, panel, &layout, sheet)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
