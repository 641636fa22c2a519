//! Slows down those who guess codes by telephone. A number that calls can be forged, so that what counts is the code that is
//! tried, and besides the number that it is tried from.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Wrong secret codes for one user code in one window.
const PER_CODE: u32 = 5;
/// Wrong codes from one number in one window.
const PER_CALLER: u32 = 10;
/// Length of the window, in milliseconds.
const WINDOW_MS: i64 = 900_000;
/// Codes and numbers remembered; when more are tried, the oldest windows are forgotten.
const MOST: usize = 20_000;

/// Wrong codes by user code and by number.
#[derive(Default)]
pub(crate) struct Lockout {
    wrong: Mutex<HashMap<String, (i64, u32)>>,
}

impl Lockout {
    /// Whether these may be tried now.
    pub(crate) fn may_try(&self, code: &str, caller: &str, now_ms: i64) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        keys(code, caller).iter().all(|(key, most)| match wrong.get(key) {
            Some((start, count)) => *count < *most || now_ms - start >= WINDOW_MS,
            None => true,
        })
    }

    /// They were wrong.
    pub(crate) fn wrong(&self, code: &str, caller: &str, now_ms: i64) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys(code, caller) {
            if wrong.len() >= MOST && !wrong.contains_key(&key) {
                wrong.retain(|_, (start, _)| now_ms - *start < WINDOW_MS);
                let oldest = wrong.iter().min_by_key(|(_, (start, _))| *start);
                let oldest = oldest.map(|(key, _)| key.clone()).filter(|_| wrong.len() >= MOST);
                oldest.map(|key| wrong.remove(&key));
            }
            let window = wrong.entry(key).or_insert((now_ms, 0));
            if now_ms - window.0 >= WINDOW_MS {
                *window = (now_ms, 0);
            }
            window.1 += 1;
        }
    }

    /// They were right.
    pub(crate) fn right(&self, code: &str, caller: &str) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys(code, caller) {
            wrong.remove(&key);
        }
    }
}

/// A hidden number is nobody's: only the code counts then.
fn keys(code: &str, caller: &str) -> Vec<(String, u32)> {
    let mut keys = vec![(format!("code {code}"), PER_CODE)];
    if !caller.is_empty() && caller != "anonymous" {
        keys.push((format!("from {caller}"), PER_CALLER));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_locked_whoever_tries_it_and_others_are_not() {
        let lockout = Lockout::default();
        for n in 0..5 {
            let caller = format!("+3319900000{n}");
            assert!(lockout.may_try("80", &caller, 0));
            lockout.wrong("80", &caller, 0);
        }
        assert!(!lockout.may_try("80", "+33199000009", 1_000));
        assert!(lockout.may_try("81", "+33199000009", 1_000));
        assert!(lockout.may_try("80", "+33199000009", WINDOW_MS));
    }

    #[test]
    fn a_number_that_tries_many_codes_is_locked_and_a_hidden_one_is_not() {
        let lockout = Lockout::default();
        for n in 0..10 {
            lockout.wrong(&n.to_string(), "+33199000001", 0);
            lockout.wrong(&(100 + n).to_string(), "anonymous", 0);
        }
        assert!(!lockout.may_try("80", "+33199000001", 1));
        assert!(lockout.may_try("80", "anonymous", 1));
        lockout.right("7", "+33199000001");
        assert!(lockout.may_try("80", "+33199000001", 1));
    }

    #[test]
    fn memory_is_bounded() {
        let lockout = Lockout::default();
        for n in 0..(MOST + 100) {
            lockout.wrong(&n.to_string(), "", n as i64);
        }
        assert!(lockout.wrong.lock().unwrap().len() <= MOST);
    }
}
