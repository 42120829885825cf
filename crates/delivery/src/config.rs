//! Where a receiver is, and how it is reached.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::endpoint::Endpoint;

/// The way to a receiver.
#[derive(Clone)]
pub struct Way {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Headers of every request: they are likely secrets.
    pub headers: Vec<(String, String)>,
    /// How it is trusted, and how it trusts us.
    pub tls: Tls,
    /// How long a request may take.
    pub timeout: Duration,
    /// Bytes that may wait in memory.
    pub queue: usize,
    /// Where more may wait.
    pub spool: Option<Spool>,
}

impl Way {
    /// One with all else as it is by default.
    pub fn new(endpoint: Endpoint, queue: usize) -> Way {
        Way {
            endpoint,
            headers: Vec::new(),
            tls: Tls::default(),
            timeout: Duration::from_secs(10),
            queue,
            spool: None,
        }
    }
}

/// Without headers.
impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Trust.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Certificates that may vouch for the receiver, instead of the system's.
    pub ca: Option<PathBuf>,
    /// The certificate that we show.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Take the receiver for what it says it is.
    pub insecure: bool,
}

/// A folder on disk for what finds no room in memory.
#[derive(Debug, Clone)]
pub struct Spool {
    /// The folder: for one receiver only.
    pub folder: PathBuf,
    /// Bytes that may wait in it.
    pub size: u64,
}
