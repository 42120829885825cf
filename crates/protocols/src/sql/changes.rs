//! What a statement may change of how others are to be read: those behind it in the same text, and later ones.

use super::Dialect;

/// What later statements have to reckon with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Changes {
    /// Backslashes may mean something else from here on.
    pub(crate) escapes: bool,
    pub(crate) charset: Charset,
}

/// The character set of statements, as MySQL's SET changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Charset {
    /// It is not touched.
    #[default]
    Same,
    /// One in which a backslash is a character by itself.
    Plain,
    /// Any.
    Unknown,
}

/// Begin what may change something, even where it is the only statement.
const VERBS: [&[u8]; 4] = [b"SET", b"BEGIN", b"EXECUTE", b"PREPARE"];
/// Character sets in which a backslash may be half of a character, and what may stand for one of them.
const WIDE: [&[u8]; 7] = [b"sjis", b"cp932", b"big5", b"gbk", b"gb18030", b"default", b"@"];
/// Some of the others.
const PLAIN: [&[u8]; 4] = [b"utf8", b"latin", b"ascii", b"binary"];

/// What a text may change, and whether it may do so for its own later statements. Reads the words that matter wherever they
/// stand: to find a change where there is none costs little.
pub(super) fn of(bytes: &[u8], dialect: Dialect) -> (Changes, bool) {
    let text = bytes.trim_ascii_start();
    let several = several(text);
    let begins = |verb: &[u8]| text.get(..verb.len()).is_some_and(|word| word.eq_ignore_ascii_case(verb));
    let comment = !text.first().is_some_and(u8::is_ascii_alphabetic);
    if !several && !comment && !VERBS.into_iter().any(begins) {
        return (Changes::default(), false);
    }
    let mut changes = Changes::default();
    if dialect.is_mysql() {
        changes.escapes = mentions(text, &[b"sql_mode"]);
        if mentions(text, &[b"names", b"charset", b"character_set_client", b"character set", b"character/"])
            || text
                .split(|byte| byte.is_ascii_whitespace())
                .any(|word| word.eq_ignore_ascii_case(b"character"))
        {
            let plain = begins(b"SET") && !several && mentions(text, &PLAIN) && !mentions(text, &WIDE);
            changes.charset = if plain { Charset::Plain } else { Charset::Unknown };
        }
    } else {
        changes.escapes = mentions(text, &[b"conforming_strings"]);
    }
    (changes, several && changes != Changes::default())
}

/// True where something follows a semicolon.
fn several(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    memchr::memchr(b';', text).is_some_and(|first| first + 1 < text.len())
}

/// True where one of these, given in lower case, is in the text.
fn mentions(text: &[u8], words: &[&[u8]]) -> bool {
    (0..text.len()).any(|at| {
        let rest = text.get(at..).unwrap_or_default();
        words.iter().any(|word| {
            word.first().zip(rest.first()).is_some_and(|(a, b)| *a == b.to_ascii_lowercase())
                && rest.get(..word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word))
        })
    })
}
