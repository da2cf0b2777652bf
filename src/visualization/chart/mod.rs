//! What all graphs share: the sheet they are drawn on, its font and colours, axes, and files.
//!
//! Drawing is generic over the plotters backend, so that one drawing makes a PNG, an SVG, a picture in the terminal, or a test.

pub mod axis;
pub mod braille;
pub mod file;
pub mod legend;
pub mod palette;
pub mod panel;
pub mod sheet;

pub use panel::Panel;
pub use sheet::{Anchor, Sheet, Size};
