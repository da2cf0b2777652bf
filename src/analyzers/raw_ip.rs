//! Raw IP (LINKTYPE_RAW, LINKTYPE_IPV4, LINKTYPE_IPV6, and the numbers 12 and 14 of old files): no link header at all. The
//! version nibble of the first byte decides.

use super::ethernet::EtherType;

/// The protocol of a frame without link header; `None` if it is empty or its first nibble is neither 4 nor 6.
pub fn protocol(bytes: &[u8]) -> Option<EtherType> {
    match bytes.first()? >> 4 {
        4 => Some(EtherType::IPV4),
        6 => Some(EtherType::IPV6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nibble_decides() {
        assert_eq!(protocol(&[0x45]), Some(EtherType::IPV4));
        assert_eq!(protocol(&[0x60]), Some(EtherType::IPV6));
        assert_eq!(protocol(&[0x50]), None);
        assert_eq!(protocol(&[]), None);
    }
}
