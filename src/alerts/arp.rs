//! IPv4 addresses that two stations claim (RFC 5227 §2.4, ANALYSIS.md 9).

use super::clock::Moment;
use super::table::{Bounded, Weight};
use crate::utils::addressing::MacAddress;
use std::net::Ipv4Addr;

/// Addresses that are kept, at most.
const CAPACITY: usize = 4096;

/// Where an address is claimed: the capture's interface and the VLAN, which may each have a station of that address.
pub type Place = (u32, Option<u16>, Ipv4Addr);

#[derive(Debug)]
struct Claim {
    station: MacAddress,
    now: i64,
    times: u64,
}

impl Weight for Claim {
    fn weight(&self) -> u64 {
        self.times
    }
}

/// Who claimed which address last.
#[derive(Debug)]
pub struct Claims(Bounded<Place, Claim>);

impl Default for Claims {
    fn default() -> Self {
        Self(Bounded::new(CAPACITY))
    }
}

impl Claims {
    /// A station claims an address; returns the one that had claimed it within the window, if that is another.
    pub fn add(
        &mut self,
        place: Place,
        station: MacAddress,
        moment: Moment,
        window: i64,
    ) -> Option<MacAddress> {
        // A probe before an address is used claims nothing (RFC 5227 §1.1).
        if place.2.is_unspecified() || is_virtual(station) || station == MacAddress::default() {
            return None;
        }
        let claim = self.0.entry(place, || Claim {
            station,
            now: moment.now,
            times: 0,
        });
        let before = (claim.station, claim.now);
        (claim.station, claim.now) = (station, moment.now);
        claim.times += 1;
        (before.0 != station && moment.now.saturating_sub(before.1) <= window).then_some(before.0)
    }

    /// How many entries left to keep within the bounds.
    pub fn evicted(&self) -> u64 {
        self.0.evicted()
    }
}

/// Addresses of virtual routers, which move from station to station on purpose: VRRP and CARP (RFC 9568 §7.3), HSRP, GLBP.
fn is_virtual(station: MacAddress) -> bool {
    matches!(
        station.0,
        [0x00, 0x00, 0x5e, 0x00, 0x01 | 0x02, _]
            | [0x00, 0x00, 0x0c, 0x07, 0xac, _]
            | [0x00, 0x00, 0x0c, 0x9f, 0xf0..=0xff, _]
            | [0x00, 0x05, 0x73, 0xa0, _, _]
            | [0x00, 0x07, 0xb4, _, _, _]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(claims: &mut Claims, station: [u8; 6], now: i64) -> bool {
        let moment = Moment {
            now,
            ..Moment::default()
        };
        claims
            .add(
                (0, None, [192, 0, 2, 1].into()),
                MacAddress(station),
                moment,
                60,
            )
            .is_some()
    }

    #[test]
    fn another_station_within_the_window_is_a_conflict() {
        let mut claims = Claims::default();
        let (a, b) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        assert!(!claim(&mut claims, a, 0) && !claim(&mut claims, a, 50));
        assert!(claim(&mut claims, b, 110) && !claim(&mut claims, b, 111));
        assert!(
            !claim(&mut claims, a, 172),
            "61 seconds later it is a replacement"
        );
    }

    #[test]
    fn virtual_routers_and_other_networks_are_none() {
        let mut claims = Claims::default();
        assert!(!claim(&mut claims, [2, 0, 0, 0, 0, 1], 0));
        assert!(!claim(&mut claims, [0, 0, 0x5e, 0, 1, 7], 1));
        assert!(!claim(&mut claims, [0, 0, 0x0c, 7, 0xac, 7], 2));
        let place = (0, Some(5), [192, 0, 2, 1].into());
        let other = MacAddress([2, 0, 0, 0, 0, 9]);
        assert_eq!(claims.add(place, other, Moment::default(), 60), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut claims = Claims::default();
        for number in 0..1_000_000u32 {
            let place = (0, None, number.into());
            claims.add(place, MacAddress([2, 0, 0, 0, 0, 1]), Moment::default(), 60);
        }
        assert!(claims.0.len() == CAPACITY && claims.evicted() > 900_000);
    }
}
