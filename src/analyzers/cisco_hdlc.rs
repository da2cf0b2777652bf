//! Cisco HDLC (LINKTYPE_C_HDLC, and the frames of PPP_SERIAL that begin with 0F or 8F): address (1 byte; 0F one station, 8F all),
//! control (1, zero), EtherType (2). RFC 1547 §4.3.1 describes it in passing; there is no other standard.

use super::ethernet::{EtherType, array};

/// A Cisco HDLC header over the bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub struct CiscoHdlc<'a>(&'a [u8]);

impl<'a> CiscoHdlc<'a> {
    /// Bytes of the header.
    pub const LEN: usize = 4;

    /// The header at the start of `bytes`; `None` if they are fewer than 4.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::LEN).then_some(Self(bytes))
    }

    /// Whether bytes begin with one of the two addresses.
    pub fn is_announced(bytes: &[u8]) -> bool {
        matches!(bytes, [0x0f | 0x8f, ..])
    }

    /// 0x0f for one station, 0x8f for all.
    pub fn address(&self) -> u8 {
        self.0[0]
    }

    /// Zero.
    pub fn control(&self) -> u8 {
        self.0[1]
    }

    /// The payload's protocol. 0x8035 is not RARP here but SLARP, 0x2000 CDP.
    pub fn protocol(&self) -> EtherType {
        EtherType(u16::from_be_bytes(array(&self.0[2..4])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 4] = [0x0f, 0, 0x08, 0x00];

    #[test]
    fn fields() {
        let header = CiscoHdlc::new(&HEADER).unwrap();
        assert_eq!((header.address(), header.control()), (0x0f, 0));
        assert_eq!(header.protocol(), EtherType::IPV4);
        assert!(CiscoHdlc::is_announced(&HEADER) && CiscoHdlc::is_announced(&[0x8f]));
        assert!(!CiscoHdlc::is_announced(&[0xff, 3]) && !CiscoHdlc::is_announced(&[]));
    }

    #[test]
    fn every_shorter_length_is_refused() {
        assert!((0..4).all(|n| CiscoHdlc::new(&HEADER[..n]).is_none()));
    }
}
