//! The Point-to-Point Protocol (RFC 1661) in HDLC-like framing (RFC 1662): address FF and control 03, both of which may have
//! been negotiated away, and a protocol field of two bytes, or of one where it was compressed.

use super::ethernet::EtherType;

/// A PPP protocol number (IANA, "PPP DLL Protocol Numbers").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct PppProtocol(pub u16);

impl PppProtocol {
    /// The EtherType of the same payload, for what is read here.
    pub fn ether_type(self) -> Option<EtherType> {
        match self.0 {
            0x0021 => Some(EtherType::IPV4),
            0x0057 => Some(EtherType::IPV6),
            0x0281 => Some(EtherType::MPLS),
            0x0283 => Some(EtherType::MPLS_MULTICAST),
            _ => None,
        }
    }

    /// The protocol's name, or `None` for one that has none here.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x0021 => "IPv4",
            0x002d => "compressed TCP/IP (Van Jacobson)",
            0x002f => "uncompressed TCP/IP (Van Jacobson)",
            0x0031 => "bridged frame",
            0x003d => "PPP multilink",
            0x0053 => "PPP encryption",
            0x0057 => "IPv6",
            0x00fd => "PPP compression",
            0x0281 => "MPLS",
            0x0283 => "MPLS multicast",
            0x8021 => "PPP IP control",
            0x8053 => "PPP encryption control",
            0x8057 => "PPP IPv6 control",
            0x80fd => "PPP compression control",
            0xc021 => "PPP link control",
            0xc023 => "PPP password authentication",
            0xc025 => "PPP link quality",
            0xc223 => "PPP challenge authentication",
            _ => return None,
        })
    }
}

/// A PPP header over the bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Ppp<'a> {
    bytes: &'a [u8],
    has_address: bool,
}

impl<'a> Ppp<'a> {
    /// The header at the start of `bytes`; `None` if they end within it.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        if bytes == [0xff] {
            return None;
        }
        let has_address = bytes.starts_with(&[0xff, 3]);
        let at = if has_address { 2usize } else { 0 };
        // The last byte of a protocol number is odd, every other one even (RFC 1661 §2).
        let is_short = bytes.get(at)? & 1 == 1;
        let len = at.saturating_add(if is_short { 1 } else { 2 });
        Some(Self {
            bytes: bytes.get(..len)?,
            has_address,
        })
    }

    /// Address and control, if they were not left out.
    pub fn address_and_control(&self) -> Option<(u8, u8)> {
        self.has_address.then(|| (self.bytes[0], self.bytes[1]))
    }

    /// Whether the protocol field is one byte.
    pub fn is_compressed(&self) -> bool {
        self.protocol_bytes().len() == 1
    }

    /// The payload's protocol.
    pub fn protocol(&self) -> PppProtocol {
        PppProtocol(match *self.protocol_bytes() {
            [low] => u16::from(low),
            [high, low, ..] => u16::from_be_bytes([high, low]),
            [] => 0,
        })
    }

    fn protocol_bytes(&self) -> &'a [u8] {
        &self.bytes[if self.has_address { 2 } else { 0 }..]
    }

    /// The header's bytes: 1 to 4.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<(usize, u16, bool)> {
        Ppp::new(bytes).map(|ppp| (ppp.bytes().len(), ppp.protocol().0, ppp.is_compressed()))
    }

    #[test]
    fn with_and_without_address_long_and_short() {
        assert_eq!(read(&[0xff, 3, 0, 0x21, 0x45]), Some((4, 0x21, false)));
        assert_eq!(read(&[0xff, 3, 0x21, 0x45]), Some((3, 0x21, true)));
        assert_eq!(read(&[0, 0x57, 0x60]), Some((2, 0x57, false)));
        assert_eq!(read(&[0x57, 0x60]), Some((1, 0x57, true)));
        assert_eq!(read(&[0xc0, 0x21]), Some((2, 0xc021, false)));
        assert_eq!(
            Ppp::new(&[0xff, 3, 0x21]).unwrap().address_and_control(),
            Some((0xff, 3))
        );
        assert_eq!(Ppp::new(&[0x21]).unwrap().address_and_control(), None);
    }

    #[test]
    fn every_shorter_length_is_refused() {
        assert!((0..4).all(|n| read(&[0xff, 3, 0, 0x21][..n]).is_none()));
        assert_eq!(read(&[0]), None);
    }

    #[test]
    fn protocols_that_are_read() {
        assert_eq!(PppProtocol(0x21).ether_type(), Some(EtherType::IPV4));
        assert_eq!(PppProtocol(0x57).ether_type(), Some(EtherType::IPV6));
        assert_eq!(PppProtocol(0xc021).ether_type(), None);
    }
}
