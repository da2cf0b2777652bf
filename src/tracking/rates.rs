//! Rates and sizes of a connection that follow from what its flows have counted (ANALYSIS.md 7).

use super::connection::{Connection, Ending};
use super::direction::Direction;
use crate::utils::time::seconds;
use std::ops::Range;

/// Octets that were never captured although later ones were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Where they stand in the sender's stream; data begin at 1.
    pub range: Range<i64>,
    /// Whether the receiver acknowledged them: then the capture lost them, not the network.
    pub acknowledged: bool,
    /// The frame behind them.
    pub before_frame: u64,
}

/// A rate in octets per second over three time bases (ANALYSIS.md 7.1); `None` where no time passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Over the connection, first to last packet.
    pub over_connection: Option<f64>,
    /// From the first to the last data packet of the direction.
    pub over_transfer: Option<f64>,
    /// Over the time in which something was under way.
    pub over_active_time: Option<f64>,
}

impl Connection {
    /// Octets of a direction that arrived: what the receiver acknowledged; the octets captured, if it never did.
    pub fn delivered(&self, direction: Direction) -> u64 {
        let flow = self.flow(direction);
        let Some(acknowledged) = flow.stream.acknowledged.get() else {
            return self.measured(direction).unique_bytes;
        };
        let end = match flow.stream.fin.get() {
            Some(fin) => acknowledged.min(fin),
            None => acknowledged,
        };
        end.saturating_sub(1).max(0).unsigned_abs()
    }

    /// Octets delivered per second.
    pub fn goodput(&self, direction: Direction) -> Rates {
        self.rates(direction, self.delivered(direction))
    }

    /// Octets of payload sent per second, repeats included.
    pub fn throughputs(&self, direction: Direction) -> Rates {
        self.rates(direction, self.flow(direction).counts.payload_bytes)
    }

    fn rates(&self, direction: Direction, octets: u64) -> Rates {
        let per_second = |nanos: i64| {
            (nanos > 0)
                .then(|| octets as f64 / seconds(nanos))
                .filter(|_| octets > 0)
        };
        Rates {
            over_connection: per_second(self.duration()),
            over_transfer: per_second(self.transfer_time(direction)),
            over_active_time: per_second(self.active_time()),
        }
    }

    /// Nanoseconds from the first to the last data packet of a direction.
    pub fn transfer_time(&self, direction: Direction) -> i64 {
        let flow = self.flow(direction);
        match (flow.first_data.get(), flow.last_data.get()) {
            (Some(first), Some(last)) => last.since(first).max(0),
            _ => 0,
        }
    }

    /// Nanoseconds in which something was under way: the duration without the idle time.
    pub fn active_time(&self) -> i64 {
        let [to_server, to_client] = Direction::BOTH.map(|way| self.measured(way).idle);
        let idle = to_server.saturating_add(to_client);
        self.duration().saturating_sub(idle).max(0)
    }

    /// The size of full segments: the most frequent one among the large; for small transfers the largest. 0 without data.
    pub fn effective_mss(&self, direction: Direction) -> u32 {
        let measured = self
            .measured(direction)
            .details
            .as_ref()
            .and_then(|details| details.full_size());
        measured.unwrap_or(self.flow(direction).counts.largest_payload)
    }

    /// The length of a direction's stream in octets of data, if both its ends were captured.
    pub fn stream_length(&self, direction: Direction) -> Option<u64> {
        let flow = self.flow(direction);
        let fin = flow.stream.fin.get().filter(|_| flow.counts.syn > 0)?;
        Some((fin - 1).max(0).unsigned_abs())
    }

    /// The ranges of octets of a direction that were never captured, lowest first.
    pub fn missing(&self, direction: Direction) -> impl Iterator<Item = Missing> + '_ {
        self.flow(direction)
            .stream
            .holes()
            .iter()
            .map(|hole| Missing {
                range: hole.range(),
                acknowledged: hole.acknowledged,
                before_frame: hole.frame,
            })
    }

    /// Whether both the opening and the closing of both directions were captured.
    pub fn is_complete(&self) -> bool {
        self.flows
            .0
            .iter()
            .all(|flow| flow.counts.syn > 0 && flow.counts.fin > 0)
    }

    /// Zeek's code for how far it got.
    pub fn conn_state(&self) -> &'static str {
        let has_payload = self
            .flows
            .0
            .iter()
            .any(|flow| flow.counts.payload_bytes > 0);
        self.measurements().zeek.conn_state(has_payload)
    }
}

impl Ending {
    /// In words that stand in every machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Ending::Finished(_) => "finished",
            Ending::Reset(_) => "reset",
            Ending::Refused => "refused",
            Ending::HandshakeAborted(_) => "handshake_aborted",
            Ending::FinishedThenReset(_) => "finished_then_reset",
        }
    }

    /// Who brought it about: who sent the first FIN, or the RST.
    pub const fn by(self) -> Direction {
        match self {
            Ending::Finished(by)
            | Ending::Reset(by)
            | Ending::HandshakeAborted(by)
            | Ending::FinishedThenReset(by) => by,
            Ending::Refused => Direction::ToClient,
        }
    }
}
