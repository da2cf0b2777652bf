//! FDDI (LINKTYPE_FDDI; ANSI X3.139): frame control (1 byte), destination (6), source (6), then LLC.

use super::ethernet::array;
use crate::utils::addressing::MacAddress;

/// An FDDI header over the bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Fddi<'a>(&'a [u8]);

impl<'a> Fddi<'a> {
    /// Bytes of the header.
    pub const LEN: usize = 13;

    /// The header at the start of `bytes`; `None` if they are fewer than 13.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::LEN).then_some(Self(bytes))
    }

    /// Frame control: class, length of addresses, format.
    pub fn frame_control(&self) -> u8 {
        self.0[0]
    }

    /// Whether the frame carries LLC, and not the ring's own management.
    pub fn carries_llc(&self) -> bool {
        self.frame_control() & 0x70 == 0x50
    }

    /// The station (or group) the frame is for.
    pub fn destination(&self) -> MacAddress {
        MacAddress(array(&self.0[1..7]))
    }

    /// The station that sent it.
    pub fn source(&self) -> MacAddress {
        MacAddress(array(&self.0[7..13]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 13] = [0x50, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9];

    #[test]
    fn fields() {
        let header = Fddi::new(&HEADER).unwrap();
        assert_eq!(header.frame_control(), 0x50);
        assert_eq!(header.destination().to_string(), "02:00:00:00:00:01");
        assert_eq!(header.source().to_string(), "02:00:00:00:00:09");
        assert!(header.carries_llc());
    }

    #[test]
    fn management_frames_carry_no_llc() {
        let mut bytes = HEADER;
        bytes[0] = 0x41;
        assert!(!Fddi::new(&bytes).unwrap().carries_llc());
    }

    #[test]
    fn every_shorter_length_is_refused() {
        assert!((0..13).all(|n| Fddi::new(&HEADER[..n]).is_none()));
    }
}
