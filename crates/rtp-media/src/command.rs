//! What the engine is told, and what it tells.

use std::sync::Arc;
use std::time::Duration;

use crate::clip::Clip;
use crate::session::Session;
use crate::stats::Stats;
use crate::tone::Progress;

/// One call's media, as long as its ports are reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u64);

/// An order to the engine. Orders for a stream that is closed or was never reserved are ignored.
#[derive(Debug)]
pub enum Command {
    /// Media was negotiated: start to send and to listen.
    Open {
        /// The call.
        stream: StreamId,
        /// What was agreed.
        session: Box<Session>,
    },
    /// A re-INVITE or UPDATE changed what was agreed. The playlist goes on; the source is learned again.
    Update {
        /// The call.
        stream: StreamId,
        /// What is agreed now.
        session: Box<Session>,
    },
    /// Play these clips one after the other, instead of what is playing. Ends with [`Event::PromptEnded`].
    Play {
        /// The call.
        stream: StreamId,
        /// In order. An empty list ends at once.
        clips: Vec<Arc<Clip>>,
    },
    /// Stop playing, without a [`Event::PromptEnded`].
    Stop {
        /// The call.
        stream: StreamId,
    },
    /// Put `new` in place of `old` in every playlist that holds it. Where `old` is being heard, `new` starts from its
    /// beginning at the next frame boundary.
    Replace {
        /// The clip that is withdrawn.
        old: Arc<Clip>,
        /// The clip that is heard instead.
        new: Arc<Clip>,
    },
    /// Press keys, one after the other: as telephone events (RFC 4733) where the peer agreed on them, as tones in the audio
    /// (ITU-T Q.23) where it did not. What is played waits meanwhile.
    SendDigits {
        /// The call.
        stream: StreamId,
        /// Out of `0-9*#A-D`, others are skipped.
        digits: String,
        /// How long each key is held. RFC 4733 §2.5: at least 40 ms, 100 ms is usual. A tone lasts 80 ms at least, 5 s at most.
        hold: Duration,
    },
    /// A key came by signalling (SIP INFO). It is told as an [`Event::Digit`] unless the media has brought it already.
    Relay {
        /// The call.
        stream: StreamId,
        /// One of `0-9*#A-D`.
        digit: char,
    },
    /// Record what the peer says, until [`Command::StopRecord`], the close, or `max`.
    Record {
        /// The call.
        stream: StreamId,
        /// Longest recording.
        max: Duration,
    },
    /// End the recording: [`Event::Recorded`] follows.
    StopRecord {
        /// The call.
        stream: StreamId,
    },
    /// The call is over: RTCP BYE, the ports are free, [`Event::Closed`] follows with the statistics.
    Close {
        /// The call.
        stream: StreamId,
    },
}

impl Command {
    /// The call it is for; `None` for all.
    pub fn stream(&self) -> Option<StreamId> {
        match self {
            Command::Replace { .. } => None,
            Command::Open { stream, .. }
            | Command::Update { stream, .. }
            | Command::Play { stream, .. }
            | Command::Stop { stream }
            | Command::SendDigits { stream, .. }
            | Command::Relay { stream, .. }
            | Command::Record { stream, .. }
            | Command::StopRecord { stream }
            | Command::Close { stream } => Some(*stream),
        }
    }
}

/// How a key was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigitSource {
    /// As a telephone event (RFC 4733).
    Rfc4733,
    /// As two tones in the audio (ITU-T Q.23).
    InBand,
    /// By signalling, in a SIP INFO request.
    Info,
}

/// Who seems to have answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answerer {
    /// A short greeting, then silence: somebody waits for us to speak.
    Person,
    /// A long greeting, or a beep.
    Machine,
}

/// Something the engine noticed.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed. Reported once, even if it came in several ways.
    Digit {
        /// The call.
        stream: StreamId,
        /// One of `0-9*#A-D`.
        digit: char,
        /// How it was heard first.
        source: DigitSource,
    },
    /// The whole playlist has been sent.
    PromptEnded {
        /// The call.
        stream: StreamId,
        /// Which [`Command::Play`] of this stream it was, from 1: an end may cross the order that replaces it.
        play: u32,
    },
    /// All keys of a [`Command::SendDigits`] have been sent.
    DigitsSent {
        /// The call.
        stream: StreamId,
    },
    /// The first packet of the peer was accepted.
    MediaStarted {
        /// The call.
        stream: StreamId,
    },
    /// Nothing came from the peer for the silence timeout; reported once, until packets come again.
    Dead {
        /// The call.
        stream: StreamId,
    },
    /// Who answered, if the session asked for it.
    Answerer {
        /// The call.
        stream: StreamId,
        /// The verdict.
        answerer: Answerer,
    },
    /// The network or a fax machine has said something in tones, if the session asked for it.
    Progress {
        /// The call.
        stream: StreamId,
        /// What.
        progress: Progress,
    },
    /// The beep of an answering machine has ended: it records now.
    Beep {
        /// The call.
        stream: StreamId,
    },
    /// A recording is complete.
    Recorded {
        /// The call.
        stream: StreamId,
        /// Mono samples.
        pcm: Vec<i16>,
        /// Their rate in Hz.
        rate: u32,
    },
    /// The stream is gone. Always the last event of a stream that was opened.
    Closed {
        /// The call.
        stream: StreamId,
        /// What happened on it.
        stats: Box<Stats>,
    },
}

impl Event {
    /// The call that it is about.
    pub fn stream(&self) -> StreamId {
        match self {
            Event::Digit { stream, .. }
            | Event::PromptEnded { stream, .. }
            | Event::DigitsSent { stream }
            | Event::MediaStarted { stream }
            | Event::Dead { stream }
            | Event::Answerer { stream, .. }
            | Event::Beep { stream }
            | Event::Recorded { stream, .. }
            | Event::Progress { stream, .. }
            | Event::Closed { stream, .. } => *stream,
        }
    }
}
