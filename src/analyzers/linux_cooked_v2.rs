//! Linux cooked capture, version 2 (LINKTYPE_LINUX_SLL2): like version 1, with the interface each packet passed.
//! Protocol (2 bytes), reserved (2), interface index (4), ARPHRD type (2), packet type (1), address length (1), address (8).

use super::ethernet::{EtherType, array};

/// A cooked header, version 2, over the bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub struct LinuxCookedV2<'a>(&'a [u8]);

impl<'a> LinuxCookedV2<'a> {
    /// Bytes of the header.
    pub const LEN: usize = 20;

    /// The header at the start of `bytes`; `None` if they are fewer than 20.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::LEN).then_some(Self(bytes))
    }

    /// The protocol of the payload.
    pub fn protocol(&self) -> EtherType {
        EtherType(u16::from_be_bytes(array(&self.0[0..2])))
    }

    /// The kernel's number of the interface that the packet passed.
    pub fn interface_index(&self) -> u32 {
        u32::from_be_bytes(array(&self.0[4..8]))
    }

    /// The kind of device, as ARP numbers hardware (ARPHRD).
    pub fn hardware_type(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[8..10]))
    }

    /// Which way the packet went past the host, as in version 1.
    pub fn packet_type(&self) -> u8 {
        self.0[10]
    }

    /// The sender's hardware address, at most 8 bytes.
    pub fn address(&self) -> &'a [u8] {
        &self.0[12..12 + usize::from(self.0[11].min(8))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_lengths() {
        let bytes = [
            0x86, 0xdd, 0, 0, 0, 0, 0, 7, 3, 4, 4, 0xff, 1, 2, 3, 4, 5, 6, 7, 8,
        ];
        let header = LinuxCookedV2::new(&bytes).unwrap();
        assert_eq!(header.protocol(), EtherType::IPV6);
        assert_eq!(
            (
                header.interface_index(),
                header.hardware_type(),
                header.packet_type()
            ),
            (7, 772, 4)
        );
        assert_eq!(header.address().len(), 8);
        assert!((0..20).all(|n| LinuxCookedV2::new(&bytes[..n]).is_none()));
    }
}
