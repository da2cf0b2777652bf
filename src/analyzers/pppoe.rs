//! PPP over Ethernet (RFC 2516 §4): EtherType 8863 for finding an access concentrator and 8864 for the session. Version and type
//! (4 bits each, both 1), code (1 byte), session (2), length of the payload (2). In a session PPP follows, without address and
//! control. LINKTYPE_PPP_ETHER begins here.

use super::ethernet::array;

/// A PPPoE header over the bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Pppoe<'a>(&'a [u8]);

impl<'a> Pppoe<'a> {
    /// Bytes of the header.
    pub const LEN: usize = 6;

    /// The header at the start of `bytes`; `None` if they are fewer than 6.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::LEN).then_some(Self(bytes))
    }

    /// Version, 1.
    pub fn version(&self) -> u8 {
        self.0[0] >> 4
    }

    /// Type, 1.
    pub fn kind(&self) -> u8 {
        self.0[0] & 0x0f
    }

    /// 0 in a session; otherwise which step of discovery.
    pub fn code(&self) -> u8 {
        self.0[1]
    }

    /// What the code means.
    pub fn code_name(&self) -> &'static str {
        match self.code() {
            0x00 => "session data",
            0x07 => "discovery: offer (PADO)",
            0x09 => "discovery: initiation (PADI)",
            0x19 => "discovery: request (PADR)",
            0x65 => "discovery: confirmation (PADS)",
            0xa7 => "termination (PADT)",
            _ => "unknown",
        }
    }

    /// The session's number at the access concentrator; 0 during discovery.
    pub fn session(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[2..4]))
    }

    /// Bytes of payload as claimed.
    pub fn length(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[4..6]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 6] = [0x11, 0, 0x12, 0x34, 0, 42];

    #[test]
    fn fields() {
        let header = Pppoe::new(&HEADER).unwrap();
        assert_eq!((header.version(), header.kind()), (1, 1));
        assert_eq!((header.code(), header.code_name()), (0, "session data"));
        assert_eq!((header.session(), header.length()), (0x1234, 42));
    }

    #[test]
    fn every_shorter_length_is_refused() {
        assert!((0..6).all(|n| Pppoe::new(&HEADER[..n]).is_none()));
    }
}
