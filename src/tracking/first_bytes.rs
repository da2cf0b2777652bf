//! What both sides say first: the first octets of each direction in their order, until it is known what they are.
//!
//! Bounded in every way: only connections seen from their SYN, only the first [`MOST`] octets of a direction, only [`MAX_READING`]
//! connections at a time that need more than one segment for it; the longest waiting of them give up first. One segment is
//! mostly enough, and then nothing is copied.

use super::connection::Connection;
use super::direction::{Direction, PerDirection};
use super::judge::Position;
use super::ranges::Ranges;
use super::segment::{Header, Segment};
use crate::analyzers::application::{self, Context, Introduction, Reading};

/// Octets of a direction that are read at most.
pub const MOST: usize = 4096;
/// Connections that wait for more octets at the same time.
pub const MAX_READING: usize = 4096;
/// Where data begin: the SYN is octet 0.
const FIRST: i64 = 1;

/// What was said, and what is still being read.
#[derive(Clone, Debug, Default)]
pub struct FirstBytes {
    /// What each side said first; `None` where that is unknown, or not known yet.
    pub said: PerDirection<Option<Introduction>>,
    waiting: [Option<Box<Prefix>>; 2],
}

impl FirstBytes {
    /// Octets of memory that wait for more take; the names in what was said are left out.
    pub fn memory(&self) -> usize {
        let waiting =
            self.waiting.iter().flatten().map(|prefix| {
                size_of::<Prefix>() + prefix.bytes.capacity() + prefix.filled.memory()
            });
        waiting.sum()
    }
}

/// The first octets as far as they were captured, in their places.
#[derive(Clone, Debug, Default)]
struct Prefix {
    bytes: Vec<u8>,
    filled: Ranges,
}

impl Prefix {
    fn put(&mut self, start: i64, payload: &[u8]) {
        let Some(at) = usize::try_from(start - FIRST).ok().filter(|&at| at < MOST) else {
            return;
        };
        let end = MOST.min(at + payload.len());
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[at..end].copy_from_slice(&payload[..end - at]);
        self.filled.insert(at as i64..end as i64);
    }

    /// The octets up to the first gap.
    fn in_order(&self) -> &[u8] {
        let end = self.filled.end_of_first(0);
        let end = usize::try_from(end).unwrap_or(0);
        &self.bytes[..end.min(self.bytes.len())]
    }
}

/// Reads the payload of a segment, if its direction is still to be read. Returns whether the connection now waits for more and did
/// not before.
pub fn listen(
    connection: &mut Connection,
    direction: Direction,
    segment: &Segment,
    position: Position,
    payload: &[u8],
) -> bool {
    if connection.flow(direction).counts.syn == 0 && !segment.flags.syn() {
        connection.heard[direction] = true;
        return false;
    }
    if segment.header != Header::Whole || payload.is_empty() {
        // Nothing of it was captured, or what is to be read has long gone by.
        if position.start > FIRST + MOST as i64 && waiting(connection, direction).is_none() {
            connection.heard[direction] = true;
        }
        return false;
    }
    let start = position.start + i64::from(segment.flags.syn());
    let cut = segment.payload_captured < segment.payload_len;
    let context = Context {
        server_port: connection.server.port,
        last: cut || segment.flags.fin(),
    };
    let waiting = waiting(connection, direction);
    let reading = match waiting {
        None if start == FIRST => {
            let payload = &payload[..payload.len().min(MOST)];
            application::read(payload, full(context, payload))
        }
        None => Reading::NeedsMore,
        Some(prefix) => {
            prefix.put(start, payload);
            let bytes = prefix.in_order();
            application::read(bytes, full(context, bytes))
        }
    };
    match reading {
        Reading::NeedsMore => wait(connection, direction, start, payload),
        Reading::Is(introduction) => {
            finish(connection, direction, Some(introduction));
            false
        }
        Reading::Unknown => {
            finish(connection, direction, None);
            false
        }
    }
}

const fn full(context: Context, bytes: &[u8]) -> Context {
    Context {
        last: context.last || bytes.len() >= MOST,
        ..context
    }
}

fn waiting(connection: &mut Connection, direction: Direction) -> Option<&mut Prefix> {
    let application = connection.application.as_mut()?;
    application.first_bytes.waiting[direction as usize].as_deref_mut()
}

fn wait(connection: &mut Connection, direction: Direction, start: i64, payload: &[u8]) -> bool {
    let first_bytes = &mut connection.application.get_or_insert_default().first_bytes;
    let is_new = first_bytes.waiting.iter().all(Option::is_none);
    let prefix = &mut first_bytes.waiting[direction as usize];
    if prefix.is_none() {
        prefix.insert(Box::default()).put(start, payload);
    }
    is_new
}

fn finish(connection: &mut Connection, direction: Direction, introduction: Option<Introduction>) {
    connection.heard[direction] = true;
    if introduction.is_none() && connection.application.is_none() {
        return;
    }
    let first_bytes = &mut connection.application.get_or_insert_default().first_bytes;
    first_bytes.waiting[direction as usize] = None;
    first_bytes.said[direction] = introduction;
}

/// Takes what there is as all there will be. Returns whether the connection was waiting.
pub fn give_up(connection: &mut Connection) -> bool {
    let mut waited = false;
    for direction in Direction::BOTH {
        let context = Context {
            server_port: connection.server.port,
            last: true,
        };
        if let Some(prefix) = waiting(connection, direction) {
            waited = true;
            let introduction = match application::read(prefix.in_order(), context) {
                Reading::Is(introduction) => Some(introduction),
                Reading::NeedsMore | Reading::Unknown => None,
            };
            finish(connection, direction, introduction);
        }
    }
    waited
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::tcp::Flags;
    use crate::tracking::ConnectionTracker;
    use crate::utils::addressing::Endpoint;
    use crate::utils::seq::Seq;

    const REQUEST: &[u8] = b"GET /x HTTP/1.1\r\nHost: example.org\r\n\r\n";

    struct Talk {
        tracker: ConnectionTracker,
        client: Endpoint,
        server: Endpoint,
    }

    impl Talk {
        fn begin() -> Self {
            let mut talk = Self {
                tracker: ConnectionTracker::new(100_000),
                client: Endpoint::new([192, 0, 2, 1].into(), 40_000),
                server: Endpoint::new([192, 0, 2, 2].into(), 80),
            };
            talk.syn();
            talk
        }

        fn syn(&mut self) {
            let syn = Segment {
                flags: Flags::SYN,
                ..Segment::example()
            };
            self.tracker.observe(self.client, self.server, &syn);
        }

        fn say(&mut self, at: u32, payload: &[u8]) {
            let segment = Segment {
                seq: Seq(at),
                payload_len: payload.len() as u32,
                payload_captured: payload.len() as u32,
                ..Segment::example()
            };
            self.tracker
                .observe_with(self.client, self.server, &segment, payload);
        }

        fn said(&self) -> Option<Introduction> {
            let connections = self.tracker.connections();
            let application = connections.last()?.application.as_ref()?;
            application.first_bytes.said[Direction::ToServer].clone()
        }
    }

    fn request() -> Option<Introduction> {
        Some(Introduction::HttpRequest {
            method: "GET".into(),
            target: "/x".into(),
            host: Some("example.org".into()),
        })
    }

    #[test]
    fn in_one_segment_in_several_and_out_of_order() {
        let mut talk = Talk::begin();
        talk.say(1, REQUEST);
        assert_eq!(talk.said(), request());
        for split in 1..REQUEST.len() {
            let mut talk = Talk::begin();
            talk.say(1, &REQUEST[..split]);
            talk.say(1 + split as u32, &REQUEST[split..]);
            assert_eq!(talk.said(), request(), "{split}");
            let mut talk = Talk::begin();
            talk.say(1 + split as u32, &REQUEST[split..]);
            talk.say(1, &REQUEST[..split]);
            assert_eq!(talk.said(), request(), "{split}, out of order");
        }
    }

    #[test]
    fn only_the_first_words_count_and_only_from_the_start() {
        let mut talk = Talk::begin();
        talk.say(1, b"\x00binary");
        talk.say(8, REQUEST);
        assert_eq!(talk.said(), None);
        let mut joined = Talk::begin();
        joined.client.port += 1;
        joined.say(1, REQUEST);
        assert_eq!(joined.said(), None);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut talk = Talk::begin();
        talk.say(1, b"GET /x HTTP/1.1\r\n");
        talk.say(1 + (MOST as u32) * 2, &[b'x'; 100]);
        for port in 0..MAX_READING as u16 {
            talk.client.port = port;
            talk.syn();
            talk.say(1, b"GET /x HTTP/1.1\r\n");
        }
        assert_eq!(talk.tracker.gave_up_reading(), 1);
        let connections = talk.tracker.connections();
        let first = connections[0].application.as_ref().unwrap();
        // The longest waiting gave up, with what it had.
        assert!(first.first_bytes.said[Direction::ToServer].is_some());
        assert!(first.first_bytes.waiting.iter().all(Option::is_none));
        let mut long = Talk::begin();
        long.say(1, b"GET /");
        (0..10).for_each(|n| long.say(6 + n * 1000, &[b'x'; 1000]));
        let connections = long.tracker.connections();
        assert!(connections[0].heard[Direction::ToServer]);
    }
}
