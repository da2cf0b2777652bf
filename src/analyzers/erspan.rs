//! ERSPAN: copies of Ethernet frames that a switch sends in GRE (draft-foschiano-erspan). Type II (GRE protocol 88BE, with a
//! sequence number) has 8 bytes, type III (22EB) 12, and 8 more of its platform if the last bit says so. Type I, 88BE without
//! sequence number, has no header at all.

use super::ethernet::array;

/// An ERSPAN header over the bytes of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Erspan<'a>(&'a [u8]);

impl<'a> Erspan<'a> {
    /// The header of type II at the start of `bytes`; `None` if they are fewer than 8.
    pub fn second(bytes: &'a [u8]) -> Option<Self> {
        bytes.get(..8).map(Self)
    }

    /// The header of type III at the start of `bytes`; `None` if they end within it.
    pub fn third(bytes: &'a [u8]) -> Option<Self> {
        let len = if bytes.get(11)? & 1 == 1 { 20 } else { 12 };
        bytes.get(..len).map(Self)
    }

    /// Version: 1 for type II, 2 for type III.
    pub fn version(&self) -> u8 {
        self.0[0] >> 4
    }

    /// The VLAN of the copied frame, 12 bits.
    pub fn vlan(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[0..2])) & 0x0fff
    }

    /// Class of service of the copied frame, 3 bits.
    pub fn class_of_service(&self) -> u8 {
        self.0[2] >> 5
    }

    /// Whether the copied frame was cut.
    pub fn is_cut(&self) -> bool {
        self.0[2] & 0x04 != 0
    }

    /// The monitoring session, 10 bits.
    pub fn session(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[2..4])) & 0x03ff
    }

    /// When the frame was copied, in type III; the unit is the switch's.
    pub fn timestamp(&self) -> Option<u32> {
        (self.0.len() >= 12).then(|| u32::from_be_bytes(array(&self.0[4..8])))
    }

    /// The header's bytes: 8, 12 or 20.
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 20] = [
        0x20, 0x64, 0xa4, 0x2a, 0, 0, 1, 0, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9,
    ];

    #[test]
    fn fields_of_both_types() {
        let third = Erspan::third(&HEADER).unwrap();
        assert_eq!(
            (third.version(), third.vlan(), third.session()),
            (2, 100, 42)
        );
        assert_eq!((third.class_of_service(), third.is_cut()), (5, true));
        assert_eq!((third.timestamp(), third.bytes().len()), (Some(0x0100), 20));
        let second = Erspan::second(&HEADER).unwrap();
        assert_eq!((second.timestamp(), second.bytes().len()), (None, 8));
    }

    #[test]
    fn every_shorter_length_is_refused() {
        assert!((0..20).all(|n| Erspan::third(&HEADER[..n]).is_none()));
        assert!((0..8).all(|n| Erspan::second(&HEADER[..n]).is_none()));
        let mut short = HEADER;
        short[11] = 0;
        assert_eq!(Erspan::third(&short[..12]).unwrap().bytes().len(), 12);
    }
}
