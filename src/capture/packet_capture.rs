//! A live interface, through libpcap.
//!
//! The capture is in non-blocking mode and waited for with our own poll, because the pcap crate's `next_packet` never returns on an
//! idle interface, whatever its timeout (shared/perf/NOTES.md). Times are in nanoseconds where the device has them.

use super::bpf::{link_of, message};
use super::link_state::{Link, LinkState};
use super::{Drops, End, Format, Interface, Next, Resolution, Source, SourceInfo, printable};
use crate::analyzers::{Frame, LinkType};
use crate::utils::time::Timestamp;
use anyhow::{Result, anyhow};
use pcap::{Active, Capture, Device, Linktype, PacketHeader, Precision, Stat};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::net::IpAddr;
use std::time::Duration;

/// How long the kernel collects frames before it hands over a block that is not full, in milliseconds: unseen by people, and few
/// enough wake-ups to cost nothing.
const BLOCK_TIMEOUT: i32 = 50;
/// The largest snap length that libpcap accepts, and its default.
const LARGEST_SNAP_LENGTH: u32 = 262_144;
/// libpcap takes the size of the buffer as a signed number of bytes.
const LARGEST_BUFFER_MIB: u32 = 2047;

/// How to capture.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Bytes captured of a frame at most, 1 to 262,144; 0 and what is beyond mean the most possible.
    pub snaplen: u32,
    /// The kernel's buffer in MiB, 1 to 2047; what is beyond is brought into the range.
    pub buffer_mib: u32,
    /// Whether frames for other stations are wanted too. Interfaces that cannot do that are captured without.
    pub promiscuous: bool,
    /// Whether every frame is to be seen at once instead of within 50 ms. Costs ten times the processor time.
    pub immediate: bool,
    /// A pcap filter expression for the kernel: what does not match is not even counted.
    pub filter: Option<String>,
    /// How long [`Source::next`] waits before it says that nothing came; at most 100 ms are good for people.
    pub patience: Duration,
}

impl Default for LiveOptions {
    /// What loses no frames (shared/perf/NOTES.md).
    fn default() -> Self {
        Self {
            snaplen: LARGEST_SNAP_LENGTH,
            buffer_mib: 64,
            promiscuous: true,
            immediate: false,
            filter: None,
            patience: Duration::from_millis(100),
        }
    }
}

/// A live capture.
pub struct PacketCapture {
    capture: Capture<Active>,
    info: SourceInfo,
    link: LinkType,
    watched: Link,
    nanos_per_unit: i64,
    patience: Timespec,
    /// Whether frames may be waiting, so that no poll is needed.
    may_have_frames: bool,
    /// Whether the interface was told of.
    is_announced: bool,
    frames: u64,
    counted: Counted,
    end: Option<End>,
}

impl PacketCapture {
    /// Starts to capture on an interface by its name; `any` is all of them. The error says what to do about it: which interfaces
    /// there are, or how to get the permission.
    pub fn open(name: &str, options: &LiveOptions) -> Result<Self> {
        let capture = activate(name, options).map_err(|error| cannot_capture(name, &error))?;
        let mut capture = capture
            .setnonblock()
            .map_err(|error| cannot_capture(name, &error))?;
        prefer_cooked_version_2(name, &mut capture);
        let link = link_of(u32::try_from(capture.get_datalink().0).unwrap_or(u32::MAX));
        if let Some(expression) = &options.filter {
            capture.filter(expression, true).map_err(|error| {
                anyhow!(
                    "filter `{}` is not possible on {}: {}",
                    printable(expression),
                    printable(name),
                    message(&error)
                )
            })?;
        }
        let resolution = resolution_of(name);
        Ok(Self {
            capture,
            info: describe(name, link, snap_length(options), resolution),
            link,
            watched: Link::of(name),
            nanos_per_unit: if resolution == Resolution::NANOSECONDS {
                1
            } else {
                1000
            },
            patience: Timespec::try_from(options.patience).unwrap_or(Timespec {
                tv_sec: 0,
                tv_nsec: 100_000_000,
            }),
            may_have_frames: false,
            is_announced: false,
            frames: 0,
            counted: Counted::default(),
            end: None,
        })
    }

    /// Waits until there is something to read, or an error to be told of.
    fn wait(&self) -> bool {
        let mut watched = [PollFd::new(&self.capture, PollFlags::IN)];
        // An interrupting signal is a reason to let the caller look around.
        poll(&mut watched, Some(&self.patience)).is_ok_and(|ready| ready > 0)
    }
}

impl PacketCapture {
    /// Nothing came: perhaps because the interface is switched off or gone, which is an end too.
    fn idle(&mut self) -> Next<'_> {
        let what = match self.watched.state() {
            LinkState::Up => return Next::Idle,
            LinkState::Down => "the interface went down",
            LinkState::Gone => "the interface is gone",
        };
        let name = &self.info.name;
        let end = End::InterfaceDown(format!("capturing on {name} has stopped: {what}"));
        Next::End(self.end.insert(end).clone())
    }
}

impl Source for PacketCapture {
    #[inline]
    fn next(&mut self) -> Result<Next<'_>> {
        if let Some(end) = &self.end {
            return Ok(Next::End(end.clone()));
        }
        if !self.may_have_frames {
            if !std::mem::replace(&mut self.is_announced, true) {
                return Ok(self
                    .info
                    .interfaces
                    .first()
                    .map_or(Next::Idle, Next::Interface));
            }
            if !self.wait() {
                return Ok(self.idle());
            }
            self.may_have_frames = true;
        }
        let error = match self.capture.next_packet() {
            Ok(packet) => {
                self.frames = self.frames.saturating_add(1);
                return Ok(Next::Frame(Frame {
                    number: self.frames,
                    time: time_of(packet.header, self.nanos_per_unit),
                    link: self.link,
                    interface: 0,
                    wire_len: packet.header.len.max(packet.header.caplen),
                    bytes: packet.data,
                }));
            }
            Err(error) => error,
        };
        // All that had arrived is read: a good moment for the caller to show it. The next call waits.
        self.may_have_frames = false;
        if error == pcap::Error::TimeoutExpired {
            return Ok(Next::Idle);
        }
        let end = End::InterfaceDown(format!(
            "capturing on {} has stopped: {}",
            self.info.name,
            message(&error)
        ));
        self.end = Some(end.clone());
        Ok(Next::End(end))
    }

    fn describe(&self) -> &SourceInfo {
        &self.info
    }

    fn drops(&mut self) -> Drops {
        // Without an answer, as when the interface is gone, the last one holds.
        if let Ok(stat) = self.capture.stats() {
            self.counted.update(stat);
        }
        self.counted.drops
    }

    fn progress(&self) -> Option<f64> {
        None
    }
}

/// libpcap's counters have 32 bits; a long capture passes them.
#[derive(Default)]
struct Counted {
    last_kernel: u32,
    last_interface: u32,
    drops: Drops,
}

impl Counted {
    fn update(&mut self, stat: Stat) {
        let kernel = stat.dropped.wrapping_sub(self.last_kernel);
        let interface = stat.if_dropped.wrapping_sub(self.last_interface);
        self.drops.kernel = self.drops.kernel.saturating_add(kernel.into());
        self.drops.interface = self.drops.interface.saturating_add(interface.into());
        (self.last_kernel, self.last_interface) = (stat.dropped, stat.if_dropped);
    }
}

fn snap_length(options: &LiveOptions) -> u32 {
    if options.snaplen == 0 {
        LARGEST_SNAP_LENGTH
    } else {
        options.snaplen.min(LARGEST_SNAP_LENGTH)
    }
}

fn activate(name: &str, options: &LiveOptions) -> Result<Capture<Active>, pcap::Error> {
    // On `any` and some devices libpcap only warns that they cannot be promiscuous; the crate takes the warning for an error.
    let promiscuous = options.promiscuous && name != "any";
    match activate_once(name, options, promiscuous) {
        Err(error) if promiscuous && message(&error).to_lowercase().contains("promiscuous") => {
            activate_once(name, options, false)
        }
        outcome => outcome,
    }
}

fn activate_once(
    name: &str,
    options: &LiveOptions,
    promiscuous: bool,
) -> Result<Capture<Active>, pcap::Error> {
    let buffer_bytes =
        (options.buffer_mib.clamp(1, LARGEST_BUFFER_MIB) as i32).saturating_mul(1024 * 1024);
    let precision = if resolution_of(name) == Resolution::NANOSECONDS {
        Precision::Nano
    } else {
        Precision::Micro
    };
    Capture::from_device(name)?
        .promisc(promiscuous)
        .snaplen(snap_length(options) as i32)
        .buffer_size(buffer_bytes)
        .timeout(BLOCK_TIMEOUT)
        .immediate_mode(options.immediate)
        .precision(precision)
        .open()
}

/// The unit of an interface's times. The crate cannot ask libpcap which one it got, so this is what libpcap 1.10 does: nanoseconds
/// for all network interfaces of Linux, not for its other sources.
fn resolution_of(name: &str) -> Resolution {
    const OTHERS: [&str; 5] = ["nflog", "nfqueue", "usbmon", "bluetooth", "dbus"];
    let is_network =
        cfg!(target_os = "linux") && !OTHERS.iter().any(|other| name.starts_with(other));
    if is_network {
        Resolution::NANOSECONDS
    } else {
        Resolution::MICROSECONDS
    }
}

/// On `any`, version 2 of the cooked header tells which interface a frame was seen on. libpcap starts with version 1.
fn prefer_cooked_version_2(name: &str, capture: &mut Capture<Active>) {
    let version_2 = Linktype(LinkType::LINUX_SLL2.0 as i32);
    if name == "any"
        && capture
            .list_datalinks()
            .is_ok_and(|links| links.contains(&version_2))
    {
        // If it does not want to, version 1 is as good to the decoder.
        let _ = capture.set_datalink(version_2);
    }
}

fn describe(name: &str, link: LinkType, snap_length: u32, resolution: Resolution) -> SourceInfo {
    let mut interface = Interface::new(link, snap_length, resolution);
    interface.name = Some(name.to_owned());
    SourceInfo {
        interfaces: vec![interface],
        ..SourceInfo::new(printable(name), Format::Live)
    }
}

// The seconds have fewer bits on some systems.
#[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
fn time_of(header: &PacketHeader, nanos_per_unit: i64) -> Timestamp {
    Timestamp::from_parts(
        header.ts.tv_sec.into(),
        (header.ts.tv_usec as i64).saturating_mul(nanos_per_unit),
    )
}

/// The sentence about a capture that could not be started, and what to do.
fn cannot_capture(name: &str, error: &pcap::Error) -> anyhow::Error {
    let said = message(error);
    let name = printable(name);
    let interfaces = list_interfaces().unwrap_or_default();
    let known = interfaces.iter().find(|interface| interface.name == name);
    let is_refused = ["permission", "permitted", "CAP_NET_RAW"]
        .iter()
        .any(|word| said.contains(word));
    match known {
        None if !interfaces.is_empty() => {
            let names: Vec<_> = interfaces.iter().map(NetworkInterface::to_string).collect();
            anyhow!(
                "there is no interface {name}; there are: {}",
                names.join(", ")
            )
        }
        _ if is_refused => anyhow!(
            "no permission to capture on {name}; run with `sudo`, or allow it once with `sudo setcap cap_net_raw,cap_net_admin=eip {}`",
            program()
        ),
        Some(interface) if !interface.is_up => {
            anyhow!(
                "interface {name} is down; bring it up first, e.g. `sudo ip link set {name} up`"
            )
        }
        _ => anyhow!("cannot capture on {name}: {}", printable(&said)),
    }
}

/// The program's own file, where capabilities have to be set: not a link to it.
fn program() -> String {
    let path = std::env::current_exe().and_then(|path| path.canonicalize());
    path.map_or_else(
        |_| "PATH-OF-TCP-MONITOR".to_owned(),
        |path| printable(&path.to_string_lossy()),
    )
}

/// An interface of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInterface {
    /// Its name, as `open` wants it.
    pub name: String,
    /// Its IPv4 and IPv6 addresses.
    pub addresses: Vec<IpAddr>,
    /// What libpcap says it is.
    pub description: Option<String>,
    /// Whether it is switched on.
    pub is_up: bool,
    /// Whether it has a carrier.
    pub is_running: bool,
    /// Whether it is a loopback interface.
    pub is_loopback: bool,
}

impl std::fmt::Display for NetworkInterface {
    /// Its name, and that it is down if it is.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = if self.is_up { "" } else { " (down)" };
        write!(f, "{}{state}", printable(&self.name))
    }
}

/// The interfaces that can be captured on, in libpcap's order: the most useful first. Works without any permission.
pub fn list_interfaces() -> Result<Vec<NetworkInterface>> {
    let devices = Device::list()
        .map_err(|error| anyhow!("the interfaces cannot be listed: {}", message(&error)))?;
    Ok(devices.into_iter().map(network_interface).collect())
}

fn network_interface(device: Device) -> NetworkInterface {
    NetworkInterface {
        is_up: device.flags.is_up(),
        is_running: device.flags.is_running(),
        is_loopback: device.flags.is_loopback(),
        addresses: device
            .addresses
            .iter()
            .map(|address| address.addr)
            .collect(),
        description: device.desc,
        name: device.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_counters_pass_32_bits() {
        let mut counted = Counted::default();
        for dropped in [u32::MAX - 1, 3] {
            counted.update(Stat {
                received: 0,
                dropped,
                if_dropped: 1,
            });
        }
        assert_eq!(
            counted.drops,
            Drops {
                kernel: u64::from(u32::MAX) + 4,
                interface: 1
            }
        );
    }

    #[test]
    fn sources_that_are_no_network_have_microseconds() {
        assert_eq!(resolution_of("nflog:5"), Resolution::MICROSECONDS);
        assert_eq!(
            resolution_of("eth0") == Resolution::NANOSECONDS,
            cfg!(target_os = "linux")
        );
    }

    #[test]
    fn an_interface_that_is_not_there_is_answered_with_those_that_are() {
        let error = PacketCapture::open("nosuch0", &LiveOptions::default())
            .err()
            .unwrap()
            .to_string();
        let listed = list_interfaces().unwrap();
        let expected = if listed.is_empty() {
            "nosuch0"
        } else {
            "there is no interface nosuch0; there are: "
        };
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_snap_length_of_zero_is_the_largest() {
        let with = |snaplen| {
            snap_length(&LiveOptions {
                snaplen,
                ..LiveOptions::default()
            })
        };
        assert_eq!((with(0), with(96), with(u32::MAX)), (262_144, 96, 262_144));
    }
}
