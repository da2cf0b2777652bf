//! BSD loopback (LINKTYPE_NULL and LINKTYPE_LOOP): four bytes of address family, for LOOP in network byte order, for NULL in
//! that of whichever host captured. The families are small numbers, so the byte order shows itself.

use super::ethernet::{EtherType, array};

/// A loopback header over the bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Loopback<'a>(&'a [u8]);

impl<'a> Loopback<'a> {
    /// Bytes of the header.
    pub const LEN: usize = 4;

    /// The header at the start of `bytes`; `None` if they are fewer than 4.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::LEN).then_some(Self(bytes))
    }

    /// The address family's number on the capturing host.
    pub fn family(&self) -> u32 {
        let big = u32::from_be_bytes(array(self.0));
        if big > 0xffff { big.swap_bytes() } else { big }
    }

    /// The protocol of the payload: 2 is IPv4 everywhere; IPv6 is 24, 28 or 30 on the BSDs and macOS, 10 on Linux.
    /// `None` for any other family.
    pub fn protocol(&self) -> Option<EtherType> {
        match self.family() {
            2 => Some(EtherType::IPV4),
            10 | 24 | 28 | 30 => Some(EtherType::IPV6),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders() {
        assert_eq!(
            Loopback::new(&[2, 0, 0, 0]).unwrap().protocol(),
            Some(EtherType::IPV4)
        );
        assert_eq!(
            Loopback::new(&[0, 0, 0, 30]).unwrap().protocol(),
            Some(EtherType::IPV6)
        );
        assert_eq!(Loopback::new(&[7, 0, 0, 0]).unwrap().protocol(), None);
        assert!(Loopback::new(&[2, 0, 0]).is_none());
    }
}
