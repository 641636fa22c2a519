//! What the stack makes of one message, in a form for people and programs: the body of `tocsin parse`.

use bytes::Bytes;

use crate::admission::{Admission, Rules, admit};
use crate::message::{
    Contact, Fault, Headers, Message, Name, NameAddr, Parsed, Request, Response, Uri, Via, parse_datagram, text,
};

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(tag = "verdict", rename_all = "lowercase")
)]
pub enum Verdict {
    /// It is let in: a request is served, a response matched.
    Accepted,
    /// A request that is refused at once.
    Answered {
        /// The status code.
        status: u16,
        /// The reason phrase.
        reason: String,
        /// Header fields that explain the refusal.
        headers: Vec<Field>,
    },
    /// Nothing is answered.
    Dropped {
        /// Why.
        reason: String,
        /// The same as a value; `None` for a keep-alive.
        #[cfg_attr(feature = "serde", serde(skip))]
        fault: Option<Fault>,
    },
}

/// A verdict and what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Examination {
    /// What becomes of the message.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub verdict: Verdict,
    /// The parsed form, as far as the message could be read.
    pub message: Option<Outline>,
}

/// The parsed form of a message. Parts that are missing or malformed are `None`, or left out of their list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Outline {
    /// Of a request.
    pub method: Option<String>,
    /// Of a request, as it was written.
    pub request_uri: Option<String>,
    /// Of a request, its parts.
    pub uri: Option<UriOutline>,
    /// Of a response.
    pub status: Option<u16>,
    /// Of a response.
    pub reason: Option<String>,
    /// All Vias, the last hop first.
    pub via: Vec<ViaOutline>,
    /// From.
    pub from: Option<AddressOutline>,
    /// To.
    pub to: Option<AddressOutline>,
    /// Call-ID.
    pub call_id: Option<String>,
    /// CSeq.
    pub cseq: Option<CSeqOutline>,
    /// Max-Forwards.
    pub max_forwards: Option<u8>,
    /// Contact; `*` stands as an address with that URI.
    pub contact: Vec<AddressOutline>,
    /// Route.
    pub route: Vec<AddressOutline>,
    /// Record-Route.
    pub record_route: Vec<AddressOutline>,
    /// Content-Type.
    pub content_type: Option<String>,
    /// All header fields in their order.
    pub headers: Vec<Field>,
    /// Length of the body in bytes.
    pub body_length: usize,
    /// The body, if it is text.
    pub body: Option<String>,
}

/// A header field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Field {
    /// The name: the long form if the stack knows it.
    pub name: String,
    /// The value, without folds.
    pub value: String,
}

/// The parts of a URI.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct UriOutline {
    /// In small letters.
    pub scheme: String,
    /// With its escapes.
    pub user: Option<String>,
    /// A name or address.
    pub host: String,
    /// If it is given.
    pub port: Option<u16>,
    /// Parameters.
    pub params: Vec<ParamOutline>,
    /// Headers.
    pub headers: Vec<ParamOutline>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ParamOutline {
    /// The name.
    pub name: String,
    /// The value, without quotes.
    pub value: Option<String>,
}

/// An address with display name and parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AddressOutline {
    /// The display name, without quotes.
    pub display: Option<String>,
    /// The URI as it was written.
    pub address: String,
    /// Its parts.
    pub uri: UriOutline,
    /// Parameters after the address.
    pub params: Vec<ParamOutline>,
}

/// One value of Via.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ViaOutline {
    /// As it was written.
    pub transport: String,
    /// Of sent-by.
    pub host: String,
    /// Of sent-by, if it is given.
    pub port: Option<u16>,
    /// Parameters.
    pub params: Vec<ParamOutline>,
}

/// CSeq.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CSeqOutline {
    /// The sequence number.
    pub number: u32,
    /// The method.
    pub method: String,
}

/// Judges one datagram as a user agent that serves every registered method ([`Rules::default`]).
pub fn examine(bytes: &[u8]) -> Examination {
    examine_with(bytes, &Rules::default())
}

/// Judges one datagram by `rules`, on the way that every received message takes.
pub fn examine_with(bytes: &[u8], rules: &Rules) -> Examination {
    let bytes = Bytes::copy_from_slice(bytes);
    match admit(bytes.clone(), rules) {
        Admission::Request(request, _) => accepted(Outline::of_request(&request)),
        Admission::Response(response, _) => accepted(Outline::of_response(&response)),
        Admission::KeepAlive => dropped(None, None),
        Admission::Refused(refusal) => Examination {
            verdict: Verdict::Answered {
                status: refusal.status.code(),
                reason: refusal.reason.clone().into_owned(),
                headers: refusal
                    .headers
                    .iter()
                    .map(|(n, v)| Field {
                        name: n.to_string(),
                        value: v.clone(),
                    })
                    .collect(),
            },
            message: Some(Outline::of_request(&refusal.request)),
        },
        Admission::Dropped(fault) => {
            let message = match parse_datagram(bytes, &rules.limits) {
                Parsed::Message(Message::Request(request)) | Parsed::Faulty { request, .. } => {
                    Some(Outline::of_request(&request))
                }
                Parsed::Message(Message::Response(response)) => Some(Outline::of_response(&response)),
                Parsed::KeepAlive | Parsed::Unreadable(_) => None,
            };
            dropped(Some(fault), message)
        }
    }
}

fn accepted(message: Outline) -> Examination {
    Examination {
        verdict: Verdict::Accepted,
        message: Some(message),
    }
}

fn dropped(fault: Option<Fault>, message: Option<Outline>) -> Examination {
    let reason = fault.map_or_else(
        || "only line breaks: a keep-alive".to_owned(),
        |fault| fault.to_string(),
    );
    Examination {
        verdict: Verdict::Dropped { reason, fault },
        message,
    }
}

impl Outline {
    fn of_request(request: &Request) -> Self {
        Outline {
            method: Some(request.method().to_string()),
            request_uri: Some(text(&request.uri_bytes()).into_owned()),
            uri: request.uri().ok().as_ref().map(uri),
            ..Outline::of_headers(request.headers(), &request.body())
        }
    }

    fn of_response(response: &Response) -> Self {
        Outline {
            status: Some(response.status().code()),
            reason: Some(text(response.reason()).into_owned()),
            ..Outline::of_headers(response.headers(), &response.body())
        }
    }

    fn of_headers(headers: &Headers, body: &[u8]) -> Self {
        let cseq = headers.cseq().ok();
        Outline {
            via: headers.vias().flatten().map(|value| via(&value)).collect(),
            from: headers.from().ok().as_ref().map(address),
            to: headers.to().ok().as_ref().map(address),
            call_id: headers.call_id().ok().map(str::to_owned),
            cseq: cseq.map(|c| CSeqOutline {
                number: c.number,
                method: c.method.to_string(),
            }),
            max_forwards: headers.max_forwards().ok().flatten(),
            contact: headers.contacts().flatten().map(|value| contact(&value)).collect(),
            route: headers.routes().flatten().map(|value| address(&value)).collect(),
            record_route: headers.record_routes().flatten().map(|value| address(&value)).collect(),
            content_type: headers.content_type().map(|value| text(value).into_owned()),
            headers: headers.iter().map(field).collect(),
            body_length: body.len(),
            body: std::str::from_utf8(body)
                .ok()
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            ..Outline::default()
        }
    }
}

fn field(field: crate::message::Field<'_>) -> Field {
    let name = match field.name {
        Name::Other => text(field.text).into_owned(),
        name => name.to_string(),
    };
    Field {
        name,
        value: text(&crate::message::unfold(field.value)).into_owned(),
    }
}

fn via(value: &Via) -> ViaOutline {
    ViaOutline {
        transport: value.transport().to_owned(),
        host: value.host().to_owned(),
        port: value.port(),
        params: value.params().map(param).collect(),
    }
}

fn contact(value: &Contact) -> AddressOutline {
    match value {
        Contact::Address(value) => address(value),
        Contact::All => AddressOutline {
            address: "*".to_owned(),
            ..AddressOutline::default()
        },
    }
}

fn address(value: &NameAddr) -> AddressOutline {
    AddressOutline {
        display: value.display().map(|name| name.into_owned()),
        address: value.uri().to_string(),
        uri: uri(value.uri()),
        params: value.params().map(param).collect(),
    }
}

fn uri(value: &Uri) -> UriOutline {
    let pair = |(name, value): (&str, Option<&str>)| ParamOutline {
        name: name.to_owned(),
        value: value.map(str::to_owned),
    };
    UriOutline {
        scheme: value.scheme_text().to_ascii_lowercase(),
        user: value.user().map(str::to_owned),
        host: value.host().to_owned(),
        port: value.port(),
        params: value.params().map(pair).collect(),
        headers: value.headers().map(pair).collect(),
    }
}

fn param(param: crate::message::Param<'_>) -> ParamOutline {
    let value = param
        .value
        .map(|value| text(&crate::message::unquote(value)).into_owned());
    ParamOutline {
        name: text(param.name).into_owned(),
        value,
    }
}
