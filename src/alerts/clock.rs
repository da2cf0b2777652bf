//! The time that windows slide by: the capture's, made to run forward only.

use crate::utils::time::{NANOS_PER_SECOND, Timestamp};

/// Steps back by more than this are a clock that was set back; smaller ones are packets that changed places.
const SET_BACK: i64 = NANOS_PER_SECOND;

/// Where and when something was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds on the forward-running clock of the windows.
    pub now: i64,
    /// The frame.
    pub frame: u64,
    /// The time that the frame carries.
    pub time: Timestamp,
}

/// A clock that stands still while the capture's time runs backwards, and goes on from there when that was set back, so that
/// windows slide in captures with broken clocks, too.
#[derive(Clone, Debug, Default)]
pub struct CaptureClock {
    latest: Option<Timestamp>,
    now: i64,
}

impl CaptureClock {
    /// Takes in the time of a packet and returns the time of the clock, in nanoseconds since the first packet.
    pub fn advance(&mut self, time: Timestamp) -> i64 {
        let step = time.since(self.latest.unwrap_or(time));
        if step >= 0 {
            self.now = self.now.saturating_add(step);
        }
        let is_overtaken = (-SET_BACK..0).contains(&step);
        if !is_overtaken {
            self.latest = Some(time);
        }
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_runs_back_and_goes_on_after_a_jump() {
        let mut clock = CaptureClock::default();
        let mut at = |seconds: f64| {
            clock.advance(Timestamp::from_nanos((seconds * 1e9) as i64)) as f64 / 1e9
        };
        assert_eq!((at(100.0), at(101.0), at(100.5)), (0.0, 1.0, 1.0));
        assert_eq!(at(102.0), 2.0);
        assert_eq!((at(10.0), at(11.5)), (2.0, 3.5));
    }
}
