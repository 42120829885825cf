//! PROXY headers: any bytes, raw and behind the beginnings of both forms. What is decided stays decided, and soon is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::Endpoint;
use protocols::proxied::{Beginning, MOST_NEEDED, read};

fuzz_target!(|data: &[u8]| {
    check(data);
    for beginning in ["PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN", "\r\n\r\n\0\r\nQUIT\n"] {
        check(&[beginning.as_bytes(), data].concat());
    }
});

fn check(bytes: &[u8]) {
    let whole = read(bytes);
    match &whole {
        Beginning::NeedMore => assert!(bytes.len() < MOST_NEEDED),
        Beginning::Other => {}
        Beginning::Header(header) => {
            assert!(header.length >= 15 && header.length <= 16 + 65_535);
            if let Some(Endpoint::Unix(path)) = &header.client {
                assert!(!path.is_empty() && path.len() <= 1 + 3 * 108 && !path.chars().any(char::is_control));
            }
        }
    }
    for cut in 0..bytes.len().min(MOST_NEEDED) {
        let seen = read(&bytes[..cut]);
        assert!(seen == Beginning::NeedMore || seen == whole);
    }
}
