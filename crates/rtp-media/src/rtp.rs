//! RTP packets on the wire (RFC 3550 §5.1), and what their reception tells ([`Reception`]).

mod reception;

pub use reception::{Admission, Reception};

/// The fixed header, without CSRCs and extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// First packet of a talk spurt (RFC 3551 §4.1), or of an event (RFC 4733 §2.5.1.1).
    pub marker: bool,
    /// 0..=127.
    pub payload_type: u8,
    /// Goes up by one with each packet.
    pub sequence: u16,
    /// Sampling instant of the first sample, in clock units.
    pub timestamp: u32,
    /// Who sends.
    pub ssrc: u32,
}

/// A received packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fixed header.
    pub header: Header,
    /// Without CSRCs, extension and padding; may be empty.
    pub payload: &'a [u8],
}

/// Why a datagram is not RTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Shorter than the header, CSRCs, extension or padding that it announces.
    #[error("the RTP packet is cut short")]
    Short,
    /// Another version than 2: STUN, T.38 or garbage.
    #[error("not RTP version 2")]
    Version,
    /// The padding length is zero.
    #[error("the RTP padding is wrong")]
    Padding,
}

/// Length of a header without CSRCs and extension.
pub const HEADER_LEN: usize = 12;

impl Header {
    /// The twelve bytes of a packet without CSRCs, extension and padding.
    pub fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [i0, i1, i2, i3] = self.ssrc.to_be_bytes();
        let second = (u8::from(self.marker) << 7) | (self.payload_type & 0x7f);
        [0x80, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3]
    }
}

impl<'a> Packet<'a> {
    /// Reads a datagram. CSRCs, the extension and padding are skipped.
    pub fn parse(bytes: &'a [u8]) -> Result<Packet<'a>, ParseError> {
        let (fixed, mut rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(ParseError::Short)?;
        let [flags, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = *fixed;
        if flags >> 6 != 2 {
            return Err(ParseError::Version);
        }
        let csrcs = usize::from(flags & 0x0f) * 4;
        rest = rest.get(csrcs..).ok_or(ParseError::Short)?;
        if flags & 0x10 != 0 {
            let ([_, _, l0, l1], after) = rest.split_first_chunk::<4>().ok_or(ParseError::Short)?;
            let words = usize::from(u16::from_be_bytes([*l0, *l1]));
            rest = after.get(words * 4..).ok_or(ParseError::Short)?;
        }
        if flags & 0x20 != 0 {
            let padding = usize::from(*rest.last().ok_or(ParseError::Short)?);
            if padding == 0 {
                return Err(ParseError::Padding);
            }
            rest = rest.get(..rest.len().wrapping_sub(padding)).ok_or(ParseError::Short)?;
        }
        Ok(Packet {
            header: Header {
                marker: second & 0x80 != 0,
                payload_type: second & 0x7f,
                sequence: u16::from_be_bytes([s0, s1]),
                timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
                ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            },
            payload: rest,
        })
    }
}

/// Is this RTCP rather than RTP, on a port that carries both (RFC 5761 §4)?
pub fn is_rtcp(bytes: &[u8]) -> bool {
    bytes.len() >= 8 && bytes[0] >> 6 == 2 && (192..=223).contains(&bytes[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: [u8; 12] = [0x80, 0x88, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef];

    fn with(first: u8, tail: &[u8]) -> Vec<u8> {
        let mut bytes = PLAIN.to_vec();
        bytes[0] = first;
        bytes.extend_from_slice(tail);
        bytes
    }

    #[test]
    fn payloads_are_found_behind_everything_that_may_precede_them() {
        type Case = (&'static str, Vec<u8>, Result<&'static [u8], ParseError>);
        let cases: [Case; 12] = [
            ("plain", with(0x80, b"abc"), Ok(b"abc")),
            ("empty payload", with(0x80, b""), Ok(b"")),
            ("two CSRCs", with(0x82, b"11112222abc"), Ok(b"abc")),
            ("CSRCs cut short", with(0x83, b"11112222abc"), Err(ParseError::Short)),
            (
                "extension of one word",
                with(0x90, b"\xbe\xde\0\x01wwwwabc"),
                Ok(b"abc"),
            ),
            ("empty extension", with(0x90, b"\xbe\xde\0\0abc"), Ok(b"abc")),
            (
                "extension cut short",
                with(0x90, b"\xbe\xde\xff\xffabc"),
                Err(ParseError::Short),
            ),
            ("padding", with(0xa0, b"abc\0\0\x03"), Ok(b"abc")),
            ("all padding", with(0xa0, b"\0\0\x03"), Ok(b"")),
            (
                "padding longer than the packet",
                with(0xa0, b"abc\xff"),
                Err(ParseError::Short),
            ),
            ("padding of zero", with(0xa0, b"abc\0"), Err(ParseError::Padding)),
            ("version 1", with(0x40, b"abc"), Err(ParseError::Version)),
        ];
        for (name, bytes, expected) in cases {
            assert_eq!(Packet::parse(&bytes).map(|p| p.payload), expected, "{name}");
        }
        assert_eq!(Packet::parse(b""), Err(ParseError::Short));
        assert_eq!(Packet::parse(&PLAIN[..11]), Err(ParseError::Short));
    }

    #[test]
    fn rtcp_is_told_from_rtp_on_a_shared_port() {
        assert!(is_rtcp(&[0x80, 200, 0, 1, 0, 0, 0, 0]));
        assert!(!is_rtcp(&PLAIN));
        assert!(!is_rtcp(&[0x80, 200]));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(marker: bool, payload_type in 0u8..128, sequence: u16, timestamp: u32, ssrc: u32) {
            let header = Header { marker, payload_type, sequence, timestamp, ssrc };
            let bytes = header.to_bytes();
            prop_assert_eq!(Packet::parse(&bytes), Ok(Packet { header, payload: &[] }));
        }

        #[test]
        fn no_datagram_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Packet::parse(&bytes);
        }
    }
}
