//! SIP messages: read from bytes without copying, and written.
//!
//! A message keeps the [`Bytes`] that it was read from and an index of its header fields. Values are parsed when they are asked
//! for ([`Headers::via`], [`Headers::from`], …); parsed values share the message's memory, so that neither to route nor to
//! match a message allocates anything.

mod auth;
mod contact;
mod cseq;
mod fault;
mod headers;
mod lexer;
mod limits;
mod method;
pub mod multipart;
mod name;
mod name_addr;
mod params;
mod parse;
mod span;
mod status;
mod typed;
mod uri;
mod via;
mod writer;

use bytes::Bytes;

pub use auth::{AuthParams, Challenge, Credentials};
pub use contact::Contact;
pub use cseq::{CSeq, MAX_SEQUENCE, RAck};
pub use fault::Fault;
pub use headers::{Field, Headers};
pub use lexer::{unfold, unquote};
pub use limits::Limits;
pub use method::Method;
pub use name::Name;
pub use name_addr::NameAddr;
pub use params::{Param, Params};
pub(crate) use parse::head_content_length;
pub use parse::{Parsed, parse_datagram, text};
pub use status::{Class, StatusCode};
pub(crate) use typed::media_type_is;
pub use uri::{Scheme, Uri};
pub use via::{MAGIC_COOKIE, Via};
pub use writer::{Answer, Builder, RequestBuilder, RequestLine, ResponseBuilder, StatusLine};

use span::Span;

/// A request or a response.
#[derive(Debug, Clone)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

impl Message {
    /// The header.
    pub fn headers(&self) -> &Headers {
        match self {
            Message::Request(request) => &request.headers,
            Message::Response(response) => &response.headers,
        }
    }

    /// The whole message as on the wire.
    pub fn bytes(&self) -> &Bytes {
        &self.headers().raw
    }
}

/// A request. To clone it costs no allocation up to 24 header fields.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    uri: Span,
    headers: Headers,
    body: Span,
}

impl Request {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The Request-URI as on the wire.
    pub fn uri_bytes(&self) -> Bytes {
        self.headers.raw.slice(self.uri.range())
    }

    /// The Request-URI.
    ///
    /// # Errors
    /// [`Fault::RequestUri`] if it does not follow the grammar. Unknown schemes do, see [`Uri::scheme`].
    pub fn uri(&self) -> Result<Uri, Fault> {
        Uri::parse(self.uri_bytes()).map_err(|_| Fault::RequestUri)
    }

    /// The header.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body; empty if there is none.
    pub fn body(&self) -> Bytes {
        self.headers.raw.slice(self.body.range())
    }

    /// The whole request as on the wire.
    pub fn bytes(&self) -> &Bytes {
        &self.headers.raw
    }
}

/// A response. To clone it costs no allocation up to 24 header fields.
#[derive(Debug, Clone)]
pub struct Response {
    status: StatusCode,
    reason: Span,
    headers: Headers,
    body: Span,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The class of the status code.
    pub fn class(&self) -> Class {
        self.status.class()
    }

    /// The reason phrase as on the wire: any bytes, perhaps none. See [`text`].
    pub fn reason(&self) -> &[u8] {
        self.reason.of(&self.headers.raw)
    }

    /// The header.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body; empty if there is none.
    pub fn body(&self) -> Bytes {
        self.headers.raw.slice(self.body.range())
    }

    /// The whole response as on the wire.
    pub fn bytes(&self) -> &Bytes {
        &self.headers.raw
    }
}
