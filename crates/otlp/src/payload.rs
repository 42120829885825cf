//! What is sent: a message as it goes over the wire, compressed, so that as many as can be wait in a queue of so many bytes.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use hyper::body::Bytes;

use crate::config::Compression;

/// zstd's level: as fast as gzip's fastest, and half the size.
const ZSTD_LEVEL: i32 = 1;
/// What a payload costs besides its bytes.
const OVERHEAD: usize = 128;

/// What a message tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Spans,
    Metrics,
}

impl Signal {
    pub(crate) const ALL: [Signal; 2] = [Signal::Spans, Signal::Metrics];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Signal::Spans => "spans",
            Signal::Metrics => "metrics",
        }
    }
}

/// A message, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) signal: Signal,
    pub(crate) compression: Compression,
    /// Spans or points in it.
    pub(crate) items: u32,
    pub(crate) body: Bytes,
}

impl Payload {
    /// Compresses a message, in `scratch`: compressors make room for the worst, which must not wait along with the little that
    /// they fill of it.
    pub(crate) fn new(
        signal: Signal,
        items: u32,
        message: &[u8],
        compression: Compression,
        scratch: &mut Vec<u8>,
    ) -> Self {
        scratch.clear();
        let compressed = match compression {
            Compression::None => None,
            Compression::Gzip => gzip(message, scratch).ok(),
            Compression::Zstd => zstd(message, scratch).ok(),
        };
        match compressed {
            Some(()) => Payload { signal, compression, items, body: Bytes::copy_from_slice(scratch) },
            // Nothing can fail in memory; if it does, a large message is better than none.
            None => {
                let body = Bytes::copy_from_slice(message);
                Payload { signal, compression: Compression::None, items, body }
            }
        }
    }

    /// Bytes that it takes up.
    pub(crate) fn cost(&self) -> usize {
        self.body.len() + OVERHEAD
    }
}

fn gzip(message: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut encoder = GzEncoder::new(out, flate2::Compression::fast());
    encoder.write_all(message)?;
    encoder.finish().map(drop)
}

fn zstd(message: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    out.reserve(zstd::zstd_safe::compress_bound(message.len()));
    zstd::bulk::Compressor::new(ZSTD_LEVEL)?.compress_to_buffer(message, out).map(drop)
}
