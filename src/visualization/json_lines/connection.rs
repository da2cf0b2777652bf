//! The object of one connection, with both its directions.

use super::application::{FirstBytesPart, TurnsPart};
use super::direction::DirectionPart;
use super::exact_time;
use super::icmp_errors::IcmpErrorsPart;
use super::limits::LimitsPart;
use crate::diagnosis::Diagnosis;
use crate::tracking::{Connection, Direction};
use crate::utils::addressing::Endpoint;
use crate::utils::time::{Timestamp, millis, seconds};
use crate::visualization::Summary;
use serde::Serialize;

/// An address and a port.
#[derive(Serialize)]
pub struct EndpointPart {
    address: String,
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl EndpointPart {
    /// An endpoint.
    pub fn of(endpoint: Endpoint, summary: &Summary) -> Self {
        Self {
            address: endpoint.address.to_string(),
            port: endpoint.port,
            name: summary.name_of(endpoint.address).map(ToOwned::to_owned),
        }
    }
}

#[derive(Serialize)]
pub struct ConnectionLine {
    r#type: &'static str,
    id: u64,
    client: EndpointPart,
    server: EndpointPart,
    service: Option<&'static str>,
    first_frame: u64,
    client_known_by: &'static str,
    midstream: bool,
    reuses: Option<u64>,
    state: &'static str,
    client_state: &'static str,
    server_state: &'static str,
    conn_state: &'static str,
    history: String,
    ending: Option<EndingPart>,
    complete: bool,
    #[serde(serialize_with = "exact_time")]
    start: Timestamp,
    duration_s: f64,
    active_s: f64,
    initial_rtt_ms: Option<f64>,
    /// The tags and tunnels it came in, the outermost first; none where there were none.
    encapsulation: Vec<String>,
    packets: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_errors: Option<IcmpErrorsPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_bytes: Option<FirstBytesPart>,
    turns: Option<TurnsPart>,
    limited_side: Option<&'static str>,
    limited_by: Option<&'static str>,
    limits: Option<LimitsPart>,
    client_to_server: DirectionPart,
    server_to_client: DirectionPart,
}

/// How it ended, and who brought it about.
#[derive(Serialize)]
struct EndingPart {
    how: &'static str,
    by: &'static str,
}

impl ConnectionLine {
    /// A connection as it stands at a moment of the capture.
    pub fn of(connection: &Connection, now: Timestamp, summary: &Summary) -> Self {
        let view = summary.wireshark.as_ref();
        let states = connection.states_at(now);
        let diagnosis = Diagnosis::of(connection);
        Self {
            r#type: "connection",
            id: connection.id,
            client: EndpointPart::of(connection.client, summary),
            server: EndpointPart::of(connection.server, summary),
            service: connection.service(),
            first_frame: connection.first_frame,
            client_known_by: connection.role_source.name(),
            midstream: connection.is_midstream(),
            reuses: connection.reuses.get().map(i64::unsigned_abs),
            state: connection.summary_state(now).name(),
            client_state: states[Direction::ToServer].name(),
            server_state: states[Direction::ToClient].name(),
            conn_state: connection.conn_state(),
            history: connection.measurements().zeek.history().to_owned(),
            ending: connection.ending.map(|ending| EndingPart {
                how: ending.name(),
                by: ending.by().sender_name(),
            }),
            complete: connection.is_complete(),
            start: connection.start,
            duration_s: seconds(connection.duration()),
            active_s: seconds(connection.active_time()),
            initial_rtt_ms: connection.handshake.round_trip().map(millis),
            encapsulation: connection.seen_in.names(&summary.encapsulations),
            packets: connection.packets(),
            bytes: connection.wire_bytes(),
            icmp_errors: IcmpErrorsPart::of(connection),
            first_bytes: FirstBytesPart::of(connection),
            turns: TurnsPart::of(connection),
            limited_side: diagnosis.map(|found| found.direction.sender_name()),
            limited_by: diagnosis.map(|found| found.main().name()),
            limits: diagnosis.map(|found| LimitsPart::of(&found.spent)),
            client_to_server: DirectionPart::of(connection, Direction::ToServer, view),
            server_to_client: DirectionPart::of(connection, Direction::ToClient, view),
        }
    }
}
