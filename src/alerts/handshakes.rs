//! How connections open: what each SYN came to, for floods, half-open handshakes, scans and refusals (ANALYSIS.md 9).

use super::attempts::{Attempt, Attempts};
use super::clock::Moment;
use super::log::Log;
use super::resets::{Party, RstStorms};
use super::rule::ScanKind;
use super::scans::{Probe, Scans};
use super::servers::{Fate, Servers};
use super::thresholds::Thresholds;
use crate::analyzers::tcp::Flags;
use crate::tracking::connection::RoleSource;
use crate::tracking::flow::Offer;
use crate::tracking::state::State;
use crate::tracking::{Connection, Direction, Event};
use crate::utils::time::{NANOS_PER_MILLI, NANOS_PER_SECOND};

/// A connection without data that is closed so soon was only to see whether the port is open.
const SOON: i64 = NANOS_PER_SECOND;
/// No TCP repeats a SYN sooner: the timer begins with a second (RFC 6298 §2.1).
const SYN_TIMER: i64 = 500 * NANOS_PER_MILLI;

/// Everything about handshakes.
#[derive(Debug, Default)]
pub struct Handshakes {
    attempts: Attempts,
    servers: Servers,
    scans: Scans,
}

/// Whether a segment is the client's first behind its SYN.
pub fn is_completed_by(event: &Event<'_>) -> bool {
    if event.direction == Direction::ToClient {
        return false;
    }
    let flow = event.connection.flow(Direction::ToServer);
    let (counts, handshake) = (&flow.counts, &event.connection.handshake);
    // A SYN with data (RFC 7413) has counted as one already.
    let first = match counts.pure_acks + counts.data_packets {
        1 => true,
        2 => flow.first_data == handshake.syn,
        _ => false,
    };
    counts.syn > 0 && first && !event.segment.flags.syn() && !event.segment.flags.rst()
}

/// What the handlers below share.
struct Context<'a> {
    moment: Moment,
    thresholds: &'a Thresholds,
    log: &'a mut Log,
}

impl Handshakes {
    /// A segment with SYN, FIN or RST, without ACK, or the client's first behind its SYN.
    pub fn add(
        &mut self,
        event: &Event<'_>,
        moment: Moment,
        thresholds: &Thresholds,
        resets: &mut RstStorms,
        log: &mut Log,
    ) {
        let to = &mut Context {
            moment,
            thresholds,
            log,
        };
        let (connection, flags) = (event.connection, event.segment.flags);
        if connection.first_frame == event.segment.frame {
            resets.begun(
                connection.client,
                connection.server,
                moment.now,
                &thresholds.rst_storm,
            );
            self.first(event, to);
        } else if flags.syn() && !flags.ack() && is_hasty(event) {
            self.fate(event, Fate::Syn(connection.client.address), to);
        }
        if flags.syn() && flags.ack() && event.direction == Direction::ToClient {
            self.attempts.answer(connection.id);
            let counts = &connection.flow(Direction::ToClient).counts;
            if counts.syn == 1 && connection.handshake.syn.is_some() {
                self.fate(event, Fate::Answered, to);
            }
        }
        if is_completed_by(event) {
            self.attempts.answer(connection.id);
            let answered = connection.handshake.syn_ack.is_some();
            self.fate(event, Fate::Completed { answered }, to);
        }
        if flags.rst() {
            self.reset(event, resets, to);
        }
        if flags.rst() || flags.fin() {
            self.closed_at_once(event, to);
        }
    }

    /// Time has passed; `over` if there will be no more of it.
    pub fn tick(&mut self, moment: Moment, over: bool, thresholds: &Thresholds, log: &mut Log) {
        let patience = thresholds.port_scan.patience_seconds.0;
        // Floods first: what floods is no scan.
        self.servers.tick(moment, over, thresholds, log);
        while let Some(attempt) = self.attempts.overdue(moment.now, patience) {
            self.unanswered(
                &attempt,
                &mut Context {
                    moment,
                    thresholds,
                    log,
                },
            );
        }
        self.scans.tick(moment, log);
    }

    /// How many entries left to keep within the bounds.
    pub fn evicted(&self) -> u64 {
        self.servers.evicted() + self.scans.evicted()
    }

    /// The first segment between two endpoints.
    fn first(&mut self, event: &Event<'_>, to: &mut Context<'_>) {
        let (connection, segment) = (event.connection, event.segment);
        let [sender, receiver] =
            [event.direction, event.direction.reverse()].map(|side| connection.sender(side));
        if segment.flags.syn() && !segment.flags.ack() && !segment.flags.fin() {
            self.fate(event, Fate::Syn(sender.address), to);
            let attempt = Attempt {
                id: connection.id,
                moment: to.moment,
                client: sender,
                server: receiver,
                like_a_system: is_like_a_system(connection.flow(event.direction).offer),
            };
            let patience = to.thresholds.port_scan.patience_seconds.0;
            if let Some(crowded_out) = self.attempts.begin(attempt, patience) {
                self.unanswered(&crowded_out, to);
            }
        } else if let Some(kind) = stealth_kind(segment.flags)
            && kind.is_stealth()
            && segment.payload_len == 0
        {
            let probe = Probe {
                source: sender.address,
                target: receiver.address,
                port: receiver.port,
                kind,
                open: false,
                sent: to.moment,
            };
            self.scans.add(&probe, to.thresholds, to.moment, to.log);
        }
    }

    fn fate(&mut self, event: &Event<'_>, fate: Fate, to: &mut Context<'_>) {
        let rules = (
            to.thresholds.syn_flood.enabled,
            to.thresholds.half_open.enabled,
        );
        if rules == (false, false) {
            return;
        }
        let syn = event.connection.handshake.syn.unwrap_or(event.segment.time);
        let begun = to.moment.now - event.segment.time.since(syn).max(0);
        self.servers.add(
            event.connection.server,
            fate,
            begun,
            to.moment,
            to.thresholds,
        );
    }

    fn unanswered(&mut self, attempt: &Attempt, to: &mut Context<'_>) {
        let rule = &to.thresholds.syn_flood;
        if rule.enabled && self.servers.may_be_flooded(&attempt.server, rule) {
            return;
        }
        let probe = Probe {
            source: attempt.client.address,
            target: attempt.server.address,
            port: attempt.server.port,
            kind: if attempt.like_a_system {
                ScanKind::Connect
            } else {
                ScanKind::Syn
            },
            open: false,
            sent: attempt.moment,
        };
        self.scans.add(&probe, to.thresholds, to.moment, to.log);
    }

    /// A RST: the answer to a SYN or to a probe, a handshake taken back, or the end of an open connection.
    fn reset(&mut self, event: &Event<'_>, resets: &mut RstStorms, to: &mut Context<'_>) {
        let connection = event.connection;
        let rst = Direction::BOTH.map(|side| connection.flow(side).counts.rst);
        if rst[0] + rst[1] != 1 {
            return;
        }
        self.attempts.answer(connection.id);
        let (client, server) = (connection.client, connection.server);
        let states = event.states_before().0;
        let mut probe = Probe {
            source: client.address,
            target: server.address,
            port: server.port,
            kind: ScanKind::Syn,
            open: false,
            sent: begin_of(connection, to.moment),
        };
        let rule = &to.thresholds.rst_storm;
        match (event.direction, states) {
            (Direction::ToClient, [State::SynSent, _]) => {
                self.fate(event, Fate::Refused, to);
                if is_like_a_system(connection.flow(Direction::ToServer).offer) {
                    probe.kind = ScanKind::Connect;
                }
                self.scans.add(&probe, to.thresholds, to.moment, to.log);
                if rule.enabled {
                    resets.add(Party::Service(server), to.moment, rule, to.log);
                }
            }
            (direction, [_, State::SynReceived]) => {
                self.fate(event, Fate::Aborted, to);
                if direction == Direction::ToServer {
                    probe.open = true;
                    self.scans.add(&probe, to.thresholds, to.moment, to.log);
                }
            }
            (_, [State::Established, State::Established]) => {
                let data: u64 = connection
                    .flows
                    .0
                    .iter()
                    .map(|flow| flow.counts.payload_bytes)
                    .sum();
                if data > 0 && rule.enabled {
                    for address in [client.address, server.address] {
                        resets.add(Party::Host(address), to.moment, rule, to.log);
                    }
                }
                self.answer_to_probe(event, probe, to);
            }
            _ => self.answer_to_probe(event, probe, to),
        }
    }

    /// A RST as the second segment between two endpoints, behind one that belongs to no connection.
    fn answer_to_probe(&mut self, event: &Event<'_>, mut probe: Probe, to: &mut Context<'_>) {
        let connection = event.connection;
        let prober = event.direction.reverse();
        let Some(sent) = connection.flow(prober).latest.map(|latest| latest.segment) else {
            return;
        };
        let only_one = connection.packets() == 2
            && sent.frame == connection.first_frame
            && sent.payload_len == 0;
        // A server that closes connections of before the capture is none: the other side forgot them.
        let guessed_by_port = matches!(
            connection.role_source,
            RoleSource::ServicePort | RoleSource::SystemPort
        );
        let is_service = guessed_by_port && prober == Direction::ToClient;
        if let Some(kind) = stealth_kind(sent.flags)
            && !kind.is_stealth()
            && only_one
            && !is_service
        {
            let [source, target] = [prober, event.direction].map(|side| connection.sender(side));
            (probe.source, probe.target, probe.port) =
                (source.address, target.address, target.port);
            probe.kind = kind;
            self.scans.add(&probe, to.thresholds, to.moment, to.log);
        }
    }

    /// The client closes a connection through which it never said anything.
    fn closed_at_once(&mut self, event: &Event<'_>, to: &mut Context<'_>) {
        let connection = event.connection;
        let counts = &connection.flow(Direction::ToServer).counts;
        let first =
            counts.fin + counts.rst == 1 && connection.flow(Direction::ToClient).counts.fin == 0;
        let opened = connection.handshake.is_complete() && connection.duration() <= SOON;
        if event.direction == Direction::ToServer && first && opened && counts.payload_bytes == 0 {
            let probe = Probe {
                source: connection.client.address,
                target: connection.server.address,
                port: connection.server.port,
                kind: ScanKind::Connect,
                open: true,
                sent: begin_of(connection, to.moment),
            };
            self.scans.add(&probe, to.thresholds, to.moment, to.log);
        }
    }
}

/// The first segment of a connection, which is the probe where that failed.
fn begin_of(connection: &Connection, moment: Moment) -> Moment {
    Moment {
        now: moment.now,
        frame: connection.first_frame,
        time: connection.start,
    }
}

/// Whether a repeated SYN comes sooner than any timer would send it.
fn is_hasty(event: &Event<'_>) -> bool {
    let last = event.judgement.repeat.and_then(|repeat| repeat.last);
    last.is_some_and(|(_, nanos)| nanos < SYN_TIMER)
}

/// What operating systems offer in a SYN and most scanners leave out: selective acknowledgments or timestamps.
fn is_like_a_system(offer: Offer) -> bool {
    offer.sack_permitted || offer.timestamps
}

/// What a segment outside any connection is, by its flags alone, congestion flags left out.
fn stealth_kind(flags: Flags) -> Option<ScanKind> {
    let control = Flags(flags.0 & 0x3f);
    Some(match control {
        Flags(0) => ScanKind::Null,
        Flags::FIN => ScanKind::Fin,
        Flags::ACK => ScanKind::Ack,
        _ if control == Flags::FIN.with(Flags::PSH).with(Flags::URG) => ScanKind::Xmas,
        _ if control == Flags::FIN.with(Flags::ACK) => ScanKind::Maimon,
        _ => return None,
    })
}
