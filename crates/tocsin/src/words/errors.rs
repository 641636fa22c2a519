//! What the other rooms' errors are called on the command line, variant by variant.

use std::io::{self, ErrorKind};

use dialer::{JournalError, RestoreError};
use directory::{NumberError, StoreError};
use rtp_media::driver::StartError;
use rtp_media::import::{ImportError, MAX_SECONDS};
use rtp_media::sdp::SdpError;
use rtp_media::speech::{PromptError, SpeechError};
use sip_core::driver::{BindError, TlsError};
use sip_core::message::Fault;

use super::{Phrase, Told};

/// What the system says. Rare errors keep the system's own words.
pub fn system(error: &io::Error) -> Phrase {
    /// Too many open files, on Linux.
    const EMFILE: i32 = 24;
    if error.raw_os_error() == Some(EMFILE) {
        return Phrase::new("system-too-many-files");
    }
    Phrase::new(match error.kind() {
        ErrorKind::NotFound => "system-not-found",
        ErrorKind::PermissionDenied => "system-permission",
        ErrorKind::AddrInUse => "system-in-use",
        ErrorKind::AddrNotAvailable => "system-not-here",
        ErrorKind::IsADirectory => "system-is-folder",
        ErrorKind::NotADirectory => "system-not-folder",
        ErrorKind::StorageFull => "system-full",
        ErrorKind::ReadOnlyFilesystem => "system-read-only",
        ErrorKind::AlreadyExists => "system-exists",
        _ => return Phrase::new("system-other").with("words", error.to_string()),
    })
}

impl Told for BindError {
    fn told(&self) -> Phrase {
        match self {
            Self::Busy(address) => Phrase::new("start-sip-busy")
                .with("port", address.port().to_string())
                .with("ip", address.ip().to_string()),
            Self::Listen { address, source } => Phrase::new("start-sip-listen")
                .with("address", address.to_string())
                .with("reason", system(source)),
        }
    }
}

impl Told for TlsError {
    fn told(&self) -> Phrase {
        match self {
            Self::File { path, source, .. } => {
                let reason = match source {
                    tokio_rustls::rustls::pki_types::pem::Error::Io(error) => system(error),
                    _ => Phrase::new("start-tls-no-pem"),
                };
                Phrase::new("start-tls-file")
                    .with("path", path.display().to_string())
                    .with("reason", reason)
            }
            Self::NoAuthorities => Phrase::new("start-tls-authorities"),
            Self::Identity(error) => Phrase::new("start-tls-identity").with("words", error.to_string()),
            Self::Settings(words) => Phrase::new("start-tls-settings").with("words", words.clone()),
            Self::Bind(error) => error.told(),
        }
    }
}

impl Told for StartError {
    fn told(&self) -> Phrase {
        match self {
            Self::NoPorts(ports) => Phrase::new("start-media-ports")
                .with("first", ports.start.to_string())
                .with("last", ports.end.to_string()),
            Self::Bind { ip, source } => Phrase::new("start-media-bind")
                .with("ip", ip.to_string())
                .with("reason", system(source)),
            Self::Thread(error) => Phrase::new("start-thread").with("reason", system(error)),
        }
    }
}

impl Told for JournalError {
    fn told(&self) -> Phrase {
        match self {
            Self::Damaged { at, what } => Phrase::new("start-journal-damaged")
                .with("at", at.to_string())
                .with("words", what.clone()),
            Self::Members { campaign, what } => Phrase::new("start-journal-members")
                .with("campaign", campaign.to_string())
                .with("words", *what),
            Self::Version { found, known } => Phrase::new("start-journal-version")
                .with("found", found.to_string())
                .with("known", known.to_string()),
            Self::Full => Phrase::new("start-journal-full"),
            Self::Open(path, words) => Phrase::new("start-journal-open")
                .with("path", path.clone())
                .with("words", words.clone()),
            Self::InUse(path) => Phrase::new("start-journal-in-use").with("path", path.clone()),
            Self::Engine { folder, found, wanted } => Phrase::new("start-journal-engine")
                .with("path", folder.clone())
                .with("found", found.to_string())
                .with("wanted", wanted.to_string()),
            Self::Backup { path, what } => Phrase::new("start-journal-backup")
                .with("path", path.clone())
                .with("words", what.clone()),
            Self::Conflict { .. } => Phrase::new("start-journal-conflict"),
            Self::Store(words) => Phrase::new("start-journal-store").with("words", words.clone()),
        }
    }
}

impl Told for RestoreError {
    fn told(&self) -> Phrase {
        match self {
            Self::Journal(error) => error.told(),
            Self::Gap { expected, found } => Phrase::new("start-journal-gap")
                .with("expected", expected.to_string())
                .with("found", found.to_string()),
        }
    }
}

impl Told for StoreError {
    fn told(&self) -> Phrase {
        match self {
            Self::Damaged { key, source } => Phrase::new("start-directory-damaged")
                .with("key", key.clone())
                .with("words", source.to_string()),
            other => Phrase::new("start-directory").with("words", other.to_string()),
        }
    }
}

impl Told for ImportError {
    fn told(&self) -> Phrase {
        match self {
            Self::Format => Phrase::new("sound-format"),
            Self::Codec => Phrase::new("sound-codec"),
            Self::Damaged => Phrase::new("sound-damaged"),
            Self::PartlyDamaged { bad, all } => Phrase::new("sound-partly-damaged").with("bad", *bad).with("all", *all),
            Self::TooLong => Phrase::new("sound-too-long").with("minutes", MAX_SECONDS / 60),
            Self::Silent => Phrase::new("sound-silent"),
        }
    }
}

impl Told for SpeechError {
    fn told(&self) -> Phrase {
        match self {
            Self::Missing {
                program,
                package,
                source,
            } => Phrase::new("speech-missing")
                .with("program", program.clone())
                .with("package", package.clone())
                .with("reason", system(source)),
            Self::Failed {
                program,
                status,
                message,
            } => Phrase::new("speech-failed")
                .with("program", program.clone())
                .with("status", status.clone())
                .with("words", message.clone()),
            Self::TimedOut { program, limit } => Phrase::new("speech-timed-out")
                .with("program", program.clone())
                .with("seconds", limit.as_secs()),
            Self::Audio { program, source } => Phrase::new("speech-audio")
                .with("program", program.clone())
                .with("reason", source.told()),
            Self::Length { length, limit } => Phrase::new("speech-length")
                .with("length", *length)
                .with("limit", *limit),
            Self::Language(tag) => Phrase::new("speech-language").with("tag", tag.clone()),
            Self::Cache { path, source } => Phrase::new("speech-cache")
                .with("path", path.clone())
                .with("reason", system(source)),
        }
    }
}

impl Told for PromptError {
    fn told(&self) -> Phrase {
        match self {
            Self::Speech { name, language, source } => Phrase::new("prompt-speech")
                .with("name", name.clone())
                .with("tag", language.clone())
                .with("reason", source.told()),
            Self::Recording { path, source } => Phrase::new("prompt-recording")
                .with("path", path.display().to_string())
                .with("reason", source.told()),
            Self::File { path, source } => Phrase::new("prompt-recording")
                .with("path", path.display().to_string())
                .with("reason", system(source)),
        }
    }
}

impl Told for SdpError {
    fn told(&self) -> Phrase {
        match self {
            Self::TooLong => Phrase::new("sdp-too-long"),
            Self::Malformed { line } => Phrase::new("sdp-malformed").with("line", *line),
            Self::NoAudio => Phrase::new("sdp-no-audio"),
            Self::Refused => Phrase::new("sdp-refused"),
            Self::NoCommonCodec => Phrase::new("sdp-no-codec"),
            Self::NoAddress => Phrase::new("sdp-no-address"),
            Self::EncryptionRequired => Phrase::new("sdp-encryption"),
            Self::Profile => Phrase::new("sdp-profile"),
        }
    }
}

impl Told for Fault {
    fn told(&self) -> Phrase {
        match self {
            Self::StartLine => Phrase::new("fault-start-line"),
            Self::RequestLine => Phrase::new("fault-request-line"),
            Self::RequestUri => Phrase::new("fault-request-uri"),
            Self::RequestUriTooLong => Phrase::new("fault-request-uri-too-long"),
            Self::Version => Phrase::new("fault-version"),
            Self::Status => Phrase::new("fault-status"),
            Self::Uri => Phrase::new("fault-uri"),
            Self::HeaderLine => Phrase::new("fault-header-line"),
            Self::Unfinished => Phrase::new("fault-unfinished"),
            Self::Missing(name) => Phrase::new("fault-missing").with("header", name.to_string()),
            Self::Repeated(name) => Phrase::new("fault-repeated").with("header", name.to_string()),
            Self::Malformed(name) => Phrase::new("fault-malformed").with("header", name.to_string()),
            Self::MethodMismatch => Phrase::new("fault-method-mismatch"),
            Self::BodyTooShort => Phrase::new("fault-body-too-short"),
            Self::NoLength => Phrase::new("fault-no-length"),
            Self::TooLarge => Phrase::new("fault-too-large"),
            Self::TooManyHeaders => Phrase::new("fault-too-many-headers"),
            Self::Unsupported(status) => Phrase::new("fault-unsupported").with("status", status.to_string()),
            Self::Body => Phrase::new("fault-body"),
        }
    }
}

/// The words of the console's import.
impl Told for NumberError {
    fn told(&self) -> Phrase {
        Phrase::new(match self {
            Self::Empty => "reason-number-empty",
            Self::Character(_) => "reason-number-character",
            Self::Short => "reason-number-short",
            Self::TooFewDigits(_) => "reason-number-too-few",
            Self::TooManyDigits(_) => "reason-number-too-many",
            Self::SpecialRate => "reason-number-special-rate",
            Self::CountryCode => "reason-number-country",
            Self::Shortened => "reason-number-shortened",
        })
    }
}

impl Told for api::ServeError {
    fn told(&self) -> Phrase {
        match self {
            Self::PortBusy(address) => Phrase::new("start-web-busy")
                .with("port", address.port().to_string())
                .with("ip", address.ip().to_string()),
            Self::Bind { address, source } => Phrase::new("start-web-bind")
                .with("address", address.to_string())
                .with("reason", system(source)),
            Self::File { path, source } => Phrase::new("start-web-file")
                .with("path", path.display().to_string())
                .with("reason", system(source)),
            Self::Certificate { path, reason } => Phrase::new("start-web-certificate")
                .with("path", path.display().to_string())
                .with("words", reason.clone()),
            Self::Damaged { path, line, reason } => Phrase::new("start-web-damaged")
                .with("path", path.display().to_string())
                .with("line", *line)
                .with("words", reason.clone()),
            Self::Login(login) => Phrase::new("start-web-login").with("login", login.clone()),
            Self::PhoneCodes(login) => Phrase::new("start-web-phone-codes").with("login", login.clone()),
            Self::NoGroup { login, group } => Phrase::new("start-web-group")
                .with("login", login.clone())
                .with("group", group.clone()),
            Self::TimeZone(name) => Phrase::new("start-web-time-zone").with("name", name.clone()),
        }
    }
}
