//! What the interfaces of a capture are called, for the packets' lines.
//!
//! A capture file names its interfaces, or does not; frames of Linux's `any` carry the kernel's number of the interface, which
//! only a live capture can ask the name of.

use super::Interface;
use crate::analyzers::{Frame, LinkType};
use crate::utils::format::printable;
use std::collections::HashMap;

/// Numbers of interfaces that names are kept for.
const MOST_NUMBERS: usize = 4096;

/// The names.
#[derive(Debug)]
pub struct InterfaceNames {
    is_live: bool,
    /// In the order in which the capture tells of them; without a name, their place in it.
    names: Vec<String>,
    has_numbers: bool,
    by_number: HashMap<u32, String>,
}

impl InterfaceNames {
    /// No names. Those behind numbers are asked for only if the capture is live.
    pub fn new(is_live: bool) -> Self {
        Self {
            is_live,
            names: Vec::new(),
            has_numbers: false,
            by_number: HashMap::new(),
        }
    }

    /// Takes one more interface, in the order in which the source tells of them.
    pub fn add(&mut self, interface: &Interface) {
        let number = self.names.len().to_string();
        // Without blanks: fields of lines are separated by them.
        let name = interface
            .name
            .as_deref()
            .map(|name| printable(name).replace(char::is_whitespace, "_"));
        self.names.push(name.unwrap_or(number));
        self.has_numbers |= interface.link == LinkType::LINUX_SLL2;
    }

    /// Whether packets may come from more than one interface.
    pub fn are_several(&self) -> bool {
        self.has_numbers || self.names.len() > 1
    }

    /// The interface of a frame; `number` is the kernel's number of it, if the frame has one.
    pub fn of(&mut self, frame: &Frame<'_>, number: Option<u32>) -> Option<&str> {
        let Some(number) = number else {
            return self.names.get(frame.interface as usize).map(String::as_str);
        };
        if self.by_number.len() >= MOST_NUMBERS {
            self.by_number.clear();
        }
        let is_live = self.is_live;
        let name = self
            .by_number
            .entry(number)
            .or_insert_with(|| name_of(number, is_live));
        Some(name)
    }
}

/// The name behind a number if it can be asked for, or the number.
fn name_of(number: u32, is_live: bool) -> String {
    let ask = || {
        use rustix::net::{AddressFamily, SocketType, netdevice::index_to_name, socket};
        let socket = socket(AddressFamily::INET, SocketType::DGRAM, None).ok()?;
        Some(printable(&index_to_name(socket, number).ok()?).into_owned())
    };
    is_live
        .then(ask)
        .flatten()
        .unwrap_or_else(|| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Resolution;

    #[test]
    fn without_a_name_the_place_is_the_name() {
        let mut names = InterfaceNames::new(false);
        let mut interface = Interface::new(LinkType::ETHERNET, 0, Resolution::MICROSECONDS);
        names.add(&interface);
        assert!(!names.are_several());
        interface.name = Some("eth \x1b0".to_owned());
        names.add(&interface);
        assert!(names.are_several());
        assert_eq!(names.names, ["0", "eth_\\u{1b}0"]);
    }

    #[test]
    fn numbers_of_a_file_stay_numbers() {
        assert_eq!(name_of(7, false), "7");
        assert_eq!(name_of(1, true), "lo");
    }
}
