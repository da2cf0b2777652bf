//! A loss and its repair: from the first sign of it until all that was under way then is acknowledged (RFC 6582 §3.2). When it is over,
//! it shows what it was. A queue that overflowed drops much of a flight at once, or had made the round trip longer before; a link that
//! loses a segment now and then does neither; and where a timer had to run out, nothing got through at all.

use super::Limit;

/// A queue that overflows drops at least so many segments of a flight,
const BURST: i64 = 5;
/// and at least one in so many.
const ONE_IN: i64 = 10;

/// A loss that is being repaired.
#[derive(Clone, Debug, Default)]
pub struct Episode {
    /// It is over when this is acknowledged.
    pub until: i64,
    /// How long it took so far in nanoseconds.
    pub nanos: i64,
    repeats: u32,
    /// Segments that were under way when it began.
    flight: i64,
    has_begun: bool,
    was_queued: bool,
    had_timeout: bool,
}

impl Episode {
    /// One that somebody has waited for so long.
    pub fn waited(nanos: i64) -> Self {
        Self {
            nanos,
            ..Self::default()
        }
    }

    /// It took so much longer.
    pub fn add(&mut self, nanos: i64) {
        self.nanos = self.nanos.saturating_add(nanos);
    }

    /// The first sign of it: everything below `until` has been sent, `flight` segments are under way, and there was a queue or not.
    /// Later signs change nothing.
    pub fn begin(&mut self, until: i64, flight: i64, queued: bool) {
        if !self.has_begun {
            self.has_begun = true;
            (self.until, self.flight, self.was_queued) = (until, flight, queued);
        }
    }

    /// A segment is sent again.
    pub fn repeat(&mut self, timeout: bool) {
        self.repeats = self.repeats.saturating_add(1);
        self.had_timeout |= timeout;
    }

    /// Whether a queue overflowed.
    fn is_overflow(&self) -> bool {
        let repeats = i64::from(self.repeats);
        let burst = repeats >= BURST && repeats * ONE_IN >= self.flight;
        !self.had_timeout && (burst || self.was_queued)
    }
}

/// What was lost so far, and from what the congestion window has not recovered yet.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    repeats: u64,
    by_overflow: u64,
    /// Octets that were under way at the most before the window was cut; `None` once as many are again.
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
        self.cut_from = self.cut_from.max(Some(highest));
        Some(if is_overflow {
            Limit::Bottleneck
        } else {
            Limit::Loss
        })
    }

    /// A round is over in which `flight` octets were under way: what keeps the congestion window small, if it is a loss.
    pub fn after_round(&mut self, flight: i64) -> Option<Limit> {
        if self.cut_from.is_some_and(|before| flight >= before) {
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
