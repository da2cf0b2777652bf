//! `--xplot`: time-sequence graphs in the format of Tim Shepard's xplot, with the colours and signs of tcptrace, for people who
//! have their tools for that.

use super::marks::MarkKind;
use super::series::{Series, Value};
use super::trace::{ConnectionTrace, FlowTrace};
use crate::tracking::{Connection, Direction};
use crate::utils::time::{NANOS_PER_SECOND, Timestamp};
use std::fmt::Write;

/// A file per direction that carries data: its name's part, and its text.
pub fn files(connection: &Connection, trace: &ConnectionTrace) -> Vec<(&'static str, String)> {
    let ways = [
        (Direction::ToServer, "to-server"),
        (Direction::ToClient, "to-client"),
    ];
    ways.into_iter()
        .filter(|(way, _)| trace.flows[*way].has_data())
        .map(|(way, name)| (name, file(connection, way, &trace.flows[way])))
        .collect()
}

/// Seconds with six decimals: what xplot's `timeval` is.
fn moment(time: Timestamp) -> String {
    let nanos = time.nanos();
    format!(
        "{}.{:06}",
        nanos.div_euclid(NANOS_PER_SECOND),
        nanos.rem_euclid(NANOS_PER_SECOND) / 1000
    )
}

fn file(connection: &Connection, way: Direction, flow: &FlowTrace) -> String {
    let (sender, receiver) = (connection.sender(way), connection.sender(way.reverse()));
    let mut text = format!(
        "timeval double\ntitle\n{sender}_==>_{receiver} (time sequence graph)\nxlabel\ntime\nylabel\nsequence offset\n"
    );
    staircase(&mut text, "green", &flow.acknowledged.values);
    staircase(&mut text, "yellow", &flow.edge.values);
    text.push_str("white\n");
    for (time, span) in flow.segments.samples() {
        let (at, until) = (moment(*time), moment(span.until));
        let _ = writeln!(text, "line {at} {} {until} {}", span.low, span.high);
        let _ = writeln!(
            text,
            "darrow {at} {}\nuarrow {until} {}",
            span.low, span.high
        );
    }
    for kind in MarkKind::all() {
        let (color, sign) = tcptrace_sign(kind);
        for mark in flow.marks(kind) {
            let at = moment(mark.time);
            let _ = writeln!(text, "{color}\nline {at} {} {at} {}", mark.low, mark.high);
            if let Some(sign) = sign {
                let _ = writeln!(text, "atext {at} {}\n{sign}", mark.high);
            }
        }
    }
    text.push_str("go\n");
    text
}

/// tcptrace's colour and letter: R for what was sent again, O for what came out of order, P for probes, 3 for duplicate ACKs.
const fn tcptrace_sign(kind: MarkKind) -> (&'static str, Option<&'static str>) {
    match kind {
        MarkKind::Sack => ("purple", None),
        MarkKind::DuplicateAck => ("green", Some("3")),
        MarkKind::Retransmission(_) => ("red", Some("R")),
        MarkKind::Spurious => ("red", Some("needless")),
        MarkKind::Reordered => ("white", Some("O")),
        MarkKind::Duplicate => ("blue", Some("HD")),
        MarkKind::ZeroWindow => ("yellow", Some("Z")),
        MarkKind::WindowProbe => ("orange", Some("P")),
        MarkKind::KeepAlive => ("orange", Some("KA")),
        MarkKind::CongestionExperienced => ("white", Some("CE")),
        MarkKind::EcnEcho => ("white", Some("ECE")),
        MarkKind::WindowReduced => ("white", Some("CWR")),
        MarkKind::Syn => ("orange", Some("SYN")),
        MarkKind::Fin => ("orange", Some("FIN")),
        MarkKind::Rst => ("red", Some("RST_IN")),
    }
}

fn staircase(text: &mut String, color: &str, values: &Series<Value>) {
    let _ = writeln!(text, "{color}");
    let mut before: Option<(Timestamp, i64)> = None;
    for (time, value) in values.samples() {
        let at = moment(*time);
        if let Some((since, level)) = before {
            let _ = writeln!(text, "line {} {level} {at} {level}", moment(since));
            let (low, high) = (value.low.min(level), value.high.max(level));
            if low != high {
                let _ = writeln!(text, "line {at} {low} {at} {high}");
            }
        }
        before = Some((*time, value.last));
    }
}
