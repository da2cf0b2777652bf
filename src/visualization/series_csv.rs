//! `--csv`: the series that the graphs are drawn from, as rows of time, direction, series and values, for people who have their
//! tools for that.

use super::marks::{Mark, MarkKind};
use super::series::{Series, Value};
use super::trace::ConnectionTrace;
use crate::tracking::{Connection, Direction};
use crate::utils::format;
use crate::utils::time::Timestamp;
use anyhow::{Context, Result};

/// The columns: seconds of the capture, who sent the data that the row is about, which series, its lowest and highest value
/// (octets as offsets in the sender's stream, sizes in octets, round trips in nanoseconds), how many samples the row stands
/// for, and for a mark its first frame.
const HEADER: [&str; 7] = [
    "time_s", "sender", "series", "low", "high", "count", "frame",
];

/// The file of one connection.
pub fn file(
    _connection: &Connection,
    trace: &ConnectionTrace,
    begin: Timestamp,
) -> Result<Vec<u8>> {
    let mut rows = Rows {
        writer: csv::Writer::from_writer(Vec::new()),
        begin,
    };
    rows.writer
        .write_record(HEADER)
        .context("cannot write CSV")?;
    for way in Direction::BOTH {
        let (sender, flow) = (way.sender_name(), &trace.flows[way]);
        for (time, span) in flow.segments.samples() {
            rows.row(
                *time,
                sender,
                "segment",
                (span.low, span.high),
                span.count,
                None,
            )?;
        }
        let lines = [
            ("acknowledged", &flow.acknowledged),
            ("window_edge", &flow.edge),
            ("bytes_in_flight", &flow.in_flight),
            ("receive_window", &flow.window),
            ("round_trip_ns", &flow.round_trips),
            ("smoothed_round_trip_ns", &flow.smoothed),
        ];
        for (name, line) in lines {
            rows.line(sender, name, &line.values)?;
        }
        for gap in flow.gaps.marks() {
            rows.mark(sender, "gap", gap)?;
        }
        for kind in MarkKind::all() {
            for mark in flow.marks(kind) {
                rows.mark(sender, kind.name(), mark)?;
            }
        }
    }
    rows.writer
        .into_inner()
        .map_err(|error| anyhow::anyhow!("cannot write CSV: {error}"))
}

struct Rows {
    writer: csv::Writer<Vec<u8>>,
    begin: Timestamp,
}

impl Rows {
    fn row(
        &mut self,
        time: Timestamp,
        sender: &str,
        series: &str,
        values: (i64, i64),
        count: u32,
        frame: Option<u64>,
    ) -> Result<()> {
        let frame = frame.map_or(String::new(), |frame| frame.to_string());
        let time = format::seconds(time.since(self.begin));
        let (low, high, count) = (
            values.0.to_string(),
            values.1.to_string(),
            count.to_string(),
        );
        self.writer
            .write_record([&time, sender, series, &low, &high, &count, &frame])
            .context("cannot write CSV")
    }

    fn line(&mut self, sender: &str, series: &str, values: &Series<Value>) -> Result<()> {
        for (time, value) in values.samples() {
            self.row(
                *time,
                sender,
                series,
                (value.low, value.high),
                value.count,
                None,
            )?;
        }
        Ok(())
    }

    fn mark(&mut self, sender: &str, series: &str, mark: &Mark) -> Result<()> {
        self.row(
            mark.time,
            sender,
            series,
            (mark.low, mark.high),
            mark.count,
            Some(mark.frame),
        )
    }
}
