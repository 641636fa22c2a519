//! The two-way connection of an incoming call: its SIP dialog and its media, whatever is said on it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rtp_media::sdp::{OfferSettings, SdpError};
use rtp_media::{Clip, Command, Session, StreamId};
use sip_core::{CallId, Endpoint};

use crate::switchboard::Description;

/// One incoming call as signalling and media see it.
#[derive(Debug)]
pub(super) struct Leg {
    pub id: CallId,
    pub stream: StreamId,
    ours: Description,
    /// What goes into the 200: the answer to the caller's offer, or our own offer.
    description: Bytes,
    /// Agreed, and not yet given to the engine.
    agreed: Option<Box<Session>>,
    /// The engine knows the stream.
    pub is_open: bool,
    pub is_answered: bool,
    /// The ACK came.
    pub is_confirmed: bool,
    /// Playlists ordered so far; the latest is being said unless it was stopped.
    plays: u32,
    is_speaking: bool,
}

impl Leg {
    /// A call that rings. `offer` is the caller's; without it ours goes into the 200.
    pub fn new(id: CallId, stream: StreamId, settings: OfferSettings, offer: Option<&[u8]>) -> Result<Leg, SdpError> {
        let mut ours = Description::new(settings);
        let (description, agreed) = match offer {
            Some(offer) => {
                let (answer, session) = ours.answer(offer)?;
                (answer, Some(Box::new(session)))
            }
            None => (ours.offer(), None),
        };
        Ok(Leg {
            id,
            stream,
            ours,
            description,
            agreed,
            is_open: false,
            is_answered: false,
            is_confirmed: false,
            plays: 0,
            is_speaking: false,
        })
    }

    /// Takes the call: 200, and the media opens if it is agreed.
    pub fn answer(&mut self, now: Instant, endpoint: &mut Endpoint) -> Option<Command> {
        if std::mem::replace(&mut self.is_answered, true) {
            return None;
        }
        endpoint.answer(now, self.id, self.description.clone()).ok()?;
        self.agreed.take().map(|session| self.open(session))
    }

    /// The caller answered our offer, in the ACK or after a re-INVITE.
    pub fn take_answer(&mut self, answer: &[u8]) -> Result<Command, SdpError> {
        let session = Box::new(self.ours.accept(answer)?);
        Ok(self.open(session))
    }

    /// The caller offers something else in the middle of the call.
    pub fn take_offer(&mut self, offer: &[u8]) -> Result<(Bytes, Command), SdpError> {
        let (answer, session) = self.ours.answer(offer)?;
        Ok((answer, self.open(Box::new(session))))
    }

    /// Our own offer, for a re-INVITE without one.
    pub fn own_offer(&mut self) -> Bytes {
        self.ours.offer()
    }

    fn open(&mut self, session: Box<Session>) -> Command {
        let stream = self.stream;
        if std::mem::replace(&mut self.is_open, true) {
            Command::Update { stream, session }
        } else {
            Command::Open { stream, session }
        }
    }

    /// Says these instead of what is being said.
    pub fn play(&mut self, clips: Vec<Arc<Clip>>) -> Command {
        self.plays = self.plays.wrapping_add(1);
        self.is_speaking = true;
        Command::Play {
            stream: self.stream,
            clips,
        }
    }

    /// Stops what is being said, if anything is.
    pub fn stop(&mut self) -> Option<Command> {
        std::mem::take(&mut self.is_speaking).then_some(Command::Stop { stream: self.stream })
    }

    /// Whether this playlist is the one being said; then it is over now.
    pub fn has_ended(&mut self, play: u32) -> bool {
        self.plays == play && std::mem::take(&mut self.is_speaking)
    }
}
