//! Typed access to the header fields that the stack itself reads. Nothing is parsed before it is asked for.

use bytes::Bytes;

use super::auth::{Challenge, Credentials};
use super::contact::Contact;
use super::cseq::{CSeq, RAck};
use super::fault::Fault;
use super::headers::Headers;
use super::lexer;
use super::name::Name;
use super::name_addr::NameAddr;
use super::via::Via;

impl Headers {
    /// The first Via: who sent the message, or for whom the response is.
    ///
    /// # Errors
    /// [`Fault::Missing`] or [`Fault::Malformed`].
    pub fn via(&self) -> Result<Via, Fault> {
        self.vias().next().unwrap_or(Err(Fault::Missing(Name::Via)))
    }

    /// All Vias, the last hop first.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via, Fault>> {
        self.element_bytes(Name::Via).map(Via::parse)
    }

    /// From.
    ///
    /// # Errors
    /// [`Fault::Missing`] or [`Fault::Malformed`].
    pub fn from(&self) -> Result<NameAddr, Fault> {
        self.address(Name::From)
    }

    /// To.
    ///
    /// # Errors
    /// [`Fault::Missing`] or [`Fault::Malformed`].
    pub fn to(&self) -> Result<NameAddr, Fault> {
        self.address(Name::To)
    }

    /// Call-ID.
    ///
    /// # Errors
    /// [`Fault::Missing`] or [`Fault::Malformed`].
    pub fn call_id(&self) -> Result<&str, Fault> {
        let value = self.first(Name::CallId).ok_or(Fault::Missing(Name::CallId))?;
        if value.is_empty() || !value.iter().all(|&c| lexer::is_word(c) || c == b'@') {
            return Err(Fault::Malformed(Name::CallId));
        }
        Ok(lexer::ascii(value))
    }

    /// CSeq.
    ///
    /// # Errors
    /// [`Fault::Missing`] or [`Fault::Malformed`].
    pub fn cseq(&self) -> Result<CSeq, Fault> {
        CSeq::parse(&self.first_bytes(Name::CSeq).ok_or(Fault::Missing(Name::CSeq))?)
    }

    /// RAck of a PRACK (RFC 3262).
    ///
    /// # Errors
    /// [`Fault::Missing`] or [`Fault::Malformed`].
    pub fn rack(&self) -> Result<RAck, Fault> {
        RAck::parse(&self.first_bytes(Name::RAck).ok_or(Fault::Missing(Name::RAck))?)
    }

    /// All values of Contact.
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact, Fault>> {
        self.element_bytes(Name::Contact).map(Contact::parse)
    }

    /// The first Contact that is an address: the remote target of a dialog.
    ///
    /// # Errors
    /// [`Fault::Missing`] or [`Fault::Malformed`].
    pub fn contact(&self) -> Result<NameAddr, Fault> {
        match self.contacts().next() {
            Some(Ok(Contact::Address(address))) => Ok(address),
            Some(Ok(Contact::All)) => Err(Fault::Malformed(Name::Contact)),
            Some(Err(fault)) => Err(fault),
            None => Err(Fault::Missing(Name::Contact)),
        }
    }

    /// All values of Route, the next hop first.
    pub fn routes(&self) -> impl Iterator<Item = Result<NameAddr, Fault>> {
        self.addresses(Name::Route)
    }

    /// All values of Record-Route, as they stand in the message.
    pub fn record_routes(&self) -> impl Iterator<Item = Result<NameAddr, Fault>> {
        self.addresses(Name::RecordRoute)
    }

    /// All values of a header whose values are addresses, such as P-Asserted-Identity, Diversion or Path.
    pub fn addresses(&self, name: Name) -> impl Iterator<Item = Result<NameAddr, Fault>> {
        self.element_bytes(name)
            .map(move |raw| NameAddr::parse(raw).map_err(|_| Fault::Malformed(name)))
    }

    /// The single value of a header whose value is an address.
    ///
    /// # Errors
    /// [`Fault::Missing`] or [`Fault::Malformed`].
    pub fn address(&self, name: Name) -> Result<NameAddr, Fault> {
        let value = self.first_bytes(name).ok_or(Fault::Missing(name))?;
        NameAddr::parse(value).map_err(|_| Fault::Malformed(name))
    }

    /// Max-Forwards, 0 to 255; `None` if it does not stand.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn max_forwards(&self) -> Result<Option<u8>, Fault> {
        Ok(self.integer(Name::MaxForwards, 255)?.map(|n| n as u8))
    }

    /// Content-Length in bytes; `None` if it does not stand.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn content_length(&self) -> Result<Option<usize>, Fault> {
        Ok(self
            .integer(Name::ContentLength, u64::from(u32::MAX))?
            .map(|n| n as usize))
    }

    /// Content-Type, as on the wire.
    pub fn content_type(&self) -> Option<&[u8]> {
        self.first(Name::ContentType)
    }

    /// Whether Content-Type is `wanted` (`application/sdp`), whatever its parameters and case.
    pub fn has_content_type(&self, wanted: &str) -> bool {
        self.content_type().is_some_and(|value| media_type_is(value, wanted))
    }

    /// A header that is a number of seconds, such as Expires or Min-Expires; parameters and comments after it are ignored, and
    /// numbers too large count as the largest (RFC 3261 §20.19).
    pub fn seconds(&self, name: Name) -> Option<u32> {
        let value = self.first(name)?;
        let digits = &value[..value.iter().position(|c| !c.is_ascii_digit()).unwrap_or(value.len())];
        if digits.is_empty() {
            return None;
        }
        Some(lexer::number(digits, u64::from(u32::MAX)).map_or(u32::MAX, |n| n as u32))
    }

    /// Expires, in seconds.
    pub fn expires(&self) -> Option<u32> {
        self.seconds(Name::Expires)
    }

    /// Retry-After, in seconds (RFC 3261 §20.33).
    pub fn retry_after(&self) -> Option<u32> {
        self.seconds(Name::RetryAfter)
    }

    /// RSeq (RFC 3262 §7.1).
    pub fn rseq(&self) -> Option<u32> {
        self.integer(Name::RSeq, u64::from(u32::MAX))
            .ok()
            .flatten()
            .map(|n| n as u32)
    }

    /// Session-Expires: seconds, and the refresher if it is named (RFC 4028 §4).
    pub fn session_expires(&self) -> Option<(u32, Option<&str>)> {
        let seconds = self.seconds(Name::SessionExpires)?;
        let value = self.first(Name::SessionExpires)?;
        let params = memchr::memchr(b';', value).map_or(&[][..], |at| &value[at..]);
        let refresher = super::params::Params::new(params)
            .get("refresher")
            .flatten()
            .map(lexer::ascii);
        Some((seconds, refresher))
    }

    /// The challenges of `WWW-Authenticate` or `Proxy-Authenticate`, one for each field.
    pub fn challenges(&self, name: Name) -> impl Iterator<Item = Result<Challenge, Fault>> {
        self.field_bytes(name)
            .map(move |raw| Challenge::parse(raw).map_err(|_| Fault::Malformed(name)))
    }

    /// The credentials of `Authorization` or `Proxy-Authorization`, one for each field.
    pub fn credentials(&self, name: Name) -> impl Iterator<Item = Result<Credentials, Fault>> {
        self.field_bytes(name)
            .map(move |raw| Credentials::parse(raw).map_err(|_| Fault::Malformed(name)))
    }

    /// The causes in Reason headers, as `(protocol, cause, text)`: `("Q.850", Some(17), Some("busy"))` (RFC 3326).
    pub fn reasons(&self) -> impl Iterator<Item = (&str, Option<u16>, Option<String>)> {
        self.elements(Name::Reason).map(|value| {
            let end = memchr::memchr(b';', value).unwrap_or(value.len());
            let params = super::params::Params::new(&value[end..]);
            let cause = params
                .clone()
                .get("cause")
                .flatten()
                .and_then(|v| lexer::number(v, 999))
                .map(|n| n as u16);
            let text = params
                .get("text")
                .flatten()
                .map(|v| super::text(&lexer::unquote(v)).into_owned());
            (lexer::ascii(lexer::trim(&value[..end])), cause, text)
        })
    }

    fn field_bytes(&self, name: Name) -> impl Iterator<Item = Bytes> {
        self.all(name).map(|value| self.raw.slice_ref(value))
    }

    fn integer(&self, name: Name, max: u64) -> Result<Option<u64>, Fault> {
        match self.first(name) {
            None => Ok(None),
            Some(value) => lexer::number(value, max).map(Some).ok_or(Fault::Malformed(name)),
        }
    }
}

/// Whether the media type in `value` is `wanted`: `type/subtype` without case, white space around the slash allowed.
pub(crate) fn media_type_is(value: &[u8], wanted: &str) -> bool {
    let Some((kind, subtype)) = wanted.split_once('/') else {
        return false;
    };
    let mut cursor = lexer::Cursor::new(value);
    let is = |text: Option<&[u8]>, wanted: &str| text.is_some_and(|t| t.eq_ignore_ascii_case(wanted.as_bytes()));
    if !is(cursor.token(), kind) || !cursor.separator(b'/') || !is(cursor.token(), subtype) {
        return false;
    }
    cursor.space();
    matches!(cursor.peek(), None | Some(b';' | b','))
}
