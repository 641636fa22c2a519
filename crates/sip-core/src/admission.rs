//! What is done with a message before any transaction or dialog sees it: let in, refused, or dropped.
//!
//! RFC 3261 §8.2 gives the order for requests (method, header, content) and §18.3 the one for framing. RFC 4475 gives the
//! hard cases. Checks that need state (481, 482, 403, 401) belong to the endpoint.

use std::borrow::Cow;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::message::{
    Answer, CSeq, Contact, Fault, Limits, Message, Method, Name, NameAddr, Parsed, Request, Response, Scheme,
    StatusCode, Via, multipart, parse_datagram,
};

/// What this user agent understands.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Ceilings for one message.
    pub limits: Limits,
    /// Methods that are served. Other known methods get 405, unknown ones 501.
    pub methods: Vec<Method>,
    /// Option tags that may stand in Require.
    pub extensions: Vec<&'static str>,
    /// Media types of bodies in INVITE, UPDATE and PRACK.
    pub bodies: Vec<&'static str>,
}

impl Default for Rules {
    /// A user agent that serves every registered method. With these rules a message is judged as its proper recipient would.
    fn default() -> Self {
        Rules {
            limits: Limits::default(),
            methods: Method::KNOWN.to_vec(),
            extensions: vec!["100rel", "timer"],
            bodies: vec!["application/sdp"],
        }
    }
}

impl Rules {
    /// The rules of [`crate::Endpoint`]: the methods of calls, and no others.
    pub fn user_agent() -> Self {
        let methods = vec![
            Method::Invite,
            Method::Ack,
            Method::Cancel,
            Method::Bye,
            Method::Options,
            Method::Prack,
            Method::Update,
            Method::Info,
        ];
        Rules {
            methods,
            ..Rules::default()
        }
    }

    /// The value of Allow.
    pub fn allow(&self) -> String {
        let methods: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        methods.join(", ")
    }
}

/// The header fields that every message has (RFC 3261 §8.1.1), already parsed.
#[derive(Debug, Clone)]
pub struct Essentials {
    /// The first Via.
    pub via: Via,
    /// From.
    pub from: NameAddr,
    /// To.
    pub to: NameAddr,
    /// CSeq.
    pub cseq: CSeq,
}

/// What becomes of a datagram, or of one message cut out of a stream.
#[derive(Debug, Clone)]
pub enum Admission {
    /// A request to be served. Its URI, Via, Route, Record-Route and Contact values are well-formed.
    Request(Request, Essentials),
    /// A response to be matched. It has one Via.
    Response(Response, Essentials),
    /// Only line breaks.
    KeepAlive,
    /// A request to be refused at once, without a transaction.
    Refused(Refusal),
    /// Nothing can or may be answered.
    Dropped(Fault),
}

/// A refusal that needs no state.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The request, which may be broken.
    pub request: Request,
    /// With which status it is refused.
    pub status: StatusCode,
    /// The reason phrase.
    pub reason: Cow<'static, str>,
    /// Header fields that explain the refusal, such as Allow or Unsupported.
    pub headers: Vec<(Name, String)>,
}

impl Refusal {
    /// The response. `to_tag` should be the same for the same request, so that repeats get the same answer.
    pub fn response(&self, to_tag: &str, source: Option<SocketAddr>) -> Response {
        let answer = Answer {
            to_tag: Some(to_tag),
            source,
            reason: Some(&self.reason),
        };
        let mut builder = Response::to(&self.request, self.status, answer);
        for (name, value) in &self.headers {
            builder.header(*name, value);
        }
        builder.build()
    }
}

/// Reads `bytes` and decides.
pub fn admit(bytes: Bytes, rules: &Rules) -> Admission {
    match parse_datagram(bytes, &rules.limits) {
        Parsed::KeepAlive => Admission::KeepAlive,
        Parsed::Unreadable(fault) => Admission::Dropped(fault),
        Parsed::Faulty { request, fault } => refuse(request, fault.into()),
        Parsed::Message(Message::Response(response)) => match response_essentials(&response) {
            Ok(essentials) => Admission::Response(response, essentials),
            Err(fault) => Admission::Dropped(fault),
        },
        Parsed::Message(Message::Request(request)) => match check_request(&request, rules) {
            Ok(essentials) => Admission::Request(request, essentials),
            Err(objection) => refuse(request, objection),
        },
    }
}

/// Why a request is refused.
/// What is answered to a stream whose framing was lost at `head`, if a request can be made out of it.
pub fn refuse_broken(head: Bytes, fault: Fault, rules: &Rules) -> Option<Refusal> {
    let (Parsed::Faulty { request, .. } | Parsed::Message(Message::Request(request))) =
        parse_datagram(head, &rules.limits)
    else {
        return None;
    };
    match refuse(request, fault.into()) {
        Admission::Refused(refusal) => Some(refusal),
        _ => None,
    }
}

struct Objection {
    /// What is told if it cannot be answered.
    fault: Fault,
    status: StatusCode,
    reason: Cow<'static, str>,
    headers: Vec<(Name, String)>,
}

impl From<Fault> for Objection {
    fn from(fault: Fault) -> Self {
        Objection {
            fault,
            status: fault.status(),
            reason: fault.phrase().into(),
            headers: Vec::new(),
        }
    }
}

impl Objection {
    fn new(status: StatusCode, header: Option<(Name, String)>) -> Self {
        let reason = Cow::Borrowed(status.phrase());
        Objection {
            fault: Fault::Unsupported(status),
            status,
            reason,
            headers: header.into_iter().collect(),
        }
    }
}

/// A refusal, unless nothing may be answered to an ACK (RFC 3261 §17), or no Via says where to.
fn refuse(request: Request, objection: Objection) -> Admission {
    if *request.method() == Method::Ack || request.headers().via().is_err() {
        return Admission::Dropped(objection.fault);
    }
    let Objection {
        status,
        reason,
        headers,
        ..
    } = objection;
    Admission::Refused(Refusal {
        request,
        status,
        reason,
        headers,
    })
}

/// RFC 3261 §8.1.3.3: a user agent drops responses with more than one Via.
fn response_essentials(response: &Response) -> Result<Essentials, Fault> {
    let headers = response.headers();
    let essentials = essentials(headers)?;
    if headers.elements(Name::Via).nth(1).is_some() {
        return Err(Fault::Repeated(Name::Via));
    }
    Ok(essentials)
}

fn essentials(headers: &crate::message::Headers) -> Result<Essentials, Fault> {
    let via = headers.via()?;
    for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
        if headers.count(name) > 1 {
            return Err(Fault::Repeated(name));
        }
    }
    let (from, to, cseq) = (headers.from()?, headers.to()?, headers.cseq());
    headers.call_id()?;
    // A tag that is there but cannot be read could match no dialog, or the wrong one.
    for (name, address) in [(Name::From, &from), (Name::To, &to)] {
        if address.has_unreadable_tag() {
            return Err(Fault::Malformed(name));
        }
    }
    Ok(Essentials {
        via,
        from,
        to,
        cseq: cseq?,
    })
}

fn check_request(request: &Request, rules: &Rules) -> Result<Essentials, Objection> {
    let headers = request.headers();
    let essentials = essentials(headers)?;
    let method = request.method();
    if matches!(method, Method::Other(_)) {
        return Err(Objection::new(
            StatusCode::NOT_IMPLEMENTED,
            Some((Name::Allow, rules.allow())),
        ));
    }
    if essentials.cseq.method != *method {
        return Err(Fault::MethodMismatch.into());
    }
    check_values(request, &essentials, rules)?;
    check_uri(request)?;
    check_contacts(request, &essentials)?;
    if *method == Method::Register && !matches!(essentials.to.uri().scheme(), Scheme::Sip | Scheme::Sips) {
        // The address of record is a SIP or SIPS URI (RFC 3261 §10.2).
        return Err(Fault::Malformed(Name::To).into());
    }
    if !rules.methods.contains(method) {
        return Err(Objection::new(
            StatusCode::METHOD_NOT_ALLOWED,
            Some((Name::Allow, rules.allow())),
        ));
    }
    if !matches!(method, Method::Ack | Method::Cancel) {
        check_require(request, rules)?;
    }
    if matches!(method, Method::Invite | Method::Update | Method::Prack) {
        check_body(request, rules)?;
    }
    if *method == Method::Invite {
        check_accept(request)?;
    }
    Ok(essentials)
}

/// Every Via, Route and Record-Route, and the headers of which one value may stand.
fn check_values(request: &Request, essentials: &Essentials, rules: &Rules) -> Result<(), Fault> {
    let headers = request.headers();
    let most = rules.limits.values;
    for (i, via) in headers.vias().enumerate() {
        via?;
        if i == most {
            return Err(Fault::TooManyHeaders);
        }
    }
    for (i, route) in headers.routes().chain(headers.record_routes()).enumerate() {
        route?;
        if i == most {
            return Err(Fault::TooManyHeaders);
        }
    }
    for name in [Name::MaxForwards, Name::ContentType] {
        if headers.count(name) > 1 {
            return Err(Fault::Repeated(name));
        }
    }
    // 0 is no fault: the request has arrived, and only a proxy would answer 483 (RFC 3261 §16.3).
    headers.max_forwards()?;
    // Only RFC 2543 peers, whose branches lack the cookie, may leave the tag of From away.
    if essentials.from.tag().is_none() && essentials.via.has_unique_branch() {
        return Err(Fault::Malformed(Name::From));
    }
    Ok(())
}

/// RFC 3261 §8.2.2.1. Headers may not stand in a Request-URI (§19.1.1).
fn check_uri(request: &Request) -> Result<(), Objection> {
    let uri = request.uri()?;
    if uri.scheme() == Scheme::Other {
        return Err(Objection::new(StatusCode::UNSUPPORTED_URI_SCHEME, None));
    }
    if uri.headers().next().is_some() {
        return Err(Fault::RequestUri.into());
    }
    Ok(())
}

/// Contacts are well-formed; `*` stands in REGISTER alone; an INVITE that can set up a dialog has one (RFC 3261 §8.1.1.8).
fn check_contacts(request: &Request, essentials: &Essentials) -> Result<(), Fault> {
    let mut found = 0;
    for contact in request.headers().contacts() {
        match contact? {
            Contact::All if *request.method() != Method::Register => return Err(Fault::Malformed(Name::Contact)),
            Contact::All | Contact::Address(_) => found += 1,
        }
    }
    if *request.method() == Method::Invite && essentials.via.has_unique_branch() && found != 1 {
        return Err(if found == 0 {
            Fault::Missing(Name::Contact)
        } else {
            Fault::Repeated(Name::Contact)
        });
    }
    Ok(())
}

/// RFC 3261 §8.2.2.3.
fn check_require(request: &Request, rules: &Rules) -> Result<(), Objection> {
    let unknown: Vec<Cow<'_, str>> = request
        .headers()
        .elements(Name::Require)
        .filter(|tag| {
            !rules
                .extensions
                .iter()
                .any(|known| tag.eq_ignore_ascii_case(known.as_bytes()))
        })
        .map(crate::message::text)
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Objection::new(
        StatusCode::BAD_EXTENSION,
        Some((Name::Unsupported, unknown.join(", "))),
    ))
}

/// RFC 3261 §8.2.3: what is not understood and not optional is refused.
fn check_body(request: &Request, rules: &Rules) -> Result<(), Objection> {
    let body = request.body();
    if body.is_empty() {
        return Ok(());
    }
    let headers = request.headers();
    let is_encoded = headers
        .elements(Name::ContentEncoding)
        .any(|coding| !coding.eq_ignore_ascii_case(b"identity"));
    if is_encoded {
        let header = (Name::AcceptEncoding, "identity".to_owned());
        return Err(Objection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(header)));
    }
    let content_type = headers.content_type().ok_or(Fault::Missing(Name::ContentType))?;
    let is_optional = headers
        .first(Name::ContentDisposition)
        .is_some_and(multipart::is_optional);
    let is_known = rules.bodies.iter().any(|wanted| headers.has_content_type(wanted))
        || multipart::find(content_type, &body, &rules.bodies, rules.limits.nesting).is_some();
    if is_known || is_optional {
        return Ok(());
    }
    Err(Objection::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Some((Name::Accept, rules.bodies.join(", "))),
    ))
}

/// The answer to an INVITE is SDP; a caller that will not accept it cannot be served (RFC 3261 §21.4.7, RFC 4475 §3.3.15).
fn check_accept(request: &Request) -> Result<(), Objection> {
    let headers = request.headers();
    let is_acceptable = !headers.contains(Name::Accept)
        || headers.elements(Name::Accept).any(|range| {
            ["application/sdp", "application/*", "*/*"]
                .iter()
                .any(|wanted| crate::message::media_type_is(range, wanted))
        });
    if is_acceptable {
        return Ok(());
    }
    Err(Objection::new(
        StatusCode::NOT_ACCEPTABLE,
        Some((Name::Accept, "application/sdp".to_owned())),
    ))
}
