//! ICMP errors that quote a connection: in its own object, and in that of the packet.

use super::exact_time;
use crate::analyzers::icmp_error::{IcmpError, IcmpProblem};
use crate::tracking::Connection;
use crate::tracking::icmp_errors::Quoted;
use crate::utils::time::Timestamp;
use serde::Serialize;

/// What one error says.
#[derive(Serialize)]
pub struct IcmpErrorPart {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
    meaning: String,
    reporter: String,
}

impl IcmpErrorPart {
    /// What an error says.
    pub fn of(error: &IcmpError) -> Self {
        Self {
            kind: error.problem.name(),
            code: error.problem.code(),
            mtu: match error.problem {
                IcmpProblem::TooBig(mtu) => Some(mtu),
                _ => None,
            },
            gateway: match error.problem {
                IcmpProblem::Redirect(gateway) => Some(gateway.to_string()),
                _ => None,
            },
            meaning: error.to_string(),
            reporter: error.reporter.to_string(),
        }
    }
}

/// The errors of a connection.
#[derive(Serialize)]
pub struct IcmpErrorsPart {
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    least_mtu: Option<u32>,
    first: Vec<QuotedPart>,
}

#[derive(Serialize)]
struct QuotedPart {
    frame: u64,
    #[serde(serialize_with = "exact_time")]
    time: Timestamp,
    quoted_from: &'static str,
    quoted_seq: Option<u32>,
    #[serde(flatten)]
    error: IcmpErrorPart,
}

impl QuotedPart {
    fn of(quoted: &Quoted) -> Self {
        Self {
            frame: quoted.frame,
            time: quoted.time,
            quoted_from: quoted.direction.sender_name(),
            quoted_seq: quoted.relative_seq,
            error: IcmpErrorPart::of(&quoted.error),
        }
    }
}

impl IcmpErrorsPart {
    /// The errors of a connection; `None` if there were none.
    pub fn of(connection: &Connection) -> Option<Self> {
        let errors = &connection.application.as_ref()?.icmp_errors;
        (errors.number > 0).then(|| Self {
            count: errors.number,
            least_mtu: errors.least_mtu,
            first: errors.first.iter().map(QuotedPart::of).collect(),
        })
    }
}
