//! The object of one UDP conversation.

use super::connection::EndpointPart;
use super::exact_time;
use crate::tracking::Direction;
use crate::tracking::totals::Amount;
use crate::tracking::udp::UdpConversation;
use crate::utils::time::{Timestamp, seconds};
use crate::visualization::Summary;
use serde::Serialize;

#[derive(Serialize)]
pub struct UdpLine {
    r#type: &'static str,
    id: u64,
    client: EndpointPart,
    server: EndpointPart,
    service: Option<&'static str>,
    first_frame: u64,
    #[serde(serialize_with = "exact_time")]
    start: Timestamp,
    duration_s: f64,
    client_to_server: AmountPart,
    server_to_client: AmountPart,
}

/// Packets and octets.
#[derive(Serialize)]
pub struct AmountPart {
    packets: u64,
    bytes: u64,
}

impl AmountPart {
    /// An amount.
    pub fn of(amount: Amount) -> Self {
        Self {
            packets: amount.packets,
            bytes: amount.bytes,
        }
    }
}

impl UdpLine {
    /// A conversation.
    pub fn of(conversation: &UdpConversation, summary: &Summary) -> Self {
        Self {
            r#type: "udp",
            id: conversation.id,
            client: EndpointPart::of(conversation.client, summary),
            server: EndpointPart::of(conversation.server, summary),
            service: conversation.service(),
            first_frame: conversation.first_frame,
            start: conversation.start,
            duration_s: seconds(conversation.duration()),
            client_to_server: AmountPart::of(conversation.amounts[Direction::ToServer]),
            server_to_client: AmountPart::of(conversation.amounts[Direction::ToClient]),
        }
    }
}
