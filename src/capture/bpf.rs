//! `--filter`: pcap filter expressions (the language of `man pcap-filter`), for live interfaces and files alike.
//!
//! libpcap compiles the expression, once for each link type that occurs; our own machine runs it ([`super::bpf_machine`]), on the
//! real lengths. What libpcap's language cannot do stays so: it looks at the outermost headers (`tcp port 80` finds nothing
//! behind a VLAN tag unless the expression says `vlan and …`, and nothing in tunnels), `ip6` does not step over extension headers
//! unless it says `protochain`, and what only the kernel knows (`inbound`, `outbound`, `ifname`) is refused for files.

use super::bpf_machine::Machine;
use super::printable;
use crate::analyzers::{Frame, LinkType};
use anyhow::{Result, anyhow, bail};
use pcap::{Capture, Linktype, Precision};

/// How many link types are complained about: a hostile file may have thousands.
const MOST_PROBLEMS: usize = 8;

/// A filter expression that frames can be held against.
pub struct Filter {
    expression: String,
    /// What was compiled so far. `None` for a link type that libpcap cannot filter, of which no frame matches.
    compiled: Vec<(LinkType, Option<Machine>)>,
    problems: Vec<String>,
}

impl Filter {
    /// A filter for frames of `links` (those known so far; others are compiled when they come). The error for a bad expression
    /// names it and quotes libpcap.
    pub fn new(expression: &str, links: &[LinkType]) -> Result<Self> {
        let mut filter = Self {
            expression: expression.to_owned(),
            compiled: Vec::new(),
            problems: Vec::new(),
        };
        if links.is_empty() {
            // With no link type known yet, Ethernet tells whether it is an expression at all.
            check(expression)?;
        }
        for link in links {
            filter.compile(*link)?;
        }
        // Where nothing at all could match, that is an error and not a remark.
        if let Some(link) = links.first()
            && filter.compiled.iter().all(|(_, machine)| machine.is_none())
        {
            compile(expression, *link)?;
        }
        Ok(filter)
    }

    /// Whether a frame matches. An error only when the expression turns out to be bad for every link type, or cannot be compiled for
    /// this one.
    #[inline]
    pub fn matches(&mut self, frame: &Frame<'_>) -> Result<bool> {
        let index = match self
            .compiled
            .iter()
            .position(|(link, _)| *link == frame.link)
        {
            Some(index) => index,
            None => self.compile(frame.link)?,
        };
        let machine = self
            .compiled
            .get(index)
            .and_then(|(_, machine)| machine.as_ref());
        Ok(machine.is_some_and(|machine| {
            machine.accepts(frame.bytes, frame.wire_len, address_family(frame))
        }))
    }

    /// Sentences about link types that cannot be filtered, so that their frames never match.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Compiles for a link type and returns its place in the list.
    fn compile(&mut self, link: LinkType) -> Result<usize> {
        let machine = match compile(&self.expression, link) {
            Ok(machine) => Some(machine),
            // An expression that is good elsewhere: libpcap knows too little of this link type. Nothing matches there.
            Err(error) if link != LinkType::ETHERNET && check(&self.expression).is_ok() => {
                if self.problems.len() < MOST_PROBLEMS {
                    self.problems
                        .push(format!("frames of link type {link} are left out: {error}"));
                }
                None
            }
            Err(error) => return Err(error),
        };
        let index = self.compiled.len();
        self.compiled.push((link, machine));
        Ok(index)
    }
}

/// What libpcap's program is to read as the address family of a BSD loopback frame. IPv6 has another number on each BSD, and its
/// host's byte order; libpcap knows that only of files it reads itself, and compiles our programs for this system's number.
#[inline]
fn address_family(frame: &Frame<'_>) -> Option<u32> {
    const IPV6_HERE: u32 = if cfg!(target_os = "linux") { 10 } else { 30 };
    if frame.link != LinkType::NULL && frame.link != LinkType::LOOP {
        return None;
    }
    let family = u32::from_be_bytes(*frame.bytes.first_chunk()?);
    let here = match family.min(family.swap_bytes()) {
        10 | 24 | 28 | 30 => IPV6_HERE,
        2 => 2,
        _ => return None,
    };
    Some(if frame.link == LinkType::NULL {
        here.to_be()
    } else {
        here
    })
}

/// Checks that an expression is one, by compiling it for Ethernet.
fn check(expression: &str) -> Result<()> {
    compile(expression, LinkType::ETHERNET).map(drop)
}

fn compile(expression: &str, link: LinkType) -> Result<Machine> {
    let bad = |message: String| {
        anyhow!(
            "filter `{}` is not possible: {}",
            printable(expression),
            printable(&message)
        )
    };
    if expression.contains('\0') {
        bail!(bad("it contains a null byte".to_owned()));
    }
    let number = i32::try_from(dlt_of(link))
        .map_err(|_| bad("libpcap does not know the link type".to_owned()))?;
    let handle = Capture::dead_with_precision(Linktype(number), Precision::Nano)
        .map_err(|error| bad(message(&error)))?;
    let program = handle
        .compile(expression, true)
        .map_err(|error| bad(message(&error)))?;
    Machine::from_lines(program.get_instructions().iter().map(ToString::to_string))
        .map_err(|error| bad(error.to_string()))
}

/// What libpcap said, without the crate's own words around it.
pub(super) fn message(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(message) => message.clone(),
        other => other.to_string(),
    }
}

/// Link types whose number in files differs from the one inside libpcap on this system (its `pcap-common.c`). Other systems'
/// numbers for raw IP occur in files too.
const NUMBERS: [(u32, u32); 5] = [(100, 11), (101, 12), (102, 15), (103, 16), (106, 19)];

/// libpcap's number for a link type of a file.
fn dlt_of(link: LinkType) -> u32 {
    match link.0 {
        // What OpenBSD calls raw IP; libpcap does not translate it, our decoder does.
        14 => 12,
        number => NUMBERS
            .iter()
            .find(|(file, _)| *file == number)
            .map_or(number, |(_, dlt)| *dlt),
    }
}

/// The link type in files for libpcap's number of a live interface.
pub(super) fn link_of(dlt: u32) -> LinkType {
    LinkType(
        NUMBERS
            .iter()
            .find(|(_, inside)| *inside == dlt)
            .map_or(dlt, |(file, _)| *file),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::utils::time::Timestamp;

    fn frame(link: LinkType, bytes: &[u8], wire_len: u32) -> Frame<'_> {
        Frame {
            number: 1,
            time: Timestamp::default(),
            link,
            interface: 0,
            wire_len,
            bytes,
        }
    }

    /// IPv4, TCP from port 1024 to port 80.
    fn segment() -> Vec<u8> {
        let mut bytes = vec![0; 40];
        (bytes[0], bytes[9], bytes[20], bytes[23], bytes[32]) = (0x45, 6, 4, 80, 0x50);
        bytes
    }

    #[test]
    fn one_expression_for_several_link_types() {
        let mut filter = Filter::new("tcp port 80", &[LinkType::ETHERNET]).unwrap();
        let raw = segment();
        let ethernet = [vec![0; 12], vec![8, 0], segment()].concat();
        for link in [LinkType::RAW, LinkType::IPV4, LinkType(12), LinkType(14)] {
            assert!(filter.matches(&frame(link, &raw, 40)).unwrap(), "{link:?}");
        }
        assert!(
            filter
                .matches(&frame(LinkType::ETHERNET, &ethernet, 54))
                .unwrap()
        );
        assert!(
            !filter
                .matches(&frame(LinkType::ETHERNET, &raw, 40))
                .unwrap()
        );
        assert!(
            !filter
                .matches(&frame(LinkType::ETHERNET, &ethernet[..30], 54))
                .unwrap()
        );
        assert!(filter.problems().is_empty());
    }

    #[test]
    fn lengths_are_those_on_the_wire() {
        let mut filter = Filter::new("greater 1000", &[]).unwrap();
        assert!(
            filter
                .matches(&frame(LinkType::ETHERNET, &[0; 60], 1500))
                .unwrap()
        );
        assert!(
            !filter
                .matches(&frame(LinkType::ETHERNET, &[0; 60], 60))
                .unwrap()
        );
    }

    #[test]
    fn a_bad_expression_is_named_and_explained() {
        for links in [&[][..], &[LinkType::ETHERNET], &[LinkType::RAW]] {
            let error = Filter::new("tcp prt 80", links).err().unwrap().to_string();
            assert!(
                error.starts_with("filter `tcp prt 80` is not possible: ")
                    && error.contains("syntax error"),
                "{error}"
            );
        }
        assert!(Filter::new("a\0b", &[]).is_err());
        assert!(
            Filter::new("inbound", &[])
                .err()
                .unwrap()
                .to_string()
                .contains("only a live capture")
        );
    }

    #[test]
    fn loopback_frames_of_every_system_are_known() {
        for (link, header) in [
            (LinkType::NULL, [24, 0, 0, 0]),
            (LinkType::NULL, [0, 0, 0, 30]),
            (LinkType::LOOP, [0, 0, 0, 28]),
        ] {
            let mut bytes = header.to_vec();
            bytes.extend([0x60, 0, 0, 0, 0, 0, 6]);
            bytes.resize(64, 0);
            for (expression, expected) in
                [("ip6", true), ("tcp", true), ("udp", false), ("ip", false)]
            {
                let mut filter = Filter::new(expression, &[link]).unwrap();
                assert_eq!(
                    filter.matches(&frame(link, &bytes, 64)).unwrap(),
                    expected,
                    "{link:?} {expression}"
                );
            }
        }
    }

    #[test]
    fn an_expression_that_no_link_type_here_can_have_is_an_error() {
        let error = Filter::new("vlan", &[LinkType::RAW])
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("VLAN"), "{error}");
    }

    #[test]
    fn a_link_type_that_cannot_be_filtered_never_matches() {
        let usb = LinkType(189);
        let mut filter = Filter::new("tcp", &[LinkType::ETHERNET, usb]).unwrap();
        assert!(!filter.matches(&frame(usb, &[0; 100], 100)).unwrap());
        assert_eq!(filter.problems().len(), 1);
        assert!(
            !filter
                .matches(&frame(LinkType(u32::MAX), &[0; 100], 100))
                .unwrap()
        );
    }

    #[test]
    fn an_empty_expression_takes_everything() {
        assert!(
            Filter::new("", &[])
                .unwrap()
                .matches(&frame(LinkType::ETHERNET, &[], 0))
                .unwrap()
        );
    }
}
