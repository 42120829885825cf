//! What one segment of a path looks like.

/// The kinds of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment {
    /// Looks like a part of a route.
    Word,
    /// A word with a file's extension.
    File,
    /// A file whose name looks like a value.
    FileValue,
    /// Looks like a value.
    Value,
}

/// Counts of one scan over a segment.
#[derive(Default)]
struct Counts {
    digits: usize,
    /// The longest run of digits.
    run: usize,
    lower: usize,
    upper: usize,
    hexadecimal: usize,
    hyphens: usize,
    underscores: usize,
    /// Place of the last dot.
    dot: Option<usize>,
    /// Bytes that hardly stand in a route: percent encoding, `@`, `=`, `+`, anything outside ASCII.
    odd: usize,
}

/// Longer than any word of a route.
const LONGEST_WORD: usize = 48;

pub(super) fn classify(segment: &str) -> Segment {
    let counts = count(segment.as_bytes());
    // An address, but not `logo@2x.png`.
    let address = |(_, domain): (&str, &str)| domain.starts_with(|first: char| first.is_ascii_alphabetic());
    if counts.odd > 0 && segment.split_once('@').or(segment.split_once("%40")).is_some_and(address) {
        return Segment::Value;
    }
    if let Some(dot) = counts.dot.filter(|dot| is_extension(&segment[dot + 1..]) && *dot > 0) {
        // A stem's own dots and hyphens separate words: `app.3f2a9c1b.js`, `report-20240102.pdf`.
        let value = segment[..dot].split(['.', '-', '_']).any(|part| is_value(part, &count(part.as_bytes())));
        return if value || is_value(&segment[..dot], &count(&segment.as_bytes()[..dot])) {
            Segment::FileValue
        } else {
            Segment::File
        };
    }
    if is_value(segment, &counts) { Segment::Value } else { Segment::Word }
}

fn count(bytes: &[u8]) -> Counts {
    let mut counts = Counts::default();
    let mut run = 0;
    for (place, byte) in bytes.iter().enumerate() {
        if byte.is_ascii_digit() {
            counts.digits += 1;
            run += 1;
            counts.run = counts.run.max(run);
            continue;
        }
        run = 0;
        match byte {
            b'a'..=b'z' => counts.lower += 1,
            b'A'..=b'Z' => counts.upper += 1,
            b'-' => counts.hyphens += 1,
            b'_' => counts.underscores += 1,
            b'.' => counts.dot = Some(place),
            b'%' | b'@' | b'=' | b'+' | b'"' | b'<' | b'>' | 0x80.. => counts.odd += 1,
            _ => {}
        }
        counts.hexadecimal += usize::from(byte.is_ascii_hexdigit());
    }
    counts.hexadecimal += counts.digits;
    counts
}

fn is_value(segment: &str, counts: &Counts) -> bool {
    let length = segment.len();
    if counts.odd > 0 || length > LONGEST_WORD {
        return true;
    }
    if counts.digits == 0 {
        // Words, unless upper and lower case alternate as in base64.
        return length >= 20
            && counts.hyphens + counts.underscores == 0
            && alternations(segment) * 3 > length;
    }
    if is_version(segment) {
        return false;
    }
    let separators = counts.hyphens + counts.underscores;
    // Numbers, dates, telephone numbers, versions: more digits than letters.
    counts.digits > counts.lower + counts.upper
        // `order-12345`
        || counts.run >= 4
        // Hashes and UUIDs.
        || (counts.hexadecimal + counts.hyphens == length && counts.hexadecimal >= 8)
        // Tokens: long, with digits in between, and not words joined by hyphens.
        || (length >= 12 && counts.digits >= 2 && separators * 8 < length && counts.upper > 0 && counts.lower > 0)
        || (length >= 16 && counts.digits >= 3 && separators * 8 < length)
}

/// `v1`, `v2beta1`, `v1.2`: part of a route.
fn is_version(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix(['v', 'V']) else { return false };
    segment.len() <= 9
        && rest.starts_with(|first: char| first.is_ascii_digit())
        && rest.split(|c: char| !c.is_ascii_digit()).all(|number| number.len() <= 2)
}

/// How often letters change between upper and lower case.
fn alternations(segment: &str) -> usize {
    let bytes = segment.as_bytes();
    bytes.windows(2).filter(|pair| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase()).count()
}

/// One to five letters and digits, not digits only.
fn is_extension(text: &str) -> bool {
    (1..=5).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.as_bytes()[0] != b'v'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Segment, segments: &[&str]) {
        for segment in segments {
            assert_eq!(classify(segment), kind, "{segment}");
        }
    }

    #[test]
    fn words() {
        check(
            Segment::Word,
            &[
                "",
                "users",
                "v1",
                "v2",
                "v10",
                "v1.2",
                "v2beta1",
                "oauth2",
                "api",
                "health-check",
                "s3",
                "utf8",
                "a-rather-long-but-readable-name",
                "GetUserByName",
                "camelCaseOperationName",
                "$metadata",
                "2fa",
                "internationalisation",
                "base64",
                "log4j",
                ".well-known",
                "k8s",
                "rest_framework",
            ],
        );
    }

    #[test]
    fn values() {
        check(
            Segment::Value,
            &[
                "7",
                "12345",
                "-5",
                "3.14",
                "2024-01-02",
                "2024-01-02T10:00:00Z",
                "550e8400-e29b-41d4-a716-446655440000",
                "deadbeef1",
                "507f1f77bcf86cd799439011",
                "order-12345",
                "someone@example.com",
                "someone%40example.com",
                "dGhpcyBpcyBhIHRlc3Q=",
                "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
                "AIzaSyD4x9Kq2",
                "hello%20world",
                "größe",
                "u12345",
                "1.2.3.4",
                "QWxhZGRpbjpPcGVuU2VzYW1l",
                "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            ],
        );
    }

    #[test]
    fn files() {
        check(Segment::File, &["index.html", "app.js", "logo.png", "style.min.css", "page.php", "song.mp3"]);
        check(
            Segment::FileValue,
            &[
                "app.3f2a9c1b.js",
                "12345.jpg",
                "report-20240102.pdf",
                "550e8400-e29b-41d4-a716-446655440000.png",
            ],
        );
    }
}
