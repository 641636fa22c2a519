//! What can be wrong with a message, and what the sender should be told.

use super::{Name, StatusCode};

/// What is wrong with a message or with a part of one. Small and `Copy`: floods of bad messages allocate nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// Not SIP at all: neither a request line nor a status line.
    #[error("the first line is neither a SIP request line nor a status line")]
    StartLine,
    /// A request line with the wrong white space or a method that is no token (RFC 3261 §7.1).
    #[error("the request line is malformed")]
    RequestLine,
    /// The Request-URI does not follow the grammar.
    #[error("the Request-URI is malformed")]
    RequestUri,
    /// The Request-URI is longer than [`super::Limits::uri`].
    #[error("the Request-URI is too long")]
    RequestUriTooLong,
    /// Not SIP/2.0 (RFC 3261 §21.5.6).
    #[error("this version of SIP is not supported")]
    Version,
    /// The status code of a response is not between 100 and 699.
    #[error("the status code is out of range")]
    Status,
    /// A URI, where it is not known in which header it stands.
    #[error("a URI is malformed")]
    Uri,
    /// A line of the header without colon or without name.
    #[error("a header line has no name or no colon")]
    HeaderLine,
    /// The empty line after the header is missing.
    #[error("the header does not end")]
    Unfinished,
    /// A header that must be there is not.
    #[error("{} is missing", .0.text())]
    Missing(Name),
    /// A header that may stand once stands twice or holds several values.
    #[error("{} stands more than once", .0.text())]
    Repeated(Name),
    /// A header's value does not follow its grammar.
    #[error("{} is malformed", .0.text())]
    Malformed(Name),
    /// The method in CSeq is not the request's (RFC 3261 §8.1.1.5).
    #[error("the method of CSeq is not that of the request")]
    MethodMismatch,
    /// Content-Length promises more bytes than arrived (RFC 3261 §18.3).
    #[error("the body is shorter than Content-Length says")]
    BodyTooShort,
    /// A stream carries messages of unknown length without Content-Length (RFC 3261 §18.3).
    #[error("Content-Length is missing on a stream")]
    NoLength,
    /// The message is larger than [`super::Limits::message`].
    #[error("the message is too large")]
    TooLarge,
    /// The message has more header fields than [`super::Limits::headers`].
    #[error("the message has too many header fields")]
    TooManyHeaders,
    /// Well-formed, but asks for something that is not served; the status says what.
    #[error("not served: {} {}", .0, .0.phrase())]
    Unsupported(StatusCode),
    /// A MIME body that is nested too deeply or is malformed.
    #[error("the body is malformed")]
    Body,
}

impl Fault {
    /// The status with which a request with this fault is refused.
    pub fn status(self) -> StatusCode {
        match self {
            Fault::Version => StatusCode::VERSION_NOT_SUPPORTED,
            Fault::RequestUriTooLong => StatusCode::REQUEST_URI_TOO_LONG,
            Fault::TooLarge => StatusCode::MESSAGE_TOO_LARGE,
            Fault::Unsupported(status) => status,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// A reason phrase that names the fault, so that the sender's engineer need not guess.
    pub fn phrase(self) -> String {
        match self {
            Fault::Version | Fault::RequestUriTooLong | Fault::TooLarge | Fault::Unsupported(_) => {
                self.status().phrase().to_owned()
            }
            Fault::Missing(name) => format!("Missing {name}"),
            Fault::Repeated(name) => format!("Repeated {name}"),
            Fault::Malformed(name) => format!("Malformed {name}"),
            Fault::RequestLine | Fault::StartLine => "Malformed Request Line".to_owned(),
            Fault::RequestUri | Fault::Uri => "Malformed Request-URI".to_owned(),
            Fault::HeaderLine => "Malformed Header Line".to_owned(),
            Fault::Unfinished => "Header Without End".to_owned(),
            Fault::MethodMismatch => "CSeq Method Mismatch".to_owned(),
            Fault::BodyTooShort => "Body Shorter Than Content-Length".to_owned(),
            Fault::NoLength => "Missing Content-Length".to_owned(),
            Fault::TooManyHeaders => "Too Many Header Fields".to_owned(),
            Fault::Body => "Malformed Body".to_owned(),
            Fault::Status => "Bad Request".to_owned(),
        }
    }
}
