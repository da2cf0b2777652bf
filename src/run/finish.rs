//! The end of a run: everything is completed, whatever happened before.

use super::Session;
use crate::capture::{End, Source};
use crate::exit::{Exit, is_closed_pipe};
use crate::feed::{Feed, Intake};
use crate::resolve;
use crate::stats::Stats;
use crate::utils::format;
use crate::utils::time::Timestamp;
use crate::visualization::Summary;
use anyhow::Result;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::Write;
use std::net::IpAddr;

impl Session {
    /// Completes everything, whatever happened before: the saved file, the report, the graphs.
    pub(super) fn finish(mut self, feed: Feed, end: Result<End>) -> Result<Exit> {
        let Feed {
            mut source,
            mut intake,
        } = feed;
        self.progress.clear();
        self.summarise(source.as_mut(), &mut intake, end);
        if let Some(writer) = intake.writer.or(self.annotated.take())
            && let Err(error) = writer.finish()
        {
            self.fail(error);
        }
        if self.resolves {
            self.resolve();
        }
        let mut exit = Exit::Done;
        match self.watch.finish(&mut self.outputs, &mut self.screen.0) {
            Ok((log, failed)) => {
                self.summary.alerts = log;
                exit = if failed { Exit::Alert } else { Exit::Done };
            }
            Err(error) => {
                self.failure.get_or_insert(error);
            }
        }
        for output in &mut self.outputs {
            if let Err(error) = output.finish(&self.tracker, &self.summary, &mut self.screen.0) {
                self.failure.get_or_insert(error);
            }
        }
        if let Err(error) = self.screen.0.flush() {
            self.failure.get_or_insert(error.into());
        }
        for warning in warnings(&self.summary) {
            eprintln!("tcp-monitor: warning: {warning}");
        }
        if let Some(stats) = self.stats {
            let all = Stats {
                connections: self.tracker.total(),
                evicted: self.tracker.evicted(),
                memory: self.tracker.memory(),
                packets: self.summary.totals.all.packets,
                ..stats
            };
            all.print();
        }
        // The program ends now: the system takes back a hundred thousand connections faster than they are freed one by one.
        std::mem::forget(self.tracker);
        match self.failure {
            Some(error) if !is_closed_pipe(&error) => Err(error),
            _ => Ok(exit),
        }
    }

    /// Remembers the first failure; the rest of the results are still wanted.
    fn fail(&mut self, error: anyhow::Error) {
        self.failure.get_or_insert(error);
    }

    /// What the source and the reading half know of the capture as a whole goes into the summary.
    fn summarise(&mut self, source: &mut dyn Source, intake: &mut Intake, end: Result<End>) {
        self.summary.totals = std::mem::take(&mut intake.totals);
        self.summary.udp = std::mem::take(&mut intake.udp);
        let drops = source.drops();
        let info = source.describe();
        (self.summary.source, self.summary.format) = (info.name.clone(), info.format_name());
        (self.summary.comments, self.summary.names) = (info.comments.clone(), info.names.clone());
        if let Some(names) = &mut self.summary.known_names {
            names.extend(intake.names.take().unwrap_or_default());
            for (address, name) in &info.names {
                names.learn(
                    *address,
                    format::printable(name).into_owned(),
                    Timestamp::default(),
                );
            }
        }
        (self.summary.link_types, self.summary.snap_length) =
            (info.link_types(), info.snap_length());
        (
            self.summary.dropped_by_kernel,
            self.summary.dropped_by_interface,
        ) = (drops.kernel, drops.interface);
        self.summary.warnings.extend(info.problems.iter().cloned());
        self.summary.fragments = intake.reassembly.counts();
        match end {
            Ok(end) => self
                .summary
                .warnings
                .extend(end.warning().map(ToOwned::to_owned)),
            Err(error) => self.fail(error),
        }
        if let Some(filter) = &intake.filter {
            self.summary
                .warnings
                .extend(filter.problems().iter().cloned());
        }
    }

    /// Asks for the names of the addresses that have none yet, those with the most bytes first.
    fn resolve(&mut self) {
        let Some(names) = &mut self.summary.known_names else {
            return;
        };
        let mut bytes: HashMap<IpAddr, u64> = HashMap::new();
        for connection in self.tracker.all() {
            for end in [connection.client, connection.server] {
                *bytes.entry(end.address).or_default() += connection.wire_bytes();
            }
        }
        let mut addresses: Vec<_> = bytes.into_iter().collect();
        addresses.retain(|(address, _)| names.of(*address).is_none());
        addresses.sort_by_key(|&(address, bytes)| (Reverse(bytes), address));
        let addresses = addresses.into_iter().map(|(address, _)| address).collect();
        let (found, unknown) = resolve::names_of(addresses);
        for (address, name) in found {
            names.learn(address, name, Timestamp::default());
        }
        if unknown > 0 {
            let words = format::one_or_many(unknown as u64, "address was", "addresses were");
            let limit = resolve::MOST;
            self.summary.warnings.push(format!(
                "{words} not looked up: more than {limit}, or no answer in time"
            ));
        }
    }
}

/// What is to be warned of at the end.
fn warnings(summary: &Summary) -> Vec<String> {
    let mut warnings = summary.warnings.clone();
    if summary.dropped_by_kernel > 0 {
        let packets = format::counted(summary.dropped_by_kernel, "packet");
        warnings.push(format!(
            "the kernel dropped {packets}; try a larger --buffer-size, a --filter, or a smaller --snaplen"
        ));
    }
    if summary.dropped_by_interface > 0 {
        let packets = format::counted(summary.dropped_by_interface, "packet");
        warnings.push(format!(
            "the interface dropped {packets} before the kernel saw them"
        ));
    }
    warnings
}
