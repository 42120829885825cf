//! Which trace a span belongs to: what the request's own header says (W3C Trace Context), else one of its own.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use model::{Request, Value, names};

/// A span's place among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) id: [u8; 16],
    /// The span that the header names.
    pub(crate) parent: Option<[u8; 8]>,
    /// The flags of the header.
    pub(crate) flags: u8,
    /// The span's own id.
    pub(crate) span: [u8; 8],
    /// What the trace's randomness had to reach for this span to be kept: [`crate::sampling`].
    pub(crate) threshold: u64,
}

/// Makes ids that nobody else makes: random keys, and a number for each.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    keys: RandomState,
    next: u64,
}

impl Ids {
    /// The trace of a request.
    pub(crate) fn trace(&mut self, request: &Request) -> Trace {
        let span = self.id().to_be_bytes();
        let header = match request.attributes.get(names::TRACEPARENT) {
            Some(Value::Text(text)) => parse(text.as_bytes()),
            _ => None,
        };
        let Some((id, parent, flags)) = header else {
            let id = u128::from(self.id()) << 64 | u128::from(self.id());
            return Trace { id: id.to_be_bytes(), parent: None, flags: 0, span, threshold: 0 };
        };
        Trace { id, parent: Some(parent), flags, span, threshold: 0 }
    }

    /// Never 0, which is no id.
    fn id(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.keys.hash_one(self.next).max(1)
    }
}

impl Trace {
    /// The 56 bits of the id that are random by the rules of the specification.
    pub(crate) fn randomness(&self) -> u64 {
        let id = u128::from_be_bytes(self.id);
        id as u64 & ((1 << 56) - 1)
    }
}

/// Trace, parent and flags of a header `traceparent`; `None` where it is not as the recommendation has it.
fn parse(text: &[u8]) -> Option<([u8; 16], [u8; 8], u8)> {
    let version = hexadecimal::<1>(text.get(..2)?)?[0];
    let dashes = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
    // Later versions may say more, behind another dash.
    let ends = match text.get(55) {
        None => true,
        Some(byte) => version > 0 && *byte == b'-',
    };
    let trace = hexadecimal::<16>(text.get(3..35)?)?;
    let parent = hexadecimal::<8>(text.get(36..52)?)?;
    let flags = hexadecimal::<1>(text.get(53..55)?)?[0];
    let valid = version != 0xff && dashes && ends && trace != [0; 16] && parent != [0; 8];
    valid.then_some((trace, parent, flags))
}

/// Bytes from their digits, which are lower-case.
fn hexadecimal<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn headers_are_read_as_the_recommendation_says() {
        let cases = [
            (format!("00-{TRACE}-b7ad6b7169203331-01"), Some(1)),
            (format!("00-{TRACE}-b7ad6b7169203331-00"), Some(0)),
            (format!("01-{TRACE}-b7ad6b7169203331-03"), Some(3)),
            (format!("cc-{TRACE}-b7ad6b7169203331-01-what-comes-later"), Some(1)),
            (format!("cc-{TRACE}-b7ad6b7169203331-01.what"), None),
            (format!("00-{TRACE}-b7ad6b7169203331-01-"), None),
            (format!("ff-{TRACE}-b7ad6b7169203331-01"), None),
            (format!("00-{TRACE}-b7ad6b7169203331-0"), None),
            (format!("00-{TRACE}-b7ad6b7169203331"), None),
            (format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()), None),
            (format!("00-{TRACE}-0000000000000000-01"), None),
            (format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)), None),
            (format!("00_{TRACE}-b7ad6b7169203331-01"), None),
            (format!("00-{TRACE}+b7ad6b7169203331-01"), None),
            (format!("0g-{TRACE}-b7ad6b7169203331-01"), None),
            (String::new(), None),
        ];
        for (text, flags) in cases {
            let found = parse(text.as_bytes());
            assert_eq!(found.map(|(_, _, flags)| flags), flags, "{text}");
            if let Some((trace, parent, _)) = found {
                assert_eq!(trace, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
                assert_eq!(parent, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
            }
        }
        for end in 0..55 {
            assert_eq!(parse(&format!("00-{TRACE}-b7ad6b7169203331-01").as_bytes()[..end]), None, "{end}");
        }
    }

    #[test]
    fn ids_differ() {
        let (mut one, mut other) = (Ids::default(), Ids::default());
        let ids: HashSet<u64> = (0..10_000).flat_map(|_| [one.id(), other.id()]).collect();
        assert_eq!(ids.len(), 20_000);
    }
}
