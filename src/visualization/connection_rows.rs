//! The rows of `--connection ID`: what is known per direction, one figure a row.

use crate::tracking::details::Details;
use crate::tracking::flow::Flow;
use crate::tracking::rates::Missing;
use crate::tracking::samples::{Figures, Samples};
use crate::tracking::{Connection, Direction};
use crate::utils::format;

/// What stands in a row for one direction.
pub type Value = fn(&Connection, Direction) -> String;

/// What is known per direction. Rows in which both sides have nothing stay away.
pub const ROWS: &[(&str, Value)] = &[
    ("packets", |connection, way| {
        format::count(connection.flow(way).counts.packets)
    }),
    ("bytes on the wire", |connection, way| {
        format::bytes(connection.flow(way).counts.wire_bytes)
    }),
    ("data packets", |connection, way| {
        format::count(connection.flow(way).counts.data_packets)
    }),
    ("payload bytes", |connection, way| {
        format::count(connection.flow(way).counts.payload_bytes)
    }),
    ("unique payload bytes", |connection, way| {
        format::count(connection.measured(way).unique_bytes)
    }),
    ("retransmitted bytes", |connection, way| {
        format::count(connection.flow(way).counts.rare().retransmitted_bytes)
    }),
    ("acked, never captured", |connection, way| {
        format::count(connection.flow(way).counts.rare().unseen_acknowledged)
    }),
    ("never captured", |connection, way| {
        let octets = |missing: Missing| missing.range.end - missing.range.start;
        let sum: i64 = connection.missing(way).map(octets).sum();
        format::count(sum.unsigned_abs())
    }),
    ("delivered bytes", |connection, way| {
        format::count(connection.delivered(way))
    }),
    ("throughput", |connection, way| {
        rate(connection.throughputs(way).over_connection)
    }),
    ("goodput", |connection, way| {
        rate(connection.goodput(way).over_connection)
    }),
    ("goodput over data time", |connection, way| {
        rate(connection.goodput(way).over_transfer)
    }),
    ("goodput in active time", |connection, way| {
        rate(connection.goodput(way).over_active_time)
    }),
    ("SYN / FIN / RST", |connection, way| {
        let counts = &connection.flow(way).counts;
        format!("{} / {} / {}", counts.syn, counts.fin, counts.rst)
    }),
    ("PSH / URG", |connection, way| {
        let urgent = connection.flow(way).counts.rare().urg;
        format!("{} / {urgent}", connection.measured(way).psh)
    }),
    ("pure ACKs", |connection, way| {
        format::count(connection.flow(way).counts.pure_acks)
    }),
    ("SACK / DSACK", |connection, way| {
        let counts = &connection.flow(way).counts;
        format!("{} / {}", counts.rare().sack, counts.rare().dsack)
    }),
    ("MSS offered", |connection, way| {
        offered(connection.flow(way), |flow| {
            flow.offer.mss.map(|size| size.to_string())
        })
    }),
    ("window scale", |connection, way| {
        offered(connection.flow(way), |flow| {
            flow.offer
                .window_scale
                .map(|shift| format!("{shift} (× {})", 1u32 << shift))
        })
    }),
    ("SACK permitted", |connection, way| {
        offered(connection.flow(way), |flow| {
            Some(yes_no(flow.offer.sack_permitted))
        })
    }),
    ("timestamps", |connection, way| {
        offered(connection.flow(way), |flow| {
            Some(yes_no(flow.offer.timestamps))
        })
    }),
    ("full segment (effective)", |connection, way| {
        format::count(u64::from(connection.effective_mss(way)))
    }),
    ("largest payload", |connection, way| {
        format::count(u64::from(connection.flow(way).counts.largest_payload))
    }),
    ("smallest payload", |connection, way| {
        format::count(u64::from(connection.measured(way).smallest_payload))
    }),
    ("largest window", |connection, way| {
        format::bytes(connection.measured(way).windows.max.into())
    }),
    ("smallest window", |connection, way| {
        format::bytes(connection.measured(way).windows.min.into())
    }),
    ("mean window (by time)", |connection, way| {
        connection
            .measured(way)
            .windows
            .mean()
            .map_or(String::new(), |bytes| format::bytes(bytes as u64))
    }),
    ("time at window 0", |connection, way| {
        nanos(connection.measured(way).windows.zero_nanos)
    }),
    ("initial window", |connection, way| {
        match connection.measured(way).initial_packets {
            0 => String::new(),
            packets => format!(
                "{} in {packets}",
                format::bytes(connection.measured(way).initial_window)
            ),
        }
    }),
    ("most bytes in flight", |connection, way| {
        format::bytes(connection.measured(way).max_in_flight)
    }),
    ("mean bytes in flight", |connection, way| {
        let measured = connection.measured(way);
        match measured.in_flight_samples {
            0 => String::new(),
            samples => format::bytes(measured.in_flight_sum / samples),
        }
    }),
    ("idle before it went on", |connection, way| {
        nanos(connection.measured(way).idle)
    }),
    ("longest pause", |connection, way| {
        nanos(connection.measured(way).longest_pause)
    }),
    ("longest row of repeats", |connection, way| {
        connection.flow(way).counts.rare().most_repeats.to_string()
    }),
    ("RTT, handshake", |connection, way| {
        connection
            .measured(way)
            .syn_rtt
            .get()
            .map_or(String::new(), format::duration)
    }),
    ("RTT samples (data → ACK)", |connection, way| {
        format::count(connection.measured(way).ack_rtt.figures().count)
    }),
    ("RTT min / mean", |connection, way| {
        pair(&connection.measured(way).ack_rtt.figures(), |samples| {
            (samples.min as f64, samples.mean())
        })
    }),
    ("RTT median / 95 %", |connection, way| {
        pair(&connection.measured(way).ack_rtt.figures(), |samples| {
            (
                samples.percentile(0.5).unwrap_or(0.0),
                samples.percentile(0.95).unwrap_or(0.0),
            )
        })
    }),
    ("RTT 99 % / max", |connection, way| {
        pair(&connection.measured(way).ack_rtt.figures(), |samples| {
            (samples.percentile(0.99).unwrap_or(0.0), samples.max as f64)
        })
    }),
    ("RTT deviation / jitter", |connection, way| {
        pair(&connection.measured(way).ack_rtt.figures(), |samples| {
            (samples.standard_deviation(), samples.jitter())
        })
    }),
    ("RTT by timestamp min / 50%", |connection, way| {
        spread(connection, way, |details| &details.timestamp_rtt)
    }),
    ("RTT by SACK, min / 50 %", |connection, way| {
        spread(connection, way, |details| &details.sack_rtt)
    }),
    ("RTT, full size, min / 50 %", |connection, way| {
        spread(connection, way, |details| &details.full_size_rtt)
    }),
    ("RTT, last copy, min / 50 %", |connection, way| {
        spread(connection, way, |details| &details.rtt_of_last_copy)
    }),
    ("sent again after", |connection, way| {
        spread(connection, way, |details| &details.repeat_wait)
    }),
    ("ACKs that time nothing", |connection, way| {
        connection
            .measured(way)
            .details
            .as_ref()
            .map_or(String::new(), |details| {
                format::count(details.ambiguous_acks + details.post_loss_acks)
            })
    }),
    ("urgent bytes", |connection, way| {
        connection
            .measured(way)
            .details
            .as_ref()
            .map_or(String::new(), |details| format::count(details.urgent_bytes))
    }),
    ("wrong checksums", |connection, way| {
        format::count(connection.flow(way).counts.rare().checksums_wrong)
    }),
];

fn offered(flow: &Flow, value: fn(&Flow) -> Option<String>) -> String {
    if flow.offer.known {
        value(flow).unwrap_or_else(|| "none".to_owned())
    } else {
        "unknown".to_owned()
    }
}

/// In a word.
pub fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn nanos(nanos: i64) -> String {
    if nanos == 0 {
        String::new()
    } else {
        format::duration(nanos)
    }
}

fn rate(bytes: Option<f64>) -> String {
    bytes.map_or(String::new(), |bytes| format::bit_rate(bytes * 8.0))
}

/// The shortest and the median of samples, in one cell.
fn spread(connection: &Connection, way: Direction, samples: fn(&Details) -> &Samples) -> String {
    let Some(samples) = connection.measured(way).details.as_deref().map(samples) else {
        return String::new();
    };
    let samples = samples.figures();
    if samples.count == 0 {
        return String::new();
    }
    let median = samples.percentile(0.5).unwrap_or(0.0);
    format!(
        "{} / {}",
        format::duration(samples.min),
        format::duration(median as i64)
    )
}

fn pair(samples: &Figures, values: fn(&Figures) -> (f64, f64)) -> String {
    if samples.count == 0 {
        return String::new();
    }
    let (a, b) = values(samples);
    format!(
        "{} / {}",
        format::duration(a as i64),
        format::duration(b as i64)
    )
}
