//! What the verdicts of a packet rest on, so that anyone can check them.

use crate::tracking::judgement::{Because, Judgement, Proof, Repeat, Trigger};
use crate::tracking::verdict::{Cause, Verdict};
use crate::utils::time::millis;
use serde::Serialize;

/// What the verdicts rest on.
#[derive(Serialize, Default, PartialEq)]
pub struct Evidence {
    #[serde(skip_serializing_if = "Option::is_none")]
    of_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_last_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_first_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_acks: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sacked_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silence_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overtaken_by_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spurious: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_from: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_bytes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_ack: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proves_spurious: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fills_gap_before_frame: Option<u64>,
    #[serde(flatten)]
    basis: BasisPart,
}

/// What verdicts rest on that concern no repeats.
#[derive(Serialize, Default, PartialEq)]
struct BasisPart {
    #[serde(skip_serializing_if = "Option::is_none")]
    answers_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_in_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_in_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_left: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_back: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fin_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reuses_connection: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    syn_data: Option<u32>,
}

impl BasisPart {
    /// Only what belongs to a verdict that was given.
    fn of(judgement: &Judgement) -> Self {
        let basis = &judgement.basis;
        let any = |verdicts: &[Verdict]| verdicts.iter().any(|&verdict| judgement.has(verdict));
        Self {
            answers_frame: basis.frame.filter(|_| {
                any(&[
                    Verdict::KeepAliveAck,
                    Verdict::ZeroWindowProbeAck,
                    Verdict::ChallengeAck,
                ])
            }),
            closed_in_frame: basis.frame.filter(|_| any(&[Verdict::ZeroWindowProbe])),
            reset_in_frame: basis.frame.filter(|_| any(&[Verdict::ResetIgnored])),
            silent_ms: basis
                .silence
                .filter(|_| any(&[Verdict::KeepAlive]))
                .map(millis),
            window_before: basis
                .window_before
                .filter(|_| any(&[Verdict::WindowUpdate])),
            room_left: basis.room,
            taken_back: basis.taken_back,
            expected: basis.expected.filter(|_| {
                any(&[
                    Verdict::OldDuplicate,
                    Verdict::ResetInWindow,
                    Verdict::ResetOutOfWindow,
                    Verdict::BadSynAck,
                ])
            }),
            fin_at: basis.expected.filter(|_| any(&[Verdict::DataAfterFin])),
            reuses_connection: basis.connection,
            syn_data: basis.syn_data.filter(|_| {
                any(&[
                    Verdict::FastOpenData,
                    Verdict::FastOpenAccepted,
                    Verdict::FastOpenIgnored,
                ])
            }),
        }
    }
}

impl Evidence {
    /// The evidence of a judgement; `None` where there is nothing to show.
    pub fn of(judgement: &Judgement) -> Option<Self> {
        if judgement.verdicts.is_empty() && judgement.proves_spurious.is_none() {
            return None;
        }
        let mut evidence = Evidence {
            missing_from: judgement.missing.map(|(from, _)| from),
            missing_bytes: judgement.missing.map(|(_, octets)| octets),
            duplicate_ack: (judgement.duplicate_ack > 0).then_some(judgement.duplicate_ack),
            proves_spurious: judgement.proves_spurious.map(|spurious| spurious.frame),
            proof: judgement
                .proves_spurious
                .map(|spurious| spurious.proof.name()),
            fills_gap_before_frame: judgement.fills.filter(|_| judgement.repeat.is_some()),
            basis: BasisPart::of(judgement),
            ..Evidence::default()
        };
        if let Some(repeat) = &judgement.repeat {
            evidence.add_repeat(repeat);
        }
        Some(evidence).filter(|evidence| *evidence != Evidence::default())
    }

    fn add_repeat(&mut self, repeat: &Repeat) {
        (self.of_frame, self.since_last_ms) = (
            repeat.last.map(|(frame, _)| frame),
            repeat.last.map(|(_, nanos)| millis(nanos)),
        );
        (self.first_frame, self.since_first_ms) = (
            repeat.first.map(|(frame, _)| frame),
            repeat.first.map(|(_, nanos)| millis(nanos)),
        );
        self.cause = repeat.cause.map(Cause::name);
        self.because = Some(because_name(repeat.because));
        self.lost = repeat.cause.map(|_| repeat.lost.name());
        self.spurious = repeat.spurious.map(Proof::name);
        match repeat.trigger {
            Some(Trigger::DuplicateAcks(number, frame)) => {
                (self.duplicate_acks, self.trigger_frame) = (Some(number), Some(frame));
            }
            Some(Trigger::Sacked(octets, frame)) => {
                (self.sacked_bytes, self.trigger_frame) = (Some(octets), Some(frame));
            }
            Some(Trigger::Overtaken(frame)) => self.overtaken_by_frame = Some(frame),
            Some(Trigger::PartialAck(frame)) => self.trigger_frame = Some(frame),
            Some(Trigger::Silence(nanos)) => self.silence_ms = Some(millis(nanos)),
            None => {}
        }
    }
}

fn because_name(because: Because) -> &'static str {
    match because {
        Because::SeenBefore => "seen_before",
        Because::AcknowledgedBefore => "acknowledged_before",
        Because::NewerIpId => "newer_ip_id",
        Because::OlderIpId => "older_ip_id",
        Because::MissingIpIds(_) => "missing_ip_ids",
        Because::NewerTimestamp => "newer_timestamp",
        Because::OlderTimestamp => "older_timestamp",
        Because::SameFrame => "same_frame",
        Because::SeenElsewhere => "seen_elsewhere",
        Because::SameHeaders => "same_headers",
        Because::TooSoon(_) => "too_soon",
        Because::LateEnough(_) => "late_enough",
    }
}
