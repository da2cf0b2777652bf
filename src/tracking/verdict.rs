//! What a segment is called: the table of verdicts, and a set of them.
//!
//! The names follow Wireshark's where the meaning is the same (DESIGN.md section 5). Which segment gets which is decided in
//! `judge`; here stands what each means, so that help, README and `--explain-verdicts` print one and the same table.

use std::fmt;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The verdict.
    pub verdict: Verdict,
    /// Its name in every output.
    pub name: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// Where that is written.
    pub source: &'static str,
}

macro_rules! verdicts {
    ($($variant:ident $name:literal $meaning:literal $source:literal;)*) => {
        /// A remark on a segment.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        pub enum Verdict {
            $(#[doc = $meaning] $variant,)*
        }

        /// All verdicts in order of precedence: the first of several is what the segment mainly is.
        pub const RULES: &[Rule] = &[
            $(Rule { verdict: Verdict::$variant, name: $name, meaning: $meaning, source: $source },)*
        ];
    };
}

verdicts! {
    Duplicate "duplicate" "A second copy of one and the same transmission, made by the network or by the capture; it counts nowhere else." "ANALYSIS 4.15";
    Retransmission "retransmission" "Its sender had sent some of these octets before." "RFC 9293 §3.8.1";
    SpuriousRetransmission "spurious_retransmission" "A retransmission that was not needed: the receiver had the octets already." "RFC 2883 §4, RFC 3522 §3";
    Reordered "reordered" "A first transmission that later ones overtook on the way." "RFC 4737 §3";
    PartlyNew "partly_new" "A retransmission that goes on beyond what was sent before; only the overlap counts as repeated." "RFC 9293 §3.8.1";
    OldDuplicate "old_duplicate" "A segment of an earlier connection on the same ports, or from far outside the window." "RFC 9293 §3.4.1";
    KeepAlive "keep_alive" "An empty or one-octet segment just below the next expected octet, after silence, to see whether the other side is there." "RFC 9293 §3.8.4";
    KeepAliveAck "keep_alive_ack" "The answer to a keep-alive." "RFC 9293 §3.8.4";
    ZeroWindowProbe "zero_window_probe" "Sent into a closed window, to make the receiver say when it opens." "RFC 9293 §3.8.6.1";
    ZeroWindowProbeAck "zero_window_probe_ack" "The answer to a window probe: still closed." "RFC 9293 §3.8.6.1";
    LostSegment "lost_segment" "Octets before this segment have not been captured: lost on the way, overtaken, or missed by the capture." "RFC 9293 §3.8.1";
    AckLostSegment "ack_lost_segment" "Acknowledges octets that the capture never saw: the capture lost them, not the network." "ANALYSIS 10.5";
    DuplicateAck "duplicate_ack" "Repeats the acknowledgment while data are outstanding: the receiver got something out of order." "RFC 5681 §2, RFC 6675 §2";
    ZeroWindow "zero_window" "The receiver has no room left." "RFC 9293 §3.8.6";
    WindowUpdate "window_update" "Nothing but a new window." "RFC 9293 §3.8.6.2.2";
    WindowFull "window_full" "Fills the receiver's window: the sender has to wait." "RFC 9293 §3.8.6.2.1";
    WindowShrunk "window_shrunk" "Takes back window that had been offered." "RFC 9293 §3.8.6";
    ReusedPorts "reused_ports" "Opens a new connection on ports that an earlier one used." "RFC 9293 §3.6.1";
    BadSynAck "bad_syn_ack" "A SYN+ACK that acknowledges something else than the SYN." "RFC 9293 §3.10.7.3";
    DataAfterFin "data_after_fin" "Octets behind the end that its sender had declared." "RFC 9293 §3.6";
    ChallengeAck "challenge_ack" "An ACK that asks whether a SYN or RST was meant." "RFC 5961 §3, §4";
    ResetInWindow "reset_in_window" "A RST inside the window but not at the next expected octet: the receiver asks back instead of closing." "RFC 5961 §3.2";
    ResetOutOfWindow "reset_out_of_window" "A RST outside the window: the receiver ignores it." "RFC 9293 §3.5.3";
    ResetAfterClose "reset_after_close" "A RST when the connection was over anyway." "RFC 1337";
    ResetIgnored "reset_ignored" "The other side goes on after a RST that should have closed: it did not arrive, or it was forged." "RFC 5961 §3";
    FastOpenData "fast_open_data" "Data in the SYN, under a Fast Open cookie." "RFC 7413 §4.2";
    FastOpenAccepted "fast_open_accepted" "The SYN+ACK acknowledges the data of the SYN." "RFC 7413 §4.2";
    FastOpenIgnored "fast_open_ignored" "The SYN+ACK acknowledges the SYN without its data." "RFC 7413 §4.2";
    CongestionExperienced "congestion_experienced" "A router marked the packet instead of dropping it." "RFC 3168 §5";
    EcnEcho "ecn_echo" "The receiver reports a congestion mark to the sender." "RFC 3168 §6.1.3";
    WindowReduced "window_reduced" "The sender says that it reduced its congestion window." "RFC 3168 §6.1.2";
}

impl Verdict {
    /// Its row of the table.
    pub fn rule(self) -> &'static Rule {
        &RULES[self as usize]
    }

    /// Its name in every output.
    pub fn name(self) -> &'static str {
        self.rule().name
    }
}

/// How many verdicts there are.
pub const VERDICT_COUNT: usize = RULES.len();

/// A set of verdicts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Verdicts(u32);

const _: () = assert!(
    VERDICT_COUNT <= u32::BITS as usize,
    "each verdict has a bit"
);

impl Verdicts {
    /// No verdict.
    pub const NONE: Verdicts = Verdicts(0);

    /// Adds a verdict.
    pub fn insert(&mut self, verdict: Verdict) {
        self.0 |= 1 << verdict as u32;
    }

    /// Adds a verdict if the condition holds.
    pub fn insert_if(&mut self, condition: bool, verdict: Verdict) {
        self.0 |= u32::from(condition) << verdict as u32;
    }

    /// Whether the verdict is among them.
    pub const fn has(self, verdict: Verdict) -> bool {
        self.0 & (1 << verdict as u32) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those among them, in order of precedence.
    pub fn iter(self) -> impl Iterator<Item = Verdict> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let lowest = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            RULES.get(lowest).map(|rule| rule.verdict)
        })
    }
}

impl FromIterator<Verdict> for Verdicts {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        let mut set = Self::default();
        verdicts.into_iter().for_each(|verdict| set.insert(verdict));
        set
    }
}

impl fmt::Display for Verdicts {
    /// The names, separated by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, verdict) in self.iter().enumerate() {
            write!(f, "{}{}", if at > 0 { "," } else { "" }, verdict.name())?;
        }
        Ok(())
    }
}

/// Why a segment was sent again (ANALYSIS.md 4.16).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// Three duplicate ACKs, or as much selectively acknowledged above it (RFC 5681 §3.2, RFC 6675 §4).
    Fast,
    /// A segment sent later was acknowledged, and time enough had passed (RFC 8985 §6.2).
    Rack,
    /// A tail loss probe: no ACK for two round trips, so the highest segment was sent again (RFC 8985 §7).
    TailLossProbe,
    /// The retransmission timer ran out (RFC 6298 §5).
    Timeout,
    /// After a timeout, further old data as ACKs come in (RFC 5681 §3.1).
    GoBackN,
    /// A SYN or SYN+ACK without answer (RFC 6298 §5.7).
    Syn,
    /// A FIN without answer.
    Fin,
    /// A keep-alive or window probe that carries an old octet (RFC 9293 §3.8.4, §3.8.6.1).
    Probe,
    /// The packets do not tell.
    Unknown,
}

impl Cause {
    /// All causes, in the order of the table in ANALYSIS.md 4.16.
    pub const ALL: [Cause; 9] = [
        Cause::Fast,
        Cause::Rack,
        Cause::TailLossProbe,
        Cause::Timeout,
        Cause::GoBackN,
        Cause::Syn,
        Cause::Fin,
        Cause::Probe,
        Cause::Unknown,
    ];

    /// Its name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Cause::Fast => "fast",
            Cause::Rack => "rack",
            Cause::TailLossProbe => "tlp",
            Cause::Timeout => "rto",
            Cause::GoBackN => "go_back_n",
            Cause::Syn => "syn",
            Cause::Fin => "fin",
            Cause::Probe => "probe",
            Cause::Unknown => "unknown",
        }
    }

    /// What it means and where that is written, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Cause::Fast => {
                "Three duplicate ACKs, or as much selectively acknowledged above it (RFC 5681 §3.2, RFC 6675 §4)."
            }
            Cause::Rack => {
                "A segment sent later was acknowledged, and time enough had passed (RFC 8985 §6.2)."
            }
            Cause::TailLossProbe => {
                "A tail loss probe: nothing came back for two round trips (RFC 8985 §7)."
            }
            Cause::Timeout => "The retransmission timer ran out (RFC 6298 §5).",
            Cause::GoBackN => "After a timeout, further old data as ACKs come in (RFC 5681 §3.1).",
            Cause::Syn => "A SYN or SYN+ACK without answer (RFC 6298 §5.7).",
            Cause::Fin => "A FIN without answer (RFC 6298 §5).",
            Cause::Probe => {
                "A keep-alive or window probe that carries an old octet (RFC 9293 §3.8.4, §3.8.6.1)."
            }
            Cause::Unknown => "The packets do not tell.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum_and_complete() {
        for (at, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.verdict as usize, at);
            assert!(rule.meaning.ends_with('.') && !rule.source.is_empty());
            assert!(
                rule.name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '_')
            );
        }
        const { assert!(VERDICT_COUNT <= 32) };
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }

    #[test]
    fn sets_list_in_order_of_precedence() {
        let set: Verdicts = [Verdict::WindowFull, Verdict::Retransmission]
            .into_iter()
            .collect();
        assert_eq!(set.to_string(), "retransmission,window_full");
        assert!(set.has(Verdict::WindowFull) && !set.has(Verdict::Duplicate));
        assert!(Verdicts::default().is_empty());
    }
}
