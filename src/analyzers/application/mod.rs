//! What both sides of a connection say first: the first octets of each direction, read as TLS, HTTP, SSH or DNS.
//!
//! Each protocol has a file of its own with one function from octets to a [`Reading`]. All text comes from strangers: it is cut
//! to a bounded length and escaped when it is taken over, so that nobody can forget it later.

pub mod dns;
mod http;
mod ssh;
mod tls;

use crate::utils::format::printable;
use std::fmt;

/// Characters of a name, a path or a banner that are kept.
const MAX_TEXT: usize = 256;

/// What one side said first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Introduction {
    /// A TLS ClientHello.
    TlsClient {
        /// The server's name that it asks for (RFC 6066 §3).
        server_name: Option<String>,
        /// The application protocols that it offers (RFC 7301).
        alpn: Vec<String>,
        /// The newest version that it offers.
        version: TlsVersion,
    },
    /// A TLS ServerHello.
    TlsServer {
        /// The version that it chose.
        version: TlsVersion,
        /// The application protocol that it chose; in TLS 1.3 that is encrypted.
        alpn: Option<String>,
    },
    /// An HTTP/1 request.
    HttpRequest {
        /// Its method.
        method: String,
        /// What is asked for, as sent.
        target: String,
        /// The Host field.
        host: Option<String>,
    },
    /// An HTTP/1 answer.
    HttpAnswer {
        /// Its status, 0 to 999.
        status: u16,
    },
    /// An SSH identification (RFC 4253 §4.2).
    Ssh(String),
    /// A DNS message over TCP.
    Dns(dns::Message),
}

/// A version of TLS as it stands in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TlsVersion(pub u16);

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x0300 => f.write_str("SSL 3.0"),
            0x0301 => f.write_str("TLS 1.0"),
            0x0302 => f.write_str("TLS 1.1"),
            0x0303 => f.write_str("TLS 1.2"),
            0x0304 => f.write_str("TLS 1.3"),
            other => write!(f, "TLS 0x{other:04x}"),
        }
    }
}

/// How far a protocol could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It is this.
    Is(Introduction),
    /// It may become something with more octets.
    NeedsMore,
    /// It is nothing that is read here.
    Unknown,
}

/// What is known beside the octets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// The server's port.
    pub server_port: u16,
    /// No more octets will come: what is there has to do.
    pub last: bool,
}

/// Reads the first octets of a direction.
pub fn read(bytes: &[u8], context: Context) -> Reading {
    let readers = [tls::read, ssh::read, http::read, dns::read];
    let mut needs_more = false;
    for reader in readers {
        match reader(bytes, context) {
            Reading::Is(introduction) => return Reading::Is(introduction),
            Reading::NeedsMore => needs_more = true,
            Reading::Unknown => {}
        }
    }
    if needs_more && !context.last {
        Reading::NeedsMore
    } else {
        Reading::Unknown
    }
}

/// Text from the network: safe to print anywhere, and of bounded length.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MAX_TEXT)]);
    let cut: String = text.chars().take(MAX_TEXT).collect();
    printable(&cut).into_owned()
}

/// Whether `bytes` begin with `words`, or may do so with more octets.
fn may_begin_with(bytes: &[u8], words: &[u8]) -> bool {
    let length = bytes.len().min(words.len());
    bytes[..length] == words[..length]
}

impl Introduction {
    /// The protocol in a word.
    pub const fn protocol(&self) -> &'static str {
        match self {
            Introduction::TlsClient { .. } | Introduction::TlsServer { .. } => "tls",
            Introduction::HttpRequest { .. } | Introduction::HttpAnswer { .. } => "http",
            Introduction::Ssh(_) => "ssh",
            Introduction::Dns(_) => "dns",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_cut_and_escaped() {
        assert_eq!(text(b"a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(text(&[b'x'; 5000]).len(), MAX_TEXT);
        assert_eq!(text(&[0xff]), "\u{fffd}");
    }

    #[test]
    fn nothing_at_all_needs_more() {
        assert_eq!(read(b"", Context::default()), Reading::NeedsMore);
        let last = Context {
            last: true,
            ..Context::default()
        };
        assert_eq!(read(b"", last), Reading::Unknown);
        assert_eq!(
            read(b"220 mail ready\r\n", Context::default()),
            Reading::Unknown
        );
    }

    proptest! {
        #[test]
        fn anything_may_be_said(start in 0usize..8, bytes: Vec<u8>, server_port in prop_oneof![Just(53u16), any::<u16>()], last: bool) {
            let starts: [&[u8]; 8] = [b"", b"\x16\x03\x01", b"\x16\x03\x01\x00\x30\x01\x00\x00\x2c\x03\x03", b"GET ", b"HTTP/1.1 ", b"SSH-2.0-", b"\x00\x20\x00\x01\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00", b"\x16\x03\x03\x00\x40\x02"];
            let all = [starts[start], &bytes].concat();
            let _ = read(&all, Context { server_port, last });
            let _ = dns::message(&all);
        }
    }
}
