//! A loss and its repair: from the first sign of it until all that was under way then is acknowledged (RFC 6582 §3.2). When it is over,
//! it shows what it was. A queue that overflowed drops much of a flight at once, or had made the round trip longer before; a link that
//! loses a segment now and then does neither; and where a timer had to run out, nothing got through at all.

use super::Limit;

/// A queue that overflows drops at least so many segments of a flight,
const BURST: i64 = 5;
/// and at least one in so many.
const ONE_IN: i64 = 10;

/// A loss that is being repaired.
#[derive(Clone, Debug)]
pub struct Episode {
    /// It is over when this is acknowledged.
    pub until: i64,
    /// Octets that were under way when it began, and those of a full segment.
    flight: i64,
    size: i64,
    /// Whether the round trip had grown.
    was_queued: bool,
    /// How long it took so far in nanoseconds.
    pub nanos: i64,
    repeats: u32,
    had_timeout: bool,
    /// Whether a repeat was of octets that the receiver was not known to have.
    had_need: bool,
}

impl Episode {
    /// One that is over when `until` is acknowledged. `flight` octets are under way, in segments of `size`; `was_queued` says whether the
    /// round trip had grown.
    pub const fn begin(until: i64, flight: i64, size: i64, was_queued: bool) -> Self {
        Self {
            until,
            flight,
            size,
            was_queued,
            nanos: 0,
            repeats: 0,
            had_timeout: false,
            had_need: false,
        }
    }

    /// It took so much longer.
    pub fn add(&mut self, nanos: i64) {
        self.nanos = self.nanos.saturating_add(nanos);
    }

    /// A segment is sent again: after a timeout or not, and without need or with it.
    pub fn repeat(&mut self, timeout: bool, needless: bool) {
        self.repeats = self.repeats.saturating_add(1);
        self.had_timeout |= timeout;
        self.had_need |= !needless;
    }

    /// Whether a queue overflowed.
    fn is_overflow(&self) -> bool {
        let repeats = i64::from(self.repeats);
        let burst = repeats >= BURST && repeats * ONE_IN >= self.flight / self.size.max(1);
        !self.had_timeout && (burst || self.was_queued)
    }
}

/// What was lost so far, and from what the congestion window has not recovered yet.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    repeats: u64,
    by_overflow: u64,
    /// Octets that were under way at the most before the window was cut; `None` once nearly as many are again.
    cut_from: Option<i64>,
}

impl Losses {
    /// Takes note of an episode that is over, before which up to `highest` octets were under way: what its time goes to, or `None` if
    /// nothing was repaired.
    pub fn note(&mut self, episode: &Episode, highest: i64) -> Option<Limit> {
        if episode.repeats == 0 {
            return None;
        }
        let repeats = u64::from(episode.repeats);
        let is_overflow = episode.is_overflow();
        self.repeats = self.repeats.saturating_add(repeats);
        if is_overflow {
            self.by_overflow = self.by_overflow.saturating_add(repeats);
        }
        if episode.had_need {
            self.cut_from = self.cut_from.max(Some(highest));
        }
        Some(if is_overflow {
            Limit::Bottleneck
        } else {
            Limit::Loss
        })
    }

    /// A round is over in which `flight` octets were under way: what keeps the congestion window small, if it is a loss.
    pub fn after_round(&mut self, flight: i64) -> Option<Limit> {
        if self
            .cut_from
            .is_some_and(|before| flight >= before / 10 * 9)
        {
            self.cut_from = None;
        }
        self.cut_from?;
        Some(if self.by_overflow > self.repeats / 2 {
            Limit::Bottleneck
        } else {
            Limit::Loss
        })
    }
}
