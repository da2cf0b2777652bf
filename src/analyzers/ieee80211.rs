//! IEEE 802.11 frames (LINKTYPE_IEEE802_11) and the radiotap header in front of them (LINKTYPE_IEEE802_11_RADIOTAP, radiotap.org).
//!
//! Frame control (2 bytes, little-endian), duration (2), address 1 (6), and on data frames addresses 2 and 3 and the sequence
//! (2), address 4 if the frame goes from one access point to another, two bytes of quality of service, and four of HT control.
//! Then LLC, unless the frame is protected: what is encrypted is not read.

use super::ethernet::array;
use crate::utils::addressing::MacAddress;

/// A radiotap header over the bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Radiotap<'a>(&'a [u8]);

impl<'a> Radiotap<'a> {
    /// Bytes of the shortest header.
    const MIN_LEN: usize = 8;

    /// The header at the start of `bytes`, as long as it says; `None` if it says less than 8, or more than there is.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let length = usize::from(u16::from_le_bytes(array(bytes.get(2..4)?)));
        (length >= Self::MIN_LEN).then_some(Self(bytes.get(..length)?))
    }

    /// Version, 0.
    pub fn version(&self) -> u8 {
        self.0[0]
    }

    /// The first word of the bits that say which fields are present.
    pub fn present(&self) -> u32 {
        u32::from_le_bytes(array(&self.0[4..8]))
    }

    /// The flags of the frame, 0 if they are absent.
    pub fn flags(&self) -> u8 {
        // More words of presence follow while the highest bit is set; then the fields, each at a multiple of its size.
        let is_last = |word: &[u8]| word[3] & 0x80 == 0;
        let Some(words) = self.0[4..].chunks_exact(4).position(is_last) else {
            return 0;
        };
        let mut at = words.saturating_mul(4).saturating_add(8);
        if self.present() & 1 != 0 {
            at = at.next_multiple_of(8).saturating_add(8);
        }
        let has_flags = self.present() & 2 != 0;
        self.0.get(at).filter(|_| has_flags).copied().unwrap_or(0)
    }

    /// Whether the frame ends with its checksum.
    pub fn has_checksum(&self) -> bool {
        self.flags() & 0x10 != 0
    }

    /// Whether the header of the frame is padded to a multiple of four bytes.
    pub fn is_padded(&self) -> bool {
        self.flags() & 0x20 != 0
    }

    /// The whole header.
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// Kinds of 802.11 frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Beacons, probes, association.
    Management,
    /// Acknowledgments, requests to send.
    Control,
    /// Data.
    Data,
    /// Reserved, or extension frames.
    Reserved,
}

/// The header of an 802.11 frame over its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Ieee80211<'a>(&'a [u8]);

mod flag {
    pub const TO_DISTRIBUTION: u8 = 0x01;
    pub const FROM_DISTRIBUTION: u8 = 0x02;
    pub const MORE_FRAGMENTS: u8 = 0x04;
    pub const RETRY: u8 = 0x08;
    pub const PROTECTED: u8 = 0x40;
    pub const HT_CONTROL: u8 = 0x80;
}

impl<'a> Ieee80211<'a> {
    /// Bytes of the shortest header, that of an acknowledgment.
    const MIN_LEN: usize = 10;

    /// The header at the start of `bytes`; `None` if they end within it. Of frames other than data only the first ten bytes.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let [low, high] = *bytes.first_chunk()?;
        let len = match kind(low) {
            Kind::Data => data_header_len(low, high),
            _ => Self::MIN_LEN,
        };
        bytes.get(..len).map(Self)
    }

    /// What kind of frame it is.
    pub fn kind(&self) -> Kind {
        kind(self.0[0])
    }

    /// Which frame of its kind, 0 to 15.
    pub fn subtype(&self) -> u8 {
        self.0[0] >> 4
    }

    /// Protocol version, 0.
    pub fn version(&self) -> u8 {
        self.0[0] & 3
    }

    fn has(&self, flag: u8) -> bool {
        self.0[1] & flag != 0
    }

    /// Towards the distribution system: from a station to its access point.
    pub fn to_distribution(&self) -> bool {
        self.has(flag::TO_DISTRIBUTION)
    }

    /// From the distribution system: from an access point.
    pub fn from_distribution(&self) -> bool {
        self.has(flag::FROM_DISTRIBUTION)
    }

    /// Whether it was sent before without being acknowledged.
    pub fn is_retry(&self) -> bool {
        self.has(flag::RETRY)
    }

    /// Whether the payload is encrypted.
    pub fn is_protected(&self) -> bool {
        self.has(flag::PROTECTED)
    }

    /// Microseconds that the medium is reserved for, or another number with the highest bit set.
    pub fn duration(&self) -> u16 {
        u16::from_le_bytes(array(&self.0[2..4]))
    }

    /// Address 1 to 4, by `number`; `None` for one that the header does not have.
    pub fn address(&self, number: usize) -> Option<MacAddress> {
        let at = *[4, 10, 16, 24].get(number.checked_sub(1)?)?;
        let has = number < 4 || self.to_distribution() && self.from_distribution();
        let bytes = self.0.get(at..).filter(|_| has)?;
        Some(MacAddress(*bytes.first_chunk()?))
    }

    /// The fragment's number, 0 to 15, and the sequence number, 0 to 4095; `None` except on data frames.
    pub fn sequence(&self) -> Option<(u8, u16)> {
        let field = u16::from_le_bytes(array(self.0.get(22..24)?));
        Some(((field & 0x0f) as u8, field >> 4))
    }

    /// Whether the frame carries a part of its payload only.
    pub fn is_fragment(&self) -> bool {
        self.has(flag::MORE_FRAGMENTS) || self.sequence().is_some_and(|(number, _)| number > 0)
    }

    /// The quality of service field; `None` without.
    pub fn quality_of_service(&self) -> Option<u16> {
        if self.kind() != Kind::Data || self.subtype() & 8 == 0 {
            return None;
        }
        let at = if self.to_distribution() && self.from_distribution() {
            30
        } else {
            24
        };
        Some(u16::from_le_bytes(*self.0.get(at..)?.first_chunk()?))
    }

    /// Whether the payload is several frames put together (A-MSDU).
    pub fn is_aggregate(&self) -> bool {
        self.quality_of_service()
            .is_some_and(|field| field & 0x80 != 0)
    }

    /// Whether a payload follows: data frames without the bit that says that there are none.
    pub fn has_payload(&self) -> bool {
        self.kind() == Kind::Data && self.subtype() & 4 == 0
    }

    /// The header's bytes: 24 to 36 on data frames.
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }
}

fn kind(first: u8) -> Kind {
    match first >> 2 & 3 {
        0 => Kind::Management,
        1 => Kind::Control,
        2 => Kind::Data,
        _ => Kind::Reserved,
    }
}

fn data_header_len(first: u8, flags: u8) -> usize {
    let both = flag::TO_DISTRIBUTION | flag::FROM_DISTRIBUTION;
    let has_quality = first & 0x80 != 0;
    let fourth = if flags & both == both { 6 } else { 0 };
    let quality = if has_quality { 2 } else { 0 };
    let ht = if has_quality && flags & flag::HT_CONTROL != 0 {
        4
    } else {
        0
    };
    [24usize, fourth, quality, ht].into_iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(first: u8, flags: u8, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        (bytes[0], bytes[1]) = (first, flags);
        for (number, at) in [4, 10, 16].into_iter().enumerate() {
            bytes[at + 5] = number as u8 + 1;
        }
        bytes
    }

    #[test]
    fn a_data_frame_to_the_access_point() {
        let mut bytes = data(0x08, 0x09, 24);
        bytes[22..].copy_from_slice(&[0x20, 0x01]);
        let frame = Ieee80211::new(&bytes).unwrap();
        assert_eq!((frame.kind(), frame.subtype()), (Kind::Data, 0));
        assert!(frame.to_distribution() && !frame.from_distribution() && frame.is_retry());
        assert!(frame.has_payload() && !frame.is_protected() && !frame.is_fragment());
        assert_eq!(frame.address(3).unwrap().to_string(), "00:00:00:00:00:03");
        assert_eq!(frame.address(4), None);
        assert_eq!(frame.sequence(), Some((0, 18)));
    }

    #[test]
    fn lengths_by_addresses_quality_of_service_and_ht_control() {
        for (first, flags, len) in [
            (0x08, 0x01, 24),
            (0x08, 0x03, 30),
            (0x88, 0x02, 26),
            (0x88, 0x83, 36),
            (0x08, 0x80, 24),
        ] {
            let bytes = data(first, flags, len + 4);
            assert_eq!(Ieee80211::new(&bytes).unwrap().bytes().len(), len);
            assert!((0..len).all(|n| Ieee80211::new(&bytes[..n]).is_none()));
        }
    }

    #[test]
    fn protected_fragments_and_aggregates_show_themselves() {
        assert!(
            Ieee80211::new(&data(0x08, 0x41, 24))
                .unwrap()
                .is_protected()
        );
        assert!(Ieee80211::new(&data(0x08, 0x05, 24)).unwrap().is_fragment());
        let mut bytes = data(0x88, 0x01, 26);
        bytes[24] = 0x80;
        assert!(Ieee80211::new(&bytes).unwrap().is_aggregate());
        assert!(!Ieee80211::new(&data(0x48, 0x01, 24)).unwrap().has_payload());
    }

    #[test]
    fn other_frames_are_ten_bytes() {
        let frame = data(0xd4, 0, 24);
        assert_eq!(Ieee80211::new(&frame).unwrap().kind(), Kind::Control);
        assert!((0..10).all(|n| Ieee80211::new(&frame[..n]).is_none()));
    }

    #[test]
    fn radiotap_flags_behind_a_timestamp_and_more_words() {
        let mut bytes = vec![0, 0, 26, 0, 3, 0, 0, 0x80, 0, 0, 0, 0];
        bytes.extend([9; 12]);
        bytes.extend([0x30, 0]);
        let header = Radiotap::new(&bytes).unwrap();
        assert_eq!((header.version(), header.bytes().len()), (0, 26));
        assert!(header.has_checksum() && header.is_padded());
    }

    #[test]
    fn impossible_radiotap_lengths() {
        let bytes = [0, 0, 8, 0, 2, 0, 0, 0];
        assert_eq!(Radiotap::new(&bytes).unwrap().flags(), 0);
        assert!((0..8).all(|n| Radiotap::new(&bytes[..n]).is_none()));
        assert!(Radiotap::new(&[0, 0, 7, 0, 0, 0, 0, 0]).is_none());
        assert!(Radiotap::new(&[0, 0, 9, 0, 0, 0, 0, 0]).is_none());
        assert_eq!(
            Radiotap::new(&[0, 0, 8, 0, 2, 0, 0, 0x80]).unwrap().flags(),
            0
        );
    }
}
