//! Contact, which is an address or `*` (RFC 3261 §20.10).

use bytes::Bytes;

use super::Name;
use super::fault::Fault;
use super::name_addr::NameAddr;

/// One value of Contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// `*`: all bindings, in a REGISTER that removes them.
    All,
    /// An address.
    Address(NameAddr),
}

impl Contact {
    /// Reads one value.
    ///
    /// # Errors
    /// [`Fault::Malformed`]`(Name::Contact)`.
    pub fn parse(raw: Bytes) -> Result<Contact, Fault> {
        if raw.as_ref() == b"*" {
            return Ok(Contact::All);
        }
        NameAddr::parse(raw)
            .map(Contact::Address)
            .map_err(|_| Fault::Malformed(Name::Contact))
    }
}
