//! IP over InfiniBand (LINKTYPE_IPOIB; RFC 4391 §6): a global route header of 40 bytes, shaped like IPv6's, then EtherType (2
//! bytes) and two reserved ones.

use super::ethernet::{EtherType, array};
use std::net::Ipv6Addr;

/// An InfiniBand header over the bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub struct InfiniBand<'a>(&'a [u8]);

impl<'a> InfiniBand<'a> {
    /// Bytes of the header.
    pub const LEN: usize = 44;

    /// The header at the start of `bytes`; `None` if they are fewer than 44.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::LEN).then_some(Self(bytes))
    }

    /// The sender's global identifier, written like an IPv6 address; some captures have zeros.
    pub fn source(&self) -> Ipv6Addr {
        Ipv6Addr::from(array::<16>(&self.0[8..24]))
    }

    /// The receiver's global identifier.
    pub fn destination(&self) -> Ipv6Addr {
        Ipv6Addr::from(array::<16>(&self.0[24..40]))
    }

    /// The payload's protocol.
    pub fn protocol(&self) -> EtherType {
        EtherType(u16::from_be_bytes(array(&self.0[40..42])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_lengths() {
        let mut bytes = [0; 44];
        (bytes[23], bytes[39], bytes[40]) = (1, 2, 8);
        let header = InfiniBand::new(&bytes).unwrap();
        assert_eq!(header.source().to_string(), "::1");
        assert_eq!(header.destination().to_string(), "::2");
        assert_eq!(header.protocol(), EtherType::IPV4);
        assert!((0..44).all(|n| InfiniBand::new(&bytes[..n]).is_none()));
    }
}
