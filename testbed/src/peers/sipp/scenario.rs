//! How a scenario is played, and what must come of it.

/// One scenario file and what the test adds to it.
pub struct Scenario {
    /// Name of its file.
    pub name: &'static str,
    /// The line of the check list that it shows.
    pub topic: &'static str,
    /// Seconds of sound that tocsin plays before it hangs up.
    pub seconds: f64,
    /// More arguments of `tocsin dial`.
    pub arguments: &'static [&'static str],
    /// More arguments of SIPp.
    pub sipp: &'static [&'static str],
    /// What comes after the port in the address that is called.
    pub suffix: &'static str,
    /// The address on which SIPp listens.
    pub address: &'static str,
    /// The key that the far end presses one second after it hears something.
    pub key: Option<u8>,
    /// Fields of what tocsin tells, as JSON pointers.
    pub tells: &'static [(&'static str, Expected)],
    /// RTP packets that the far end must have heard at least and at most.
    pub heard: (u64, u64),
    /// Digest proofs that SIPp must have received, each of them right.
    pub proofs: usize,
    /// By how much tocsin's clock runs too fast, so that the minutes of session timers pass in seconds.
    pub pace: u32,
}

/// What a field must be.
pub enum Expected {
    Text(&'static str),
    Number(u64),
    Is(bool),
    /// One of the steps contains this text.
    Step(&'static str),
    /// No step contains this text.
    NoStep(&'static str),
    Null,
}

pub const ANSWERED: (&str, Expected) = ("/answered", Expected::Is(true));
pub const UNANSWERED: (&str, Expected) = ("/answered", Expected::Is(false));
pub const WE_ENDED: (&str, Expected) = ("/origin", Expected::Text("Local"));
pub const FAR_END_ENDED: (&str, Expected) = ("/origin", Expected::Text("Remote"));

pub const fn step(text: &'static str) -> (&'static str, Expected) {
    ("/steps", Expected::Step(text))
}

pub const fn no_step(text: &'static str) -> (&'static str, Expected) {
    ("/steps", Expected::NoStep(text))
}

pub const fn status(code: u64) -> (&'static str, Expected) {
    ("/status", Expected::Number(code))
}

pub const fn q850(cause: u64) -> (&'static str, Expected) {
    ("/q850", Expected::Number(cause))
}

impl Scenario {
    /// A call of one second that tocsin ends.
    pub const fn new(name: &'static str, topic: &'static str) -> Scenario {
        Scenario {
            name,
            topic,
            seconds: 1.0,
            arguments: &[],
            sipp: &[],
            suffix: "",
            address: "127.0.0.1",
            key: None,
            tells: &[ANSWERED, WE_ENDED],
            heard: (25, u64::MAX),
            proofs: 0,
            pace: 1,
        }
    }

    pub const fn plays(self, seconds: f64) -> Scenario {
        Scenario { seconds, ..self }
    }

    pub const fn arguments(self, arguments: &'static [&'static str]) -> Scenario {
        Scenario { arguments, ..self }
    }

    pub const fn sipp(self, sipp: &'static [&'static str]) -> Scenario {
        Scenario { sipp, ..self }
    }

    pub const fn over(self, sipp: &'static [&'static str], suffix: &'static str) -> Scenario {
        Scenario { sipp, suffix, ..self }
    }

    pub const fn on(self, address: &'static str) -> Scenario {
        Scenario { address, ..self }
    }

    pub const fn presses(self, key: u8) -> Scenario {
        Scenario { key: Some(key), ..self }
    }

    pub const fn tells(self, tells: &'static [(&'static str, Expected)]) -> Scenario {
        Scenario { tells, ..self }
    }

    /// A call that fails: nothing is heard.
    pub const fn fails(self, tells: &'static [(&'static str, Expected)]) -> Scenario {
        Scenario {
            tells,
            heard: (0, 0),
            ..self
        }
    }

    pub const fn hears(self, least: u64, most: u64) -> Scenario {
        Scenario {
            heard: (least, most),
            ..self
        }
    }

    /// The user `prefecture` proves the password this often.
    pub const fn proves(self, proofs: usize) -> Scenario {
        Scenario {
            arguments: &["--user", "prefecture"],
            proofs,
            ..self
        }
    }

    pub const fn hurries(self, pace: u32) -> Scenario {
        Scenario { pace, ..self }
    }
}
