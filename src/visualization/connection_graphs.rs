//! Everything that is drawn or written per connection: time-sequence sheets, ladders, xplot and CSV files. One output collects
//! the traces; what is made of them at the end is a list.

use super::chart::file::Place;
use super::ladder::{self, LadderDrawing, is_readable};
use super::style::Style;
use super::time_sequence::TimeSequence;
use super::trace::{ConnectionTrace, Window};
use super::traces::{Choice, Traces};
use super::{Output, Seen, Summary, series_csv, terminal, xplot};
use crate::tracking::{Connection, ConnectionTracker};
use crate::utils::format;
use crate::utils::time::Timestamp;
use anyhow::Result;
use std::borrow::Cow;
use std::io::Write;

/// What is made of a connection's trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// The time-sequence sheet as a file, and the ladder beside it if it is short enough.
    Sheet,
    /// The time-sequence graph in the terminal.
    Terminal,
    /// The ladder in the terminal, in Unicode or ASCII.
    Ladder {
        /// Without Unicode's lines and arrows.
        ascii: bool,
    },
    /// tcptrace's time-sequence graph, for xplot.
    Xplot,
    /// The series themselves.
    Csv,
}

/// Collects the traces of connections, and makes graphs of them at the end.
#[derive(Debug)]
pub struct ConnectionGraphs {
    /// What is to be made.
    pub products: Vec<Product>,
    /// Where files are written.
    pub place: Place,
    /// How the terminal looks.
    pub style: Style,
    /// Seconds of the capture to show, from and to.
    pub asked: (Option<f64>, Option<f64>),
    traces: Traces,
    begin: Option<Timestamp>,
}

/// What a product is made from.
struct Material<'a> {
    connection: &'a Connection,
    trace: &'a ConnectionTrace,
    begin: Timestamp,
    source: &'a str,
}

impl ConnectionGraphs {
    /// Nothing collected yet.
    pub fn new(
        products: Vec<Product>,
        place: Place,
        style: Style,
        choice: Choice,
        asked: (Option<f64>, Option<f64>),
    ) -> Self {
        Self {
            products,
            place,
            style,
            asked,
            traces: Traces::new(choice),
            begin: None,
        }
    }

    fn make(&self, product: Product, material: &Material<'_>, to: &mut dyn Write) -> Result<()> {
        let Material {
            connection,
            trace,
            begin,
            source,
        } = *material;
        let name = format!("connection-{}", connection.id);
        let sheet = TimeSequence {
            connection,
            trace,
            begin,
            asked: self.asked,
        };
        match product {
            Product::Sheet => {
                self.place.draw(source, begin, &name, &sheet)?;
                if is_readable(&trace.rungs) {
                    let drawing = LadderDrawing {
                        connection,
                        trace,
                        begin,
                    };
                    self.place
                        .draw(source, begin, &format!("{name}-ladder"), &drawing)?;
                }
            }
            Product::Terminal => terminal::draw(&sheet, self.style, to)?,
            Product::Ladder { ascii } => {
                ladder::write(connection, trace, begin, self.style, ascii, to)?;
            }
            Product::Xplot => {
                for (way, text) in xplot::files(connection, trace) {
                    let path = self
                        .place
                        .path(source, begin, &format!("{name}-{way}"), "xpl");
                    self.place.write(&path, text.as_bytes())?;
                }
            }
            Product::Csv => {
                let path = self.place.path(source, begin, &name, "csv");
                self.place
                    .write(&path, &series_csv::file(connection, trace, begin)?)?;
            }
        }
        Ok(())
    }
}

impl Output for ConnectionGraphs {
    fn wants_packets(&self) -> bool {
        true
    }

    fn wants_measurements(&self) -> bool {
        false
    }

    fn wants_accounts(&self) -> bool {
        false
    }

    fn wants_closed(&self) -> bool {
        true
    }

    fn packet(&mut self, seen: &Seen<'_>, _to: &mut dyn Write) -> Result<()> {
        if self.begin.is_none() {
            let begin = seen.frame.time.plus(seen.since_start.saturating_neg());
            self.begin = Some(begin);
            self.traces.set_window(Window::asked(self.asked, begin));
        }
        if let Some(event) = seen.event {
            self.traces.observe(event);
        }
        Ok(())
    }

    fn closed(
        &mut self,
        connection: &Connection,
        _summary: &Summary,
        _to: &mut dyn Write,
    ) -> Result<()> {
        self.traces.closed(connection);
        Ok(())
    }

    fn finish(
        &mut self,
        tracker: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        let (chosen, left_out) = self.traces.chosen();
        if chosen.is_empty() && !self.traces.is_empty() {
            eprintln!(
                "tcp-monitor: no connection has packets between --from and --to, so there is nothing to draw"
            );
        }
        let keys = tracker.keys();
        let begin = self.begin.unwrap_or_default();
        for trace in chosen {
            let kept = tracker.by_number(&keys, trace.id);
            let connection = kept.or_else(|| trace.left.as_deref().map(Cow::Borrowed));
            let Some(connection) = connection else {
                continue;
            };
            let material = Material {
                connection: &connection,
                trace,
                begin,
                source: &summary.source,
            };
            for &product in &self.products {
                self.make(product, &material, to)?;
            }
        }
        if left_out > 0 {
            eprintln!(
                "tcp-monitor: graphs of the {} largest connections; {} others are left out, --connection ID chooses",
                self.traces.chosen().0.len(),
                format::count(left_out as u64)
            );
        }
        Ok(())
    }
}
