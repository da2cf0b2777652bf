//! `--stats`: what a run cost, on standard error behind the report: connections, memory, time. For those who measure, and for
//! those who choose `--max-connections`.

use crate::tracking::connection_tracker::TrackerMemory;
use crate::utils::format;
use std::time::Duration;

/// What a run cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// How many connections there were.
    pub connections: u64,
    /// Those that left because of the limit.
    pub evicted: u64,
    /// Where the memory of the tracking is.
    pub memory: TrackerMemory,
    /// Packets that passed the selection.
    pub packets: u64,
    /// From the first packet that was asked for to the last that was tracked.
    pub elapsed: Duration,
    /// Processor time of reading, selecting, saving and decoding; `None` where the system does not tell.
    pub reading: Option<Duration>,
    /// Processor time of tracking and showing.
    pub tracking: Option<Duration>,
}

impl Stats {
    /// Prints it on standard error. Call it at the end: the peak of the whole process is looked up here.
    pub fn print(&self) {
        for line in self.lines(peak_resident_bytes()) {
            eprintln!("tcp-monitor: {line}");
        }
    }

    fn lines(&self, peak_resident: Option<u64>) -> [String; 3] {
        let memory = self.memory;
        let kept = memory.kept as u64;
        let per_connection = |bytes: usize| (bytes as u64).checked_div(kept).unwrap_or(0);
        let resident = peak_resident.map_or_else(String::new, |bytes| {
            format!("; {} at the peak of the whole process", mebibytes(bytes))
        });
        let part = |time: Option<Duration>| {
            time.map_or_else(
                || "?".to_owned(),
                |time| format!("{:.3} s", time.as_secs_f64()),
            )
        };
        let seconds = self.elapsed.as_secs_f64();
        let rate = if seconds > 0.0 {
            (self.packets as f64 / seconds) as u64
        } else {
            0
        };
        [
            format!(
                "connections: {} kept, {} of them over, {} at the peak, {} evicted, {} in all",
                format::count(kept),
                format::count(memory.over as u64),
                format::count(memory.peak as u64),
                format::count(self.evicted),
                format::count(self.connections)
            ),
            format!(
                "memory: {} bytes per kept connection ({} of itself, {} for the index, {} on average beside it); tables and the log of transmissions hold {}{resident}",
                per_connection(memory.connections + memory.index + memory.beside),
                per_connection(memory.connections),
                per_connection(memory.index),
                per_connection(memory.beside),
                mebibytes((memory.reserved + memory.log) as u64),
            ),
            format!(
                "time: {seconds:.3} s; of processors, reading {} and tracking {}; {} packets per second",
                part(self.reading),
                part(self.tracking),
                format::count(rate)
            ),
        ]
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

/// The most memory the process has had, as Linux counts it.
fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Processor time of the thread that asks, as Linux counts it.
pub fn time_of_thread() -> Option<Duration> {
    let figures = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = figures.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_kept_divides_by_nothing() {
        let [connections, memory, time] = Stats::default().lines(None);
        assert_eq!(
            connections,
            "connections: 0 kept, 0 of them over, 0 at the peak, 0 evicted, 0 in all"
        );
        assert!(memory.contains(" 0 bytes per kept connection") && !memory.contains("process"));
        assert!(
            time.ends_with("reading ? and tracking ?; 0 packets per second"),
            "{time}"
        );
    }

    #[test]
    fn each_figure_stands_in_its_place() {
        let stats = Stats {
            connections: 12,
            evicted: 2,
            memory: TrackerMemory {
                kept: 10,
                over: 4,
                peak: 11,
                connections: 4000,
                index: 100,
                beside: 900,
                reserved: 1 << 20,
                log: 1 << 19,
            },
            packets: 500,
            elapsed: Duration::from_millis(250),
            reading: Some(Duration::from_millis(100)),
            tracking: Some(Duration::from_millis(200)),
        };
        let [connections, memory, time] = stats.lines(Some(3 << 20));
        assert_eq!(
            connections,
            "connections: 10 kept, 4 of them over, 11 at the peak, 2 evicted, 12 in all"
        );
        assert_eq!(
            memory,
            "memory: 500 bytes per kept connection (400 of itself, 10 for the index, 90 on average beside it); tables and the log of transmissions hold 1.5 MiB; 3.0 MiB at the peak of the whole process"
        );
        assert!(
            time.contains("reading 0.100 s and tracking 0.200 s"),
            "{time}"
        );
        assert!(time.contains("000 packets per second"), "{time}");
    }
}
