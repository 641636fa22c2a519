//! Cutting a byte stream into messages (RFC 3261 §18.3), and the keep-alives between them (RFC 5626 §3.5.1).

use bytes::{Bytes, BytesMut};

use crate::message::{Fault, Limits, Name};

/// One piece of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A whole message, to be read with [`crate::message::parse_datagram`].
    Message(Bytes),
    /// A double CRLF: the peer wants a single CRLF back.
    Ping,
    /// A message with whose end the stream cannot be trusted any more. If a request can be made out of `head`, it may be answered
    /// with the fault's status; then the connection is closed.
    Broken {
        /// What was read of the message's head.
        head: Bytes,
        /// What is wrong.
        fault: Fault,
    },
}

/// Collects the bytes of one connection. Holds at most one message and what the last read brought after it.
#[derive(Debug)]
pub struct Framer {
    buffer: BytesMut,
    limits: Limits,
    /// Up to where no end of a head has been found.
    searched: usize,
    /// The length of head and body of the message at the front, once its head is complete.
    length: Option<usize>,
    is_broken: bool,
}

impl Framer {
    /// A framer for a new connection.
    pub fn new(limits: Limits) -> Self {
        Framer {
            buffer: BytesMut::new(),
            limits,
            searched: 0,
            length: None,
            is_broken: false,
        }
    }

    /// Takes bytes that were read from the connection. After [`Frame::Broken`] they are ignored.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.is_broken {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Whether [`Frame::Broken`] was met.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// The bytes that wait for the rest of their message.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// The next piece; `None` until more bytes come.
    pub fn poll(&mut self) -> Option<Frame> {
        if self.is_broken {
            return None;
        }
        if self.length.is_none() {
            if self.searched == 0 && self.skip_line_breaks() {
                return Some(Frame::Ping);
            }
            match self.find_head() {
                Ok(length) => self.length = Some(length?),
                Err(fault) => return Some(self.give_up(fault)),
            }
        }
        let length = self.length.filter(|&length| self.buffer.len() >= length)?;
        self.length = None;
        self.searched = 0;
        Some(Frame::Message(self.buffer.split_to(length).freeze()))
    }

    /// Removes line breaks before a message; true after a double CRLF. What may still become one is left to wait, so that it
    /// does not matter where the stream is cut.
    fn skip_line_breaks(&mut self) -> bool {
        loop {
            let length = match self.buffer.as_ref() {
                [b'\r', b'\n', b'\r', b'\n', ..] => {
                    let _ = self.buffer.split_to(4);
                    return true;
                }
                b"\r" | b"\r\n" | b"\r\n\r" => return false,
                [b'\r', b'\n', ..] => 2,
                [b'\r' | b'\n', ..] => 1,
                _ => return false,
            };
            let _ = self.buffer.split_to(length);
        }
    }

    /// The length of the message at the front, if its head is complete.
    fn find_head(&mut self) -> Result<Option<usize>, Fault> {
        let Some(head) = head_end(&self.buffer, self.searched) else {
            self.searched = self.buffer.len().saturating_sub(3);
            return if self.buffer.len() > self.limits.head {
                Err(Fault::TooLarge)
            } else {
                Ok(None)
            };
        };
        if head > self.limits.head {
            return Err(Fault::TooLarge);
        }
        let body = content_length(&self.buffer[..head])?;
        match head.checked_add(body) {
            Some(length) if length <= self.limits.message => Ok(Some(length)),
            _ => Err(Fault::TooLarge),
        }
    }

    fn give_up(&mut self, fault: Fault) -> Frame {
        self.is_broken = true;
        let head = std::mem::take(&mut self.buffer).freeze();
        Frame::Broken { head, fault }
    }
}

/// Where the empty line ends: after `LF CRLF` or `LF LF`.
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', &bytes[from..])
        .map(|at| from + at + 1)
        .find_map(|after| match bytes.get(after..) {
            Some([b'\n', ..]) => Some(after + 1),
            Some([b'\r', b'\n', ..]) => Some(after + 2),
            _ => None,
        })
}

/// Content-Length of a head. It must stand, and once (RFC 3261 §20.14).
fn content_length(head: &[u8]) -> Result<usize, Fault> {
    crate::message::head_content_length(head)?
        .ok_or(Fault::NoLength)
        .map_err(|fault| match fault {
            Fault::Malformed(_) => Fault::Malformed(Name::ContentLength),
            fault => fault,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nl : 3\r\n\r\nabc";

    fn framer() -> Framer {
        Framer::new(Limits {
            message: 200,
            head: 100,
            ..Limits::default()
        })
    }

    fn frames(framer: &mut Framer, bytes: &[u8]) -> Vec<Frame> {
        framer.push(bytes);
        std::iter::from_fn(|| framer.poll()).collect()
    }

    #[test]
    fn a_double_line_break_is_a_ping_and_a_single_one_is_nothing() {
        let mut framer = framer();
        assert_eq!(frames(&mut framer, b"\r\n"), []);
        assert_eq!(frames(&mut framer, b"\r"), []);
        assert_eq!(frames(&mut framer, b"\n"), [Frame::Ping]);
        assert_eq!(frames(&mut framer, b"\r\n"), []);
        let message = Frame::Message(Bytes::from_static(MESSAGE));
        assert_eq!(frames(&mut framer, MESSAGE), std::slice::from_ref(&message));
        let stream = [MESSAGE, b"\r\n\r\n", MESSAGE, MESSAGE].concat();
        assert_eq!(
            frames(&mut framer, &stream),
            [message.clone(), Frame::Ping, message.clone(), message]
        );
        assert_eq!(framer.pending(), 0);
    }

    #[test]
    fn stray_line_breaks_count_the_same_wherever_the_stream_is_cut() {
        let stream = b"\n\r\n\r\n\r\r\n\n\r\n\r\rOPTIONS sip:a SIP/2.0\r\nl: 0\r\n\r\n";
        let message = Frame::Message(Bytes::from_static(&stream[13..]));
        for cut in 1..=stream.len() {
            let mut framer = framer();
            let found: Vec<_> = stream
                .chunks(cut)
                .flat_map(|chunk| frames(&mut framer, chunk))
                .collect();
            assert_eq!(found, [Frame::Ping, message.clone()], "cut every {cut} bytes");
        }
    }

    #[test]
    fn a_stream_whose_messages_cannot_be_told_apart_is_given_up() {
        for (bytes, expected) in [
            (&b"OPTIONS sip:a SIP/2.0\r\n\r\n"[..], Fault::NoLength),
            (
                b"OPTIONS sip:a SIP/2.0\r\nl: x\r\n\r\n",
                Fault::Malformed(Name::ContentLength),
            ),
            (
                b"OPTIONS sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 1\r\n\r\n",
                Fault::Repeated(Name::ContentLength),
            ),
            (b"OPTIONS sip:a SIP/2.0\r\nl: 4294967295\r\n\r\n", Fault::TooLarge),
            (&[b'x'; 101], Fault::TooLarge),
        ] {
            let mut framer = framer();
            match frames(&mut framer, bytes).as_slice() {
                [Frame::Broken { head, fault }] => assert_eq!((&head[..], *fault), (bytes, expected)),
                other => panic!("{other:?}"),
            }
            assert!(framer.is_broken());
            assert_eq!(frames(&mut framer, MESSAGE), [], "nothing follows");
        }
    }
}
