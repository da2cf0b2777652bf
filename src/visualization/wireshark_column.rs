//! Wireshark's flags and values behind our verdicts, in `-v` and `-vv` and in the detail of a connection: one look shows where
//! and why the two differ.

use crate::tracking::wireshark::Analysis;
use crate::utils::format;
use std::fmt::{self, Display, Formatter};

/// One packet's flags, then its values under Wireshark's names; `-` where Wireshark says nothing.
pub struct Column<'a>(pub &'a Analysis);

impl Display for Column<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let analysis = self.0;
        let mut separator = "";
        for name in analysis.names().chain(analysis.fast_open_names()) {
            write!(f, "{separator}{name}")?;
            separator = ",";
        }
        if separator.is_empty() {
            f.write_str("-")?;
        }
        if let Some(duplicate) = analysis.duplicate_ack {
            write!(
                f,
                " duplicate_ack_num={} duplicate_ack_frame={}",
                duplicate.number, duplicate.frame
            )?;
        }
        if let Some(timeout) = analysis.timeout {
            write!(
                f,
                " rto={} rto_frame={}",
                format::seconds(timeout.nanos),
                timeout.frame
            )?;
        }
        if let Some(acknowledged) = analysis.acknowledged {
            write!(f, " acks_frame={}", acknowledged.frame)?;
            if let Some(nanos) = acknowledged.rtt {
                write!(f, " ack_rtt={}", format::seconds(nanos))?;
            }
        }
        if let Some(octets) = analysis.bytes_in_flight {
            write!(f, " bytes_in_flight={octets}")?;
        }
        if let Some(octets) = analysis.push_bytes_sent {
            write!(f, " push_bytes_sent={octets}")?;
        }
        if let Some(nanos) = analysis.initial_rtt {
            write!(f, " initial_rtt={}", format::seconds(nanos))?;
        }
        Ok(())
    }
}
