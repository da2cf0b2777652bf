//! Bytes → facts about one packet.

pub mod link;
pub use link::{Frame, LinkType};
