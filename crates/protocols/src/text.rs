//! Bytes off the wire made into text that is safe to store and to show, and bounded.

use std::fmt::Write as _;

use model::Text;

/// At most `most` bytes of `bytes`, as text: control characters and what is not UTF-8 are written `%XX`.
///
/// Costs one scan, and an allocation only where the text is longer than a [`Text`] keeps inline.
pub(crate) fn bounded(bytes: &[u8], most: usize) -> Text {
    let bytes = &bytes[..bytes.len().min(most)];
    // Nearly always plain ASCII; without an early exit the check goes many bytes at a time.
    let plain = bytes.iter().fold(true, |plain, byte| plain & matches!(byte, 0x20..=0x7e));
    if plain && let Ok(text) = std::str::from_utf8(bytes) {
        return Text::new(text);
    }
    let mut text = String::new();
    push_escaped(&mut text, bytes);
    Text::from(text)
}

/// Appends `bytes` to `text` in the same way, all of them.
pub(crate) fn push_safe(text: &mut String, bytes: &[u8]) {
    let plain = bytes.iter().fold(true, |plain, byte| plain & matches!(byte, 0x20..=0x7e));
    match std::str::from_utf8(bytes) {
        Ok(bytes) if plain => text.push_str(bytes),
        _ => push_escaped(text, bytes),
    }
}

fn push_escaped(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                let mut encoded = [0; 4];
                escape(text, character.encode_utf8(&mut encoded).as_bytes());
            } else {
                text.push(character);
            }
        }
        escape(text, chunk.invalid());
    }
}

fn escape(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "%{byte:02X}");
    }
}

/// `bytes` without blanks at both ends (RFC 9110, 5.6.3).
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes;
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// A number in decimal, digits only; `None` where it is none or does not fit.
pub(crate) fn decimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(())?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_safe() {
        for (bytes, most, expected) in [
            (b"/users/7".as_slice(), 99, "/users/7"),
            (b"/users/7", 6, "/users"),
            ("/größe".as_bytes(), 99, "/größe"),
            ("/größe".as_bytes(), 4, "/gr%C3"),
            (b"/a\x1b[31m\xff", 99, "/a%1B[31m%FF"),
            (b"", 9, ""),
        ] {
            assert_eq!(bounded(bytes, most), expected);
        }
    }

    #[test]
    fn numbers() {
        for (bytes, expected) in [
            (b"0".as_slice(), Some(0)),
            (b"18446744073709551615", Some(u64::MAX)),
            (b"18446744073709551616", None),
            (b"-1", None),
            (b"+1", None),
            (b"", None),
        ] {
            assert_eq!(decimal(bytes), expected);
        }
    }
}
