//! How results look on this terminal: colour or none, and how wide it is.

use crate::tracking::connection::Ending;
use crate::tracking::state::State;
use crate::tracking::{Connection, Verdict};
use crate::utils::time::Timestamp;
use comfy_table::{CellAlignment, Color, LineStyle, Table, TableStyle};
use owo_colors::AnsiColors;

/// How to show results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether colour is wanted.
    pub color: bool,
    /// Columns to fit into; `None` where nothing limits them.
    pub width: Option<u16>,
}

/// Columns of a line of text, where the terminal is not narrower.
const COLUMNS: usize = 100;

impl Style {
    /// Text in lines that fit behind an indent of so many columns. A word that is longer than a line stays whole.
    pub fn wrap(&self, text: &str, indent: usize) -> Vec<String> {
        let width = self
            .width
            .map_or(COLUMNS, |width| usize::from(width).min(COLUMNS));
        let mut lines = vec![String::new()];
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let line = lines.last_mut().filter(|line| {
                line.is_empty() || indent + line.chars().count() + 1 + word.chars().count() <= width
            });
            match line {
                Some(line) if line.is_empty() => line.push_str(word),
                Some(line) => {
                    line.push(' ');
                    line.push_str(word);
                }
                None => lines.push(word.to_owned()),
            }
        }
        lines
    }
}

/// How serious something is, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// On the way.
    Pending,
    /// Over, or of no interest.
    Quiet,
    /// Worth a look.
    Warning,
    /// Went wrong.
    Bad,
}

impl Tone {
    /// The colour for tables.
    pub const fn table_color(self) -> Color {
        match self {
            Tone::Good => Color::Green,
            Tone::Pending => Color::Cyan,
            Tone::Quiet => Color::DarkGrey,
            Tone::Warning => Color::Yellow,
            Tone::Bad => Color::Red,
        }
    }

    /// The colour for lines.
    pub const fn line_color(self) -> AnsiColors {
        match self {
            Tone::Good => AnsiColors::Green,
            Tone::Pending => AnsiColors::Cyan,
            Tone::Quiet => AnsiColors::BrightBlack,
            Tone::Warning => AnsiColors::Yellow,
            Tone::Bad => AnsiColors::Red,
        }
    }
}

/// An empty table as all of ours look: no borders, a line below the headings.
pub fn plain_table(color: bool) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    if color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

/// Sets the distance between the columns of a filled table, and aligns those at these places to the right.
pub fn align(table: &mut Table, is_right: impl Fn(usize) -> bool) {
    let last = table.column_count().saturating_sub(1);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, u16::from(at < last)));
        if is_right(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// The state of a connection in a few words, and its tone.
pub fn state_of(connection: &Connection, now: Timestamp) -> (String, Tone) {
    let state = connection.summary_state(now);
    let tone = match (connection.ending, state) {
        (Some(Ending::Finished(_)), _) | (None, State::Closed) => Tone::Quiet,
        (Some(_), _) => Tone::Bad,
        (None, State::Established) => Tone::Good,
        (None, _) => Tone::Pending,
    };
    let reason = match connection.ending {
        None | Some(Ending::Finished(_)) => "",
        Some(Ending::Reset(_)) => " reset",
        Some(Ending::Refused) => " refused",
        Some(Ending::HandshakeAborted(_)) => " aborted",
        Some(Ending::FinishedThenReset(_)) => " fin, reset",
    };
    (format!("{state}{reason}"), tone)
}

/// The tone of a verdict.
pub const fn tone_of(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Retransmission
        | Verdict::SpuriousRetransmission
        | Verdict::LostSegment
        | Verdict::ZeroWindow
        | Verdict::BadSynAck
        | Verdict::DataAfterFin
        | Verdict::ResetIgnored => Tone::Bad,
        Verdict::KeepAlive
        | Verdict::KeepAliveAck
        | Verdict::WindowUpdate
        | Verdict::FastOpenData => Tone::Quiet,
        _ => Tone::Warning,
    }
}

/// Text cut to at most `width` characters, in the middle, where what is cut matters least: both ends of an address tell it
/// from others.
pub fn shorten(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let tail = (width.saturating_sub(1)) * 3 / 5;
    let head = width.saturating_sub(1 + tail);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortening_keeps_both_ends() {
        assert_eq!(shorten("10.0.0.1:80", 20), "10.0.0.1:80");
        let short = shorten("[2001:db8:1234:5678:9abc:def0:1234:5678]:65535", 22);
        assert_eq!(short.chars().count(), 22);
        assert!(short.starts_with("[2001:") && short.ends_with(":65535"));
        assert_eq!(shorten("abc", 1), "…");
    }
}
