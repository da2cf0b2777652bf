//! Port scans and host sweeps: one address that tries many ports of one host, or one port of many hosts, in vain (ANALYSIS.md
//! 9). What is tried with success does not count, so a busy client is not a scanner.

use super::agenda::Agenda;
use super::clock::Moment;
use super::distinct::{Estimate, Recent};
use super::log::{Active, Log, Subject, Trail};
use super::rule::{Rule, ScanKind};
use super::table::{Bounded, Weight};
use super::thresholds::Thresholds;
use std::hash::Hash;
use std::net::IpAddr;

/// Pairs of addresses, and addresses with a port, that are kept, at most.
const CAPACITY: usize = 8192;

/// One try in vain.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// Who tries.
    pub source: IpAddr,
    /// Whose port.
    pub target: IpAddr,
    /// Which port.
    pub port: u16,
    /// How.
    pub kind: ScanKind,
    /// Whether the port is open: it was there, but not what the prober wanted.
    pub open: bool,
    /// When it was sent.
    pub sent: Moment,
}

/// All that an alert has to count, in bounded memory.
trait Many<T>: Default {
    fn add(&mut self, thing: T);
    fn count(&self) -> u64;
}

/// A bit per port, and how many of them are set.
#[derive(Debug)]
struct Ports {
    bits: Box<[u64; 1024]>,
    count: u32,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            bits: Box::new([0; 1024]),
            count: 0,
        }
    }
}

impl Many<u16> for Ports {
    fn add(&mut self, port: u16) {
        let (bits, bit) = (&mut self.bits[usize::from(port) / 64], 1 << (port % 64));
        self.count += u32::from(*bits & bit == 0);
        *bits |= bit;
    }

    fn count(&self) -> u64 {
        self.count.into()
    }
}

impl Many<IpAddr> for Estimate {
    fn add(&mut self, address: IpAddr) {
        Estimate::add(self, address);
    }

    fn count(&self) -> u64 {
        Estimate::count(self)
    }
}

/// What one source tried.
#[derive(Debug)]
struct Tried<T, M> {
    recent: Recent<T>,
    /// Everything since the alert began, if the log keeps the alert: so there are few of these.
    all: Option<M>,
    open: u64,
    trail: Trail,
    active: Active,
    /// Its number on the agenda while an alert goes on.
    entered: u64,
}

impl<T: Copy + Eq, M> Weight for Tried<T, M> {
    fn weight(&self) -> u64 {
        if self.active.is() {
            u64::MAX
        } else {
            self.recent.len() as u64
        }
    }
}

/// How many, within how many nanoseconds.
type Limit = (usize, i64);

#[derive(Debug)]
struct Detector<K, T, M> {
    rule: Rule,
    unit: &'static str,
    table: Bounded<K, Tried<T, M>>,
    /// Those that an alert goes on for, and when time alone may change something for them.
    agenda: Agenda<(K, Limit, Subject)>,
}

impl<K: Copy + Eq + Hash, T: Copy + Eq, M: Many<T>> Detector<K, T, M> {
    fn new(rule: Rule, unit: &'static str) -> Self {
        Self {
            rule,
            unit,
            table: Bounded::new(CAPACITY),
            agenda: Agenda::default(),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a probe seen as a port or as a host"
    )]
    fn add(
        &mut self,
        key: K,
        thing: T,
        limit: Limit,
        subject: Subject,
        probe: &Probe,
        now: Moment,
        log: &mut Log,
    ) {
        let tried = self.table.entry(key, || Tried {
            recent: Recent::new(thing, now.now),
            all: None,
            open: 0,
            trail: Trail::default(),
            active: Active::default(),
            entered: 0,
        });
        let was_active = tried.active.is();
        let sent = Moment {
            now: now.now,
            ..probe.sent
        };
        tried.trail.step(sent, limit.1, was_active);
        tried.open = u64::from(probe.open)
            + if tried.trail.packets > 1 {
                tried.open
            } else {
                0
            };
        let count = tried.recent.add(thing, now.now, limit.1, limit.0);
        if count >= limit.0 && !was_active && log.has_room(self.rule) {
            let mut all = M::default();
            tried.recent.iter().for_each(|thing| all.add(thing));
            tried.all = Some(all);
        }
        if let Some(all) = &mut tried.all {
            all.add(thing);
        }
        tried.look((self.rule, subject), self.unit, (count, limit), now, log);
        if tried.active.is() && !was_active {
            let due = tried.due(now.now, limit.1);
            tried.entered = self.agenda.enter(due, (key, limit, subject));
            if self.agenda.len() > 2 * CAPACITY {
                self.forget_evicted();
            }
        }
    }

    /// Takes off the agenda what had to leave the table.
    #[cold]
    fn forget_evicted(&mut self) {
        let table = &mut self.table;
        self.agenda.retain(|number, (key, ..)| {
            let tried = table.get_mut(key);
            tried.is_some_and(|tried| tried.entered == number)
        });
    }

    fn tick(&mut self, now: Moment, log: &mut Log) {
        for (number, item) in self.agenda.take_due(now.now) {
            let (key, limit, subject) = item;
            let found = self.table.get_mut(&key);
            let Some(tried) = found.filter(|tried| tried.entered == number) else {
                continue;
            };
            let count = tried.recent.within(now.now, limit.1);
            tried.look((self.rule, subject), self.unit, (count, limit), now, log);
            if tried.active.is() {
                let due = tried.due(now.now, limit.1);
                self.agenda.put_back(due, (number, item));
            }
        }
    }
}

impl<T: Copy + Eq, M: Many<T>> Tried<T, M> {
    fn look(
        &mut self,
        about: (Rule, Subject),
        unit: &'static str,
        (count, limit): (usize, Limit),
        now: Moment,
        log: &mut Log,
    ) {
        let step = self
            .active
            .step(now.now, count >= limit.0, count * 2 < limit.0, limit.1);
        let number = self.all.as_ref().map_or(count as u64, Many::count);
        let figures = [(unit, number), ("open", self.open)];
        log.carry_out(&mut self.active, step, about, self.trail, &figures, now);
        if !self.active.is() {
            (self.all, self.entered) = (None, 0);
        }
    }

    /// When time alone may change something: one of those that count leaves the window, or the alert is over. Nothing that is
    /// tried until then makes it sooner.
    fn due(&self, now: i64, window: i64) -> i64 {
        let leaves = self.recent.next_to_leave(now, window);
        self.active
            .ends_at(window)
            .map_or(leaves, |ends| ends.min(leaves))
    }
}

/// Both detectors.
#[derive(Debug)]
pub struct Scans {
    ports: Detector<(IpAddr, IpAddr, ScanKind), u16, Ports>,
    hosts: Detector<(IpAddr, u16, ScanKind), IpAddr, Estimate>,
}

impl Default for Scans {
    fn default() -> Self {
        Self {
            ports: Detector::new(Rule::PortScan, "ports"),
            hosts: Detector::new(Rule::HostSweep, "hosts"),
        }
    }
}

impl Scans {
    /// Somebody tried something in vain.
    pub fn add(&mut self, probe: &Probe, thresholds: &Thresholds, now: Moment, log: &mut Log) {
        let Probe {
            source,
            target,
            port,
            kind,
            ..
        } = *probe;
        let rule = &thresholds.port_scan;
        if rule.enabled {
            let limit = match kind.is_stealth() {
                true => (rule.stealth_ports, rule.stealth_seconds.0),
                false => (rule.ports, rule.seconds.0),
            };
            let subject = Subject::Scan {
                source,
                target,
                kind,
            };
            self.ports.add(
                (source, target, kind),
                port,
                limit,
                subject,
                probe,
                now,
                log,
            );
        }
        let rule = &thresholds.host_sweep;
        // To see whether many hosts are there, without a word to them, is what monitoring does all day.
        let is_check = kind == ScanKind::Connect && probe.open;
        if rule.enabled && !is_check {
            let limit = match kind.is_stealth() {
                true => (rule.stealth_hosts, rule.stealth_seconds.0),
                false => (rule.hosts, rule.seconds.0),
            };
            let subject = Subject::Sweep { source, port, kind };
            self.hosts.add(
                (source, port, kind),
                target,
                limit,
                subject,
                probe,
                now,
                log,
            );
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Moment, log: &mut Log) {
        self.ports.tick(now, log);
        self.hosts.tick(now, log);
    }

    /// How many entries left to keep within the bounds.
    pub fn evicted(&self) -> u64 {
        self.ports.table.evicted() + self.hosts.table.evicted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::utils::time::NANOS_PER_SECOND;

    const LIMIT: Limit = (3, 300 * NANOS_PER_SECOND);

    type PortScans = Detector<u32, u16, Ports>;

    fn at(now: i64) -> Moment {
        Moment {
            now,
            frame: 1,
            ..Moment::default()
        }
    }

    /// A source tries so many ports.
    fn scan(scans: &mut PortScans, source: u32, ports: u16, now: i64, log: &mut Log) {
        let [source_address, target] = [source, 1].map(|ip| std::net::Ipv4Addr::from(ip).into());
        for port in 0..ports {
            let probe = Probe {
                source: source_address,
                target,
                port,
                kind: ScanKind::Fin,
                open: false,
                sent: at(now),
            };
            let subject = Subject::Host(source_address);
            scans.add(source, port, LIMIT, subject, &probe, at(now), log);
        }
    }

    #[test]
    fn most_ticks_look_at_nothing_and_alerts_end_all_the_same() {
        let mut scans = PortScans::new(Rule::PortScan, "ports");
        let mut log = Log::default();
        (0..50).for_each(|source| scan(&mut scans, source, 3, 0, &mut log));
        let mut looks = 0;
        let tick = NANOS_PER_SECOND / 10;
        // The last port leaves the window at the first tick behind 300 s, and 300 s later the alert is over.
        for now in (tick..=2 * LIMIT.1 + tick).step_by(tick as usize) {
            assert!(log.alerts().iter().all(|alert| !alert.over), "{now}");
            let due = scans.agenda.take_due(now);
            looks += due.len();
            for item in due {
                scans.agenda.put_back(now, item);
            }
            scans.tick(at(now), &mut log);
        }
        assert!(log.alerts().iter().all(|alert| alert.over));
        assert_eq!((log.alerts().len(), scans.agenda.len()), (50, 0));
        assert!(looks <= 50 * 4, "{looks} looks in 6000 ticks");
    }

    #[test]
    fn only_alerts_that_are_kept_remember_all_ports() {
        let mut scans = PortScans::new(Rule::PortScan, "ports");
        let mut log = Log::default();
        for source in 0..3 * CAPACITY as u32 {
            scan(&mut scans, source, 3, 0, &mut log);
            assert!(scans.agenda.len() <= 2 * CAPACITY);
        }
        scan(&mut scans, 0, 200, 0, &mut log);
        let sources = 0..3 * CAPACITY as u32;
        let remembering = sources.filter(|source| {
            let tried = scans.table.get_mut(source);
            tried.is_some_and(|tried| tried.all.is_some())
        });
        assert!(remembering.count() <= log.alerts().len());
    }

    #[test]
    fn ports_are_counted_once() {
        let mut ports = Ports::default();
        for port in (0..=u16::MAX).step_by(7).chain(0..100) {
            ports.add(port);
            ports.add(port);
        }
        let set: u32 = ports.bits.iter().map(|bits| bits.count_ones()).sum();
        assert_eq!(ports.count(), u64::from(set));
    }
}
