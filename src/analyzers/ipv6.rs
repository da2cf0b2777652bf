//! The IPv6 header (RFC 8200 §3): 40 bytes, and the chain of extension headers behind it (§4).

use super::ethernet::array;
use std::net::Ipv6Addr;

/// An IPv6 header over the bytes of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6<'a>(&'a [u8]);

impl<'a> Ipv6<'a> {
    /// Bytes of the fixed header.
    pub const LEN: usize = 40;

    /// The header at the start of `bytes`; `None` if they are fewer than 40.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::LEN).then_some(Self(bytes))
    }

    /// Version, 6 in a well-formed header.
    pub fn version(&self) -> u8 {
        self.0[0] >> 4
    }

    /// Differentiated services code point, 0 to 63 (RFC 2474).
    pub fn dscp(&self) -> u8 {
        (u16::from_be_bytes([self.0[0], self.0[1]]) >> 6) as u8 & 0x3f
    }

    /// Explicit congestion notification, 0 to 3 (RFC 3168 §5).
    pub fn ecn(&self) -> u8 {
        (self.0[1] >> 4) & 3
    }

    /// Flow label, 20 bits (RFC 6437).
    pub fn flow_label(&self) -> u32 {
        u32::from_be_bytes(array(&self.0[0..4])) & 0x000f_ffff
    }

    /// Bytes behind the fixed header as claimed, extension headers among them. 0 on jumbograms and on packets that
    /// segmentation offload had not cut yet.
    pub fn payload_len(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[4..6]))
    }

    /// The protocol of the next header (IANA protocol numbers).
    pub fn next_header(&self) -> u8 {
        self.0[6]
    }

    /// The bytes of the fixed header.
    pub fn bytes(&self) -> &'a [u8] {
        &self.0[..Self::LEN]
    }

    /// Routers the packet may still pass.
    pub fn hop_limit(&self) -> u8 {
        self.0[7]
    }

    /// Sender and receiver, one after the other.
    pub fn addresses(&self) -> &[u8; 32] {
        self.0[8..40].first_chunk().unwrap_or(&[0; 32])
    }

    /// Sender.
    pub fn source(&self) -> Ipv6Addr {
        Ipv6Addr::from(array::<16>(&self.0[8..24]))
    }

    /// Receiver.
    pub fn destination(&self) -> Ipv6Addr {
        Ipv6Addr::from(array::<16>(&self.0[24..40]))
    }
}

/// One extension header of the chain.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6Extension<'a> {
    /// Which header this is, the number that announced it.
    pub kind: u8,
    bytes: &'a [u8],
}

impl<'a> Ipv6Extension<'a> {
    /// Whether a protocol number announces an extension header that can be stepped over (RFC 7045; ANALYSIS.md 10.7).
    pub const fn is_extension(protocol: u8) -> bool {
        matches!(protocol, 0 | 43 | 44 | 51 | 60 | 135 | 139 | 140)
    }

    /// The extension header of this kind at the start of `bytes`; `None` if it was not captured whole.
    pub fn new(kind: u8, bytes: &'a [u8]) -> Option<Self> {
        let len = Self::claimed_len(kind, bytes.get(1).copied()?);
        Some(Self {
            kind,
            bytes: bytes.get(..len)?,
        })
    }

    /// Bytes of the header, as its kind and its length field say (RFC 8200 §4.3, §4.5; RFC 4302 §2.2).
    pub const fn claimed_len(kind: u8, length_field: u8) -> usize {
        match kind {
            44 => 8,
            51 => (length_field as usize).saturating_add(2).saturating_mul(4),
            _ => (length_field as usize).saturating_add(1).saturating_mul(8),
        }
    }

    /// The protocol of the next header.
    pub fn next_header(&self) -> u8 {
        self.bytes[0]
    }

    /// The whole header.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// For a fragment header: offset in bytes, whether more fragments follow, identification (RFC 8200 §4.5).
    pub fn fragment(&self) -> Option<(u16, bool, u32)> {
        (self.kind == 44).then(|| {
            let field = u16::from_be_bytes([self.bytes[2], self.bytes[3]]);
            (
                field & 0xfff8,
                field & 1 == 1,
                u32::from_be_bytes(array(&self.bytes[4..8])),
            )
        })
    }

    /// The kind's name.
    pub fn name(&self) -> &'static str {
        match self.kind {
            0 => "Hop-by-hop options",
            43 => "Routing",
            44 => "Fragment",
            51 => "Authentication",
            60 => "Destination options",
            135 => "Mobility",
            139 => "Host identity",
            _ => "Shim6",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> [u8; 40] {
        let mut bytes = [0; 40];
        bytes[..8].copy_from_slice(&[0x6b, 0x92, 0x34, 0x56, 0, 20, 6, 64]);
        bytes[23] = 1;
        bytes[39] = 2;
        bytes
    }

    #[test]
    fn fields() {
        let bytes = header();
        let ip = Ipv6::new(&bytes).unwrap();
        assert_eq!(
            (ip.version(), ip.dscp(), ip.ecn(), ip.flow_label()),
            (6, 0x2e, 1, 0x23456)
        );
        assert_eq!(
            (ip.payload_len(), ip.next_header(), ip.hop_limit()),
            (20, 6, 64)
        );
        assert_eq!(
            (ip.source().to_string(), ip.destination().to_string()),
            ("::1".into(), "::2".into())
        );
    }

    #[test]
    fn every_shorter_length_is_refused() {
        assert!((0..40).all(|n| Ipv6::new(&header()[..n]).is_none()));
    }

    #[test]
    fn extension_lengths_by_kind() {
        let bytes = [6; 64];
        assert_eq!(Ipv6Extension::new(0, &bytes).unwrap().bytes().len(), 56);
        assert_eq!(Ipv6Extension::new(51, &bytes).unwrap().bytes().len(), 32);
        assert_eq!(Ipv6Extension::new(44, &bytes).unwrap().bytes().len(), 8);
        assert!(Ipv6Extension::new(0, &bytes[..55]).is_none());
        assert!(Ipv6Extension::new(0, &bytes[..1]).is_none());
    }

    #[test]
    fn a_fragment_header() {
        let fragment = Ipv6Extension::new(44, &[6, 0, 5, 0xa9, 0, 0, 0, 9]).unwrap();
        assert_eq!(fragment.fragment(), Some((1448, true, 9)));
        assert_eq!(fragment.next_header(), 6);
    }
}
