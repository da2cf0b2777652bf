//! The TCP header (RFC 9293 §3.1): 20 bytes and up to 40 of options.
//!
//! A view needs only the first 16 bytes, up to the window: what a short snap length leaves is still enough to follow a
//! connection (ANALYSIS.md 10.3). The fields behind them are optional.

use super::ethernet::array;
use super::tcp_options::TcpOptions;
use crate::utils::seq::Seq;
use std::fmt;

/// The nine flags of a TCP header, FIN in the lowest bit (RFC 9293 §3.1; AE, once NS, RFC 9768).
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash, Debug)]
pub struct Flags(pub u16);

impl Flags {
    /// No more data from the sender.
    pub const FIN: Flags = Flags(0x001);
    /// Synchronize sequence numbers.
    pub const SYN: Flags = Flags(0x002);
    /// Reset the connection.
    pub const RST: Flags = Flags(0x004);
    /// Hand the data to the application.
    pub const PSH: Flags = Flags(0x008);
    /// The acknowledgment number counts.
    pub const ACK: Flags = Flags(0x010);
    /// The urgent pointer counts.
    pub const URG: Flags = Flags(0x020);
    /// ECN echo.
    pub const ECE: Flags = Flags(0x040);
    /// Congestion window reduced.
    pub const CWR: Flags = Flags(0x080);
    /// Accurate ECN.
    pub const AE: Flags = Flags(0x100);

    /// Every flag with its name and meaning, highest bit first as in the header.
    pub const TABLE: [(Flags, &'static str, &'static str); 9] = [
        (Flags::AE, "AE", "accurate ECN (RFC 9768)"),
        (Flags::CWR, "CWR", "congestion window reduced (RFC 3168)"),
        (
            Flags::ECE,
            "ECE",
            "ECN echo: congestion was signalled (RFC 3168)",
        ),
        (Flags::URG, "URG", "the urgent pointer counts"),
        (Flags::ACK, "ACK", "the acknowledgment number counts"),
        (Flags::PSH, "PSH", "hand the data to the application now"),
        (Flags::RST, "RST", "reset: the connection is over at once"),
        (Flags::SYN, "SYN", "synchronize: opens a connection"),
        (Flags::FIN, "FIN", "finish: the sender has no more data"),
    ];

    /// Whether any of `other`'s flags is set.
    pub const fn any(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all of `other`'s flags are set.
    pub const fn all(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// SYN is set.
    pub const fn syn(self) -> bool {
        self.any(Flags::SYN)
    }

    /// ACK is set.
    pub const fn ack(self) -> bool {
        self.any(Flags::ACK)
    }

    /// FIN is set.
    pub const fn fin(self) -> bool {
        self.any(Flags::FIN)
    }

    /// RST is set.
    pub const fn rst(self) -> bool {
        self.any(Flags::RST)
    }
}

impl fmt::Display for Flags {
    /// `SYN,ACK`, in the order in which people say them; `none` without any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SPOKEN: [(Flags, &str); 9] = [
            (Flags::SYN, "SYN"),
            (Flags::FIN, "FIN"),
            (Flags::RST, "RST"),
            (Flags::PSH, "PSH"),
            (Flags::ACK, "ACK"),
            (Flags::URG, "URG"),
            (Flags::ECE, "ECE"),
            (Flags::CWR, "CWR"),
            (Flags::AE, "AE"),
        ];
        let mut separator = "";
        for (flag, name) in SPOKEN {
            if self.any(flag) {
                write!(f, "{separator}{name}")?;
                separator = ",";
            }
        }
        if separator.is_empty() {
            f.write_str("none")
        } else {
            Ok(())
        }
    }
}

/// A TCP header over the captured bytes of a segment.
#[derive(Clone, Copy, Debug)]
pub struct Tcp<'a> {
    bytes: &'a [u8],
    /// Read once, because everything behind the header is found by it.
    header_len: usize,
}

impl<'a> Tcp<'a> {
    /// Bytes that a view needs: ports, both numbers, flags and window.
    pub const VIEW_LEN: usize = 16;
    /// Bytes of a header without options.
    pub const MIN_LEN: usize = 20;

    /// The header at the start of `bytes`; `None` if they are fewer than 16. The header's own claims are not judged here.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let view: &[u8; 16] = bytes.first_chunk()?;
        let header_len = usize::from(view[12] >> 4) * 4;
        Some(Self { bytes, header_len })
    }

    /// Port of the sender.
    pub fn source_port(&self) -> u16 {
        u16::from_be_bytes(array(&self.bytes[0..2]))
    }

    /// Port of the receiver.
    pub fn destination_port(&self) -> u16 {
        u16::from_be_bytes(array(&self.bytes[2..4]))
    }

    /// Sequence number of the first octet.
    pub fn seq(&self) -> Seq {
        Seq(u32::from_be_bytes(array(&self.bytes[4..8])))
    }

    /// The next octet that the sender expects; meaningful only with the ACK flag.
    pub fn ack(&self) -> Seq {
        Seq(u32::from_be_bytes(array(&self.bytes[8..12])))
    }

    /// Header length in bytes as claimed, 0 to 60; well-formed from 20.
    pub fn header_len(&self) -> usize {
        self.header_len
    }

    /// The three reserved bits, 0 in a well-formed header.
    pub fn reserved(&self) -> u8 {
        (self.bytes[12] >> 1) & 7
    }

    /// The nine flags.
    pub fn flags(&self) -> Flags {
        Flags(u16::from_be_bytes(array(&self.bytes[12..14])) & 0x1ff)
    }

    /// Receive window in bytes before scaling.
    pub fn window(&self) -> u16 {
        u16::from_be_bytes(array(&self.bytes[14..16]))
    }

    /// The checksum as sent; `None` if not captured.
    pub fn checksum(&self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.bytes.get(16..18)?.first_chunk()?))
    }

    /// Octets from the sequence number to the last urgent one; meaningful only with the URG flag, `None` if not captured.
    pub fn urgent_pointer(&self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.bytes.get(18..20)?.first_chunk()?))
    }

    /// Whether the whole header, as long as it claims to be, was captured.
    pub fn is_whole(&self) -> bool {
        self.bytes.len() >= self.header_len
    }

    /// The captured bytes of the options, one after the other.
    pub fn options(&self) -> TcpOptions<'a> {
        match self.bytes.get(Self::MIN_LEN..self.header_len) {
            Some(options) => TcpOptions::new(options),
            // A data offset below the least is no list of options at all, and is found malformed elsewhere.
            None if self.header_len < Self::MIN_LEN => TcpOptions::new(&[]),
            None => TcpOptions::cut(self.bytes.get(Self::MIN_LEN..).unwrap_or(&[])),
        }
    }

    /// The captured bytes of the payload.
    pub fn payload(&self) -> &'a [u8] {
        self.bytes
            .get(self.header_len.max(Self::MIN_LEN)..)
            .unwrap_or(&[])
    }

    /// All captured bytes of the segment, header and payload.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::analyzers::tcp_options::TcpOption;

    /// Port 40000 → 443, SYN with ECE and CWR, one option (maximum segment size 1460).
    pub const HEADER: [u8; 24] = [
        0x9c, 0x40, 0x01, 0xbb, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 7, 0x60, 0xc2, 0xfa, 0xf0, 0xab,
        0xcd, 0, 5, 2, 4, 5, 0xb4,
    ];

    #[test]
    fn fields() {
        let tcp = Tcp::new(&HEADER).unwrap();
        assert_eq!((tcp.source_port(), tcp.destination_port()), (40000, 443));
        assert_eq!((tcp.seq(), tcp.ack()), (Seq(0xffff_fffe), Seq(7)));
        assert_eq!(
            (tcp.header_len(), tcp.reserved(), tcp.window()),
            (24, 0, 64240)
        );
        assert_eq!(
            (tcp.checksum(), tcp.urgent_pointer()),
            (Some(0xabcd), Some(5))
        );
        assert_eq!(tcp.flags().to_string(), "SYN,ECE,CWR");
        assert!(matches!(
            tcp.options().next(),
            Some(TcpOption::MaximumSegmentSize(1460))
        ));
        assert!(tcp.payload().is_empty() && tcp.is_whole());
    }

    #[test]
    fn sixteen_bytes_are_enough_for_a_view_and_fewer_are_not() {
        assert!((0..16).all(|n| Tcp::new(&HEADER[..n]).is_none()));
        let cut = Tcp::new(&HEADER[..16]).unwrap();
        assert_eq!(
            (cut.window(), cut.checksum(), cut.urgent_pointer()),
            (64240, None, None)
        );
        assert!(!cut.is_whole() && cut.options().next().is_none());
        assert_eq!(Tcp::new(&HEADER[..19]).unwrap().urgent_pointer(), None);
    }

    #[test]
    fn impossible_header_lengths_are_no_harm() {
        let mut bytes = HEADER;
        for words in 0..16u8 {
            bytes[12] = words << 4;
            let tcp = Tcp::new(&bytes).unwrap();
            assert_eq!(tcp.header_len(), usize::from(words) * 4);
            let _ = (tcp.options().count(), tcp.payload().len());
        }
    }

    #[test]
    fn all_nine_flags_are_told_apart() {
        let mut bytes = HEADER;
        (bytes[12], bytes[13]) = (0x6f, 0xff);
        let tcp = Tcp::new(&bytes).unwrap();
        assert_eq!(
            tcp.flags().to_string(),
            "SYN,FIN,RST,PSH,ACK,URG,ECE,CWR,AE"
        );
        assert_eq!(tcp.reserved(), 7);
        assert_eq!(Flags::default().to_string(), "none");
    }
}
