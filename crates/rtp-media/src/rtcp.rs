//! RTCP: sender and receiver reports, CNAME, BYE (RFC 3550 §6), and the round trip they tell.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_OFFSET: u64 = 2_208_988_800;

/// Ties the monotonic clock to wall-clock time once, so that steps of the latter do not reach the reports.
#[derive(Debug, Clone, Copy)]
pub struct NtpClock {
    start: Instant,
    /// Since 1970.
    wall: Duration,
}

impl NtpClock {
    /// `start` was at `wall`.
    pub fn new(start: Instant, wall: SystemTime) -> NtpClock {
        NtpClock {
            start,
            wall: wall.duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }

    /// 32 bits of seconds since 1900 and 32 of fraction.
    pub fn ntp(&self, now: Instant) -> u64 {
        let time = self.wall + now.saturating_duration_since(self.start);
        let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
        (time.as_secs().wrapping_add(NTP_OFFSET) << 32) | fraction
    }

    /// The middle 32 bits, in which LSR and DLSR count: units of 1/65536 s.
    pub fn middle(&self, now: Instant) -> u32 {
        (self.ntp(now) >> 16) as u32
    }
}

/// What a sender tells of its sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SenderPart {
    /// Wall-clock time of the report.
    pub ntp: u64,
    /// The same instant in RTP units.
    pub rtp: u32,
    /// Packets sent so far.
    pub packets: u32,
    /// Payload bytes sent so far.
    pub bytes: u32,
}

/// What a receiver tells of one sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Block {
    /// Whose packets.
    pub ssrc: u32,
    /// Share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost so far; negative when duplicates came.
    pub lost: i32,
    /// Highest sequence number with wraps.
    pub highest: u32,
    /// In clock units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report, 0 if none came.
    pub last_report: u32,
    /// Since that report came, in 1/65536 s.
    pub delay: u32,
}

/// One packet of a compound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// A sender report without its blocks, which follow.
    Sender {
        /// Who sends.
        ssrc: u32,
        /// What it sent.
        part: SenderPart,
    },
    /// One report block.
    Block {
        /// Who reports.
        by: u32,
        /// What it reports.
        block: Block,
    },
    /// A source leaves.
    Bye {
        /// Which.
        ssrc: u32,
    },
}

/// Longest compound that [`write`] makes.
pub const MAX_LEN: usize = 8 + 20 + 24 + 8 + 2 + CNAME_MAX + 6 + 8;
/// Longest CNAME that is written; what follows is cut.
pub const CNAME_MAX: usize = 40;

/// Writes a compound: SR if `sender` is given, else RR; the block; SDES CNAME; BYE at the end of the call (§6.1).
pub fn write(
    buffer: &mut [u8; MAX_LEN],
    ssrc: u32,
    sender: Option<SenderPart>,
    block: Option<Block>,
    cname: &str,
    bye: bool,
) -> usize {
    let mut out = Cursor { buffer, at: 0 };
    let count = u8::from(block.is_some());
    let words = 1 + if sender.is_some() { 5 } else { 0 } + 6 * u16::from(count);
    out.header(
        count,
        if sender.is_some() {
            SENDER_REPORT
        } else {
            RECEIVER_REPORT
        },
        words,
    );
    out.u32(ssrc);
    if let Some(part) = sender {
        out.u32((part.ntp >> 32) as u32);
        out.u32(part.ntp as u32);
        out.u32(part.rtp);
        out.u32(part.packets);
        out.u32(part.bytes);
    }
    if let Some(block) = block {
        out.u32(block.ssrc);
        let lost = block.lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0x00ff_ffff;
        out.u32(u32::from(block.fraction_lost) << 24 | lost);
        out.u32(block.highest);
        out.u32(block.jitter);
        out.u32(block.last_report);
        out.u32(block.delay);
    }
    let name = &cname.as_bytes()[..cname.len().min(CNAME_MAX)];
    // SSRC, item header, name, at least one zero, up to a whole word.
    let chunk = (4 + 2 + name.len() + 1).next_multiple_of(4);
    out.header(1, SOURCE_DESCRIPTION, (chunk / 4) as u16);
    let end = out.at + chunk;
    out.u32(ssrc);
    out.bytes(&[1, name.len() as u8]);
    out.bytes(name);
    while out.at < end {
        out.bytes(&[0]);
    }
    if bye {
        out.header(1, BYE, 1);
        out.u32(ssrc);
    }
    out.at
}

struct Cursor<'a> {
    buffer: &'a mut [u8; MAX_LEN],
    at: usize,
}

impl Cursor<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.buffer[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    fn header(&mut self, count: u8, kind: u8, words: u16) {
        let [high, low] = words.to_be_bytes();
        self.bytes(&[0x80 | count, kind, high, low]);
    }
}

/// Reads a compound and passes on what it tells. False if it is not RTCP (A.2); nothing was passed on then.
///
/// Reduced-size packets that start with something else than a report (RFC 5506) are read as well.
pub fn read(bytes: &[u8], mut tell: impl FnMut(Item)) -> bool {
    if !is_compound(bytes) {
        return false;
    }
    let mut rest = bytes;
    while let Some((header, body, after)) = split(rest) {
        rest = after;
        let count = usize::from(header[0] & 0x1f);
        match (header[1], body) {
            (SENDER_REPORT, body) if body.len() >= 24 => {
                let ssrc = word(body, 0);
                let ntp = u64::from(word(body, 1)) << 32 | u64::from(word(body, 2));
                let part = SenderPart {
                    ntp,
                    rtp: word(body, 3),
                    packets: word(body, 4),
                    bytes: word(body, 5),
                };
                tell(Item::Sender { ssrc, part });
                blocks(ssrc, count, &body[24..], &mut tell);
            }
            (RECEIVER_REPORT, body) if body.len() >= 4 => blocks(word(body, 0), count, &body[4..], &mut tell),
            (BYE, body) => {
                for source in body.chunks_exact(4).take(count) {
                    tell(Item::Bye { ssrc: word(source, 0) });
                }
            }
            _ => {}
        }
    }
    true
}

fn blocks(by: u32, count: usize, bytes: &[u8], tell: &mut impl FnMut(Item)) {
    for bytes in bytes.chunks_exact(24).take(count) {
        let losses = word(bytes, 1);
        let block = Block {
            ssrc: word(bytes, 0),
            fraction_lost: (losses >> 24) as u8,
            lost: (losses << 8) as i32 >> 8,
            highest: word(bytes, 2),
            jitter: word(bytes, 3),
            last_report: word(bytes, 4),
            delay: word(bytes, 5),
        };
        tell(Item::Block { by, block });
    }
}

fn is_compound(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((header, _, after)) = split(rest) else {
            return false;
        };
        if header[0] >> 6 != 2 || !(192..=223).contains(&header[1]) {
            return false;
        }
        rest = after;
    }
    !bytes.is_empty()
}

fn split(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<4>()?;
    let len = usize::from(u16::from_be_bytes([header[2], header[3]])) * 4;
    let (body, after) = rest.split_at_checked(len)?;
    Some((header, body, after))
}

/// The `index`th word; the caller has checked the length.
fn word(bytes: &[u8], index: usize) -> u32 {
    bytes[index * 4..]
        .first_chunk::<4>()
        .map_or(0, |word| u32::from_be_bytes(*word))
}

/// Round trip by a block about our own packets that came at `now` (§6.4.1): `None` if the peer has no report of ours yet,
/// or its figures are impossible.
pub fn round_trip(clock: &NtpClock, now: Instant, block: &Block) -> Option<Duration> {
    if block.last_report == 0 {
        return None;
    }
    let units = clock
        .middle(now)
        .wrapping_sub(block.last_report)
        .wrapping_sub(block.delay);
    // A peer whose clock runs a little fast may yield a small negative trip.
    let units = if units >= 0xffff_0000 { 0 } else { units };
    (units < 60 << 16).then(|| Duration::from_micros((u64::from(units) * 1_000_000) >> 16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(bytes: &[u8]) -> Vec<Item> {
        let mut items = Vec::new();
        assert!(read(bytes, |item| items.push(item)));
        items
    }

    #[test]
    fn what_is_written_is_read_back() {
        let part = SenderPart {
            ntp: 0x1234_5678_9abc_def0,
            rtp: 7,
            packets: 8,
            bytes: 9,
        };
        let block = Block {
            ssrc: 1,
            fraction_lost: 200,
            lost: -3,
            highest: 70_000,
            jitter: 12,
            last_report: 5,
            delay: 6,
        };
        let mut buffer = [0; MAX_LEN];
        for (sender, block, bye) in [
            (Some(part), Some(block), true),
            (None, Some(block), false),
            (Some(part), None, true),
            (None, None, false),
        ] {
            for name in [
                "",
                "a",
                "ab@host",
                "a name so long that it does not fit into the packet any more",
            ] {
                let len = write(&mut buffer, 42, sender, block, name, bye);
                let mut expected = Vec::new();
                expected.extend(sender.map(|part| Item::Sender { ssrc: 42, part }));
                expected.extend(block.map(|block| Item::Block { by: 42, block }));
                expected.extend(bye.then_some(Item::Bye { ssrc: 42 }));
                assert_eq!(items(&buffer[..len]), expected, "{name}");
                assert_eq!(len % 4, 0);
            }
        }
    }

    #[test]
    fn the_round_trip_is_the_time_less_the_delay_at_the_peer() {
        let start = Instant::now();
        let clock = NtpClock::new(start, UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let sent = start + Duration::from_secs(10);
        let block = Block {
            last_report: clock.middle(sent),
            delay: 65_536 / 2,
            ..Block::default()
        };
        let trip = round_trip(&clock, sent + Duration::from_millis(580), &block).unwrap();
        assert!((79_900..80_100).contains(&trip.as_micros()), "{trip:?}");
        assert_eq!(round_trip(&clock, sent, &Block::default()), None, "no report yet");
        assert_eq!(
            round_trip(&clock, sent + Duration::from_millis(499), &block),
            Some(Duration::ZERO),
            "fast clock"
        );
        let liar = Block {
            delay: 65_536 * 3_600,
            ..block
        };
        assert_eq!(round_trip(&clock, sent, &liar), None);
    }

    #[test]
    fn damaged_compounds_tell_nothing() {
        let mut buffer = [0; MAX_LEN];
        let len = write(&mut buffer, 42, None, Some(Block::default()), "x", true);
        for cut in 1..len {
            let whole = [32, 40].contains(&cut) || cut == 32 + 4 + 8;
            if !whole {
                assert!(
                    !read(&buffer[..cut], |_| panic!("told something at {cut}")) || cut % 4 == 0,
                    "{cut}"
                );
            }
        }
        assert!(!read(&[], |_| ()));
        assert!(!read(&[0x80, 8, 0, 0], |_| ()), "RTP");
    }

    proptest! {
        #[test]
        fn no_datagram_makes_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 4..120), kind in 198u8..206) {
            bytes[0] = 0x80 | (bytes[0] & 0x3f);
            bytes[1] = kind;
            let words = (bytes.len() / 4 - 1) as u16;
            bytes[2..4].copy_from_slice(&words.to_be_bytes());
            bytes.truncate(usize::from(words) * 4 + 4);
            read(&bytes, |_| ());
        }
    }
}
