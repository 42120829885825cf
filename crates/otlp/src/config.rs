//! What is exported, and where to.

use std::fmt;
use std::time::Duration;

use delivery::{Compression, Endpoint, Spool, Tls, Way};

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Who receives.
    pub destinations: Vec<Destination>,
    /// Which spans.
    pub sampling: Sampling,
    /// What is the same for all that this host sends: `host.id` and the like.
    pub host: Vec<(&'static str, String)>,
    /// Weir's version.
    pub version: &'static str,
}

/// A receiver.
#[derive(Clone)]
pub struct Destination {
    /// Where it is.
    pub endpoint: Endpoint,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// How what is sent is made smaller.
    pub compression: Compression,
    /// Headers of every request: they are likely secrets.
    pub headers: Vec<(String, String)>,
    /// How it is trusted, and how it trusts us.
    pub tls: Tls,
    /// How long a request may take.
    pub timeout: Duration,
    /// It gets spans.
    pub spans: bool,
    /// It gets metrics.
    pub metrics: bool,
    /// How often.
    pub interval: Duration,
    /// In which form.
    pub histograms: Histograms,
    /// Bytes that may wait in memory.
    pub queue: usize,
    /// Where more may wait.
    pub spool: Option<Spool>,
}

impl Destination {
    /// One with all else as it is by default.
    pub fn new(endpoint: Endpoint, protocol: Protocol) -> Destination {
        Destination {
            endpoint,
            protocol,
            compression: Compression::Gzip,
            headers: Vec::new(),
            tls: Tls::default(),
            timeout: Duration::from_secs(10),
            spans: true,
            metrics: true,
            interval: Duration::from_secs(60),
            histograms: Histograms::Exponential,
            queue: 16 << 20,
            spool: None,
        }
    }

    /// How messages get there.
    pub(crate) fn way(&self) -> Way {
        Way {
            endpoint: self.endpoint.clone(),
            headers: self.headers.clone(),
            tls: self.tls.clone(),
            timeout: self.timeout,
            queue: self.queue,
            spool: self.spool.clone(),
        }
    }
}

/// Without headers.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("endpoint", &self.endpoint)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// How a receiver is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC, usually at port 4317.
    Grpc,
    /// Protocol buffers over HTTP, usually at port 4318.
    Http,
}

/// Which buckets a receiver gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Histograms {
    /// Exponential ones: any quantile within a few percent.
    Exponential,
    /// Explicit ones, with the bounds of /metrics.
    Explicit,
}

/// Which spans are kept. Errors and slow ones are what people look for, and are few.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// The part of traces that are kept whatever they are: from 0 to 1.
    pub rate: f64,
    /// Keep every span with an error.
    pub errors: bool,
    /// Keep every span that lasted so long: nanoseconds.
    pub slow: Option<u64>,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { rate: 1.0, errors: true, slow: Some(1_000_000_000) }
    }
}
