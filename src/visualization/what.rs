//! What a connection is about, in a few words: from what both sides said first.

use crate::analyzers::application::Introduction;
use crate::tracking::{Connection, Direction};

/// What each side said first.
pub fn said(connection: &Connection) -> [Option<&Introduction>; 2] {
    let application = connection.application.as_deref();
    Direction::BOTH.map(|direction| application?.first_bytes.said[direction].as_ref())
}

/// In a few words; empty where nothing is known.
pub fn what(connection: &Connection) -> String {
    use Introduction::{Dns, HttpAnswer, HttpRequest, Ssh, TlsClient, TlsServer};
    let chosen = |server: Option<&Introduction>| match server {
        Some(TlsServer { version, alpn }) => (Some(version.to_string()), alpn.clone()),
        _ => (None, None),
    };
    let words: Vec<String> = match said(connection) {
        [
            Some(TlsClient {
                server_name, alpn, ..
            }),
            server,
        ] => {
            let (version, protocol) = chosen(server);
            let version = version.unwrap_or_else(|| "TLS".to_owned());
            let offered = || (alpn.len() == 1).then(|| alpn[0].clone());
            let name = server_name.clone();
            name.into_iter()
                .chain([version])
                .chain(protocol.or_else(offered))
                .collect()
        }
        [_, Some(TlsServer { version, alpn })] => [version.to_string()]
            .into_iter()
            .chain(alpn.clone())
            .collect(),
        [
            Some(HttpRequest {
                method,
                target,
                host,
            }),
            server,
        ] => {
            let status = match server {
                Some(HttpAnswer { status }) => Some(status.to_string()),
                _ => None,
            };
            let host = host
                .as_deref()
                .filter(|_| target.starts_with('/'))
                .unwrap_or_default();
            [method.clone(), format!("{host}{target}")]
                .into_iter()
                .chain(status)
                .collect()
        }
        [_, Some(HttpAnswer { status })] => vec![format!("HTTP {status}")],
        [_, Some(Ssh(banner))] | [Some(Ssh(banner)), _] => vec![banner.clone()],
        [Some(Dns(message)), _] | [_, Some(Dns(message))] => {
            message.kind.iter().chain(&message.name).cloned().collect()
        }
        // Nothing, or a side that says what only the other may.
        _ => Vec::new(),
    };
    words.join(" ")
}

/// One side's words, for `--connection`.
pub fn in_words(introduction: &Introduction) -> String {
    match introduction {
        Introduction::TlsClient {
            server_name,
            alpn,
            version,
        } => {
            let name = server_name
                .as_deref()
                .map_or(String::new(), |name| format!(" for {name}"));
            let alpn = if alpn.is_empty() {
                String::new()
            } else {
                format!(", offers {}", alpn.join(", "))
            };
            format!("TLS ClientHello{name}, up to {version}{alpn}")
        }
        Introduction::TlsServer { version, alpn } => {
            let alpn = alpn
                .as_deref()
                .map_or(String::new(), |name| format!(", {name}"));
            format!("TLS ServerHello, {version}{alpn}")
        }
        Introduction::HttpRequest {
            method,
            target,
            host,
        } => {
            let host = host
                .as_deref()
                .map_or(String::new(), |host| format!(", host {host}"));
            format!("HTTP {method} {target}{host}")
        }
        Introduction::HttpAnswer { status } => format!("HTTP status {status}"),
        Introduction::Ssh(banner) => banner.clone(),
        Introduction::Dns(message) => {
            let direction = if message.is_answer {
                "answer"
            } else {
                "question"
            };
            let asked: Vec<_> = message.kind.iter().chain(&message.name).cloned().collect();
            let addresses = message
                .addresses
                .iter()
                .map(|(address, _)| format!(" {address}"));
            format!(
                "DNS {direction} {}{}",
                asked.join(" "),
                addresses.collect::<String>()
            )
        }
    }
}
