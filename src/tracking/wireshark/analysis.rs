//! What tshark shows on one segment.

/// One of Wireshark's remarks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum Flag {
    /// Some of it seems to have been sent before. Also set with each fast and spurious one.
    Retransmission,
    /// A retransmission just behind the second or a later duplicate ACK.
    FastRetransmission,
    /// A retransmission of what was acknowledged already.
    SpuriousRetransmission,
    /// Below the highest octet seen, but too soon for a retransmission.
    OutOfOrder,
    /// The same acknowledgment and window again.
    DuplicateAck,
    /// Octets before it were not captured.
    LostSegment,
    /// Acknowledges what was not captured.
    AckLostSegment,
    /// Offers no window.
    ZeroWindow,
    /// One octet into a closed window.
    ZeroWindowProbe,
    /// The answer to a probe: still closed.
    ZeroWindowProbeAck,
    /// Nothing but a new window.
    WindowUpdate,
    /// Fills the window exactly.
    WindowFull,
    /// Nothing or one octet just below the highest seen.
    KeepAlive,
    /// The answer to a keep-alive.
    KeepAliveAck,
    /// Opens a new connection on the same ports, or answers with another sequence number.
    ReusedPorts,
    /// A SYN with a Fast Open cookie.
    FastOpenSyn,
    /// A SYN+ACK that acknowledges the data of the SYN.
    FastOpenAck,
    /// A SYN+ACK that acknowledges the SYN without its data.
    FastOpenIgnored,
}

impl Flag {
    /// All of them with their names in Wireshark, without `tcp.analysis.`.
    pub const TABLE: [(Flag, &'static str); 18] = [
        (Flag::Retransmission, "retransmission"),
        (Flag::FastRetransmission, "fast_retransmission"),
        (Flag::SpuriousRetransmission, "spurious_retransmission"),
        (Flag::OutOfOrder, "out_of_order"),
        (Flag::DuplicateAck, "duplicate_ack"),
        (Flag::LostSegment, "lost_segment"),
        (Flag::AckLostSegment, "ack_lost_segment"),
        (Flag::ZeroWindow, "zero_window"),
        (Flag::ZeroWindowProbe, "zero_window_probe"),
        (Flag::ZeroWindowProbeAck, "zero_window_probe_ack"),
        (Flag::WindowUpdate, "window_update"),
        (Flag::WindowFull, "window_full"),
        (Flag::KeepAlive, "keep_alive"),
        (Flag::KeepAliveAck, "keep_alive_ack"),
        (Flag::ReusedPorts, "reused_ports"),
        (Flag::FastOpenSyn, "tfo_syn"),
        (Flag::FastOpenAck, "tfo_ack"),
        (Flag::FastOpenIgnored, "tfo_ignored"),
    ];

    /// Whether Wireshark counts it as a remark of its sequence analysis (`tcp.analysis.flags`). Those on Fast Open it shows apart.
    pub const fn is_of_sequence(self) -> bool {
        !matches!(
            self,
            Flag::FastOpenSyn | Flag::FastOpenAck | Flag::FastOpenIgnored
        )
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// A set of remarks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct FlagSet(u32);

impl FlagSet {
    /// Adds a remark.
    pub const fn insert(&mut self, flag: Flag) {
        self.0 |= flag.bit();
    }

    /// Adds a remark if the condition holds.
    pub const fn insert_if(&mut self, condition: bool, flag: Flag) {
        if condition {
            self.insert(flag);
        }
    }

    /// Adds all remarks of another set.
    pub const fn insert_all(&mut self, other: FlagSet) {
        self.0 |= other.0;
    }

    /// Whether the remark is among them.
    pub const fn has(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of those among them that are wanted, in the order of the table.
    fn names(self, wanted: fn(Flag) -> bool) -> impl Iterator<Item = &'static str> {
        Flag::TABLE
            .into_iter()
            .filter(move |&(flag, _)| self.has(flag) && wanted(flag))
            .map(|(_, name)| name)
    }
}

/// How often each remark was shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FlagCounts([u32; Flag::TABLE.len()]);

impl FlagCounts {
    /// Counts every remark of a set once more.
    pub fn add(&mut self, flags: FlagSet) {
        if flags.is_empty() {
            return;
        }
        for (count, (flag, _)) in self.0.iter_mut().zip(Flag::TABLE) {
            *count = count.saturating_add(u32::from(flags.has(flag)));
        }
    }

    /// How often the remark was shown.
    pub const fn of(&self, flag: Flag) -> u32 {
        self.0[flag as usize]
    }

    /// Those shown at least once, by name, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> {
        Flag::TABLE
            .into_iter()
            .zip(self.0)
            .map(|((_, name), count)| (name, count))
            .filter(|&(_, count)| count > 0)
    }
}

/// The shift of a side's window, as Wireshark knows it (ANALYSIS.md 3.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum WindowScale {
    /// No SYN with its options was captured.
    #[default]
    Unknown,
    /// The handshake agreed on none.
    Unused,
    /// Shift by so many bits, at most 14.
    Shift(u8),
}

impl WindowScale {
    /// Wireshark's `tcp.window_size_scalefactor`: −1 for unknown, −2 for unused, else the factor.
    pub const fn factor(self) -> i32 {
        match self {
            WindowScale::Unknown => -1,
            WindowScale::Unused => -2,
            WindowScale::Shift(shift) => 1 << shift,
        }
    }

    /// Bits to shift a window by; none where it is unknown.
    pub const fn shift(self) -> u32 {
        match self {
            WindowScale::Unknown | WindowScale::Unused => 0,
            WindowScale::Shift(shift) => shift as u32,
        }
    }
}

/// `duplicate_ack_num` and `duplicate_ack_frame`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DuplicateAck {
    /// How many there were with this one.
    pub number: u32,
    /// The frame that they repeat.
    pub frame: u64,
}

/// `acks_frame` and `ack_rtt`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acknowledged {
    /// The frame whose last octet is acknowledged.
    pub frame: u64,
    /// Nanoseconds since then; `None` where Wireshark hides it, at exactly 0.
    pub rtt: Option<i64>,
}

/// `rto` and `rto_frame`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeout {
    /// Nanoseconds since the oldest unacknowledged frame.
    pub nanos: i64,
    /// That frame.
    pub frame: u64,
}

/// What tshark 4.0 shows on one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// The remarks.
    pub flags: FlagSet,
    /// Of a duplicate ACK: which.
    pub duplicate_ack: Option<DuplicateAck>,
    /// The frame that it acknowledges.
    pub acknowledged: Option<Acknowledged>,
    /// Of a retransmission: how late it is.
    pub timeout: Option<Timeout>,
    /// `bytes_in_flight`.
    pub bytes_in_flight: Option<u32>,
    /// `push_bytes_sent`: octets since the last PSH.
    pub push_bytes_sent: Option<u32>,
    /// `initial_rtt` in nanoseconds.
    pub initial_rtt: Option<i64>,
    /// The sender's window scale before this segment; Wireshark does not show it on a SYN.
    pub window_scale: WindowScale,
}

impl Analysis {
    /// Wireshark's names of the remarks of its sequence analysis, without `tcp.analysis.`.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.flags.names(Flag::is_of_sequence)
    }

    /// Its names of the remarks on Fast Open, likewise.
    pub fn fast_open_names(&self) -> impl Iterator<Item = &'static str> {
        self.flags.names(|flag| !flag.is_of_sequence())
    }
}
