//! The rules by name: what each means, why it matters, and what else it could be, so that help, report and JSON say one and the
//! same thing.

use std::fmt;
use std::str::FromStr;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The rule.
    pub rule: Rule,
    /// Its name in every output and in the file of thresholds.
    pub name: &'static str,
    /// Why it matters, in one sentence.
    pub matters: &'static str,
    /// What else it could be, in one sentence.
    pub or_else: &'static str,
}

macro_rules! rules {
    ($($variant:ident $name:literal $matters:literal $or_else:literal;)*) => {
        /// What an alert is raised for.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $matters] $variant,)*
        }

        /// All rules, in the order of the file of thresholds.
        pub const ROWS: &[Row] = &[
            $(Row { rule: Rule::$variant, name: $name, matters: $matters, or_else: $or_else },)*
        ];
    };
}

rules! {
    SynFlood "syn_flood"
        "Handshakes that are never completed fill the server's queue, and its real clients get no answer (RFC 4987 §2)."
        "A server that is down or overloaded while many clients try, a load test, or a capture that misses the clients' packets.";
    HalfOpen "half_open"
        "The server answers and waits in vain: its answers do not arrive, or nobody ever meant to connect (RFC 4987 §2)."
        "A route that loses the answers, or a capture that misses the clients' ACKs.";
    PortScan "port_scan"
        "Somebody finds out which services a host offers; that is how many break-ins begin."
        "Service discovery, monitoring, many users behind one address, or a client whose server moved to other ports.";
    HostSweep "host_sweep"
        "Somebody looks for every host that offers one service; worms spread that way."
        "Monitoring, a crawler, a peer-to-peer program, or a client with a long list of servers that are down.";
    RstStorm "rst_storm"
        "Connections break off or are refused in numbers: users see errors."
        "A service that was stopped or restarted, a firewall that lost its state, or a load balancer's health checks.";
    AckStorm "ack_storm"
        "Both ends believe that the other is out of step and answer for ever: somebody put data into the connection, or a middlebox lost count (RFC 5961 §7)."
        "A broken TCP or proxy; keep-alives at a high rate.";
    RetransmissionStorm "retransmission_storm"
        "Much of what is sent is sent again: the path loses packets, and the transfer is slow."
        "A sender that is too fast for a short queue, or a capture taken behind a second copy of the traffic.";
    ZeroWindowStall "zero_window_stall"
        "The receiving program does not read, so the transfer stands still; the network is not to blame (RFC 9293 §3.8.6)."
        "Flow control by design: a paused download, a printer without paper, a debugger.";
    ArpConflict "arp_conflict"
        "Two stations claim one address: traffic goes to the wrong one, and perhaps is read there (RFC 5227)."
        "A failover to another machine, proxy ARP, a replaced network card, or an address given out twice.";
    TtlChange "ttl_change"
        "The RST came from another distance than the other packets of its sender: probably somebody else sent it to break the connection."
        "A firewall or load balancer that closes idle connections, or a route that changed.";
    BadFlags "bad_flags"
        "No TCP sends such flags; they are made to get past a filter or to tell operating systems apart (RFC 9293 §3.10.7)."
        "A scanner, a broken middlebox, or a damaged packet.";
}

impl Rule {
    /// Its row of the table.
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Its name in every output.
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

impl FromStr for Rule {
    type Err = String;

    /// A rule by its name.
    fn from_str(text: &str) -> Result<Self, String> {
        let names = || {
            ROWS.iter()
                .map(|row| row.name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        ROWS.iter()
            .find(|row| row.name == text)
            .map(|row| row.rule)
            .ok_or_else(|| format!("there is no rule of this name; the rules are {}", names()))
    }
}

/// Kinds of scan, by what the prober sends (ANALYSIS.md 9).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum ScanKind {
    /// SYN without the options of an operating system, or taken back with a RST when the answer comes.
    Syn,
    /// SYN as an operating system sends it; an open port gets the whole handshake, and a close without data.
    Connect,
    /// No flags.
    Null,
    /// FIN alone.
    Fin,
    /// FIN, PSH and URG.
    Xmas,
    /// ACK outside any connection; a window scan looks the same.
    Ack,
    /// FIN and ACK outside any connection.
    Maimon,
}

impl ScanKind {
    /// Its name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            ScanKind::Syn => "SYN",
            ScanKind::Connect => "connect",
            ScanKind::Null => "NULL",
            ScanKind::Fin => "FIN",
            ScanKind::Xmas => "Xmas",
            ScanKind::Ack => "ACK",
            ScanKind::Maimon => "Maimon",
        }
    }

    /// Whether no TCP sends such segments, so that few of them tell enough.
    pub const fn is_stealth(self) -> bool {
        matches!(self, ScanKind::Null | ScanKind::Fin | ScanKind::Xmas)
    }
}

impl fmt::Display for ScanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum_and_in_sentences() {
        for (at, row) in ROWS.iter().enumerate() {
            assert_eq!(row.rule as usize, at);
            assert_eq!(row.name.parse(), Ok(row.rule));
            assert!(row.matters.ends_with('.') && row.or_else.ends_with('.'));
        }
        assert!(
            "flood"
                .parse::<Rule>()
                .unwrap_err()
                .contains("syn_flood, half_open")
        );
    }
}
