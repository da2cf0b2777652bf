//! Classic pcap (draft-ietf-opsawg-pcap): a header of 24 bytes, then records of a 16-byte header and a frame. Micro- or
//! nanoseconds and either byte order by the magic number; also Alexey Kuznetzov's modified format, whose record headers have 24 bytes.
//!
//! Own code: a record is five loads, and crates that return a record by value cost more than that for each.

use super::buffer::{Buffer, Filled};
use super::bytes::ByteOrder;
use super::pcap_reader::{LONGEST_CLAIM, Record, Step, Stop};
use super::{Format, Interface, Resolution};
use crate::analyzers::{Frame, LinkType};
use crate::utils::time::Timestamp;

/// The bytes of a file header.
pub(super) const FILE_HEADER_LEN: usize = 24;

/// The largest snap length of libpcap and of Wireshark. Records beyond it are damage, which is found the sooner the tighter this
/// is; only a file whose own snap length is larger may have them,
const USUAL_LIMIT: u32 = 262_144;
/// and never beyond this.
pub(super) const LARGEST_FRAME: u32 = 16 * 1024 * 1024;

/// The reader of one classic pcap file, after its header.
pub(super) struct ClassicPcap {
    order: ByteOrder,
    nanos_per_unit: u16,
    record_header_len: usize,
    /// Versions before 2.4 wrote the two lengths in either order.
    lengths_in_any_order: bool,
    /// Record headers of 16 bytes with the lengths in their order.
    is_usual: bool,
    largest_frame: u32,
    link: LinkType,
}

/// The numbers of a record header: seconds, their fraction, the length that was captured and that on the wire.
type Header = [u32; 4];

/// What a file header says.
pub(super) struct FileHeader {
    pub(super) reader: ClassicPcap,
    pub(super) format: Format,
    pub(super) interface: Interface,
    pub(super) problem: Option<String>,
}

/// The magic numbers: micro- or nanoseconds, and the length of a record header.
fn magic(number: u32) -> Option<(Resolution, usize)> {
    match number {
        0xa1b2_c3d4 => Some((Resolution::MICROSECONDS, 16)),
        0xa1b2_3c4d => Some((Resolution::NANOSECONDS, 16)),
        0xa1b2_cd34 => Some((Resolution::MICROSECONDS, 24)),
        _ => None,
    }
}

/// Whether a file that begins with these bytes is a classic pcap file, and in which byte order.
pub(super) fn recognize(bytes: [u8; 4]) -> Option<ByteOrder> {
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .find(|order| magic(order.u32(bytes)).is_some())
}

impl ClassicPcap {
    /// Takes a file header apart; `None` if it is not one.
    pub(super) fn from_header(header: &[u8; FILE_HEADER_LEN]) -> Option<FileHeader> {
        let order = recognize([header[0], header[1], header[2], header[3]])?;
        let (resolution, record_header_len) = magic(order.u32_at(header, 0))?;
        let version = (order.u16_at(header, 4), order.u16_at(header, 6));
        let snap_length = order.u32_at(header, 16);
        let link_field = order.u32_at(header, 20);
        // The upper bits tell the length of the frame check sequence; ten of them are reserved.
        let link = LinkType(link_field & 0xffff);
        let reserved = link_field & 0x03ff_0000;
        let problem = (reserved != 0)
            .then(|| format!("its header has reserved bits set beside the link type ({link_field:#010x}); they were ignored"));
        let lengths_in_any_order = version < (2, 4) || version.0 == 543;
        let reader = ClassicPcap {
            order,
            nanos_per_unit: if resolution == Resolution::NANOSECONDS {
                1
            } else {
                1000
            },
            record_header_len,
            lengths_in_any_order,
            is_usual: record_header_len == 16 && !lengths_in_any_order,
            largest_frame: snap_length.clamp(USUAL_LIMIT, LARGEST_FRAME),
            link,
        };
        let format = if record_header_len == 16 {
            Format::Pcap
        } else {
            Format::ModifiedPcap
        };
        Some(FileHeader {
            reader,
            format,
            interface: Interface::new(link, snap_length, resolution),
            problem,
        })
    }

    /// The short way for what nearly every record is: one of a usual file that has arrived whole and claims nothing impossible. The
    /// numbers of its header; `None` where [`ClassicPcap::next`] has to look.
    #[inline]
    pub(super) fn whole_record(&self, buffer: &Buffer) -> Option<Header> {
        let (header, behind) = buffer.first()?;
        let header @ [_, _, captured, _] = self.order.four(header);
        let is_whole = captured <= self.largest_frame && captured as usize <= behind.len();
        (self.is_usual && is_whole).then_some(header)
    }

    /// Takes a record that was found so.
    #[inline]
    pub(super) fn take_whole<'b>(
        &self,
        header: Header,
        buffer: &'b mut Buffer,
        number: u64,
    ) -> Frame<'b> {
        let [_, _, captured, wire] = header;
        Frame {
            number,
            time: self.time(header),
            link: self.link,
            interface: 0,
            wire_len: wire.max(captured).min(LONGEST_CLAIM),
            bytes: buffer.take_behind::<16>(captured as usize),
        }
    }

    #[inline]
    fn time(&self, [seconds, fraction, ..]: Header) -> Timestamp {
        let nanos = i64::from(fraction).saturating_mul(self.nanos_per_unit.into());
        Timestamp::from_parts(seconds.into(), nanos)
    }

    /// The next record.
    #[inline]
    pub(super) fn next(&mut self, buffer: &mut Buffer) -> Step {
        match buffer.fill(self.record_header_len) {
            Filled::Ready => {}
            Filled::End if buffer.is_between_records() => return Step::Stop(Stop::Finished),
            other => return Step::unfilled(other, "a record header"),
        }
        let Some((header, _)) = buffer.first() else {
            return Step::Idle;
        };
        let header @ [_, _, captured, wire] = self.order.four(header);
        let (captured, wire) = match self.lengths_in_any_order {
            true => (captured.min(wire), captured.max(wire)),
            false => (captured, wire),
        };
        if captured > self.largest_frame {
            return Step::damaged(format!(
                "a record claims {captured} bytes, more than any frame has"
            ));
        }
        match buffer.fill(self.record_header_len.saturating_add(captured as usize)) {
            Filled::Ready => {}
            other => return Step::unfilled(other, "a frame"),
        }
        buffer.consume(self.record_header_len);
        Step::Record(Record {
            time: self.time(header),
            link: self.link,
            interface: 0,
            wire_len: wire.max(captured),
            bytes: buffer.consume(captured as usize),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::super::pcap_reader::tests::{frames, reader};
    use super::*;

    fn file(
        order: ByteOrder,
        magic: u32,
        version: (u16, u16),
        link: u32,
        records: &[&[u32]],
    ) -> Vec<u8> {
        let u32s = |numbers: &[u32]| -> Vec<u8> {
            let bytes = |n: &u32| {
                if order == ByteOrder::Big {
                    n.to_be_bytes()
                } else {
                    n.to_le_bytes()
                }
            };
            numbers.iter().flat_map(bytes).collect()
        };
        let versions = match order {
            ByteOrder::Big => u32::from(version.0) << 16 | u32::from(version.1),
            ByteOrder::Little => u32::from(version.1) << 16 | u32::from(version.0),
        };
        let mut bytes = u32s(&[magic, versions, 0, 0, 65535, link]);
        for record in records {
            bytes.extend(u32s(record));
            bytes.extend([0xaa, 0xbb, 0xcc, 0xdd]);
        }
        bytes
    }

    #[test]
    fn both_byte_orders_and_precisions() {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            for (magic, nanos) in [(0xa1b2_c3d4, 7_000), (0xa1b2_3c4d, 7)] {
                let bytes = file(order, magic, (2, 4), 1, &[&[3, 7, 4, 60], &[4, 0, 4, 4]]);
                let (got, end) = frames(&bytes);
                assert_eq!(end, super::super::End::Finished);
                assert_eq!(got.len(), 2);
                assert_eq!(
                    (got[0].nanos, got[0].wire_len, &got[0].bytes[..]),
                    (3_000_000_000 + nanos, 60, &[0xaa, 0xbb, 0xcc, 0xdd][..])
                );
            }
        }
    }

    #[test]
    fn modified_format_has_longer_record_headers() {
        let bytes = file(
            ByteOrder::Little,
            0xa1b2_cd34,
            (2, 4),
            101,
            &[&[3, 7, 4, 60, 9, 9]],
        );
        let (got, _) = frames(&bytes);
        assert_eq!((got.len(), got[0].link.0, got[0].bytes.len()), (1, 101, 4));
        assert_eq!(
            reader(&bytes).unwrap().describe().format,
            Format::ModifiedPcap
        );
    }

    #[test]
    fn old_versions_swap_the_lengths() {
        let (got, _) = frames(&file(
            ByteOrder::Big,
            0xa1b2_c3d4,
            (2, 2),
            1,
            &[&[3, 7, 60, 4]],
        ));
        assert_eq!((got[0].wire_len, got[0].bytes.len()), (60, 4));
    }

    #[test]
    fn microseconds_beyond_a_second_carry_over() {
        let (got, _) = frames(&file(
            ByteOrder::Little,
            0xa1b2_c3d4,
            (2, 4),
            1,
            &[&[3, 1_500_000, 4, 4]],
        ));
        assert_eq!(got[0].nanos, 4_500_000_000);
    }

    #[test]
    fn the_wire_is_never_shorter_than_the_capture() {
        let (got, _) = frames(&file(
            ByteOrder::Little,
            0xa1b2_c3d4,
            (2, 4),
            1,
            &[&[3, 0, 4, 1]],
        ));
        assert_eq!(got[0].wire_len, 4);
    }

    #[test]
    fn bits_beside_the_link_type_are_masked() {
        let (got, _) = frames(&file(
            ByteOrder::Little,
            0xa1b2_c3d4,
            (2, 4),
            0x2400_0001,
            &[&[3, 0, 4, 4]],
        ));
        assert_eq!(got[0].link, LinkType::ETHERNET);
        let reserved = file(ByteOrder::Little, 0xa1b2_c3d4, (2, 4), 0x0020_0001, &[]);
        assert_eq!(reader(&reserved).unwrap().describe().problems.len(), 1);
    }

    #[test]
    fn an_impossible_length_is_damage_after_the_frames_before() {
        let (got, end) = frames(&file(
            ByteOrder::Little,
            0xa1b2_c3d4,
            (2, 4),
            1,
            &[&[3, 0, 4, 4], &[3, 0, 300_000, 4]],
        ));
        assert_eq!(got.len(), 1);
        let warning = end.warning().unwrap();
        assert!(
            warning.contains("after frame 1") && warning.contains("300000"),
            "{warning}"
        );
    }

    #[test]
    fn cut_anywhere_it_ends_with_the_frames_before() {
        let whole = file(
            ByteOrder::Little,
            0xa1b2_c3d4,
            (2, 4),
            1,
            &[&[3, 0, 4, 4], &[5, 0, 4, 4]],
        );
        for cut in FILE_HEADER_LEN..whole.len() {
            let (got, end) = frames(&whole[..cut]);
            assert_eq!(got.len(), (cut - FILE_HEADER_LEN) / 20);
            assert_eq!(
                end.warning().is_none(),
                (cut - FILE_HEADER_LEN).is_multiple_of(20),
                "{cut}"
            );
        }
    }
}
