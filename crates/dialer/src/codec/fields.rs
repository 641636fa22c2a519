//! The fields of a record's body: numbers in LEB128, texts with their length.

use super::CodecError;
use crate::{RecipientId, Whom};
use std::time::Duration;

/// Writes fields behind what is there.
pub(crate) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(super) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn millis(&mut self, duration: Duration) {
        self.number(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    }

    /// Whom a record means; returns its tag, which tells the first version of the records from the second.
    pub(super) fn whom(&mut self, whom: Whom, (first, second): (u8, u8)) -> u8 {
        match whom {
            Whom::Recipient(recipient) => {
                self.number(recipient.0);
                first
            }
            Whom::Member(place) => {
                self.number(place.into());
                second
            }
        }
    }

    pub(super) fn json(&mut self, value: &impl serde::Serialize) {
        // Policies and messages are plain structures: they always have a JSON form.
        self.text(&serde_json::to_string(value).unwrap_or_default());
    }
}

/// Reads fields, one after the other.
pub(crate) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes not read yet.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    pub(super) fn bytes(&mut self, count: u64) -> Result<&'a [u8], CodecError> {
        let count = usize::try_from(count).map_err(|_| CodecError::Short)?;
        let (head, tail) = self.0.split_at_checked(count).ok_or(CodecError::Short)?;
        self.0 = tail;
        Ok(head)
    }

    pub(super) fn byte(&mut self) -> Result<u8, CodecError> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    pub(crate) fn number(&mut self) -> Result<u64, CodecError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return Err(CodecError::Field);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(CodecError::Field)
    }

    /// A field that older records may lack.
    pub(super) fn optional(&mut self) -> Result<u64, CodecError> {
        if self.is_empty() { Ok(0) } else { self.number() }
    }

    pub(super) fn small_optional<T: TryFrom<u64>>(&mut self) -> Result<T, CodecError> {
        T::try_from(self.optional()?).map_err(|_| CodecError::Field)
    }

    pub(super) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, CodecError> {
        T::try_from(self.number()?).map_err(|_| CodecError::Field)
    }

    pub(super) fn whom(&mut self, is_first_version: bool) -> Result<Whom, CodecError> {
        Ok(if is_first_version {
            Whom::Recipient(RecipientId(self.number()?))
        } else {
            Whom::Member(self.small()?)
        })
    }

    pub(super) fn text(&mut self) -> Result<String, CodecError> {
        if self.is_empty() {
            return Ok(String::new());
        }
        let length = self.number()?;
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| CodecError::Field)
    }

    pub(super) fn millis(&mut self) -> Result<Duration, CodecError> {
        self.optional().map(Duration::from_millis)
    }

    pub(super) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, CodecError> {
        serde_json::from_str(&self.text()?).map_err(|_| CodecError::Field)
    }

    pub(super) fn flag(&mut self) -> Result<bool, CodecError> {
        self.optional().map(|value| value != 0)
    }
}
