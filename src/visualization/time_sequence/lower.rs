//! The panels below the sequence numbers: octets in flight, round trips, rates.

use super::TimeSequence;
use super::layout::{Layout, Lower};
use crate::tracking::Direction;
use crate::utils::format;
use crate::utils::time::Timestamp;
use crate::visualization::chart::axis::Quantity;
use crate::visualization::chart::panel::Shape;
use crate::visualization::chart::sheet::{Anchor, Rect, Sheet};
use crate::visualization::chart::{Panel, palette};
use crate::visualization::series::{Bins, Series, Value};
use crate::visualization::trace::FlowTrace;
use anyhow::Result;
use plotters::style::RGBColor;
use plotters_backend::DrawingBackend;

/// Draws one of them into its place.
pub fn draw<DB: DrawingBackend>(
    sequence: &TimeSequence<'_>,
    kind: Lower,
    rect: &Rect,
    layout: &Layout,
    sheet: &mut Sheet<DB>,
) -> Result<()> {
    let way = sequence.trace.main_direction();
    let flow = &sequence.trace.flows[way];
    let at = |time: Timestamp| Layout::seconds(sequence, time);
    match kind {
        Lower::Flight => flight(flow, *rect, layout, sheet, &at),
        Lower::RoundTrip => round_trips(flow, way, *rect, layout, sheet, &at),
        Lower::Rate => rates(sequence, flow, *rect, layout, sheet),
    }
}

fn highest(values: &Series<Value>) -> f64 {
    values
        .samples()
        .iter()
        .map(|(_, value)| value.high)
        .max()
        .unwrap_or(0) as f64
}

fn lowest(values: &Series<Value>) -> f64 {
    values
        .samples()
        .iter()
        .map(|(_, value)| value.low)
        .min()
        .unwrap_or(0) as f64
}

fn flight<DB: DrawingBackend>(
    flow: &FlowTrace,
    rect: Rect,
    layout: &Layout,
    sheet: &mut Sheet<DB>,
    at: &impl Fn(Timestamp) -> f64,
) -> Result<()> {
    let (in_flight, window) = (&flow.in_flight.values, &flow.window.values);
    let top = highest(in_flight).max(1.0);
    // A window far above what is in flight does not limit it, and would press it flat.
    let window_fits = lowest(window) <= top * 2.0 && !window.is_empty();
    let top = if window_fits {
        top.max(highest(window).min(top * 2.5))
    } else {
        top
    };
    let panel = layout.panel(
        sheet,
        rect,
        0.0..top * 1.1,
        Quantity::Bytes,
        "Bytes in flight",
    )?;
    if window_fits {
        steps(window, &panel, sheet, palette::YELLOW, at)?;
    }
    steps(in_flight, &panel, sheet, palette::BLUE, at)?;
    let note = if window_fits && highest(window) > top * 1.1 {
        format!(
            "yellow: the receiver's window, up to {}",
            format::bytes(highest(window) as u64)
        )
    } else if window_fits {
        "yellow: the receiver's window".to_owned()
    } else {
        format!(
            "the receiver's window is far above: {} at least",
            format::bytes(lowest(window) as u64)
        )
    };
    if window.is_empty() {
        Ok(())
    } else {
        remark(sheet, rect, &note)
    }
}

fn round_trips<DB: DrawingBackend>(
    flow: &FlowTrace,
    way: Direction,
    rect: Rect,
    layout: &Layout,
    sheet: &mut Sheet<DB>,
    at: &impl Fn(Timestamp) -> f64,
) -> Result<()> {
    let samples = &flow.round_trips.values;
    let receiver = way.reverse().sender_name();
    let heading = format!("Round trip from here to the {receiver} and back");
    let panel = layout.panel(
        sheet,
        rect,
        0.0..highest(samples).max(1000.0) * 1.15,
        Quantity::Duration,
        &heading,
    )?;
    for (time, value) in samples.samples() {
        let (time, size) = (at(*time), if samples.len() > 400 { 1 } else { 2 });
        panel.mark(
            sheet,
            time,
            value.high as f64,
            Shape::Dot,
            palette::SKY,
            size,
        )?;
        if value.low != value.high {
            panel.mark(
                sheet,
                time,
                value.low as f64,
                Shape::Dot,
                palette::SKY,
                size,
            )?;
        }
    }
    let smoothed = flow.smoothed.values.samples();
    panel.line(
        sheet,
        smoothed
            .iter()
            .map(|(time, value)| (at(*time), value.last as f64)),
        palette::VERMILLION,
        2,
    )?;
    remark(
        sheet,
        rect,
        "dots: samples; line: the running estimate (RFC 6298)",
    )
}

/// Spans of time over which rates are taken.
const RATE_BINS: usize = 120;

fn rates<DB: DrawingBackend>(
    sequence: &TimeSequence<'_>,
    flow: &FlowTrace,
    rect: Rect,
    layout: &Layout,
    sheet: &mut Sheet<DB>,
) -> Result<()> {
    let span = layout.times.end - layout.times.start;
    let coarsest = flow.payload.width().max(flow.delivered.width());
    // Over less than a round trip a sender's bursts hide its rate.
    let round_trip = sequence
        .connection
        .round_trip()
        .unwrap_or(0)
        .min((span * 1e8) as i64);
    let width = ((span * 1e9 / RATE_BINS as f64) as i64)
        .max(coarsest)
        .max(round_trip)
        .max(1);
    let number = (span * 1e9 / width as f64).ceil().clamp(1.0, 1000.0) as usize;
    let from = sequence.begin.plus((layout.times.start * 1e9) as i64);
    let seconds = width as f64 / 1e9;
    let rate = |bins: &Bins| -> Vec<f64> {
        let sums = bins.spread(from, width, number);
        sums.iter().map(|octets| octets * 8.0 / seconds).collect()
    };
    let (sent, delivered) = (rate(&flow.payload), rate(&flow.delivered));
    let top = sent
        .iter()
        .chain(&delivered)
        .fold(1.0f64, |top, &rate| top.max(rate));
    let per = format::duration(width);
    let panel = layout.panel(
        sheet,
        rect,
        0.0..top * 1.1,
        Quantity::BitRate,
        &format!("Throughput, over {per} each"),
    )?;
    let curve = |rates: &[f64], color: RGBColor, thick: u32| {
        let points = rates.iter().enumerate().flat_map(|(at, &rate)| {
            let left = layout.times.start + at as f64 * seconds;
            [(left, rate), (left + seconds, rate)]
        });
        panel.line(sheet, points, color, thick)
    };
    curve(&sent, palette::BLUE, 2)?;
    curve(&delivered, palette::GREEN, 1)?;
    remark(
        sheet,
        rect,
        "blue: payload sent; green: payload newly acknowledged (goodput)",
    )
}

/// A word on a panel, at the right of its heading.
fn remark<DB: DrawingBackend>(sheet: &mut Sheet<DB>, rect: Rect, text: &str) -> Result<()> {
    let (unit, bounds) = (sheet.unit(), sheet.bounds());
    let at = (rect.right, rect.top - unit / 4);
    sheet.text_if_room(text, at, Anchor::BottomRight, palette::GREY, &bounds)?;
    Ok(())
}

fn steps<DB: DrawingBackend>(
    values: &Series<Value>,
    panel: &Panel,
    sheet: &Sheet<DB>,
    color: RGBColor,
    at: &impl Fn(Timestamp) -> f64,
) -> Result<()> {
    super::main_panel::staircase(values, panel, sheet, color, at)
}
