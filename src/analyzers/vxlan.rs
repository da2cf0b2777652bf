//! VXLAN (RFC 7348 §5), on UDP port 4789: flags (1 byte, 08), reserved (3), network identifier (3), reserved (1), then Ethernet.

/// A VXLAN header over the bytes of a datagram.
#[derive(Clone, Copy, Debug)]
pub struct Vxlan<'a>(&'a [u8]);

impl<'a> Vxlan<'a> {
    /// Bytes of the header.
    pub const LEN: usize = 8;
    /// The UDP port.
    pub const PORT: u16 = 4789;
    /// The port that Linux took before there was one.
    pub const OLD_PORT: u16 = 8472;

    /// The header at the start of `bytes`; `None` if they are fewer than 8.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::LEN).then_some(Self(bytes))
    }

    /// The flags; 8 says that the network identifier is valid.
    pub fn flags(&self) -> u8 {
        self.0[0]
    }

    /// Whether bytes look like VXLAN and not like something else on this port: the identifier is valid, and the low bits of the
    /// flags, which announce other payloads (VXLAN-GPE), are zero.
    pub fn is_announced(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|flags| flags & 0x0f == 8)
    }

    /// The network identifier (VNI), 24 bits.
    pub fn network(&self) -> u32 {
        u32::from_be_bytes([0, self.0[4], self.0[5], self.0[6]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_lengths() {
        let bytes = [8, 0, 0, 0, 0x01, 0x02, 0x03, 0];
        let header = Vxlan::new(&bytes).unwrap();
        assert_eq!((header.flags(), header.network()), (8, 0x01_0203));
        assert!(Vxlan::is_announced(&bytes));
        assert!(!Vxlan::is_announced(&[0]) && !Vxlan::is_announced(&[]));
        assert!((0..8).all(|n| Vxlan::new(&bytes[..n]).is_none()));
    }
}
