//! Whether an interface that is being captured on is still there and switched on, as Linux tells it under /sys.
//!
//! libpcap tells of an interface that disappears, but not always: one that is deleted goes down first, and who asks just then is
//! told that it still exists, and nothing more afterwards.

use std::fs;
use std::path::Path;

/// Where Linux keeps a directory per interface.
const INTERFACES: &str = "/sys/class/net";
/// IFF_UP of netdevice(7).
const UP: u32 = 1;

/// What has become of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LinkState {
    /// Switched on; or nothing is known of it, as of `any` and on other systems.
    Up,
    /// Switched off.
    Down,
    /// There no longer.
    Gone,
}

/// An interface that is looked after.
pub(super) struct Link {
    name: String,
    /// Its number, which stays when it is renamed; `None` where the system tells nothing.
    index: Option<String>,
}

impl Link {
    /// The interface of this name, as it is now.
    pub(super) fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            index: read(name, "ifindex"),
        }
    }

    /// How it is now.
    pub(super) fn state(&mut self) -> LinkState {
        let Some(index) = &self.index else {
            return LinkState::Up;
        };
        if read(&self.name, "ifindex").as_ref() != Some(index) {
            match name_of(index) {
                Some(name) => self.name = name,
                None => return LinkState::Gone,
            }
        }
        let flags = read(&self.name, "flags");
        let flags = flags.and_then(|text| u32::from_str_radix(text.strip_prefix("0x")?, 16).ok());
        if flags.is_some_and(|flags| flags & UP == 0) {
            LinkState::Down
        } else {
            LinkState::Up
        }
    }
}

fn read(name: &str, what: &str) -> Option<String> {
    let path = Path::new(INTERFACES).join(name).join(what);
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// The name that the interface of this number has now.
fn name_of(index: &str) -> Option<String> {
    fs::read_dir(INTERFACES)
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .find(|name| read(name, "ifindex").as_deref() == Some(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_counts_as_up() {
        assert_eq!(Link::of("any").state(), LinkState::Up);
        assert_eq!(Link::of("no such interface").state(), LinkState::Up);
    }

    #[test]
    fn another_interface_of_the_same_name_is_another() {
        let mut link = Link::of("lo");
        if link.index.is_some() {
            link.index = Some("4294967295".to_owned());
            assert_eq!(link.state(), LinkState::Gone);
        }
    }

    #[test]
    fn a_renamed_interface_is_found_again() {
        let mut link = Link::of("lo");
        if link.index.is_some() {
            link.name = "lo-as-it-was-called".to_owned();
            assert_ne!(link.state(), LinkState::Gone);
            assert_eq!(link.name, "lo");
        }
    }
}
