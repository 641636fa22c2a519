//! The certificate: the operator's, or one made once and kept.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

use crate::store::{self, StoreError};
use crate::{ServeError, Tls};

/// Names of a certificate at most.
const MOST_NAMES: usize = 64;

/// What the server needs from the certificate.
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    /// SHA-256 of the leaf, "AB:CD:…".
    pub(crate) fingerprint: String,
}

/// Reads the certificate, or makes it in `data`.
pub(crate) fn identity(tls: &Tls, data: &Path) -> Result<Identity, ServeError> {
    let (certificate, key) = match tls {
        Tls::Files { certificate, key } => (certificate.clone(), key.clone()),
        Tls::SelfSigned { names } => own(names, data)?,
    };
    load(&certificate, &key)
}

/// The certificate that tocsin made, or makes: again only when a name is new, since people have to accept each one anew. Names
/// of before are kept: an address that comes and goes must not change the certificate each time.
fn own(names: &[String], data: &Path) -> Result<(PathBuf, PathBuf), ServeError> {
    let (certificate, key) = (data.join("certificate.pem"), data.join("certificate.key.pem"));
    let list = data.join("certificate.names.json");
    let known: BTreeSet<String> = store::read_json(&list)?.unwrap_or_default();
    let is_there = certificate.exists() && key.exists();
    if is_there && names.iter().all(|name| known.contains(name)) {
        return Ok((certificate, key));
    }
    let mut all: BTreeSet<String> = names.iter().cloned().collect();
    all.extend(known.into_iter().take(MOST_NAMES.saturating_sub(names.len())));
    let names: Vec<String> = all.into_iter().collect();
    make(&names, &certificate, &key)?;
    store::replace_json(&list, &names).map_err(|StoreError { path, source }| ServeError::File { path, source })?;
    tracing::info!(?names, "a certificate was made; browsers ask for consent to a new one");
    Ok((certificate, key))
}

fn make(names: &[String], certificate: &Path, key: &Path) -> Result<(), ServeError> {
    let failed = |error: rcgen::Error| ServeError::Certificate {
        path: certificate.into(),
        reason: error.to_string(),
    };
    let mut params = rcgen::CertificateParams::new(names.to_vec()).map_err(failed)?;
    let mut name = rcgen::DistinguishedName::new();
    name.push(rcgen::DnType::CommonName, "tocsin");
    params.distinguished_name = name;
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let signer = rcgen::KeyPair::generate().map_err(failed)?;
    let made = params.self_signed(&signer).map_err(failed)?;
    let wrap = |StoreError { path, source }| ServeError::File { path, source };
    store::replace(key, signer.serialize_pem().as_bytes()).map_err(wrap)?;
    store::replace(certificate, made.pem().as_bytes()).map_err(wrap)
}

fn load(certificate: &Path, key: &Path) -> Result<Identity, ServeError> {
    let read = |path: &Path| {
        fs::read(path).map_err(|source: io::Error| ServeError::File {
            path: path.into(),
            source,
        })
    };
    let wrong = |path: &Path, reason: String| ServeError::Certificate {
        path: path.into(),
        reason,
    };
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(certificate, error.to_string()))?;
    let leaf = chain
        .first()
        .ok_or_else(|| wrong(certificate, "it holds no certificate".into()))?;
    let fingerprint = Sha256::digest(leaf)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect::<Vec<_>>()
        .join(":");
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| wrong(key, error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| wrong(certificate, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| wrong(certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Identity {
        config: Arc::new(config),
        fingerprint,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let tls = Tls::SelfSigned {
            names: vec!["localhost".into(), "127.0.0.1".into()],
        };
        let first = identity(&tls, folder.path()).unwrap();
        let second = identity(&tls, folder.path()).unwrap();
        assert_eq!(first.fingerprint, second.fingerprint);
        assert_eq!(first.fingerprint.len(), 32 * 3 - 1);
    }

    #[test]
    fn a_new_name_makes_a_new_certificate_and_a_lost_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let of = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            identity(&Tls::SelfSigned { names }, folder.path()).unwrap().fingerprint
        };
        let first = of(&["localhost"]);
        let both = of(&["localhost", "192.0.2.7"]);
        assert_ne!(first, both);
        assert_eq!(of(&["localhost"]), both, "the other name is kept");
        assert_eq!(of(&["192.0.2.7"]), both);
    }

    #[test]
    fn a_missing_a_damaged_and_a_foreign_key_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        fs::create_dir_all(&one).unwrap();
        fs::create_dir_all(&two).unwrap();
        let tls = Tls::SelfSigned {
            names: vec!["localhost".into()],
        };
        identity(&tls, &one).unwrap();
        identity(&tls, &two).unwrap();
        let files = |certificate: &Path, key: &Path| Tls::Files {
            certificate: certificate.into(),
            key: key.into(),
        };
        let chain = one.join("certificate.pem");
        let missing = identity(&files(&chain, &one.join("absent")), folder.path());
        assert!(matches!(missing, Err(ServeError::File { .. })));
        let foreign = identity(&files(&chain, &two.join("certificate.key.pem")), folder.path());
        assert!(matches!(foreign, Err(ServeError::Certificate { .. })));
        fs::write(one.join("text"), "not a key").unwrap();
        let damaged = identity(&files(&chain, &one.join("text")), folder.path());
        assert!(matches!(damaged, Err(ServeError::Certificate { .. })));
        let empty = identity(
            &files(&one.join("text"), &one.join("certificate.key.pem")),
            folder.path(),
        );
        assert!(matches!(empty, Err(ServeError::Certificate { .. })));
    }
}
