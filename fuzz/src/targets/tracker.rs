//! The tracker with the judge and the alerts: any segments between a few endpoints, most of them near those before, with any
//! options, at any time. The segments come through the decoder, so that they are ones that a capture can hold; how many are
//! looked up at once is chosen, too, since what was found ahead may be gone when its turn comes.

use super::super::STYLE;
use super::super::follow::{MOST, Made, follow};
use super::super::json::is_object;
use arbitrary::Arbitrary;
use tcp_monitor::analyzers::LinkType;
use tcp_monitor::utils::time::Timestamp;
use tcp_monitor::visualization::Output;
use tcp_monitor::visualization::connection_detail::ConnectionDetail;
use tcp_monitor::visualization::connection_table::{ConnectionTable, Order};
use tcp_monitor::visualization::json_lines::JsonLines;
use tcp_monitor::visualization::packet_lines::PacketLines;

/// A sequence or acknowledgment number.
#[derive(Arbitrary, Debug)]
pub enum Number {
    /// Where the direction's last segment ended.
    Next,
    /// So far from there.
    Near(i16),
    /// Anywhere.
    Any(u32),
}

/// A TCP option.
#[derive(Arbitrary, Debug)]
pub enum Choice {
    MaximumSize(u16),
    WindowScale(u8),
    SackPermitted,
    Sack(Vec<(i16, u16)>),
    Timestamps(u32, u32),
    Any(u8, Vec<u8>),
}

/// A segment and when it comes.
#[derive(Arbitrary, Debug)]
pub struct Sent {
    connection: u8,
    to_client: bool,
    flags: u8,
    seq: Number,
    ack: Number,
    window: u16,
    options: Vec<Choice>,
    payload: u16,
    captured: u8,
    later: i64,
    later_micros: u16,
    jump: bool,
    ip_id: u16,
    hops_and_ecn: (u8, u8),
}

impl Number {
    fn from(&self, last: u32) -> u32 {
        match *self {
            Number::Next => last,
            Number::Near(distance) => last.wrapping_add_signed(distance.into()),
            Number::Any(number) => number,
        }
    }
}

/// Segments, and how many are looked up at once.
pub type Input = (Vec<Sent>, u8);

fn options(choices: &[Choice], ack: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for choice in choices {
        match choice {
            Choice::MaximumSize(size) => bytes.extend([&[2, 4], &size.to_be_bytes()[..]].concat()),
            Choice::WindowScale(shift) => bytes.extend([3, 3, *shift]),
            Choice::SackPermitted => bytes.extend([4, 2]),
            Choice::Sack(blocks) => {
                let blocks = &blocks[..blocks.len().min(4)];
                bytes.extend([5, 2 + 8 * blocks.len() as u8]);
                for (from, length) in blocks {
                    let left = ack.wrapping_add_signed((*from).into());
                    bytes.extend(left.to_be_bytes());
                    bytes.extend(left.wrapping_add((*length).into()).to_be_bytes());
                }
            }
            Choice::Timestamps(value, echo) => {
                bytes.extend([8, 10]);
                bytes.extend(value.to_be_bytes());
                bytes.extend(echo.to_be_bytes());
            }
            Choice::Any(kind, value) => {
                bytes.extend([*kind, value.len() as u8]);
                bytes.extend(value);
            }
        }
    }
    bytes.truncate(40);
    bytes.resize(bytes.len().next_multiple_of(4), 1);
    bytes
}

/// Follows the segments with every output that looks at them one by one.
pub fn run(input: Input) {
    let (input, at_once) = input;
    let outputs: Vec<Box<dyn Output>> = vec![
        Box::new(JsonLines { packets: true }),
        Box::new(PacketLines { style: STYLE }),
        Box::new(ConnectionTable {
            style: STYLE,
            top: 0,
            order: Order::RoundTrip,
        }),
        Box::new(ConnectionDetail {
            style: STYLE,
            ids: vec![0, 1, 2],
        }),
    ];
    let mut source = Made::new(LinkType::IPV4);
    // The next sequence number of both sides of each connection.
    let mut next = [[u32::MAX - 700, 5_000]; 4];
    let mut time = 0i64;
    for sent in &input {
        let connection = usize::from(sent.connection % 4);
        let (from, to) = if sent.to_client { (1, 0) } else { (0, 1) };
        let seq = sent.seq.from(next[connection][from]);
        let ack = sent.ack.from(next[connection][to]);
        let options = options(&sent.options, ack);
        let header = 20 + options.len();
        let total = (20 + header + usize::from(sent.payload)).min(65_535) as u16;
        let mut bytes = vec![0x45, sent.hops_and_ecn.1];
        bytes.extend(total.to_be_bytes());
        bytes.extend(sent.ip_id.to_be_bytes());
        bytes.extend([0x40, 0, sent.hops_and_ecn.0, 6, 0, 0]);
        bytes.extend([10, 0, 0, from as u8, 10, 0, 0, to as u8]);
        let ports = [4000 + connection as u16, 80];
        bytes.extend(ports[from].to_be_bytes());
        bytes.extend(ports[to].to_be_bytes());
        bytes.extend(seq.to_be_bytes());
        bytes.extend(ack.to_be_bytes());
        bytes.extend([(header as u8 / 4) << 4, sent.flags]);
        bytes.extend(sent.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&options);
        let payload = usize::from(total) - 20 - header;
        bytes.resize(bytes.len() + payload.min(sent.captured.into()), 0);
        next[connection][from] = seq
            .wrapping_add(payload as u32)
            .wrapping_add((sent.flags & 3).count_ones());
        let later = if sent.jump {
            sent.later
        } else {
            i64::from(sent.later_micros) * 1000
        };
        time = time.saturating_add(later);
        source.push(Timestamp::from_nanos(time), total.into(), bytes);
    }
    for line in follow(source, MOST, 3, at_once.into(), outputs)[0].lines() {
        assert!(is_object(line), "{line}");
    }
}
