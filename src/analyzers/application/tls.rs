//! TLS: what ClientHello and ServerHello say in the clear (RFC 8446 §4.1), read by the tls-parser crate.

use super::{Context, Introduction, Reading, TlsVersion, text};
use tls_parser::{
    TlsExtension, TlsMessage, TlsMessageHandshake, parse_tls_client_hello_extensions,
    parse_tls_raw_record, parse_tls_server_hello_extensions,
};

/// Application protocols of a ClientHello that are kept.
const MAX_ALPN: usize = 8;
/// The content type of handshake messages.
const HANDSHAKE: u8 = 22;
/// Octets of a record in front of its content.
const RECORD_HEADER: usize = 5;
/// The largest record (RFC 8446 §5.1).
const LARGEST_RECORD: usize = 1 << 14;

/// A ClientHello or a ServerHello.
pub fn read(bytes: &[u8], _: Context) -> Reading {
    match bytes {
        [] | [HANDSHAKE] => return Reading::NeedsMore,
        [HANDSHAKE, 3, ..] => {}
        _ => return Reading::Unknown,
    }
    let mut message = Vec::new();
    let mut rest = bytes;
    // A message may be spread over records (RFC 8446 §5.1).
    loop {
        let [kind, 3, _, high, low, ..] = *rest else {
            return more_if(rest.len() < RECORD_HEADER);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if kind != HANDSHAKE || length == 0 || length > LARGEST_RECORD {
            return Reading::Unknown;
        }
        let Ok((behind, record)) = parse_tls_raw_record(rest) else {
            return more_if(rest.len() < RECORD_HEADER.saturating_add(length));
        };
        message.extend_from_slice(record.data);
        if let [_, a, b, c, ..] = *message {
            let body = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            let claimed = body.saturating_add(4);
            if message.len() >= claimed {
                return hello(&message[..claimed]);
            }
        }
        rest = behind;
    }
}

const fn more_if(more: bool) -> Reading {
    if more {
        Reading::NeedsMore
    } else {
        Reading::Unknown
    }
}

fn hello(message: &[u8]) -> Reading {
    match tls_parser::parse_tls_message_handshake(message) {
        Ok((_, TlsMessage::Handshake(TlsMessageHandshake::ClientHello(hello)))) => {
            client_hello(TlsVersion(hello.version.0), hello.ext.unwrap_or_default())
        }
        Ok((_, TlsMessage::Handshake(TlsMessageHandshake::ServerHello(hello)))) => {
            server_hello(TlsVersion(hello.version.0), hello.ext.unwrap_or_default())
        }
        _ => Reading::Unknown,
    }
}

/// Values that are sent only to keep others tolerant (RFC 8701).
const fn is_grease(version: u16) -> bool {
    version & 0x0f0f == 0x0a0a && version >> 8 == version & 0xff
}

fn client_hello(legacy: TlsVersion, extensions: &[u8]) -> Reading {
    let (mut server_name, mut alpn, mut version) = (None, Vec::new(), legacy);
    let (_, extensions) = parse_tls_client_hello_extensions(extensions).unwrap_or_default();
    for extension in &extensions {
        match extension {
            TlsExtension::SNI(names) => {
                server_name = names.first().map(|(_, name)| text(name));
            }
            TlsExtension::ALPN(protocols) => {
                alpn = protocols
                    .iter()
                    .take(MAX_ALPN)
                    .map(|name| text(name))
                    .collect();
            }
            TlsExtension::SupportedVersions(versions) => {
                let known = versions.iter().map(|version| version.0);
                let newest = known.filter(|&version| !is_grease(version)).max();
                version = newest.map_or(version, TlsVersion);
            }
            _ => {}
        }
    }
    Reading::Is(Introduction::TlsClient {
        server_name,
        alpn,
        version,
    })
}

fn server_hello(legacy: TlsVersion, extensions: &[u8]) -> Reading {
    let (mut alpn, mut version) = (None, legacy);
    let (_, extensions) = parse_tls_server_hello_extensions(extensions).unwrap_or_default();
    for extension in &extensions {
        match extension {
            TlsExtension::ALPN(protocols) => alpn = protocols.first().map(|name| text(name)),
            TlsExtension::SupportedVersions(versions) => {
                version = versions
                    .first()
                    .map_or(version, |chosen| TlsVersion(chosen.0));
            }
            _ => {}
        }
    }
    Reading::Is(Introduction::TlsServer { version, alpn })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
        [
            &kind.to_be_bytes(),
            &(body.len() as u16).to_be_bytes(),
            body,
        ]
        .concat()
    }

    /// A handshake message of this kind with these extensions, in one record.
    fn record(kind: u8, extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.push(0);
        // Cipher suites and compression: a list each from the client, a choice each from the server.
        body.extend::<&[u8]>(if kind == 1 {
            &[0, 2, 0x13, 1, 1, 0]
        } else {
            &[0x13, 1, 0]
        });
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        let mut message = vec![kind, 0];
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(body);
        let mut record = vec![22, 3, 1];
        record.extend((message.len() as u16).to_be_bytes());
        record.extend(message);
        record
    }

    fn client() -> Vec<u8> {
        let name = extension(0, b"\x00\x0e\x00\x00\x0bexample.org");
        let alpn = extension(16, b"\x00\x0c\x02h2\x08http/1.1");
        let versions = extension(43, b"\x06\x7a\x7a\x03\x04\x03\x03");
        record(1, &[name, alpn, versions].concat())
    }

    #[test]
    fn a_client_hello() {
        let expected = Reading::Is(Introduction::TlsClient {
            server_name: Some("example.org".into()),
            alpn: vec!["h2".into(), "http/1.1".into()],
            version: TlsVersion(0x0304),
        });
        let bytes = client();
        assert_eq!(read(&bytes, Context::default()), expected);
        for length in 0..bytes.len() {
            let part = read(&bytes[..length], Context::default());
            assert_eq!(part, Reading::NeedsMore, "{length}");
        }
    }

    #[test]
    fn a_client_hello_in_two_records() {
        let whole = client();
        let (first, second) = whole[5..].split_at(20);
        let mut bytes = Vec::new();
        for part in [first, second] {
            bytes.extend([22, 3, 1, 0, part.len() as u8]);
            bytes.extend(part);
        }
        assert_eq!(
            read(&bytes, Context::default()),
            read(&whole, Context::default())
        );
    }

    #[test]
    fn a_server_hello_of_either_version() {
        let chosen = |bytes: &[u8]| match read(bytes, Context::default()) {
            Reading::Is(Introduction::TlsServer { version, alpn }) => (version.to_string(), alpn),
            other => panic!("{other:?}"),
        };
        let new = record(2, &extension(43, b"\x03\x04"));
        assert_eq!(chosen(&new), ("TLS 1.3".into(), None));
        let old = record(2, &extension(16, b"\x00\x03\x02h2"));
        assert_eq!(chosen(&old), ("TLS 1.2".into(), Some("h2".into())));
    }

    #[test]
    fn an_alert_is_nothing() {
        assert_eq!(
            read(b"\x15\x03\x01\x00\x02\x02\x28", Context::default()),
            Reading::Unknown
        );
        assert_eq!(
            read(b"\x16\x03\x01\xff\xff", Context::default()),
            Reading::Unknown
        );
    }
}
