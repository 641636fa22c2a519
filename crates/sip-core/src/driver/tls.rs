//! TLS settings made from files (RFC 3261 §26, RFC 5922).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};

/// Where certificate authorities are kept on the systems we know.
const SYSTEM_ROOTS: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// What the operator decides about TLS. Files are in PEM form.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// Authorities of carriers, besides or instead of the system's.
    pub authorities: Vec<PathBuf>,
    /// Trust only `authorities`, not the system's.
    pub only_those: bool,
    /// Our certificate chain and key: shown to carriers that ask, and to those who connect to us. Without them nobody can
    /// connect to us by TLS.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Those who connect to us must show a certificate of one of the authorities.
    pub demand_certificate: bool,
}

/// Why TLS cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds nothing of the kind.
    #[error("cannot read {what} from {}: {source}", .path.display())]
    File {
        /// What was expected in it.
        what: &'static str,
        /// Which one.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// No authority at all.
    #[error("no certificate authority is known: install the package ca-certificates, or name a file")]
    NoAuthorities,
    /// Certificate and key do not fit, or are not usable.
    #[error("the certificate and key of this machine cannot be used: {0}")]
    Identity(rustls::Error),
    /// The library refuses the settings.
    #[error("TLS cannot be set up: {0}")]
    Settings(String),
    /// The port for TLS cannot be listened on.
    #[error(transparent)]
    Bind(#[from] super::BindError),
}

/// The two sides of TLS.
pub(super) struct Tls {
    pub client: Arc<ClientConfig>,
    pub server: Option<Arc<ServerConfig>>,
}

impl Tls {
    pub fn load(settings: &TlsSettings) -> Result<Tls, TlsError> {
        let roots = Arc::new(roots(settings)?);
        let provider = Arc::new(ring::default_provider());
        let identity = settings
            .identity
            .as_ref()
            .map(|(chain, key)| identity(chain, key))
            .transpose()?;
        let unusable = |error: rustls::Error| TlsError::Settings(error.to_string());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots.clone());
        let client = match &identity {
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(TlsError::Identity)?,
            None => builder.with_no_client_auth(),
        };
        let server = match identity {
            Some((chain, key)) => Some(Arc::new(server(settings, roots, provider, chain, key)?)),
            None => None,
        };
        Ok(Tls {
            client: Arc::new(client),
            server,
        })
    }
}

fn server(
    settings: &TlsSettings,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Settings(error.to_string()))?;
    let builder = if settings.demand_certificate {
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(|error| TlsError::Settings(error.to_string()))?;
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    builder.with_single_cert(chain, key).map_err(TlsError::Identity)
}

fn roots(settings: &TlsSettings) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for path in &settings.authorities {
        let found = certificates(path)?;
        roots.add_parsable_certificates(found);
    }
    if !settings.only_those {
        for path in SYSTEM_ROOTS.iter().map(Path::new).filter(|path| path.exists()).take(1) {
            roots.add_parsable_certificates(certificates(path)?);
        }
    }
    if roots.is_empty() {
        Err(TlsError::NoAuthorities)
    } else {
        Ok(roots)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::File {
        what: "certificates",
        path: path.to_owned(),
        source,
    };
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(failed)?
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    if found.is_empty() {
        Err(failed(pem::Error::NoItemsFound))
    } else {
        Ok(found)
    }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(chain: &Path, key: &Path) -> Result<Identity, TlsError> {
    let private = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::File {
        what: "a private key",
        path: key.to_owned(),
        source,
    })?;
    Ok((certificates(chain)?, private))
}
