//! Where a request stands in a trace: as its header says (W3C Trace Context), and as it was found out.

use std::hash::{Hash, Hasher};

/// Where a request stands in a trace that was put together from what was seen of processes and connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The trace: when its first request began, nanoseconds since 1970-01-01 UTC; later by as much as it takes for no other trace of
    /// the host to have the same, and for later traces to have greater ones.
    pub trace: i64,
    /// The request's number within the trace; the first one's is 0.
    pub span: u32,
    /// The request that brought it about, and how that is known; none for the first one.
    pub parent: Option<(u32, Evidence)>,
}

/// How it is known that one request brought another one about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// A header `traceparent` or the like, which the first one came with and the second one goes with.
    Traceparent,
    /// A header `x-request-id` or the like.
    RequestId,
    /// They are the two sides of one exchange: the same connection, and the same place in it.
    Sequence,
    /// It was asked by the thread that was serving the first one, and nothing else.
    Thread,
    /// It was asked by an event loop, of which the first one was the oldest such request that was not passed on.
    Queue,
    /// The same, when the event loop made the connection for it.
    Connect,
}

impl Evidence {
    /// All of them.
    pub const ALL: [Evidence; 6] = [
        Evidence::Traceparent,
        Evidence::RequestId,
        Evidence::Sequence,
        Evidence::Thread,
        Evidence::Queue,
        Evidence::Connect,
    ];

    /// The one of this word.
    pub fn named(word: &str) -> Option<Evidence> {
        Evidence::ALL.into_iter().find(|evidence| evidence.as_str() == word)
    }

    /// One word: `sequence`.
    pub fn as_str(self) -> &'static str {
        match self {
            Evidence::Traceparent => "traceparent",
            Evidence::RequestId => "request-id",
            Evidence::Sequence => "sequence",
            Evidence::Thread => "thread",
            Evidence::Queue => "queue",
            Evidence::Connect => "connect",
        }
    }
}

/// By which its headers say that a request belongs to others: as numbers, which nothing can be read from. 0 where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ids {
    /// The trace: `traceparent`, or those of Zipkin, Jaeger, Google and Datadog.
    pub trace: u64,
    /// The trace and the span that asks: who has the same is the other side of the same exchange, or passed it on.
    pub span: u64,
    /// `x-request-id` or the like.
    pub request: u64,
}

/// Shorter ones may be counters, which others have too; and longer ones are something else.
const ID_LENGTHS: std::ops::RangeInclusive<usize> = 8..=256;

impl Ids {
    /// Takes one header field; most tell nothing.
    pub fn field(&mut self, name: &[u8], value: &[u8]) {
        if !ID_LENGTHS.contains(&value.len()) {
            return;
        }
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let until = |mark: u8| value.split(|byte| *byte == mark).next().unwrap_or(value);
        let (trace, span) = match name.len() {
            2 if is("b3") => (until(b'-'), value),
            11 if is("traceparent") => {
                let Some(parent) = TraceParent::parse(value) else { return };
                (self.trace, self.span) = (hash(&[&parent.trace]), hash(&[&parent.trace, &parent.span]));
                return;
            }
            11 if is("x-b3-spanid") => (&b""[..], value),
            12 if is("x-b3-traceid") => (value, &b""[..]),
            13 if is("uber-trace-id") => (until(b':'), value),
            21 if is("x-cloud-trace-context") => (until(b'/'), value),
            19 if is("x-datadog-parent-id") => (&b""[..], value),
            18 if is("x-datadog-trace-id") => (value, &b""[..]),
            10 | 12 | 15 | 16
                if ["request-id", "x-request-id", "x-amzn-trace-id", "x-correlation-id"]
                    .iter()
                    .any(|id| is(id)) =>
            {
                self.request = hash(&[value]);
                return;
            }
            _ => return,
        };
        if self.trace == 0 && !trace.is_empty() {
            self.trace = hash(&[trace]);
        }
        if self.span == 0 && !span.is_empty() {
            self.span = hash(&[span]);
        }
    }
}

/// What a proxy passes on unchanged of an HTTP request, as a number that is not 0.
pub fn key(method: &str, path: &str) -> u64 {
    hash(&[method.as_bytes(), path.as_bytes()])
}

fn hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish().max(1)
}

/// What a header `traceparent` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; not all zero.
    pub trace: [u8; 16],
    /// The span that asked; not all zero.
    pub span: [u8; 8],
    /// Whether it was sampled, and how ids are made.
    pub flags: u8,
}

impl TraceParent {
    /// Reads a header; `None` where it is not as the recommendation has it.
    pub fn parse(text: &[u8]) -> Option<TraceParent> {
        let version = hexadecimal::<1>(text.get(..2)?)?[0];
        let dashes = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
        // Later versions may say more, behind another dash.
        let ends = match text.get(55) {
            None => true,
            Some(byte) => version > 0 && *byte == b'-',
        };
        let trace = hexadecimal::<16>(text.get(3..35)?)?;
        let span = hexadecimal::<8>(text.get(36..52)?)?;
        let flags = hexadecimal::<1>(text.get(53..55)?)?[0];
        let valid = version != 0xff && dashes && ends && trace != [0; 16] && span != [0; 8];
        valid.then_some(TraceParent { trace, span, flags })
    }
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
            (format!("00-{}\u{e9}-b7ad6b7169203331-01", &TRACE[2..]), None),
            (format!("00-{TRACE}1-b7ad6b7169203331-01"), None),
            (String::new(), None),
        ];
        for (text, flags) in cases {
            let found = TraceParent::parse(text.as_bytes());
            assert_eq!(found.map(|found| found.flags), flags, "{text}");
            if let Some(TraceParent { trace, span, .. }) = found {
                assert_eq!(trace, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
                assert_eq!(span, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
            }
        }
        for end in 0..55 {
            assert_eq!(
                TraceParent::parse(&format!("00-{TRACE}-b7ad6b7169203331-01").as_bytes()[..end]),
                None,
                "{end}"
            );
        }
    }
}
