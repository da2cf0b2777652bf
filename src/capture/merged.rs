//! Several captures as one timeline in the order of time: rotated files, a directory of them, captures of several machines.
//!
//! A file is opened for good only when its first frame's time has come, and closed behind its last, so that a rotated set of any
//! length has one or two files open. Frames within a file keep their order even where their times run backwards. Frames are
//! numbered anew; interfaces that are described alike in several files are one.

use super::described::Described;
use super::pcap_reader::{PcapReader, Pulled, Record};
use super::pcapng::NAME_LIMIT;
use super::places::Places;
use super::{Drops, End, Format, Interface, Next, Source, SourceInfo, printable};
use crate::utils::time::Timestamp;
use anyhow::{Context, Result, bail};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::{Path, PathBuf};

/// A file whose time has not come.
struct Waiting {
    path: PathBuf,
    /// The time of its first frame.
    first: Timestamp,
    /// Its place among all files: the earlier one goes first where times are equal.
    place: usize,
    /// Compressed or not, bytes of the file; for showing progress.
    size: u64,
}

/// A file that is being read.
struct Opened {
    reader: PcapReader,
    place: usize,
    size: u64,
    /// Its next frame, already read.
    head: Option<Record>,
    comments: Vec<String>,
    /// Its interfaces' places among those of all files.
    interfaces: Vec<u32>,
}

/// Several captures as one.
pub struct MergedReader {
    info: SourceInfo,
    /// The latest first.
    waiting: Vec<Waiting>,
    opened: Vec<Option<Opened>>,
    /// Slots of opened files by the time of their next frames.
    order: BinaryHeap<Reverse<(Timestamp, usize, usize)>>,
    /// Slots whose next frame is not read yet.
    to_pull: Vec<usize>,
    /// Where interfaces stand among those of all files.
    interfaces: Places,
    /// The interfaces of all files.
    of_all: Described,
    /// The interfaces of the files that are open, which each of them holds by itself.
    of_open: Described,
    /// Where names of addresses stand among those of all files.
    names: Places,
    /// Interfaces that are to be told of.
    to_tell: VecDeque<u32>,
    /// Comments of the next frame were told.
    has_told_comments: bool,
    frames: u64,
    /// Of the files that were closed.
    drops: Drops,
    size: u64,
    closed_size: u64,
}

/// The capture files in what was given on the command line, in its order; a directory gives its files by name.
///
/// An error names a directory without any capture.
pub fn files_in(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<String>)> {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let name = printable(&path.to_string_lossy());
        let entries = std::fs::read_dir(path).with_context(|| format!("{name} cannot be read"))?;
        let mut inside: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.is_file())
            .collect();
        inside.sort();
        let all = inside.len();
        inside.retain(|path| PcapReader::open(path).is_ok());
        if inside.is_empty() {
            bail!("{name} is a directory without any capture file");
        }
        if inside.len() < all {
            let others = all.saturating_sub(inside.len());
            problems.push(format!(
                "{name} holds {others} files that are no captures; they were left out"
            ));
        }
        files.extend(inside);
    }
    Ok((files, problems))
}

impl MergedReader {
    /// Opens the captures far enough to know when each of them begins. Anything that is not a capture is refused with a sentence
    /// that names it.
    pub fn open(paths: &[PathBuf], problems: Vec<String>) -> Result<Self> {
        let name = match paths {
            [] => bail!("no capture file was given"),
            [one] => printable(&one.to_string_lossy()),
            [first, rest @ ..] => format!(
                "{} and {} more",
                printable(&first.to_string_lossy()),
                rest.len()
            ),
        };
        let mut this = Self {
            info: SourceInfo::new(name, Format::Pcap),
            waiting: Vec::new(),
            opened: Vec::new(),
            order: BinaryHeap::new(),
            to_pull: Vec::new(),
            interfaces: Places::default(),
            of_all: Described::default(),
            of_open: Described::default(),
            names: Places::default(),
            to_tell: VecDeque::new(),
            has_told_comments: false,
            frames: 0,
            drops: Drops::default(),
            size: 0,
            closed_size: 0,
        };
        this.info.problems = problems;
        for (place, path) in paths.iter().enumerate() {
            this.look_at(place, path)?;
        }
        this.waiting
            .sort_by_key(|waiting| Reverse((waiting.first, waiting.place)));
        Ok(this)
    }

    /// Notes when a file begins and what is known of it. What cannot be opened a second time stays open.
    fn look_at(&mut self, place: usize, path: &Path) -> Result<()> {
        let mut reader = PcapReader::open(path)?;
        let info = reader.describe();
        self.info.identities.extend(info.identities.iter().copied());
        // Classic pcap holds one link type only.
        let format = match (place, info.format) {
            (0, format) => format,
            (_, format) if format == self.info.format => format,
            _ => Format::Pcapng,
        };
        self.info.format = format;
        let size = path.metadata().map_or(0, |metadata| metadata.len());
        self.size = self.size.saturating_add(size);
        if !path.is_file() {
            self.add(reader, place, size);
            return Ok(());
        }
        let first = loop {
            match reader.pull() {
                Pulled::Record(record) => break record.time,
                Pulled::End(_) => break Timestamp::default(),
                _ => {}
            }
        };
        for interface in &reader.describe().interfaces {
            // What is too much is told of when the file is read.
            if self.interface(interface).is_err() {
                break;
            }
        }
        let link = self.info.interfaces.first().map(|first| first.link);
        let mut links = reader.describe().interfaces.iter();
        if links.any(|interface| Some(interface.link) != link) {
            self.info.format = Format::Pcapng;
        }
        self.waiting.push(Waiting {
            path: path.to_owned(),
            first,
            place,
            size,
        });
        Ok(())
    }

    fn add(&mut self, reader: PcapReader, place: usize, size: u64) {
        let opened = Opened {
            reader,
            place,
            size,
            head: None,
            comments: Vec::new(),
            interfaces: Vec::new(),
        };
        let slot = match self.opened.iter().position(Option::is_none) {
            Some(slot) => {
                self.opened[slot] = Some(opened);
                slot
            }
            None => {
                self.opened.push(Some(opened));
                self.opened.len().saturating_sub(1)
            }
        };
        self.to_pull.push(slot);
    }

    /// The place of an interface among those of all files; described alike they are one. Where they are too many, what is wrong, as
    /// a part of a sentence.
    fn interface(&mut self, interface: &Interface) -> Result<u32, String> {
        // What was lost is known for each file, and makes no difference between interfaces.
        let described = Interface {
            drops: Drops::default(),
            ..interface.clone()
        };
        let all = &mut self.info.interfaces;
        if let Some(at) = self.interfaces.find(all, &described) {
            return Ok(at);
        }
        self.of_all.add(&described)?;
        let at = self.interfaces.place(all, described);
        self.to_tell.push_back(at);
        Ok(at)
    }

    /// Takes in an interface that an open file has described.
    fn interface_of(&mut self, slot: usize, at: usize) -> Result<(), String> {
        let opened = self.opened.get(slot).and_then(Option::as_ref);
        let described = opened.and_then(|opened| opened.reader.describe().interfaces.get(at));
        let Some(interface) = described.cloned() else {
            return Ok(());
        };
        self.of_open.add(&interface)?;
        let place = self.interface(&interface)?;
        if let Some(Some(opened)) = self.opened.get_mut(slot) {
            opened.interfaces.push(place);
        }
        Ok(())
    }

    /// Opens the files whose time has come: those that begin before the next frame of those that are open.
    fn open_due(&mut self) -> Result<()> {
        while let Some(next) = self.waiting.last() {
            let is_due = match self.order.peek() {
                Some(Reverse((time, place, _))) => (next.first, next.place) <= (*time, *place),
                None => true,
            };
            if !is_due {
                return Ok(());
            }
            if let Some(Waiting {
                path, place, size, ..
            }) = self.waiting.pop()
            {
                let reader = PcapReader::open(&path)?;
                self.add(reader, place, size);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads the next frame of a file. Returns whether it must be waited for.
    fn pull(&mut self, slot: usize) -> bool {
        loop {
            let Some(opened) = self.opened.get_mut(slot).and_then(Option::as_mut) else {
                return false;
            };
            match opened.reader.pull() {
                Pulled::Idle => return true,
                Pulled::Comments(comments) => opened.comments = comments,
                Pulled::Record(record) => {
                    self.order.push(Reverse((record.time, opened.place, slot)));
                    opened.head = Some(record);
                    return false;
                }
                Pulled::Interface(at) => {
                    if let Err(wrong) = self.interface_of(slot, at) {
                        self.give_up(slot, wrong);
                        return false;
                    }
                }
                Pulled::End(end) => {
                    self.close(slot, &end);
                    return false;
                }
            }
        }
    }

    /// Reads a file no further, because it and others are too much together.
    fn give_up(&mut self, slot: usize, wrong: String) {
        if let Some(Some(opened)) = self.opened.get_mut(slot) {
            let wrong = format!("with other files it describes {wrong}");
            let end = opened.reader.give_up(wrong);
            self.close(slot, &end);
        }
    }

    fn close(&mut self, slot: usize, end: &End) {
        let Some(mut opened) = self.opened.get_mut(slot).and_then(Option::take) else {
            return;
        };
        let drops = opened.reader.drops();
        self.drops = sum(self.drops, drops);
        self.closed_size = self.closed_size.saturating_add(opened.size);
        let info = opened.reader.describe();
        self.of_open.remove(&info.interfaces);
        let name = &info.name;
        let problems = info.problems.iter();
        self.info
            .problems
            .extend(problems.map(|problem| format!("{name}: {problem}")));
        self.info
            .problems
            .extend(end.warning().map(ToOwned::to_owned));
        for comment in &info.comments {
            if self.info.comments.len() < 100 && !self.info.comments.contains(comment) {
                self.info.comments.push(comment.clone());
            }
        }
        for pair in &info.names {
            if self.info.names.len() < NAME_LIMIT {
                self.names.place(&mut self.info.names, pair.clone());
            }
        }
    }

    /// Makes sure that the next frame of every open file is known. Returns whether one must be waited for.
    fn prepare(&mut self) -> Result<bool> {
        loop {
            while let Some(&slot) = self.to_pull.last() {
                if self.pull(slot) {
                    return Ok(true);
                }
                self.to_pull.pop();
            }
            self.open_due()?;
            if self.to_pull.is_empty() {
                return Ok(false);
            }
        }
    }
}

fn sum(a: Drops, b: Drops) -> Drops {
    Drops {
        kernel: a.kernel.saturating_add(b.kernel),
        interface: a.interface.saturating_add(b.interface),
    }
}

impl Source for MergedReader {
    fn next(&mut self) -> Result<Next<'_>> {
        if self.prepare()? {
            return Ok(Next::Idle);
        }
        if let Some(at) = self.to_tell.pop_front() {
            let interface = self.info.interfaces.get(at as usize);
            return Ok(interface.map_or(Next::Idle, Next::Interface));
        }
        let Some(&Reverse((_, _, slot))) = self.order.peek() else {
            return Ok(Next::End(End::Finished));
        };
        if !std::mem::replace(&mut self.has_told_comments, true)
            && let Some(Some(opened)) = self.opened.get_mut(slot)
            && !opened.comments.is_empty()
        {
            return Ok(Next::Comments(std::mem::take(&mut opened.comments)));
        }
        self.has_told_comments = false;
        self.order.pop();
        self.to_pull.push(slot);
        self.frames = self.frames.saturating_add(1);
        let Some(Some(opened)) = self.opened.get_mut(slot) else {
            return Ok(Next::Idle);
        };
        let Some(record) = opened.head.take() else {
            return Ok(Next::Idle);
        };
        let interface = opened.interfaces.get(record.interface as usize);
        let interface = interface.copied().unwrap_or(0);
        Ok(Next::Frame(opened.reader.lend(
            &record,
            self.frames,
            interface,
        )))
    }

    fn describe(&self) -> &SourceInfo {
        &self.info
    }

    fn drops(&mut self) -> Drops {
        let opened = self.opened.iter_mut().flatten();
        opened.fold(self.drops, |all, opened| sum(all, opened.reader.drops()))
    }

    fn progress(&self) -> Option<f64> {
        let read = |opened: &Opened| opened.reader.progress().unwrap_or(0.0) * opened.size as f64;
        let opened: f64 = self.opened.iter().flatten().map(read).sum();
        (self.size > 0).then(|| ((self.closed_size as f64 + opened) / self.size as f64).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files in a directory of their own, gone with it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(test: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("tcp-monitor-{test}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        /// A classic file with frames of these seconds, each a byte that names the file.
        fn file(&self, name: &str, link: u32, seconds: &[u32]) -> PathBuf {
            let header = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, link];
            let mut bytes: Vec<u8> = header.iter().flat_map(|n: &u32| n.to_le_bytes()).collect();
            for second in seconds {
                bytes.extend([*second, 0, 1, 1].iter().flat_map(|n| n.to_le_bytes()));
                bytes.push(name.as_bytes()[0]);
            }
            let path = self.0.join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    /// The frames as `a1 b2 …`, and how many interfaces were told of; none is used before.
    fn read(paths: &[PathBuf]) -> (String, u32, MergedReader) {
        let mut reader = MergedReader::open(paths, Vec::new()).unwrap();
        let (mut frames, mut told, mut most_open) = (Vec::new(), 0, 0);
        loop {
            match reader.next().unwrap() {
                Next::Frame(frame) => {
                    assert!(frame.interface < told);
                    assert_eq!(frame.number, frames.len() as u64 + 1);
                    let second = frame.time.nanos() / 1_000_000_000;
                    frames.push(format!("{}{second}", frame.bytes[0] as char));
                }
                Next::Interface(_) => told += 1,
                Next::End(_) => break,
                _ => {}
            }
            most_open = most_open.max(reader.opened.iter().flatten().count());
        }
        assert!(most_open <= 2);
        (frames.join(" "), told, reader)
    }

    #[test]
    fn frames_come_in_the_order_of_time_whatever_the_order_of_files() {
        let scratch = Scratch::new("merged");
        let (a, b, c) = (
            scratch.file("a", 1, &[1, 4, 5]),
            scratch.file("b", 1, &[2, 4, 6]),
            scratch.file("c", 1, &[7]),
        );
        let (frames, interfaces, reader) = read(&[c, b, a]);
        assert_eq!(frames, "a1 b2 b4 a4 a5 b6 c7");
        assert_eq!((interfaces, reader.info.format), (1, Format::Pcap));
        assert_eq!(reader.progress(), Some(1.0));
    }

    #[test]
    fn times_that_run_backwards_within_a_file_stay() {
        let scratch = Scratch::new("backwards");
        let (a, b) = (
            scratch.file("a", 1, &[5, 1, 6]),
            scratch.file("b", 1, &[4, 5]),
        );
        assert_eq!(read(&[a, b]).0, "b4 a5 a1 b5 a6");
    }

    #[test]
    fn link_types_may_differ() {
        let scratch = Scratch::new("links");
        let (a, b) = (scratch.file("a", 1, &[1]), scratch.file("b", 101, &[2]));
        let (frames, interfaces, reader) = read(&[a, b]);
        assert_eq!((frames.as_str(), interfaces), ("a1 b2", 2));
        assert_eq!(reader.info.format, Format::Pcapng);
    }

    #[test]
    fn a_cut_file_is_read_up_to_there_and_named() {
        let scratch = Scratch::new("cut");
        let (a, b) = (scratch.file("a", 1, &[1, 2]), scratch.file("b", 1, &[3]));
        let bytes = std::fs::read(&a).unwrap();
        std::fs::write(&a, &bytes[..bytes.len() - 1]).unwrap();
        let (frames, _, reader) = read(&[a, b]);
        assert_eq!(frames, "a1 b3");
        assert_eq!(reader.info.problems.len(), 1);
        assert!(reader.info.problems[0].contains("/a is cut off after frame 1"));
    }

    /// A pcapng file with so many interfaces, told apart by their snap lengths from this one on, and a frame of the last.
    fn of_interfaces(scratch: &Scratch, name: &str, first: u32, count: u32) -> PathBuf {
        let mut file = vec![0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28];
        for snap_length in first..first + count {
            file.extend([1, 20, 1, snap_length, 20]);
        }
        file.extend([
            6,
            36,
            count - 1,
            0,
            0,
            1,
            1,
            u32::from(name.as_bytes()[0]),
            36,
        ]);
        let path = scratch.0.join(name);
        let bytes: Vec<u8> = file.iter().flat_map(|n| n.to_le_bytes()).collect();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn interfaces_that_are_alike_are_one() {
        let scratch = Scratch::new("alike");
        let a = of_interfaces(&scratch, "a", 1, 10_000);
        let b = of_interfaces(&scratch, "b", 2, 10_000);
        let (frames, interfaces, reader) = read(&[a, b]);
        assert_eq!((frames.as_str(), interfaces), ("a0 b0", 10_001));
        assert_eq!(reader.of_open, Described::default());
    }

    #[test]
    fn interfaces_of_all_files_are_bounded_together() {
        let scratch = Scratch::new("many");
        let a = of_interfaces(&scratch, "a", 1, 200_000);
        let b = of_interfaces(&scratch, "b", 200_001, 100_000);
        let c = of_interfaces(&scratch, "c", 1, 10);
        let (frames, interfaces, reader) = read(&[a, b, c]);
        assert_eq!((frames.as_str(), interfaces), ("a0 c0", 262_144));
        let [problem] = &reader.info.problems[..] else {
            panic!("one problem");
        };
        assert!(problem.ends_with(
            "/b is damaged before its first frame and was read up to there: with other files it describes more than 262144 interfaces"
        ));
    }

    #[test]
    fn interfaces_of_files_that_are_open_are_bounded_together() {
        let scratch = Scratch::new("open");
        let a = of_interfaces(&scratch, "a", 1, 200_000);
        let b = of_interfaces(&scratch, "b", 1, 200_000);
        let mut reader = MergedReader::open(&[a, b], Vec::new()).unwrap();
        // Both are open before either has ended.
        for slot in 0..2 {
            let Some(Waiting { path, .. }) = reader.waiting.pop() else {
                panic!("both wait");
            };
            reader.add(PcapReader::open(&path).unwrap(), slot, 0);
        }
        while !matches!(reader.next().unwrap(), Next::End(_)) {}
        assert_eq!(reader.info.interfaces.len(), 200_000);
        assert_eq!(reader.frames, 1);
        assert!(reader.info.problems[0].ends_with("more than 262144 interfaces"));
        assert_eq!(reader.of_open, Described::default());
    }

    #[test]
    fn a_directory_gives_its_captures() {
        let scratch = Scratch::new("directory");
        scratch.file("b", 1, &[1]);
        scratch.file("a", 1, &[1]);
        std::fs::write(scratch.0.join("notes.txt"), "text").unwrap();
        let (files, problems) = files_in(std::slice::from_ref(&scratch.0)).unwrap();
        assert_eq!(files, [scratch.0.join("a"), scratch.0.join("b")]);
        assert!(problems[0].contains("1 files that are no captures"));
        let empty = scratch.0.join("empty");
        std::fs::create_dir(&empty).unwrap();
        let refused = files_in(&[empty]).unwrap_err().to_string();
        assert!(refused.ends_with("without any capture file"));
    }
}
