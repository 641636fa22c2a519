//! Names of header fields, long and compact.

use std::fmt;

macro_rules! names {
    ($($variant:ident = $text:literal $(/ $compact:literal)?,)*) => {
        /// A header field name that the stack knows, or [`Name::Other`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Name {
            /// A name that the stack has no use for; its text is kept in the message.
            Other,
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        const NAMES: &[Name] = &[Name::Other, $(Name::$variant,)*];
        const TEXTS: &[&str] = &["", $($text,)*];
        const SPELLINGS: &[(&str, Name)] = &[$(($text, Name::$variant), $(($compact, Name::$variant),)?)*];
    };
}

names! {
    Via = "Via" / "v",
    From = "From" / "f",
    To = "To" / "t",
    CallId = "Call-ID" / "i",
    CSeq = "CSeq",
    Contact = "Contact" / "m",
    Route = "Route",
    RecordRoute = "Record-Route",
    MaxForwards = "Max-Forwards",
    ContentLength = "Content-Length" / "l",
    ContentType = "Content-Type" / "c",
    ContentEncoding = "Content-Encoding" / "e",
    ContentDisposition = "Content-Disposition",
    ContentLanguage = "Content-Language",
    MimeVersion = "MIME-Version",
    Allow = "Allow",
    AllowEvents = "Allow-Events" / "u",
    Supported = "Supported" / "k",
    Require = "Require",
    ProxyRequire = "Proxy-Require",
    Unsupported = "Unsupported",
    Accept = "Accept",
    AcceptEncoding = "Accept-Encoding",
    AcceptLanguage = "Accept-Language",
    AcceptContact = "Accept-Contact" / "a",
    RejectContact = "Reject-Contact" / "j",
    RequestDisposition = "Request-Disposition" / "d",
    Expires = "Expires",
    MinExpires = "Min-Expires",
    SessionExpires = "Session-Expires" / "x",
    MinSe = "Min-SE",
    RSeq = "RSeq",
    RAck = "RAck",
    RetryAfter = "Retry-After",
    Reason = "Reason",
    WwwAuthenticate = "WWW-Authenticate",
    Authorization = "Authorization",
    ProxyAuthenticate = "Proxy-Authenticate",
    ProxyAuthorization = "Proxy-Authorization",
    AuthenticationInfo = "Authentication-Info",
    ProxyAuthenticationInfo = "Proxy-Authentication-Info",
    Date = "Date",
    Timestamp = "Timestamp",
    Subject = "Subject" / "s",
    Server = "Server",
    UserAgent = "User-Agent",
    Organization = "Organization",
    Warning = "Warning",
    Priority = "Priority",
    Event = "Event" / "o",
    SubscriptionState = "Subscription-State",
    ReferTo = "Refer-To" / "r",
    ReferredBy = "Referred-By" / "b",
    Replaces = "Replaces",
    Join = "Join",
    ReplyTo = "Reply-To",
    InReplyTo = "In-Reply-To",
    CallInfo = "Call-Info",
    AlertInfo = "Alert-Info",
    ErrorInfo = "Error-Info",
    PAssertedIdentity = "P-Asserted-Identity",
    PPreferredIdentity = "P-Preferred-Identity",
    PEarlyMedia = "P-Early-Media",
    PCalledPartyId = "P-Called-Party-ID",
    PAccessNetworkInfo = "P-Access-Network-Info",
    PChargingVector = "P-Charging-Vector",
    RemotePartyId = "Remote-Party-ID",
    Privacy = "Privacy",
    Diversion = "Diversion",
    HistoryInfo = "History-Info",
    Identity = "Identity" / "y",
    IdentityInfo = "Identity-Info" / "n",
    Path = "Path",
    ServiceRoute = "Service-Route",
    FlowTimer = "Flow-Timer",
    UserToUser = "User-to-User",
    SipEtag = "SIP-ETag",
    SipIfMatch = "SIP-If-Match",
    SecurityClient = "Security-Client",
    SecurityServer = "Security-Server",
    SecurityVerify = "Security-Verify",
    Hide = "Hide",
    Encryption = "Encryption",
    ResponseKey = "Response-Key",
}

/// Open-addressed table from a spelling's hash to its place in `SPELLINGS`, plus one; 0 is empty.
const TABLE: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut i = 0;
    while i < SPELLINGS.len() {
        let mut slot = hash(SPELLINGS[i].0.as_bytes());
        while table[slot] != 0 {
            slot = (slot + 1) & 255;
        }
        table[slot] = i as u8 + 1;
        i += 1;
    }
    table
};

/// Mixes length, first, middle and last letter, all of them without case.
const fn hash(text: &[u8]) -> usize {
    let len = text.len();
    let first = (text[0] | 0x20) as usize;
    let middle = (text[len / 2] | 0x20) as usize;
    let last = (text[len - 1] | 0x20) as usize;
    (len * 23 + first * 7 + middle * 31 + last * 3) & 255
}

impl Name {
    /// The name that `text` spells, in any case, long or compact.
    pub fn of(text: &[u8]) -> Name {
        if text.is_empty() {
            return Name::Other;
        }
        let mut slot = hash(text);
        loop {
            let entry = TABLE[slot];
            if entry == 0 {
                return Name::Other;
            }
            let (spelling, name) = SPELLINGS[entry as usize - 1];
            // Most peers spell as the RFC does, and equality is cheaper than equality without case.
            let spelling = spelling.as_bytes();
            if spelling == text || spelling.len() == text.len() && spelling.eq_ignore_ascii_case(text) {
                return name;
            }
            slot = (slot + 1) & 255;
        }
    }

    /// The long spelling; empty for [`Name::Other`].
    pub fn text(self) -> &'static str {
        TEXTS[self as usize]
    }

    /// Whether at most one header field of this name, with one value, may stand in a message (RFC 3261 §7.3.1, §20).
    pub fn is_single(self) -> bool {
        use Name::*;
        matches!(
            self,
            From | To
                | CallId
                | CSeq
                | MaxForwards
                | ContentLength
                | ContentType
                | ContentDisposition
                | MimeVersion
                | Expires
                | MinExpires
                | SessionExpires
                | MinSe
                | RSeq
                | RAck
                | RetryAfter
                | Date
                | Timestamp
                | Subject
                | Server
                | UserAgent
                | Organization
                | Priority
                | Event
                | SubscriptionState
                | ReferTo
                | ReferredBy
                | Replaces
                | ReplyTo
                | FlowTimer
        )
    }

    /// All the names that the stack knows.
    pub fn all() -> impl Iterator<Item = Name> {
        NAMES.iter().copied().skip(1)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_found_in_any_case() {
        for &(spelling, name) in SPELLINGS {
            assert_eq!(Name::of(spelling.as_bytes()), name, "{spelling}");
            assert_eq!(Name::of(spelling.to_uppercase().as_bytes()), name, "{spelling}");
            assert_eq!(Name::of(spelling.to_lowercase().as_bytes()), name, "{spelling}");
        }
        assert_eq!(Name::all().count() + 1, TEXTS.len());
    }

    #[test]
    fn other_names_are_other() {
        for text in ["", "X-Custom", "C%6Fntact", "z", "Viaa", "Fro", "NewFangledHeader"] {
            assert_eq!(Name::of(text.as_bytes()), Name::Other, "{text}");
        }
    }
}
