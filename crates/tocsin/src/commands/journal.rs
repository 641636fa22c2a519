//! `tocsin journal`: proves that the journal and a report are whole and unaltered, backs the journal up while tocsin runs
//! or when it does not, and restores it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dialer::Journal as _;
use dialer::JournalError;
use dialer::journal::{self, Embedded, Engine, NotRestored, Reader, Verified, hex};
use serde_json::json;

use crate::config::Config;
use crate::service::control::{self, Unanswered};
use crate::words::{Phrase, Told, Words, system};

mod against;

/// What `tocsin journal` takes.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Verify {
        #[command(flatten)]
        place: Place,
        /// A backup to check instead of the journal.
        #[arg(long, conflicts_with = "config")]
        backup: Option<PathBuf>,
        /// A report (JSON) that must belong to this journal.
        #[arg(long)]
        report: Option<PathBuf>,
        /// Number of records that a report states.
        #[arg(long, requires = "head")]
        records: Option<u64>,
        /// Head that a report states for them.
        #[arg(long, requires = "records")]
        head: Option<String>,
        #[arg(long)]
        json: bool,
    },
    Backup {
        #[command(flatten)]
        place: Place,
        /// The file to write.
        #[arg(long)]
        to: PathBuf,
        #[arg(long)]
        json: bool,
    },
    Restore {
        #[command(flatten)]
        place: Place,
        /// The backup.
        #[arg(long)]
        from: PathBuf,
        /// Put it in the place of the journal that is there, which is kept under another name.
        #[arg(long)]
        replace: bool,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Place {
    #[arg(long, default_value = "tocsin.toml")]
    config: PathBuf,
}

/// Why it did not do what was asked.
enum Failure {
    Config(crate::config::ConfigError),
    Said(Phrase),
}

impl From<Phrase> for Failure {
    fn from(phrase: Phrase) -> Self {
        Self::Said(phrase)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::Said(error.told())
    }
}

impl Place {
    fn config(&self) -> Result<Config, Failure> {
        Config::load(&self.config).map_err(Failure::Config)
    }
}

/// Does it.
pub fn run(arguments: Arguments, words: &Words<'_>) -> ExitCode {
    let done = match arguments.what {
        What::Verify {
            place,
            backup,
            report,
            records,
            head,
            json,
        } => verify(&place, backup, report, records.zip(head), json, words),
        What::Backup { place, to, json } => back_up(&place, &to, json, words),
        What::Restore {
            place,
            from,
            replace,
            json,
        } => restore(&place, &from, replace, json, words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Said(phrase)) => super::fail(words, &phrase),
        Err(Failure::Config(error)) => super::refuse(words, &error),
    }
}

/// The journal, wherever it can be had.
struct Source {
    reader: Reader,
    /// Keeps the folder, or the copy that a running tocsin gave.
    _kept: (Option<Embedded>, Option<tempfile::NamedTempFile>),
}

/// The journal of the configuration: from its folder, or, when that is in use, from the tocsin that uses it.
fn source(config: &Config) -> Result<Source, Failure> {
    let folder = config.data.join("journal");
    if Engine::found(&folder).is_none() {
        return Err(Phrase::new("journal-none")
            .with("path", folder.display().to_string())
            .into());
    }
    match Embedded::open(&folder) {
        Ok(journal) => Ok(Source {
            reader: journal.reader()?,
            _kept: (Some(journal), None),
        }),
        Err(JournalError::InUse(_)) => {
            let file = |error: &std::io::Error| {
                Phrase::new("journal-file")
                    .with("path", config.data.display().to_string())
                    .with("reason", system(error))
            };
            let mut copy = tempfile::NamedTempFile::new_in(&config.data).map_err(|error| file(&error))?;
            control::fetch(&config.data, copy.as_file_mut()).map_err(|error| error.told())?;
            Ok(Source {
                reader: journal::open_backup(copy.path())?,
                _kept: (None, Some(copy)),
            })
        }
        Err(error) => Err(error.into()),
    }
}

fn verify(
    place: &Place,
    backup: Option<PathBuf>,
    report: Option<PathBuf>,
    stated: Option<(u64, String)>,
    is_json: bool,
    words: &Words<'_>,
) -> Result<(), Failure> {
    let source = match backup {
        Some(path) => Source {
            reader: journal::open_backup(&path)?,
            _kept: (None, None),
        },
        None => source(&place.config()?)?,
    };
    let verified = source.reader.verify()?;
    let mut said = vec![whole(&verified)];
    let mut answer = json!({ "records": verified.records, "head": hex(&verified.head) });
    if let Some((records, head)) = stated {
        against::head(&source.reader, records, &head)?;
        said.push(Phrase::new("journal-belongs").with("records", records));
        answer["stated_head_belongs"] = true.into();
    }
    if let Some(path) = report {
        let checked = against::report(&source.reader, &path)?;
        said.push(
            Phrase::new("journal-report-good")
                .with("path", path.display().to_string())
                .with("recipients", checked.recipients)
                .with("attempts", checked.attempts),
        );
        answer["report"] = json!({ "recipients": checked.recipients, "attempts": checked.attempts });
    }
    tell(is_json, &answer, &said, words);
    Ok(())
}

fn whole(verified: &Verified) -> Phrase {
    Phrase::new("journal-whole")
        .with("records", verified.records)
        .with("head", hex(&verified.head))
}

fn tell(is_json: bool, answer: &serde_json::Value, said: &[Phrase], words: &Words<'_>) {
    if is_json {
        println!("{answer:#}");
        return;
    }
    for phrase in said {
        println!("{}", phrase.say(words));
    }
}

fn back_up(place: &Place, to: &Path, is_json: bool, words: &Words<'_>) -> Result<(), Failure> {
    let config = place.config()?;
    if to.exists() {
        return Err(Phrase::new("journal-backup-exists")
            .with("path", to.display().to_string())
            .into());
    }
    let wrong = |error: &std::io::Error| {
        Phrase::new("journal-file")
            .with("path", to.display().to_string())
            .with("reason", system(error))
    };
    // Under another name until it is whole and durable: a backup that is there can be trusted.
    let folder = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| wrong(&error))?;
    let journal = config.data.join("journal");
    if Engine::found(&journal).is_none() {
        return Err(Phrase::new("journal-none")
            .with("path", journal.display().to_string())
            .into());
    }
    match Embedded::open(&journal) {
        Ok(journal) => {
            let mut out = std::io::BufWriter::with_capacity(1 << 16, file.as_file_mut());
            journal::write_backup(&journal.reader()?, &mut out)?;
            out.flush().map_err(|error| wrong(&error))?;
        }
        Err(JournalError::InUse(_)) => {
            control::fetch(&config.data, file.as_file_mut()).map_err(|error| error.told())?;
        }
        Err(error) => return Err(error.into()),
    }
    let verified = journal::open_backup(file.path())?.verify()?;
    file.as_file().sync_all().map_err(|error| wrong(&error))?;
    file.persist_noclobber(to).map_err(|error| wrong(&error.error))?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| wrong(&error))?;
    let said = [
        Phrase::new("journal-backed-up").with("path", to.display().to_string()),
        whole(&verified),
    ];
    let answer = json!({ "records": verified.records, "head": hex(&verified.head), "backup": to });
    tell(is_json, &answer, &said, words);
    Ok(())
}

fn restore(place: &Place, from: &Path, replace: bool, is_json: bool, words: &Words<'_>) -> Result<(), Failure> {
    let config = place.config()?;
    let reader = journal::open_backup(from)?;
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let folder = config.data.join("journal");
    let store = config.journal.store.or(Engine::found(&folder)).unwrap_or_default();
    let restored = journal::restore(&reader, &folder, store, replace, &stamp).map_err(|error| error.told())?;
    let mut said = vec![
        Phrase::new("journal-restored").with("path", folder.display().to_string()),
        whole(&restored.verified),
    ];
    if let Some(former) = &restored.former {
        said.push(Phrase::new("journal-former").with("path", former.display().to_string()));
    }
    if restored.forgotten > 0 {
        said.push(Phrase::new("journal-forgotten").with("persons", restored.forgotten as u64));
    }
    let answer = json!({
        "records": restored.verified.records,
        "head": hex(&restored.verified.head),
        "journal": folder,
        "former": restored.former,
        "forgotten": restored.forgotten,
    });
    tell(is_json, &answer, &said, words);
    Ok(())
}

impl Told for NotRestored {
    fn told(&self) -> Phrase {
        match self {
            Self::Exists(path) => Phrase::new("journal-exists").with("path", path.display().to_string()),
            Self::Journal(error) => error.told(),
            Self::Folder { path, source } => Phrase::new("journal-file")
                .with("path", path.display().to_string())
                .with("reason", system(source)),
        }
    }
}

impl Told for Unanswered {
    fn told(&self) -> Phrase {
        match self {
            Self::Nobody(error) => Phrase::new("journal-nobody").with("reason", system(error)),
            Self::Refused(words) => Phrase::new("journal-refused").with("words", words.clone()),
            Self::Cut(error) => Phrase::new("journal-cut").with("reason", system(error)),
        }
    }
}
