//! Who is the client? Seen from the first segment of a connection (ANALYSIS.md 1.4).

use super::connection::RoleSource;
use super::segment::Segment;
use crate::utils::addressing::Endpoint;
use crate::utils::protocol_maps::service_name;

/// The first port of the range that systems give to clients (RFC 6335 §6; Linux begins lower still, at 32768).
const FIRST_EPHEMERAL: u16 = 32_768;

/// Whether the sender of a connection's first segment is the client, and how that is known.
pub fn sender_is_client(
    sender: Endpoint,
    receiver: Endpoint,
    segment: &Segment,
) -> (bool, RoleSource) {
    if segment.flags.syn() {
        let source = if segment.flags.ack() {
            RoleSource::SynAck
        } else {
            RoleSource::Syn
        };
        return (!segment.flags.ack(), source);
    }
    let one_side = |is_server: &dyn Fn(u16) -> bool| match (
        is_server(sender.port),
        is_server(receiver.port),
    ) {
        (false, true) => Some(true),
        (true, false) => Some(false),
        _ => None,
    };
    let rules: [(&dyn Fn(u16) -> bool, RoleSource); 3] = [
        (
            &|port| service_name(port).is_some(),
            RoleSource::ServicePort,
        ),
        (&|port| port < 1024, RoleSource::SystemPort),
        (&|port| port < FIRST_EPHEMERAL, RoleSource::EphemeralPort),
    ];
    rules
        .iter()
        .find_map(|(is_server, source)| Some((one_side(is_server)?, *source)))
        .unwrap_or((true, RoleSource::FirstPacket))
}
