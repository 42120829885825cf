//! The words of an inline command, as a server splits them (`sdssplitargs` of Redis): blanks part them, quotes hold them together.
//!
//! Within double quotes a backslash begins `\n`, `\xff` and the like, within single quotes only `\'`. A quote may begin inside of a
//! word, but a word ends with it. Quotes that do not close so are refused by the server.

/// As much of a word as can be of use.
pub(super) const LONGEST: usize = 256;

/// A word, without its quotes and escapes.
#[derive(Debug)]
pub(super) struct Word {
    bytes: [u8; LONGEST],
    /// Its length, also where that is more than there is room for.
    pub(super) length: usize,
}

impl Default for Word {
    fn default() -> Self {
        Word { bytes: [0; LONGEST], length: 0 }
    }
}

impl Word {
    /// The word, or as much of it as there is room for.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length.min(LONGEST)]
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
        }
        self.length += 1;
    }
}

/// What comes next in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A word; the place behind it.
    Word(usize),
    /// Nothing but blanks.
    End,
    /// Quotes that do not close as they have to.
    Unbalanced,
}

/// Blanks between words. Inside of a word two of them are nothing special.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Puts the next word of `line`, from `at` on, into `word`.
pub(super) fn next(line: &[u8], at: usize, word: &mut Word) -> Next {
    word.length = 0;
    let Some(blanks) = line.get(at..).and_then(|rest| rest.iter().position(|byte| !is_blank(*byte))) else {
        return Next::End;
    };
    let mut at = at + blanks;
    while let Some(byte) = line.get(at) {
        at += 1;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => return Next::Word(at - 1),
            b'"' | b'\'' => {
                let closed = quoted(line, at, *byte, word);
                return match closed.map(|end| (end, line.get(end))) {
                    Some((end, None)) => Next::Word(end),
                    Some((end, Some(byte))) if is_blank(*byte) => Next::Word(end),
                    _ => Next::Unbalanced,
                };
            }
            byte => word.push(*byte),
        }
    }
    Next::Word(at)
}

/// The place behind the quote that closes what begins at `at`.
fn quoted(line: &[u8], mut at: usize, quote: u8, word: &mut Word) -> Option<usize> {
    loop {
        let rest = line.get(at..)?;
        let (byte, length) = match *rest {
            [byte, ..] if byte == quote => return Some(at + 1),
            [b'\\', b'\'', ..] if quote == b'\'' => (b'\'', 2),
            [b'\\', b'x', high, low, ..]
                if quote == b'"' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (digit(high) << 4 | digit(low), 4)
            }
            [b'\\', byte, ..] if quote == b'"' => (escaped(byte), 2),
            [byte, ..] => (byte, 1),
            [] => return None,
        };
        word.push(byte);
        at += length;
    }
}

fn digit(byte: u8) -> u8 {
    char::from(byte).to_digit(16).unwrap_or(0) as u8
}

fn escaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        byte => byte,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words, each between angles, as a server that was asked splits them.
    #[track_caller]
    fn check(line: &str, expected: &str) {
        let (mut at, mut words, mut word) = (0, String::new(), Word::default());
        loop {
            match next(line.as_bytes(), at, &mut word) {
                Next::Word(behind) => {
                    assert!(behind > at);
                    words += &format!("<{}>", word.bytes().escape_ascii());
                    at = behind;
                }
                Next::End => break,
                Next::Unbalanced => {
                    words += "!";
                    break;
                }
            }
        }
        assert_eq!(words, expected, "{line}");
    }

    #[test]
    fn words() {
        check("", "");
        check(" \t\r", "");
        check("SET  a\tb ", "<SET><a><b>");
        check("SET 'a b' c", "<SET><a b><c>");
        check(r#"SET "a\x41 \"b" c"#, r#"<SET><aA \"b><c>"#);
        check(r#""SET" x "" "#, "<SET><x><>");
        check(r"SET 'a\'b\n' c", r"<SET><a\'b\\n><c>");
        check(r#"ECHO "\n\r\t\b\a\q\xg1\\""#, r"<ECHO><\n\r\t\x08\x07qxg1\\>");
        check("ECHO a'b c'", "<ECHO><ab c>");
        check("ECHO \u{b}x a\u{b}b", r"<ECHO><x><a\x0bb>");
    }

    #[test]
    fn unbalanced() {
        check("SET 'a b c", "<SET>!");
        check(r#"SET "a"b c"#, "<SET>!");
        check("SET a'b c'd e", "<SET>!");
        check(r#"SET "a\"#, "<SET>!");
        check(r#"SET "a\""#, "<SET>!");
        check("'", "!");
    }

    #[test]
    fn long() {
        let line = format!("ECHO '{}' x", "\\'".repeat(60_000));
        let mut word = Word::default();
        let Next::Word(at) = next(line.as_bytes(), 0, &mut word) else { panic!("a name") };
        let Next::Word(at) = next(line.as_bytes(), at, &mut word) else { panic!("a long word") };
        assert_eq!((word.length, word.bytes().len()), (60_000, LONGEST));
        assert!(matches!(next(line.as_bytes(), at, &mut word), Next::Word(_)));
        assert_eq!(word.bytes(), b"x");
    }
}
