//! What held a sender back: each cause with its share of the time.

use crate::tracking::limits::{Limit, Spent};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// The shares, as keys with numbers from 0 to 1, in the order of a connection's life.
pub struct LimitsPart(Spent);

impl LimitsPart {
    /// Those of time that was spent so.
    pub const fn of(spent: &Spent) -> Self {
        Self(*spent)
    }
}

impl Serialize for LimitsPart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for limit in Limit::ALL {
            if self.0.on(limit) > 0 {
                // Four decimals: a share is an estimate.
                let share = (self.0.share(limit) * 1e4).round() / 1e4;
                map.serialize_entry(limit.name(), &share)?;
            }
        }
        map.end()
    }
}
