//! The alerts of a capture, at the end: who did what, how much, in which frames and when, why it matters, and what else it could
//! be.

use super::style::Style;
use super::{Output, Summary};
use crate::alerts::{Alert, words};
use crate::tracking::ConnectionTracker;
use crate::utils::format;
use crate::utils::time::Timestamp;
use anyhow::Result;
use owo_colors::OwoColorize;
use std::io::Write;

/// Alerts that are shown in full; of the others only the number is.
const MOST: usize = 50;

/// Shows the alerts at the end; nothing where there were none.
#[derive(Debug)]
pub struct Findings {
    /// How to show them.
    pub style: Style,
}

impl Output for Findings {
    fn wants_packets(&self) -> bool {
        false
    }

    fn wants_measurements(&self) -> bool {
        false
    }

    fn wants_accounts(&self) -> bool {
        false
    }

    fn finish(
        &mut self,
        _tracker: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        let found = &summary.alerts;
        if found.alerts().is_empty() {
            return Ok(());
        }
        let start = summary.totals.first.unwrap_or_default();
        writeln!(to, "\nAlerts")?;
        for alert in found.alerts().iter().take(MOST) {
            self.one(alert, start, to)?;
        }
        let more = found.alerts().len().saturating_sub(MOST) as u64 + found.not_kept();
        if more > 0 {
            writeln!(to, "And {} more.", format::counted(more, "alert"))?;
        }
        if found.evicted > 0 {
            let number = format::counted(found.evicted, "entry");
            let number = number.replace("entrys", "entries");
            self.text(
                &format!(
                    "{number} had to leave the tables of the rules, to keep within bounded memory."
                ),
                "",
                to,
            )?;
        }
        Ok(())
    }
}

impl Findings {
    fn one(&self, alert: &Alert, start: Timestamp, to: &mut dyn Write) -> Result<()> {
        let name = alert.rule.name();
        let name = if self.style.color {
            name.red().bold().to_string()
        } else {
            name.to_owned()
        };
        let trail = &alert.trail;
        let packets = format::counted(trail.packets, "packet");
        let frames = match (trail.first.0, trail.last.0) {
            (first, last) if first == last => format!("frame {first}"),
            (first, last) => format!("{packets} in frames {first} to {last}"),
        };
        let at = |time: Timestamp| format::seconds(time.since(start));
        let going_on = if alert.over || trail.packets == 1 {
            ""
        } else {
            ", not over at the end of the capture"
        };
        writeln!(to, "\n{name}  {frames}")?;
        let span = if trail.first.1 == trail.last.1 {
            format!("At {} s{going_on}.", at(trail.first.1))
        } else {
            format!(
                "From {} s to {} s{going_on}.",
                at(trail.first.1),
                at(trail.last.1)
            )
        };
        self.text(&format!("{}.", words::what(alert)), "  ", to)?;
        self.text(&span, "  ", to)?;
        self.text(alert.rule.row().matters, "  ", to)?;
        self.text(
            &format!(
                "It could also be: {}",
                lower_first(alert.rule.row().or_else)
            ),
            "  ",
            to,
        )
    }

    /// Text in lines that fit.
    fn text(&self, text: &str, indent: &str, to: &mut dyn Write) -> Result<()> {
        for line in self.style.wrap(text, indent.len()) {
            writeln!(to, "{indent}{line}")?;
        }
        Ok(())
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}
