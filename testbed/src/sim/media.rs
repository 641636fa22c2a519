//! Media in virtual time: clips take their time, keys arrive, and the one clip that matters (the thanks) is watched.

use std::cell::Cell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ivr::{Prompt, Settings};
use rtp_media::{Clip, Command, DigitSource, Event, Stats, StreamId};
use tocsin::switchboard::{Ports, Voice, VoiceKey};

/// Ports without end: each stream has an address of its own.
#[derive(Clone, Default)]
pub(super) struct VirtualPorts {
    next: Rc<Cell<u64>>,
}

impl Ports for VirtualPorts {
    fn reserve(&mut self) -> Option<(StreamId, SocketAddr)> {
        let stream = self.next.get() + 1;
        self.next.set(stream);
        let bytes = (stream as u32).to_be_bytes();
        Some((
            StreamId(stream),
            SocketAddr::from(([10, bytes[1], bytes[2], bytes[3]], 20_000)),
        ))
    }

    fn release(&mut self, _stream: StreamId) {}
}

/// How long each prompt takes, in seconds.
pub(super) const SECONDS: [(Prompt, usize); 7] = [
    (Prompt::Welcome, 3),
    (Prompt::Message, 12),
    (Prompt::Menu, 5),
    (Prompt::Changed, 3),
    (Prompt::OneMoment, 2),
    (Prompt::Confirmed, 3),
    (Prompt::Goodbye, 3),
];

/// Every prompt is a silent clip of a plausible length.
#[derive(Clone)]
pub(super) struct VirtualVoice {
    clips: Rc<HashMap<Prompt, Arc<Clip>>>,
}

impl VirtualVoice {
    pub(super) fn new() -> Self {
        let clips = SECONDS
            .into_iter()
            .map(|(prompt, seconds)| (prompt, Arc::new(Clip::from_pcm(vec![0; seconds * 8000], 8000))));
        Self {
            clips: Rc::new(clips.collect()),
        }
    }

    fn is_thanks(&self, clip: &Arc<Clip>) -> bool {
        self.clips
            .get(&Prompt::Confirmed)
            .is_some_and(|thanks| Arc::ptr_eq(thanks, clip))
    }
}

impl Voice for VirtualVoice {
    fn is_ready(&self, _key: &VoiceKey, _settings: &Settings) -> bool {
        true
    }

    fn clip(&self, _key: &VoiceKey, prompt: Prompt, _settings: &Settings) -> Option<Arc<Clip>> {
        self.clips.get(&prompt).cloned()
    }
}

struct Stream {
    remote: SocketAddr,
    plays: u32,
    playing: u64,
}

/// An end of a clip that is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Playout {
    pub(super) at: Instant,
    stream: StreamId,
    playing: u64,
}

/// What came of one order.
pub(super) enum Effect {
    /// A playlist will end.
    Ends(Playout),
    /// An event at once.
    Event(Event),
    /// The thanks begin to be heard on this stream.
    Thanks(StreamId),
}

/// The media engine of the simulation.
pub(super) struct VirtualMedia {
    streams: HashMap<StreamId, Stream>,
    by_remote: HashMap<SocketAddr, StreamId>,
    voice: VirtualVoice,
    next_playing: u64,
}

impl VirtualMedia {
    pub(super) fn new(voice: VirtualVoice) -> Self {
        Self {
            streams: HashMap::new(),
            by_remote: HashMap::new(),
            voice,
            next_playing: 0,
        }
    }

    pub(super) fn handle(&mut self, now: Instant, command: Command) -> Vec<Effect> {
        match command {
            Command::Open { stream, session } | Command::Update { stream, session } => {
                self.by_remote.insert(session.remote, stream);
                self.streams.entry(stream).or_insert(Stream {
                    remote: session.remote,
                    plays: 0,
                    playing: 0,
                });
                Vec::new()
            }
            Command::Play { stream, clips } => {
                let Some(state) = self.streams.get_mut(&stream) else {
                    return Vec::new();
                };
                self.next_playing += 1;
                state.playing = self.next_playing;
                state.plays += 1;
                let length: Duration = clips.iter().map(|clip| clip.duration()).sum();
                let mut effects = vec![Effect::Ends(Playout {
                    at: now + length,
                    stream,
                    playing: state.playing,
                })];
                if clips.iter().any(|clip| self.voice.is_thanks(clip)) {
                    effects.push(Effect::Thanks(stream));
                }
                effects
            }
            Command::Stop { stream } => {
                if let Some(state) = self.streams.get_mut(&stream) {
                    state.playing = 0;
                }
                Vec::new()
            }
            Command::Close { stream } => {
                if let Some(state) = self.streams.remove(&stream) {
                    self.by_remote.remove(&state.remote);
                }
                vec![Effect::Event(Event::Closed {
                    stream,
                    stats: Box::new(Stats::default()),
                })]
            }
            Command::Relay { stream, digit } => vec![Effect::Event(Event::Digit {
                stream,
                digit,
                source: DigitSource::Info,
            })],
            _ => Vec::new(),
        }
    }

    /// The playlist's end, unless it was stopped or replaced meanwhile.
    pub(super) fn ended(&self, playout: Playout) -> Option<Event> {
        let state = self.streams.get(&playout.stream)?;
        (state.playing == playout.playing).then_some(Event::PromptEnded {
            stream: playout.stream,
            play: state.plays,
        })
    }

    /// The far end at this address presses a key.
    pub(super) fn press(&self, remote: SocketAddr, digit: char) -> Option<Event> {
        let stream = *self.by_remote.get(&remote)?;
        Some(Event::Digit {
            stream,
            digit,
            source: DigitSource::Rfc4733,
        })
    }
}
