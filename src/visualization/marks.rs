//! What is marked on a graph by itself: a retransmission, a zero window, a SYN. A mark is never lost: where there are more than
//! can be drawn apart, those that would fall onto the same spot become one that counts them.

use crate::tracking::verdict::Cause;
use crate::utils::time::Timestamp;

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// Octets selectively acknowledged.
    Sack,
    /// A duplicate ACK.
    DuplicateAck,
    /// Sent again, for this cause.
    Retransmission(Cause),
    /// Sent again needlessly: the receiver had it.
    Spurious,
    /// A first transmission that others overtook.
    Reordered,
    /// A second copy of one transmission.
    Duplicate,
    /// The receiver has no room.
    ZeroWindow,
    /// A probe of a closed window.
    WindowProbe,
    /// A keep-alive.
    KeepAlive,
    /// A packet marked by a router on its way.
    CongestionExperienced,
    /// The receiver tells of such a mark.
    EcnEcho,
    /// The sender reduced its congestion window.
    WindowReduced,
    /// A SYN of this side.
    Syn,
    /// A FIN of this side.
    Fin,
    /// A RST of this side.
    Rst,
}

/// How many kinds there are.
pub const KINDS: usize = 14 + Cause::ALL.len();

impl MarkKind {
    /// All kinds, in the order in which they are drawn: what matters most comes last, on top.
    pub const ALL: [MarkKind; KINDS] = {
        use MarkKind::*;
        [
            Sack,
            DuplicateAck,
            Retransmission(Cause::Unknown),
            Retransmission(Cause::Probe),
            Retransmission(Cause::Fast),
            Retransmission(Cause::Rack),
            Retransmission(Cause::GoBackN),
            Retransmission(Cause::TailLossProbe),
            Retransmission(Cause::Timeout),
            Retransmission(Cause::Syn),
            Retransmission(Cause::Fin),
            Spurious,
            Reordered,
            Duplicate,
            ZeroWindow,
            WindowProbe,
            KeepAlive,
            CongestionExperienced,
            EcnEcho,
            WindowReduced,
            Syn,
            Fin,
            Rst,
        ]
    };

    /// All kinds, in the order in which they are drawn.
    pub fn all() -> impl Iterator<Item = MarkKind> {
        Self::ALL.into_iter()
    }

    /// Its place among all kinds.
    pub fn index(self) -> usize {
        Self::ALL
            .iter()
            .position(|kind| *kind == self)
            .unwrap_or_default()
    }

    /// What the legend and the CSV file call it.
    pub const fn name(self) -> &'static str {
        match self {
            MarkKind::Sack => "SACK",
            MarkKind::DuplicateAck => "duplicate ACK",
            MarkKind::Retransmission(Cause::Fast) => "fast retransmission",
            MarkKind::Retransmission(Cause::Rack) => "RACK retransmission",
            MarkKind::Retransmission(Cause::TailLossProbe) => "tail loss probe",
            MarkKind::Retransmission(Cause::Timeout) => "timeout (RTO)",
            MarkKind::Retransmission(Cause::GoBackN) => "go-back-N after a timeout",
            MarkKind::Retransmission(Cause::Syn) => "SYN sent again",
            MarkKind::Retransmission(Cause::Fin) => "FIN sent again",
            MarkKind::Retransmission(Cause::Probe) => "probe with an old byte",
            MarkKind::Retransmission(Cause::Unknown) => "retransmission",
            MarkKind::Spurious => "needless (spurious)",
            MarkKind::Reordered => "reordered",
            MarkKind::Duplicate => "duplicate",
            MarkKind::ZeroWindow => "zero window",
            MarkKind::WindowProbe => "window probe",
            MarkKind::KeepAlive => "keep-alive",
            MarkKind::CongestionExperienced => "CE mark",
            MarkKind::EcnEcho => "ECN echo",
            MarkKind::WindowReduced => "CWR",
            MarkKind::Syn => "SYN",
            MarkKind::Fin => "FIN",
            MarkKind::Rst => "RST",
        }
    }
}

/// One mark, or several that lie too close together to be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The frame of the first.
    pub frame: u64,
    /// The time of the first.
    pub time: Timestamp,
    /// The first octet that it is about.
    pub low: i64,
    /// Behind the last octet.
    pub high: i64,
    /// How many marks it stands for.
    pub count: u32,
}

/// Marks of one kind.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    marks: Vec<Mark>,
    /// The cell of a grid within which marks are merged: nanoseconds and octets; 0 while each stands by itself.
    cell: (i64, i64),
}

/// Marks of one kind that are kept at most. A graph of 1600 pixels shows a row of 400 apart.
pub const MOST_MARKS: usize = 4096;
/// Into how many cells a full set is divided, each way.
const GRID: i64 = 1024;

impl Marks {
    /// Adds a mark.
    pub fn push(&mut self, mark: Mark) {
        if let Some(last) = self.marks.last_mut()
            && self.cell.0 > 0
            && place(last, self.cell) == place(&mark, self.cell)
        {
            merge(last, &mark);
            return;
        }
        self.marks.push(mark);
        if self.marks.len() > MOST_MARKS {
            self.thin_out();
        }
    }

    fn thin_out(&mut self) {
        let bounds = |key: fn(&Mark) -> i64| {
            let keys = || self.marks.iter().map(key);
            let (low, high) = (keys().min().unwrap_or(0), keys().max().unwrap_or(0));
            high.saturating_sub(low) / GRID
        };
        let (time, octets) = (bounds(|mark| mark.time.nanos()), bounds(|mark| mark.low));
        self.cell = (self.cell.0.max(time).max(1), self.cell.1.max(octets).max(1));
        while self.marks.len() > MOST_MARKS / 2 {
            let cell = self.cell;
            self.marks
                .sort_by_key(|mark| (place(mark, cell), mark.frame));
            self.marks.dedup_by(|next, kept| {
                let same = place(next, cell) == place(kept, cell);
                if same {
                    merge(kept, next);
                }
                same
            });
            self.cell = (cell.0.saturating_mul(2), cell.1.saturating_mul(2));
        }
        self.marks.sort_by_key(|mark| mark.frame);
    }

    /// Takes the mark of a frame away and returns it, if it still stands by itself.
    pub fn take(&mut self, frame: u64) -> Option<Mark> {
        let at = self
            .marks
            .iter()
            .rposition(|mark| mark.frame == frame && mark.count == 1)?;
        Some(self.marks.remove(at))
    }

    /// The marks.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Memory beside the set itself, in octets.
    pub fn memory(&self) -> usize {
        self.marks.capacity() * size_of::<Mark>()
    }

    /// How many marks were made.
    pub fn count(&self) -> u64 {
        self.marks.iter().map(|mark| u64::from(mark.count)).sum()
    }
}

fn place(mark: &Mark, cell: (i64, i64)) -> (i64, i64) {
    (
        mark.time.nanos().div_euclid(cell.0.max(1)),
        mark.low.div_euclid(cell.1.max(1)),
    )
}

fn merge(into: &mut Mark, next: &Mark) {
    into.low = into.low.min(next.low);
    into.high = into.high.max(next.high);
    into.count = into.count.saturating_add(next.count);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: i64, low: i64) -> Mark {
        Mark {
            frame: at.unsigned_abs() + 1,
            time: Timestamp::from_nanos(at),
            low,
            high: low + 10,
            count: 1,
        }
    }

    #[test]
    fn every_kind_has_a_place_of_its_own() {
        let causes = Cause::ALL.into_iter().map(MarkKind::Retransmission);
        let mut places: Vec<_> = MarkKind::all().chain(causes).map(MarkKind::index).collect();
        places.sort_unstable();
        places.dedup();
        // The causes are among them, each at a place of its own.
        assert_eq!(places, (0..KINDS).collect::<Vec<_>>());
        assert!(
            Cause::ALL
                .iter()
                .all(|&cause| MarkKind::ALL.contains(&MarkKind::Retransmission(cause)))
        );
    }

    #[test]
    fn none_of_a_million_is_lost() {
        let mut marks = Marks::default();
        for at in 0..1_000_000 {
            marks.push(mark(at * 1000, at * 1460));
        }
        assert!(marks.marks().len() <= MOST_MARKS);
        assert_eq!(marks.count(), 1_000_000);
        // Wherever one was made, one stands close by: within a few pixels of a graph.
        for at in (0..1_000_000).step_by(9973) {
            let near = |other: &Mark| (other.time.nanos() - at * 1000).abs() < 1_000_000_000 / 200;
            assert!(marks.marks().iter().any(near));
        }
    }

    #[test]
    fn a_lone_mark_in_a_crowd_keeps_its_place() {
        let mut marks = Marks::default();
        marks.push(mark(5, 1_000_000_000));
        for at in 0..100_000 {
            marks.push(mark(at * 10, at));
        }
        assert!(
            marks
                .marks()
                .iter()
                .any(|mark| mark.low == 1_000_000_000 && mark.count == 1)
        );
    }

    #[test]
    fn a_mark_can_be_taken_back() {
        let mut marks = Marks::default();
        marks.push(mark(5, 1));
        assert_eq!(marks.take(6).map(|mark| mark.low), Some(1));
        assert_eq!(marks.take(6), None);
    }
}
