//! Slows down those who guess passwords, without letting them lock anybody out: what counts is the address that guesses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Wrong passwords that an address may give in one [`WINDOW_MS`].
const ALLOWED: u32 = 10;
/// Length of the window, in milliseconds.
const WINDOW_MS: i64 = 300_000;
/// Addresses remembered; when more attack, the oldest windows are forgotten.
const MOST: usize = 20_000;

/// Wrong passwords by address.
#[derive(Default)]
pub(crate) struct Attempts {
    wrong: Mutex<HashMap<IpAddr, (i64, u32)>>,
}

impl Attempts {
    /// Whether an address may try now; otherwise after how many seconds it may.
    pub(crate) fn may_try(&self, address: IpAddr, now_ms: i64) -> Result<(), u64> {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        match wrong.get(&network(address)) {
            Some((start, count)) if *count >= ALLOWED && now_ms - start < WINDOW_MS => {
                Err(u64::try_from((start + WINDOW_MS - now_ms + 999) / 1000).unwrap_or(1))
            }
            _ => Ok(()),
        }
    }

    /// A wrong password came from this address.
    pub(crate) fn wrong(&self, address: IpAddr, now_ms: i64) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= MOST {
            wrong.retain(|_, (start, _)| now_ms - *start < WINDOW_MS);
            if wrong.len() >= MOST {
                let oldest = wrong
                    .iter()
                    .min_by_key(|(_, (start, _))| *start)
                    .map(|(address, _)| *address);
                oldest.map(|address| wrong.remove(&address));
            }
        }
        let window = wrong.entry(network(address)).or_insert((now_ms, 0));
        if now_ms - window.0 >= WINDOW_MS {
            *window = (now_ms, 0);
        }
        window.1 += 1;
    }

    /// The right password came from this address.
    pub(crate) fn right(&self, address: IpAddr) {
        self.wrong
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&network(address));
    }
}

/// An IPv6 attacker owns a /64 at least: it counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_wrong_password_waits_for_the_window_and_others_do_not() {
        let attempts = Attempts::default();
        let (here, there): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..10 {
            assert!(attempts.may_try(here, 0).is_ok());
            attempts.wrong(here, 0);
        }
        assert_eq!(attempts.may_try(here, 1000), Err(299));
        assert!(attempts.may_try(there, 1000).is_ok());
        assert!(attempts.may_try(here, WINDOW_MS).is_ok());
        attempts.right(here);
        assert!(attempts.may_try(here, 1).is_ok());
    }

    #[test]
    fn one_ipv6_network_is_one_attacker_and_memory_is_bounded() {
        let attempts = Attempts::default();
        for host in 0..10_u16 {
            attempts.wrong(format!("2001:db8::{host:x}").parse().unwrap(), 0);
        }
        assert!(attempts.may_try("2001:db8::ffff".parse().unwrap(), 1).is_err());
        for n in 0..(MOST as u32 + 50) {
            attempts.wrong(IpAddr::V4(n.into()), 1);
        }
        assert!(attempts.wrong.lock().unwrap().len() <= MOST);
    }
}
