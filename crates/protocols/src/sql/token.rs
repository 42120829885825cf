//! Cuts SQL into tokens. Total: any bytes give tokens, and what is not understood is a token of one byte.
//!
//! What matters is where a literal ends, since nothing of it may be taken for something else. A literal that
//! is not closed goes to the end of the bytes, and so does an identifier in quotes, since nobody knows what is in it.
//!
//! Where the server's settings are not known, a text may have several readings. All of them agree up to the first place
//! where one ends a quotation and another does not: there the token becomes a literal that goes to the end. So whatever is in
//! a literal by any reading is in one here.

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

/// What backslashes mean in a quotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Never,
    Always,
    /// One or the other.
    Unknown,
}

/// From this version on, a comment is executed by some servers of today and not by others: MySQL 5.7 does, MariaDB does not.
const OF_SOME_SERVERS: u32 = 50700;

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
                (b'-', Some(b'-')) if self.peek(2).is_none_or(|next| next <= b' ' || next == 0x7f) => {
                    self.line();
                }
                (b'#', _) if self.is_mysql() => self.line(),
                (b'/', Some(b'*')) if self.conditional().is_some() => break,
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

    /// A comment to the end of the line, and what else ends it: a zero for MySQL, a carriage return for PostgreSQL.
    fn line(&mut self) {
        let other = if self.is_mysql() { 0 } else { b'\r' };
        let length = memchr::memchr2(b'\n', other, self.rest()).map_or(self.rest().len(), |end| end + 1);
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

    /// `/*! …` and `/*!40101 …`: every server takes what is in it for part of the statement.
    fn opens_executable(&mut self) -> bool {
        let Some((mark, _)) = self.executable_mark() else { return false };
        self.at += mark;
        self.executable = true;
        true
    }

    /// Length of the mark that begins a comment which servers may execute, and from which version on they do.
    fn executable_mark(&self) -> Option<(usize, u32)> {
        let (mark, least) = match (self.peek(2), self.peek(3)) {
            (Some(b'!'), _) => (3, 0),
            // Only MariaDB.
            (Some(b'M'), Some(b'!')) => (4, u32::MAX),
            _ => return None,
        };
        let digits = self.rest().iter().skip(mark).take(6).take_while(|byte| byte.is_ascii_digit());
        let (count, version) = digits
            .fold((0, 0), |(count, version), digit| (count + 1, version * 10 + u32::from(digit - b'0')));
        if count < 5 { Some((mark, least)) } else { Some((mark + count, version.max(least))) }
    }

    /// The length of a comment that one server executes and another does not. It is shown like a literal; where its
    /// end depends on that, all that follows belongs to it.
    fn conditional(&self) -> Option<usize> {
        if !self.is_mysql() {
            return None;
        }
        let (mark, version) = self.executable_mark()?;
        if version < OF_SOME_SERVERS && !self.executable {
            return None;
        }
        let rest = self.rest();
        let end = memchr::memmem::find(rest.get(mark..)?, b"*/").map(|end| mark + end + 2);
        let content = rest.get(mark..end.unwrap_or(rest.len()))?;
        let opens = |pair: &[u8]| matches!(pair, b"/*" | b"--");
        let alike = !content.iter().any(|byte| matches!(byte, b'\'' | b'"' | b'`' | b'#' | 0x80..))
            && !content.windows(2).any(opens)
            && !self.executable;
        Some(end.filter(|_| alike).unwrap_or(rest.len()))
    }

    fn is_mysql(&self) -> bool {
        self.dialect.is_mysql()
    }

    /// Length of the token that is here, and what it is.
    fn measure(&self, first: u8) -> (Kind, usize) {
        match first {
            b'\'' => (Kind::Literal, self.string(0, first, self.escapes(first))),
            b'"' if self.is_mysql() => (Kind::Literal, self.string(0, first, self.escapes(first))),
            b'"' => self.name(0, first),
            b'`' if self.is_mysql() => self.name(0, first),
            b'?' => (Kind::Placeholder, 1),
            b'$' if !self.is_mysql() => self.dollar(),
            b'0'..=b'9' => (Kind::Literal, self.number()),
            b'.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) && !self.follows_name() => {
                (Kind::Literal, self.number())
            }
            b'/' if let Some(length) = self.conditional_here() => (Kind::Literal, length),
            // Is it a comment? In some character sets this is a blank or a control character.
            b'-' if self.is_mysql() && self.peek(1) == Some(b'-') && self.peek(2) >= Some(0x80) => {
                (Kind::Literal, self.rest().len())
            }
            _ if is_name_byte(first) => self.word(),
            _ => (Kind::Sign, self.sign(first)),
        }
    }

    fn conditional_here(&self) -> Option<usize> {
        if self.peek(1) == Some(b'*') { self.conditional() } else { None }
    }

    /// What backslashes mean in a string without a prefix.
    fn escapes(&self, quote: u8) -> Escapes {
        match self.dialect {
            // With ANSI_QUOTES, which nobody tells, it is a name, and names have no escapes.
            Dialect::MySql | Dialect::MySqlWide if quote == b'"' => Escapes::Unknown,
            Dialect::MySql | Dialect::MySqlWide | Dialect::PostgreSqlBackslash => Escapes::Always,
            Dialect::MySqlUnknown | Dialect::PostgreSqlUnknown => Escapes::Unknown,
            Dialect::MySqlNoBackslash | Dialect::PostgreSql => Escapes::Never,
        }
    }

    /// A byte beyond ASCII may be the first half of a character whose second is a backslash or a backtick: in Shift-JIS,
    /// Big5, GBK and GB18030. PostgreSQL translates them before it reads a statement, from what nobody tells.
    fn is_wide(&self) -> bool {
        self.dialect != Dialect::MySql
    }

    /// The byte before this place.
    fn before(&self) -> Option<u8> {
        self.bytes.get(self.at.checked_sub(1)?).copied()
    }

    /// A dot here is between the parts of a name.
    fn follows_name(&self) -> bool {
        self.before().is_some_and(|byte| is_name_byte(byte) || matches!(byte, b'`' | b'"'))
    }

    /// Length of a string that is opened `skip` bytes from here, continuations included: PostgreSQL joins strings on
    /// lines of their own, and what holds for the first holds for the others.
    fn string(&self, skip: usize, quote: u8, escapes: Escapes) -> usize {
        let rest = self.rest();
        let Some(mut length) = self.quoted(skip, quote, escapes) else { return rest.len() };
        while !self.is_mysql()
            && let Some(blanks) = continuation(rest.get(length..).unwrap_or_default())
        {
            match self.quoted(length + blanks, quote, escapes) {
                Some(end) => length = end,
                None => return rest.len(),
            }
        }
        length
    }

    /// An identifier in quotes, opened `skip` bytes from here. One that is never closed may be anything.
    fn name(&self, skip: usize, quote: u8) -> (Kind, usize) {
        let half = quote == b'`' && self.is_wide() && self.before().is_some_and(|byte| byte >= 0x80);
        match self.quoted(skip, quote, Escapes::Never) {
            Some(length) if !half => (Kind::Quoted, length),
            _ => (Kind::Literal, self.rest().len()),
        }
    }

    /// Length up to the quote that closes what is opened `skip` bytes from here, both included. A doubled quote
    /// does not close. `None` where it is not closed, or not by all readings.
    fn quoted(&self, skip: usize, quote: u8, escapes: Escapes) -> Option<usize> {
        let rest = self.rest();
        let mut at = skip + 1;
        loop {
            let ahead = rest.get(at..)?;
            at += match escapes {
                Escapes::Never => memchr::memchr(quote, ahead)?,
                Escapes::Always | Escapes::Unknown => memchr::memchr2(quote, b'\\', ahead)?,
            };
            let half = self.is_wide() && rest.get(at - 1).is_some_and(|byte| *byte >= 0x80);
            let backslashes = count(rest, at, |byte| byte == b'\\' && escapes != Escapes::Never);
            at += backslashes;
            if backslashes > 0 && rest.get(at) != Some(&quote) {
                continue;
            }
            let odd = backslashes % 2 == 1;
            if (backslashes > 0 || quote == b'`') && half || odd && escapes == Escapes::Unknown {
                return None;
            }
            at += 1;
            if odd {
                continue;
            }
            if rest.get(at) != Some(&quote) {
                return Some(at);
            }
            at += 1;
        }
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
            // To PostgreSQL a dollar begins something new.
            let name = is_name_byte(byte) && (byte != b'$' || self.is_mysql());
            if !name && byte != b'.' && !exponent {
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
            Some(b'"') if unicode => return self.name(prefix, b'"'),
            _ => return (Kind::Word, length),
        };
        let escapes = match word {
            b"e" | b"E" if !self.is_mysql() => Escapes::Always,
            _ => self.escapes(quote),
        };
        let prefixes = [b"n", b"x", b"b", b"e"];
        let known = unicode
            || prefixes.iter().any(|known| word.eq_ignore_ascii_case(*known))
            || (self.is_mysql() && word.first() == Some(&b'_'));
        match known {
            true => (Kind::Literal, self.string(prefix, quote, escapes)),
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

/// Where the quote stands, if `bytes`, behind a string, begin with what continues it: blanks with a new line among them, perhaps
/// comments that end with the line, and another quote.
fn continuation(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut line = false;
    loop {
        match bytes.get(at..)? {
            [b'\n' | b'\r', ..] => (line, at) = (true, at + 1),
            [b' ' | b'\t' | 0x0b | 0x0c, ..] => at += 1,
            [b'-', b'-', ..] => at += count(bytes, at, |byte| !matches!(byte, b'\n' | b'\r')),
            [b'\'', ..] if line => return Some(at),
            _ => return None,
        }
    }
}
