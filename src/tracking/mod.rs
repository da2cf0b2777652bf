//! Facts about one packet → facts about a connection.
//!
//! Inside `ConnectionTracker::observe`, always in this order: find the connection (or create it), orient (who is sending),
//! judge (pure: reads both flows and the segment), record (updates the flows), next state (pure). Judge before record is the
//! decision that everything leans on: a rule never sees half-updated state, and is tested by building two flows and a segment.

mod advance;
pub mod application;
pub mod connection;
pub mod connection_tracker;
mod counting;
pub mod details;
pub mod direction;
pub mod distribution;
mod durations;
pub mod encapsulation;
pub mod event;
mod expected;
pub mod first_bytes;
mod first_syn;
pub mod flow;
mod follow;
pub mod gaps;
pub mod glance;
pub mod icmp_errors;
mod index;
pub mod judge;
pub mod judgement;
pub mod known_to_sender;
pub mod limits;
mod listeners;
mod lone;
pub mod measurements;
pub mod names;
pub mod numbering;
pub mod opening_table;
mod pair_hash;
mod past;
pub mod ranges;
pub mod rates;
pub mod record;
mod roles;
pub mod rtt;
pub mod samples;
pub mod segment;
pub mod sent;
pub mod sent_log;
mod signals;
mod slab;
mod slot;
pub mod state;
mod store;
pub mod stream;
pub mod totals;
pub mod turns;
pub mod udp;
pub mod verdict;
pub mod windows;
pub mod wireshark;
pub mod zeek;

pub use connection::Connection;
pub use connection_tracker::{ConnectionTracker, LOOK_AHEAD, Located};
pub use direction::{Direction, PerDirection};
pub use event::Event;
pub use pair_hash::PairHasher;
pub use segment::Segment;
pub use store::Key;
pub use verdict::{Verdict, Verdicts};
