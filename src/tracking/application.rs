//! What is known of a connection beyond TCP itself: what both sides said first, and the ICMP errors that quote it. In a place of its
//! own, which is made when there is something to keep, so that a connection without it costs no memory for it.

use super::first_bytes::FirstBytes;
use super::icmp_errors::{IcmpErrors, Quoted};

/// What is known beyond TCP.
#[derive(Clone, Debug, Default)]
pub struct Application {
    /// The ICMP errors that quote the connection.
    pub icmp_errors: IcmpErrors,
    /// What both sides said first.
    pub first_bytes: FirstBytes,
}

impl Application {
    /// Octets of memory it takes, itself included.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.icmp_errors.first.capacity() * size_of::<Quoted>()
            + self.first_bytes.memory()
    }
}
