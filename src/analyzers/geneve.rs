//! Geneve (RFC 8926 §3.4), on UDP port 6081: version and length of options (1 byte), flags (1), EtherType (2), network identifier
//! (3), reserved (1), options.

use super::ethernet::{EtherType, array};

/// A Geneve header over the bytes of a datagram.
#[derive(Clone, Copy, Debug)]
pub struct Geneve<'a>(&'a [u8]);

impl<'a> Geneve<'a> {
    /// Bytes of a header without options.
    const MIN_LEN: usize = 8;
    /// The UDP port.
    pub const PORT: u16 = 6081;

    /// The header at the start of `bytes` with its options; `None` if they end within it.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let len =
            Self::MIN_LEN.saturating_add(usize::from(bytes.first()? & 0x3f).saturating_mul(4));
        bytes.get(..len).map(Self)
    }

    /// Whether bytes look like Geneve and not like something else on this port: version 0.
    pub fn is_announced(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|first| first >> 6 == 0)
    }

    /// Version, 0.
    pub fn version(&self) -> u8 {
        self.0[0] >> 6
    }

    /// A control packet: for the tunnel's end, not for who is behind it.
    pub fn is_control(&self) -> bool {
        self.0[1] & 0x80 != 0
    }

    /// Whether an option must be understood or the packet dropped.
    pub fn has_critical_options(&self) -> bool {
        self.0[1] & 0x40 != 0
    }

    /// The payload's protocol; 6558 is Ethernet.
    pub fn protocol(&self) -> EtherType {
        EtherType(u16::from_be_bytes(array(&self.0[2..4])))
    }

    /// The network identifier (VNI), 24 bits.
    pub fn network(&self) -> u32 {
        u32::from_be_bytes([0, self.0[4], self.0[5], self.0[6]])
    }

    /// The options, up to 252 bytes.
    pub fn options(&self) -> &'a [u8] {
        &self.0[Self::MIN_LEN..]
    }

    /// The header's bytes, options among them.
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 16] = [
        2, 0xc0, 0x65, 0x58, 0, 0x12, 0x34, 0, 1, 2, 3, 1, 9, 9, 9, 9,
    ];

    #[test]
    fn fields() {
        let header = Geneve::new(&HEADER).unwrap();
        assert_eq!((header.version(), header.network()), (0, 0x1234));
        assert!(Geneve::is_announced(&HEADER) && !Geneve::is_announced(&[0x40]));
        assert!(header.is_control() && header.has_critical_options());
        assert_eq!(header.protocol(), EtherType::ETHERNET);
        assert_eq!((header.options().len(), header.bytes().len()), (8, 16));
    }

    #[test]
    fn every_shorter_length_is_refused() {
        assert!((0..16).all(|n| Geneve::new(&HEADER[..n]).is_none()));
        let mut bytes = HEADER;
        bytes[0] = 0x3f;
        assert!(Geneve::new(&bytes).is_none());
    }
}
