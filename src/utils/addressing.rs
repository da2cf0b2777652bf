//! Hardware addresses, endpoints, and whether an address is private, multicast and so on.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A 48-bit IEEE 802 hardware address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// All ones: every station of the link.
    pub fn is_broadcast(self) -> bool {
        self.0 == [0xff; 6]
    }

    /// The group bit, the least significant bit of the first octet (IEEE 802-2014 §8.2): several stations are addressed.
    /// Holds for the broadcast address too.
    pub fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The local bit: the address was assigned by an administrator or at random, not by a manufacturer.
    pub fn is_local(self) -> bool {
        self.0[0] & 2 == 2
    }

    /// What kind of address this is, in a word or two for people.
    pub fn kind(self) -> &'static str {
        match (self.is_broadcast(), self.is_group(), self.is_local()) {
            (true, _, _) => "broadcast",
            (_, true, _) => "multicast",
            (_, _, true) => "unicast, locally administered",
            _ => "unicast",
        }
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// One end of a connection: an address and a port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Endpoint {
    /// The IP address.
    pub address: IpAddr,
    /// The port, 0 to 65535.
    pub port: u16,
}

impl Endpoint {
    /// An endpoint of an address and a port.
    pub const fn new(address: IpAddr, port: u16) -> Self {
        Self { address, port }
    }
}

impl fmt::Display for Endpoint {
    /// `192.0.2.1:80`, or `[2001:db8::1]:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_bit_decides_not_the_text() {
        assert!(MacAddress([0x01, 0, 0x5e, 0, 0, 1]).is_group());
        assert!(MacAddress([0x33, 0x33, 0, 0, 0, 1]).is_group());
        assert!(!MacAddress([0x10, 0, 0, 0, 0, 1]).is_group());
        assert_eq!(MacAddress([0xff; 6]).kind(), "broadcast");
        assert_eq!(
            MacAddress([2, 0, 0, 0, 0, 1]).to_string(),
            "02:00:00:00:00:01"
        );
    }

    #[test]
    fn ipv6_endpoints_have_brackets() {
        assert_eq!(
            Endpoint::new("::1".parse().unwrap(), 80).to_string(),
            "[::1]:80"
        );
    }
}
