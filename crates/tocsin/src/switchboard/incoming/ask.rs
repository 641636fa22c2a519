//! What an incoming call asks of the rest of the house, and what it is told. Questions may take as long as a disk or a
//! voice; the call goes on meanwhile.

use std::sync::Arc;

use dialer::{CampaignId, Missed, RecipientId};
use directory::E164;
use rtp_media::Clip;

/// Something that the house must do or look up. Each `Ask` is answered by at most one [`Told`].
#[derive(Debug, Clone)]
pub enum Ask {
    /// Who rings back, and what have they missed? Answered by [`Told::Missed`].
    Recognise {
        /// The number that the network gave; `None` if it is hidden or no number.
        caller: Option<E164>,
    },
    /// The recipient confirmed by calling back: make it durable, however long it takes. Answered by [`Told::Confirmed`].
    Confirm {
        /// Which campaign.
        campaign: CampaignId,
        /// Who.
        recipient: RecipientId,
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
}

/// The answer to an [`Ask`].
#[derive(Debug, Clone)]
pub enum Told {
    /// What the caller has missed; empty for a caller whom nobody called.
    Missed(Vec<Missed>),
    /// The confirmation is durable.
    Confirmed,
    /// What was to be spoken.
    Spoken {
        /// Of which [`Ask::Speak`].
        turn: u32,
        /// In order. What cannot be spoken is left out.
        clips: Vec<Arc<Clip>>,
    },
}
