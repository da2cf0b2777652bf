//! A panel: a rectangle of the sheet with a time axis and a value axis, and the verbs that graphs are drawn with: line,
//! staircase, area, bar, tick, diamond, label. What lies outside of the axes is cut off at the edge.

use super::axis::Tick;
use super::palette;
use super::sheet::{Anchor, Rect, Sheet};
use anyhow::Result;
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::style::{Color, RGBColor, ShapeStyle};
use plotters_backend::DrawingBackend;
use std::ops::Range;

/// The shape of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// ×
    Cross,
    /// +
    Plus,
    /// A filled circle.
    Dot,
    /// An empty circle.
    Ring,
    /// A filled diamond.
    Diamond,
    /// An empty diamond.
    OpenDiamond,
    /// A filled square.
    Square,
    /// An empty square.
    OpenSquare,
    /// A triangle that points up.
    Up,
    /// A triangle that points down.
    Down,
    /// A short level line.
    Dash,
}

/// A rectangle of the sheet with axes.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The pixels between the axes.
    pub rect: Rect,
    /// Seconds from left to right.
    pub x: Range<f64>,
    /// Values from bottom to top.
    pub y: Range<f64>,
}

impl Panel {
    /// A panel with axes that have an extent, whatever the ranges are.
    pub fn new(rect: Rect, x: Range<f64>, y: Range<f64>) -> Self {
        let widened = |range: Range<f64>, least: f64| {
            if range.end - range.start > 0.0 && (range.end - range.start).is_finite() {
                range
            } else {
                let start = if range.start.is_finite() {
                    range.start
                } else {
                    0.0
                };
                start..start + least
            }
        };
        Self {
            rect,
            x: widened(x, 1e-3),
            y: widened(y, 1.0),
        }
    }

    /// The pixel column of a time; may lie outside.
    pub fn column(&self, x: f64) -> i32 {
        let share = (x - self.x.start) / (self.x.end - self.x.start);
        let width = f64::from(self.rect.right - 1 - self.rect.left);
        self.rect.left + (share * width).round().clamp(-1e6, 1e6) as i32
    }

    /// The pixel row of a value; may lie outside.
    pub fn row(&self, y: f64) -> i32 {
        let share = (y - self.y.start) / (self.y.end - self.y.start);
        let height = f64::from(self.rect.bottom - 1 - self.rect.top);
        self.rect.bottom - 1 - (share * height).round().clamp(-1e6, 1e6) as i32
    }

    /// Whether a time lies on the axis.
    pub fn has_time(&self, x: f64) -> bool {
        x >= self.x.start && x <= self.x.end
    }

    /// Whether a point lies in the panel.
    pub fn has(&self, x: f64, y: f64) -> bool {
        self.has_time(x) && y >= self.y.start && y <= self.y.end
    }

    fn row_within(&self, y: f64) -> i32 {
        self.row(y).clamp(self.rect.top, self.rect.bottom - 1)
    }

    fn column_within(&self, x: f64) -> i32 {
        self.column(x).clamp(self.rect.left, self.rect.right - 1)
    }

    /// The frame, grid lines and the labels of both axes. The time axis has labels only if they are given.
    pub fn axes<DB: DrawingBackend>(
        &self,
        sheet: &mut Sheet<DB>,
        times: &[Tick],
        label_times: bool,
        values: &[Tick],
    ) -> Result<()> {
        let Rect {
            left,
            top,
            right,
            bottom,
        } = self.rect;
        let (grid, unit) = (palette::GRID.stroke_width(1), sheet.unit());
        for (value, label) in values {
            let row = self.row(*value);
            if row < top || row >= bottom {
                continue;
            }
            sheet.draw(&PathElement::new(vec![(left, row), (right - 1, row)], grid))?;
            let bounds = sheet.bounds();
            sheet.text_if_room(
                label,
                (left - unit / 2, row),
                Anchor::Right,
                palette::GREY,
                &bounds,
            )?;
        }
        for (time, label) in times {
            let column = self.column(*time);
            if column < left || column >= right {
                continue;
            }
            sheet.draw(&PathElement::new(
                vec![(column, top), (column, bottom - 1)],
                grid,
            ))?;
            if label_times {
                let bounds = sheet.bounds();
                sheet.text_if_room(
                    label,
                    (column, bottom + unit / 3),
                    Anchor::TopCenter,
                    palette::GREY,
                    &bounds,
                )?;
            }
        }
        let frame = palette::LIGHT_GREY.stroke_width(1);
        sheet.draw(&Rectangle::new(
            [(left, top), (right - 1, bottom - 1)],
            frame,
        ))
    }

    /// A line through points, cut off at the edges.
    pub fn line<DB: DrawingBackend>(
        &self,
        sheet: &Sheet<DB>,
        points: impl IntoIterator<Item = (f64, f64)>,
        color: RGBColor,
        width: u32,
    ) -> Result<()> {
        let mut before: Option<(i32, i32)> = None;
        for (x, y) in points {
            let here = (self.column(x), self.row(y));
            if let Some(before) = before
                && before != here
            {
                self.stroke(sheet, before, here, color, width)?;
            }
            before = Some(here);
        }
        Ok(())
    }

    /// A straight stroke between two pixels, cut off at the edges.
    fn stroke<DB: DrawingBackend>(
        &self,
        sheet: &Sheet<DB>,
        from: (i32, i32),
        to: (i32, i32),
        color: RGBColor,
        width: u32,
    ) -> Result<()> {
        let Some((from, to)) = clip(from, to, &self.rect) else {
            return Ok(());
        };
        sheet.draw(&PathElement::new(vec![from, to], color.stroke_width(width)))
    }

    /// A vertical bar over a span of values at one moment, at least a pixel high; with feet where there is room to see them.
    pub fn bar<DB: DrawingBackend>(
        &self,
        sheet: &Sheet<DB>,
        time: f64,
        values: (f64, f64),
        style: ShapeStyle,
        feet: i32,
    ) -> Result<()> {
        let column = self.column(time);
        let (top, bottom) = (self.row(values.1), self.row(values.0));
        let outside = column < self.rect.left
            || column >= self.rect.right
            || bottom < self.rect.top
            || top >= self.rect.bottom;
        if outside {
            return Ok(());
        }
        let clamp = |row: i32| row.clamp(self.rect.top, self.rect.bottom - 1);
        let (top, bottom) = (clamp(top), clamp(bottom));
        sheet.draw(&PathElement::new(
            vec![(column, top), (column, bottom)],
            style,
        ))?;
        if feet > 0 && bottom - top > 2 * feet {
            for row in [top, bottom] {
                let (from, to) = (
                    (column - feet).max(self.rect.left),
                    (column + feet).min(self.rect.right - 1),
                );
                sheet.draw(&PathElement::new(vec![(from, row), (to, row)], style))?;
            }
        }
        Ok(())
    }

    /// A filled rectangle between two moments and two values, at least a pixel each way.
    pub fn block<DB: DrawingBackend>(
        &self,
        sheet: &Sheet<DB>,
        times: (f64, f64),
        values: (f64, f64),
        fill: ShapeStyle,
    ) -> Result<()> {
        if times.1 < self.x.start
            || times.0 > self.x.end
            || values.1 < self.y.start
            || values.0 > self.y.end
        {
            return Ok(());
        }
        let (left, right) = (self.column_within(times.0), self.column_within(times.1));
        let (top, bottom) = (self.row_within(values.1), self.row_within(values.0));
        sheet.draw(&Rectangle::new(
            [(left, top), (right.max(left + 1), bottom.max(top + 1))],
            fill,
        ))
    }

    /// The area between two lines over the same times: lower and upper value for each.
    pub fn area<DB: DrawingBackend>(
        &self,
        sheet: &Sheet<DB>,
        points: &[(f64, f64, f64)],
        fill: ShapeStyle,
    ) -> Result<()> {
        let inside: Vec<_> = points.iter().filter(|(x, ..)| self.has_time(*x)).collect();
        if inside.len() < 2 {
            return Ok(());
        }
        let upper = inside
            .iter()
            .map(|(x, _, high)| (self.column(*x), self.row_within(*high)));
        let lower = inside
            .iter()
            .rev()
            .map(|(x, low, _)| (self.column(*x), self.row_within(*low)));
        sheet.draw(&Polygon::new(upper.chain(lower).collect::<Vec<_>>(), fill))
    }

    /// A mark at a point, if it lies in the panel.
    pub fn mark<DB: DrawingBackend>(
        &self,
        sheet: &Sheet<DB>,
        x: f64,
        y: f64,
        shape: Shape,
        color: RGBColor,
        size: i32,
    ) -> Result<()> {
        if self.has(x, y) {
            draw_shape(sheet, (self.column(x), self.row(y)), shape, color, size)?;
        }
        Ok(())
    }
}

/// Draws a shape around a pixel, `size` pixels from its middle to its edge.
pub fn draw_shape<DB: DrawingBackend>(
    sheet: &Sheet<DB>,
    at: (i32, i32),
    shape: Shape,
    color: RGBColor,
    size: i32,
) -> Result<()> {
    let (x, y) = at;
    let width = if size > 3 { 2 } else { 1 };
    let (stroke, fill) = (color.stroke_width(width), color.filled());
    let path = |points: &[(i32, i32)]| {
        let points: Vec<_> = points
            .iter()
            .map(|&(dx, dy)| (x + dx * size, y + dy * size))
            .collect();
        sheet.draw(&PathElement::new(points, stroke))
    };
    let area = |points: &[(i32, i32)]| {
        let points: Vec<_> = points
            .iter()
            .map(|&(dx, dy)| (x + dx * size, y + dy * size))
            .collect();
        sheet.draw(&Polygon::new(points, fill))
    };
    match shape {
        Shape::Cross => {
            path(&[(-1, -1), (1, 1)])?;
            path(&[(-1, 1), (1, -1)])
        }
        Shape::Plus => {
            path(&[(-1, 0), (1, 0)])?;
            path(&[(0, -1), (0, 1)])
        }
        Shape::Dot => sheet.draw(&Circle::new(at, size, fill)),
        Shape::Ring => sheet.draw(&Circle::new(at, size, stroke)),
        Shape::Diamond => area(&[(0, -1), (1, 0), (0, 1), (-1, 0)]),
        Shape::OpenDiamond => path(&[(0, -1), (1, 0), (0, 1), (-1, 0), (0, -1)]),
        Shape::Square => sheet.draw(&Rectangle::new(
            [(x - size, y - size), (x + size, y + size)],
            fill,
        )),
        Shape::OpenSquare => path(&[(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]),
        Shape::Up => area(&[(0, -1), (1, 1), (-1, 1)]),
        Shape::Down => area(&[(0, 1), (1, -1), (-1, -1)]),
        Shape::Dash => path(&[(-1, 0), (1, 0)]),
    }
}

/// The part of a stroke that lies in a rectangle (Liang and Barsky 1984); `None` if none does.
fn clip(from: (i32, i32), to: (i32, i32), rect: &Rect) -> Option<((i32, i32), (i32, i32))> {
    let (x, y) = (f64::from(from.0), f64::from(from.1));
    let (dx, dy) = (f64::from(to.0) - x, f64::from(to.1) - y);
    let edges = [
        (-dx, x - f64::from(rect.left)),
        (dx, f64::from(rect.right - 1) - x),
        (-dy, y - f64::from(rect.top)),
        (dy, f64::from(rect.bottom - 1) - y),
    ];
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (step, room) in edges {
        if step == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if step < 0.0 {
            enter = enter.max(room / step);
        } else {
            leave = leave.min(room / step);
        }
    }
    let at = |share: f64| {
        (
            (x + share * dx).round() as i32,
            (y + share * dy).round() as i32,
        )
    };
    (enter <= leave).then(|| (at(enter), at(leave)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECT: Rect = Rect {
        left: 10,
        top: 10,
        right: 110,
        bottom: 60,
    };

    #[test]
    fn values_map_to_pixels_and_back_edges_are_inside() {
        let panel = Panel::new(RECT, 0.0..10.0, 0.0..100.0);
        assert_eq!((panel.column(0.0), panel.row(0.0)), (10, 59));
        assert_eq!((panel.column(10.0), panel.row(100.0)), (109, 10));
        assert!(panel.has(5.0, 50.0) && !panel.has(11.0, 50.0));
    }

    #[test]
    fn an_axis_without_extent_gets_one() {
        let panel = Panel::new(RECT, 5.0..5.0, 0.0..f64::NAN);
        assert!(panel.x.end > panel.x.start && panel.y.end > panel.y.start);
        assert_eq!(panel.column(5.0), 10);
    }

    #[test]
    fn strokes_end_at_the_edge() {
        assert_eq!(clip((0, 30), (200, 30), &RECT), Some(((10, 30), (109, 30))));
        assert_eq!(
            clip((50, -1000), (50, 1000), &RECT),
            Some(((50, 10), (50, 59)))
        );
        assert_eq!(clip((0, 0), (5, 100), &RECT), None);
        assert_eq!(clip((20, 20), (30, 30), &RECT), Some(((20, 20), (30, 30))));
        assert_eq!(clip((0, 5), (200, 5), &RECT), None);
    }
}
