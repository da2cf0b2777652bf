//! The ladder in the terminal, as wide as that is, in Unicode or in ASCII.

use super::Rung;
use crate::tracking::{Connection, Direction, Verdicts};
use crate::utils::format;
use crate::utils::time::Timestamp;
use crate::visualization::style::{Style, tone_of};
use crate::visualization::trace::ConnectionTrace;
use anyhow::Result;
use owo_colors::OwoColorize;
use std::io::Write;

/// Columns of the time, and of a state.
const TIME: usize = 12;
const STATE: usize = 12;
/// Columns where nothing limits the width.
const DEFAULT_WIDTH: usize = 100;
/// The narrowest arrow that can carry a label.
const LEAST_ARROW: usize = 24;

/// The characters of the drawing.
struct Strokes {
    host: char,
    line: char,
    to_right: char,
    to_left: char,
    note: &'static str,
}

const UNICODE: Strokes = Strokes {
    host: '│',
    line: '─',
    to_right: '▶',
    to_left: '◀',
    note: "└",
};
const ASCII: Strokes = Strokes {
    host: '|',
    line: '-',
    to_right: '>',
    to_left: '<',
    note: "`",
};

/// Writes the ladder of a connection. Times count from `begin`.
pub fn write(
    connection: &Connection,
    trace: &ConnectionTrace,
    begin: Timestamp,
    style: Style,
    ascii: bool,
    to: &mut dyn Write,
) -> Result<()> {
    let strokes = if ascii { &ASCII } else { &UNICODE };
    let width = style.width.map_or(DEFAULT_WIDTH, usize::from);
    let arrow = width.saturating_sub(TIME + 2 * STATE + 6).max(LEAST_ARROW);
    writeln!(to)?;
    let arrow_sign = if ascii { "->" } else { "→" };
    writeln!(
        to,
        "Connection {}: {} {arrow_sign} {}",
        connection.id, connection.client, connection.server
    )?;
    let left = format!("{:>w$}", "client", w = TIME + 1 + STATE);
    writeln!(to, "{left} {:arrow$}   server", "")?;
    let rungs = &trace.rungs;
    let mut line =
        |rung: &Rung, is_first: bool| one(rung, is_first, begin, arrow, strokes, style, to);
    for (at, rung) in rungs.first().iter().enumerate() {
        line(rung, at == 0)?;
    }
    let (last, left_out) = rungs.last();
    let mut last = last.peekable();
    if left_out > 0 && last.peek().is_some() {
        let text = format!("{} segments are not shown", format::count(left_out));
        let host = strokes.host;
        let blank = format!("{:w$}", "", w = TIME + 1 + STATE);
        writeln!(to, "{blank} {host}{text:^arrow$}{host}")?;
    }
    for rung in last {
        one(rung, false, begin, arrow, strokes, style, to)?;
    }
    Ok(())
}

fn one(
    rung: &Rung,
    is_first: bool,
    begin: Timestamp,
    arrow: usize,
    strokes: &Strokes,
    style: Style,
    to: &mut dyn Write,
) -> Result<()> {
    let time = format!(
        "{:>TIME$}",
        format!("{:.6}", rung.time.since(begin) as f64 / 1e9)
    );
    let state = |end| {
        rung.new_state(end, is_first)
            .map_or("", |state| state.name())
    };
    let (client, server) = (state(Direction::ToServer), state(Direction::ToClient));
    let body = body(&rung.label(), rung.direction, arrow, strokes);
    let host = strokes.host;
    let row = format!("{time} {client:>STATE$} {host}{body}{host} {server}");
    writeln!(to, "{}", row.trim_end())?;
    if !rung.verdicts.is_empty() {
        let said = said(rung.verdicts, rung.frame, style);
        writeln!(
            to,
            "{:w$} {host} {} {said}",
            "",
            strokes.note,
            w = TIME + 1 + STATE
        )?;
    }
    Ok(())
}

fn said(verdicts: Verdicts, frame: u64, style: Style) -> String {
    let text = format!("{verdicts} (frame {frame})");
    match verdicts.iter().next() {
        Some(first) if style.color => text.color(tone_of(first).line_color()).to_string(),
        _ => text,
    }
}

/// The arrow with its label in the middle, exactly `width` columns.
fn body(label: &str, direction: Direction, width: usize, strokes: &Strokes) -> String {
    let room = width.saturating_sub(5);
    let label: String = label.chars().take(room).collect();
    let rest = width - label.chars().count() - 3;
    let (before, behind) = (rest / 2, rest - rest / 2);
    let line = |number: usize| strokes.line.to_string().repeat(number);
    match direction {
        Direction::ToServer => format!(
            "{} {label} {}{}",
            line(before),
            line(behind),
            strokes.to_right
        ),
        Direction::ToClient => format!(
            "{}{} {label} {}",
            strokes.to_left,
            line(before),
            line(behind)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_are_as_wide_as_wanted() {
        for width in [LEAST_ARROW, 40, 99] {
            for direction in Direction::BOTH {
                let label = "PSH,ACK seq=4294967295 ack=4294967295 len=1460";
                assert_eq!(
                    body(label, direction, width, &UNICODE).chars().count(),
                    width
                );
            }
        }
        assert_eq!(
            body("SYN seq=0", Direction::ToServer, 20, &ASCII),
            "---- SYN seq=0 ---->"
        );
        assert_eq!(body("ACK", Direction::ToClient, 12, &ASCII), "<--- ACK ---");
    }
}
