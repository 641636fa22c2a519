//! Our side's session descriptions over a call's life: the version of `o=` rises with each change and stays without (RFC 3264 §8).

use bytes::Bytes;
use rtp_media::Session;
use rtp_media::sdp::{self, OfferSettings, SdpError};

/// What we tell a peer about our media.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    settings: OfferSettings,
    /// What the peer was told last.
    told: Option<Bytes>,
}

impl Description {
    /// Nothing has been told yet.
    pub(crate) fn new(settings: OfferSettings) -> Description {
        Description { settings, told: None }
    }

    /// Our offer: all that we can do.
    pub(crate) fn offer(&mut self) -> Bytes {
        let offer = sdp::offer(&self.settings);
        if self.is_news(&offer) {
            self.settings.version += 1;
            return self.tell(sdp::offer(&self.settings));
        }
        self.tell(offer)
    }

    /// Our answer to the peer's offer, and what is agreed.
    pub(crate) fn answer(&mut self, offer: &[u8]) -> Result<(Bytes, Session), SdpError> {
        let (mut answer, session) = sdp::answer(offer, &self.settings)?;
        if self.is_news(&answer) {
            self.settings.version += 1;
            (answer, _) = sdp::answer(offer, &self.settings)?;
        }
        Ok((self.tell(answer), session))
    }

    /// What the peer's answer to our last offer agrees to.
    pub(crate) fn accept(&self, answer: &[u8]) -> Result<Session, SdpError> {
        sdp::accept_answer(&self.settings, answer)
    }

    fn is_news(&self, description: &Bytes) -> bool {
        self.told.as_ref().is_some_and(|told| told != description)
    }

    fn tell(&mut self, description: Bytes) -> Bytes {
        self.told = Some(description.clone());
        description
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The version of `o=`.
    fn version(description: &[u8]) -> u64 {
        let origin = sdp::Description::parse(description).expect("our own").origin;
        origin.expect("an origin").version.parse().expect("a number")
    }

    fn peer(codec: &str, direction: &str) -> Vec<u8> {
        format!(
            "v=0\r\no=- 7 7 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP {codec}\r\n\
             a={direction}\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn the_version_rises_with_each_change_and_stays_without() {
        let settings = OfferSettings::new("192.0.2.1:4000".parse().expect("an address"), 5);
        let mut ours = Description::new(settings);
        let first = ours.offer();
        assert_eq!(version(&first), 1, "the first offer");
        assert_eq!(
            ours.offer(),
            first,
            "the same offer again, as a refresh of the session is"
        );
        let mut answer = |codec, direction| ours.answer(&peer(codec, direction)).expect("an answer").0;
        let (same, held) = (answer("8", "sendrecv"), answer("8", "sendonly"));
        assert_eq!(
            version(&same),
            2,
            "fewer codecs than were offered are another description"
        );
        assert_eq!(version(&held), 3, "held");
        assert_eq!(answer("8", "sendonly"), held, "held still");
        assert_eq!(version(&answer("8", "sendrecv")), 4, "resumed");
        assert_eq!(version(&answer("0", "sendrecv")), 5, "another codec");
        assert!(ours.answer(&peer("3", "sendrecv")).is_err());
        assert_eq!(
            version(&ours.offer()),
            6,
            "a refused offer has changed nothing, a full offer does"
        );
        assert_eq!(ours.accept(&peer("8", "sendrecv")).expect("agreed").payload_type, 8);
    }
}
