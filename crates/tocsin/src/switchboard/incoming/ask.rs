//! What an incoming call asks of the rest of the house, and what it is told. Questions may take as long as a disk or a
//! voice; the call goes on meanwhile.

use std::sync::Arc;

use dialer::Missed;
use directory::E164;
use ivr::{Change, Choice, Launch, Pin};
use rtp_media::Clip;

/// Something that the house must do or look up. Each `Ask` is answered by at most one [`Told`].
#[derive(Debug, Clone)]
pub enum Ask {
    /// Who rings back, and what have they missed? Answered by [`Told::Missed`].
    Recognise {
        /// The number that the network gave; `None` if it is hidden or no number.
        caller: Option<E164>,
    },
    /// The recipient confirmed by calling back: make it durable, however long it takes. Answered by [`Told::Confirmed`], or
    /// by [`Told::Changed`] where the message was replaced meanwhile.
    Confirm {
        /// What was heard, in which campaign, by whom.
        heard: Box<Missed>,
    },
    /// Is this a user, and what may they choose from? Answered by [`Told::Member`] or [`Told::Refused`].
    SignIn {
        /// The user code.
        code: Pin,
        /// The secret code.
        pin: Pin,
        /// The number that the network gave, as it came.
        caller: String,
    },
    /// Launch a campaign. Answered by [`Told::Done`] or [`Told::Refused`].
    Launch {
        /// By whom.
        member: Arc<Member>,
        /// What.
        launch: Launch,
    },
    /// Change what a campaign says. Answered by [`Told::Done`] or [`Told::Refused`].
    Change {
        /// By whom.
        member: Arc<Member>,
        /// What.
        change: Change,
    },
    /// Make a recording a message of the library. Answered by [`Told::Kept`] or [`Told::Refused`].
    Keep {
        /// By whom.
        member: Arc<Member>,
        /// What was said.
        sound: Sound,
    },
    /// Have these spoken. Answered by [`Told::Spoken`].
    Speak {
        /// Comes back with the answer.
        turn: u32,
        /// In order.
        pieces: Vec<Piece>,
    },
}

/// Something that can be said.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Words, for the synthesizer.
    Words(String),
    /// The newest version of a message of the library.
    Message(u64),
    /// The tone after which the caller speaks.
    Tone,
    /// What the caller said.
    Sound(Sound),
}

/// Something that a caller said.
#[derive(Clone)]
pub struct Sound {
    /// Mono samples.
    pub pcm: Arc<Vec<i16>>,
    /// Their rate in Hz.
    pub rate: u32,
}

impl std::fmt::Debug for Sound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sound({} samples at {} Hz)", self.pcm.len(), self.rate)
    }
}

/// A user who signed in by telephone, and what they may choose from: each with its title.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    /// The user's login.
    pub login: String,
    /// The number that the user called from, as it came.
    pub caller: String,
    /// Messages of the library.
    pub messages: Vec<(Choice, String)>,
    /// Lists, the default one first.
    pub lists: Vec<(Choice, String)>,
    /// Campaigns under way.
    pub campaigns: Vec<(Choice, String)>,
}

/// The answer to an [`Ask`].
#[derive(Debug, Clone)]
pub enum Told {
    /// What the caller has missed; empty for a caller whom nobody called.
    Missed(Vec<Missed>),
    /// The confirmation is durable.
    Confirmed,
    /// Nothing was confirmed: this is to be heard first.
    Changed(Box<Missed>),
    /// The codes are right.
    Member(Arc<Member>),
    /// It is done, and durable.
    Done,
    /// The recording is a message now: its number and title.
    Kept(Choice, String),
    /// It was not done.
    Refused,
    /// What was to be spoken.
    Spoken {
        /// Of which [`Ask::Speak`].
        turn: u32,
        /// In order. What cannot be spoken is left out.
        clips: Vec<Arc<Clip>>,
    },
}
