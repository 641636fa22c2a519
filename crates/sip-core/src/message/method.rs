//! Methods. They are case-sensitive and any token may be one (RFC 3261 §7.1).

use std::fmt;

use bytes::Bytes;

use super::lexer;

/// A request's method.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Method {
    /// RFC 3261 §13
    Invite,
    /// RFC 3261 §17.1.1.3
    Ack,
    /// RFC 3261 §15
    Bye,
    /// RFC 3261 §9
    Cancel,
    /// RFC 3261 §11
    Options,
    /// RFC 3261 §10
    Register,
    /// RFC 3262
    Prack,
    /// RFC 3311
    Update,
    /// RFC 6086
    Info,
    /// RFC 6665
    Subscribe,
    /// RFC 6665
    Notify,
    /// RFC 3515
    Refer,
    /// RFC 3428
    Message,
    /// RFC 3903
    Publish,
    /// A method that the stack does not know: a token, kept as it came.
    Other(Bytes),
}

impl Method {
    /// Every method that has a variant of its own: those registered with IANA for SIP.
    pub const KNOWN: [Method; 14] = [
        Method::Invite,
        Method::Ack,
        Method::Bye,
        Method::Cancel,
        Method::Options,
        Method::Register,
        Method::Prack,
        Method::Update,
        Method::Info,
        Method::Subscribe,
        Method::Notify,
        Method::Refer,
        Method::Message,
        Method::Publish,
    ];

    /// The method that the token `text` names; `None` if it is not a token.
    pub fn parse(text: &Bytes) -> Option<Method> {
        match Method::known(text) {
            Some(method) => Some(method),
            None if lexer::all_token(text) => Some(Method::Other(text.clone())),
            None => None,
        }
    }

    /// One of the methods that have a variant of their own.
    pub fn known(text: &[u8]) -> Option<Method> {
        Some(match text {
            b"INVITE" => Method::Invite,
            b"ACK" => Method::Ack,
            b"BYE" => Method::Bye,
            b"CANCEL" => Method::Cancel,
            b"OPTIONS" => Method::Options,
            b"REGISTER" => Method::Register,
            b"PRACK" => Method::Prack,
            b"UPDATE" => Method::Update,
            b"INFO" => Method::Info,
            b"SUBSCRIBE" => Method::Subscribe,
            b"NOTIFY" => Method::Notify,
            b"REFER" => Method::Refer,
            b"MESSAGE" => Method::Message,
            b"PUBLISH" => Method::Publish,
            _ => return None,
        })
    }

    /// The method's token as it stands on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Invite => "INVITE",
            Method::Ack => "ACK",
            Method::Bye => "BYE",
            Method::Cancel => "CANCEL",
            Method::Options => "OPTIONS",
            Method::Register => "REGISTER",
            Method::Prack => "PRACK",
            Method::Update => "UPDATE",
            Method::Info => "INFO",
            Method::Subscribe => "SUBSCRIBE",
            Method::Notify => "NOTIFY",
            Method::Refer => "REFER",
            Method::Message => "MESSAGE",
            Method::Publish => "PUBLISH",
            Method::Other(text) => lexer::ascii(text),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_case_sensitive_tokens() {
        for method in Method::KNOWN {
            let text = Bytes::from(method.to_string());
            assert_eq!(Method::parse(&text), Some(method));
        }
        let odd = Bytes::from_static(b"!interesting-Method0123456789_*+`.%indeed'~");
        assert_eq!(Method::parse(&odd), Some(Method::Other(odd.clone())));
        assert!(matches!(
            Method::parse(&Bytes::from_static(b"invite")),
            Some(Method::Other(_))
        ));
        assert_eq!(Method::parse(&Bytes::from_static(b"IN VITE")), None);
        assert_eq!(Method::parse(&Bytes::new()), None);
    }
}
