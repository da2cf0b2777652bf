//! HTTP/1: the request line with its Host field, and the status line (RFC 9112 §2.1), read by the httparse crate.

use super::{Context, Introduction, Reading, may_begin_with, text};
use httparse::{EMPTY_HEADER, ParserConfig, Request, Response};

/// Header fields that are read.
const MAX_FIELDS: usize = 64;
/// The longest method that is believed.
const LONGEST_METHOD: usize = 20;

/// A request or an answer.
pub fn read(bytes: &[u8], context: Context) -> Reading {
    if may_begin_with(bytes, b"HTTP/1.") {
        answer(bytes)
    } else if looks_like_request(bytes) {
        request(bytes, context)
    } else {
        Reading::Unknown
    }
}

/// A method is a word in capital letters, or the beginning of one (RFC 9110 §9.1 lets it be any token; nobody sends others).
fn looks_like_request(bytes: &[u8]) -> bool {
    let length = bytes
        .iter()
        .position(|byte| !byte.is_ascii_uppercase() && *byte != b'-' && *byte != b'_')
        .unwrap_or(bytes.len());
    length <= LONGEST_METHOD && (length == bytes.len() || length >= 3 && bytes[length] == b' ')
}

fn request(bytes: &[u8], context: Context) -> Reading {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut request = Request::new(&mut fields);
    let whole = match request.parse(bytes) {
        Ok(status) => status.is_complete(),
        // Beyond so many fields, the first ones have been read.
        Err(httparse::Error::TooManyHeaders) => true,
        Err(_) => return Reading::Unknown,
    };
    // The version closes the request line: without it this may be any text.
    let line = request.version.and(request.method.zip(request.path));
    match line {
        Some((method, target)) if whole || context.last => {
            let host = request
                .headers
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case("host"));
            Reading::Is(Introduction::HttpRequest {
                method: text(method.as_bytes()),
                target: text(target.as_bytes()),
                host: host.map(|field| text(field.value)),
            })
        }
        _ => Reading::NeedsMore,
    }
}

/// The status line is enough.
fn answer(bytes: &[u8]) -> Reading {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut answer = Response::new(&mut fields);
    let mut config = ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(true);
    let result = config.parse_response(&mut answer, bytes);
    match (answer.code, result) {
        (Some(status), _) => Reading::Is(Introduction::HttpAnswer { status }),
        (None, Ok(_)) => Reading::NeedsMore,
        (None, Err(_)) => Reading::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: Context = Context {
        server_port: 80,
        last: true,
    };

    #[test]
    fn a_request_waits_for_its_host() {
        let whole = b"GET /a?b=c HTTP/1.1\r\nAccept: */*\r\nhOsT: example.org\r\n\r\nbody";
        let context = Context::default();
        let expected = |host: Option<&str>| {
            Reading::Is(Introduction::HttpRequest {
                method: "GET".into(),
                target: "/a?b=c".into(),
                host: host.map(Into::into),
            })
        };
        assert_eq!(read(whole, context), expected(Some("example.org")));
        for length in 0..whole.len() - 4 {
            assert_eq!(
                read(&whole[..length], context),
                Reading::NeedsMore,
                "{length}"
            );
        }
        assert_eq!(read(&whole[..30], LAST), expected(None));
    }

    #[test]
    fn an_answer_needs_its_status_line() {
        let is = |status| Reading::Is(Introduction::HttpAnswer { status });
        let context = Context::default();
        assert_eq!(read(b"HTTP/1.1 404 Not Found\r\nServ", context), is(404));
        assert_eq!(read(b"HTTP/1.0 200 OK\r\n\r\n", context), is(200));
        assert_eq!(read(b"HTTP/1.1 4", context), Reading::NeedsMore);
        assert_eq!(read(b"HTTP/1.1 abc\r\n", context), Reading::Unknown);
    }

    #[test]
    fn other_text_is_no_request() {
        for text in [
            "EHLO me\r\n",
            "hello world\r\n",
            "USER x\r\n",
            "\x00\x01",
            "AB C HTTP/1.1\r\n",
        ] {
            assert_eq!(
                read(text.as_bytes(), Context::default()),
                Reading::Unknown,
                "{text}"
            );
        }
    }
}
