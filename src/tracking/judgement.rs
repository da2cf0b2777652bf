//! What the judge says of a segment, and what that rests on, so that anyone can check it against the packets.

use super::verdict::{Cause, Verdict, Verdicts};
use std::ops::Range;

/// The verdicts on one segment with their evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Judgement {
    /// The verdicts.
    pub verdicts: Verdicts,
    /// For a retransmission, a reordered segment or a duplicate: of what, and how one can tell.
    pub repeat: Option<Repeat>,
    /// Octets of it that its sender had sent before.
    pub repeated_octets: u32,
    /// Octets before it that the capture has not seen, for a lost segment; octets it acknowledges that the capture never saw,
    /// for an acknowledgment of lost ones. First octet and length.
    pub missing: Option<(i64, u32)>,
    /// Packets that are missing before it and carried octets behind the highest captured, for the first repeat of a hole.
    pub lost_tail: Option<u16>,
    /// Number of a duplicate ACK, from 1; otherwise 0.
    pub duplicate_ack: u32,
    /// For octets that fill a gap, wholly or in part: the frame behind the gap.
    pub fills: Option<u64>,
    /// What else the verdicts rest on.
    pub basis: Basis,
    /// For an acknowledgment that proves a retransmission to have been needless: which, and how.
    pub proves_spurious: Option<Spurious>,
    /// Whether a judge wrote anything into it.
    given: bool,
}

impl Judgement {
    /// Nothing was found.
    pub const NOTHING: Judgement = Judgement {
        verdicts: Verdicts::NONE,
        repeat: None,
        repeated_octets: 0,
        missing: None,
        lost_tail: None,
        duplicate_ack: 0,
        fills: None,
        basis: Basis {
            frame: None,
            silence: None,
            window_before: None,
            room: None,
            taken_back: None,
            expected: None,
            connection: None,
            syn_data: None,
        },
        proves_spurious: None,
        given: false,
    };

    /// Makes room for a judgement of another segment.
    pub(super) fn begin(&mut self) {
        *self = Judgement {
            given: true,
            ..Judgement::NOTHING
        };
    }

    /// What there is to find about a SYN without data that begins a connection.
    #[inline]
    pub(super) fn find_syn_alone(&mut self) {
        const SYN_ALONE: Judgement = Judgement {
            given: true,
            basis: Basis {
                syn_data: Some(0),
                ..Judgement::NOTHING.basis
            },
            ..Judgement::NOTHING
        };
        *self = SYN_ALONE;
    }

    /// Leaves nothing in it. It is large, and most segments leave it empty: then nothing is written.
    #[inline]
    pub(super) fn clear(&mut self) {
        if self.given {
            *self = Judgement::NOTHING;
        }
    }

    /// For comparing what two ways find.
    pub(super) fn forget_that_it_was_given(&mut self) {
        self.given = false;
    }

    /// Whether the verdict is among them.
    pub const fn has(&self, verdict: Verdict) -> bool {
        self.verdicts.has(verdict)
    }
}

/// What verdicts rest on that concern no repeats: each figure belongs to the verdicts named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The frame that a keep-alive ACK, a window probe's ACK or a challenge ACK answers; for a window probe the frame that
    /// closed the window; for a RST that is ignored the RST's.
    pub frame: Option<u64>,
    /// For a keep-alive: nanoseconds of its sender's silence.
    pub silence: Option<i64>,
    /// For a window update: the window before, in bytes.
    pub window_before: Option<u64>,
    /// For a full window: octets of room left in it.
    pub room: Option<i64>,
    /// For a window that shrinks: octets taken back.
    pub taken_back: Option<i64>,
    /// The octet that the receiver expected, for a RST, an old duplicate or a SYN+ACK that acknowledges something else; the
    /// octet of the FIN, for data behind it.
    pub expected: Option<i64>,
    /// For reused ports: the connection that had them before.
    pub connection: Option<u64>,
    /// For Fast Open: octets of data in the SYN.
    pub syn_data: Option<u32>,
}

/// An earlier transmission that a segment repeats, or was overtaken by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repeat {
    /// Why it was sent again; `None` for a reordered segment or a duplicate.
    pub cause: Option<Cause>,
    /// What tells that it is what it is called.
    pub because: Because,
    /// What made its sender send it again, if the packets tell.
    pub trigger: Option<Trigger>,
    /// The latest earlier transmission: frame, and nanoseconds since then.
    pub last: Option<(u64, i64)>,
    /// The first transmission: frame, and nanoseconds since then.
    pub first: Option<(u64, i64)>,
    /// Where the earlier transmission was lost, seen from the capture point.
    pub lost: Lost,
    /// What proves it needless, if it is known already.
    pub spurious: Option<Proof>,
}

/// What tells a retransmission, a reordered segment and a duplicate apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Its octets were captured before.
    SeenBefore,
    /// Its octets were acknowledged before.
    AcknowledgedBefore,
    /// Its IP identification is newer than those around the gap it fills.
    NewerIpId,
    /// Its IP identification is older than one that passed before.
    OlderIpId,
    /// IP identifications are missing just before it, but no octets: what they carried is what it carries.
    MissingIpIds(u16),
    /// Its timestamp is newer than that of the segment behind the gap.
    NewerTimestamp,
    /// Its timestamp is older than one that passed before.
    OlderTimestamp,
    /// Every header field is that of an earlier frame, the IP identification too.
    SameFrame,
    /// Every header field is that of a frame just before.
    SameHeaders,
    /// Every header field is that of a frame just before that was seen on another interface or in another tunnel.
    SeenElsewhere,
    /// It comes sooner than its sender could have learned of a loss: nanoseconds behind the gap.
    TooSoon(i64),
    /// It comes late enough for its sender to have learned of the loss: nanoseconds behind the gap.
    LateEnough(i64),
}

/// What made a sender send again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// So many duplicate ACKs, the last in this frame.
    DuplicateAcks(u32, u64),
    /// So many octets selectively acknowledged above it, last in this frame.
    Sacked(u64, u64),
    /// An acknowledgment that went only a part of the way, in this frame (RFC 6582 §3.2).
    PartialAck(u64),
    /// This frame, sent after the last transmission, was acknowledged before it (RFC 8985 §6.2).
    Overtaken(u64),
    /// Nothing came back for so many nanoseconds.
    Silence(i64),
}

/// Where a transmission was lost, seen from the capture point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Lost {
    /// Between its sender and the capture point: it never passed.
    BeforeHere,
    /// Behind the capture point: it passed, but did not arrive.
    BehindHere,
    /// It was not lost.
    Not,
    /// The packets do not tell.
    #[default]
    Unknown,
}

impl Lost {
    /// In words that stand in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Lost::BeforeHere => "before_capture_point",
            Lost::BehindHere => "behind_capture_point",
            Lost::Not => "not_lost",
            Lost::Unknown => "unknown",
        }
    }
}

/// What proves a retransmission to have been needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Its octets had been acknowledged before it passed.
    AcknowledgedBefore,
    /// Its octets had been selectively acknowledged before it passed.
    SackedBefore,
    /// The receiver reports having got them twice (RFC 2883).
    DuplicateSack,
    /// The acknowledgment echoes the timestamp of the earlier transmission (Eifel, RFC 3522).
    TimestampEcho,
}

impl Proof {
    /// In words that stand in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Proof::AcknowledgedBefore => "acknowledged_before",
            Proof::SackedBefore => "sacked_before",
            Proof::DuplicateSack => "dsack",
            Proof::TimestampEcho => "timestamp_echo",
        }
    }
}

/// A retransmission that turned out to have been needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spurious {
    /// The frame of the retransmission.
    pub frame: u64,
    /// What proves it.
    pub proof: Proof,
    /// Whether it proves that no repeat of these octets was needed: the first transmission had arrived.
    pub first_arrived: bool,
}

/// Octets of a stream as first octet and length; `None` for an empty range. Lengths beyond 32 bits are cut.
pub fn span(range: &Range<i64>) -> Option<(i64, u32)> {
    (range.start < range.end).then(|| {
        (
            range.start,
            u32::try_from(range.end - range.start).unwrap_or(u32::MAX),
        )
    })
}
