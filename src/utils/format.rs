//! Numbers, times and foreign text for people: every place that shows one uses these.

use super::time::{NANOS_PER_MILLI, NANOS_PER_SECOND, Timestamp};
use ::time::OffsetDateTime;
use std::borrow::Cow;

/// A number with three significant digits and a decimal unit prefix: `999`, `1.23 k`, `45.6 M`.
fn scaled(value: f64, unit: &str) -> String {
    const PREFIXES: [&str; 6] = ["", "k", "M", "G", "T", "P"];
    let mut value = value;
    let mut prefix = 0;
    while value.abs() >= 999.5 && prefix < PREFIXES.len() - 1 {
        value /= 1000.0;
        prefix += 1;
    }
    let digits = match value.abs() {
        _ if prefix == 0 => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {}{unit}", PREFIXES[prefix])
}

/// Octets in decimal units: `0 B`, `1.46 kB`, `2.00 GB`.
pub fn bytes(octets: u64) -> String {
    scaled(octets as f64, "B")
}

/// A rate in bits per second: `8.00 Mbit/s`.
pub fn bit_rate(bits_per_second: f64) -> String {
    scaled(bits_per_second, "bit/s")
}

/// A count with its thousands apart: `1 234 567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A count of things in words: `1 packet`, `1 234 packets`, `0 packets`.
pub fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// A count with the words for one and for any other number: `1 packet was`, `1 234 packets were`.
pub fn one_or_many(number: u64, one: &str, many: &str) -> String {
    let words = if number == 1 { one } else { many };
    format!("{} {words}", count(number))
}

/// A duration in nanoseconds with three significant digits: `250 ns`, `1.23 ms`, `4.56 s`, `2 min 03 s`, `3 h 04 min`.
pub fn duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let digits = |value: f64| match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    let small = |value: f64, unit: &str| format!("{sign}{value:.*} {unit}", digits(value));
    let seconds = nanos / NANOS_PER_SECOND as u64;
    match nanos {
        0..1_000 => format!("{sign}{nanos} ns"),
        1_000..999_500 => small(nanos as f64 / 1e3, "µs"),
        999_500..999_500_000 => small(nanos as f64 / 1e6, "ms"),
        999_500_000..120_000_000_000 => small(nanos as f64 / 1e9, "s"),
        _ if seconds < 7200 => format!("{sign}{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{sign}{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Milliseconds with two decimals, for columns of one unit.
pub fn millis(nanos: i64) -> String {
    format!("{:.2}", nanos as f64 / NANOS_PER_MILLI as f64)
}

/// Seconds with nine decimals, always: `12.345678000`. For grep and awk.
pub fn seconds(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (whole, rest) = (
        nanos.unsigned_abs() / NANOS_PER_SECOND as u64,
        nanos.unsigned_abs() % NANOS_PER_SECOND as u64,
    );
    format!("{sign}{whole}.{rest:09}")
}

/// Date and time to the nanosecond, in universal time: `2026-11-24 14:00:00.000000000 UTC`.
pub fn date_and_time(time: Timestamp) -> String {
    // Every timestamp lies in the years 1677 to 2262, which the type holds.
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(time.nanos()))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = moment.to_calendar_date();
    let (hour, minute, second, nanos) = moment.to_hms_nano();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{nanos:09} UTC")
}

/// Text from the network or a file with everything escaped that could steer a terminal: control characters and the marks that
/// turn the direction of writing.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| {
        if is_harmful(c) {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    Cow::Owned(text.chars().map(escape).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many() {
        let words = |number| one_or_many(number, "packet was", "packets were");
        assert_eq!(words(1), "1 packet was");
        assert_eq!(words(0), "0 packets were");
        assert_eq!(words(1234), "1 234 packets were");
    }

    #[test]
    fn amounts_have_three_digits() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1460), "1.46 kB");
        assert_eq!(bytes(999_999), "1.00 MB");
        assert_eq!(bytes(u64::MAX), "18447 PB");
        assert_eq!(bit_rate(12_345_678.0), "12.3 Mbit/s");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(count(123), "123");
        assert_eq!(counted(1, "packet"), "1 packet");
        assert_eq!(counted(1000, "packet"), "1 000 packets");
    }

    #[test]
    fn durations_pick_their_unit() {
        let cases = [
            (250, "250 ns"),
            (1_500, "1.50 µs"),
            (40_123_000, "40.1 ms"),
            (999_600_000, "1.00 s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(duration(nanos), text);
        }
        assert_eq!(duration(123 * NANOS_PER_SECOND), "2 min 03 s");
        assert_eq!(duration(10_000 * NANOS_PER_SECOND), "2 h 46 min");
        assert_eq!(duration(-2_000_000), "-2.00 ms");
    }

    #[test]
    fn seconds_for_scripts() {
        assert_eq!(seconds(12_345_678_000), "12.345678000");
        assert_eq!(seconds(1), "0.000000001");
        assert_eq!(seconds(-500_000_000), "-0.500000000");
    }

    #[test]
    fn dates_before_and_after_the_epoch() {
        assert_eq!(
            date_and_time(Timestamp::from_nanos(0)),
            "1970-01-01 00:00:00.000000000 UTC"
        );
        assert_eq!(
            date_and_time(Timestamp::from_parts(951_782_400, 1000)),
            "2000-02-29 00:00:00.000001000 UTC"
        );
        assert_eq!(
            date_and_time(Timestamp::from_parts(4_294_967_296, 0)),
            "2106-02-07 06:28:16.000000000 UTC"
        );
        assert_eq!(
            date_and_time(Timestamp::from_parts(-1, 0)),
            "1969-12-31 23:59:59.000000000 UTC"
        );
    }

    #[test]
    fn nothing_printable_steers_a_terminal() {
        assert_eq!(printable("eth0"), "eth0");
        assert_eq!(printable("a\x1b[2Jb\u{202e}"), "a\\u{1b}[2Jb\\u{202e}");
    }
}
