//! One direction of a connection: everything its sender has said so far.

use super::rtt::Estimate;
use super::segment::{Place, Segment};
use super::stream::Stream;
use super::verdict::{Cause, VERDICT_COUNT, Verdict};
use crate::analyzers::tcp::Flags;
use crate::utils::maybe::Maybe;
use crate::utils::seq::Seq;
use crate::utils::time::Timestamp;

/// What is counted per direction. Duplicates stand in `verdicts` alone; they are left out of every other count but the first
/// two.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Packets.
    pub packets: u64,
    /// Octets on the wire, link layer included.
    pub wire_bytes: u64,
    /// Octets of payload, repeated ones included.
    pub payload_bytes: u64,
    /// Packets with payload.
    pub data_packets: u64,
    /// Packets with ACK and nothing else that takes sequence space.
    pub pure_acks: u64,
    /// TCP checksums that were verified.
    pub checksums_verified: u64,
    rare: Option<Box<RareCounts>>,
    /// Packets with SYN.
    pub syn: u32,
    /// Packets with FIN.
    pub fin: u32,
    /// Packets with RST.
    pub rst: u32,
    /// Octets of payload in the largest data packet; 0 without data.
    pub largest_payload: u32,
}

/// What most directions have none of: kept apart, and only where there is some.
#[derive(Clone, Debug)]
pub struct RareCounts {
    /// Octets of payload that had been sent before.
    pub retransmitted_bytes: u64,
    /// Octets that were acknowledged although the capture never saw them.
    pub unseen_acknowledged: u64,
    /// Packets with URG.
    pub urg: u64,
    /// Packets with at least one SACK block.
    pub sack: u64,
    /// Packets whose first SACK block reports octets received twice (RFC 2883).
    pub dsack: u64,
    /// Wrong ones of the checksums that were verified.
    pub checksums_wrong: u64,
    /// Those that hold the pseudo-header's sum alone: left to the sender's network card.
    pub checksums_offloaded: u64,
    /// Per verdict, in the order of the table.
    pub verdicts: VerdictCounts,
    /// Retransmissions per cause, in the order of `Cause::ALL`.
    pub causes: [u32; Cause::ALL.len()],
    /// The longest row of repeats of one segment.
    pub most_repeats: u16,
}

impl RareCounts {
    const NONE: RareCounts = RareCounts {
        retransmitted_bytes: 0,
        unseen_acknowledged: 0,
        urg: 0,
        sack: 0,
        dsack: 0,
        checksums_wrong: 0,
        checksums_offloaded: 0,
        verdicts: VerdictCounts([0; VERDICT_COUNT]),
        causes: [0; Cause::ALL.len()],
        most_repeats: 0,
    };
}

static NO_RARE_COUNTS: RareCounts = RareCounts::NONE;

impl Counts {
    /// What most directions have none of.
    pub fn rare(&self) -> &RareCounts {
        self.rare.as_deref().unwrap_or(&NO_RARE_COUNTS)
    }

    /// The same, to be changed.
    pub fn rare_mut(&mut self) -> &mut RareCounts {
        self.rare.get_or_insert_with(|| Box::new(RareCounts::NONE))
    }

    /// Takes out what most directions have none of.
    pub(super) fn take_rare(&mut self) -> Option<Box<RareCounts>> {
        self.rare.take()
    }

    /// Puts back what was taken out.
    pub(super) fn set_rare(&mut self, rare: Option<Box<RareCounts>>) {
        self.rare = rare;
    }

    /// How often each verdict was given.
    pub fn verdicts(&self) -> &VerdictCounts {
        &self.rare().verdicts
    }
}

/// A number per verdict.
#[derive(Clone, Debug)]
pub struct VerdictCounts([u32; VERDICT_COUNT]);

impl VerdictCounts {
    /// How often the verdict was given.
    pub const fn of(&self, verdict: Verdict) -> u32 {
        self.0[verdict as usize]
    }

    /// Counts the verdict once more.
    pub fn add(&mut self, verdict: Verdict) {
        self.0[verdict as usize] = self.0[verdict as usize].saturating_add(1);
    }

    /// Those given at least once, with their numbers, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (Verdict, u32)> {
        super::verdict::RULES
            .iter()
            .map(|rule| (rule.verdict, self.of(rule.verdict)))
            .filter(|&(_, count)| count > 0)
    }
}

/// What a SYN offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Whether a SYN with readable options was captured; otherwise the rest is unknown, not absent.
    pub known: bool,
    /// Maximum segment size in bytes.
    pub mss: Option<u16>,
    /// Window scale shift, at most 14 (RFC 7323 §2.3).
    pub window_scale: Option<u8>,
    /// Selective acknowledgments are welcome.
    pub sack_permitted: bool,
    /// Timestamps are sent.
    pub timestamps: bool,
}

/// The latest segment of a direction, as far as the next is compared with it.
#[derive(Clone, Copy, Debug)]
pub struct Latest {
    /// The segment.
    pub segment: LatestSegment,
    /// The verdicts on it.
    pub verdicts: super::verdict::Verdicts,
}

/// What is kept of a direction's latest segment.
#[derive(Clone, Copy, Debug)]
pub struct LatestSegment {
    /// Its frame.
    pub frame: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Sequence number of its first octet.
    pub seq: Seq,
    /// Acknowledgment number as sent.
    pub ack: Seq,
    /// Octets of payload.
    pub payload_len: u32,
    /// A number that two segments with the same options share.
    pub options: u32,
    /// The flags.
    pub flags: Flags,
    /// Receive window before scaling.
    pub window: u16,
    /// Identification of its IPv4 header.
    pub ip_id: Option<u16>,
    /// Time to live or hop limit of its IP header.
    pub hops_left: u8,
    /// Where it was seen.
    pub place: Place,
}

impl LatestSegment {
    /// What is kept of this segment.
    pub fn of(segment: &Segment) -> Self {
        Self {
            frame: segment.frame,
            time: segment.time,
            seq: segment.seq,
            ack: segment.ack,
            payload_len: segment.payload_len,
            options: segment.options.digest(),
            flags: segment.flags,
            window: segment.window,
            ip_id: segment.ip_id,
            hops_left: segment.hops_left,
            place: segment.place,
        }
    }
}

/// The windows that a direction has offered, in bytes, scaled where the scale is known: below 2^30 (RFC 7323 §2.3).
#[derive(Clone, Copy, Debug, Default)]
pub struct Windows {
    /// The largest.
    pub max: u32,
    current: Option<u32>,
}

impl Windows {
    /// A segment offers `window` bytes. `anew` says that what was offered before is no measure for it.
    pub fn add(&mut self, window: u32, anew: bool) {
        self.max = if anew { window } else { self.max.max(window) };
        self.current = Some(window);
    }

    /// The window in force; `None` before there is one.
    pub fn current(&self) -> Option<u32> {
        self.current
    }
}

/// A sender that recovers from loss, as far as the packets show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Recovery {
    /// Nothing is being recovered.
    #[default]
    None,
    /// Fast recovery: until everything below this offset is acknowledged (RFC 6582 §3.2).
    Fast(i64),
    /// After a timeout: until everything below this offset is acknowledged.
    Timeout(i64),
}

/// One direction of a connection. What every packet touches stands together; what only some directions need stands behind a
/// pointer that is empty in the others.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// Its octets.
    pub stream: Stream,
    /// Its latest segment, duplicates left out.
    pub latest: Option<Latest>,
    /// What is counted.
    pub counts: Counts,
    /// Its acknowledgments: the highest, and how often it was repeated while data were outstanding.
    pub acknowledging: Acknowledging,
    /// The windows it offered.
    pub windows: Windows,
    /// Time of its first data packet.
    pub first_data: Maybe<Timestamp>,
    /// Time of its last data packet.
    pub last_data: Maybe<Timestamp>,
    /// The estimate from both, for the part of the path behind the observer.
    pub estimate: Estimate,
    /// The shortest of both; none without samples.
    pub min_rtt: Maybe<i64>,
    recovering: Option<Box<Recovering>>,
    /// The highest timestamp value it sent.
    pub newest_tsval: Option<u32>,
    /// What its SYN offered.
    pub offer: Offer,
    /// The IPv4 identifications it counts up.
    pub ip_ids: IpIds,
}

/// What is known of losses and how they are recovered from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recovering {
    /// What it recovers from.
    pub recovery: Recovery,
    /// The frame of the last duplicate acknowledgment it sent.
    pub last_duplicate: u64,
    /// The frame of it that last told of new blocks.
    pub last_sack: u64,
    /// The end of the captured octets and the number of packets behind them that the capture knows to be missing.
    pub lost_tail: Option<(i64, u16)>,
}

static NEVER_RECOVERING: Recovering = Recovering {
    recovery: Recovery::None,
    last_duplicate: 0,
    last_sack: 0,
    lost_tail: None,
};

/// A direction's acknowledgments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Acknowledging {
    /// When its last acknowledgment of any kind passed.
    pub last_time: Maybe<Timestamp>,
    /// The frame in which it last moved, or told of new blocks; 0 before.
    pub last_progress: u64,
    /// Repeats of the highest acknowledgment since it moved.
    pub duplicates: u32,
}

/// Whether a sender counts its packets up in the identification of IPv4, and the newest number seen. RFC 6864 lets senders
/// put anything there, so it counts as evidence only while it behaves like a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpIds {
    newest: Option<u16>,
    score: i8,
    exact: i8,
}

/// Steps up to this many packets count as counting.
const LARGEST_STEP: u16 = 256;

impl IpIds {
    /// Whether this sender counts.
    pub const fn is_counting(&self) -> bool {
        self.score >= 2
    }

    /// How far an identification is ahead of the newest, modulo 2^16 and signed; `None` where this sender does not count.
    pub fn ahead(&self, id: Option<u16>) -> Option<i16> {
        if !self.is_counting() {
            return None;
        }
        Some(id?.wrapping_sub(self.newest?) as i16)
    }

    /// Whether this sender counts the packets of this connection alone, so that a missing number is a missing packet: nearly
    /// all steps are by one, but for those that lost segments explain.
    pub const fn is_exact(&self) -> bool {
        self.exact >= 4
    }

    /// Takes note of an identification, and whether loss explains a step by more than one.
    pub fn observe(&mut self, id: Option<u16>, loss: bool) {
        let Some(id) = id else { return };
        let Some(newest) = self.newest else {
            self.newest = Some(id);
            return;
        };
        let step = id.wrapping_sub(newest);
        match step {
            1 => self.exact = (self.exact + 1).min(16),
            2.. if !loss && (step as i16) > 0 => {
                let doubt = step.min(16) as i8 * 3 - 3;
                self.exact = self.exact.saturating_sub(doubt).max(-64);
            }
            _ => {}
        }
        match step {
            1..LARGEST_STEP => self.score = (self.score + 1).min(16),
            // Overtaken packets and copies of packets say nothing against a counter.
            0 if id != 0 => {}
            step if step.wrapping_neg() < LARGEST_STEP => {}
            _ => self.score = (self.score - 4).max(-4),
        }
        if (step as i16) > 0 || self.score < 2 {
            self.newest = Some(id);
        }
    }
}

impl Flow {
    /// Takes in the time of a round trip behind the observer.
    pub fn add_rtt(&mut self, nanos: i64) {
        if nanos >= 0 {
            self.estimate.update(nanos);
            self.min_rtt = self.min_rtt.unwrap_or(nanos).min(nanos).into();
        }
    }

    /// What is known of losses and how they are recovered from.
    pub fn recovering(&self) -> &Recovering {
        self.recovering.as_deref().unwrap_or(&NEVER_RECOVERING)
    }

    /// The same, to be changed.
    pub fn recovering_mut(&mut self) -> &mut Recovering {
        self.recovering.get_or_insert_default()
    }

    /// Octets of memory it takes beside its own size and the log of transmissions.
    pub fn memory(&self) -> usize {
        let boxed = |is_there: bool, size| if is_there { size } else { 0 };
        self.stream.memory()
            + boxed(self.counts.rare.is_some(), size_of::<RareCounts>())
            + boxed(self.recovering.is_some(), size_of::<Recovering>())
    }

    /// The most frequent size of full segments: the largest payload seen, but no more than the receiver's MSS says if it is
    /// known.
    pub fn segment_size(&self) -> u32 {
        self.counts.largest_payload.max(1)
    }

    /// The raw window of its latest segment.
    pub fn last_raw_window(&self) -> Option<u16> {
        self.latest.map(|latest| latest.segment.window)
    }

    /// The acknowledgment field of its latest segment.
    pub fn last_ack(&self) -> Option<Seq> {
        self.latest
            .filter(|latest| latest.segment.flags.ack())
            .map(|latest| latest.segment.ack)
    }

    /// Retransmitted segments.
    pub fn retransmissions(&self) -> u32 {
        self.counts.verdicts().of(Verdict::Retransmission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ip_identifications_count_only_when_they_count() {
        let mut ids = IpIds::default();
        for id in [0xfffe, 0xffff, 0, 1] {
            ids.observe(Some(id), false);
        }
        assert_eq!(ids.ahead(Some(5)), Some(4));
        assert_eq!(ids.ahead(Some(0xffff)), Some(-2));
        let mut zero = IpIds::default();
        (0..9).for_each(|_| zero.observe(Some(0), false));
        assert_eq!(zero.ahead(Some(0)), None);
        let mut random = IpIds::default();
        (0..99u32).for_each(|n| {
            random.observe(Some((n.wrapping_mul(2_654_435_761) >> 16) as u16), false);
        });
        assert_eq!(random.ahead(Some(7)), None);
    }

    #[test]
    fn numbers_with_gaps_that_nothing_explains_are_not_exact() {
        let (mut own, mut shared) = (IpIds::default(), IpIds::default());
        for at in 1..20 {
            own.observe(Some(at), false);
            shared.observe(Some(at * 3), false);
        }
        own.observe(Some(25), true);
        assert!(own.is_exact() && shared.is_counting() && !shared.is_exact());
    }
}
