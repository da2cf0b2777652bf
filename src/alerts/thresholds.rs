//! When alerts are raised: the numbers of `thresholds.toml`, the one place where they stand, overlaid by what a user's file
//! says. A key that does not exist there is a mistake, and the message names it.

use serde::Deserialize;
use toml::{Table, Value};

/// The defaults with a sentence on each, as `--explain-alerts` prints them.
pub const DEFAULTS: &str = include_str!("thresholds.toml");

/// The most that a count may be: sets of that many are kept per source.
const MAX_COUNT: i64 = 1_000_000;
/// The most seconds that a window may have: a week.
const MAX_SECONDS: f64 = 604_800.0;
/// The most ports or hosts that are told apart before an alert.
const MAX_DISTINCT: i64 = 4096;

/// Nanoseconds of the seconds in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "f64")]
pub struct Nanos(pub i64);

impl From<f64> for Nanos {
    fn from(seconds: f64) -> Self {
        Self((seconds * 1e9) as i64)
    }
}

macro_rules! thresholds {
    ($($rule:ident $type:ident { $($key:ident: $kind:ty),* })*) => {
        /// All thresholds; what each means stands in `thresholds.toml`.
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[allow(missing_docs, reason = "thresholds.toml explains every key")]
        pub struct Thresholds { $(pub $rule: $type,)* }
        $(
            #[doc = concat!("Thresholds of the rule `", stringify!($rule), "`.")]
            #[derive(Clone, Debug, PartialEq, Deserialize)]
            #[allow(missing_docs, reason = "thresholds.toml explains every key")]
            pub struct $type { pub enabled: bool, pub seconds: Nanos, $(pub $key: $kind,)* }
        )*
    };
}

thresholds! {
    syn_flood SynFlood { syns_per_second: u32, half_open: u32, completed_share: f64 }
    half_open HalfOpen { handshakes: u32, open_share: f64, share_from: u32, patience_seconds: Nanos }
    port_scan PortScan { ports: usize, stealth_ports: usize, stealth_seconds: Nanos, patience_seconds: Nanos }
    host_sweep HostSweep { hosts: usize, stealth_hosts: usize, stealth_seconds: Nanos }
    rst_storm RstStorm { resets: u32, connections_share: f64 }
    ack_storm AckStorm { acks: u32 }
    retransmission_storm RetransmissionStorm { repeated_share: f64, segments: u64, repeats: u16 }
    zero_window_stall ZeroWindowStall {}
    arp_conflict ArpConflict { conflicts: u32 }
    ttl_change TtlChange { resets: u32, hops: u8 }
    bad_flags BadFlags { packets: u32 }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self::read("").expect("thresholds.toml holds every key")
    }
}

impl Thresholds {
    /// The defaults with what a file's text says instead; otherwise what is wrong with it, in a sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut all: Table = DEFAULTS.parse().map_err(|error| format!("{error}"))?;
        let own: Table = text
            .parse()
            .map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
        for (rule, keys) in own {
            let Some(Value::Table(known)) = all.get_mut(&rule) else {
                return Err(format!("unknown key '{rule}'; {SEE}"));
            };
            let Value::Table(keys) = keys else {
                return Err(format!(
                    "'{rule}' is a section: write [{rule}] on a line of its own"
                ));
            };
            for (key, value) in keys {
                let name = format!("{rule}.{key}");
                let Some(default) = known.get_mut(&key) else {
                    return Err(format!("unknown key '{name}'; {SEE}"));
                };
                *default = checked(&name, default, value)?;
            }
        }
        all.try_into().map_err(|error| format!("{error}"))
    }
}

const SEE: &str = "--explain-alerts prints those that there are";

/// A value as its user wrote it, or what it is.
fn in_words(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        other => format!("a value of the type {}", other.type_str()),
    }
}

/// A value that may stand in place of the default.
fn checked(name: &str, default: &Value, value: Value) -> Result<Value, String> {
    let wanted = |what: &str| Err(format!("'{name}' wants {what}, not {}", in_words(&value)));
    match (default, &value) {
        (Value::Boolean(_), Value::Boolean(_)) => Ok(value),
        (Value::Boolean(_), _) => wanted("true or false"),
        (Value::Integer(_), _) => {
            let most = match name.rsplit('.').next() {
                Some("ports" | "hosts" | "stealth_ports" | "stealth_hosts") => MAX_DISTINCT,
                Some("hops") => 255,
                Some("repeats") => 60_000,
                _ => MAX_COUNT,
            };
            match value.as_integer() {
                Some(number) if (1..=most).contains(&number) => Ok(value),
                _ => wanted(&format!("a whole number from 1 to {most}")),
            }
        }
        _ => {
            let number = value
                .as_float()
                .or(value.as_integer().map(|number| number as f64));
            let (most, what) = if name.ends_with("share") {
                (1.0, "a share above 0 and up to 1".to_owned())
            } else {
                (
                    MAX_SECONDS,
                    format!("seconds, above 0 and up to {MAX_SECONDS}"),
                )
            };
            match number {
                Some(number) if number > 0.0 && number <= most => Ok(Value::Float(number)),
                _ => wanted(&what),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::rule::ROWS;

    #[test]
    fn the_defaults_have_a_section_per_rule_in_order() {
        let table: Table = DEFAULTS.parse().unwrap();
        assert_eq!(table.len(), ROWS.len());
        let mut at = 0;
        for row in ROWS {
            let found = DEFAULTS
                .find(&format!("\n[{}]\n", row.name))
                .expect(row.name);
            assert!(found > at);
            at = found;
        }
        assert_eq!(Thresholds::default().port_scan.ports, 15);
        assert_eq!(Thresholds::read(DEFAULTS), Ok(Thresholds::default()));
    }

    #[test]
    fn a_file_changes_what_it_names() {
        let read =
            Thresholds::read("[port_scan]\nports = 3\nseconds = 60\n[bad_flags]\nenabled = false")
                .unwrap();
        assert_eq!(
            (read.port_scan.ports, read.port_scan.seconds),
            (3, Nanos(60_000_000_000))
        );
        assert!(!read.bad_flags.enabled && read.ack_storm.enabled);
        assert_eq!(read.host_sweep, Thresholds::default().host_sweep);
    }

    #[test]
    fn mistakes_name_the_key() {
        for (text, part) in [
            ("[port_scans]\nports = 3", "unknown key 'port_scans'"),
            ("[port_scan]\nport = 3", "unknown key 'port_scan.port'"),
            ("port_scan = 3", "[port_scan]"),
            (
                "[port_scan]\nports = 0",
                "'port_scan.ports' wants a whole number from 1 to 4096, not 0",
            ),
            ("[port_scan]\nports = \"x\"", "'port_scan.ports' wants"),
            (
                "[port_scan]\nseconds = -1",
                "'port_scan.seconds' wants seconds",
            ),
            (
                "[syn_flood]\ncompleted_share = 1.5",
                "share above 0 and up to 1",
            ),
            ("[ttl_change]\nhops = 256", "from 1 to 255"),
            ("[bad_flags]\nenabled = 1", "true or false"),
            ("[port_scan\n", "line 1"),
        ] {
            let error = Thresholds::read(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
