//! Where everything stands on a sheet: title, legend, panels, and the time that they share.

use super::marks::look;
use super::{TimeSequence, words};
use crate::tracking::Direction;
use crate::utils::time::{Timestamp, seconds};
use crate::visualization::chart::axis::{Tick, time_ticks};
use crate::visualization::chart::legend::{Key, heading};
use crate::visualization::chart::sheet::{Anchor, Rect, Sheet};
use crate::visualization::chart::{Panel, palette};
use crate::visualization::marks::MarkKind;
use crate::visualization::trace::FlowTrace;
use anyhow::Result;
use plotters_backend::DrawingBackend;
use std::ops::Range;

/// The panels below the sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lower {
    /// Octets in flight, and the receiver's window.
    Flight,
    /// Round trips and the running estimate.
    RoundTrip,
    /// Throughput and goodput.
    Rate,
}

/// Where everything stands.
pub struct Layout {
    /// The time that all panels share, in seconds of the capture.
    pub times: Range<f64>,
    /// Marks of the time axis.
    pub ticks: Vec<Tick>,
    /// Panels of sequence numbers, the main direction's first.
    pub main: Vec<(Direction, Rect)>,
    /// Panels below.
    pub lower: Vec<(Lower, Rect)>,
    /// The bottom of the lowest panel, which carries the labels of the time axis.
    pub bottom: i32,
}

impl Layout {
    /// Writes title and legend, and divides the rest of the sheet among the panels.
    pub fn of<DB: DrawingBackend>(
        sequence: &TimeSequence<'_>,
        sheet: &mut Sheet<DB>,
    ) -> Result<Self> {
        let (unit, width) = (sheet.unit(), sheet.width());
        let (title, subtitle) = (words::title(sequence), words::subtitle(sequence));
        let top = heading(sheet, &title, &subtitle, &entries(sequence))?;
        let times = times(sequence);
        let ticks = time_ticks(
            times.start,
            times.end,
            (width / (unit * 9)).clamp(2, 12) as usize,
        );
        let bottom = sheet.height() - unit * 7 / 2;
        let axis = words::time_axis(sequence);
        sheet.text_within(
            &axis,
            (unit * 6, bottom + unit * 3 / 2 + unit / 4),
            unit,
            palette::GREY,
            width - unit * 7,
        )?;
        let (main, lower) = divide(
            sequence,
            Rect {
                left: unit * 6,
                top,
                right: width - unit * 2,
                bottom,
            },
            unit,
        );
        Ok(Self {
            times,
            ticks,
            main,
            lower,
            bottom,
        })
    }

    /// A panel in one of the places, with its heading and its axes drawn.
    pub fn panel<DB: DrawingBackend>(
        &self,
        sheet: &mut Sheet<DB>,
        rect: Rect,
        values: Range<f64>,
        quantity: crate::visualization::chart::axis::Quantity,
        heading: &str,
    ) -> Result<Panel> {
        let panel = Panel::new(rect, self.times.clone(), values);
        let number = ((rect.bottom - rect.top) / (sheet.unit() * 3)).clamp(1, 8) as usize;
        let ticks = crate::visualization::chart::axis::value_ticks(
            panel.y.start,
            panel.y.end,
            number,
            quantity,
        );
        let unit = sheet.unit();
        sheet.text(
            heading,
            (rect.left, rect.top - unit / 4),
            Anchor::BottomLeft,
            unit,
            palette::BLACK,
        )?;
        panel.axes(sheet, &self.ticks, rect.bottom == self.bottom, &ticks)?;
        Ok(panel)
    }

    /// Seconds of the capture of a moment.
    pub fn seconds(sequence: &TimeSequence<'_>, time: Timestamp) -> f64 {
        seconds(time.since(sequence.begin))
    }
}

/// From the connection's first packet to its last, or what was asked for, with a little room on both sides.
fn times(sequence: &TimeSequence<'_>) -> Range<f64> {
    let connection = sequence.connection;
    let first = Layout::seconds(sequence, connection.start);
    let last = Layout::seconds(sequence, connection.last).max(first);
    let (from, to) = (
        sequence.asked.0.unwrap_or(first),
        sequence.asked.1.unwrap_or(last),
    );
    let (from, to) = (from.max(first), to.min(last));
    let (from, to) = if from <= to {
        (from, to)
    } else {
        (first, last)
    };
    let room = ((to - from) * 0.02).max(5e-5);
    from - room..to + room
}

/// The places of the panels: those of sequence numbers, and those below.
type Places = (Vec<(Direction, Rect)>, Vec<(Lower, Rect)>);

/// Heights of the panels: sequence numbers have most, and the direction with more data most of that.
fn divide(sequence: &TimeSequence<'_>, rect: Rect, unit: i32) -> Places {
    let way = sequence.trace.main_direction();
    let (main, other) = (
        &sequence.trace.flows[way],
        &sequence.trace.flows[way.reverse()],
    );
    let share = other.payload.total() as f64 / main.payload.total().max(1) as f64;
    let mut weights = vec![5.0];
    if other.has_data() {
        weights.push(1.2 + 3.0 * share);
    }
    let lower = lower_panels(main);
    weights.extend(lower.iter().map(|_| 1.4));
    let heading = unit * 3 / 2;
    let height = f64::from(rect.bottom - rect.top - heading * weights.len() as i32);
    let sum: f64 = weights.iter().sum();
    let mut top = rect.top;
    let mut places = Vec::new();
    for weight in &weights {
        let bottom = top + heading + (height * weight / sum) as i32;
        places.push(Rect {
            top: top + heading,
            bottom,
            ..rect
        });
        top = bottom;
    }
    if let Some(last) = places.last_mut() {
        last.bottom = rect.bottom;
    }
    let mains = if other.has_data() { 2 } else { 1 };
    let rest = places.split_off(mains);
    let main = [way, way.reverse()].into_iter().zip(places).collect();
    (main, lower.into_iter().zip(rest).collect())
}

/// Panels that have something to say.
fn lower_panels(flow: &FlowTrace) -> Vec<Lower> {
    let mut panels = Vec::new();
    if flow.in_flight.values.len() > 1 {
        panels.push(Lower::Flight);
    }
    if flow.round_trips.values.len() > 1 {
        panels.push(Lower::RoundTrip);
    }
    if flow.payload.len() > 1 {
        panels.push(Lower::Rate);
    }
    panels
}

/// The entries of the legend: of what occurs only.
fn entries(sequence: &TimeSequence<'_>) -> Vec<(Key, String)> {
    let flows = &sequence.trace.flows.0;
    let occurs = |holds: fn(&FlowTrace) -> bool| flows.iter().any(holds);
    let mut entries: Vec<(Key, String)> = Vec::new();
    let lines: [(bool, Key, &str); 4] = [
        (
            occurs(|flow| !flow.segments.is_empty()),
            Key::Bar(palette::BLUE),
            "data segment",
        ),
        (
            occurs(|flow| !flow.acknowledged.values.is_empty()),
            Key::Stroke(palette::GREEN),
            "acknowledged",
        ),
        (
            occurs(|flow| !flow.edge.values.is_empty()),
            Key::Stroke(palette::YELLOW),
            "window edge",
        ),
        (
            occurs(|flow| !flow.gaps.marks().is_empty()),
            Key::Block(palette::LIGHT_GREY),
            "gap in what was captured",
        ),
    ];
    entries.extend(
        lines
            .into_iter()
            .filter(|(holds, ..)| *holds)
            .map(|(_, key, name)| (key, name.to_owned())),
    );
    for kind in MarkKind::all() {
        let count: u64 = flows.iter().map(|flow| flow.count(kind)).sum();
        if count > 0 {
            let (color, shape) = look(kind);
            let number = if count > 1 {
                format!(" ({})", crate::utils::format::count(count))
            } else {
                String::new()
            };
            entries.push((Key::Mark(color, shape), format!("{}{number}", kind.name())));
        }
    }
    entries
}
