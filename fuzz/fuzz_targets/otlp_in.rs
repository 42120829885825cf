//! A message of OTLP: any bytes as traces, metrics or logs, as protocol buffers or JSON, packed or not, whole or not.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use server::ingest::otlp::{Limits, read};

/// Bytes of a message, packed or not; and in memory.
const LIMITS: Limits = Limits { message: 1 << 20, all: 16 << 20 };

fuzz_target!(|data: &[u8]| {
    let Some((mode, data)) = data.split_first() else { return };
    let mode = usize::from(*mode);
    let path = ["/v1/traces", "/v1/metrics", "/v1/logs"][mode % 3];
    let media = ["application/x-protobuf", "application/json; charset=utf-8"][mode / 3 % 2];
    let packing = mode / 6 % 8;
    let (encoding, body) = match packing {
        0 => (Some("gzip"), data.to_vec()),
        1 => (Some("zstd"), data.to_vec()),
        2 => (Some("gzip"), gzip(data)),
        3 => (Some("zstd"), zstd::bulk::compress(data, 1).expect("packed")),
        _ => (None, data.to_vec()),
    };
    if let Ok(found) = read(path, (media, encoding), body, LIMITS) {
        // An item takes two bytes at least; how many are packed in what came packed, nobody knows.
        let items = found.batch.num_rows() as u64 + found.rejected;
        assert!(packing < 2 || items <= data.len() as u64);
    }
});

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(data).expect("packed");
    packer.finish().expect("packed")
}
