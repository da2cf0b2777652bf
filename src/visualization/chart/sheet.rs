//! A sheet of paper: its size, its text, and where text already stands, so that none is written over another or over the edge.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Drawable, PointCollection};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontStyle, RGBColor, TextStyle, register_font};
use plotters_backend::{BackendCoord, DrawingBackend};
use std::str::FromStr;
use std::sync::Once;

use super::palette;

/// Pixels of a graph: width and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Default for Size {
    fn default() -> Self {
        Self {
            width: 1600,
            height: 1000,
        }
    }
}

impl FromStr for Size {
    type Err = String;

    /// `1600x1000`; from 400x300 to 10000x10000.
    fn from_str(text: &str) -> Result<Self, String> {
        let size = text
            .split_once(['x', 'X', '×'])
            .and_then(|(width, height)| {
                Some(Self {
                    width: width.trim().parse().ok()?,
                    height: height.trim().parse().ok()?,
                })
            });
        size.filter(|size| {
            (400..=10_000).contains(&size.width) && (300..=10_000).contains(&size.height)
        })
        .ok_or_else(|| {
            format!("'{text}' is not a size; try 1600x1000 (at least 400x300, at most 10000x10000)")
        })
    }
}

/// A rectangle of pixels; right and bottom are outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Rect {
    /// The leftmost column.
    pub left: i32,
    /// The topmost row.
    pub top: i32,
    /// Behind the rightmost column.
    pub right: i32,
    /// Below the last row.
    pub bottom: i32,
}

impl Rect {
    /// Whether two share a pixel.
    pub const fn meets(&self, other: &Rect) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// Whether the other lies within.
    pub const fn holds(&self, other: &Rect) -> bool {
        self.left <= other.left
            && self.top <= other.top
            && self.right >= other.right
            && self.bottom >= other.bottom
    }
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The point is at its left, top.
    TopLeft,
    /// The point is above its middle.
    TopCenter,
    /// The point is at its right, top.
    TopRight,
    /// The point is at its left, in the middle.
    Left,
    /// The point is at its right, in the middle.
    Right,
    /// The point is below its left.
    BottomLeft,
    /// The point is below its right.
    BottomRight,
    /// The point is below its middle.
    BottomCenter,
}

impl Anchor {
    const fn offset(self, width: i32, height: i32) -> (i32, i32) {
        match self {
            Anchor::TopLeft => (0, 0),
            Anchor::TopCenter => (-width / 2, 0),
            Anchor::TopRight => (-width, 0),
            Anchor::Left => (0, -height / 2),
            Anchor::Right => (-width, -height / 2),
            Anchor::BottomLeft => (0, -height),
            Anchor::BottomRight => (-width, -height),
            Anchor::BottomCenter => (-width / 2, -height),
        }
    }
}

/// The family under which the embedded font is known to plotters.
const FAMILY: FontFamily<'static> = FontFamily::SansSerif;

/// Makes the embedded font known, once.
fn register_embedded_font() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        // The font is a part of the binary: that it can be read is what a test checks.
        let _ = register_font(FAMILY.as_str(), FontStyle::Normal, ttf_noto_sans::REGULAR);
    });
}

/// A sheet to draw on.
pub struct Sheet<DB: DrawingBackend> {
    area: DrawingArea<DB, Shift>,
    size: Size,
    /// Pixels of small text, from which all measures follow.
    unit: i32,
    texts: Vec<(Rect, String)>,
}

impl<DB: DrawingBackend> Sheet<DB> {
    /// An empty sheet on a backend of pixels, with text that suits its size.
    pub fn new(backend: DB) -> Result<Self> {
        let (width, height) = backend.get_size();
        Self::with_unit(backend, (width / 100).min(height / 62).clamp(9, 60) as i32)
    }

    /// An empty sheet on a backend whose small text is `unit` pixels high.
    pub fn with_unit(backend: DB, unit: i32) -> Result<Self> {
        register_embedded_font();
        let area = backend.into_drawing_area();
        let (width, height) = area.dim_in_pixel();
        let sheet = Self {
            area,
            size: Size { width, height },
            unit,
            texts: Vec::new(),
        };
        sheet.area.fill(&palette::PAPER).map_err(said)?;
        Ok(sheet)
    }

    /// Width in pixels.
    pub const fn width(&self) -> i32 {
        self.size.width as i32
    }

    /// Height in pixels.
    pub const fn height(&self) -> i32 {
        self.size.height as i32
    }

    /// The height of small text in pixels: the measure of everything.
    pub const fn unit(&self) -> i32 {
        self.unit
    }

    /// The sheet as a rectangle.
    pub const fn bounds(&self) -> Rect {
        Rect {
            left: 0,
            top: 0,
            right: self.width(),
            bottom: self.height(),
        }
    }

    /// Draws an element at pixel coordinates.
    pub fn draw<'a, E>(&self, element: &'a E) -> Result<()>
    where
        &'a E: PointCollection<'a, BackendCoord>,
        E: Drawable<DB>,
    {
        self.area.draw(element).map_err(said)
    }

    fn style(&self, size: i32, color: RGBColor) -> TextStyle<'static> {
        let font = plotters::style::FontDesc::new(FAMILY, f64::from(size), FontStyle::Normal);
        TextStyle {
            font,
            color: color.to_backend_color(),
            pos: Pos::new(HPos::Left, VPos::Top),
        }
    }

    /// Width and height of a text in pixels.
    pub fn measure(&self, text: &str, size: i32) -> Result<(i32, i32)> {
        let style = self.style(size, palette::BLACK);
        let (width, height) = self.area.estimate_text_size(text, &style).map_err(said)?;
        Ok((width as i32 + 1, height as i32))
    }

    fn place(&self, text: &str, at: (i32, i32), anchor: Anchor, size: i32) -> Result<Rect> {
        let (width, height) = self.measure(text, size)?;
        let (x, y) = anchor.offset(width, height);
        let (left, top) = (at.0 + x, at.1 + y);
        Ok(Rect {
            left,
            top,
            right: left + width,
            bottom: top + height,
        })
    }

    /// Writes a text where nothing else stands, as the caller sees to.
    pub fn text(
        &mut self,
        text: &str,
        at: (i32, i32),
        anchor: Anchor,
        size: i32,
        color: RGBColor,
    ) -> Result<Rect> {
        let place = self.place(text, at, anchor, size)?;
        self.write(text, place, size, color)?;
        Ok(place)
    }

    /// Writes a text only if it is free of others and lies within `bounds`; says whether it did.
    pub fn text_if_room(
        &mut self,
        text: &str,
        at: (i32, i32),
        anchor: Anchor,
        color: RGBColor,
        bounds: &Rect,
    ) -> Result<bool> {
        let place = self.place(text, at, anchor, self.unit)?;
        let taken = self.texts.iter().any(|(other, _)| other.meets(&place));
        if taken || !bounds.holds(&place) {
            return Ok(false);
        }
        self.write(text, place, self.unit, color)?;
        Ok(true)
    }

    /// Writes a text cut so that it fits into `width` pixels.
    pub fn text_within(
        &mut self,
        text: &str,
        at: (i32, i32),
        size: i32,
        color: RGBColor,
        width: i32,
    ) -> Result<Rect> {
        let mut fitting = text.to_owned();
        while self.measure(&fitting, size)?.0 > width && fitting.chars().count() > 1 {
            let keep = fitting.chars().count() - 2;
            fitting = fitting.chars().take(keep).collect();
            fitting.push('…');
        }
        self.text(&fitting, at, Anchor::TopLeft, size, color)
    }

    fn write(&mut self, text: &str, place: Rect, size: i32, color: RGBColor) -> Result<()> {
        let style = self.style(size, color);
        self.area
            .draw_text(text, &style, (place.left, place.top))
            .map_err(said)?;
        self.texts.push((place, text.to_owned()));
        Ok(())
    }

    /// All texts with their places, for tests and for labels that look for room.
    pub fn texts(&self) -> &[(Rect, String)] {
        &self.texts
    }

    /// Completes the drawing.
    pub fn finish(self) -> Result<()> {
        self.area.present().map_err(said)
    }
}

/// A drawing error as one of ours.
fn said<E: std::fmt::Display>(error: E) -> anyhow::Error {
    anyhow!("drawing failed: {error}")
}

/// What tests of graphs check.
#[cfg(test)]
pub mod check {
    use super::*;

    /// No text stands over another or over the edge, and there is some.
    pub fn texts_are_readable<DB: DrawingBackend>(sheet: &Sheet<DB>) {
        assert!(!sheet.texts().is_empty());
        for (at, (place, text)) in sheet.texts().iter().enumerate() {
            assert!(
                sheet.bounds().holds(place),
                "'{text}' at {place:?} goes over the edge"
            );
            for (other, second) in &sheet.texts()[at + 1..] {
                assert!(
                    !place.meets(other),
                    "'{text}' at {place:?} meets '{second}' at {other:?}"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::backend::SVGBackend;

    #[test]
    fn sizes_are_read_and_bounded() {
        assert_eq!(
            "800x600".parse(),
            Ok(Size {
                width: 800,
                height: 600
            })
        );
        for wrong in ["800", "x", "10x10", "100000x100000", "-5x5"] {
            assert!(wrong.parse::<Size>().is_err());
        }
    }

    #[test]
    fn the_embedded_font_writes() {
        let mut text = String::new();
        {
            let mut sheet = Sheet::new(SVGBackend::with_string(&mut text, (400, 300))).unwrap();
            let (narrow, wide) = (
                sheet.measure("i", 20).unwrap(),
                sheet.measure("WW", 20).unwrap(),
            );
            assert!(narrow.0 < wide.0 && wide.1 > 10);
            sheet
                .text(
                    "sequence → µs",
                    (10, 10),
                    Anchor::TopLeft,
                    20,
                    palette::BLACK,
                )
                .unwrap();
            let bounds = sheet.bounds();
            assert!(
                !sheet
                    .text_if_room(
                        "over it",
                        (12, 12),
                        Anchor::TopLeft,
                        palette::BLACK,
                        &bounds
                    )
                    .unwrap()
            );
            assert!(
                !sheet
                    .text_if_room(
                        "over the edge",
                        (395, 200),
                        Anchor::TopLeft,
                        palette::BLACK,
                        &bounds
                    )
                    .unwrap()
            );
            assert!(
                sheet
                    .text_if_room("free", (12, 200), Anchor::TopLeft, palette::BLACK, &bounds)
                    .unwrap()
            );
            check::texts_are_readable(&sheet);
            sheet.finish().unwrap();
        }
        assert!(text.contains("sequence → µs") && text.contains("free"));
    }
}
