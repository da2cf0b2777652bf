//! The drawing of the traffic over time.

use super::spans::Spans;
use super::{Share, Traffic};
use crate::utils::format;
use crate::utils::time::seconds;
use crate::visualization::chart::axis::{Quantity, Tick, moment_ticks, time_ticks, value_ticks};
use crate::visualization::chart::file::Drawing;
use crate::visualization::chart::legend::{Key, heading};
use crate::visualization::chart::panel::{Shape, draw_shape};
use crate::visualization::chart::sheet::{Anchor, Rect, Sheet};
use crate::visualization::chart::{Panel, palette};
use crate::visualization::marks::Marks;
use crate::visualization::series::Bins;
use anyhow::Result;
use plotters::style::{Color, RGBColor};
use plotters_backend::DrawingBackend;

/// The traffic, ready to be drawn.
#[derive(Debug)]
pub struct TrafficDrawing<'a> {
    /// What was collected.
    pub traffic: &'a Traffic,
    /// The capture's name.
    pub source: &'a str,
    /// Packets that the kernel dropped over the whole capture.
    pub dropped: u64,
}

impl Drawing for TrafficDrawing<'_> {
    fn draw<DB: DrawingBackend>(&self, sheet: &mut Sheet<DB>) -> Result<()> {
        let spans = Spans::of(self.traffic);
        let stack = self.stack(&spans);
        let top = self.heading(sheet, &spans, &stack)?;
        let unit = sheet.unit();
        let whole = Rect {
            left: unit * 7,
            top,
            right: sheet.width() - unit * 2,
            bottom: sheet.height() - unit * 4,
        };
        let places = divide(whole, unit);
        let number = (sheet.width() / (unit * 11)).clamp(2, 12) as usize;
        let times = spans.times();
        let ticks = time_ticks(times.start, times.end, number);
        self.bits(sheet, &spans, &stack, places[0], &ticks)?;
        self.packets(sheet, &spans, places[1], &ticks)?;
        self.events(sheet, &spans, places[2], &ticks)?;
        absolute_times(sheet, &spans, places[2], number)
    }
}

/// One layer of the stack: its name, its colour, its rates in bits per second.
struct StackLayer {
    name: String,
    color: RGBColor,
    rates: Vec<f64>,
}

impl TrafficDrawing<'_> {
    /// The largest connections from the bottom, and on top the rest in grey.
    fn stack(&self, spans: &Spans) -> Vec<StackLayer> {
        let mut shares: Vec<(&u64, &Share)> = self.traffic.shares.iter().collect();
        shares.sort_by_key(|(id, share)| (std::cmp::Reverse(share.bytes), **id));
        let bits = |bins: &Bins| -> Vec<f64> {
            spans
                .rates(bins)
                .iter()
                .map(|octets| octets * 8.0)
                .collect()
        };
        let mut rest = bits(&self.traffic.bytes);
        let mut layers: Vec<StackLayer> = Vec::new();
        for ((_, share), color) in shares.into_iter().zip(palette::STACK) {
            let rates = bits(&share.bins);
            for (rest, rate) in rest.iter_mut().zip(&rates) {
                *rest = (*rest - rate).max(0.0);
            }
            let name = format!("{}, {}", share.name, format::bytes(share.bytes));
            layers.push(StackLayer { name, color, rates });
        }
        let left: f64 = rest.iter().sum();
        if left > 1.0 {
            layers.push(StackLayer {
                name: "everything else".to_owned(),
                color: palette::LIGHT_GREY,
                rates: rest,
            });
        }
        layers
    }

    /// Title, subtitle and legend; returns where they end.
    fn heading<DB: DrawingBackend>(
        &self,
        sheet: &mut Sheet<DB>,
        spans: &Spans,
        stack: &[StackLayer],
    ) -> Result<i32> {
        let traffic = self.traffic;
        let length = traffic
            .last
            .zip(traffic.first)
            .map_or(0, |(last, first)| last.since(first));
        let mut text = format!(
            "{}, {} in {}, from {}; each step is {}",
            format::counted(traffic.packets.total(), "packet"),
            format::bytes(traffic.bytes.total()),
            format::duration(length),
            &format::date_and_time(spans.from)[..23],
            format::duration(spans.width)
        );
        if self.dropped > 0 {
            text.push_str(&format!(
                "; the kernel dropped {} more",
                format::count(self.dropped)
            ));
        }
        let title = format!("Traffic of {}", self.source);
        let entries: Vec<_> = stack
            .iter()
            .map(|layer| (Key::Block(layer.color), layer.name.clone()))
            .collect();
        Ok(heading(sheet, &title, &text, &entries)? + sheet.unit() / 2)
    }

    fn bits<DB: DrawingBackend>(
        &self,
        sheet: &mut Sheet<DB>,
        spans: &Spans,
        stack: &[StackLayer],
        rect: Rect,
        ticks: &[Tick],
    ) -> Result<()> {
        let mut sums = vec![0.0f64; spans.number];
        for layer in stack {
            for (sum, rate) in sums.iter_mut().zip(&layer.rates) {
                *sum += rate;
            }
        }
        let top = sums.iter().fold(1.0f64, |top, &sum| top.max(sum));
        let panel = panel(
            sheet,
            spans,
            rect,
            top,
            Quantity::BitRate,
            "Bits per second",
            ticks,
        )?;
        relative_times(sheet, &panel, ticks)?;
        let mut floor = vec![0.0f64; spans.number];
        for layer in stack {
            for (at, &rate) in layer
                .rates
                .iter()
                .enumerate()
                .filter(|(_, rate)| **rate > 0.0)
            {
                let (times, low) = ((spans.left(at), spans.left(at + 1)), floor[at]);
                panel.block(sheet, times, (low, low + rate), layer.color.filled())?;
                floor[at] += rate;
            }
        }
        let lost = [
            (
                &self.traffic.missed,
                palette::ORANGE,
                "the capture missed packets",
            ),
            (
                &self.traffic.drops,
                palette::RED,
                "the kernel dropped packets",
            ),
        ];
        for (at, (marks, color, text)) in lost.into_iter().enumerate() {
            lost_packets(sheet, spans, &panel, marks, color, text, at as i32)?;
        }
        Ok(())
    }

    fn packets<DB: DrawingBackend>(
        &self,
        sheet: &mut Sheet<DB>,
        spans: &Spans,
        rect: Rect,
        ticks: &[Tick],
    ) -> Result<()> {
        let rates = spans.rates(&self.traffic.packets);
        let top = rates.iter().fold(1.0f64, |top, &rate| top.max(rate));
        let panel = panel(
            sheet,
            spans,
            rect,
            top,
            Quantity::Rate,
            "Packets per second",
            ticks,
        )?;
        panel.line(sheet, spans.steps(&rates), palette::BLUE, 2)
    }

    fn events<DB: DrawingBackend>(
        &self,
        sheet: &mut Sheet<DB>,
        spans: &Spans,
        rect: Rect,
        ticks: &[Tick],
    ) -> Result<()> {
        let (again, new) = (
            spans.rates(&self.traffic.retransmissions),
            spans.rates(&self.traffic.new_connections),
        );
        let top = again
            .iter()
            .chain(&new)
            .fold(1.0f64, |top, &rate| top.max(rate));
        let heading = "Retransmissions and new connections per second";
        let panel = panel(sheet, spans, rect, top, Quantity::Rate, heading, ticks)?;
        for (at, &rate) in again.iter().enumerate().filter(|(_, rate)| **rate > 0.0) {
            panel.block(
                sheet,
                (spans.left(at), spans.left(at + 1)),
                (0.0, rate),
                palette::VERMILLION.filled(),
            )?;
        }
        panel.line(sheet, spans.steps(&new), palette::BLACK, 2)?;
        let text = format!(
            "orange: {}; black: {}",
            format::counted(self.traffic.retransmissions.total(), "retransmission"),
            format::counted(self.traffic.new_connections.total(), "new connection")
        );
        let (unit, bounds) = (sheet.unit(), sheet.bounds());
        let at = (rect.right, rect.top - unit / 4);
        sheet.text_if_room(&text, at, Anchor::BottomRight, palette::GREY, &bounds)?;
        Ok(())
    }
}

/// Three panels, one above the other: bits have most of the room. The first has a row for relative times above it.
fn divide(whole: Rect, unit: i32) -> [Rect; 3] {
    let (heading, times) = (unit * 7 / 4, unit * 3 / 2);
    let height = f64::from((whole.bottom - whole.top - heading * 3 - times).max(3));
    let mut top = whole.top + times;
    [0.62, 0.19, 0.19].map(|share| {
        let rect = Rect {
            top: top + heading,
            bottom: top + heading + (height * share) as i32,
            ..whole
        };
        top = rect.bottom;
        rect
    })
}

fn panel<DB: DrawingBackend>(
    sheet: &mut Sheet<DB>,
    spans: &Spans,
    rect: Rect,
    top: f64,
    quantity: Quantity,
    heading: &str,
    ticks: &[Tick],
) -> Result<Panel> {
    let panel = Panel::new(rect, spans.times(), 0.0..top * 1.08);
    let unit = sheet.unit();
    let number = ((rect.bottom - rect.top) / (unit * 3)).clamp(1, 8) as usize;
    let values = value_ticks(0.0, panel.y.end, number, quantity);
    // The heading of the first panel stands above the relative times.
    let above = if quantity == Quantity::BitRate {
        unit * 3 / 2
    } else {
        0
    };
    sheet.text(
        heading,
        (rect.left, rect.top - unit / 4 - above),
        Anchor::BottomLeft,
        unit,
        palette::BLACK,
    )?;
    panel.axes(sheet, ticks, false, &values)?;
    Ok(panel)
}

fn relative_times<DB: DrawingBackend>(
    sheet: &mut Sheet<DB>,
    panel: &Panel,
    ticks: &[Tick],
) -> Result<()> {
    let (unit, bounds) = (sheet.unit(), sheet.bounds());
    for (time, label) in ticks.iter().filter(|(time, _)| panel.has_time(*time)) {
        let at = (panel.column(*time), panel.rect.top - unit / 4);
        sheet.text_if_room(label, at, Anchor::BottomCenter, palette::GREY, &bounds)?;
    }
    Ok(())
}

fn absolute_times<DB: DrawingBackend>(
    sheet: &mut Sheet<DB>,
    spans: &Spans,
    rect: Rect,
    number: usize,
) -> Result<()> {
    let (unit, bounds) = (sheet.unit(), sheet.bounds());
    let panel = Panel::new(rect, spans.times(), 0.0..1.0);
    let times = spans.times();
    for (time, label) in moment_ticks(spans.begin, times.start, times.end, number) {
        let column = panel.column(time);
        if panel.has_time(time) {
            let tick = vec![(column, rect.bottom), (column, rect.bottom + unit / 4)];
            sheet.draw(&plotters::element::PathElement::new(
                tick,
                palette::GREY.stroke_width(1),
            ))?;
            sheet.text_if_room(
                &label,
                (column, rect.bottom + unit / 2),
                Anchor::TopCenter,
                palette::GREY,
                &bounds,
            )?;
        }
    }
    let text = "above: time since the capture began; below: time of day (UTC)";
    let at = (rect.left, rect.bottom + unit * 9 / 4);
    sheet.text_within(text, at, unit, palette::GREY, rect.right - rect.left)?;
    Ok(())
}

/// Marks along the top of the panel where the capture is short of packets, and in words that it is.
fn lost_packets<DB: DrawingBackend>(
    sheet: &mut Sheet<DB>,
    spans: &Spans,
    panel: &Panel,
    marks: &Marks,
    color: RGBColor,
    text: &str,
    row: i32,
) -> Result<()> {
    if marks.marks().is_empty() {
        return Ok(());
    }
    let unit = sheet.unit();
    let y = panel.rect.top + unit / 2 + row * unit * 3 / 2;
    for mark in marks.marks() {
        let time = seconds(mark.time.since(spans.begin));
        if panel.has_time(time) {
            draw_shape(sheet, (panel.column(time), y), Shape::Down, color, unit / 3)?;
        }
    }
    let at = (panel.rect.right - unit / 2, y + unit / 2);
    let rect = panel.rect;
    sheet.text_if_room(
        &format!(
            "{text} ({})",
            format::counted(marks.marks().len() as u64, "time")
        ),
        at,
        Anchor::TopRight,
        color,
        &rect,
    )?;
    Ok(())
}
