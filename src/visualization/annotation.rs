//! `--annotate`: the verdicts on a segment with what they rest on, as a comment that travels with the packet and that Wireshark
//! shows.

use super::packet_lines::Said;
use crate::tracking::Event;

/// What is to be said of a segment; `None` if it is as it should be.
pub fn annotation(event: &Event<'_>) -> Option<String> {
    let judgement = event.judgement;
    let said = judgement
        .verdicts
        .iter()
        .map(|verdict| Said { verdict, judgement }.to_string());
    let mut parts: Vec<String> = said.collect();
    if let Some(spurious) = judgement.proves_spurious {
        parts.push(format!(
            "shows that frame {} was a spurious_retransmission: {}",
            spurious.frame,
            spurious.proof.name()
        ));
    }
    (!parts.is_empty()).then(|| {
        format!(
            "tcp-monitor: connection {}: {}",
            event.connection.id,
            parts.join("; ")
        )
    })
}
