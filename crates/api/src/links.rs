//! Personal links: who holds one may see what the directory knows of one person, and subscribe or unsubscribe them,
//! without an account (R24). Nothing is kept but one key: a link is the person's id and its end, under a seal.

use std::path::Path;

use directory::RecipientId;
use hmac::{Hmac, Mac};
use rand::RngCore;
use sha2::Sha256;

use crate::ServeError;
use crate::sessions::hex;
use crate::store;

/// Days for which a link is good.
pub(crate) const DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 3600 * 1000;
/// Bytes of the seal that a link carries: nobody guesses 16 bytes.
const SEAL: usize = 16;

/// Makes and reads links.
pub(crate) struct Links {
    key: [u8; 32],
}

impl Links {
    /// Reads the key; makes it at the first start. Deleting the file ends all links.
    pub(crate) fn open(path: &Path) -> Result<Links, ServeError> {
        let file = |source| ServeError::File {
            path: path.to_owned(),
            source,
        };
        match std::fs::read(path) {
            Ok(bytes) => {
                let key = bytes.try_into().map_err(|_| ServeError::Damaged {
                    path: path.to_owned(),
                    line: 1,
                    reason: "the key must have 32 bytes".into(),
                })?;
                Ok(Links { key })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut key = [0; 32];
                rand::rng().fill_bytes(&mut key);
                store::replace(path, &key).map_err(|error| file(error.source))?;
                Ok(Links { key })
            }
            Err(error) => Err(file(error)),
        }
    }

    fn seal(&self, body: &str) -> String {
        // A key of any length will do for HMAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return String::new();
        };
        mac.update(b"personal link\0");
        mac.update(body.as_bytes());
        hex(&mac.finalize().into_bytes()[..SEAL])
    }

    /// A link's token, and when it ends in milliseconds since 1970 UTC.
    pub(crate) fn make(&self, id: RecipientId, now_ms: i64) -> (String, i64) {
        let end_ms = now_ms + DAYS * DAY_MS;
        let body = format!("{:x}-{end_ms:x}", id.0);
        (format!("{body}-{}", self.seal(&body)), end_ms)
    }

    /// Whose link this is, if it is one of ours and has not ended.
    pub(crate) fn read(&self, token: &str, now_ms: i64) -> Option<RecipientId> {
        let (body, seal) = token.rsplit_once('-')?;
        if !crate::sessions::same(seal, &self.seal(body)) {
            return None;
        }
        let (id, end_ms) = body.split_once('-')?;
        let end_ms = i64::from_str_radix(end_ms, 16).ok()?;
        (now_ms < end_ms).then(|| u64::from_str_radix(id, 16).ok().map(RecipientId))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_one_person_for_a_while_and_cannot_be_forged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("links.key");
        let links = Links::open(&path).unwrap();
        let (token, end_ms) = links.make(RecipientId(12), 1_000);
        assert_eq!(links.read(&token, end_ms - 1), Some(RecipientId(12)));
        assert_eq!(links.read(&token, end_ms), None, "it has ended");
        let (body, seal) = token.rsplit_once('-').unwrap();
        for forged in [
            format!("d-{}", &token[2..]),
            format!("{body}-"),
            format!("{body}0-{seal}"),
            token.to_uppercase(),
            String::new(),
            "-".into(),
            "--".into(),
        ] {
            assert_eq!(links.read(&forged, 1_000), None, "{forged}");
        }
        assert_eq!(
            Links::open(&path).unwrap().read(&token, 1_000),
            Some(RecipientId(12)),
            "the key is kept"
        );
        let other = Links::open(&folder.path().join("other.key")).unwrap();
        assert_eq!(other.read(&token, 1_000), None);
        std::fs::write(&path, b"short").unwrap();
        assert!(Links::open(&path).is_err());
    }
}
