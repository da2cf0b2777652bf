//! `--resolve`: asks the system's resolver for the names of addresses, at the end of a run. The only thing in this program that
//! sends anything to anyone, and only when asked.
//!
//! A look-up may take as long as the resolver likes, so that several go on at the same time and none is waited for beyond the
//! deadline.

use crate::utils::format::printable;
use std::net::IpAddr;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Addresses that are asked for at most.
pub const MOST: usize = 100;
/// Look-ups at the same time.
const THREADS: usize = 8;
/// How long names are waited for, all together.
const DEADLINE: Duration = Duration::from_secs(5);

/// The names of these addresses as far as they come in time, safe to print; and how many addresses were not asked for or did not
/// answer in time.
pub fn names_of(mut addresses: Vec<IpAddr>) -> (Vec<(IpAddr, String)>, usize) {
    let wanted = addresses.len();
    addresses.truncate(MOST);
    let asked = addresses.len();
    addresses.reverse();
    let queue = Arc::new(Mutex::new(addresses));
    let (to, from) = mpsc::channel();
    for _ in 0..THREADS.min(asked) {
        let (queue, to) = (Arc::clone(&queue), to.clone());
        let next = move || queue.lock().ok()?.pop();
        let work = move || {
            while let Some(address) = next() {
                let name = dns_lookup::lookup_addr(&address).ok();
                if to.send((address, name)).is_err() {
                    return;
                }
            }
        };
        if std::thread::Builder::new().spawn(work).is_err() {
            break;
        }
    }
    drop(to);
    let (began, mut names, mut heard) = (Instant::now(), Vec::new(), 0);
    while let Ok((address, name)) = from.recv_timeout(DEADLINE.saturating_sub(began.elapsed())) {
        heard += 1;
        // Without a name the resolver writes the address itself.
        let name = name.filter(|name| name.parse::<IpAddr>().is_err());
        names.extend(name.map(|name| (address, printable(&name).into_owned())));
    }
    (names, wanted - heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_about_nothing() {
        assert_eq!(names_of(Vec::new()), (Vec::new(), 0));
    }
}
