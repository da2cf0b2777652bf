//! Small things every room uses: capture time, sequence numbers, words and numbers for people.

pub mod addressing;
pub mod format;
pub mod maybe;
pub mod prefetch;
pub mod protocol_maps;
pub mod seq;
pub mod time;
