//! Opening what is to be read: a file by its path, or standard input. Refusals are one sentence with the file's name.

use super::{FileIdentity, printable};
use anyhow::{Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek};
use std::os::fd::AsFd;
use std::path::Path;

/// How long a read from a pipe waits before it says that nothing came: short enough for Ctrl-C and a progress line.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// No waiting: what has arrived is to be shown first.
const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Something open for reading.
pub(super) struct Input {
    /// How people know it, control characters escaped.
    pub(super) name: String,
    pub(super) reader: Box<dyn Read + Send>,
    pub(super) identity: Option<FileIdentity>,
    /// Bytes from here to the end; `None` where nobody knows.
    pub(super) size: Option<u64>,
    pub(super) is_standard_input: bool,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let is_standard_input = path == Path::new("-");
        let name = if is_standard_input {
            "standard input".to_owned()
        } else {
            printable(&path.to_string_lossy())
        };
        let opened = if is_standard_input {
            io::stdin().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::open(path)
        };
        match opened {
            Ok(file) => Self::from_file(name, file, is_standard_input),
            Err(error) => bail!("{name}: {}", cannot_open(&error)),
        }
    }

    fn from_file(name: String, mut file: File, is_standard_input: bool) -> Result<Self> {
        let metadata = match file.metadata() {
            Ok(metadata) => metadata,
            Err(error) => bail!("{name} cannot be read: {error}"),
        };
        if metadata.is_dir() {
            bail!("{name} is a directory, not a capture file");
        }
        let identity = FileIdentity::of(&metadata);
        let offset = file.stream_position().unwrap_or(0);
        // Files of /proc and the like say 0 and have content all the same.
        let size = metadata
            .len()
            .checked_sub(offset)
            .filter(|size| *size > 0 && metadata.is_file());
        let reader: Box<dyn Read + Send> = if metadata.is_file() {
            Box::new(file)
        } else {
            Box::new(Pipe {
                file,
                has_waited: true,
            })
        };
        Ok(Self {
            name,
            reader,
            identity,
            size,
            is_standard_input,
        })
    }
}

fn cannot_open(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file".to_owned(),
        ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ => format!("cannot be opened: {error}"),
    }
}

/// A pipe, socket or terminal: a read that would block says so after a short wait, so that someone who listens to a quiet pipe can
/// still stop and still sees the time pass.
struct Pipe {
    file: File,
    /// Whether it has been said that nothing more is there: then the next read may wait.
    has_waited: bool,
}

impl Read for Pipe {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut watched = [PollFd::new(&self.file, PollFlags::IN)];
        let patience = if self.has_waited { PATIENCE } else { AT_ONCE };
        if poll(&mut watched, Some(&patience))? == 0 {
            self.has_waited = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        self.has_waited = false;
        self.file.read(room)
    }
}
