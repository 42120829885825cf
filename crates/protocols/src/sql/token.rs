//! Cuts SQL into tokens. Total: any bytes give tokens, and what is not understood is a token of one byte.
//!
//! What matters is where a literal ends, since nothing of it may be taken for something else. A literal that
//! is not closed goes to the end of the bytes.

use super::Dialect;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a plain identifier.
    Word,
    /// An identifier in quotes.
    Quoted,
    /// A string, number or the like, prefix and quotes included.
    Literal,
    /// A placeholder: `?`, `$1`.
    Placeholder,
    /// Anything else: an operator, a bracket, a comma.
    Sign,
}

/// A piece of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a [u8],
    /// Blanks or a comment stood before it.
    pub(super) spaced: bool,
    /// It goes to the end of the bytes: there may have been more of it.
    pub(super) at_end: bool,
}

impl Token<'_> {
    /// True for this word, given in upper case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word.as_bytes())
    }

    /// True for this sign.
    pub(super) fn is_sign(&self, sign: u8) -> bool {
        self.kind == Kind::Sign && self.text == [sign]
    }

    /// True for a word or an identifier in quotes.
    pub(super) fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted)
    }
}

/// Tokens of a text, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
    dialect: Dialect,
    /// Inside a comment that MySQL executes: `/*! … */`.
    executable: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8], dialect: Dialect) -> Self {
        Tokens { bytes, at: 0, dialect, executable: false }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Passes over blanks and comments; true when there were any.
    fn blanks(&mut self) -> bool {
        let begin = self.at;
        while let Some(byte) = self.peek(0) {
            match (byte, self.peek(1)) {
                (b' ' | b'\t'..=b'\r', _) => self.at += 1,
                (b'-', Some(b'-')) if !self.is_mysql() => self.line(),
                // MySQL takes `5--3` for a sum.
                (b'-', Some(b'-')) if self.peek(2).is_none_or(|next| next <= b' ') => self.line(),
                (b'#', _) if self.is_mysql() => self.line(),
                (b'/', Some(b'*')) => self.comment(),
                (b'*', Some(b'/')) if self.executable => {
                    self.executable = false;
                    self.at += 2;
                }
                _ => break,
            }
        }
        self.at > begin
    }

    fn line(&mut self) {
        let length = memchr::memchr(b'\n', self.rest()).map_or(self.rest().len(), |end| end + 1);
        self.at += length;
    }

    fn comment(&mut self) {
        if self.is_mysql() && !self.executable && self.opens_executable() {
            return;
        }
        self.at += 2;
        let mut depth = 1;
        while let Some(next) = memchr::memchr2(b'*', b'/', self.rest()) {
            self.at += next + 1;
            match (self.bytes.get(self.at - 1), self.peek(0)) {
                (Some(b'*'), Some(b'/')) => depth -= 1,
                (Some(b'/'), Some(b'*')) if !self.is_mysql() => depth += 1,
                _ => continue,
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
        self.at = self.bytes.len();
    }

    /// `/*!50101 …` and MariaDB's `/*M!100100 …`: what is in it is part of the statement.
    fn opens_executable(&mut self) -> bool {
        let mark = match (self.peek(2), self.peek(3)) {
            (Some(b'!'), _) => 3,
            (Some(b'M'), Some(b'!')) => 4,
            _ => return false,
        };
        self.at += mark;
        self.at += self.rest().iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
        self.executable = true;
        true
    }

    fn is_mysql(&self) -> bool {
        matches!(self.dialect, Dialect::MySql | Dialect::MySqlNoBackslash)
    }

    /// Length of the token that is here, and what it is.
    fn measure(&self, first: u8) -> (Kind, usize) {
        let backslash = matches!(self.dialect, Dialect::MySql | Dialect::PostgreSqlBackslash);
        match first {
            b'\'' => (Kind::Literal, self.quoted(0, b'\'', backslash)),
            b'"' if self.is_mysql() => (Kind::Literal, self.quoted(0, b'"', backslash)),
            b'"' | b'`' => (Kind::Quoted, self.quoted(0, first, false)),
            b'?' => (Kind::Placeholder, 1),
            b'$' if !self.is_mysql() => self.dollar(),
            b'0'..=b'9' => (Kind::Literal, self.number()),
            b'.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) && !self.follows_name() => {
                (Kind::Literal, self.number())
            }
            _ if is_name_byte(first) => self.word(),
            _ => (Kind::Sign, self.sign(first)),
        }
    }

    /// A dot here is between the parts of a name.
    fn follows_name(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|before| self.bytes.get(before));
        before.is_some_and(|byte| is_name_byte(*byte) || matches!(byte, b'`' | b'"'))
    }

    /// Length up to the quote that closes what is opened `skip` bytes from here, both included. A doubled quote
    /// does not close.
    fn quoted(&self, skip: usize, quote: u8, backslash: bool) -> usize {
        let rest = self.rest();
        let mut at = skip + 1;
        while let Some(found) = rest.get(at..).and_then(|rest| {
            if backslash { memchr::memchr2(quote, b'\\', rest) } else { memchr::memchr(quote, rest) }
        }) {
            at += found + 1;
            if rest.get(at - 1) == Some(&b'\\') || rest.get(at) == Some(&quote) {
                at += 1;
            } else {
                return at;
            }
        }
        rest.len()
    }

    /// `$1`, `$$ … $$`, `$tag$ … $tag$`.
    fn dollar(&self) -> (Kind, usize) {
        let rest = self.rest();
        let digits = count(rest, 1, |byte| byte.is_ascii_digit());
        if digits > 0 {
            return (Kind::Placeholder, 1 + digits);
        }
        let tag = count(rest, 1, |byte| is_name_byte(byte) && byte != b'$');
        match rest.get(1 + tag) {
            Some(b'$') => {
                let delimiter = &rest[..tag + 2];
                let body = &rest[tag + 2..];
                let end = memchr::memmem::find(body, delimiter).map(|end| end + 2 * delimiter.len());
                (Kind::Literal, end.unwrap_or(rest.len()))
            }
            // Cut in the tag.
            None => (Kind::Literal, rest.len()),
            Some(_) => (Kind::Sign, 1),
        }
    }

    /// Digits, and whatever letters are joined to them: `0x1f`, `1.5e-3`, also `9f8e` which is no number.
    fn number(&self) -> usize {
        let rest = self.rest();
        let mut at = 0;
        while let Some(&byte) = rest.get(at) {
            let exponent = matches!(byte, b'+' | b'-')
                && matches!(rest.get(at.wrapping_sub(1)), Some(b'e' | b'E'))
                && rest.get(at + 1).is_some_and(u8::is_ascii_digit)
                && !matches!(rest.get(1), Some(b'x' | b'X'));
            if !is_name_byte(byte) && byte != b'.' && !exponent {
                break;
            }
            at += 1;
        }
        at
    }

    /// A word, or a string with a prefix: `x'1f'`, `E'\n'`, `_utf8'a'`, `U&'a'`.
    fn word(&self) -> (Kind, usize) {
        let rest = self.rest();
        let length = count(rest, 0, is_name_byte);
        let word = &rest[..length];
        let unicode = word.eq_ignore_ascii_case(b"u") && rest.get(1) == Some(&b'&');
        let prefix = length + usize::from(unicode);
        let quote = match rest.get(prefix) {
            Some(b'\'') => b'\'',
            Some(b'"') if self.is_mysql() => b'"',
            Some(b'"') if unicode => return (Kind::Quoted, self.quoted(prefix, b'"', false)),
            _ => return (Kind::Word, length),
        };
        let backslash = match self.dialect {
            Dialect::MySql | Dialect::PostgreSqlBackslash => true,
            Dialect::MySqlNoBackslash => false,
            Dialect::PostgreSql => word.eq_ignore_ascii_case(b"e"),
        };
        let prefixes = [b"n", b"x", b"b", b"e"];
        let known = unicode
            || prefixes.iter().any(|known| word.eq_ignore_ascii_case(*known))
            || (self.is_mysql() && word.first() == Some(&b'_'));
        match known {
            true => (Kind::Literal, self.quoted(prefix, quote, backslash)),
            false => (Kind::Word, length),
        }
    }

    fn sign(&self, first: u8) -> usize {
        let pair = [first, self.peek(1).unwrap_or_default()];
        let pairs = [b":=", b"<=", b">=", b"<>", b"!=", b"||", b"&&", b"::", b"->"];
        1 + usize::from(pairs.contains(&&pair))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let spaced = self.blanks();
        let first = self.peek(0)?;
        let (kind, length) = self.measure(first);
        let text = self.rest();
        let text = &text[..length.clamp(1, text.len())];
        self.at += text.len();
        Some(Token { kind, text, spaced, at_end: self.at == self.bytes.len() })
    }
}

/// Letters, digits, `_`, `$`, and every byte beyond ASCII.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

/// How many bytes from `at` on are of a kind.
fn count(bytes: &[u8], at: usize, is: impl Fn(u8) -> bool) -> usize {
    bytes.iter().skip(at).take_while(|byte| is(**byte)).count()
}
