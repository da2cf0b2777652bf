//! The panel of sequence numbers of one direction.

use super::layout::Layout;
use super::marks::{covers_octets, look};
use super::{TimeSequence, words};
use crate::tracking::Direction;
use crate::utils::time::Timestamp;
use crate::visualization::chart::axis::Quantity;
use crate::visualization::chart::sheet::{Anchor, Rect, Sheet};
use crate::visualization::chart::{Panel, palette};
use crate::visualization::marks::MarkKind;
use crate::visualization::series::{Series, Value};
use crate::visualization::trace::FlowTrace;
use anyhow::Result;
use plotters::style::{Color, RGBColor};
use plotters_backend::DrawingBackend;
use std::ops::Range;

/// Octets that a panel shows at least: a handshake alone has none.
const LEAST_OCTETS: f64 = 10.0;
/// Marks up to this many are named.
const MOST_NAMED: u64 = 12;
/// Segments up to this many show their ends, too.
const FEW_SEGMENTS: usize = 150;

/// Draws the panel into its place.
pub fn draw<DB: DrawingBackend>(
    sequence: &TimeSequence<'_>,
    direction: Direction,
    rect: &Rect,
    layout: &Layout,
    sheet: &mut Sheet<DB>,
) -> Result<()> {
    let flow = &sequence.trace.flows[direction];
    let Range { start, end } = octets(flow);
    let end = end.max(start + LEAST_OCTETS);
    let room = (end - start) * 0.04;
    let heading = words::heading(direction);
    let panel = layout.panel(
        sheet,
        *rect,
        start - room..end + room,
        Quantity::Bytes,
        heading,
    )?;
    let at = |time: Timestamp| Layout::seconds(sequence, time);
    allowed(flow, &panel, sheet, &at)?;
    staircase(&flow.edge.values, &panel, sheet, palette::YELLOW, &at)?;
    for gap in flow.gaps.marks() {
        let time = at(gap.time);
        let width = (panel.x.end - panel.x.start) / 200.0;
        let fill = palette::LIGHT_GREY.filled();
        panel.block(
            sheet,
            (time - width, time),
            (gap.low as f64, gap.high as f64),
            fill,
        )?;
    }
    staircase(
        &flow.acknowledged.values,
        &panel,
        sheet,
        palette::GREEN,
        &at,
    )?;
    segments(flow, &panel, sheet, &at)?;
    marks(flow, &panel, sheet, &at)?;
    labels(sequence, direction, &panel, sheet, &at)
}

/// The octets that the panel shows: what was sent and acknowledged, and the window's edge if it is near.
fn octets(flow: &FlowTrace) -> Range<f64> {
    let mut low = i64::MAX;
    let mut high = i64::MIN;
    let mut take = |from: i64, to: i64| {
        (low, high) = (low.min(from), high.max(to));
    };
    for (_, span) in flow.segments.samples() {
        take(span.low, span.high);
    }
    for (_, value) in flow.acknowledged.values.samples() {
        take(value.low, value.high);
    }
    for kind in MarkKind::all() {
        for mark in flow.marks(kind) {
            take(mark.low, mark.high);
        }
    }
    if low > high {
        return 0.0..1.0;
    }
    let (low, high) = (low as f64, high as f64);
    let edge = flow
        .edge
        .values
        .samples()
        .iter()
        .map(|(_, value)| value.high)
        .max();
    // A window far above the data would press them flat.
    let near = edge.map_or(high, |edge| (edge as f64).min(high + (high - low) * 0.2));
    low..near.max(high)
}

/// What the sender was allowed to have under way: between the acknowledged and the window's edge, lightly shaded.
fn allowed<DB: DrawingBackend>(
    flow: &FlowTrace,
    panel: &Panel,
    sheet: &Sheet<DB>,
    at: &impl Fn(Timestamp) -> f64,
) -> Result<()> {
    let lower = flow.acknowledged.values.samples();
    let upper = flow.edge.values.samples();
    let mut points: Vec<(f64, f64, f64)> = Vec::with_capacity(2 * upper.len());
    let (mut low, mut next) = (None, 0);
    for (time, edge) in upper {
        while next < lower.len() && lower[next].0 <= *time {
            low = Some(lower[next].1.last as f64);
            next += 1;
        }
        let Some(low) = low else { continue };
        let seconds = at(*time);
        if let Some(&(_, before_low, before_high)) = points.last() {
            points.push((seconds, before_low, before_high));
        }
        points.push((seconds, low, edge.last as f64));
    }
    if let (Some(&(last, low, high)), Some(end)) = (points.last(), Some(panel.x.end))
        && last < end
    {
        points.push((end, low, high));
    }
    panel.area(sheet, &points, palette::YELLOW.mix(0.10).filled())
}

pub(super) fn staircase<DB: DrawingBackend>(
    values: &Series<Value>,
    panel: &Panel,
    sheet: &Sheet<DB>,
    color: RGBColor,
    at: &impl Fn(Timestamp) -> f64,
) -> Result<()> {
    let mut points = Vec::with_capacity(values.len() * 4);
    let mut before: Option<i64> = None;
    for (time, value) in values.samples() {
        let time = at(*time);
        if let Some(before) = before {
            points.push((time, before as f64));
        }
        for level in [value.first, value.low, value.high, value.last] {
            points.push((time, level as f64));
        }
        before = Some(value.last);
    }
    panel.line(sheet, points, color, 2)
}

fn segments<DB: DrawingBackend>(
    flow: &FlowTrace,
    panel: &Panel,
    sheet: &Sheet<DB>,
    at: &impl Fn(Timestamp) -> f64,
) -> Result<()> {
    let few = flow.segments.len() <= FEW_SEGMENTS;
    let (style, feet) = (palette::BLUE.stroke_width(3), if few { 4 } else { 0 });
    for (time, span) in flow.segments.samples() {
        let values = (span.low as f64, span.high as f64);
        let (from, until) = (at(*time), at(span.until));
        if panel.column(until) > panel.column(from) + 1 {
            // Merged segments: a line from the first to the last of them, as they would have been drawn one by one.
            let size = (values.1 - values.0) / f64::from(span.count.max(1));
            panel.line(
                sheet,
                [(from, values.0), (until, values.1)],
                palette::BLUE,
                2,
            )?;
            panel.bar(sheet, from, (values.0, values.0 + size), style, 0)?;
        } else {
            panel.bar(sheet, from, values, style, feet)?;
        }
    }
    Ok(())
}

fn marks<DB: DrawingBackend>(
    flow: &FlowTrace,
    panel: &Panel,
    sheet: &Sheet<DB>,
    at: &impl Fn(Timestamp) -> f64,
) -> Result<()> {
    for kind in MarkKind::all() {
        let (color, shape) = look(kind);
        // A crowd of large marks would hide the line that it lies on.
        let size = match flow.marks(kind).len() {
            ..200 => (sheet.unit() / 3).max(2),
            200..1000 => (sheet.unit() / 5).max(2),
            _ => 1,
        };
        for mark in flow.marks(kind) {
            let (time, low, high) = (at(mark.time), mark.low as f64, mark.high as f64);
            if covers_octets(kind) {
                panel.bar(sheet, time, (low, high), color.stroke_width(2), 0)?;
            }
            let middle = if covers_octets(kind) {
                (low + high) / 2.0
            } else {
                low
            };
            if kind != MarkKind::Sack {
                panel.mark(sheet, time, middle, shape, color, size)?;
            }
        }
    }
    Ok(())
}

/// The handshake and the close by name, and what happened seldom, where there is room.
fn labels<DB: DrawingBackend>(
    sequence: &TimeSequence<'_>,
    direction: Direction,
    panel: &Panel,
    sheet: &mut Sheet<DB>,
    at: &impl Fn(Timestamp) -> f64,
) -> Result<()> {
    let (own, other) = (
        &sequence.trace.flows[direction],
        &sequence.trace.flows[direction.reverse()],
    );
    let mut wanted: Vec<(f64, f64, String)> = Vec::new();
    for kind in [MarkKind::Syn, MarkKind::Fin, MarkKind::Rst] {
        let named = |answers: bool| match (kind, answers) {
            (MarkKind::Syn, true) => "SYN,ACK",
            (kind, _) => kind.name(),
        };
        // A SYN that comes behind the other side's answers it.
        let answers = other
            .marks(MarkKind::Syn)
            .first()
            .zip(own.marks(MarkKind::Syn).first());
        let answers = answers.is_some_and(|(theirs, ours)| theirs.frame < ours.frame);
        let marks = own.marks(kind);
        let ends = marks
            .first()
            .into_iter()
            .chain(marks.last().filter(|_| marks.len() > 1));
        wanted.extend(ends.map(|mark| (at(mark.time), mark.low as f64, named(answers).to_owned())));
    }
    // What the other side does stands at the height of what it acknowledges, unless it has a panel of its own.
    let answers = [
        (MarkKind::Syn, "SYN,ACK"),
        (MarkKind::Rst, "RST of the other side"),
        (MarkKind::Fin, "FIN of the other side"),
    ];
    for (kind, name) in answers.into_iter().filter(|_| !other.has_data()) {
        if let Some(mark) = other.marks(kind).first()
            && own
                .marks(MarkKind::Syn)
                .first()
                .is_none_or(|own| own.frame < mark.frame)
        {
            // Beside the own FIN, the other one says nothing more.
            let near = |own: &crate::visualization::marks::Mark| {
                (panel.column(at(own.time)) - panel.column(at(mark.time))).abs() < sheet.unit() * 12
            };
            if kind == MarkKind::Fin && own.marks(kind).iter().any(near) {
                continue;
            }
            let level = level_at(&own.acknowledged.values, mark.time);
            let (color, shape) = look(kind);
            for mark in other.marks(kind) {
                let level = level_at(&own.acknowledged.values, mark.time);
                panel.mark(sheet, at(mark.time), level, shape, color, sheet.unit() / 3)?;
            }
            wanted.push((at(mark.time), level, name.to_owned()));
        }
    }
    let rare = |kind: &MarkKind| matches!(kind, MarkKind::Retransmission(_) | MarkKind::ZeroWindow);
    let number: u64 = MarkKind::all()
        .filter(rare)
        .map(|kind| own.count(kind))
        .sum();
    for kind in MarkKind::all().filter(|kind| rare(kind) && number <= MOST_NAMED) {
        wanted.extend(own.marks(kind).iter().map(|mark| {
            let name = if kind == MarkKind::ZeroWindow {
                "zero window".to_owned()
            } else {
                format!("frame {}", mark.frame)
            };
            (at(mark.time), mark.low as f64, name)
        }));
    }
    let gap = sheet.unit() / 2 + 2;
    for (time, value, text) in wanted {
        if !panel.has(time, value) {
            continue;
        }
        let (x, y) = (panel.column(time), panel.row(value));
        let places = [
            ((x + gap, y + 2), Anchor::TopLeft),
            ((x + gap, y), Anchor::BottomLeft),
            ((x - gap, y), Anchor::Right),
            ((x, y - gap), Anchor::BottomCenter),
            ((x, y + gap), Anchor::TopCenter),
        ];
        for (place, anchor) in places {
            if sheet.text_if_room(&text, place, anchor, palette::BLACK, &panel.rect)? {
                break;
            }
        }
    }
    Ok(())
}

/// The value of a line at a moment.
fn level_at(values: &Series<Value>, time: Timestamp) -> f64 {
    let behind = values.samples().partition_point(|(at, _)| *at <= time);
    let sample = values.samples().get(behind.saturating_sub(1));
    sample.map_or(0.0, |(_, value)| value.last as f64)
}
