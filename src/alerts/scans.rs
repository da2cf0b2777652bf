//! Port scans and host sweeps: one address that tries many ports of one host, or one port of many hosts, in vain (ANALYSIS.md
//! 9). What is tried with success does not count, so a busy client is not a scanner.

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

/// A bit per port.
#[derive(Debug)]
struct Ports(Box<[u64; 1024]>);

impl Default for Ports {
    fn default() -> Self {
        Self(Box::new([0; 1024]))
    }
}

impl Many<u16> for Ports {
    fn add(&mut self, port: u16) {
        self.0[usize::from(port) / 64] |= 1 << (port % 64);
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|bits| u64::from(bits.count_ones())).sum()
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
    /// Everything since the alert began.
    all: Option<M>,
    open: u64,
    trail: Trail,
    active: Active,
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
    hot: Vec<(K, Limit, Subject)>,
}

impl<K: Copy + Eq + Hash, T: Copy + Eq, M: Many<T>> Detector<K, T, M> {
    fn new(rule: Rule, unit: &'static str) -> Self {
        Self {
            rule,
            unit,
            table: Bounded::new(CAPACITY),
            hot: Vec::new(),
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
        if count >= limit.0 && tried.all.is_none() {
            let mut all = M::default();
            tried.recent.iter().for_each(|thing| all.add(thing));
            tried.all = Some(all);
        }
        if let Some(all) = &mut tried.all {
            all.add(thing);
        }
        tried.look((self.rule, subject), self.unit, (count, limit), now, log);
        if tried.active.is() && !was_active {
            self.hot.push((key, limit, subject));
        }
    }

    fn tick(&mut self, now: Moment, log: &mut Log) {
        let (table, rule, unit) = (&mut self.table, self.rule, self.unit);
        self.hot.retain(|&(key, limit, subject)| {
            table.get_mut(&key).is_some_and(|tried| {
                let count = tried.recent.within(now.now, limit.1);
                tried.look((rule, subject), unit, (count, limit), now, log);
                tried.active.is()
            })
        });
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
            self.all = None;
        }
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
