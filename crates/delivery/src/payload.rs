//! What is sent: a message as it goes over the wire, compressed, so that as many as can be wait in a queue of so many bytes.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use hyper::body::Bytes;

/// zstd's level: as fast as gzip's fastest, and half the size.
const ZSTD_LEVEL: i32 = 1;
/// What a payload costs besides its bytes.
const OVERHEAD: usize = 128;

/// How a message is made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// By gzip, which every receiver knows.
    Gzip,
    /// By zstd: less work, and fewer bytes.
    Zstd,
}

impl Compression {
    /// Its name in headers.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Compression::None => None,
            Compression::Gzip => Some("gzip"),
            Compression::Zstd => Some("zstd"),
        }
    }
}

/// What a message tells of: a place among the names that its [`crate::Counts`] were made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(pub u8);

/// A message, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// What it tells of.
    pub kind: Kind,
    /// How its bytes are compressed.
    pub compression: Compression,
    /// How many things it tells of.
    pub items: u32,
    /// Its bytes.
    pub body: Bytes,
}

impl Payload {
    /// Compresses a message, in `scratch`: compressors make room for the worst, which must not wait along with the little that
    /// they fill of it.
    pub fn new(
        kind: Kind,
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
            Some(()) => Payload { kind, compression, items, body: Bytes::copy_from_slice(scratch) },
            // Nothing can fail in memory; if it does, a large message is better than none.
            None => {
                let body = Bytes::copy_from_slice(message);
                Payload { kind, compression: Compression::None, items, body }
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
