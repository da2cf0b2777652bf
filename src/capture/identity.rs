//! Which file a path or an open descriptor really is, through links of either kind.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// The device and inode number of a regular file: equal for two names of the same file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// The identity of a regular file; `None` for pipes, terminals and devices, which can be read and written at once.
    pub fn of(metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then(|| Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}
