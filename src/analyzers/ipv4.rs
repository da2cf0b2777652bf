//! The IPv4 header (RFC 791 §3.1): 20 bytes and up to 40 of options.

use super::checksum;
use super::ethernet::array;
use std::net::Ipv4Addr;

/// An IPv4 header over the bytes of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4<'a>(&'a [u8]);

impl<'a> Ipv4<'a> {
    /// Bytes of a header without options.
    pub const MIN_LEN: usize = 20;

    /// The header at the start of `bytes`; `None` if they are fewer than 20. The header's own claims are not judged here.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::MIN_LEN).then_some(Self(bytes))
    }

    /// Version, 4 in a well-formed header.
    pub fn version(&self) -> u8 {
        self.0[0] >> 4
    }

    /// Header length in bytes as claimed, 0 to 60; well-formed from 20.
    pub fn header_len(&self) -> usize {
        usize::from(self.0[0] & 0x0f) * 4
    }

    /// Differentiated services code point, 0 to 63 (RFC 2474).
    pub fn dscp(&self) -> u8 {
        self.0[1] >> 2
    }

    /// Explicit congestion notification, 0 to 3 (RFC 3168 §5).
    pub fn ecn(&self) -> u8 {
        self.0[1] & 3
    }

    /// Length of header and payload in bytes as claimed. 0 on packets that segmentation offload had not cut yet.
    pub fn total_len(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[2..4]))
    }

    /// Identification, the same in all fragments of a datagram (RFC 6864).
    pub fn identification(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[4..6]))
    }

    /// The reserved flag, 0 in a well-formed header.
    pub fn reserved_flag(&self) -> bool {
        self.0[6] & 0x80 != 0
    }

    /// Do not fragment.
    pub fn dont_fragment(&self) -> bool {
        self.0[6] & 0x40 != 0
    }

    /// More fragments follow.
    pub fn more_fragments(&self) -> bool {
        self.0[6] & 0x20 != 0
    }

    /// Where the fragment's payload belongs in the datagram, in bytes (a multiple of 8).
    pub fn fragment_offset(&self) -> u16 {
        (u16::from_be_bytes(array(&self.0[6..8])) & 0x1fff) << 3
    }

    /// Whether this packet is a part of a datagram only.
    pub fn is_fragment(&self) -> bool {
        self.more_fragments() || self.fragment_offset() > 0
    }

    /// Time to live: routers the packet may still pass.
    pub fn time_to_live(&self) -> u8 {
        self.0[8]
    }

    /// The payload's protocol (IANA protocol numbers).
    pub fn protocol(&self) -> u8 {
        self.0[9]
    }

    /// The header checksum as sent.
    pub fn header_checksum(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[10..12]))
    }

    /// Whether the header checksum is right; `None` if the header was not captured whole or is malformed.
    #[inline(always)]
    pub fn checksum_ok(&self) -> Option<bool> {
        match self.header_len() {
            // A length that is known needs no loop.
            0..=Self::MIN_LEN => self.0.first_chunk::<20>().map(|header| is_right(header)),
            len => self.0.get(..len).map(is_right),
        }
    }

    /// Sender and receiver, one after the other.
    pub fn addresses(&self) -> &[u8; 8] {
        self.0[12..20].first_chunk().unwrap_or(&[0; 8])
    }

    /// Sender.
    pub fn source(&self) -> Ipv4Addr {
        Ipv4Addr::from(array::<4>(&self.0[12..16]))
    }

    /// Receiver.
    pub fn destination(&self) -> Ipv4Addr {
        Ipv4Addr::from(array::<4>(&self.0[16..20]))
    }

    /// What was captured of the header, options among it.
    pub fn bytes(&self) -> &'a [u8] {
        &self.0[..self.header_len().clamp(Self::MIN_LEN, self.0.len())]
    }

    /// The captured bytes of the options.
    pub fn options(&self) -> &'a [u8] {
        let end = self.header_len().clamp(Self::MIN_LEN, self.0.len());
        &self.0[Self::MIN_LEN..end]
    }
}

/// Whether the sum of a header with its checksum is all ones.
#[inline(always)]
fn is_right(header: &[u8]) -> bool {
    checksum::fold(checksum::little_endian_sum(header)) == 0xffff
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// 192.0.2.1 → 198.51.100.2, TCP, 40 bytes, identification 0x1c46, do not fragment, checksum right.
    pub const HEADER: [u8; 20] = [
        0x45, 0x2d, 0x00, 0x28, 0x1c, 0x46, 0x40, 0x00, 0x40, 0x06, 0x31, 0xbd, 192, 0, 2, 1, 198,
        51, 100, 2,
    ];

    #[test]
    fn fields() {
        let ip = Ipv4::new(&HEADER).unwrap();
        assert_eq!(
            (ip.version(), ip.header_len(), ip.dscp(), ip.ecn()),
            (4, 20, 11, 1)
        );
        assert_eq!((ip.total_len(), ip.identification()), (40, 0x1c46));
        assert!(
            ip.dont_fragment() && !ip.more_fragments() && !ip.reserved_flag() && !ip.is_fragment()
        );
        assert_eq!((ip.time_to_live(), ip.protocol()), (64, 6));
        assert_eq!(
            (ip.source().to_string(), ip.destination().to_string()),
            ("192.0.2.1".into(), "198.51.100.2".into())
        );
        assert!(ip.options().is_empty());
    }

    #[test]
    fn the_checksum_is_verified() {
        let mut bytes = HEADER;
        let right = !checksum::fold(checksum::sum(
            &[&HEADER[..10], &[0, 0], &HEADER[12..]].concat(),
        ));
        bytes[10..12].copy_from_slice(&right.to_be_bytes());
        assert_eq!(Ipv4::new(&bytes).unwrap().checksum_ok(), Some(true));
        bytes[8] -= 1;
        assert_eq!(Ipv4::new(&bytes).unwrap().checksum_ok(), Some(false));
    }

    #[test]
    fn every_shorter_length_is_refused() {
        assert!((0..20).all(|n| Ipv4::new(&HEADER[..n]).is_none()));
    }

    #[test]
    fn options_are_what_was_captured_of_the_claim() {
        let mut bytes = [&HEADER[..], &[7, 7, 4, 0]].concat();
        bytes[0] = 0x46;
        assert_eq!(Ipv4::new(&bytes).unwrap().options(), [7, 7, 4, 0]);
        bytes[0] = 0x4f;
        assert_eq!(Ipv4::new(&bytes).unwrap().options().len(), 4);
        assert_eq!(Ipv4::new(&bytes).unwrap().checksum_ok(), None);
        bytes[0] = 0x40;
        assert!(Ipv4::new(&bytes).unwrap().options().is_empty());
    }

    #[test]
    fn fragments() {
        let mut bytes = HEADER;
        bytes[6..8].copy_from_slice(&[0x20, 0xb9]);
        let ip = Ipv4::new(&bytes).unwrap();
        assert!(ip.is_fragment() && ip.more_fragments());
        assert_eq!(ip.fragment_offset(), 1480);
    }
}
