//! Takes secrets out of a message that is shown: what proves a password, what decrypts the sound, what was typed.
//!
//! Every character that is taken out is replaced by one `x`, so that lengths, and with them the message, stay right.

/// Parameters of Authorization and Proxy-Authorization that help to guess a password.
const PROOFS: [&[u8]; 3] = [b"response=", b"cnonce=", b"nextnonce="];

/// The message without its secrets: digests (RFC 7616), SRTP keys (RFC 4568), keys that were pressed (INFO).
#[must_use]
pub fn redact(message: &[u8]) -> Vec<u8> {
    let mut out = message.to_vec();
    let mut start = 0;
    let mut is_body = false;
    let mut is_secret = false;
    while start < out.len() {
        let end = out[start..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(out.len(), |length| start + length + 1);
        let line = &mut out[start..end];
        if is_body {
            redact_body(line);
        } else if line.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            is_body = true;
        } else {
            // A folded line belongs to the header before it (RFC 3261 §7.3.1).
            if !matches!(line[0], b' ' | b'\t') {
                is_secret = is_authorization(line);
            }
            if is_secret {
                for proof in PROOFS {
                    hide_value(line, proof);
                }
            }
        }
        start = end;
    }
    out
}

fn is_authorization(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let name = name.trim_ascii();
    [&b"authorization"[..], b"proxy-authorization", b"authentication-info"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

fn redact_body(line: &mut [u8]) {
    let lower = line.to_ascii_lowercase();
    if lower.starts_with(b"a=crypto:") {
        if let Some(at) = find(&lower, b"inline:") {
            hide(&mut line[at + 7..], |byte| !matches!(byte, b'|' | b' ' | b'\r' | b'\n'));
        }
    } else if lower.starts_with(b"signal") {
        if let Some(at) = lower.iter().position(|byte| *byte == b'=') {
            hide(&mut line[at + 1..], |byte| !matches!(byte, b'\r' | b'\n'));
        }
    } else if lower.trim_ascii().len() <= 2 {
        // The body of application/dtmf is the key alone.
        hide(line, |byte| !matches!(byte, b'\r' | b'\n'));
    }
}

/// Hides the value after each `name`, in quotes or without.
fn hide_value(line: &mut [u8], name: &[u8]) {
    let lower = line.to_ascii_lowercase();
    let mut from = 0;
    while let Some(at) = find(&lower[from..], name) {
        let begins = from == 0 && at == 0 || !lower[from + at - 1].is_ascii_alphanumeric();
        from += at + name.len();
        if !begins {
            continue;
        }
        if line.get(from) == Some(&b'"') {
            from += 1;
            hide(&mut line[from..], |byte| !matches!(byte, b'"' | b'\r' | b'\n'));
        } else {
            hide(&mut line[from..], |byte| !matches!(byte, b',' | b' ' | b'\r' | b'\n'));
        }
    }
}

fn hide(bytes: &mut [u8], is_secret: impl Fn(u8) -> bool) {
    for byte in bytes {
        if !is_secret(*byte) {
            return;
        }
        *byte = b'x';
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &str) -> String {
        String::from_utf8(redact(message.as_bytes())).unwrap()
    }

    #[test]
    fn what_proves_a_password_is_hidden_and_the_rest_stays() {
        let message = "REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username=\"crise\", nonce=\"n1\", cnonce=\"0a4f\",\r\n \
                       response=\"8f4e\", opaque=\"response=\"\r\nX-Note: response=\"kept\"\r\n\r\n";
        let shown = text(message);
        assert_eq!(shown.len(), message.len());
        for kept in ["username=\"crise\"", "nonce=\"n1\"", "X-Note: response=\"kept\""] {
            assert!(shown.contains(kept), "{shown}");
        }
        for hidden in ["0a4f", "8f4e"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        assert!(
            text("INVITE a SIP/2.0\r\nproxy-authorization : Digest response=8f4e,qop=auth\r\n\r\n")
                .contains("response=xxxx,qop")
        );
    }

    #[test]
    fn keys_of_media_and_of_telephones_are_hidden() {
        let shown =
            text("INVITE a SIP/2.0\r\n\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^31\r\nm=audio 1\r\n");
        assert!(shown.contains("inline:xxxxxxxx|2^31\r\nm=audio 1"), "{shown}");
        let shown = text("INFO a SIP/2.0\r\n\r\nSignal=5\r\nDuration=160\r\n");
        assert!(shown.ends_with("Signal=x\r\nDuration=160\r\n"), "{shown}");
        assert!(text("INFO a SIP/2.0\r\n\r\n7").ends_with("\r\n\r\nx"));
    }

    #[test]
    fn nothing_breaks_it() {
        for bytes in [
            &b""[..],
            b"\r\n",
            b"\n\n\n",
            b"Authorization",
            b"a\r\nAuthorization: response=",
            b" \xff\r\n\r\na=crypto:",
        ] {
            assert_eq!(redact(bytes).len(), bytes.len());
        }
    }
}
