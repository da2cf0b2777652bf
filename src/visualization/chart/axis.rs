//! Where the marks of an axis stand and what is written there: round numbers, round times of the clock.

use crate::utils::format;
use crate::utils::time::{NANOS_PER_SECOND, Timestamp};

/// What an axis measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Octets.
    Bytes,
    /// Bits per second.
    BitRate,
    /// Nanoseconds of waiting.
    Duration,
    /// Something per second.
    Rate,
}

impl Quantity {
    fn label(self, value: f64) -> String {
        match self {
            Quantity::Bytes => short(value, "B"),
            Quantity::BitRate => short(value, "bit/s"),
            Quantity::Duration => short_duration(value),
            Quantity::Rate => short(value, "/s"),
        }
    }
}

/// A number in as few digits as it needs, with a unit: `1.5 MB`, `0`.
fn short(value: f64, unit: &str) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let prefixes = ["", "k", "M", "G", "T", "P"];
    let steps = prefixes.len() - 1;
    let at = ((value.abs().log10() + 1e-9) / 3.0)
        .floor()
        .clamp(0.0, steps as f64);
    let scaled = value / 1000f64.powf(at);
    let blank = if unit.starts_with('/') && at == 0.0 {
        ""
    } else {
        " "
    };
    format!("{}{blank}{}{unit}", trimmed(scaled), prefixes[at as usize])
}

fn short_duration(nanos: f64) -> String {
    let (divisor, unit) = match nanos.abs() {
        0.0 => return "0".to_owned(),
        n if n < 1e6 => (1e3, "µs"),
        n if n < 1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    format!("{} {unit}", trimmed(nanos / divisor))
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A place on an axis and what is written there.
pub type Tick = (f64, String);

/// Round values within a range, about `number` of them, with their labels.
pub fn value_ticks(low: f64, high: f64, number: usize, quantity: Quantity) -> Vec<Tick> {
    // Where the round step for so many would leave one label alone, there is room for more: a scale needs two.
    let values = (number.max(1)..=number.max(1) * 4).map(|number| {
        multiples(low, high, round_step((high - low) / number as f64)).collect::<Vec<_>>()
    });
    let enough = |values: &Vec<f64>| values.len() > 2 || values.len() == 2 && number < 2;
    let mut last = Vec::new();
    for values in values {
        last = values;
        if enough(&last) {
            break;
        }
    }
    // There are no fractions of bytes, and none below zero.
    let is_possible =
        |value: &f64| quantity != Quantity::Bytes || (value.fract() == 0.0 && *value >= 0.0);
    last.into_iter()
        .filter(is_possible)
        .map(|value| (value, quantity.label(value)))
        .collect()
}

/// 1, 2 or 5 times a power of ten, not below `least`.
fn round_step(least: f64) -> f64 {
    if !least.is_finite() || least <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= least * (1.0 - 1e-9))
        .unwrap_or(10.0);
    factor * power
}

fn multiples(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = (low / step - 1e-6).ceil();
    let last = (high / step + 1e-6).floor();
    // More than any axis has: a guard against steps too small for a double to count.
    let number = ((last - first).max(-1.0) + 1.0).min(1000.0) as usize;
    (0..number).map(move |at| (first + at as f64) * step)
}

/// Steps of the clock in seconds, from a second up.
const CLOCK_STEPS: [f64; 17] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
    10_800.0, 21_600.0, 43_200.0,
];
const DAY: f64 = 86_400.0;

fn time_step(least: f64) -> f64 {
    if least <= 0.5 {
        return round_step(least);
    }
    CLOCK_STEPS
        .into_iter()
        .find(|&step| step >= least)
        .unwrap_or_else(|| (least / DAY).ceil().max(1.0) * DAY)
}

/// Round seconds of the capture within a range, about `number` of them: `0.25 s`, and from two minutes on `1:30` or `2:00:00`.
pub fn time_ticks(low: f64, high: f64, number: usize) -> Vec<Tick> {
    let step = time_step((high - low) / number.max(1) as f64);
    let clock = high >= 120.0 && step >= 1.0;
    let digits = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    multiples(low, high, step)
        .map(|seconds| {
            let label = if clock {
                clock_time(seconds)
            } else {
                // Minus zero is zero.
                format!("{:.digits$} s", seconds + 0.0)
            };
            (seconds, label)
        })
        .collect()
}

fn clock_time(seconds: f64) -> String {
    let whole = seconds.round() as i64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

/// Round moments of universal time within a range of seconds behind `start`, about `number` of them, with their labels: the time
/// of day, and with the date where a day begins or the first label stands.
pub fn moment_ticks(start: Timestamp, low: f64, high: f64, number: usize) -> Vec<Tick> {
    let step = time_step((high - low) / number.max(1) as f64);
    let begin = start.nanos() as f64 / NANOS_PER_SECOND as f64;
    // Whole seconds and the rest apart: a double cannot count microseconds since 1970.
    let whole = begin.floor();
    let into = (start.nanos().rem_euclid(NANOS_PER_SECOND)) as f64 / 1e9;
    let base = if step >= 1.0 {
        whole.rem_euclid(step.max(DAY))
    } else {
        0.0
    };
    let digits = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    multiples(low + into + base, high + into + base, step)
        .map(|at| {
            let seconds = at - base - into;
            let moment = start.plus((seconds * 1e9).round() as i64);
            (seconds, time_of_day(moment, digits, step >= DAY))
        })
        .collect()
}

fn time_of_day(moment: Timestamp, digits: usize, days: bool) -> String {
    let text = format::date_and_time(moment);
    if days {
        return text[..10].to_owned();
    }
    let end = if digits == 0 {
        19
    } else {
        (20 + digits).min(29)
    };
    text.get(11..end).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn values_are_round() {
        let ticks = value_ticks(0.0, 2_100_000.0, 5, Quantity::Bytes);
        assert_eq!(labels(&ticks), ["0", "500 kB", "1 MB", "1.5 MB", "2 MB"]);
        let ticks = value_ticks(0.0, 41e6, 4, Quantity::Duration);
        assert_eq!(labels(&ticks), ["0", "20 ms", "40 ms"]);
        assert_eq!(
            labels(&value_ticks(0.0, 1.9, 1, Quantity::Bytes)),
            ["0", "1 B"]
        );
        assert_eq!(
            labels(&value_ticks(0.0, 1e3, 2, Quantity::Rate)),
            ["0", "500/s", "1 k/s"]
        );
        assert_eq!(
            labels(&value_ticks(0.0, 2e9, 2, Quantity::BitRate)),
            ["0", "1 Gbit/s", "2 Gbit/s"]
        );
    }

    #[test]
    fn times_are_round_from_microseconds_to_days() {
        assert_eq!(
            labels(&time_ticks(0.0, 1.4, 6)),
            ["0.0 s", "0.5 s", "1.0 s"]
        );
        assert_eq!(
            labels(&time_ticks(0.0, 20e-6, 2)),
            ["0.00000 s", "0.00001 s", "0.00002 s"]
        );
        assert_eq!(
            labels(&time_ticks(0.0, 300.0, 5)),
            ["0:00", "1:00", "2:00", "3:00", "4:00", "5:00"]
        );
        assert_eq!(time_ticks(0.0, 86_400.0, 8).last().unwrap().1, "24:00:00");
        assert!(time_ticks(0.0, 0.0, 8).len() <= 1);
        assert!(time_ticks(0.0, 9e9, 8).len() <= 9);
    }

    #[test]
    fn moments_are_round_on_the_clock() {
        let start = Timestamp::from_parts(951_782_397, 500_000_000);
        let ticks = moment_ticks(start, 0.0, 10.0, 5);
        assert_eq!(
            labels(&ticks),
            ["23:59:58", "00:00:00", "00:00:02", "00:00:04", "00:00:06"]
        );
        assert!((ticks[0].0 - 0.5).abs() < 1e-6);
        assert_eq!(
            labels(&moment_ticks(start, 0.0, 0.4, 2)),
            ["23:59:57.6", "23:59:57.8"]
        );
    }

    #[test]
    fn nonsense_gives_few_ticks() {
        for (low, high) in [
            (0.0, f64::INFINITY),
            (f64::NAN, 1.0),
            (5.0, -5.0),
            (1e18, 1e18 + 1.0),
        ] {
            assert!(value_ticks(low, high, 5, Quantity::Bytes).len() <= 1000);
            assert!(time_ticks(low, high, 5).len() <= 1000);
        }
    }
}
