//! The states of both endpoints, as a passive observer can know them.
//!
//! Before changing this, read RFC 9293 §3.3.2 (the endpoint's machine) and ANALYSIS.md section 2 (the observer's). We see
//! segments, not sockets: what X sent is certain, that Y received it is assumed until Y's next segment shows it. So one segment
//! from X changes both sides, and the table below is from both states and a signal to both states.
//!
//! A segment is first reduced to signals (`signals`), at most two: what it acknowledges, and what it declares itself. A signal
//! that means nothing in a state leaves both as they are.

use std::fmt;

/// The eleven states of RFC 9293 §3.3.2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum State {
    /// No connection.
    #[default]
    Closed,
    /// Waiting for somebody's SYN.
    Listen,
    /// Sent a SYN, waits for the other's.
    SynSent,
    /// Sent and received a SYN, waits for the acknowledgment of its own.
    SynReceived,
    /// Open: data flow.
    Established,
    /// Sent a FIN first, waits for its acknowledgment or the other's FIN.
    FinWait1,
    /// Its FIN was acknowledged, the other may still send.
    FinWait2,
    /// Received a FIN, may still send.
    CloseWait,
    /// Both sent a FIN at the same time; waits for the acknowledgment of its own.
    Closing,
    /// Answered a FIN with its own, waits for the acknowledgment.
    LastAck,
    /// Over, but old segments may still be under way.
    TimeWait,
}

impl State {
    /// All states in the order of RFC 9293.
    pub const ALL: [State; 11] = [
        State::Closed,
        State::Listen,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ];

    /// The RFC's name, with underscores.
    pub const fn name(self) -> &'static str {
        match self {
            State::Closed => "CLOSED",
            State::Listen => "LISTEN",
            State::SynSent => "SYN_SENT",
            State::SynReceived => "SYN_RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN_WAIT_1",
            State::FinWait2 => "FIN_WAIT_2",
            State::CloseWait => "CLOSE_WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST_ACK",
            State::TimeWait => "TIME_WAIT",
        }
    }

    /// Whether both SYNs are through and the connection is not over (RFC 9293 §3.3.1, "synchronized").
    pub const fn is_synchronized(self) -> bool {
        !matches!(
            self,
            State::Closed | State::Listen | State::SynSent | State::SynReceived
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a segment means for the states. The sender is X, the receiver Y.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Signal {
    /// SYN without ACK.
    Syn,
    /// SYN+ACK that acknowledges Y's SYN, or whose SYN was never captured.
    SynAck,
    /// SYN+ACK that acknowledges something else: Y answers with a RST.
    BadSynAck,
    /// Any segment with ACK and without SYN that acknowledges no FIN.
    Ack,
    /// An ACK that covers Y's FIN.
    AckOfFin,
    /// A FIN that Y has received, as far as one can see.
    Fin,
    /// A FIN behind octets that Y is still missing.
    FinPending,
    /// A FIN that crossed Y's on the way: it does not acknowledge it.
    FinCrossing,
    /// A RST that Y accepts.
    Reset,
}

impl Signal {
    /// All signals, in the order of the golden table.
    pub const ALL: [Signal; 9] = [
        Signal::Syn,
        Signal::SynAck,
        Signal::BadSynAck,
        Signal::Ack,
        Signal::AckOfFin,
        Signal::Fin,
        Signal::FinPending,
        Signal::FinCrossing,
        Signal::Reset,
    ];
}

/// The states of X and Y behind a signal from X. The numbers are the rows of ANALYSIS.md 2.3.
pub const fn next(sender: State, receiver: State, signal: Signal) -> (State, State) {
    match signal {
        Signal::Syn => behind_syn(sender, receiver),
        Signal::SynAck => behind_syn_ack(sender, receiver),
        Signal::BadSynAck => match sender {
            // 6: Y stays in SYN_SENT and answers with a RST.
            State::Closed | State::Listen => (State::SynReceived, receiver),
            _ => (sender, receiver),
        },
        Signal::Ack => behind_ack(sender, receiver),
        Signal::AckOfFin => behind_ack_of_fin(sender, receiver),
        Signal::Fin => behind_fin(sender, receiver),
        Signal::FinPending => (sent_fin(sender), receiver),
        Signal::FinCrossing => behind_crossing_fin(sender, receiver),
        // 24, 25, 28: whoever accepts a RST is closed, and so is who sent it.
        Signal::Reset => match (sender, receiver) {
            // 27: it was over anyway.
            (_, State::TimeWait) | (State::TimeWait, _) => (sender, receiver),
            _ => (State::Closed, State::Closed),
        },
    }
}

const fn behind_syn(sender: State, receiver: State) -> (State, State) {
    match (sender, receiver) {
        // 3: simultaneous open. Y's own SYN was on the way.
        (State::Listen | State::Closed, State::SynSent) => (State::SynSent, State::SynReceived),
        // 1: the attempt; somebody is assumed to listen.
        (State::Closed | State::Listen, State::Closed | State::Listen) => {
            (State::SynSent, State::Listen)
        }
        // 2: a repeated SYN shows that the SYN+ACK did not arrive.
        (State::Established, State::SynReceived) => (State::SynSent, State::SynReceived),
        // A SYN into an open connection is answered by a challenge ACK (RFC 5961 §4) and changes nothing.
        _ => (sender, receiver),
    }
}

const fn behind_syn_ack(sender: State, receiver: State) -> (State, State) {
    match (sender, receiver) {
        // 4, 7: the second step of the handshake.
        (State::Closed | State::Listen, State::Closed | State::Listen | State::SynSent) => {
            (State::SynReceived, State::Established)
        }
        // 5: simultaneous open, first of the two SYN+ACKs.
        (State::SynSent, State::SynSent) => (State::SynReceived, State::SynReceived),
        // 5: the second one, by which both know.
        (State::SynSent | State::SynReceived, State::SynReceived) => {
            (State::SynReceived, State::Established)
        }
        // 8: repeated; the ACK was lost behind us, or the server waits for data.
        _ => (sender, receiver),
    }
}

const fn behind_ack(sender: State, receiver: State) -> (State, State) {
    let joined = matches!(
        (sender, receiver),
        (State::Closed, State::Listen) | (State::Listen, State::Closed)
    );
    let sender = match sender {
        // 9: third step of the handshake, X knows Y's SYN.
        State::SynSent if matches!(receiver, State::SynReceived) => State::Established,
        // 10: the handshake's ACK was not captured, but data flow.
        State::SynReceived if !matches!(receiver, State::SynSent | State::SynReceived) => {
            State::Established
        }
        // 2.5: joined in the middle.
        State::Closed | State::Listen if joined => State::Established,
        other => other,
    };
    let receiver = match receiver {
        // 9: Y's SYN is acknowledged.
        State::SynReceived if matches!(sender, State::Established) => State::Established,
        State::Closed | State::Listen if joined => State::Established,
        other => other,
    };
    (sender, receiver)
}

const fn behind_ack_of_fin(sender: State, receiver: State) -> (State, State) {
    let sender_next = match sender {
        // 18: it received the FIN, now for certain.
        State::Established | State::SynReceived => State::CloseWait,
        // 19: it had sent its own before that.
        State::FinWait1 => State::Closing,
        // 21
        State::FinWait2 => State::TimeWait,
        other => other,
    };
    let receiver_next = match receiver {
        // 20: X's own FIN was on the way before this acknowledgment, so that both have arrived.
        State::FinWait1 if matches!(sender, State::Closing) => State::TimeWait,
        // 18: its FIN is acknowledged.
        State::FinWait1 => State::FinWait2,
        // 20: both FINs are acknowledged.
        State::Closing => State::TimeWait,
        // 21
        State::LastAck => State::Closed,
        other => other,
    };
    (sender_next, receiver_next)
}

const fn sent_fin(state: State) -> State {
    match state {
        // 12
        State::Established
        | State::SynReceived
        | State::SynSent
        | State::Closed
        | State::Listen => State::FinWait1,
        // 13
        State::CloseWait => State::LastAck,
        // 14: sent again.
        other => other,
    }
}

const fn behind_fin(sender: State, receiver: State) -> (State, State) {
    // 14: a repeated FIN shows that the last ACK did not arrive; whoever waits out TIME_WAIT sends it again.
    if let (State::Closed, State::TimeWait) = (sender, receiver) {
        return (State::LastAck, State::TimeWait);
    }
    // Closed by a RST: what was under way changes nothing.
    if let (State::Closed, State::Closed) = (sender, receiver) {
        return (sender, receiver);
    }
    let receiver_next = match receiver {
        // 12
        State::Established
        | State::SynReceived
        | State::SynSent
        | State::Listen
        | State::Closed => State::CloseWait,
        // 16: Y sent a FIN that is not acknowledged yet.
        State::FinWait1 => State::Closing,
        // 15, 17
        State::FinWait2 => State::TimeWait,
        // 14 and the rest: nothing new.
        other => other,
    };
    (sent_fin(sender), receiver_next)
}

const fn behind_crossing_fin(sender: State, receiver: State) -> (State, State) {
    match (sender, receiver) {
        // 16: we took it that X had received Y's FIN, but X shows that it had not: simultaneous close.
        (State::CloseWait | State::Established | State::SynReceived, State::FinWait1) => {
            (State::FinWait1, State::Closing)
        }
        _ => behind_fin(sender, receiver),
    }
}

/// One state for the whole connection (ANALYSIS.md 2.6), from the states of both sides.
pub const fn summary(client: State, server: State) -> State {
    use State::*;
    match (client, server) {
        (Closed, Closed) => Closed,
        (TimeWait, _) | (_, TimeWait) => TimeWait,
        (LastAck, _) | (_, LastAck) => LastAck,
        (Closing, _) | (_, Closing) => Closing,
        (FinWait2, _) | (_, FinWait2) => FinWait2,
        (FinWait1, _) | (_, FinWait1) => FinWait1,
        (CloseWait, _) | (_, CloseWait) => CloseWait,
        (SynReceived, _) | (_, SynReceived) => SynReceived,
        (SynSent, _) | (_, SynSent) => SynSent,
        (Established, _) | (_, Established) => Established,
        (Listen, _) | (_, Listen) => Listen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    /// Goes through signals, alternately naming who sends: 'c' or 's'.
    fn run(steps: &[(char, Signal)]) -> (State, State) {
        steps.iter().fold(
            (State::Closed, State::Listen),
            |(client, server), (who, signal)| {
                if *who == 'c' {
                    next(client, server, *signal)
                } else {
                    let (server, client) = next(server, client, *signal);
                    (client, server)
                }
            },
        )
    }

    const OPEN: [(char, Signal); 3] = [
        ('c', Signal::Syn),
        ('s', Signal::SynAck),
        ('c', Signal::Ack),
    ];

    fn opened(steps: &[(char, Signal)]) -> (State, State) {
        run(&[&OPEN[..], steps].concat())
    }

    #[test]
    fn the_handshake_step_by_step() {
        assert_eq!(run(&OPEN[..1]), (State::SynSent, State::Listen));
        assert_eq!(run(&OPEN[..2]), (State::Established, State::SynReceived));
        assert_eq!(run(&OPEN), (State::Established, State::Established));
    }

    #[test]
    fn a_repeated_syn_takes_back_what_was_assumed() {
        assert_eq!(
            run(&[OPEN[0], OPEN[1], ('c', Signal::Syn)]),
            (State::SynSent, State::SynReceived)
        );
    }

    #[test]
    fn simultaneous_open() {
        let both = [('c', Signal::Syn), ('s', Signal::Syn)];
        assert_eq!(run(&both), (State::SynReceived, State::SynSent));
        let all = [
            both[0],
            both[1],
            ('c', Signal::SynAck),
            ('s', Signal::SynAck),
            ('c', Signal::Ack),
            ('s', Signal::Ack),
        ];
        assert_eq!(run(&all), (State::Established, State::Established));
    }

    #[test]
    fn the_usual_close_in_four_steps() {
        let steps = [
            ('c', Signal::Fin),
            ('s', Signal::AckOfFin),
            ('s', Signal::Fin),
            ('c', Signal::AckOfFin),
        ];
        assert_eq!(opened(&steps[..1]), (State::FinWait1, State::CloseWait));
        assert_eq!(opened(&steps[..2]), (State::FinWait2, State::CloseWait));
        assert_eq!(opened(&steps[..3]), (State::TimeWait, State::LastAck));
        assert_eq!(opened(&steps), (State::TimeWait, State::Closed));
    }

    #[test]
    fn simultaneous_close() {
        let steps = [
            ('c', Signal::Fin),
            ('s', Signal::FinCrossing),
            ('c', Signal::AckOfFin),
            ('s', Signal::AckOfFin),
        ];
        assert_eq!(opened(&steps[..2]), (State::Closing, State::FinWait1));
        assert_eq!(opened(&steps), (State::TimeWait, State::TimeWait));
    }

    #[test]
    fn a_fin_behind_a_gap_waits() {
        assert_eq!(
            opened(&[('c', Signal::FinPending)]),
            (State::FinWait1, State::Established)
        );
    }

    #[test]
    fn a_reset_closes_both_unless_it_was_over() {
        assert_eq!(
            opened(&[('s', Signal::Reset)]),
            (State::Closed, State::Closed)
        );
        assert_eq!(
            next(State::LastAck, State::TimeWait, Signal::Reset),
            (State::LastAck, State::TimeWait)
        );
    }

    #[test]
    fn joining_in_the_middle() {
        assert_eq!(
            run(&[('c', Signal::Ack)]),
            (State::Established, State::Established)
        );
        assert_eq!(
            run(&[('c', Signal::Ack), ('c', Signal::Fin)]),
            (State::FinWait1, State::CloseWait)
        );
    }

    /// The whole table, all states × states × signals, as text that is kept beside the tests.
    #[test]
    fn the_table_in_full() {
        let mut table = String::new();
        for signal in Signal::ALL {
            writeln!(table, "{signal:?} from X").unwrap();
            for x in State::ALL {
                for y in State::ALL {
                    let (x_next, y_next) = next(x, y, signal);
                    let mark = if (x_next, y_next) == (x, y) {
                        "  ="
                    } else {
                        ""
                    };
                    writeln!(
                        table,
                        "  X {x:<12} Y {y:<12} -> X {x_next:<12} Y {y_next:<12}{mark}"
                    )
                    .unwrap();
                }
            }
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/state_table.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, &table).unwrap();
        }
        let golden = std::fs::read_to_string(path).unwrap();
        assert_eq!(
            table, golden,
            "run with UPDATE_GOLDEN=1 and read the difference"
        );
    }
}
