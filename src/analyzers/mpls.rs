//! A stack of MPLS labels (RFC 3032 §2.1): entries of four bytes, of which the last has the bottom bit. Nothing in them says what
//! follows; [`Mpls::payload`] guesses as ANALYSIS.md 10.7 and tshark do.

use super::ethernet::EtherType;

/// One entry of a label stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label {
    /// The label, 20 bits; 0 to 15 are reserved.
    pub label: u32,
    /// Traffic class, 3 bits (RFC 5462).
    pub traffic_class: u8,
    /// Whether it is the last entry.
    pub is_bottom: bool,
    /// Routers the packet may still pass.
    pub time_to_live: u8,
}

/// A label stack over the bytes of a frame, down to its bottom.
#[derive(Clone, Copy, Debug)]
pub struct Mpls<'a>(&'a [u8]);

/// What follows a label stack, by its first nibble.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payload {
    /// 4 or 6: that version of IP.
    Ip(EtherType),
    /// 0: a control word of four bytes (RFC 4385 §3), then Ethernet.
    ControlWord,
    /// Anything else: Ethernet.
    Ethernet,
}

/// Entries that are read at most; real stacks have a handful.
pub const MOST_LABELS: usize = 16;

impl<'a> Mpls<'a> {
    /// Bytes of an entry.
    pub const ENTRY: usize = 4;
    /// Bytes of a control word.
    pub const CONTROL_WORD: usize = 4;

    /// The stack at the start of `bytes`; `None` if its bottom is not there, or deeper than 16 entries.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let entries = bytes.chunks_exact(Self::ENTRY).take(MOST_LABELS);
        let bottom = entries.map(entry).position(|entry| entry.is_bottom)?;
        bytes
            .get(..bottom.saturating_add(1).saturating_mul(Self::ENTRY))
            .map(Self)
    }

    /// The entries, the outermost first.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = Label> + use<'a> {
        self.0.chunks_exact(Self::ENTRY).map(entry)
    }

    /// The stack's bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }

    /// What follows, guessed from its first byte; `None` if there is none. Addresses of Ethernet, too, begin with 0: there the
    /// EtherType decides, which is a known one in one of the two places only.
    pub fn payload(bytes: &[u8]) -> Option<Payload> {
        let is_type_at = |at| {
            let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
            field.is_some_and(|field| EtherType(u16::from_be_bytes(*field)).name().is_some())
        };
        Some(match bytes.first()? >> 4 {
            4 => Payload::Ip(EtherType::IPV4),
            6 => Payload::Ip(EtherType::IPV6),
            0 if is_type_at(12) && !is_type_at(12 + Self::CONTROL_WORD) => Payload::Ethernet,
            0 => Payload::ControlWord,
            _ => Payload::Ethernet,
        })
    }
}

fn entry(bytes: &[u8]) -> Label {
    let [high, middle, low, time_to_live] = super::ethernet::array(bytes);
    Label {
        label: u32::from_be_bytes([0, high, middle, low]) >> 4,
        traffic_class: low >> 1 & 7,
        is_bottom: low & 1 == 1,
        time_to_live,
    }
}

/// What a reserved label means, or "".
pub fn label_name(label: u32) -> &'static str {
    match label {
        0 => "IPv4 explicit null",
        1 => "router alert",
        2 => "IPv6 explicit null",
        3 => "implicit null",
        7 => "entropy label indicator",
        13 => "generic associated channel",
        14 => "OAM alert",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: [u8; 9] = [0, 1, 0x0c, 64, 0x12, 0x34, 0x5b, 63, 0x45];

    #[test]
    fn entries_down_to_the_bottom() {
        let stack = Mpls::new(&STACK).unwrap();
        let labels: Vec<_> = stack.labels().collect();
        assert_eq!((labels.len(), stack.bytes().len()), (2, 8));
        let [first, second] = labels[..] else {
            unreachable!()
        };
        assert_eq!((first.label, first.traffic_class), (16, 6));
        assert!(!first.is_bottom && second.is_bottom);
        assert_eq!(
            (second.label, second.traffic_class, second.time_to_live),
            (0x12345, 5, 63)
        );
    }

    #[test]
    fn every_shorter_length_is_refused() {
        assert!((0..8).all(|n| Mpls::new(&STACK[..n]).is_none()));
    }

    #[test]
    fn a_stack_without_bottom_is_refused() {
        assert!(Mpls::new(&[0; 400]).is_none());
        let mut deep = [0; 68];
        deep[66] = 1;
        assert!(Mpls::new(&deep).is_none());
    }

    #[test]
    fn the_guess_of_what_follows() {
        let payload = |byte: u8| Mpls::payload(&[byte]).unwrap();
        assert_eq!(payload(0x45), Payload::Ip(EtherType::IPV4));
        assert_eq!(payload(0x60), Payload::Ip(EtherType::IPV6));
        assert_eq!(payload(0x00), Payload::ControlWord);
        assert_eq!(payload(0xa0), Payload::Ethernet);
        assert_eq!(Mpls::payload(&[]), None);
        let mut bytes = [0; 18];
        bytes[12..14].copy_from_slice(&[8, 0]);
        assert_eq!(Mpls::payload(&bytes), Some(Payload::Ethernet));
        bytes[16..].copy_from_slice(&[8, 0]);
        assert_eq!(Mpls::payload(&bytes), Some(Payload::ControlWord));
    }
}
