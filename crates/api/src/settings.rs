//! What the program must say to open the desk.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::users::Group;

/// Settings of the HTTPS interface, derived from the operator's configuration file.
#[derive(Clone)]
pub struct Settings {
    /// Address and port to listen on; port 0 takes any free one, told by [`crate::Server::address`].
    pub listen: SocketAddr,
    /// Where the certificate comes from.
    pub tls: Tls,
    /// Folder for what the desk keeps: users, audit trail, the self-signed certificate. Created when missing.
    pub data: PathBuf,
    /// Password of the first administrator (`admin`), used only while there is no administrator. `None`: one is made and
    /// given once by [`crate::Server::initial_password`].
    pub admin_password: Option<String>,
    /// Users that the configuration names. Those missing are added; one whose password or groups in the file have changed since the
    /// last start gets them. All else about users is changed in the console.
    pub users: Vec<NamedUser>,
    /// Groups that the configuration names. Those missing are added; one whose rights in the file have changed since the last
    /// start gets them. All else about groups is changed in the console.
    pub groups: Vec<Group>,
    /// How long a session lives without being used.
    pub session_idle: Duration,
    /// Name of the organisation, shown in the console and on reports ("Préfecture de la Somme").
    pub organisation: String,
    /// Time zone of dates in the console and the reports, an IANA name ("Europe/Paris").
    pub time_zone: String,
    /// After each day, week, month, quarter or year a service report is made and kept; `None`: only when asked for.
    pub service_report: Option<dialer::statistics::Unit>,
    /// Largest accepted body of a request, in bytes; spreadsheets are the largest.
    pub max_body: usize,
}

impl Settings {
    /// Usual settings for a listen address and a data folder: self-signed certificate, Paris time, twelve hours of
    /// idle session, bodies of at most 32 MiB.
    #[must_use]
    pub fn new(listen: SocketAddr, data: impl Into<PathBuf>) -> Settings {
        Settings {
            listen,
            tls: Tls::SelfSigned {
                names: vec!["localhost".into()],
            },
            data: data.into(),
            admin_password: None,
            users: Vec::new(),
            groups: Vec::new(),
            session_idle: Duration::from_secs(12 * 3600),
            organisation: "Préfecture".into(),
            time_zone: "Europe/Paris".into(),
            service_report: Some(dialer::statistics::Unit::Month),
            max_body: 32 << 20,
        }
    }
}

/// A user that the configuration names.
#[derive(Clone)]
pub struct NamedUser {
    /// The code typed at login.
    pub login: String,
    /// Name for people; may be empty.
    pub name: String,
    /// `administration`, `launch`, `directory`, `statistics`, or the names of groups of the configuration or the console.
    pub groups: BTreeSet<String>,
    /// The password.
    pub password: String,
    /// User code and secret code for launches by telephone: digits.
    pub telephone: Option<(String, String)>,
}

/// Never shows the password.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("listen", &self.listen)
            .field("tls", &self.tls)
            .field("data", &self.data)
            .field("session_idle", &self.session_idle)
            .field("organisation", &self.organisation)
            .finish_non_exhaustive()
    }
}

/// Where the certificate of the HTTPS server comes from.
#[derive(Debug, Clone)]
pub enum Tls {
    /// PEM files of the operator: the chain, and its private key.
    Files {
        /// PEM file of the certificate followed by its intermediates.
        certificate: PathBuf,
        /// PEM file of the private key (PKCS#8, PKCS#1 or SEC1).
        key: PathBuf,
    },
    /// A certificate that tocsin makes for these host names or addresses and keeps in its data folder. It is made again only
    /// when a name is new.
    SelfSigned {
        /// DNS names and IP addresses that the certificate names.
        names: Vec<String>,
    },
}
