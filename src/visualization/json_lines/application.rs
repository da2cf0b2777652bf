//! What both sides of a connection said first, and who waited for whom.

use crate::analyzers::application::Introduction;
use crate::tracking::turns::Figures;
use crate::tracking::{Connection, Direction};
use crate::utils::time::millis;
use crate::visualization::what;
use serde::Serialize;

/// What both sides said first: the keys that are known.
#[derive(Serialize, Default)]
pub struct FirstBytesPart {
    protocol: &'static str,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_server_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_version_offered: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tls_alpn_offered: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_alpn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_client: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns_addresses: Vec<String>,
}

impl FirstBytesPart {
    /// What is known of a connection; `None` if nothing is.
    pub fn of(connection: &Connection) -> Option<Self> {
        let said = what::said(connection);
        let mut part = Self {
            protocol: said.iter().flatten().next()?.protocol(),
            what: what::what(connection),
            ..Self::default()
        };
        for (direction, introduction) in Direction::BOTH.into_iter().zip(said) {
            if let Some(introduction) = introduction {
                part.add(direction, introduction.clone());
            }
        }
        Some(part)
    }

    fn add(&mut self, direction: Direction, introduction: Introduction) {
        match introduction {
            Introduction::TlsClient {
                server_name,
                alpn,
                version,
            } => {
                (self.tls_server_name, self.tls_alpn_offered) = (server_name, alpn);
                self.tls_version_offered = Some(version.to_string());
            }
            Introduction::TlsServer { version, alpn } => {
                (self.tls_version, self.tls_alpn) = (Some(version.to_string()), alpn);
            }
            Introduction::HttpRequest {
                method,
                target,
                host,
            } => {
                (self.http_method, self.http_target) = (Some(method), Some(target));
                self.http_host = host;
            }
            Introduction::HttpAnswer { status } => self.http_status = Some(status),
            Introduction::Ssh(banner) => match direction {
                Direction::ToServer => self.ssh_client = Some(banner),
                Direction::ToClient => self.ssh_server = Some(banner),
            },
            Introduction::Dns(message) => {
                (self.dns_name, self.dns_type) = (message.name, message.kind);
                let addresses = message.addresses.iter();
                self.dns_addresses = addresses.map(|(address, _)| address.to_string()).collect();
            }
        }
    }
}

/// Requests and answers.
#[derive(Serialize)]
pub struct TurnsPart {
    requests: u64,
    answers: u64,
    time_to_first_byte_ms: Option<FiguresPart>,
    client_think_ms: Option<FiguresPart>,
    request_transfer_ms: Option<FiguresPart>,
    answer_transfer_ms: Option<FiguresPart>,
}

#[derive(Serialize)]
struct FiguresPart {
    count: u64,
    min: f64,
    p50: f64,
    max: f64,
}

impl FiguresPart {
    fn of(figures: Figures) -> Self {
        Self {
            count: figures.count,
            min: millis(figures.min),
            p50: millis(figures.median),
            max: millis(figures.max),
        }
    }
}

impl TurnsPart {
    /// The turns of a connection; `None` if no data were sent.
    pub fn of(connection: &Connection) -> Option<Self> {
        let [requests, answers] = Direction::BOTH.map(|direction| connection.runs(direction));
        (requests + answers > 0).then(|| Self {
            requests,
            answers,
            time_to_first_byte_ms: connection.time_to_first_byte().map(FiguresPart::of),
            client_think_ms: connection.client_think_time().map(FiguresPart::of),
            request_transfer_ms: connection
                .run_time(Direction::ToServer)
                .map(FiguresPart::of),
            answer_transfer_ms: connection
                .run_time(Direction::ToClient)
                .map(FiguresPart::of),
        })
    }
}
