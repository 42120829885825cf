//! A log file of the store: any bytes, alone and behind a whole beginning.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = store::read_log("log", data);
    let mut file = b"weirlog\n\x01\0\0\0".to_vec();
    file.extend(crc32c::crc32c(&file).to_le_bytes());
    file.extend_from_slice(data);
    let found = store::read_log("log", &file).expect("a known version");
    assert!(found.cut <= data.len());
    // A frame whose checksum holds and whose head is anything: the batch itself is the business of Arrow.
    let content = &data[..data.len().min(32)];
    let mut frame = vec![0xf7, b'w', b'f', 0x01];
    frame.extend((content.len() as u32).to_le_bytes());
    frame.extend(crc32c::crc32c(content).to_le_bytes());
    frame.extend_from_slice(content);
    file.truncate(16);
    file.extend(frame);
    let found = store::read_log("log", &file).expect("a known version");
    assert!(found.batches.is_empty());
});
