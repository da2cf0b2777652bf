//! The loop from source to outputs. The one file that sees every room.

mod finish;

use crate::analyzers::{Frame, Packet};
use crate::capture::bpf::Filter;
use crate::capture::interface_names::InterfaceNames;
use crate::capture::merged::{self, MergedReader};
use crate::capture::packet_capture::{LiveOptions, PacketCapture};
use crate::capture::pcap_reader::PcapReader;
use crate::capture::pcap_writer::PcapWriter;
use crate::capture::{End, Source};
use crate::cli::Arguments;
use crate::exit::Exit;
use crate::feed::{BATCHES, Batch, Feed, GIVEN_BACK, Intake, SourceFigures};
use crate::progress::{Figures, Progress};
use crate::selection::Selection;
use crate::settings::Settings;
use crate::stats::{Stats, time_of_thread};
use crate::tracking::names::Names;
use crate::tracking::wireshark::WiresharkView;
use crate::tracking::{ConnectionTracker, Event, LOOK_AHEAD};
use crate::utils::time::Timestamp;
use crate::visualization::annotation::annotation;
use crate::visualization::{Output, Seen, Summary};
use crate::watch::Watch;
use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel, sync_channel};
use std::time::Instant;

/// Runs a capture or reads a file, as the settings say, until its end. Returns how it is to exit.
pub fn run(arguments: &Arguments, settings: Settings) -> Result<Exit> {
    let watch = Watch::of(arguments, settings.live)?;
    let source = open(arguments, &settings)?;
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
        .map(|path| PcapWriter::create(path, source.describe(), arguments.annotate))
        .transpose()?;
    #[cfg(target_os = "linux")]
    if settings.live
        && let Some(sentence) = crate::privileges::give_up(arguments.writes_into())?
    {
        eprintln!("tcp-monitor: {sentence}");
    }
    let screen = Screen::new(settings.report_to_stderr);
    let progress = Progress::new(settings.progress, settings.live_limit());
    // Verdicts are known in the second half, which then does the saving.
    let (writer, annotated) = if arguments.annotate {
        (None, writer)
    } else {
        (writer, None)
    };
    let shown = arguments.wireshark
        || annotated.is_some()
        || settings.outputs.iter().any(|output| output.wants_packets());
    let mut tracker = ConnectionTracker::new(arguments.max_connections as usize);
    if !shown
        && !settings
            .outputs
            .iter()
            .any(|output| output.wants_measurements())
    {
        tracker.leave_out_measurements();
    }
    if !settings
        .outputs
        .iter()
        .any(|output| output.wants_accounts())
    {
        tracker.leave_out_accounts();
    }
    if arguments.wireshark || settings.outputs.iter().any(|output| output.wants_closed()) {
        tracker.keep_evicted();
    }
    let wants_names = arguments.names || arguments.resolve;
    let mut feed = Feed {
        source,
        intake: Intake {
            filter,
            selection: Selection::new(arguments.port.clone(), arguments.ip.clone()),
            writer,
            wanted: settings.wanted,
            hasher: tracker.hasher(),
            shown,
            names: wants_names.then(Names::default),
            ..Intake::default()
        },
    };
    let mut session = Session {
        tracker,
        watch,
        summary: Summary {
            wireshark: arguments.wireshark.then(WiresharkView::default),
            known_names: wants_names.then(Names::default),
            ..Summary::default()
        },
        outputs: settings.outputs,
        screen,
        progress,
        interfaces: InterfaceNames::new(settings.live),
        annotated,
        flush_each: settings.live && settings.verbose,
        shown,
        resolves: arguments.resolve,
        drops_known: 0,
        stats: arguments.stats.then(Stats::default),
        failure: None,
    };
    let end = both_halves(&mut feed, &mut session, &interrupted);
    session.finish(feed, end)
}

/// Runs the first half on a thread of its own and the second half on this one.
fn both_halves(feed: &mut Feed, session: &mut Session, interrupted: &AtomicBool) -> Result<End> {
    let (to, from) = sync_channel(BATCHES);
    let (give_back, back) = channel();
    let (began, before) = (Instant::now(), time_of_thread());
    std::thread::scope(|scope| {
        let first = std::thread::Builder::new()
            .name("reader".to_owned())
            .spawn_scoped(scope, move || {
                (feed.run(interrupted, &to, &back), time_of_thread())
            })
            .context("cannot start a thread")?;
        let taken = session.take_all(from, give_back);
        let (end, reading) = match first.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        if let Some(stats) = &mut session.stats {
            (stats.elapsed, stats.reading) = (began.elapsed(), reading);
            stats.tracking = time_of_thread()
                .zip(before)
                .map(|(after, before)| after.saturating_sub(before));
        }
        taken.and(end)
    })
}

fn open(arguments: &Arguments, settings: &Settings) -> Result<Box<dyn Source>> {
    match arguments.file.as_slice() {
        [] => {}
        [path] if !path.is_dir() => return Ok(Box::new(PcapReader::open(path)?)),
        paths => {
            let (files, problems) = merged::files_in(paths)?;
            return Ok(Box::new(MergedReader::open(&files, problems)?));
        }
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

/// A first Ctrl-C, SIGTERM or SIGHUP (the terminal went away) asks for the end, a second one ends at once.
fn listen_for_signals() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
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

/// A packet that somebody wants to see.
struct Shown<'a> {
    frame: &'a Frame<'a>,
    packet: &'a Packet<'a>,
    since_start: i64,
    quotes: Option<u64>,
    comments: &'a [String],
    interface: Option<&'a str>,
    interface_of_several: Option<&'a str>,
}

/// Shows a packet to every output, with what Wireshark says of it if that was asked for.
fn show(
    summary: &mut Summary,
    outputs: &mut [Box<dyn Output>],
    screen: &mut Screen,
    shown: &Shown<'_>,
    event: Option<&Event<'_>>,
) -> Result<()> {
    let wireshark = summary
        .wireshark
        .as_mut()
        .zip(event)
        .map(|(view, event)| view.observe(event));
    let seen = Seen {
        frame: shown.frame,
        packet: shown.packet,
        event,
        quotes: shown.quotes,
        wireshark: wireshark.as_ref(),
        since_start: shown.since_start,
        comments: shown.comments,
        interface: shown.interface,
        interface_of_several: shown.interface_of_several,
    };
    for output in outputs {
        output.packet(&seen, &mut screen.0)?;
    }
    Ok(())
}

/// What the second half holds while a run goes on.
struct Session {
    tracker: ConnectionTracker,
    watch: Watch,
    summary: Summary,
    outputs: Vec<Box<dyn Output>>,
    screen: Screen,
    progress: Progress,
    interfaces: InterfaceNames,
    /// Where packets are saved with their verdicts.
    annotated: Option<PcapWriter>,
    flush_each: bool,
    /// Names are to be asked for at the end.
    resolves: bool,
    /// Whether packets are to be seen.
    shown: bool,
    /// Dropped packets that the outputs know of.
    drops_known: u64,
    /// What it cost, if that was asked for.
    stats: Option<Stats>,
    /// What went wrong with an output while the capture went on.
    failure: Option<anyhow::Error>,
}

impl Session {
    /// Takes the batches as they come, until no more do. Dropping both queues behind an error makes the first half end.
    fn take_all(&mut self, from: Receiver<Batch>, back: Sender<Batch>) -> Result<()> {
        let mut empty = Vec::with_capacity(BATCHES);
        // The first half may be over when it gets them.
        let give_back = |empty: &mut Vec<Batch>| {
            empty.drain(..).for_each(|batch| {
                let _ = back.send(batch);
            });
        };
        loop {
            let next = match from.try_recv() {
                // Nobody waits while the other one may wait for these.
                Err(TryRecvError::Empty) => {
                    give_back(&mut empty);
                    from.recv().ok()
                }
                next => next.ok(),
            };
            let Some(mut batch) = next else {
                return Ok(());
            };
            self.summary.encapsulations.learn(&batch.stacks);
            for interface in &batch.interfaces {
                self.interfaces.add(interface);
                if let Some(writer) = &mut self.annotated {
                    writer.add_interface(interface)?;
                }
            }
            self.take(&batch)?;
            if batch.is_empty() {
                self.watch.idle();
                self.tell()?;
            }
            if self.flush_each || batch.is_empty() {
                self.screen.0.flush()?;
                if let Some(writer) = &mut self.annotated {
                    writer.flush()?;
                }
            }
            if let Some(figures) = batch.figures {
                self.note_drops(&figures);
                self.show_progress(&figures);
            }
            batch.clear();
            empty.push(batch);
            if empty.len() >= GIVEN_BACK {
                give_back(&mut empty);
            }
        }
    }

    /// Tracks and shows packets.
    fn take(&mut self, batch: &Batch) -> Result<()> {
        let mut chunks = batch.segments().chunks(LOOK_AHEAD);
        let mut ahead = self.tracker.look_ahead([].iter()).into_iter();
        for taken in batch.packets() {
            if taken.segment.is_some() && ahead.len() == 0 {
                let next = chunks.next().unwrap_or_default();
                ahead = self.tracker.look_ahead(next.iter()).into_iter();
            }
            let kept = taken.kept;
            let quotes = kept.and_then(|kept| {
                let (number, time) = kept.place();
                let error = kept.icmp_error.as_ref()?;
                self.tracker.note_icmp_error(number, time, error)
            });
            let event = taken.segment.map(|located| {
                let found = ahead.next().flatten();
                self.tracker.observe_located(located, found, taken.payload)
            });
            match (&event, kept) {
                (Some(event), _) => self.watch.segment(event),
                (None, Some(kept)) => self.watch.other(&kept.frame(batch)),
                (None, None) => {}
            }
            if self.shown
                && let Some(kept) = kept
            {
                let frame = kept.frame(batch);
                let packet = kept.packet(&frame, batch);
                let comments = batch.comments_of(frame.number);
                if let Some(writer) = &mut self.annotated {
                    let own = event.as_ref().and_then(annotation);
                    writer.write(&frame, &[comments, own.as_slice()].concat())?;
                }
                let several = self.interfaces.are_several();
                let interface = self.interfaces.of(&frame, packet.interface_index());
                let shown = Shown {
                    quotes,
                    since_start: frame.time.since(batch.since.unwrap_or(frame.time)),
                    packet: &packet,
                    frame: &frame,
                    comments,
                    interface,
                    interface_of_several: interface.filter(|_| several),
                };
                show(
                    &mut self.summary,
                    &mut self.outputs,
                    &mut self.screen,
                    &shown,
                    event.as_ref(),
                )?;
            }
            if self.tracker.has_names() {
                self.learn_names(taken.time());
            }
            self.let_go()?;
            self.tell()?;
        }
        Ok(())
    }

    /// Tells of alerts that began or ended.
    fn tell(&mut self) -> Result<()> {
        if self.watch.has_news() {
            self.progress.clear();
            self.watch.tell(&mut self.outputs, &mut self.screen.0)?;
            // Nobody is to wait for an alert until the buffer is full.
            self.screen.0.flush()?;
        }
        Ok(())
    }

    /// Tells the outputs when the kernel's or the interface's count of dropped packets has risen.
    fn note_drops(&mut self, figures: &SourceFigures) {
        let total = figures.drops.kernel.saturating_add(figures.drops.interface);
        let more = total.saturating_sub(self.drops_known);
        if more > 0 {
            for output in &mut self.outputs {
                output.dropped(figures.time, more);
            }
            self.drops_known = total;
        }
    }

    fn show_progress(&mut self, figures: &SourceFigures) {
        if self.progress.is_due() {
            self.progress.draw(&Figures {
                packets: figures.packets,
                bytes: figures.bytes,
                connections: self.tracker.total(),
                drops: figures.drops.kernel,
                share: figures.share,
            });
        }
    }

    /// Takes over the names that DNS over TCP told.
    fn learn_names(&mut self, time: Timestamp) {
        for (address, name) in self.tracker.take_names() {
            if let Some(names) = &mut self.summary.known_names {
                names.learn(address, name, time);
            }
        }
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
}
