//! The short way of an ordinary run against the way of all others.

use super::*;
use crate::analyzers::LinkType;
use crate::capture::pcap_reader::PcapReader;
use etherparse::PacketBuilder;
use proptest::prelude::*;
use std::path::PathBuf;

/// Takes in the same frames by either way, and checks that both have the same to say.
#[derive(Default)]
struct BothWays {
    short: Intake,
    long: Intake,
    /// Frames that went the short way.
    plain: u64,
}

impl BothWays {
    fn new() -> Self {
        let mut both = Self::default();
        both.long.hasher = both.short.hasher.clone();
        both
    }

    fn take(&mut self, frame: &Frame<'_>) {
        assert!(self.short.is_ordinary());
        if self.short.take_plain(frame) {
            self.plain += 1;
        } else {
            assert!(self.short.take(frame).unwrap() == Go::On);
        }
        assert!(self.long.take(frame).unwrap() == Go::On);
        if self.long.batch.is_full() {
            self.compare();
        }
    }

    fn compare(&mut self) {
        let said = |intake: &mut Intake| {
            let packets: Vec<_> = intake.batch.packets().collect();
            let said = format!(
                "{packets:#?}\n{:#?}\n{:#?}",
                intake.batch.stacks, intake.totals
            );
            intake.batch.clear();
            said
        };
        assert_eq!(said(&mut self.short), said(&mut self.long));
    }
}

#[test]
fn both_ways_say_the_same_of_every_fixture() {
    let files =
        ["fixtures", "fixtures/built"].map(|directory| std::fs::read_dir(directory).unwrap());
    let is_capture = |path: &PathBuf| path.to_string_lossy().contains(".pcap");
    let paths = files.into_iter().flatten().map(|file| file.unwrap().path());
    let mut plain = 0;
    for path in paths.filter(is_capture) {
        let mut both = BothWays::new();
        let mut source = PcapReader::open(&path).unwrap();
        loop {
            match source.next().unwrap() {
                Next::Frame(frame) => both.take(&frame),
                Next::End(_) => break,
                _ => {}
            }
        }
        both.compare();
        plain += both.plain;
    }
    assert!(plain > 1000, "{plain}");
}

/// A segment with these flags, with options and payload or without, over either version of IP.
fn segment(is_v4: bool, flags: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2([2; 6], [4; 6]);
    let builder = if is_v4 {
        ethernet.ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
    } else {
        ethernet.ipv6([1; 16], [2; 16], 64)
    };
    let tcp = builder.tcp(40_000, 80, 3, 4).options_raw(options).unwrap();
    let mut bytes = Vec::new();
    tcp.write(&mut bytes, payload).unwrap();
    bytes[if is_v4 { 47 } else { 67 }] = flags;
    bytes
}

/// What becomes of a frame: a bit of it that is turned, how many bytes are cut off or, if negative, added, the interface that it is
/// seen on, and the time.
type Damage = (Option<(prop::sample::Index, u8)>, i8, u32, i64);

proptest! {
    #[test]
    fn both_ways_say_the_same_of_anything(
        packets in proptest::collection::vec(
            (
                any::<bool>(),
                any::<u8>(),
                prop::sample::select(vec![
                    &[][..],
                    &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
                    &[2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7],
                    &[1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 12],
                    &[3, 9, 0, 0],
                ]),
                proptest::collection::vec(any::<u8>(), 0..70),
                any::<Damage>(),
            ),
            1..40,
        )
    ) {
        let mut both = BothWays::new();
        for (n, (is_v4, flags, options, payload, damage)) in packets.iter().enumerate() {
            let mut bytes = segment(*is_v4, *flags, options, payload);
            let (bit, cut, interface, nanos) = *damage;
            if let Some((at, bit)) = bit {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << (bit % 8);
            }
            let wire_len = bytes.len() as u32;
            let captured = bytes.len().saturating_add_signed(-isize::from(cut));
            // Half of them are neither cut nor padded.
            bytes.resize(if interface % 2 == 0 { bytes.len() } else { captured }, 0);
            both.take(&Frame {
                number: n as u64 + 1,
                time: Timestamp::from_nanos(nanos),
                link: LinkType(1 + u32::from(flags % 16 == 15) * 100),
                interface,
                wire_len,
                bytes: &bytes,
            });
        }
        both.compare();
    }
}
