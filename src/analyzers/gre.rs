//! Generic routing encapsulation (RFC 2784, with key and sequence number by RFC 2890) and its enhanced version for PPTP (RFC 2637
//! §4.1): flags (2 bytes), EtherType (2), then four bytes each for checksum, key, sequence number and, in version 1,
//! acknowledgment, if their flags are set.

use super::ethernet::{EtherType, array};

/// A GRE header over the bytes of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Gre<'a>(&'a [u8]);

mod flag {
    pub const CHECKSUM: u16 = 0x8000;
    pub const ROUTING: u16 = 0x4000;
    pub const KEY: u16 = 0x2000;
    pub const SEQUENCE: u16 = 0x1000;
    pub const ACKNOWLEDGMENT: u16 = 0x0080;
}

impl<'a> Gre<'a> {
    /// Bytes of a header without options.
    const MIN_LEN: usize = 4;

    /// The header at the start of `bytes`; `None` if they end within it.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let flags = u16::from_be_bytes(*bytes.first_chunk()?);
        let fields = flags & optional_fields(flags);
        bytes.get(..Self::len_with(fields)).map(Self)
    }

    /// The first two bytes.
    pub fn flags(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[0..2]))
    }

    /// 0, or 1 for PPTP.
    pub fn version(&self) -> u8 {
        self.0[1] & 7
    }

    /// Whether it has source routes (RFC 1701), which nobody uses and this program does not read.
    pub fn has_routing(&self) -> bool {
        self.flags() & flag::ROUTING != 0
    }

    /// The payload's protocol.
    pub fn protocol(&self) -> EtherType {
        EtherType(u16::from_be_bytes(array(&self.0[2..4])))
    }

    /// Checksum over header and payload, if there is one.
    pub fn checksum(&self) -> Option<u16> {
        self.field(flag::CHECKSUM)
            .map(|field| u16::from_be_bytes([field[0], field[1]]))
    }

    /// The key; in version 1 payload length and call.
    pub fn key(&self) -> Option<u32> {
        self.field(flag::KEY).map(u32::from_be_bytes)
    }

    /// The sequence number.
    pub fn sequence(&self) -> Option<u32> {
        self.field(flag::SEQUENCE).map(u32::from_be_bytes)
    }

    /// What is acknowledged, in version 1.
    pub fn acknowledgment(&self) -> Option<u32> {
        self.field(flag::ACKNOWLEDGMENT).map(u32::from_be_bytes)
    }

    /// Bytes of a header with these fields, each of four bytes.
    fn len_with(fields: u16) -> usize {
        Self::MIN_LEN.saturating_add((fields.count_ones() as usize).saturating_mul(4))
    }

    /// The field of a flag, which stands behind those of all higher flags.
    fn field(&self, flag: u16) -> Option<[u8; 4]> {
        let present = self.flags() & optional_fields(self.flags());
        if present & flag == 0 {
            return None;
        }
        let higher = present & !(flag | flag.saturating_sub(1));
        self.0.get(Self::len_with(higher)..)?.first_chunk().copied()
    }

    /// The header's bytes: 4 to 20.
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }
}

const fn optional_fields(flags: u16) -> u16 {
    let both = flag::CHECKSUM | flag::KEY | flag::SEQUENCE;
    if flags & 7 == 1 {
        both | flag::ACKNOWLEDGMENT
    } else {
        both
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_header() {
        let gre = Gre::new(&[0, 0, 0x08, 0, 0x45]).unwrap();
        assert_eq!((gre.version(), gre.protocol()), (0, EtherType::IPV4));
        assert_eq!(
            (gre.checksum(), gre.key(), gre.sequence()),
            (None, None, None)
        );
        assert_eq!(gre.bytes().len(), 4);
    }

    #[test]
    fn all_fields_in_their_order() {
        let bytes = [
            0xb0, 0, 0x65, 0x58, 0xab, 0xcd, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9,
        ];
        let gre = Gre::new(&bytes).unwrap();
        assert_eq!(
            (gre.checksum(), gre.key(), gre.sequence()),
            (Some(0xabcd), Some(7), Some(9))
        );
        assert_eq!(gre.bytes().len(), 16);
        assert!((0..16).all(|n| Gre::new(&bytes[..n]).is_none()));
    }

    #[test]
    fn a_sequence_number_alone() {
        let gre = Gre::new(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 5]).unwrap();
        assert_eq!((gre.key(), gre.sequence()), (None, Some(5)));
    }

    #[test]
    fn pptp_acknowledges() {
        let bytes = [0x20, 0x81, 0x88, 0x0b, 0, 4, 0, 1, 0, 0, 0, 3];
        let gre = Gre::new(&bytes).unwrap();
        assert_eq!((gre.version(), gre.key()), (1, Some(0x0004_0001)));
        assert_eq!(gre.acknowledgment(), Some(3));
        // In version 0 the same bit means nothing.
        let gre = Gre::new(&[0x20, 0x80, 0x88, 0x0b, 0, 0, 0, 1]).unwrap();
        assert_eq!((gre.acknowledgment(), gre.bytes().len()), (None, 8));
    }

    #[test]
    fn source_routes_are_told() {
        assert!(Gre::new(&[0x40, 0, 8, 0]).unwrap().has_routing());
    }
}
