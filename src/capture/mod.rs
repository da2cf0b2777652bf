//! Where frames come from, and where they are saved.
//!
//! A [`Source`] is a live interface ([`packet_capture`]), a capture file or pipe ([`pcap_reader`]), or several of those as one
//! timeline ([`merged`]). It lends one frame after the
//! other and names the interfaces the frames were captured on. [`pcap_writer`] saves frames, [`bpf`] says which ones a filter
//! expression wants. Whatever a file holds, a source never panics and always ends: damage is an [`End`], not an error.
//!
//! Names and descriptions of interfaces come from files: escape control characters before showing them to a person. The sentences
//! built in this room (errors, warnings, problems) have them escaped already.

// Numbers here come from the network or from files: each sum says what it does at its end. Tests may panic.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod bpf;
mod bpf_machine;
mod buffer;
mod bytes;
mod classic_pcap;
mod compressed;
mod described;
mod identity;
mod input;
pub mod interface_names;
mod link_state;
mod lz4_frames;
pub mod merged;
pub mod packet_capture;
pub mod pcap_reader;
pub mod pcap_writer;
mod pcapng;
mod pcapng_options;
mod places;
mod resolution;

pub use compressed::Method;
pub use identity::FileIdentity;
pub use resolution::Resolution;

use crate::analyzers::{Frame, LinkType};
use places::Places;
use std::fmt;
use std::net::IpAddr;

/// Where frames come from. Object-safe; frames are lent, never copied.
pub trait Source: Send {
    /// The next thing the source has to say. A frame's bytes are lent until the next call. Waits at most about a tenth of a second
    /// when nothing arrives (regular files never wait). After the end it says the same end again.
    ///
    /// An error is a fault outside the capture that makes going on pointless; damage in a capture is an [`End`] instead.
    fn next(&mut self) -> anyhow::Result<Next<'_>>;

    /// What is known so far. Interfaces of a pcapng file become known while it is read.
    fn describe(&self) -> &SourceInfo;

    /// The frames that the capture itself says it lost: up to now for a live interface, so far as it was read for a pcapng file,
    /// zero for a classic pcap file, which cannot say.
    fn drops(&mut self) -> Drops;

    /// How much of a regular file was read, 0 to 1; `None` for everything whose length is not known.
    fn progress(&self) -> Option<f64>;
}

/// What a source has to say next.
#[derive(Debug)]
pub enum Next<'a> {
    /// The description of one more interface, always before its first frame. The n-th one told of is interface n (from 0) of the
    /// frames. Every source tells of at least one before its first frame.
    Interface(&'a Interface),
    /// What somebody wrote about the frame that comes next (pcapng); each cut at 4096 bytes, not escaped.
    Comments(Vec<String>),
    /// A frame.
    Frame(Frame<'a>),
    /// Nothing more has arrived (live interfaces and pipes): a good moment to show what is known. It is said at once behind the
    /// last thing that has arrived; only the next call waits.
    Idle,
    /// Nothing comes any more, and why.
    End(End),
}

/// Why a source ended. What was read before is good in every case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The capture was read to its end.
    Finished,
    /// The live interface failed or went away; a sentence that names it.
    InterfaceDown(String),
    /// The file ends in the middle of a record; a sentence that names it.
    Truncated(String),
    /// The file holds something impossible, or cannot be read on; a sentence that names it and says after which frame.
    Damaged(String),
}

impl End {
    /// The sentence to warn with; `None` where all is well.
    pub fn warning(&self) -> Option<&str> {
        match self {
            End::Finished => None,
            End::InterfaceDown(sentence) | End::Truncated(sentence) | End::Damaged(sentence) => {
                Some(sentence)
            }
        }
    }
}

/// What a source is.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    /// The file's path, the interface's name, or `standard input`, with control characters escaped.
    pub name: String,
    /// What kind of capture it is.
    pub format: Format,
    /// The interfaces known so far, in the order of [`Frame::interface`].
    pub interfaces: Vec<Interface>,
    /// What is odd but did not stop reading, each a sentence. A handful at most.
    pub problems: Vec<String>,
    /// How the file is compressed, if it is.
    pub compression: Option<Method>,
    /// What somebody wrote into the capture about it as a whole (pcapng). A hundred at most, each cut at 4096 bytes; not escaped.
    pub comments: Vec<String>,
    /// Names of addresses that the capture brings along (pcapng). Ten thousand at most; not escaped.
    pub names: Vec<(IpAddr, String)>,
    /// Which files are being read, to keep from writing onto them; none for interfaces and pipes.
    pub identities: Vec<FileIdentity>,
}

impl SourceInfo {
    /// A source of which no more is known than its name and format.
    pub fn new(name: String, format: Format) -> Self {
        Self {
            name,
            format,
            interfaces: Vec::new(),
            problems: Vec::new(),
            compression: None,
            comments: Vec::new(),
            names: Vec::new(),
            identities: Vec::new(),
        }
    }

    /// The format in words, with the compression: `pcap, gzip`.
    pub fn format_name(&self) -> String {
        match self.compression {
            Some(method) => format!("{}, {method}", self.format),
            None => self.format.to_string(),
        }
    }

    /// The different link types known so far, in the order of their first interfaces.
    pub fn link_types(&self) -> Vec<LinkType> {
        let (mut places, mut links) = (Places::default(), Vec::new());
        for interface in &self.interfaces {
            places.place(&mut links, interface.link);
        }
        links
    }

    /// The largest snap length of its interfaces in bytes; `None` where one has no limit or no interface is known.
    pub fn snap_length(&self) -> Option<u32> {
        let largest = self
            .interfaces
            .iter()
            .map(|interface| interface.snap_length)
            .max()?;
        let unlimited = self
            .interfaces
            .iter()
            .any(|interface| interface.snap_length == 0);
        (!unlimited).then_some(largest)
    }
}

/// The kinds of captures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Classic pcap.
    Pcap,
    /// Alexey Kuznetzov's pcap with longer record headers.
    ModifiedPcap,
    /// pcapng.
    Pcapng,
    /// A live interface.
    Live,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Pcap => "pcap",
            Format::ModifiedPcap => "modified pcap",
            Format::Pcapng => "pcapng",
            Format::Live => "live capture",
        })
    }
}

/// An interface that frames were captured on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Interface {
    /// Its name as the capture has it, cut at 256 bytes; not escaped.
    pub name: Option<String>,
    /// Its description as the capture has it, cut at 256 bytes; not escaped.
    pub description: Option<String>,
    /// What its frames begin with.
    pub link: LinkType,
    /// How many bytes of a frame are captured at most; 0 where no limit is known.
    pub snap_length: u32,
    /// The unit of its timestamps in the capture.
    pub resolution: Resolution,
    /// Seconds that the capture wants added to its timestamps; already in the frames' times.
    pub offset_seconds: i64,
    /// The frames the capture says were lost here (pcapng statistics; zero elsewhere, see [`Source::drops`]).
    pub drops: Drops,
}

impl Interface {
    /// An interface of which no more is known than this.
    pub fn new(link: LinkType, snap_length: u32, resolution: Resolution) -> Self {
        Self {
            name: None,
            description: None,
            link,
            snap_length,
            resolution,
            offset_seconds: 0,
            drops: Drops::default(),
        }
    }
}

/// Frames that were lost before anyone could capture them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Drops {
    /// Dropped by the kernel for want of buffer space: the capture was too slow.
    pub kernel: u64,
    /// Dropped by the network interface or its driver.
    pub interface: u64,
}

/// Text with its control characters escaped, so that it cannot steer a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}
