//! What a call is told: clips one after the other, a packet at a time.

use std::sync::Arc;

use crate::clip::{Clip, Encoded};
use crate::session::{Codec, Ptime};

#[derive(Debug)]
struct Entry {
    clip: Arc<Clip>,
    encoded: Arc<Encoded>,
}

/// The clips of one call.
#[derive(Debug, Default)]
pub(crate) struct Playlist {
    entries: Vec<Entry>,
    at: usize,
    frame: usize,
    /// Something was played and its end has not been told yet.
    is_playing: bool,
    /// Playlists so far.
    plays: u32,
}

impl Playlist {
    /// Plays `clips` from now on.
    pub(crate) fn play(&mut self, clips: Vec<Arc<Clip>>, codec: Codec, ptime: Ptime) {
        self.entries.clear();
        self.entries.extend(clips.into_iter().map(|clip| Entry {
            encoded: clip.encoded(codec, ptime),
            clip,
        }));
        self.at = 0;
        self.frame = 0;
        self.is_playing = true;
        self.plays = self.plays.wrapping_add(1);
    }

    /// Which playlist this is, from 1.
    pub(crate) fn plays(&self) -> u32 {
        self.plays
    }

    /// Forgets everything, quietly.
    pub(crate) fn stop(&mut self) {
        self.entries.clear();
        self.is_playing = false;
    }

    /// The codec changed: goes on at the same time in the new encoding.
    pub(crate) fn recode(&mut self, codec: Codec, from: Ptime, to: Ptime) {
        for entry in &mut self.entries {
            entry.encoded = entry.clip.encoded(codec, to);
        }
        self.frame = self.frame * from.ms() as usize / to.ms() as usize;
    }

    /// Puts `new` in the place of `old`. What is being heard of `old` is cut at this frame boundary, and `new` starts.
    pub(crate) fn replace(&mut self, old: &Arc<Clip>, new: &Arc<Clip>, codec: Codec, ptime: Ptime) {
        for (index, entry) in self.entries.iter_mut().enumerate() {
            if Arc::ptr_eq(&entry.clip, old) {
                *entry = Entry {
                    clip: Arc::clone(new),
                    encoded: new.encoded(codec, ptime),
                };
                if index == self.at {
                    self.frame = 0;
                }
            }
        }
    }

    /// Moves to the next frame that is to be sent. False if there is none; [`Playlist::take_end`] tells the first time.
    pub(crate) fn is_ready(&mut self) -> bool {
        while let Some(entry) = self.entries.get(self.at) {
            if self.frame < entry.encoded.len() {
                return true;
            }
            self.at += 1;
            self.frame = 0;
        }
        false
    }

    /// The frame after [`Playlist::is_ready`]; the next call gives the one after it.
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        let frame = self.entries.get(self.at)?.encoded.frame(self.frame);
        self.frame += 1;
        frame
    }

    /// True once after the last frame.
    pub(crate) fn take_end(&mut self) -> bool {
        let ended = self.is_playing;
        if ended {
            // Gives the clips back, so that a withdrawn message leaves the memory.
            self.stop();
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(frames: usize, sample: i16) -> Arc<Clip> {
        Arc::new(Clip::from_pcm(vec![sample; frames * 160], 8_000))
    }

    /// The first byte of each frame until the end.
    fn drain(playlist: &mut Playlist) -> Vec<u8> {
        let mut heard = Vec::new();
        while playlist.is_ready() {
            heard.push(playlist.next().unwrap()[0]);
        }
        heard
    }

    fn sound(clip: &Clip) -> u8 {
        clip.encoded(Codec::Pcma, Ptime::MS_20).frame(0).unwrap()[0]
    }

    #[test]
    fn clips_follow_each_other_and_the_end_is_told_once() {
        let (a, b, empty) = (clip(2, 1_000), clip(1, -5_000), clip(0, 0));
        let mut playlist = Playlist::default();
        assert!(!playlist.is_ready() && !playlist.take_end());
        playlist.play(vec![Arc::clone(&a), empty, Arc::clone(&b)], Codec::Pcma, Ptime::MS_20);
        assert_eq!(drain(&mut playlist), [sound(&a), sound(&a), sound(&b)]);
        assert!(playlist.take_end());
        assert!(!playlist.take_end());
        assert_eq!(Arc::strong_count(&a), 1);
    }

    #[test]
    fn an_empty_list_ends_at_once_and_a_stop_is_quiet() {
        let mut playlist = Playlist::default();
        playlist.play(vec![], Codec::Pcma, Ptime::MS_20);
        assert!(!playlist.is_ready() && playlist.take_end());
        playlist.play(vec![clip(3, 9)], Codec::Pcma, Ptime::MS_20);
        playlist.stop();
        assert!(!playlist.is_ready() && !playlist.take_end());
    }

    #[test]
    fn a_new_message_starts_where_the_old_one_is_cut() {
        let (old, new, other) = (clip(4, 1_000), clip(2, -5_000), clip(1, 20_000));
        let mut playlist = Playlist::default();
        playlist.play(
            vec![Arc::clone(&old), Arc::clone(&other), Arc::clone(&old)],
            Codec::Pcma,
            Ptime::MS_20,
        );
        assert!(playlist.is_ready());
        playlist.next();
        playlist.replace(&old, &new, Codec::Pcma, Ptime::MS_20);
        let (n, o) = (sound(&new), sound(&other));
        assert_eq!(drain(&mut playlist), [n, n, o, n, n]);
    }

    #[test]
    fn another_packet_time_goes_on_at_the_same_place() {
        let mut playlist = Playlist::default();
        playlist.play(vec![clip(6, 1_000)], Codec::Pcma, Ptime::MS_20);
        for _ in 0..2 {
            playlist.next();
        }
        let ms_40 = Ptime::new(40).unwrap();
        playlist.recode(Codec::Pcma, Ptime::MS_20, ms_40);
        assert_eq!(drain(&mut playlist).len(), 2);
    }
}
