//! JSON strings (RFC 8259, 7).

/// Appends `text` in quotes.
///
/// DEL and the C1 controls are escaped too, though JSON does not ask for it: lines are read in terminals,
/// and names come from the network.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
        return out.push(b'"');
    }
    for (at, &byte) in bytes.iter().enumerate() {
        if PLAIN[usize::from(byte)] {
            continue;
        }
        // U+0080 to U+009F are C2 80 to C2 9F.
        let code = match byte {
            0xc2 => match bytes.get(at + 1) {
                Some(&next) if next < 0xa0 => next,
                _ => continue,
            },
            _ => byte,
        };
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + if byte == 0xc2 { 2 } else { 1 };
        escape(code, out);
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// Appends one of the program's own words in quotes: they have nothing that is escaped.
pub(crate) fn word(word: &'static str, out: &mut Vec<u8>) {
    debug_assert!(is_plain(word.as_bytes()), "{word}");
    out.push(b'"');
    out.extend_from_slice(word.as_bytes());
    out.push(b'"');
}

/// False where a byte may have to be escaped; eight are looked at at once.
fn is_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().all(|word| !is_suspect(u64::from_ne_bytes(*word)))
        && rest.iter().all(|byte| PLAIN[usize::from(*byte)])
}

/// True where a byte is below U+0020, above U+007E, a quote or a backslash; seldom for what stands before such a byte.
fn is_suspect(word: u64) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = EACH << 7;
    let below = |word: u64, bound: u64| word.wrapping_sub(EACH * bound) & !word;
    let equals = |byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    let above = word | word.wrapping_add(EACH);
    (above | below(word, 0x20) | equals(b'"') | equals(b'\\')) & HIGH != 0
}

#[cold]
fn escape(code: u8, out: &mut Vec<u8>) {
    let short = match code {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(DIGITS[usize::from(code >> 4)]);
            out.push(DIGITS[usize::from(code & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Bytes that stand for themselves without a second look.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain[0x7f] = false;
    plain[0xc2] = false;
    plain
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_second_look_gets_it_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for at in 0..19 {
                let mut bytes = [b'a'; 19];
                bytes[at] = byte;
                let plain = is_plain(&bytes);
                assert!(!plain || PLAIN[usize::from(byte)], "{byte:#x} at {at}");
                assert!(plain || !PLAIN[usize::from(byte)] || byte > 0x7f, "{byte:#x} at {at}");
            }
        }
    }
}
