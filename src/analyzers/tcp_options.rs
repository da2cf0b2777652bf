//! TCP options, in two forms: one at a time for showing, and a small summary filled in one pass for deciding.
//!
//! Kind 0 ends the list and kind 1 fills a gap; every other option has a length byte that counts itself and the kind
//! (RFC 9293 §3.1). An unknown kind is kept with its bytes and reading goes on; a wrong length ends the list, because nothing
//! behind it can be found.

use super::ethernet::array;
use crate::utils::seq::Seq;

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// Kind 0: end of the list.
    End,
    /// Kind 1: padding between options.
    NoOperation,
    /// Kind 2, in a SYN: the largest payload that its sender wants to receive, in bytes (RFC 9293 §3.7.1).
    MaximumSegmentSize(u16),
    /// Kind 3, in a SYN: the shift for all later windows of its sender (RFC 7323 §2).
    WindowScale(u8),
    /// Kind 4, in a SYN: selective acknowledgments may be sent (RFC 2018 §2).
    SackPermitted,
    /// Kind 5: blocks received beyond the acknowledgment number (RFC 2018 §3).
    Sack(SackBlocks),
    /// Kind 8: the sender's clock and the echo of the receiver's (RFC 7323 §3).
    Timestamps(Timestamps),
    /// Kind 19: MD5 signature (RFC 2385).
    Md5Signature,
    /// Kind 28: how long unacknowledged data may be outstanding, raw (RFC 5482).
    UserTimeout(u16),
    /// Kind 29: authentication (RFC 5925), its bytes behind the length.
    Authentication(&'a [u8]),
    /// Kind 30: multipath TCP (RFC 8684), its bytes behind the length; the subtype is in the first four bits.
    Multipath(&'a [u8]),
    /// Kind 34: Fast Open cookie, empty in a request (RFC 7413).
    FastOpen(&'a [u8]),
    /// Kinds 172 and 174: byte counters of accurate ECN (RFC 9768).
    AccurateEcn(&'a [u8]),
    /// Any other kind with its bytes behind the length.
    Unknown(u8, &'a [u8]),
    /// An option whose length cannot be: the kind, and the bytes that are left. Nothing follows it.
    Malformed(u8, &'a [u8]),
    /// The last option of a header that is not all there: the kind, and the bytes of it that are. As a rule too little was captured,
    /// which is no fault of the sender.
    Cut(u8, &'a [u8]),
}

/// The two values of a timestamps option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Timestamps {
    /// The sender's clock, in ticks of its own choice.
    pub value: u32,
    /// The latest value received from the other side; meaningful only with ACK.
    pub echo: u32,
}

/// One block of a selective acknowledgment: `left` was received, `right` is the first octet behind the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SackBlock {
    /// First octet of the block.
    pub left: Seq,
    /// First octet behind the block.
    pub right: Seq,
}

/// The blocks of one option, in their order; at most four fit into a header.
#[derive(Clone, Copy, Debug, Default)]
pub struct SackBlocks {
    blocks: [SackBlock; 4],
    len: u8,
}

impl SackBlocks {
    /// The blocks as a slice.
    pub fn as_slice(&self) -> &[SackBlock] {
        &self.blocks[..usize::from(self.len)]
    }
}

/// What stands behind the blocks does not count.
impl PartialEq for SackBlocks {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for SackBlocks {}

impl FromIterator<SackBlock> for SackBlocks {
    /// The first four of an iterator's blocks.
    fn from_iter<I: IntoIterator<Item = SackBlock>>(blocks: I) -> Self {
        let mut all = Self::default();
        for (place, block) in all.blocks.iter_mut().zip(blocks) {
            *place = block;
            all.len = all.len.saturating_add(1);
        }
        all
    }
}

/// Goes through the options of a segment. Ends at kind 0, at the end of the bytes, or behind a malformed option.
#[derive(Clone, Debug)]
pub struct TcpOptions<'a> {
    bytes: &'a [u8],
    /// Whether the header goes on behind these bytes.
    is_cut: bool,
}

impl<'a> TcpOptions<'a> {
    /// The options in these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            is_cut: false,
        }
    }

    /// The options in these bytes, behind which more of the header should follow.
    pub const fn cut(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            is_cut: true,
        }
    }

    /// All of them in the form that decides.
    pub fn summary(self) -> OptionSummary {
        let mut summary = OptionSummary::default();
        self.summarize_into(&mut summary);
        summary
    }

    /// The same in place of what `summary` held before.
    #[inline]
    pub fn summarize_into(self, summary: &mut OptionSummary) {
        summary.clear();
        if self.bytes.is_empty() {
            return;
        }
        // What nearly every segment of a transfer carries, in one comparison (RFC 7323 appendix A).
        match self.bytes.split_first_chunk() {
            Some((first, rest)) if u32::from_be_bytes(*first) == 0x0101_080a && rest.len() == 8 => {
                summary.timestamps = Some(timestamps(rest));
            }
            _ => Self::add_each(self.bytes, self.is_cut, summary),
        }
    }

    #[inline(never)]
    fn add_each(bytes: &[u8], is_cut: bool, summary: &mut OptionSummary) {
        for option in (TcpOptions { bytes, is_cut }) {
            match option {
                TcpOption::MaximumSegmentSize(size) => summary.mss = Some(size),
                TcpOption::WindowScale(shift) => summary.window_scale = Some(shift),
                TcpOption::SackPermitted => summary.sack_permitted = true,
                TcpOption::Sack(blocks) => summary.sack = blocks,
                TcpOption::Timestamps(timestamps) => summary.timestamps = Some(timestamps),
                TcpOption::FastOpen(_) => summary.fast_open = true,
                TcpOption::Multipath(data) => {
                    summary.multipath |= 1 << (data.first().copied().unwrap_or(0) >> 4);
                }
                TcpOption::Malformed(..) => summary.malformed = true,
                _ => {}
            }
        }
    }
}

impl<'a> Iterator for TcpOptions<'a> {
    type Item = TcpOption<'a>;

    #[inline]
    fn next(&mut self) -> Option<TcpOption<'a>> {
        let (&kind, rest) = self.bytes.split_first()?;
        match kind {
            0 => {
                self.bytes = &[];
                Some(TcpOption::End)
            }
            1 => {
                self.bytes = rest;
                Some(TcpOption::NoOperation)
            }
            _ => {
                let len = usize::from(rest.first().copied().unwrap_or(0));
                let Some(option) = self.bytes.get(2..len) else {
                    self.bytes = &[];
                    // A length below 2 cannot be, however much follows.
                    return Some(if self.is_cut && (rest.is_empty() || len >= 2) {
                        TcpOption::Cut(kind, rest)
                    } else {
                        TcpOption::Malformed(kind, rest)
                    });
                };
                self.bytes = &self.bytes[len..];
                Some(one(kind, option))
            }
        }
    }
}

/// The option of this kind with these bytes behind its length. A known kind of the wrong length is malformed by itself; what
/// follows it can still be found.
#[inline]
fn one(kind: u8, data: &[u8]) -> TcpOption<'_> {
    match (kind, data.len()) {
        (2, 2) => TcpOption::MaximumSegmentSize(u16::from_be_bytes(array(data))),
        (3, 1) => TcpOption::WindowScale(data[0]),
        (4, 0) => TcpOption::SackPermitted,
        (5, 8 | 16 | 24 | 32) => TcpOption::Sack(data.chunks_exact(8).map(block).collect()),
        (8, 8) => TcpOption::Timestamps(timestamps(data)),
        (19, 16) => TcpOption::Md5Signature,
        (28, 2) => TcpOption::UserTimeout(u16::from_be_bytes(array(data))),
        (29, 2..) => TcpOption::Authentication(data),
        (30, 1..) => TcpOption::Multipath(data),
        (34, 0..=16) => TcpOption::FastOpen(data),
        (172 | 174, _) => TcpOption::AccurateEcn(data),
        // RFC 6994 §3, RFC 7413 appendix A: Fast Open before it had a number of its own.
        (253 | 254, 2..) if data[..2] == [0xf9, 0x89] => TcpOption::FastOpen(&data[2..]),
        (2 | 3 | 4 | 5 | 8 | 19 | 28 | 29 | 30 | 34, _) => TcpOption::Malformed(kind, data),
        _ => TcpOption::Unknown(kind, data),
    }
}

fn timestamps(data: &[u8]) -> Timestamps {
    Timestamps {
        value: u32::from_be_bytes(array(data)),
        echo: u32::from_be_bytes(array(&data[4..])),
    }
}

fn block(data: &[u8]) -> SackBlock {
    SackBlock {
        left: Seq(u32::from_be_bytes(array(data))),
        right: Seq(u32::from_be_bytes(array(&data[4..]))),
    }
}

/// What the tracking wants to know of a segment's options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionSummary {
    /// Maximum segment size in bytes.
    pub mss: Option<u16>,
    /// Window scale shift as sent, also above 14.
    pub window_scale: Option<u8>,
    /// SACK permitted.
    pub sack_permitted: bool,
    /// Clock and echo.
    pub timestamps: Option<Timestamps>,
    /// Blocks of a selective acknowledgment.
    pub sack: SackBlocks,
    /// A Fast Open option, request or cookie.
    pub fast_open: bool,
    /// One bit per subtype of multipath TCP that occurs.
    pub multipath: u16,
    /// Some option could not be read.
    pub malformed: bool,
}

impl OptionSummary {
    /// Makes it that of a segment without options. Blocks that no longer count stay where they are: clearing them would cost more
    /// than all the rest.
    #[inline]
    fn clear(&mut self) {
        self.mss = None;
        self.window_scale = None;
        self.sack_permitted = false;
        self.timestamps = None;
        self.sack.len = 0;
        self.fast_open = false;
        self.multipath = 0;
        self.malformed = false;
    }

    /// A number that equal summaries share, and others hardly ever.
    pub fn digest(&self) -> u32 {
        let mix = |sum: u64, value: u64| {
            (sum ^ value)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        };
        let mut sum = match self.timestamps {
            Some(Timestamps { value, echo }) => mix(1, u64::from(value) << 32 | u64::from(echo)),
            None => 0,
        };
        for block in self.sack.as_slice() {
            sum = mix(
                sum,
                u64::from(block.left.0) << 32 | u64::from(block.right.0),
            );
        }
        let rest = (u64::from(self.mss.unwrap_or(0)) << 40)
            | (u64::from(self.window_scale.map_or(0, |shift| u16::from(shift) + 1)) << 24)
            | (u64::from(self.multipath) << 8)
            | (u64::from(self.mss.is_some()) << 4)
            | (u64::from(self.sack_permitted) << 3)
            | (u64::from(self.fast_open) << 2)
            | (u64::from(self.malformed) << 1);
        if rest != 0 {
            sum = mix(sum, rest);
        }
        (sum ^ sum >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_differ_where_summaries_do() {
        let mut all = vec![
            OptionSummary::default(),
            OptionSummary {
                mss: Some(0),
                ..OptionSummary::default()
            },
        ];
        for shift in [0, 1] {
            all.push(OptionSummary {
                window_scale: Some(shift),
                ..OptionSummary::default()
            });
            all.push(OptionSummary {
                timestamps: Some(Timestamps {
                    value: u32::from(shift),
                    echo: 0,
                }),
                ..OptionSummary::default()
            });
            let block = SackBlock {
                left: Seq(u32::from(shift)),
                right: Seq(9),
            };
            all.push(OptionSummary {
                sack: [block].into_iter().collect(),
                ..OptionSummary::default()
            });
        }
        let mut digests: Vec<_> = all.iter().map(OptionSummary::digest).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), all.len());
    }

    fn list(bytes: &[u8]) -> Vec<TcpOption<'_>> {
        TcpOptions::new(bytes).collect()
    }

    #[test]
    fn the_options_of_a_linux_syn() {
        let bytes = [
            2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7,
        ];
        let summary = TcpOptions::new(&bytes).summary();
        assert_eq!(
            (summary.mss, summary.window_scale, summary.sack_permitted),
            (Some(1460), Some(7), true)
        );
        assert_eq!(summary.timestamps, Some(Timestamps { value: 9, echo: 0 }));
        assert_eq!(list(&bytes).len(), 5);
    }

    #[test]
    fn the_short_way_reads_what_the_long_one_does() {
        let bytes = [1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8];
        let long = TcpOptions::new(&[&bytes[..], &[0]].concat()).summary();
        assert_eq!(TcpOptions::new(&bytes).summary(), long);
        assert_eq!(long.timestamps, Some(Timestamps { value: 9, echo: 8 }));
    }

    #[test]
    fn nothing_is_left_of_what_a_summary_held_before() {
        let mut bytes = vec![5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 2, 4, 5, 0xb4, 4, 2, 3, 3, 7];
        bytes.extend([8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 34, 2, 30, 3, 0, 8, 3, 1]);
        let mut summary = TcpOptions::new(&bytes).summary();
        assert!(summary.malformed && summary.fast_open && summary.sack.as_slice().len() == 1);
        for other in [&[][..], &[1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8], &[4, 2]] {
            TcpOptions::new(other).summarize_into(&mut summary);
            assert_eq!(summary, TcpOptions::new(other).summary());
        }
    }

    #[test]
    fn sack_blocks() {
        let mut bytes = vec![5, 18];
        bytes.extend([0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]);
        let summary = TcpOptions::new(&bytes).summary();
        assert_eq!(summary.sack.as_slice().len(), 2);
        assert_eq!(
            summary.sack.as_slice()[1],
            SackBlock {
                left: Seq(3),
                right: Seq(4)
            }
        );
        bytes[1] = 17;
        assert_eq!(list(&bytes[..17]), [TcpOption::Malformed(5, &bytes[2..17])]);
    }

    #[test]
    fn unknown_kinds_are_kept_and_stepped_over() {
        assert_eq!(
            list(&[77, 4, 1, 2, 4, 2]),
            [TcpOption::Unknown(77, &[1, 2]), TcpOption::SackPermitted]
        );
    }

    #[test]
    fn what_the_capture_cut_off_is_not_malformed() {
        let cut = |bytes| TcpOptions::cut(bytes).collect::<Vec<_>>();
        assert_eq!(cut(&[8]), [TcpOption::Cut(8, &[])]);
        assert_eq!(cut(&[8, 10, 1]), [TcpOption::Cut(8, &[10, 1])]);
        assert_eq!(cut(&[8, 1, 1]), [TcpOption::Malformed(8, &[1, 1])]);
        assert_eq!(cut(&[4, 2]), [TcpOption::SackPermitted]);
        assert!(!TcpOptions::cut(&[8, 10]).summary().malformed);
    }

    #[test]
    fn impossible_lengths_end_the_list() {
        assert_eq!(list(&[2, 0, 5, 5]), [TcpOption::Malformed(2, &[0, 5, 5])]);
        assert_eq!(list(&[2, 1, 5, 5]), [TcpOption::Malformed(2, &[1, 5, 5])]);
        assert_eq!(list(&[2, 9, 5, 5]), [TcpOption::Malformed(2, &[9, 5, 5])]);
        assert_eq!(list(&[8]), [TcpOption::Malformed(8, &[])]);
        assert_eq!(
            list(&[1, 0, 4, 2]),
            [TcpOption::NoOperation, TcpOption::End]
        );
        assert!(TcpOptions::new(&[3, 4, 1, 1]).summary().malformed);
    }

    #[test]
    fn fast_open_by_number_and_by_experiment() {
        assert!(TcpOptions::new(&[34, 2]).summary().fast_open);
        assert!(TcpOptions::new(&[254, 4, 0xf9, 0x89]).summary().fast_open);
        assert!(!TcpOptions::new(&[254, 4, 0, 0]).summary().fast_open);
    }
}
