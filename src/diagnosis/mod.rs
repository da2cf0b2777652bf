//! Facts about a connection → why it was as slow as it was (ANALYSIS.md 8). The tracking accounts for the time of each direction
//! ([`crate::tracking::limits`]); here the direction that matters is chosen, what took most of its time is named, and it is said in words what
//! that means, with the figures of the connection that it rests on.

use crate::tracking::limits::{Limit, Spent};
use crate::tracking::{Connection, Direction};
use crate::utils::format;
use crate::utils::time::seconds;

/// A share below this is not worth a word.
const LEAST_SHARE: f64 = 0.005;
/// The largest window without scaling (RFC 7323 §2.2).
const LARGEST_UNSCALED: u64 = 65_535;

/// Why a connection took as long as it did.
#[derive(Clone, Copy, Debug)]
pub struct Diagnosis {
    /// The direction that carried more payload; its sender is who was held back.
    pub direction: Direction,
    /// How the time of its sender was spent.
    pub spent: Spent,
}

impl Diagnosis {
    /// That of a connection; `None` if it carried no data, took no time, or was captured one way only.
    pub fn of(connection: &Connection) -> Option<Self> {
        let payload = |direction| connection.flow(direction).counts.payload_bytes;
        let direction = if payload(Direction::ToServer) >= payload(Direction::ToClient) {
            Direction::ToServer
        } else {
            Direction::ToClient
        };
        let spent = connection.spent(direction)?;
        Some(Self { direction, spent })
    }

    /// What took the largest share of the time.
    pub fn main(&self) -> Limit {
        let first = Limit::ALL[0];
        Limit::ALL.into_iter().fold(first, |largest, limit| {
            if self.spent.on(limit) > self.spent.on(largest) {
                limit
            } else {
                largest
            }
        })
    }

    /// All that took a share of the time, largest first.
    pub fn shares(&self) -> Vec<(Limit, f64)> {
        let mut shares: Vec<_> = Limit::ALL
            .into_iter()
            .map(|limit| (limit, self.spent.share(limit)))
            .filter(|&(_, share)| share >= LEAST_SHARE)
            .collect();
        shares.sort_by(|one, other| other.1.total_cmp(&one.1));
        shares
    }

    /// What the main cause means, with the figures of the connection, as a sentence without an end.
    pub fn explanation(&self, connection: &Connection) -> String {
        let who = self.direction.sender_name();
        let other = self.direction.reverse().sender_name();
        match self.main() {
            Limit::Handshake if connection.handshake.repeated => {
                "the handshake was repeated: its answer was lost".to_owned()
            }
            Limit::Handshake => "it was over before it had carried much".to_owned(),
            Limit::Application => {
                format!("the {who} had nothing to send: an application thought, waited or was slow")
            }
            Limit::ReceiverWindow => self.of_window(connection),
            Limit::DelayedAck => format!(
                "the {who} waited with a single segment out for acknowledgments that the {other} delayed (Nagle's algorithm)"
            ),
            Limit::SendBuffer => self.of_buffer(connection),
            Limit::Loss => self.of_loss(connection),
            Limit::Bottleneck => self.of_link(connection),
            Limit::SlowStart => {
                "it was over before the congestion window had opened as far as the path allows"
                    .to_owned()
            }
            Limit::CongestionWindow => format!(
                "the {who}'s congestion window, without a loss and without a queue on the path"
            ),
            Limit::Closing => "the last octets were on their way for most of it".to_owned(),
        }
    }

    /// A window of W octets allows W octets in a round trip (ANALYSIS.md 8.3).
    fn of_window(&self, connection: &Connection) -> String {
        let receiver = self.direction.reverse();
        let name = receiver.sender_name();
        let closed = connection.measured(receiver).windows.zero_nanos;
        if closed >= self.spent.on(Limit::ReceiverWindow) / 2 {
            return format!("the {name} closes its window: its application reads too slowly");
        }
        let offers = |way| connection.flow(way).offer;
        if !Direction::BOTH.iter().all(|&way| offers(way).known) {
            return format!("the {name}'s window has no room; its scale is not known");
        }
        let window = u64::from(connection.flow(receiver).windows.max);
        let allows = per_round_trip(connection, window);
        let mut words = format!(
            "the {name} offers up to {} of window{allows}",
            format::bytes(window)
        );
        let scales = Direction::BOTH
            .iter()
            .all(|&way| offers(way).window_scale.is_some());
        if window <= LARGEST_UNSCALED && !scales {
            words.push_str("; more needs the window scale option, which not both sides offered");
        }
        words
    }

    fn of_buffer(&self, connection: &Connection) -> String {
        let most = connection.measured(self.direction).max_in_flight;
        format!(
            "the {} never had more than {} under way, although the window had room{}; its send buffer or its application allows no more",
            self.direction.sender_name(),
            format::bytes(most),
            per_round_trip(connection, most)
        )
    }

    fn of_loss(&self, connection: &Connection) -> String {
        let flow = connection.flow(self.direction);
        if flow.counts.rare().retransmitted_bytes == 0 {
            return "a SYN was lost, and a timer had to run out".to_owned();
        }
        let repeats = u64::from(flow.retransmissions());
        format!(
            "{} of {} segments were sent again, which took time and made the congestion window smaller",
            format::count(repeats),
            format::count(flow.counts.data_packets.max(repeats))
        )
    }

    fn of_link(&self, connection: &Connection) -> String {
        let goodput = connection.goodput(self.direction).over_transfer;
        let rate = goodput.map_or(String::new(), |octets| {
            format!(
                ": {} got through on average",
                format::bit_rate(octets * 8.0)
            )
        });
        format!("the path's narrowest link was full{rate}")
    }
}

/// What so many octets in each round trip come to.
fn per_round_trip(connection: &Connection, octets: u64) -> String {
    let Some(nanos) = connection.round_trip().filter(|&nanos| nanos > 0) else {
        return String::new();
    };
    let rate = octets as f64 * 8.0 / seconds(nanos);
    format!(
        ": in round trips of {} no more than {}",
        format::duration(nanos),
        format::bit_rate(rate)
    )
}
