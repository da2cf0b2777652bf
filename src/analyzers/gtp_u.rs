//! GTP-U, the user plane of mobile networks (3GPP TS 29.281 §5), on UDP port 2152: flags (1 byte), message type (1), length (2),
//! tunnel (4). If any of the flags E, S and PN is set four more bytes: sequence (2), N-PDU number (1), type of the next extension
//! header (1); extension headers have their length in words of four bytes first, and the next type last.

use super::ethernet::array;

/// A GTP-U header over the bytes of a datagram.
#[derive(Clone, Copy, Debug)]
pub struct GtpU<'a>(&'a [u8]);

/// Extension headers that are read at most.
const MOST_EXTENSIONS: usize = 8;

impl<'a> GtpU<'a> {
    /// Bytes of a header without options.
    const MIN_LEN: usize = 8;
    /// The UDP port.
    pub const PORT: u16 = 2152;
    /// The message that carries a packet.
    pub const PACKET: u8 = 255;

    /// The header at the start of `bytes` with its extension headers; `None` if they end within it, or if one of them claims no
    /// length.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        if bytes.first()? & 0x07 == 0 {
            return bytes.get(..Self::MIN_LEN).map(Self);
        }
        let mut len = Self::MIN_LEN + 4;
        let has_extensions = bytes[0] & 0x04 != 0;
        let mut next = bytes
            .get(len.wrapping_sub(1))
            .filter(|_| has_extensions)
            .copied();
        for _ in 0..MOST_EXTENSIONS {
            if next.unwrap_or(0) == 0 {
                return bytes.get(..len).map(Self);
            }
            match usize::from(*bytes.get(len)?) {
                0 => return None,
                words => len = len.saturating_add(words.saturating_mul(4)),
            }
            next = Some(*bytes.get(len.wrapping_sub(1))?);
        }
        None
    }

    /// Version, 1.
    pub fn version(&self) -> u8 {
        self.0[0] >> 5
    }

    /// Whether bytes look like GTP-U and not like something else on this port: version 1, and not the charging protocol GTP'.
    pub fn is_announced(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|first| first & 0xf0 == 0x30)
    }

    /// Message type; 255 carries a packet.
    pub fn message(&self) -> u8 {
        self.0[1]
    }

    /// What the message is.
    pub fn message_name(&self) -> &'static str {
        match self.message() {
            1 => "echo request",
            2 => "echo response",
            26 => "error indication",
            31 => "supported extension headers",
            253 => "tunnel status",
            254 => "end marker",
            255 => "packet of a user",
            _ => "unknown",
        }
    }

    /// Bytes behind the first eight.
    pub fn length(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[2..4]))
    }

    /// The tunnel endpoint identifier (TEID) that its receiver gave out.
    pub fn tunnel(&self) -> u32 {
        u32::from_be_bytes(array(&self.0[4..8]))
    }

    /// The sequence number, if the flag says that it is there.
    pub fn sequence(&self) -> Option<u16> {
        let field = self.0.get(8..10).filter(|_| self.0[0] & 0x02 != 0)?;
        Some(u16::from_be_bytes(array(field)))
    }

    /// The extension headers as they stand.
    pub fn extensions(&self) -> &'a [u8] {
        self.0.get(Self::MIN_LEN + 4..).unwrap_or_default()
    }

    /// The header's bytes, extension headers among them.
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: [u8; 8] = [0x30, 255, 0, 84, 0, 0, 0, 7];
    const EXTENDED: [u8; 16] = [0x36, 255, 0, 92, 0, 0, 0, 7, 0, 5, 0, 0x85, 1, 0x10, 9, 0];

    #[test]
    fn fields() {
        let header = GtpU::new(&PLAIN).unwrap();
        assert!(header.version() == 1 && GtpU::is_announced(&PLAIN));
        assert_eq!((header.message(), header.length()), (255, 84));
        assert_eq!((header.tunnel(), header.sequence()), (7, None));
        assert_eq!(header.bytes().len(), 8);
    }

    #[test]
    fn extension_headers_are_stepped_over() {
        let header = GtpU::new(&EXTENDED).unwrap();
        assert_eq!(header.sequence(), Some(5));
        assert_eq!((header.extensions().len(), header.bytes().len()), (4, 16));
        let sequence_alone = [0x32, 255, 0, 4, 0, 0, 0, 7, 0, 5, 0, 0x85];
        assert_eq!(GtpU::new(&sequence_alone).unwrap().bytes().len(), 12);
    }

    #[test]
    fn every_shorter_length_is_refused() {
        assert!((0..8).all(|n| GtpU::new(&PLAIN[..n]).is_none()));
        assert!((0..16).all(|n| GtpU::new(&EXTENDED[..n]).is_none()));
    }

    #[test]
    fn an_extension_without_length_is_refused() {
        let mut bytes = EXTENDED;
        bytes[12] = 0;
        assert!(GtpU::new(&bytes).is_none());
        let endless = [&EXTENDED[..12], &[1, 0, 0, 0x85].repeat(50)].concat();
        assert!(GtpU::new(&endless).is_none());
    }

    #[test]
    fn other_versions_are_something_else() {
        assert!(!GtpU::is_announced(&[0x50, 255]) && !GtpU::is_announced(&[]));
    }
}
