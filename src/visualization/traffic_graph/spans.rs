//! Equal spans of time, over which a graph sums.

use super::Traffic;
use crate::utils::time::{NANOS_PER_SECOND, Timestamp, seconds};
use crate::visualization::series::Bins;

/// Spans of time that a graph has at most.
const MOST_SPANS: f64 = 240.0;

/// Equal spans of time, over which everything is summed.
pub struct Spans {
    /// The capture's first moment.
    pub begin: Timestamp,
    /// Where the first span begins.
    pub from: Timestamp,
    /// Nanoseconds of a span: a round time.
    pub width: i64,
    /// How many.
    pub number: usize,
}

impl Spans {
    /// Spans that suit the length of what was collected.
    pub fn of(traffic: &Traffic) -> Self {
        let begin = traffic.begin;
        let (first, last) = (
            traffic.first.unwrap_or(begin),
            traffic.last.unwrap_or(begin),
        );
        let least = (last.since(first).max(0) as f64 / MOST_SPANS).max(1e6) as i64;
        let width = traffic.bytes.width_from(least);
        // Spans lie over the bins, wherever the graph begins.
        let before = first.since(begin).max(0) / width * width;
        let from = begin.plus(before);
        Self {
            begin,
            from,
            width,
            number: (last.since(from).max(0) / width + 1) as usize,
        }
    }

    /// Per second, span by span.
    pub fn rates(&self, bins: &Bins) -> Vec<f64> {
        let per_second = NANOS_PER_SECOND as f64 / self.width as f64;
        let sums = bins.spread(self.from, self.width, self.number);
        sums.iter().map(|sum| sum * per_second).collect()
    }

    /// Where a span begins, in seconds of the capture.
    pub fn left(&self, at: usize) -> f64 {
        seconds(self.from.since(self.begin)) + at as f64 * seconds(self.width)
    }

    /// All of them, in seconds of the capture.
    pub fn times(&self) -> std::ops::Range<f64> {
        self.left(0)..self.left(self.number)
    }

    /// The outline of bars over the spans.
    pub fn steps<'a>(&'a self, rates: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
        rates
            .iter()
            .enumerate()
            .flat_map(|(at, &rate)| [(self.left(at), rate), (self.left(at + 1), rate)])
    }
}
