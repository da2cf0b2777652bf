//! The whole line from a source to what outputs print, as `run` has it: the real first half, and a second half without files,
//! screen and signals.

use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{channel, sync_channel};
use tcp_monitor::alerts::{Alerts, Thresholds};
use tcp_monitor::analyzers::{Frame, LinkType, decode};
use tcp_monitor::capture::{Drops, End, Format, Interface, Next, Resolution, Source, SourceInfo};
use tcp_monitor::feed::{Batch, Feed, Intake};
use tcp_monitor::tracking::names::Names;
use tcp_monitor::tracking::wireshark::WiresharkView;
use tcp_monitor::tracking::{ConnectionTracker, LOOK_AHEAD};
use tcp_monitor::utils::time::Timestamp;
use tcp_monitor::visualization::{Output, Seen, Summary};

/// As many things are enough for a fuzzer: a small file may hold millions when it is decompressed.
pub const MOST: usize = 8192;
/// A pause counts as so many things, since it ends a batch.
const PAUSE: usize = 256;

/// To read these from their file took a quarter of the time.
static DEFAULTS: LazyLock<Thresholds> = LazyLock::new(Thresholds::default);

/// Follows what a source gives, the first `most` things of it, with room for so many connections; so many segments are looked up at
/// once, up to [`LOOK_AHEAD`].
/// Returns what each output printed, in which no control character may stand.
pub fn follow(
    source: impl Source + 'static,
    most: usize,
    connections: usize,
    at_once: usize,
    outputs: Vec<Box<dyn Output>>,
) -> Vec<String> {
    let mut tracker = ConnectionTracker::new(connections);
    tracker.keep_evicted();
    let mut feed = Feed {
        source: Box::new(Beginning { source, left: most }),
        intake: Intake {
            hasher: tracker.hasher(),
            shown: true,
            names: Some(Names::default()),
            ..Intake::default()
        },
    };
    let mut second = Second {
        tracker,
        alerts: Alerts::new(DEFAULTS.clone()),
        summary: Summary {
            wireshark: Some(WiresharkView::default()),
            known_names: Some(Names::default()),
            ..Summary::default()
        },
        outputs: outputs
            .into_iter()
            .map(|output| (output, Vec::new()))
            .collect(),
    };
    // Room for every batch, and as many empty ones: nobody takes one out before the end.
    let (to, from) = sync_channel(most / PAUSE + 1);
    let (give_back, back) = channel();
    for _ in 0..most / PAUSE {
        give_back.send(Batch::default()).expect("it is received");
    }
    let end = feed.run(&AtomicBool::new(false), &to, &back);
    drop(to);
    for batch in from {
        second.summary.encapsulations.learn(&batch.stacks);
        second.take(&batch, at_once.clamp(1, LOOK_AHEAD));
    }
    second.finish(feed, &end.expect("damage is an end, not an error"))
}

/// The first things of another source.
struct Beginning<S> {
    source: S,
    left: usize,
}

impl<S: Source> Source for Beginning<S> {
    fn next(&mut self) -> anyhow::Result<Next<'_>> {
        if self.left == 0 {
            return Ok(Next::End(End::Finished));
        }
        let next = self.source.next()?;
        let costs = if matches!(next, Next::Idle) { PAUSE } else { 1 };
        self.left = self.left.saturating_sub(costs);
        if let Next::Frame(frame) = &next {
            assert!(frame.wire_len as usize >= frame.bytes.len());
        }
        Ok(next)
    }

    fn describe(&self) -> &SourceInfo {
        self.source.describe()
    }

    fn drops(&mut self) -> Drops {
        self.source.drops()
    }

    fn progress(&self) -> Option<f64> {
        self.source.progress()
    }
}

/// Frames that were made, as a source.
pub struct Made {
    info: SourceInfo,
    link: LinkType,
    frames: Vec<(Timestamp, u32, Vec<u8>)>,
    taken: usize,
    is_announced: bool,
}

impl Made {
    /// A source without frames yet, all of this link type.
    pub fn new(link: LinkType) -> Self {
        let mut info = SourceInfo::new("made".to_owned(), Format::Pcap);
        let interface = Interface::new(link, 0, Resolution::NANOSECONDS);
        info.interfaces.push(interface);
        Self {
            info,
            link,
            frames: Vec::new(),
            taken: 0,
            is_announced: false,
        }
    }

    /// Adds a frame: its time, its length on the wire, what was captured of it.
    pub fn push(&mut self, time: Timestamp, wire_len: u32, bytes: Vec<u8>) {
        self.frames.push((time, wire_len, bytes));
    }
}

impl Source for Made {
    fn next(&mut self) -> anyhow::Result<Next<'_>> {
        if !std::mem::replace(&mut self.is_announced, true) {
            return Ok(Next::Interface(&self.info.interfaces[0]));
        }
        let Some((time, wire_len, bytes)) = self.frames.get(self.taken) else {
            return Ok(Next::End(End::Finished));
        };
        self.taken += 1;
        Ok(Next::Frame(Frame {
            number: self.taken as u64,
            time: *time,
            link: self.link,
            interface: 0,
            wire_len: *wire_len,
            bytes,
        }))
    }

    fn describe(&self) -> &SourceInfo {
        &self.info
    }

    fn drops(&mut self) -> Drops {
        Drops::default()
    }

    fn progress(&self) -> Option<f64> {
        None
    }
}

/// The second half.
struct Second {
    tracker: ConnectionTracker,
    alerts: Alerts,
    summary: Summary,
    /// What shows results, each with what it printed.
    outputs: Vec<(Box<dyn Output>, Vec<u8>)>,
}

impl Second {
    /// Tracks, judges, watches and shows packets.
    fn take(&mut self, batch: &Batch, at_once: usize) {
        let mut chunks = batch.segments().chunks(at_once);
        let mut ahead = self.tracker.look_ahead([].iter()).into_iter();
        for taken in batch.packets() {
            if taken.segment.is_some() && ahead.len() == 0 {
                let next = chunks.next().unwrap_or_default();
                ahead = self.tracker.look_ahead(next.iter()).into_iter();
            }
            let kept = taken.kept.expect("all packets are to be shown");
            let frame = kept.frame(batch);
            let packet = kept.packet(&frame, batch);
            let quotes = kept.icmp_error.as_ref().and_then(|error| {
                let (number, time) = kept.place();
                self.tracker.note_icmp_error(number, time, error)
            });
            let event = taken.segment.map(|located| {
                let found = ahead.next().flatten();
                self.tracker.observe_located(located, found, taken.payload)
            });
            match &event {
                Some(event) => self.alerts.segment(event),
                None => self.alerts.packet(&frame, &decode(&frame), None),
            }
            let view = self.summary.wireshark.as_mut().zip(event.as_ref());
            let wireshark = view.map(|(view, event)| view.observe(event));
            let seen = Seen {
                quotes,
                frame: &frame,
                packet: &packet,
                event: event.as_ref(),
                wireshark: wireshark.as_ref(),
                comments: batch.comments_of(frame.number),
                interface: None,
                interface_of_several: None,
                since_start: frame.time.since(batch.since.unwrap_or(frame.time)),
            };
            for (output, printed) in &mut self.outputs {
                output.packet(&seen, printed).expect("memory takes it");
            }
            self.learn_and_let_go(frame.time);
            self.tell();
        }
    }

    fn learn_and_let_go(&mut self, time: Timestamp) {
        for (address, name) in self.tracker.take_names() {
            if let Some(names) = &mut self.summary.known_names {
                names.learn(address, name, time);
            }
        }
        for connection in self.tracker.take_evicted() {
            for (output, printed) in &mut self.outputs {
                let closed = output.closed(&connection, &self.summary, printed);
                closed.expect("memory takes it");
            }
            if let Some(view) = &mut self.summary.wireshark {
                view.forget(connection.id);
            }
        }
    }

    fn tell(&mut self) {
        if self.alerts.has_news() {
            for alert in self.alerts.take_news() {
                for (output, printed) in &mut self.outputs {
                    output.alert(&alert, printed).expect("memory takes it");
                }
            }
        }
    }

    /// Ends the capture. Returns what each output printed.
    fn finish(mut self, mut feed: Feed, end: &End) -> Vec<String> {
        self.alerts.end();
        self.tell();
        let (intake, info) = (&mut feed.intake, feed.source.describe());
        let summary = &mut self.summary;
        (summary.source, summary.format) = (info.name.clone(), info.format_name());
        (summary.comments, summary.names) = (info.comments.clone(), info.names.clone());
        (summary.link_types, summary.snap_length) = (info.link_types(), info.snap_length());
        summary.warnings.extend(info.problems.iter().cloned());
        summary
            .warnings
            .extend(end.warning().map(ToOwned::to_owned));
        summary.totals = std::mem::take(&mut intake.totals);
        summary.udp = std::mem::take(&mut intake.udp);
        summary.fragments = intake.reassembly.counts();
        if let Some((known, more)) = summary.known_names.as_mut().zip(intake.names.take()) {
            known.extend(more);
        }
        let drops = feed.source.drops();
        (summary.dropped_by_kernel, summary.dropped_by_interface) = (drops.kernel, drops.interface);
        summary.alerts = self.alerts.into_log();
        let (tracker, summary) = (&self.tracker, &self.summary);
        let texts = self.outputs.into_iter().map(|(mut output, mut printed)| {
            let finished = output.finish(tracker, summary, &mut printed);
            finished.expect("memory takes it");
            let text = String::from_utf8(printed).expect("UTF-8");
            assert!(!super::has_controls(text.as_bytes()), "{text:?}");
            text
        });
        texts.collect()
    }
}
