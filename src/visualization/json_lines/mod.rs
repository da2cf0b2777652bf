//! `--json`: one object per line, for jq and scripts. The keys are those of DESIGN.md section 7; they are added to, never
//! renamed. docs/json.md says what each means; a test holds the two together.

mod alert;
mod application;
mod connection;
mod direction;
mod evidence;
mod icmp_errors;
mod limits;
mod packet;
mod summary;
mod udp;
mod wireshark;

use super::{Output, Seen, Summary};
use crate::alerts::Alert;
use crate::tracking::{Connection, ConnectionTracker};
use crate::utils::time::Timestamp;
use alert::AlertLine;
use anyhow::Result;
use connection::ConnectionLine;
use packet::PacketLine;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;
use std::io::{self, Write};
use summary::SummaryLine;
use udp::UdpLine;

/// Writes JSON lines.
#[derive(Debug)]
pub struct JsonLines {
    /// Whether each packet gets a line.
    pub packets: bool,
}

impl Output for JsonLines {
    fn wants_packets(&self) -> bool {
        self.packets
    }

    fn wants_measurements(&self) -> bool {
        true
    }

    fn wants_accounts(&self) -> bool {
        true
    }

    fn wants_closed(&self) -> bool {
        true
    }

    fn packet(&mut self, seen: &Seen<'_>, to: &mut dyn Write) -> Result<()> {
        if self.packets {
            line(&PacketLine::of(seen), to)?;
        }
        Ok(())
    }

    fn alert(&mut self, alert: &Alert, to: &mut dyn Write) -> Result<()> {
        let state = if alert.over { "ended" } else { "began" };
        line(&AlertLine::of(alert, state), to)
    }

    fn closed(
        &mut self,
        connection: &Connection,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        line(
            &ConnectionLine::of(connection, connection.last, summary),
            to,
        )
    }

    fn finish(
        &mut self,
        tracker: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        let now = summary.totals.last.unwrap_or_default();
        for alert in summary.alerts.alerts().iter().filter(|alert| !alert.over) {
            line(&AlertLine::of(alert, "going_on"), to)?;
        }
        for connection in tracker.all() {
            line(&ConnectionLine::of(&connection, now, summary), to)?;
        }
        for conversation in summary.udp.conversations() {
            line(&UdpLine::of(conversation, summary), to)?;
        }
        line(&SummaryLine::of(tracker, summary), to)
    }
}

/// The object of an alert that began, as text without a line's end.
pub fn alert_object(alert: &Alert) -> Result<String> {
    Ok(serde_json::to_string(&AlertLine::of(alert, "began"))?)
}

fn line<T: Serialize>(value: &T, mut to: &mut dyn Write) -> Result<()> {
    // As an io::Error, so that nobody outside needs to know of serde to recognise a closed pipe.
    let mut serializer = serde_json::Serializer::with_formatter(&mut to, Escaping);
    value.serialize(&mut serializer).map_err(io::Error::from)?;
    to.write_all(b"\n")?;
    Ok(())
}

/// Escapes the control characters that JSON allows as they are, U+007F to U+009F, too: comments and names of a capture hold any,
/// and some terminals take them for the beginning of a sequence.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        to: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        // Nearly all text is ASCII: a look at the octets is cheap.
        while let Some(c) = rest
            .bytes()
            .any(|octet| octet >= 0x7f)
            .then(|| rest.chars().find(|c| matches!(c, '\u{7f}'..='\u{9f}')))
            .flatten()
        {
            let (before, after) = rest.split_once(c).unwrap_or((rest, ""));
            write!(to, "{before}\\u{:04x}", u32::from(c))?;
            rest = after;
        }
        to.write_all(rest.as_bytes())
    }
}

/// Seconds since the epoch with all nine decimals, which a double could not hold.
fn exact_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    let text = crate::utils::format::seconds(time.nanos());
    match serde_json::from_str::<&serde_json::value::RawValue>(&text) {
        Ok(number) => number.serialize(serializer),
        Err(_) => serializer.serialize_f64(time.seconds()),
    }
}
