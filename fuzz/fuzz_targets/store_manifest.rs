//! A manifest of the store: any bytes, and any lines with checksums that hold.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = store::read_manifest(data);
    let mut lines = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        lines.extend(format!("{:08x} ", crc32c::crc32c(line)).bytes());
        lines.extend_from_slice(line);
        lines.push(b'\n');
    }
    if let Ok(found) = store::read_manifest(&lines) {
        assert!(found.whole + found.cut == lines.len());
    }
});
