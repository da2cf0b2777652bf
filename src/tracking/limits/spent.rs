//! The causes, and the time that each took.

/// What can hold a sender back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The connection was not open yet.
    Handshake,
    /// There was nothing to send: an application thought, waited for the other side, or was slow to deliver.
    Application,
    /// The receiver's window had no room for another segment.
    ReceiverWindow,
    /// The sender waited for the acknowledgment of a single segment that the receiver held back (RFC 9293 §3.7.4, §3.8.6.3).
    DelayedAck,
    /// As much as ever was under way, below the receiver's window and without loss: more does not fit into the sender's buffer, or
    /// the application allows itself no more.
    SendBuffer,
    /// Octets were lost and repaired, or the congestion window had not recovered from that.
    Loss,
    /// The narrowest link of the path was full: segments arrived at its rate, a queue stood before it, or it overflowed.
    Bottleneck,
    /// The congestion window was still opening (RFC 5681 §3.1).
    SlowStart,
    /// The congestion window, although nothing was lost.
    CongestionWindow,
    /// Everything was sent, and the last of it on its way.
    Closing,
}

impl Limit {
    /// All of them, in the order of a connection's life.
    pub const ALL: [Limit; 10] = [
        Limit::Handshake,
        Limit::Application,
        Limit::ReceiverWindow,
        Limit::DelayedAck,
        Limit::SendBuffer,
        Limit::Loss,
        Limit::Bottleneck,
        Limit::SlowStart,
        Limit::CongestionWindow,
        Limit::Closing,
    ];

    /// In a word that stands in every machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Limit::Handshake => "handshake",
            Limit::Application => "application",
            Limit::ReceiverWindow => "receiver_window",
            Limit::DelayedAck => "delayed_ack",
            Limit::SendBuffer => "send_buffer",
            Limit::Loss => "loss",
            Limit::Bottleneck => "bottleneck",
            Limit::SlowStart => "slow_start",
            Limit::CongestionWindow => "congestion_window",
            Limit::Closing => "closing",
        }
    }
}

/// Nanoseconds by what held the sender back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent([i64; Limit::ALL.len()]);

impl Spent {
    /// Nanoseconds that one cause took; at least 0.
    pub const fn on(&self, limit: Limit) -> i64 {
        self.0[limit as usize]
    }

    /// All of it.
    pub fn total(&self) -> i64 {
        self.0
            .iter()
            .fold(0, |sum: i64, nanos| sum.saturating_add(*nanos))
    }

    /// The part of the whole that one cause took, 0 to 1; 0 where no time passed.
    pub fn share(&self, limit: Limit) -> f64 {
        match self.total() {
            0 => 0.0,
            total => self.on(limit) as f64 / total as f64,
        }
    }

    /// So many nanoseconds more for one cause; fewer than 0 count for none.
    pub(super) fn add(&mut self, limit: Limit, nanos: i64) {
        let sum = &mut self.0[limit as usize];
        *sum = sum.saturating_add(nanos.max(0));
    }

    /// What was taken for one thing was another.
    pub(super) fn take_back(&mut self, from: Limit, to: Limit, nanos: i64) {
        let nanos = nanos.clamp(0, self.on(from));
        self.0[from as usize] -= nanos;
        self.add(to, nanos);
    }
}
