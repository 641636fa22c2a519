//! Which calls an operator wants to see.

use super::Trace;

/// Lets traces through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All.
    All,
    /// Those with this Call-ID.
    CallId(String),
    /// Those from or to this user: a telephone number in any notation, or a name.
    User(String),
}

impl Filter {
    /// Whether `trace` is one of those.
    pub fn matches(&self, trace: &Trace) -> bool {
        match self {
            Filter::All => true,
            Filter::CallId(call_id) => trace.call_id == *call_id,
            Filter::User(wanted) => trace.users.iter().any(|user| is_same_user(user, wanted)),
        }
    }
}

/// Significant digits of a national number in most plans of Europe; that many at the end decide.
const SIGNIFICANT: usize = 9;

/// Numbers are the same if their last nine digits are, so that a prefix (`0`, `+33`, `0033`, a trunk's own) does not matter;
/// shorter numbers and names must be equal.
fn is_same_user(a: &str, b: &str) -> bool {
    match (digits(a), digits(b)) {
        (Some(a), Some(b)) if a.len() >= SIGNIFICANT && b.len() >= SIGNIFICANT => {
            a[a.len() - SIGNIFICANT..] == b[b.len() - SIGNIFICANT..]
        }
        (Some(a), Some(b)) => a == b,
        (None, None) => a.eq_ignore_ascii_case(b),
        _ => false,
    }
}

/// The digits of a telephone number; `None` if it is none.
fn digits(text: &str) -> Option<Vec<u8>> {
    let is_number =
        text.bytes().all(|c| c.is_ascii_digit() || b"+-. ()".contains(&c)) && text.bytes().any(|c| c.is_ascii_digit());
    is_number.then(|| text.bytes().filter(u8::is_ascii_digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_in_every_notation() {
        for (a, b, expected) in [
            ("+33199001234", "01 99 00 12 34", true),
            ("0033199001234", "01.99.00.12.34", true),
            ("+33199001234", "+33199001235", false),
            ("112", "112", true),
            ("112", "15112", false),
            ("alice", "Alice", true),
            ("alice", "0199001234", false),
        ] {
            assert_eq!(is_same_user(a, b), expected, "{a} {b}");
        }
    }
}
