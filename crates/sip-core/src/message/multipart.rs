//! Bodies of several parts (RFC 2046 §5.1, RFC 5621), read as far as an SDP is looked for in them.

use bytes::Bytes;

use super::lexer;
use super::params::Params;
use super::typed::media_type_is;

/// The first part whose type is among `wanted`, in a body of type `multipart/…`; parts that are multipart themselves are
/// searched `nesting` levels deep. `None` also if the body is not multipart or is malformed.
pub fn find(content_type: &[u8], body: &Bytes, wanted: &[&str], nesting: usize) -> Option<Bytes> {
    let nesting = nesting.checked_sub(1)?;
    let kind = content_type.iter().take(10).map(u8::to_ascii_lowercase);
    if !kind.eq(*b"multipart/") {
        return None;
    }
    let params = memchr::memchr(b';', content_type).map_or(&[][..], |at| &content_type[at..]);
    let boundary = lexer::unquote(Params::new(params).get("boundary").flatten()?);
    // RFC 2046 §5.1.1: 1 to 70 characters.
    if boundary.is_empty() || boundary.len() > 70 {
        return None;
    }
    parts(body, &boundary).find_map(|(part_type, part)| {
        if wanted.iter().any(|wanted| media_type_is(&part_type, wanted)) {
            return Some(part);
        }
        find(&part_type, &part, wanted, nesting)
    })
}

/// Whether a Content-Disposition says `handling=optional`: the body may be ignored (RFC 3261 §20.11).
pub fn is_optional(disposition: &[u8]) -> bool {
    let params = memchr::memchr(b';', disposition).map_or(&[][..], |at| &disposition[at..]);
    Params::new(params)
        .get("handling")
        .flatten()
        .is_some_and(|value| value.eq_ignore_ascii_case(b"optional"))
}

/// The parts of a body, as Content-Type (empty if it has none) and content.
fn parts<'a>(body: &'a Bytes, boundary: &'a [u8]) -> impl Iterator<Item = (Bytes, Bytes)> + 'a {
    let mut next = delimiter(body, boundary, 0);
    std::iter::from_fn(move || {
        let (_, start, is_last) = next?;
        if is_last {
            return None;
        }
        next = delimiter(body, boundary, start);
        let (end, ..) = next?;
        Some(part(&body.slice(start..end.max(start))))
    })
}

/// The next delimiter line from `from` on: where the content before it ends, where the line after it begins, and whether it is
/// the closing one.
fn delimiter(body: &[u8], boundary: &[u8], from: usize) -> Option<(usize, usize, bool)> {
    let mut line = from;
    loop {
        let rest = body.get(line..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        if let Some(after) = rest[..length]
            .strip_prefix(b"--")
            .and_then(|text| text.strip_prefix(boundary))
        {
            let is_last = after.starts_with(b"--");
            let tail = if is_last { &after[2..] } else { after };
            if tail.iter().all(|&c| lexer::is_space(c)) {
                // The line break before a delimiter belongs to the delimiter.
                let before = &body[from..line];
                let content = before
                    .strip_suffix(b"\r\n")
                    .or(before.strip_suffix(b"\n"))
                    .unwrap_or(before);
                return Some((from + content.len(), line + length, is_last));
            }
        }
        line += length;
    }
}

/// Content-Type and content of one part.
fn part(bytes: &Bytes) -> (Bytes, Bytes) {
    let mut content_type = Bytes::new();
    let mut at = 0;
    while let Some(length) = memchr::memchr(b'\n', &bytes[at..]) {
        let line = lexer::trim(&bytes[at..at + length]);
        at += length + 1;
        if line.is_empty() {
            return (content_type, bytes.slice(at..));
        }
        if let Some(colon) = memchr::memchr(b':', line) {
            let name = lexer::trim(&line[..colon]);
            if name.eq_ignore_ascii_case(b"Content-Type") || name.eq_ignore_ascii_case(b"c") {
                content_type = bytes.slice_ref(lexer::trim(&line[colon + 1..]));
            }
        }
    }
    (content_type, Bytes::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "preamble\r\n--b1\r\nContent-Type: application/isup;version=itu-t92+\r\n\r\n\x01\x02\r\n--b1  \r\n\
        Content-Type: multipart/alternative; boundary=\"b 2\"\r\n\r\n--b 2\r\ncontent-type : Application/SDP\r\n\r\nv=0\r\n\r\n--b 2--\r\n\
        --b1--\r\nepilogue";

    #[test]
    fn an_offer_is_found_among_parts_and_parts_of_parts() {
        let body = Bytes::from(BODY);
        let found = find(b"Multipart/Mixed ; boundary=b1", &body, &["application/sdp"], 4);
        assert_eq!(found.as_deref(), Some(&b"v=0\r\n"[..]));
        assert_eq!(
            find(b"multipart/mixed;boundary=b1", &body, &["application/sdp"], 1),
            None
        );
        assert_eq!(find(b"multipart/mixed;boundary=b1", &body, &["text/plain"], 4), None);
        assert_eq!(find(b"multipart/mixed", &body, &["application/sdp"], 4), None);
        assert_eq!(find(b"application/sdp", &body, &["application/sdp"], 4), None);
    }

    #[test]
    fn broken_bodies_hold_nothing() {
        for body in [
            "",
            "--b1",
            "--b1\r\n",
            "--b1\r\nContent-Type: application/sdp",
            "--b1\r\n\r\n--b1--",
        ] {
            let found = find(
                b"multipart/mixed;boundary=b1",
                &Bytes::from(body),
                &["application/sdp"],
                4,
            );
            assert_eq!(found, None, "{body:?}");
        }
    }
}
