//! The W3C trace context as it is sent.

/// The trace's id and that of the span that asked.
pub(crate) struct Parent {
    pub(crate) trace: [u8; 16],
    pub(crate) span: [u8; 8],
}

/// Reads a `traceparent`: `00-` trace `-` span `-` flags. Later versions may have more behind it.
pub(crate) fn parent(text: &str) -> Option<Parent> {
    let mut parts = text.split('-');
    let [version, trace, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let [version] = hexadecimal(version)?;
    hexadecimal::<1>(flags)?;
    let more = parts.next().is_some();
    let parent = Parent { trace: hexadecimal(trace)?, span: hexadecimal(span)? };
    let meant =
        version != 0xff && !(version == 0 && more) && parent.trace != [0; 16] && parent.span != [0; 8];
    meant.then_some(parent)
}

fn hexadecimal<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * BYTES {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        // Upper case is not allowed.
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_whole_is_a_parent() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let found = parent(&format!("00-{trace}-00f067aa0ba902b7-01")).unwrap();
        assert_eq!((found.trace[..2].to_vec(), found.span[7]), (vec![0x4b, 0xf9], 0xb7));
        assert!(parent(&format!("01-{trace}-00f067aa0ba902b7-01-more")).is_some());
        for wrong in [
            "".to_owned(),
            "00".to_owned(),
            format!("00-{trace}-00f067aa0ba902b7"),
            format!("00-{trace}-00f067aa0ba902b7-01-more"),
            format!("ff-{trace}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
            format!("00-{}\u{e9}-00f067aa0ba902b7-01", &trace[2..]),
            format!("00-{trace}1-00f067aa0ba902b7-01"),
        ] {
            assert!(parent(&wrong).is_none(), "{wrong}");
        }
    }
}
