//! Who may connect to us: so many in all, so many from one address, and places that strangers cannot take.

use std::collections::HashMap;
use std::net::IpAddr;

/// Connections that others opened, by who they are.
pub(super) struct Door {
    /// Places in all; strangers get half of them.
    places: usize,
    /// Places for one strange address.
    each: usize,
    strangers: HashMap<IpAddr, usize>,
    strange: usize,
    known: usize,
}

impl Door {
    pub fn new(places: usize, each: usize) -> Door {
        Door {
            places,
            each,
            strangers: HashMap::new(),
            strange: 0,
            known: 0,
        }
    }

    /// Somebody connects. `is_known`: from an address of a trunk. False if there is no place.
    pub fn enter(&mut self, address: IpAddr, is_known: bool) -> bool {
        if self.strange + self.known >= self.places {
            return false;
        }
        if is_known {
            self.known += 1;
            return true;
        }
        if self.strange >= self.places.div_ceil(2) {
            return false;
        }
        let taken = self.strangers.entry(household(address)).or_default();
        if *taken >= self.each {
            return false;
        }
        *taken += 1;
        self.strange += 1;
        true
    }

    /// The connection is closed. `is_known` as it was on entering.
    pub fn leave(&mut self, address: IpAddr, is_known: bool) {
        if is_known {
            self.known = self.known.saturating_sub(1);
            return;
        }
        self.strange = self.strange.saturating_sub(1);
        let household = household(address);
        if let Some(taken) = self.strangers.get_mut(&household) {
            *taken -= 1;
            if *taken == 0 {
                self.strangers.remove(&household);
            }
        }
    }
}

/// What one customer of a network operator has for himself: an IPv4 address, or the first 64 bits of an IPv6 address.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_gets_its_part_and_strangers_half() {
        let mut door = Door::new(10, 3);
        let one = address("192.0.2.1");
        let entered = (0..9).filter(|_| door.enter(one, false)).count();
        assert_eq!(entered, 3, "one address");
        let others = (2..9).filter(|last| door.enter(address(&format!("192.0.2.{last}")), false));
        assert_eq!(others.count(), 2, "strangers have half of the places");
        let known = (0..20).filter(|_| door.enter(address("198.51.100.1"), true)).count();
        assert_eq!(known, 5, "a trunk's address has the rest");
        door.leave(one, false);
        assert!(door.enter(one, false), "a place that was left is free");
        assert!(!door.enter(one, false));
    }

    #[test]
    fn a_network_of_ipv6_is_one_stranger() {
        let mut door = Door::new(100, 2);
        let entered = (0..9).filter(|n| door.enter(address(&format!("2001:db8::{n}:1")), false));
        assert_eq!(entered.count(), 2);
        assert!(door.enter(address("2001:db8:0:1::1"), false), "another network");
        assert!(door.enter(address("::ffff:192.0.2.1"), false));
        assert!(door.enter(address("192.0.2.1"), false));
        assert!(
            !door.enter(address("192.0.2.1"), false),
            "the same address written twice"
        );
    }

    #[test]
    fn nothing_is_left_when_all_have_left() {
        let mut door = Door::new(4, 2);
        for round in 0..3 {
            for last in 1..=2 {
                assert!(door.enter(address(&format!("192.0.2.{last}")), false), "{round}");
            }
            assert!(door.enter(address("192.0.2.3"), true));
            for last in 1..=2 {
                door.leave(address(&format!("192.0.2.{last}")), false);
            }
            door.leave(address("192.0.2.3"), true);
        }
        assert!(door.strangers.is_empty());
        assert_eq!((door.strange, door.known), (0, 0));
    }
}
