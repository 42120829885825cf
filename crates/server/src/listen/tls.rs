//! TLS: what is shown to whoever connects, and what he has to show. Files that change are read again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

/// How often files are looked at, at most.
const LOOK: Duration = Duration::from_millis(500);

/// Where certificates are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate that is shown, and those that vouch for it (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// Whoever connects has to show a certificate of one of these authorities (PEM).
    pub client_ca: Option<PathBuf>,
}

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{0} cannot be read: {1}")]
    File(PathBuf, io::Error),
    /// A file holds nothing of what it should.
    #[error("{0} holds no {1} in the form PEM")]
    Empty(PathBuf, &'static str),
    /// They do not fit together, or are of a kind that is not known.
    #[error("certificates: {0}")]
    Unusable(#[from] rustls::Error),
    /// The authorities are of no use.
    #[error("{0}: {1}")]
    Authorities(PathBuf, VerifierBuilderError),
}

/// What is told when files have changed: whether the new ones are in use, in words.
pub type Reloaded = Arc<dyn Fn(Result<(), &TlsError>) + Send + Sync>;

/// How TLS is spoken at this moment.
pub struct Tls {
    files: TlsFiles,
    told: Reloaded,
    state: Mutex<State>,
}

struct State {
    config: Arc<ServerConfig>,
    looked: Instant,
    /// What the files were when they were last read, whether they were of use or not.
    read: Vec<Option<Mark>>,
}

/// What tells a changed file from the same one.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    changed: SystemTime,
    bytes: u64,
    inode: u64,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files. `told` is called each time they have changed and were read again.
    ///
    /// # Errors
    ///
    /// When they are of no use.
    pub fn new(files: TlsFiles, told: Reloaded) -> Result<Self, TlsError> {
        let read = marks(&files);
        let config = Arc::new(config(&files)?);
        Ok(Tls { files, told, state: Mutex::new(State { config, looked: Instant::now(), read }) })
    }

    /// How to speak to who connects now. Files that are of no use, or are being written, change nothing.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() < LOOK {
            return state.config.clone();
        }
        state.looked = Instant::now();
        let found = marks(&self.files);
        if found != state.read {
            state.read = found;
            let read = config(&self.files);
            (self.told)(read.as_ref().map(drop));
            if let Ok(config) = read {
                state.config = Arc::new(config);
            }
        }
        state.config.clone()
    }
}

fn marks(files: &TlsFiles) -> Vec<Option<Mark>> {
    use std::os::unix::fs::MetadataExt;
    let paths = [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref()];
    let mark = |path: &PathBuf| {
        let file = fs::metadata(path).ok()?;
        Some(Mark { changed: file.modified().ok()?, bytes: file.len(), inode: file.ino() })
    };
    paths.into_iter().flatten().map(mark).collect()
}

fn config(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            let verifier = verifier.map_err(|error| TlsError::Authorities(path.clone(), error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let text = read(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| TlsError::Empty(files.key.clone(), "private key"))?;
    let mut config = builder.with_single_cert(certificates(&files.certificate)?, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&text).filter_map(Result::ok).collect();
    if found.is_empty() { Err(TlsError::Empty(path.to_owned(), "certificate")) } else { Ok(found) }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::File(path.to_owned(), error))
}
