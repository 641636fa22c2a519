//! CSeq and RAck (RFC 3261 §20.16, RFC 3262 §7.2).

use std::fmt;

use bytes::Bytes;

use super::Name;
use super::fault::Fault;
use super::lexer::{self, Cursor};
use super::method::Method;

/// The largest sequence number: less than 2³¹ (RFC 3261 §8.1.1.5).
pub const MAX_SEQUENCE: u32 = (1 << 31) - 1;

/// A sequence number and the method that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CSeq {
    /// Less than 2³¹.
    pub number: u32,
    /// The method of the request, also in its responses.
    pub method: Method,
}

impl CSeq {
    /// Reads a value of CSeq.
    ///
    /// # Errors
    /// [`Fault::Malformed`]`(Name::CSeq)`, also if the number is 2³¹ or more.
    pub fn parse(raw: &Bytes) -> Result<CSeq, Fault> {
        CSeq::read(raw).ok_or(Fault::Malformed(Name::CSeq))
    }

    fn read(raw: &Bytes) -> Option<CSeq> {
        let mut cursor = Cursor::new(raw);
        let number = sequence(&mut cursor)?;
        let method = last_method(&mut cursor, raw)?;
        Some(CSeq { number, method })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

/// RAck: which reliable provisional response a PRACK acknowledges.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RAck {
    /// RSeq of the response.
    pub response: u32,
    /// CSeq of the response.
    pub cseq: CSeq,
}

impl RAck {
    /// Reads a value of RAck.
    ///
    /// # Errors
    /// [`Fault::Malformed`]`(Name::RAck)`.
    pub fn parse(raw: &Bytes) -> Result<RAck, Fault> {
        RAck::read(raw).ok_or(Fault::Malformed(Name::RAck))
    }

    fn read(raw: &Bytes) -> Option<RAck> {
        let mut cursor = Cursor::new(raw);
        let digits = cursor.take_while(|c| c.is_ascii_digit());
        let response = lexer::number(digits, u64::from(u32::MAX))? as u32;
        let before = cursor.at;
        cursor.space();
        if cursor.at == before {
            return None;
        }
        let number = sequence(&mut cursor)?;
        let method = last_method(&mut cursor, raw)?;
        Some(RAck {
            response,
            cseq: CSeq { number, method },
        })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.response, self.cseq)
    }
}

/// Digits and the white space after them.
fn sequence(cursor: &mut Cursor<'_>) -> Option<u32> {
    cursor.space();
    let digits = cursor.take_while(|c| c.is_ascii_digit());
    let number = lexer::number(digits, u64::from(MAX_SEQUENCE))? as u32;
    let before = cursor.at;
    cursor.space();
    (cursor.at > before).then_some(number)
}

/// A method and nothing after it.
fn last_method(cursor: &mut Cursor<'_>, raw: &Bytes) -> Option<Method> {
    let start = cursor.at;
    let end = start + cursor.token()?.len();
    cursor.space();
    if !cursor.is_done() {
        return None;
    }
    match Method::known(&raw[start..end]) {
        Some(method) => Some(method),
        None => Method::parse(&raw.slice(start..end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_and_methods() {
        for (input, expected) in [
            ("1 INVITE", Some((1, "INVITE"))),
            ("0009\r\n  INVITE", Some((9, "INVITE"))),
            ("2147483647 BYE", Some((2_147_483_647, "BYE"))),
            ("2147483648 BYE", None),
            ("36893488147419103232 REGISTER", None),
            ("1INVITE", None),
            ("-1 INVITE", None),
            ("1", None),
            ("1 INVITE x", None),
        ] {
            let parsed = CSeq::parse(&Bytes::from(input)).ok();
            assert_eq!(
                parsed.as_ref().map(|c| (c.number, c.method.as_str())),
                expected,
                "{input}"
            );
        }
        let rack = RAck::parse(&Bytes::from("776656 1 INVITE")).unwrap();
        assert_eq!(
            (rack.response, rack.cseq.number, rack.cseq.method),
            (776_656, 1, Method::Invite)
        );
    }
}
