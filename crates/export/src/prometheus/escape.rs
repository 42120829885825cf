//! Text inside quotes and behind `# HELP`.

/// Appends a label's value, without its quotes. Neither format has a way to write control characters, and pages are read in
/// terminals: they are spelt `\x1b`.
pub(super) fn value(text: &str, out: &mut Vec<u8>) {
    for char in text.chars() {
        match char {
            '\\' => out.extend_from_slice(b"\\\\"),
            '"' => out.extend_from_slice(b"\\\""),
            '\n' => out.extend_from_slice(b"\\n"),
            char if char.is_control() => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let code = char as u32 as usize;
                out.extend_from_slice(b"\\\\x");
                out.extend_from_slice(&[DIGITS[code >> 4 & 15], DIGITS[code & 15]]);
            }
            char => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_value_is_escaped() {
        let cases = [
            ("GET /users/{id}", "GET /users/{id}"),
            ("a\"b\\c\nd", "a\\\"b\\\\c\\nd"),
            ("\u{1b}[31m\u{0}\u{9b}\r", "\\\\x1b[31m\\\\x00\\\\x9b\\\\x0d"),
            ("é日本😀", "é日本😀"),
            ("", ""),
        ];
        for (text, expected) in cases {
            let mut out = Vec::new();
            value(text, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected, "{text:?}");
        }
    }
}
