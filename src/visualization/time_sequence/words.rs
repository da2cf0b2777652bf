//! The words of a sheet: title, subtitle, and what is said in panel headings.

use super::TimeSequence;
use crate::tracking::verdict::Cause;
use crate::tracking::{Connection, Direction};
use crate::utils::format;
use crate::utils::time::seconds;

/// Endpoints, service and number.
pub fn title(sheet: &TimeSequence<'_>) -> String {
    let connection = sheet.connection;
    let service = connection
        .service()
        .map_or(String::new(), |name| format!(" ({name})"));
    format!(
        "Connection {}: {} → {}{service}",
        connection.id, connection.client, connection.server
    )
}

/// Bytes, duration, rate, round trip, losses.
pub fn subtitle(sheet: &TimeSequence<'_>) -> String {
    let connection = sheet.connection;
    let way = sheet.trace.main_direction();
    let counts = &connection.flow(way).counts;
    let mut text = format!(
        "{} from the {} in {}",
        format::bytes(counts.payload_bytes),
        way.sender_name(),
        format::duration(connection.duration())
    );
    if let Some(rate) = connection.throughput(way) {
        text.push_str(&format!(", {}", format::bit_rate(rate * 8.0)));
    }
    if let Some(nanos) = connection.round_trip() {
        text.push_str(&format!("; round trip {}", format::duration(nanos)));
    }
    text.push_str("; ");
    text.push_str(&losses(connection));
    if let Some(frame) = sheet.trace.begins_late {
        text.push_str(&format!(
            "; drawn from frame {frame} on, what was before it was let go"
        ));
    }
    text
}

fn losses(connection: &Connection) -> String {
    let mut causes = [0u32; Cause::ALL.len()];
    for direction in Direction::BOTH {
        let counts = connection.flow(direction).counts.rare().causes;
        for (sum, count) in causes.iter_mut().zip(counts) {
            *sum = sum.saturating_add(count);
        }
    }
    let total: u32 = causes
        .iter()
        .fold(0, |sum, &count| sum.saturating_add(count));
    if total == 0 {
        return "no retransmission".to_owned();
    }
    let parts: Vec<_> = Cause::ALL
        .iter()
        .zip(causes)
        .filter(|(_, count)| *count > 0)
        .map(|(cause, count)| format!("{count} {}", cause.name()))
        .collect();
    format!(
        "{} ({})",
        format::counted(u64::from(total), "retransmission"),
        parts.join(", ")
    )
}

/// What the time axis counts, written below it.
pub fn time_axis(sheet: &TimeSequence<'_>) -> String {
    let begin = seconds(sheet.connection.start.since(sheet.begin));
    format!(
        "time of the capture, which began {}; this connection began {begin:.6} s into it",
        &format::date_and_time(sheet.begin)[..23]
    )
}

/// The heading of a main panel.
pub fn heading(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "Sequence numbers, client → server",
        Direction::ToClient => "Sequence numbers, server → client",
    }
}
