//! The loop from source to outputs. The one file that sees every room.

use crate::capture::bpf::Filter;
use crate::capture::packet_capture::{LiveOptions, PacketCapture};
use crate::capture::pcap_reader::PcapReader;
use crate::capture::pcap_writer::PcapWriter;
use crate::capture::{End, Next, Source};
use crate::cli::Arguments;
use crate::exit::is_closed_pipe;
use crate::progress::{Figures, Progress};
use crate::selection::Selection;
use crate::settings::{Settings, Wanted};
use crate::tracking::wireshark::WiresharkView;
use crate::tracking::{ConnectionTracker, Segment};
use crate::utils::time::Timestamp;
use crate::visualization::{Output, Seen, Summary};
use crate::{analyzers, analyzers::Frame};
use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the count of dropped packets is asked for.
const DROPS_EVERY: Duration = Duration::from_millis(100);
/// Packets between two looks at the clock and at the progress line.
const LOOK_UP_EVERY: u64 = 1024;

/// Runs a capture or reads a file, as the settings say, until its end. Returns what is to be warned of.
pub fn run(arguments: &Arguments, settings: Settings) -> Result<()> {
    let mut source = open(arguments, &settings)?;
    let interrupted = listen_for_signals()?;
    let filter = match (&arguments.filter, settings.live) {
        (Some(expression), false) => {
            Some(Filter::new(expression, &source.describe().link_types())?)
        }
        _ => None,
    };
    let writer = arguments
        .output
        .as_ref()
        .map(|path| PcapWriter::create(path, source.describe()))
        .transpose()?;
    let screen = Screen::new(settings.report_to_stderr);
    let progress = Progress::new(settings.progress, settings.live_limit());
    let mut session = Session {
        tracker: ConnectionTracker::new(arguments.max_connections as usize),
        selection: Selection::new(arguments.port.clone(), arguments.ip.clone()),
        summary: Summary {
            wireshark: arguments.wireshark.then(WiresharkView::default),
            ..Summary::default()
        },
        outputs: settings.outputs,
        screen,
        writer,
        filter,
        progress,
        wanted: settings.wanted,
        flush_each: settings.live && settings.verbose,
        drops_known: 0,
        drops_looked_at: Instant::now(),
        failure: None,
    };
    let began = Instant::now();
    let end = session.read(source.as_mut(), began, &interrupted);
    session.finish(source.as_mut(), end)
}

fn open(arguments: &Arguments, settings: &Settings) -> Result<Box<dyn Source>> {
    if let Some(path) = &arguments.file {
        return Ok(Box::new(PcapReader::open(path)?));
    }
    let options = LiveOptions {
        snaplen: arguments.snaplen,
        buffer_mib: arguments.buffer_size,
        promiscuous: !arguments.no_promiscuous,
        immediate: settings.verbose,
        filter: arguments.filter.clone(),
        ..LiveOptions::default()
    };
    Ok(Box::new(PacketCapture::open(
        arguments.interface().unwrap_or_default(),
        &options,
    )?))
}

/// A first Ctrl-C or SIGTERM asks for the end, a second one ends at once.
fn listen_for_signals() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
            .context("cannot listen for Ctrl-C")?;
    }
    Ok(flag)
}

/// Where results are printed.
struct Screen(BufWriter<Box<dyn Write>>);

impl Screen {
    fn new(to_stderr: bool) -> Self {
        let to: Box<dyn Write> = if to_stderr {
            Box::new(std::io::stderr())
        } else {
            Box::new(std::io::stdout())
        };
        Self(BufWriter::with_capacity(64 * 1024, to))
    }
}

/// What a run holds while it goes on.
struct Session {
    tracker: ConnectionTracker,
    selection: Selection,
    summary: Summary,
    outputs: Vec<Box<dyn Output>>,
    screen: Screen,
    writer: Option<PcapWriter>,
    filter: Option<Filter>,
    progress: Progress,
    wanted: Wanted,
    flush_each: bool,
    /// Dropped packets that the outputs know of, and when that was last looked at.
    drops_known: u64,
    drops_looked_at: Instant,
    /// What went wrong with an output while the capture went on.
    failure: Option<anyhow::Error>,
}

/// Whether to go on.
#[derive(PartialEq, Eq)]
enum Go {
    On,
    End,
}

impl Session {
    /// Reads until the source ends, enough was seen, or somebody wants it to end.
    fn read(
        &mut self,
        source: &mut dyn Source,
        began: Instant,
        interrupted: &AtomicBool,
    ) -> Result<End> {
        let mut since_look = 0;
        while !interrupted.load(Ordering::Relaxed) {
            let idle = match source.next()? {
                Next::End(end) => return Ok(end),
                Next::Interface(interface) => {
                    if let Some(writer) = &mut self.writer {
                        writer.add_interface(interface)?;
                    }
                    false
                }
                Next::Idle => {
                    self.flush()?;
                    true
                }
                Next::Frame(frame) => {
                    if self.frame(&frame)? == Go::End {
                        break;
                    }
                    false
                }
            };
            since_look += 1;
            if idle
                || since_look >= LOOK_UP_EVERY
                || self.wanted.duration_live.is_some() && since_look >= 16
            {
                since_look = 0;
                if self
                    .wanted
                    .duration_live
                    .is_some_and(|limit| began.elapsed() >= limit)
                {
                    break;
                }
                self.note_drops(source);
                self.show_progress(source);
            }
        }
        Ok(End::Finished)
    }

    /// Tells the outputs when the kernel's or the interface's count of dropped packets has risen.
    fn note_drops(&mut self, source: &mut dyn Source) {
        if self.drops_looked_at.elapsed() < DROPS_EVERY {
            return;
        }
        self.drops_looked_at = Instant::now();
        let drops = source.drops();
        let total = drops.kernel + drops.interface;
        if total > self.drops_known {
            let time = self.summary.totals.last.unwrap_or_default();
            for output in &mut self.outputs {
                output.dropped(time, total - self.drops_known);
            }
            self.drops_known = total;
        }
    }

    fn show_progress(&mut self, source: &mut dyn Source) {
        if self.progress.is_due() {
            let totals = &self.summary.totals;
            self.progress.draw(&Figures {
                packets: totals.all.packets,
                bytes: totals.all.bytes,
                connections: self.tracker.total(),
                drops: source.drops().kernel,
                share: source.progress(),
            });
        }
    }

    /// Takes in a frame: select, save, decode, track, show.
    fn frame(&mut self, frame: &Frame<'_>) -> Result<Go> {
        if self.is_too_late(frame.time) {
            return Ok(Go::End);
        }
        if let Some(filter) = &mut self.filter
            && !filter.matches(frame)?
        {
            self.summary.totals.leave_out(frame);
            return Ok(Go::On);
        }
        let packet = analyzers::decode(frame);
        if !self.selection.wants(&packet) {
            self.summary.totals.leave_out(frame);
            return Ok(Go::On);
        }
        if let Some(writer) = &mut self.writer {
            writer.write(frame)?;
        }
        self.summary.totals.add(frame, &packet);
        let segment = Segment::of(frame, &packet);
        let event = segment
            .as_ref()
            .map(|(sender, receiver, segment)| self.tracker.observe(*sender, *receiver, segment));
        let wireshark = self
            .summary
            .wireshark
            .as_mut()
            .zip(event.as_ref())
            .map(|(view, event)| view.observe(event));
        let since_start = frame
            .time
            .since(self.summary.totals.first.unwrap_or(frame.time));
        let seen = Seen {
            frame,
            packet: &packet,
            event: event.as_ref(),
            wireshark: wireshark.as_ref(),
            since_start,
        };
        for output in &mut self.outputs {
            output.packet(&seen, &mut self.screen.0)?;
        }
        self.let_go()?;
        if self.flush_each {
            self.screen.0.flush()?;
        }
        let enough = self
            .wanted
            .packets
            .is_some_and(|limit| self.summary.totals.all.packets >= limit);
        Ok(if enough { Go::End } else { Go::On })
    }

    /// For files: whether the wanted part of the capture is over.
    fn is_too_late(&self, time: Timestamp) -> bool {
        let begin = self.summary.totals.first.unwrap_or(time);
        self.wanted
            .duration_of_file
            .is_some_and(|limit| time.since(begin) > limit)
    }

    /// Shows the connections that left the tracking to make room.
    fn let_go(&mut self) -> Result<()> {
        if !self.tracker.has_evicted() {
            return Ok(());
        }
        for connection in self.tracker.take_evicted() {
            for output in &mut self.outputs {
                output.closed(&connection, &self.summary, &mut self.screen.0)?;
            }
            if let Some(view) = &mut self.summary.wireshark {
                view.forget(connection.id);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.screen.0.flush()?;
        if let Some(writer) = &mut self.writer {
            writer.flush()?;
        }
        Ok(())
    }

    /// Completes everything, whatever happened before: the saved file, the report, the graphs.
    fn finish(mut self, source: &mut dyn Source, end: Result<End>) -> Result<()> {
        self.progress.clear();
        let drops = source.drops();
        let info = source.describe();
        (self.summary.source, self.summary.format) = (info.name.clone(), info.format.to_string());
        (self.summary.link_types, self.summary.snap_length) =
            (info.link_types(), info.snap_length());
        (
            self.summary.dropped_by_kernel,
            self.summary.dropped_by_interface,
        ) = (drops.kernel, drops.interface);
        self.summary.warnings.extend(info.problems.iter().cloned());
        match end {
            Ok(end) => self
                .summary
                .warnings
                .extend(end.warning().map(ToOwned::to_owned)),
            Err(error) => self.fail(error),
        }
        if let Some(filter) = &self.filter {
            self.summary
                .warnings
                .extend(filter.problems().iter().cloned());
        }
        if let Some(writer) = self.writer.take()
            && let Err(error) = writer.finish()
        {
            self.fail(error);
        }
        for output in &mut self.outputs {
            if let Err(error) = output.finish(&self.tracker, &self.summary, &mut self.screen.0) {
                self.failure.get_or_insert(error);
            }
        }
        if let Err(error) = self.screen.0.flush() {
            self.fail(error.into());
        }
        self.warn();
        match self.failure {
            Some(error) if !is_closed_pipe(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Remembers the first failure; the rest of the results are still wanted.
    fn fail(&mut self, error: anyhow::Error) {
        self.failure.get_or_insert(error);
    }

    fn warn(&self) {
        for warning in &self.summary.warnings {
            eprintln!("tcp-monitor: warning: {warning}");
        }
        if self.summary.dropped_by_kernel > 0 {
            let number = self.summary.dropped_by_kernel;
            eprintln!(
                "tcp-monitor: warning: the kernel dropped {number} packets; try a larger --buffer-size, a --filter, or a smaller --snaplen"
            );
        }
        if self.summary.dropped_by_interface > 0 {
            let number = self.summary.dropped_by_interface;
            eprintln!(
                "tcp-monitor: warning: the interface dropped {number} packets before the kernel saw them"
            );
        }
    }
}
