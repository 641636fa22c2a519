//! `[[extract]]`: a directory extract that is refreshed by itself (R31).

use std::path::PathBuf;
use std::time::Duration;

use super::problem::Mistake;
use super::reader::Section;
use super::secret::Secret;
use crate::words::Phrase;

/// A directory extract that is refreshed by itself.
#[derive(Debug, Clone)]
pub struct Extract {
    /// What operators call it.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Time between two refreshes.
    pub every: Duration,
    /// Static list that is made to hold exactly its rows.
    pub list: Option<String>,
    /// Domain of those for whom it gives none.
    pub domain: Option<String>,
    /// Function of those for whom it gives none.
    pub function: Option<String>,
    /// Rows left out, in percent, beyond which it is not applied.
    pub max_rejected: u8,
}

/// Where an extract comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The latest file of a folder.
    Folder(PathBuf),
    /// An HTTPS address.
    Https {
        /// The address.
        url: String,
        /// What is sent as `Authorization`, such as `Bearer …` or `Basic …`.
        authorization: Option<Secret>,
        /// PEM file of further certificate authorities.
        authorities: Option<PathBuf>,
        /// Longest time for one fetch.
        timeout: Duration,
    },
}

/// Bounds of `every`.
const PERIODS: std::ops::Range<Duration> = Duration::from_secs(60)..Duration::from_secs(31 * 86_400);

pub(super) fn read(section: &mut Section<'_, '_>) -> Option<Extract> {
    let name = section.text("name");
    if name.is_none() {
        section.missing("name", "config-purpose-extract-name");
    }
    let folder = section.path("folder");
    let url = section.read_with("url", |text| check_url(text).map(|()| text.to_owned()));
    let authorization = section.secret(["authorization", "authorization_file", "authorization_env"]);
    let authorities = section.path("authorities");
    let timeout = section.duration("timeout", Duration::from_secs(1)..Duration::from_secs(3600));
    let origin = match (folder, url) {
        (Some(folder), None) => Some(Origin::Folder(folder)),
        (None, Some(url)) => Some(Origin::Https {
            url,
            authorization,
            authorities,
            timeout: timeout.unwrap_or(Duration::from_secs(120)),
        }),
        (None, None) if section.has("url") || section.has("folder") => None,
        _ => {
            section.blame(None, Mistake::Conflict(Phrase::new("config-conflict-extract")));
            None
        }
    };
    let every = section
        .duration("every", PERIODS)
        .unwrap_or(Duration::from_secs(86_400));
    let list = section.text("list");
    let domain = section.text("domain");
    let function = section.text("function");
    let max_rejected = section.integer("max_rejected_percent", 0..101).unwrap_or(20) as u8;
    Some(Extract {
        name: name?,
        origin: origin?,
        every,
        list,
        domain,
        function,
        max_rejected,
    })
}

/// Personal data travels by HTTPS only, and a password in the address would end up in logs.
fn check_url(text: &str) -> Result<(), Phrase> {
    let Some(rest) = text.strip_prefix("https://") else {
        return Err(Phrase::new("config-expected-https"));
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return Err(Phrase::new("config-expected-no-password"));
    }
    if host.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Phrase::new("config-expected-https"));
    }
    Ok(())
}
