//! The object of an alert: one when it begins and one when it is over, with all that is known by then.

use super::exact_time;
use crate::alerts::log::{Figure, Subject};
use crate::alerts::{Alert, words};
use crate::utils::time::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

#[derive(Serialize)]
pub struct AlertLine {
    r#type: &'static str,
    #[serde(serialize_with = "exact_time")]
    time: Timestamp,
    frame: u64,
    alert: &'static str,
    id: u32,
    state: &'static str,
    #[serde(flatten)]
    subject: SubjectPart,
    figures: Figures,
    packets: u64,
    first_frame: u64,
    last_frame: u64,
    #[serde(serialize_with = "exact_time")]
    first_time: Timestamp,
    #[serde(serialize_with = "exact_time")]
    last_time: Timestamp,
    text: String,
    matters: &'static str,
    or_else: &'static str,
}

/// Whom it is about; what does not apply is left out.
#[derive(Serialize, Default)]
struct SubjectPart {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stations: Option<[String; 2]>,
}

struct Figures(Vec<Figure>);

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, number) in &self.0 {
            map.serialize_entry(name, number)?;
        }
        map.end()
    }
}

impl AlertLine {
    /// What is known of an alert. `state` is `began`, `ended`, or at the end of the capture `going_on`.
    pub fn of(alert: &Alert, state: &'static str) -> Self {
        Self {
            r#type: "alert",
            time: alert.known.1,
            frame: alert.known.0,
            alert: alert.rule.name(),
            id: alert.id,
            state,
            subject: SubjectPart::of(alert.subject),
            figures: Figures(alert.figures.clone()),
            packets: alert.trail.packets,
            first_frame: alert.trail.first.0,
            last_frame: alert.trail.last.0,
            first_time: alert.trail.first.1,
            last_time: alert.trail.last.1,
            text: words::what(alert),
            matters: alert.rule.row().matters,
            or_else: alert.rule.row().or_else,
        }
    }
}

impl SubjectPart {
    fn of(subject: Subject) -> Self {
        let mut part = Self::default();
        match subject {
            Subject::Service(endpoint) => {
                (part.address, part.port) =
                    (Some(endpoint.address.to_string()), Some(endpoint.port));
            }
            Subject::Host(address) => part.address = Some(address.to_string()),
            Subject::Scan {
                source,
                target,
                kind,
            } => {
                (part.source, part.target) = (Some(source.to_string()), Some(target.to_string()));
                part.kind = Some(kind.name());
            }
            Subject::Sweep { source, port, kind } => {
                (part.source, part.port) = (Some(source.to_string()), Some(port));
                part.kind = Some(kind.name());
            }
            Subject::Connection {
                id,
                sender,
                receiver,
            } => {
                part.connection = Some(id);
                (part.sender, part.receiver) =
                    (Some(sender.to_string()), Some(receiver.to_string()));
            }
            Subject::Claim { address, stations } => {
                part.address = Some(address.to_string());
                part.stations = Some(stations.map(|station| station.to_string()));
            }
        }
        part
    }
}
