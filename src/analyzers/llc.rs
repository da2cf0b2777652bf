//! IEEE 802.2 logical link control, and the Subnetwork Access Protocol above it (RFC 1042): what stands between the payload and
//! the links that have no EtherType of their own, which are 802.3 with a length, 802.11, FDDI and the rest of IEEE 802.
//!
//! Destination service access point (1 byte), source (1), control (1, or 2 for frames that are numbered). With AA AA 03 SNAP
//! follows: three bytes of organisation and two of protocol.

use super::ethernet::{EtherType, array};

/// An LLC header over the bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Llc<'a>(&'a [u8]);

/// The SNAP header behind an LLC header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Snap {
    /// Who numbers the protocols, 24 bits; 0 is for EtherTypes.
    pub organisation: u32,
    /// The protocol's number there.
    pub protocol: u16,
}

impl Snap {
    /// The EtherType, if the protocol is one: organisation 0, or 00-00-F8 on bridges (IEEE 802.1H).
    pub fn ether_type(self) -> Option<EtherType> {
        matches!(self.organisation, 0 | 0x00_00f8).then_some(EtherType(self.protocol))
    }
}

impl<'a> Llc<'a> {
    /// The header at the start of `bytes`; `None` if it is not there whole, with SNAP if that is announced.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let len = match bytes {
            [0xaa, 0xaa, 3, ..] => 8,
            [_, _, control, ..] if control & 3 != 3 => 4,
            _ => 3,
        };
        bytes.get(..len).map(Self)
    }

    /// The protocol entity it is for.
    pub fn destination(&self) -> u8 {
        self.0[0]
    }

    /// The protocol entity that sent it.
    pub fn source(&self) -> u8 {
        self.0[1]
    }

    /// The first byte of the control field; 3 for unnumbered information, the usual case.
    pub fn control(&self) -> u8 {
        self.0[2]
    }

    /// The SNAP header, if there is one.
    pub fn snap(&self) -> Option<Snap> {
        let [_, _, _, high, middle, low, protocol @ ..] = self.0 else {
            return None;
        };
        Some(Snap {
            organisation: u32::from_be_bytes([0, *high, *middle, *low]),
            protocol: u16::from_be_bytes(array(protocol)),
        })
    }

    /// The header's bytes, SNAP among them: 3, 4 or 8.
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// What a service access point stands for, or "".
pub fn service_access_point_name(point: u8) -> &'static str {
    match point {
        0x00 => "none",
        0x06 => "IP",
        0x42 => "spanning tree",
        0xaa => "SNAP",
        0xe0 => "IPX",
        0xf0 => "NetBIOS",
        0xfe => "OSI network layer",
        0xff => "all, or IPX without LLC",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNAP: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd];

    #[test]
    fn snap_carries_an_ether_type() {
        let llc = Llc::new(&SNAP).unwrap();
        assert_eq!(
            (llc.destination(), llc.source(), llc.control()),
            (0xaa, 0xaa, 3)
        );
        assert_eq!(llc.snap().unwrap().ether_type(), Some(EtherType::IPV6));
        assert_eq!(llc.bytes().len(), 8);
    }

    #[test]
    fn protocols_of_other_organisations_are_no_ether_types() {
        let mut bytes = SNAP;
        bytes[5] = 0x0c;
        let snap = Llc::new(&bytes).unwrap().snap().unwrap();
        assert_eq!((snap.organisation, snap.ether_type()), (0x0c, None));
    }

    #[test]
    fn every_shorter_length_is_refused() {
        assert!((0..8).all(|n| Llc::new(&SNAP[..n]).is_none()));
    }

    #[test]
    fn without_snap_the_control_field_is_one_byte_or_two() {
        let unnumbered = Llc::new(&[0x42, 0x42, 3, 0, 0]).unwrap();
        assert_eq!((unnumbered.bytes().len(), unnumbered.snap()), (3, None));
        assert_eq!(Llc::new(&[0xf0, 0xf0, 0, 2, 9]).unwrap().bytes().len(), 4);
        assert!(Llc::new(&[0xf0, 0xf0, 0]).is_none());
    }
}
