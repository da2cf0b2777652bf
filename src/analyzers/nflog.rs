//! Packets logged by Linux's netfilter (LINKTYPE_NFLOG): address family (1 byte), version (1, zero), resource (2, network order),
//! then attributes of length (2), type (2) and value, padded to four bytes, in the byte order of the capturing host. The packet is
//! the value of attribute 9.

use super::ethernet::{EtherType, array};

/// An NFLOG header over the bytes of a frame, up to the packet.
#[derive(Clone, Copy, Debug)]
pub struct Nflog<'a> {
    bytes: &'a [u8],
    /// Bytes that the packet's attribute claims.
    payload_len: u16,
    big_endian: bool,
}

/// Bytes in front of the attributes.
const FIXED: usize = 4;
/// Bytes of length and type.
const ATTRIBUTE: usize = 4;
/// The attribute that is the packet.
const PAYLOAD: u16 = 9;
/// Attributes that are read at most; the kernel writes about fifteen.
const MOST_ATTRIBUTES: usize = 64;

/// Why there is no packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoPacket {
    /// The bytes end before it.
    Truncated,
    /// An attribute claims fewer bytes than its own header, or none of them is a packet.
    Malformed,
}

/// One attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attribute<'a> {
    /// Its type.
    pub kind: u16,
    /// Its value.
    pub value: &'a [u8],
}

impl<'a> Nflog<'a> {
    /// The header at the start of `bytes`, up to where the packet starts.
    pub fn new(bytes: &'a [u8]) -> Result<Self, NoPacket> {
        let big_endian = bytes.get(6).ok_or(NoPacket::Truncated)? == &0;
        let mut at = FIXED;
        for _ in 0..MOST_ATTRIBUTES {
            let end = at.saturating_add(ATTRIBUTE);
            let header = bytes.get(at..end).ok_or(NoPacket::Truncated)?;
            let length = number(big_endian, &header[..2]);
            let payload_len = length
                .checked_sub(ATTRIBUTE as u16)
                .ok_or(NoPacket::Malformed)?;
            if number(big_endian, &header[2..]) & 0x7fff == PAYLOAD {
                return Ok(Self {
                    bytes: &bytes[..end],
                    payload_len,
                    big_endian,
                });
            }
            at = at.saturating_add(usize::from(length).next_multiple_of(4));
        }
        Err(NoPacket::Malformed)
    }

    /// The packet's address family on the capturing host: 2 is IPv4, 10 IPv6, 7 a bridge.
    pub fn family(&self) -> u8 {
        self.bytes[0]
    }

    /// The packet's protocol, for the families that have one.
    pub fn protocol(&self) -> Option<EtherType> {
        match self.family() {
            2 => Some(EtherType::IPV4),
            10 => Some(EtherType::IPV6),
            _ => None,
        }
    }

    /// Version, 0.
    pub fn version(&self) -> u8 {
        self.bytes[1]
    }

    /// The group that the rule logs to.
    pub fn resource(&self) -> u16 {
        u16::from_be_bytes(array(&self.bytes[2..4]))
    }

    /// The attributes in front of the packet.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let (bytes, big_endian) = (self.bytes, self.big_endian);
        let mut at = FIXED;
        std::iter::from_fn(move || {
            let attribute = bytes.get(at..)?;
            let header = attribute.get(..ATTRIBUTE)?;
            let length = usize::from(number(big_endian, &header[..2]));
            let value = attribute.get(ATTRIBUTE..length)?;
            at = at.saturating_add(length.next_multiple_of(4).max(ATTRIBUTE));
            Some(Attribute {
                kind: number(big_endian, &header[2..]) & 0x7fff,
                value,
            })
        })
    }

    /// Bytes of the packet as its attribute claims.
    pub fn payload_len(&self) -> u16 {
        self.payload_len
    }

    /// The header's bytes, up to the packet.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// The name of an attribute, or `None` for one that has none here.
pub fn attribute_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "Packet header",
        2 => "Firewall mark",
        3 => "Time",
        4 => "Input interface",
        5 => "Output interface",
        6 => "Physical input interface",
        7 => "Physical output interface",
        8 => "Hardware address",
        10 => "Prefix of the rule",
        11 => "User",
        12 => "Sequence number",
        14 => "Group",
        15 => "Hardware type",
        16 => "Hardware header",
        17 => "Length of hardware header",
        _ => return None,
    })
}

/// Types are small numbers, so the byte order of the capturing host shows itself in the first one's.
fn number(big_endian: bool, bytes: &[u8]) -> u16 {
    if big_endian {
        u16::from_be_bytes(array(bytes))
    } else {
        u16::from_le_bytes(array(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 20] = [
        2, 0, 0, 5, 7, 0, 10, 0, b'i', b'n', 0, 0, 24, 0, 9, 0, 0x45, 0, 0, 20,
    ];

    #[test]
    fn fields_up_to_the_packet() {
        let header = Nflog::new(&HEADER).unwrap();
        assert_eq!(
            (header.family(), header.version(), header.resource()),
            (2, 0, 5)
        );
        assert_eq!(header.protocol(), Some(EtherType::IPV4));
        assert_eq!((header.bytes().len(), header.payload_len()), (16, 20));
        let attributes: Vec<_> = header.attributes().collect();
        assert_eq!(
            attributes,
            [Attribute {
                kind: 10,
                value: b"in\0"
            }]
        );
    }

    #[test]
    fn big_endian_hosts_log_too() {
        let bytes = [10, 0, 0, 5, 0, 44, 0, 9, 0x60];
        let header = Nflog::new(&bytes).unwrap();
        assert_eq!(header.protocol(), Some(EtherType::IPV6));
        assert_eq!((header.bytes().len(), header.payload_len()), (8, 40));
    }

    #[test]
    fn every_shorter_length_is_refused() {
        for n in 0..16 {
            assert_eq!(Nflog::new(&HEADER[..n]).unwrap_err(), NoPacket::Truncated);
        }
    }

    #[test]
    fn impossible_lengths_are_malformed() {
        let mut bytes = HEADER;
        bytes[4] = 3;
        assert_eq!(Nflog::new(&bytes).unwrap_err(), NoPacket::Malformed);
        bytes[4] = 0;
        assert_eq!(Nflog::new(&bytes).unwrap_err(), NoPacket::Malformed);
        let endless = [&[2, 0, 0, 0][..], &[4, 0, 1, 0].repeat(100)].concat();
        assert_eq!(Nflog::new(&endless).unwrap_err(), NoPacket::Malformed);
    }
}
