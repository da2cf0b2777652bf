//! A drawing backend whose pixels are the dots of Unicode's braille patterns: two by four in every cell of a terminal. So the
//! graphs that make PNG files make pictures in a terminal, too, over ssh, without a display.

use owo_colors::OwoColorize;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::convert::Infallible;
use std::io::Write;

/// Dots of a cell, across and down.
const ACROSS: usize = 2;
const DOWN: usize = 4;
/// The bit of each dot (Unicode 16.0, braille patterns U+2800): by row, then by column.
const BITS: [[u8; ACROSS]; DOWN] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
/// The empty pattern.
const EMPTY: u32 = 0x2800;
/// The height of text in dots.
pub const TEXT_HEIGHT: i32 = DOWN as i32;

/// One cell: dots or a character, and the colour of what was drawn last.
#[derive(Clone, Copy, Default)]
struct Cell {
    dots: u8,
    text: Option<char>,
    color: Option<(u8, u8, u8)>,
}

/// A picture of dots.
pub struct Braille {
    cells: Vec<Cell>,
    columns: usize,
    rows: usize,
}

impl Braille {
    /// An empty picture of so many cells, at least one each way.
    pub fn new(columns: usize, rows: usize) -> Self {
        let (columns, rows) = (columns.max(1), rows.max(1));
        Self {
            cells: vec![Cell::default(); columns * rows],
            columns,
            rows,
        }
    }

    /// Writes the picture line by line, without blanks at the ends.
    pub fn write(&self, color: bool, to: &mut dyn Write) -> std::io::Result<()> {
        for row in self.cells.chunks(self.columns) {
            let is_blank = |cell: &Cell| cell.dots == 0 && cell.text.is_none_or(|c| c == ' ');
            let end = row
                .iter()
                .rposition(|cell| !is_blank(cell))
                .map_or(0, |at| at + 1);
            for cell in &row[..end] {
                let dots = || char::from_u32(EMPTY + u32::from(cell.dots)).unwrap_or(' ');
                let shown = cell
                    .text
                    .unwrap_or_else(|| if cell.dots == 0 { ' ' } else { dots() });
                match cell.color.filter(|_| color) {
                    Some((red, green, blue)) => {
                        write!(to, "{}", shown.truecolor(red, green, blue))?;
                    }
                    None => write!(to, "{shown}")?,
                }
            }
            writeln!(to)?;
        }
        Ok(())
    }

    fn cell(&mut self, x: i32, y: i32) -> Option<(&mut Cell, usize, usize)> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        let (column, row) = (x / ACROSS, y / DOWN);
        if column >= self.columns || row >= self.rows {
            return None;
        }
        Some((
            &mut self.cells[row * self.columns + column],
            x % ACROSS,
            y % DOWN,
        ))
    }
}

/// The colour of a dot; `None` for what is as light as paper or nearly transparent, and so is not drawn in a terminal.
fn ink(color: BackendColor) -> Option<(u8, u8, u8)> {
    let (red, green, blue) = color.rgb;
    let is_paper = red.min(green).min(blue) > 0xd0;
    (color.alpha > 0.5 && !is_paper).then_some((red, green, blue))
}

/// Black and grey are the terminal's own colour, whatever that is.
fn own_color((red, green, blue): (u8, u8, u8)) -> Option<(u8, u8, u8)> {
    let spread = red.max(green).max(blue) - red.min(green).min(blue);
    (spread > 0x20).then_some((red, green, blue))
}

impl DrawingBackend for &mut Braille {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        ((self.columns * ACROSS) as u32, (self.rows * DOWN) as u32)
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(
        &mut self,
        (x, y): BackendCoord,
        color: BackendColor,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        if let (Some(ink), Some((cell, across, down))) = (ink(color), self.cell(x, y))
            && cell.text.is_none()
        {
            cell.dots |= BITS[down][across];
            cell.color = own_color(ink);
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        // Frames would fill a terminal with lines that say nothing.
        if !fill || ink(style.color()).is_none() {
            return Ok(());
        }
        let (columns, rows) = (
            upper_left.0.max(0)..=bottom_right.0,
            upper_left.1.max(0)..=bottom_right.1,
        );
        let (width, height) = self.get_size();
        for x in columns.take(width as usize) {
            for y in rows.clone().take(height as usize) {
                self.draw_pixel((x, y), style.color())?;
            }
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        if ink(style.color()).is_none() {
            return Ok(());
        }
        // A dot is as thick as any line may be.
        let mut before: Option<BackendCoord> = None;
        for here in path {
            if let Some(before) = before {
                plotters_backend::rasterizer::draw_line(self, before, here, &style.color())?;
            }
            before = Some(here);
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        pos: BackendCoord,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let color = ink(style.color()).and_then(own_color);
        for (at, character) in text.chars().enumerate() {
            if let Some((cell, ..)) = self.cell(pos.0 + (at * ACROSS) as i32, pos.1) {
                *cell = Cell {
                    dots: 0,
                    text: Some(character),
                    color,
                };
            }
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        _style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok(((text.chars().count() * ACROSS) as u32, TEXT_HEIGHT as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INK: BackendColor = BackendColor {
        alpha: 1.0,
        rgb: (200, 0, 0),
    };

    fn written(picture: &Braille, color: bool) -> String {
        let mut bytes = Vec::new();
        picture.write(color, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn dots_have_their_places() {
        let mut picture = Braille::new(2, 1);
        for (x, y) in [(0, 0), (1, 3), (2, 1)] {
            (&mut picture).draw_pixel((x, y), INK).unwrap();
        }
        assert_eq!(written(&picture, false), "⢁⠂\n");
        assert!(written(&picture, true).contains("\x1b[38;2;200;0;0m"));
    }

    #[test]
    fn what_lies_outside_is_left_out() {
        let mut picture = Braille::new(1, 1);
        for at in [(-1, 0), (0, -1), (2, 0), (0, 4), (i32::MAX, i32::MIN)] {
            (&mut picture).draw_pixel(at, INK).unwrap();
        }
        let paper = BackendColor {
            alpha: 1.0,
            rgb: (255, 255, 255),
        };
        (&mut picture).draw_pixel((0, 0), paper).unwrap();
        assert_eq!(written(&picture, true), "\n");
    }
}
