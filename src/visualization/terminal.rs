//! `--terminal`: graphs as braille patterns in the terminal, at its width, instead of files.

use super::chart::braille::{Braille, TEXT_HEIGHT};
use super::chart::file::Drawing;
use super::chart::sheet::Sheet;
use super::style::Style;
use anyhow::Result;
use std::io::Write;

/// Columns where nothing limits the width.
const DEFAULT_WIDTH: usize = 100;
/// The narrowest picture that has room for its labels.
const LEAST_WIDTH: usize = 60;

/// Draws a graph into the terminal.
pub fn draw<G: Drawing>(graph: &G, style: Style, to: &mut dyn Write) -> Result<()> {
    let columns = style
        .width
        .map_or(DEFAULT_WIDTH, usize::from)
        .max(LEAST_WIDTH);
    // About as wide as high to the eye: a cell is twice as high as wide.
    let rows = (columns * 2 / 5).clamp(30, 56);
    let mut picture = Braille::new(columns, rows);
    let mut sheet = Sheet::with_unit(&mut picture, TEXT_HEIGHT)?;
    graph.draw(&mut sheet)?;
    sheet.finish()?;
    writeln!(to)?;
    picture.write(style.color, to)?;
    Ok(())
}
