//! The legend of a graph: a sign and a name for each thing that occurs in it, line by line.

use super::palette;
use super::panel::{Shape, draw_shape};
use super::sheet::Sheet;
use anyhow::Result;
use plotters::element::PathElement;
use plotters::style::{Color, RGBColor};
use plotters_backend::DrawingBackend;

/// The sign of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A mark.
    Mark(RGBColor, Shape),
    /// A line.
    Stroke(RGBColor),
    /// An upright bar.
    Bar(RGBColor),
    /// A filled area.
    Block(RGBColor),
}

/// Title in large, subtitle in grey, and the legend below them; returns where they end.
pub fn heading<DB: DrawingBackend>(
    sheet: &mut Sheet<DB>,
    title: &str,
    subtitle: &str,
    entries: &[(Key, String)],
) -> Result<i32> {
    let (unit, room) = (sheet.unit(), sheet.width() - 2 * sheet.unit());
    let at = (unit, unit / 2);
    let title = sheet.text_within(title, at, unit * 3 / 2, palette::BLACK, room)?;
    let at = (unit, title.bottom + unit / 2);
    let subtitle = sheet.text_within(subtitle, at, unit, palette::GREY, room)?;
    legend(sheet, subtitle.bottom + unit, entries)
}

/// Writes the entries from `top` down and returns where they end.
fn legend<DB: DrawingBackend>(
    sheet: &mut Sheet<DB>,
    top: i32,
    entries: &[(Key, String)],
) -> Result<i32> {
    let (unit, right) = (sheet.unit(), sheet.width() - sheet.unit());
    let (mut x, mut y) = (unit, top);
    for (key, name) in entries {
        let (width, _) = sheet.measure(name, unit)?;
        if x + unit * 2 + width > right && x > unit {
            (x, y) = (unit, y + unit * 3 / 2);
        }
        draw_key(sheet, (x + unit / 2, y + unit * 2 / 5), *key)?;
        let at = (x + unit * 3 / 2, y);
        let text = sheet.text_within(name, at, unit, palette::BLACK, right - at.0)?;
        x = text.right + unit * 3 / 2;
    }
    Ok(y + unit * 3 / 2)
}

fn draw_key<DB: DrawingBackend>(sheet: &Sheet<DB>, at: (i32, i32), key: Key) -> Result<()> {
    let size = sheet.unit() / 2;
    match key {
        Key::Mark(color, shape) => draw_shape(sheet, at, shape, color, (size * 3 / 4).max(2)),
        Key::Stroke(color) => {
            let points = vec![(at.0 - size, at.1), (at.0 + size, at.1)];
            sheet.draw(&PathElement::new(points, color.stroke_width(2)))
        }
        Key::Bar(color) => {
            let points = vec![(at.0, at.1 - size), (at.0, at.1 + size)];
            sheet.draw(&PathElement::new(points, color.stroke_width(2)))
        }
        Key::Block(color) => draw_shape(sheet, at, Shape::Square, color, size * 4 / 5),
    }
}
