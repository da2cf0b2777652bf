//! `-v`: exactly one line per packet, stable for grep and awk.
//!
//! Fields are separated by single spaces: frame number, seconds since the first packet, `if=` with the interface where the capture
//! has several, source, `>`, destination, protocol. For TCP follow `[FLAGS]`, `seq=`, `ack=`, `win=`, `len=`, `<options>` if there
//! are any, `conn=`, the states of both ends behind the packet, `[wrong checksum]` where it is, and each verdict in brackets with
//! what it rests on. An ICMP error that quotes a segment ends in `quotes conn=` with that segment's connection.

use super::style::{Style, Tone, tone_of};
use super::wireshark_column::Column;
use super::{Output, Seen};
use crate::analyzers::packet::Packet;
use crate::analyzers::tcp_options::TcpOption;
use crate::analyzers::{Checksum, Layer};
use crate::tracking::judgement::{Because, Judgement, Lost, Repeat, Trigger};
use crate::tracking::{Direction, Event, Verdict};
use crate::utils::format;
use anyhow::Result;
use owo_colors::OwoColorize;
use std::fmt::{self, Display, Formatter};
use std::io::Write;

/// Writes a line per packet.
#[derive(Debug)]
pub struct PacketLines {
    /// How to show it.
    pub style: Style,
}

impl Output for PacketLines {
    fn wants_packets(&self) -> bool {
        true
    }

    fn wants_measurements(&self) -> bool {
        false
    }

    fn wants_accounts(&self) -> bool {
        false
    }

    fn packet(&mut self, seen: &Seen<'_>, to: &mut dyn Write) -> Result<()> {
        write!(
            to,
            "{} {} ",
            seen.frame.number,
            format::seconds(seen.since_start)
        )?;
        if let Some(interface) = seen.interface_of_several {
            write!(to, "if={interface} ")?;
        }
        match seen.event {
            Some(event) => {
                self.segment(seen.packet, event, to)?;
                if let Some(analysis) = seen.wireshark {
                    write!(to, " [wireshark: {}]", Column(analysis))?;
                }
            }
            None => other(seen.packet, to)?,
        }
        if let Some(id) = seen.quotes {
            write!(to, " quotes conn={id}")?;
        }
        if let Some(stop) = seen.packet.stop {
            write!(to, " [{} {}]", stop.layer, stop.why.name())?;
        }
        for comment in seen.comments {
            write!(to, " [comment: {}]", format::printable(comment))?;
        }
        writeln!(to)?;
        Ok(())
    }
}

impl PacketLines {
    fn segment(&self, packet: &Packet<'_>, event: &Event<'_>, to: &mut dyn Write) -> Result<()> {
        let (connection, segment) = (event.connection, event.segment);
        let (sender, receiver) = (
            connection.sender(event.direction),
            connection.sender(event.direction.reverse()),
        );
        write!(to, "{sender} > {receiver} TCP ")?;
        if self.style.color {
            write!(to, "{}", format_args!("[{}]", segment.flags).cyan())?;
        } else {
            write!(to, "[{}]", segment.flags)?;
        }
        write!(to, " seq={}", event.relative_seq())?;
        if segment.flags.ack() {
            write!(to, " ack={}", event.relative_ack())?;
        }
        write!(to, " win={} len={}", event.window(), segment.payload_len)?;
        write!(to, "{}", Options(packet, event))?;
        let states = connection.states;
        write!(
            to,
            " conn={} client={} server={}",
            connection.id,
            states[Direction::ToServer],
            states[Direction::ToClient]
        )?;
        if segment.checksum == Some(Checksum::Wrong) {
            write!(to, " [wrong checksum]")?;
        }
        for verdict in event.judgement.verdicts.iter() {
            let said = Said {
                verdict,
                judgement: event.judgement,
            };
            if self.style.color {
                write!(
                    to,
                    " {}",
                    format_args!("[{said}]").color(tone_of(verdict).line_color())
                )?;
            } else {
                write!(to, " [{said}]")?;
            }
        }
        if let Some(spurious) = event.judgement.proves_spurious {
            let text = format_args!(
                "[shows that frame {} was a spurious_retransmission: {}]",
                spurious.frame,
                spurious.proof.name()
            );
            if self.style.color {
                write!(to, " {}", text.color(Tone::Warning.line_color()))?;
            } else {
                write!(to, " {text}")?;
            }
        }
        Ok(())
    }
}

/// A packet that is not TCP: its addresses, its innermost protocol and what that says.
fn other(packet: &Packet<'_>, to: &mut dyn Write) -> Result<()> {
    let name = packet.other().map(crate::analyzers::other::Other::name);
    match (packet.ip(), packet.ports()) {
        (Some(_), Some(_)) => {
            if let Some((source, destination)) = packet.endpoints() {
                write!(to, "{source} > {destination}")?;
            }
        }
        (Some(ip), None) => write!(to, "{} > {}", ip.source(), ip.destination())?,
        (None, _) => match packet.layers.first() {
            Some(Layer::Ethernet(ethernet)) => {
                write!(to, "{} > {}", ethernet.source(), ethernet.destination())?;
            }
            _ => write!(to, "- > -")?,
        },
    }
    let innermost = match (packet.layers.last(), packet.stop) {
        (_, Some(stop)) if name.is_none() => stop.layer.to_string(),
        (Some(Layer::Ethernet(_)), _) => "Ethernet".to_owned(),
        _ => "-".to_owned(),
    };
    write!(to, " {}", name.unwrap_or(&innermost))?;
    if let Some(other) = packet.other() {
        write!(to, " {other}")?;
    }
    Ok(())
}

/// The options of a segment in angle brackets behind a space, or nothing.
struct Options<'a>(&'a Packet<'a>, &'a Event<'a>);

impl Display for Options<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(tcp) = self.0.tcp() else {
            return Ok(());
        };
        let mut separator = " <";
        for option in tcp.options() {
            if matches!(option, TcpOption::NoOperation | TcpOption::End) {
                continue;
            }
            f.write_str(separator)?;
            separator = ",";
            if let TcpOption::Sack(_) = option {
                relative_sack(self.1, f)?;
            } else {
                one_option(&option, f)?;
            }
        }
        if separator == "," {
            f.write_str(">")
        } else {
            Ok(())
        }
    }
}

/// Selective acknowledgment in the numbers of `ack=`: relative to the other side's first.
fn relative_sack(event: &Event<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str("sack=")?;
    for (at, block) in event.sack().enumerate() {
        let separator = if at > 0 { "+" } else { "" };
        write!(f, "{separator}{}-{}", block.start, block.end)?;
    }
    Ok(())
}

/// An option in few characters and without blanks.
pub(super) fn one_option(option: &TcpOption<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    match option {
        TcpOption::End => f.write_str("end"),
        TcpOption::NoOperation => f.write_str("nop"),
        TcpOption::MaximumSegmentSize(size) => write!(f, "mss={size}"),
        TcpOption::WindowScale(shift) => write!(f, "wscale={shift}"),
        TcpOption::SackPermitted => f.write_str("sack_permitted"),
        TcpOption::Sack(blocks) => {
            f.write_str("sack=")?;
            for (at, block) in blocks.as_slice().iter().enumerate() {
                write!(
                    f,
                    "{}{}-{}",
                    if at > 0 { "+" } else { "" },
                    block.left.0,
                    block.right.0
                )?;
            }
            Ok(())
        }
        TcpOption::Timestamps(timestamps) => {
            write!(f, "ts={}/{}", timestamps.value, timestamps.echo)
        }
        TcpOption::Md5Signature => f.write_str("md5"),
        TcpOption::UserTimeout(value) => write!(f, "user_timeout={value}"),
        TcpOption::Authentication(_) => f.write_str("authentication"),
        TcpOption::Multipath(data) => {
            write!(f, "mptcp={}", data.first().map_or(0, |first| first >> 4))
        }
        TcpOption::FastOpen([]) => f.write_str("fast_open_request"),
        TcpOption::FastOpen(_) => f.write_str("fast_open_cookie"),
        TcpOption::AccurateEcn(_) => f.write_str("accurate_ecn"),
        TcpOption::Unknown(kind, data) => write!(f, "kind{kind}({}B)", data.len()),
        TcpOption::Malformed(kind, _) => write!(f, "kind{kind}(malformed)"),
        TcpOption::Cut(kind, _) => write!(f, "kind{kind}(cut)"),
    }
}

/// A verdict with what it rests on.
pub(super) struct Said<'a> {
    pub(super) verdict: Verdict,
    pub(super) judgement: &'a Judgement,
}

impl Display for Said<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.verdict.name())?;
        let judgement = self.judgement;
        let basis = &judgement.basis;
        match (self.verdict, &judgement.repeat) {
            (Verdict::Retransmission, Some(repeat)) => {
                retransmission(repeat, f)?;
                of(f, "; fills the gap before frame", judgement.fills)
            }
            (Verdict::SpuriousRetransmission, Some(repeat)) => match repeat.spurious {
                Some(proof) => write!(f, ": {}", proof.name()),
                None => Ok(()),
            },
            (Verdict::Reordered | Verdict::Duplicate, Some(repeat)) => {
                if let Some((frame, _)) = repeat.last {
                    write!(f, " of frame {frame}")?;
                }
                write!(f, ": {}", Reason(repeat.because))?;
                of(f, "; fills the gap before frame", judgement.fills)
            }
            (Verdict::LostSegment | Verdict::AckLostSegment, _) => match judgement.missing {
                Some((from, octets)) => write!(f, ": {octets} bytes from {from}"),
                None => Ok(()),
            },
            (Verdict::KeepAlive, _) => of(f, " after", basis.silence.map(format::duration)),
            (Verdict::KeepAliveAck | Verdict::ZeroWindowProbeAck | Verdict::ChallengeAck, _) => {
                of(f, " of frame", basis.frame)
            }
            (Verdict::ZeroWindowProbe, _) => of(f, ": window closed in frame", basis.frame),
            (Verdict::ResetIgnored, _) => of(f, ": the one in frame", basis.frame),
            (Verdict::WindowUpdate, _) => of(f, ": was", basis.window_before),
            (Verdict::WindowFull, _) => of(f, ": room left", basis.room),
            (Verdict::WindowShrunk, _) => of(f, ": bytes taken back", basis.taken_back),
            (Verdict::DataAfterFin, _) => of(f, ": FIN at", basis.expected),
            (
                Verdict::OldDuplicate
                | Verdict::ResetInWindow
                | Verdict::ResetOutOfWindow
                | Verdict::BadSynAck,
                _,
            ) => of(f, ": expected", basis.expected),
            (Verdict::ReusedPorts, _) => of(f, " of connection", basis.connection),
            (Verdict::FastOpenData | Verdict::FastOpenAccepted | Verdict::FastOpenIgnored, _) => {
                of(f, ": bytes in the SYN", basis.syn_data)
            }
            (Verdict::ZeroWindow, _) => f.write_str(": win=0"),
            (Verdict::CongestionExperienced, _) => f.write_str(": ECN field 3"),
            (Verdict::EcnEcho, _) => f.write_str(": ECE"),
            (Verdict::WindowReduced, _) => f.write_str(": CWR"),
            (Verdict::ResetAfterClose, _) => f.write_str(": both sides had closed"),
            (Verdict::DuplicateAck, _) => write!(f, " #{}", judgement.duplicate_ack),
            (Verdict::PartlyNew, _) => write!(f, ": {} bytes repeated", judgement.repeated_octets),
            _ => Ok(()),
        }
    }
}

/// What a verdict rests on, behind a few words; nothing if it is not known.
fn of<T: Display>(f: &mut Formatter<'_>, words: &str, value: Option<T>) -> fmt::Result {
    match value {
        Some(value) => write!(f, "{words} {value}"),
        None => Ok(()),
    }
}

fn retransmission(repeat: &Repeat, f: &mut Formatter<'_>) -> fmt::Result {
    if let Some((frame, nanos)) = repeat.last {
        write!(f, " of frame {frame} after {}", format::duration(nanos))?;
    }
    if let (Some((first, nanos)), Some((last, _))) = (repeat.first, repeat.last)
        && first != last
    {
        write!(
            f,
            ", first sent in frame {first} {} ago",
            format::duration(nanos)
        )?;
    }
    if let Some(cause) = repeat.cause {
        write!(f, ", {}", cause.name())?;
    }
    match repeat.trigger {
        Some(Trigger::DuplicateAcks(number, frame)) => {
            write!(f, ": {number} duplicate ACKs, frame {frame}")?;
        }
        Some(Trigger::Sacked(octets, frame)) => {
            write!(f, ": {octets} bytes SACKed above it, frame {frame}")?;
        }
        Some(Trigger::PartialAck(frame)) => write!(f, ": partial ACK, frame {frame}")?,
        Some(Trigger::Overtaken(frame)) => {
            write!(f, ": frame {frame}, sent later, was acknowledged")?;
        }
        Some(Trigger::Silence(nanos)) => {
            write!(f, ": nothing heard for {}", format::duration(nanos))?;
        }
        None => {}
    }
    match repeat.lost {
        Lost::BeforeHere => write!(f, "; lost before this point ({})", Reason(repeat.because)),
        Lost::BehindHere => f.write_str("; lost behind this point"),
        Lost::Not | Lost::Unknown => Ok(()),
    }
}

/// What tells, in words.
struct Reason(Because);

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Because::SeenBefore => f.write_str("captured before"),
            Because::AcknowledgedBefore => f.write_str("acknowledged before"),
            Because::NewerIpId => f.write_str("newer IP ID than behind the gap"),
            Because::OlderIpId => f.write_str("older IP ID than what overtook it"),
            Because::MissingIpIds(number) => write!(f, "{number} IP IDs missing, no bytes"),
            Because::NewerTimestamp => f.write_str("newer timestamp than behind the gap"),
            Because::OlderTimestamp => f.write_str("older timestamp than what overtook it"),
            Because::SameFrame => f.write_str("same headers and IP ID"),
            Because::SeenElsewhere => {
                f.write_str("the same packet on another interface or in another tunnel")
            }
            Because::SameHeaders => f.write_str("same headers, too soon to be sent again"),
            Because::TooSoon(nanos) => write!(
                f,
                "{} behind the gap, sooner than a round trip",
                format::duration(nanos)
            ),
            Because::LateEnough(nanos) => write!(
                f,
                "{} behind the gap, a round trip or more",
                format::duration(nanos)
            ),
        }
    }
}
