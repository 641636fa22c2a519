//! What a telephone does when it is rung.

use std::time::Duration;

use rand::Rng;

/// The time from the start of one ring to the next in France.
pub const RING: Duration = Duration::from_secs(5);

/// After this long the carrier lets no telephone ring any more, even if the caller has died. Not scaled: callers give up before.
pub const LONGEST_RINGING: Duration = Duration::from_secs(60);

/// A behaviour, with all its parameters. Times are those of a human being; [`Behaviour::plan`] is asked to scale them.
#[derive(Clone, Debug, PartialEq)]
pub enum Behaviour {
    /// Answers, listens, presses keys, and waits for the other side to hang up.
    Answers {
        /// Rings before the answer; drawn between 1 and 4 if absent.
        rings: Option<u32>,
        /// Listening time before each key, in seconds; drawn between 4 and 12 if absent.
        listens: Option<f64>,
        /// The keys, in order.
        keys: Vec<char>,
        /// How the keys travel.
        path: KeyPath,
        /// Hangs up this long after the answer, in seconds. Absent: waits for the other side.
        leaves: Option<f64>,
    },
    /// A machine answers: an announcement, then a beep, then silence until it has recorded enough.
    Machine {
        /// Rings before the machine answers.
        rings: Option<u32>,
    },
    /// Refuses with a final status.
    Refuses {
        /// The SIP status, 400 to 699.
        status: u16,
        /// Value of Retry-After, in seconds.
        retry_after: Option<u32>,
    },
    /// Rings and is never answered.
    Rings,
}

/// How a pressed key travels to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPath {
    /// As telephone events (RFC 4733).
    Events,
    /// As tones in the audio (ITU-T Q.23).
    Tones,
}

/// One thing that a telephone does during an answered call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Deed {
    /// Says a short “allô”.
    Greet,
    /// Plays the announcement of an answering machine and its beep.
    Announce,
    /// Presses a key.
    Press(char, KeyPath),
    /// Hangs up.
    Leave,
}

/// A behaviour with its random parts drawn and its times scaled: what will happen in one call.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Answers after a time, then does these things, each at its time after the answer.
    Answer {
        /// From the INVITE to the answer.
        after: Duration,
        /// In order of time.
        deeds: Vec<(Duration, Deed)>,
    },
    /// Refuses after a time.
    Refuse {
        /// From the INVITE to the refusal.
        after: Duration,
        /// The SIP status.
        status: u16,
        /// Value of Retry-After, in seconds, not scaled.
        retry_after: Option<u32>,
    },
    /// Rings until the caller gives up, or the carrier does.
    Ring,
}

/// A behaviour that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum BehaviourError {
    /// No behaviour has this name.
    #[error(
        "“{0}” is no behaviour; there are confirm, twice, inband, quiet, early, wrong-keys, machine, busy, no-answer, not-found, unavailable, congested and refuse"
    )]
    Name(String),
    /// A parameter is not `name=value`, has an unknown name, or a value out of bounds.
    #[error("“{0}” is no parameter of this behaviour, or its value makes no sense")]
    Parameter(String),
}

impl Behaviour {
    /// Reads a name and parameters written as `name=value`, separated by spaces.
    ///
    /// # Errors
    /// When the name or a parameter is unknown.
    pub fn read(name: &str, parameters: &str) -> Result<Behaviour, BehaviourError> {
        let answers = |keys: &str, path| Behaviour::Answers {
            rings: None,
            listens: None,
            keys: keys.chars().collect(),
            path,
            leaves: None,
        };
        let refuses = |status| Behaviour::Refuses {
            status,
            retry_after: None,
        };
        let mut behaviour = match name {
            "confirm" => answers("1", KeyPath::Events),
            "twice" => answers("21", KeyPath::Events),
            "inband" => answers("1", KeyPath::Tones),
            "wrong-keys" => answers("59#", KeyPath::Events),
            "quiet" => answers("", KeyPath::Events),
            "early" => Behaviour::Answers {
                rings: None,
                listens: None,
                keys: vec![],
                path: KeyPath::Events,
                leaves: Some(3.0),
            },
            "machine" => Behaviour::Machine { rings: None },
            "busy" => refuses(486),
            "not-found" => refuses(404),
            "unavailable" => refuses(480),
            "congested" => Behaviour::Refuses {
                status: 503,
                retry_after: Some(2),
            },
            "refuse" => refuses(603),
            "no-answer" => Behaviour::Rings,
            other => return Err(BehaviourError::Name(other.to_owned())),
        };
        for parameter in parameters.split_ascii_whitespace() {
            behaviour
                .set(parameter)
                .ok_or_else(|| BehaviourError::Parameter(parameter.to_owned()))?;
        }
        Ok(behaviour)
    }

    fn set(&mut self, parameter: &str) -> Option<()> {
        let (name, value) = parameter.split_once('=')?;
        let seconds = || value.parse::<f64>().ok().filter(|s| (0.0..=3600.0).contains(s));
        match (self, name) {
            (Behaviour::Answers { rings, .. } | Behaviour::Machine { rings }, "rings") => {
                *rings = Some(value.parse().ok().filter(|r| *r <= 20)?);
            }
            (Behaviour::Answers { listens, .. }, "listens") => *listens = Some(seconds()?),
            (Behaviour::Answers { leaves, .. }, "leaves") => *leaves = Some(seconds()?),
            (Behaviour::Answers { keys, .. }, "keys") => {
                *keys = value.chars().collect();
                keys.iter()
                    .all(|k| matches!(k, '0'..='9' | '*' | '#' | 'A'..='D'))
                    .then_some(())?;
            }
            (Behaviour::Refuses { status, .. }, "status") => {
                *status = value.parse().ok().filter(|s| (400..700).contains(s))?;
            }
            (Behaviour::Refuses { retry_after, .. }, "retry-after") => *retry_after = Some(value.parse().ok()?),
            _ => return None,
        }
        Some(())
    }

    /// Draws what is left to chance, and divides all human times by `pace`.
    pub fn plan(&self, rng: &mut impl Rng, pace: f64) -> Plan {
        let human = |seconds: f64| Duration::from_secs_f64(seconds / pace);
        let mut ringing = |rings: &Option<u32>| {
            // The answer comes somewhere within a ring, as people do.
            let whole = rings.map_or_else(|| rng.random_range(1.0..4.0), f64::from);
            human(whole * RING.as_secs_f64() + rng.random_range(0.0..2.0))
        };
        match self {
            Behaviour::Answers {
                rings,
                listens,
                keys,
                path,
                leaves,
            } => {
                let after = ringing(rings);
                let mut deeds = vec![(Duration::from_millis(200), Deed::Greet)];
                let mut at = Duration::ZERO;
                for key in keys {
                    at += human(listens.unwrap_or_else(|| rng.random_range(4.0..12.0)));
                    // A key is pressed after the greeting and not before the other side could have said anything.
                    deeds.push((at.max(Duration::from_millis(1200)), Deed::Press(*key, *path)));
                    at = at.max(Duration::from_millis(1200));
                }
                if let Some(leaves) = leaves {
                    deeds.push((human(*leaves).max(at), Deed::Leave));
                }
                Plan::Answer { after, deeds }
            }
            Behaviour::Machine { rings } => Plan::Answer {
                after: ringing(rings),
                // Announcement and beep are audio and cannot be hurried; what follows is recording time.
                deeds: vec![
                    (Duration::from_millis(300), Deed::Announce),
                    (Duration::from_secs(12) + human(60.0), Deed::Leave),
                ],
            },
            Behaviour::Refuses { status, retry_after } => Plan::Refuse {
                after: human(rng.random_range(0.2..3.0)),
                status: *status,
                retry_after: *retry_after,
            },
            Behaviour::Rings => Plan::Ring,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn behaviours_are_read_or_refused_with_the_word_that_is_wrong() {
        let good = [
            ("confirm", "rings=2 listens=8"),
            ("twice", ""),
            ("quiet", "leaves=40"),
            ("wrong-keys", "keys=7*0"),
            ("machine", "rings=0"),
            ("congested", "retry-after=30"),
            ("refuse", "status=608"),
            ("no-answer", ""),
        ];
        for (name, parameters) in good {
            assert!(Behaviour::read(name, parameters).is_ok(), "{name} {parameters}");
        }
        let bad = [
            ("confrim", "", "confrim"),
            ("busy", "rings=2", "rings=2"),
            ("confirm", "rings", "rings"),
            ("confirm", "listens=-3", "listens=-3"),
            ("confirm", "keys=1x", "keys=1x"),
            ("refuse", "status=200", "status=200"),
        ];
        for (name, parameters, wrong) in bad {
            let error = Behaviour::read(name, parameters).unwrap_err().to_string();
            assert!(error.contains(wrong), "{name} {parameters}: {error}");
        }
    }

    #[test]
    fn a_plan_keeps_its_order_and_follows_the_pace() {
        let twice = Behaviour::read("twice", "rings=2 listens=10").unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let Plan::Answer { after, deeds } = twice.plan(&mut rng, 5.0) else {
            panic!("it answers")
        };
        assert!((2.0..2.4).contains(&after.as_secs_f64()), "{after:?}");
        assert_eq!(
            deeds[1..],
            [
                (Duration::from_secs(2), Deed::Press('2', KeyPath::Events)),
                (Duration::from_secs(4), Deed::Press('1', KeyPath::Events))
            ]
        );
    }

    #[test]
    fn keys_never_come_before_anything_could_have_been_heard() {
        let eager = Behaviour::read("twice", "listens=1").unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let Plan::Answer { deeds, .. } = eager.plan(&mut rng, 100.0) else {
            panic!("it answers")
        };
        assert!(deeds.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert!(deeds[1].0 >= Duration::from_secs(1));
    }
}
