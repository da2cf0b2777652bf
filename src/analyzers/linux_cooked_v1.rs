//! Linux cooked capture, version 1 (LINKTYPE_LINUX_SLL): what the kernel gives for `-i any` and for links without a header of
//! their own. Packet type (2 bytes), ARPHRD type (2), address length (2), address (8), protocol (2).

use super::ethernet::{EtherType, array};

/// A cooked header, version 1, over the bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub struct LinuxCookedV1<'a>(&'a [u8]);

impl<'a> LinuxCookedV1<'a> {
    /// Bytes of the header.
    pub const LEN: usize = 16;

    /// The header at the start of `bytes`; `None` if they are fewer than 16.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::LEN).then_some(Self(bytes))
    }

    /// Which way the packet went past the host: 0 to us, 1 broadcast, 2 multicast, 3 to somebody else, 4 sent by us.
    pub fn packet_type(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[0..2]))
    }

    /// The kind of device, as ARP numbers hardware (ARPHRD).
    pub fn hardware_type(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[2..4]))
    }

    /// The sender's hardware address, at most 8 bytes.
    pub fn address(&self) -> &'a [u8] {
        let length = u16::from_be_bytes(array(&self.0[4..6])).min(8);
        &self.0[6..6 + usize::from(length)]
    }

    /// The protocol of the payload.
    pub fn protocol(&self) -> EtherType {
        EtherType(u16::from_be_bytes(array(&self.0[14..16])))
    }
}

/// What a cooked packet type means.
pub fn packet_type_name(packet_type: u16) -> &'static str {
    match packet_type {
        0 => "to this host",
        1 => "broadcast",
        2 => "multicast",
        3 => "to another host",
        4 => "sent by this host",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_lengths() {
        let bytes = [0, 4, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0];
        let header = LinuxCookedV1::new(&bytes).unwrap();
        assert_eq!((header.packet_type(), header.hardware_type()), (4, 1));
        assert_eq!(header.address(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(header.protocol(), EtherType::IPV4);
        assert!((0..16).all(|n| LinuxCookedV1::new(&bytes[..n]).is_none()));
    }

    #[test]
    fn an_impossible_address_length_is_cut_to_the_field() {
        let mut bytes = [0; 16];
        bytes[4] = 0xff;
        assert_eq!(LinuxCookedV1::new(&bytes).unwrap().address().len(), 8);
    }
}
