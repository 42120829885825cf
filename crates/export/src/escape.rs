//! JSON strings (RFC 8259, 7).

/// Appends `text` in quotes.
///
/// DEL and the C1 controls are escaped too, though JSON does not ask for it: lines are read in terminals,
/// and names come from the network.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
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
