//! The connections whose first octets are being read and need more than one segment: at most so many at a time.

use super::direction::Direction;
use super::first_bytes::{self, MAX_READING};
use super::store::Store;
use crate::analyzers::application::Introduction;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Who is being listened to, and what was learned for others.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Slots and numbers of connections in the order in which they began to wait; some may be through by now.
    waiting: VecDeque<(u32, u64)>,
    /// How many gave up because of the limit.
    pub gave_up: u64,
    /// Names of addresses that DNS over TCP told, until somebody takes them.
    pub names: Vec<(IpAddr, String)>,
}

impl Listeners {
    /// A direction of the connection in this slot was listened to; `begun` if the connection waits for more since then.
    pub fn note(&mut self, store: &mut Store, slot: u32, direction: Direction, begun: bool) {
        let connection = store.get(slot);
        if begun {
            self.waiting.push_back((slot, connection.id));
        } else if let Some(application) = &connection.application
            && let Some(Introduction::Dns(message)) = &application.first_bytes.said[direction]
            && connection.heard[direction]
        {
            self.names.extend(message.addresses.iter().cloned());
        }
        if self.waiting.len() > MAX_READING
            && let Some((slot, id)) = self.waiting.pop_front()
            && let Some(connection) = store.held_mut(slot, id)
        {
            self.gave_up += u64::from(first_bytes::give_up(connection));
        }
    }
}
