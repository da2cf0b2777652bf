//! The progress line on standard error: only on a terminal, and never in the way of what is printed.

use crate::utils::format;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// How often the line is drawn anew.
const INTERVAL: Duration = Duration::from_millis(200);
/// Files that are read faster than this get no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// The line, or nothing where there is no terminal.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    began: Instant,
    drawn: Instant,
    bytes_drawn: u64,
    shown: bool,
    limit: Option<Duration>,
}

/// What the line tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Packets so far.
    pub packets: u64,
    /// Octets on the wire so far.
    pub bytes: u64,
    /// Connections so far.
    pub connections: u64,
    /// Packets dropped by the kernel so far.
    pub drops: u64,
    /// Share of the file that was read, 0 to 1; `None` for live captures and pipes.
    pub share: Option<f64>,
}

impl Progress {
    /// A line on standard error if `wanted`; `limit` is how long a live capture is to take.
    pub fn new(wanted: bool, limit: Option<Duration>) -> Self {
        let now = Instant::now();
        let bar =
            wanted.then(|| ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::hidden()));
        Self {
            bar,
            began: now,
            drawn: now,
            bytes_drawn: 0,
            shown: false,
            limit,
        }
    }

    /// Whether it is time to draw the line anew. Cheap enough to ask often.
    pub fn is_due(&self) -> bool {
        self.bar.is_some() && self.drawn.elapsed() >= INTERVAL
    }

    /// Draws the line.
    pub fn draw(&mut self, figures: &Figures) {
        let Some(bar) = &self.bar else { return };
        let elapsed = self.began.elapsed();
        if !self.shown && (figures.share.is_none() || elapsed >= PATIENCE) {
            let template = if figures.share.is_some() {
                "{bar:30} {percent:>3} %  {msg}"
            } else {
                "{msg}"
            };
            bar.set_style(
                ProgressStyle::with_template(template)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.set_draw_target(ProgressDrawTarget::stderr());
            self.shown = true;
        }
        let seconds = self.drawn.elapsed().as_secs_f64().max(1e-3);
        let rate = figures.bytes.saturating_sub(self.bytes_drawn) as f64 * 8.0 / seconds;
        (self.drawn, self.bytes_drawn) = (Instant::now(), figures.bytes);
        let (packets, connections) = (
            format::count(figures.packets),
            format::count(figures.connections),
        );
        let counted = format!("{packets} packets, {connections} connections");
        match figures.share {
            Some(share) => {
                bar.set_position((share * 1000.0) as u64);
                bar.set_message(counted);
            }
            None => {
                let left = self.limit.map_or(String::new(), |limit| {
                    format!(" ({} s left)", limit.saturating_sub(elapsed).as_secs())
                });
                let drops = format::count(figures.drops);
                let rate = format::bit_rate(rate);
                bar.set_message(format!(
                    "{} s{left}: {counted}, {rate}, {drops} dropped by the kernel",
                    elapsed.as_secs()
                ));
            }
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
