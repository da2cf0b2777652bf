//! Colours that eyes without one of the colour senses tell apart, too, and that differ in grey print: those of Okabe and Ito,
//! "Color Universal Design" (2008), and greys.

use plotters::style::RGBColor;

/// Text and the most important lines.
pub const BLACK: RGBColor = RGBColor(0x1a, 0x1a, 0x1a);
/// Secondary text.
pub const GREY: RGBColor = RGBColor(0x5f, 0x5f, 0x5f);
/// What is left over, in stacks.
pub const LIGHT_GREY: RGBColor = RGBColor(0xc4, 0xc4, 0xc4);
/// Grid lines.
pub const GRID: RGBColor = RGBColor(0xe6, 0xe6, 0xe6);
/// Paper.
pub const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
/// Data.
pub const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
/// The lighter of the blues.
pub const SKY: RGBColor = RGBColor(0x56, 0xb4, 0xe9);
/// Acknowledgments.
pub const GREEN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
/// Losses.
pub const VERMILLION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
/// Timers.
pub const ORANGE: RGBColor = RGBColor(0xe6, 0x9f, 0x00);
/// Selective acknowledgments.
pub const PURPLE: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
/// The receiver's window.
pub const YELLOW: RGBColor = RGBColor(0xb8, 0xa8, 0x10);
/// Resets.
pub const RED: RGBColor = RGBColor(0xb0, 0x00, 0x20);

/// The colours of a stack, from the bottom.
pub const STACK: [RGBColor; 7] = [BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, YELLOW];
