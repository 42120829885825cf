//! A statement's text without its literals.

use model::Text;

use super::Dialect;
use super::token::{Kind, Token, Tokens};
use crate::text::{bounded, push_safe};

/// The longest text.
const MOST_TEXT: usize = 4096;
/// Brackets in each other that are followed; deeper lists are not shortened.
const MOST_LEVELS: usize = 64;
/// What a text ends with that is not whole.
const MORE: &str = " ...";

/// The text as it is, where the user wants its values.
pub(super) fn kept(bytes: &[u8], whole: bool) -> Text {
    let mut text = bounded(bytes.trim_ascii(), MOST_TEXT);
    if !whole || bytes.len() > MOST_TEXT {
        text.push_str(MORE);
    }
    text
}

/// The text with `?` for every literal.
pub(super) fn sanitized(bytes: &[u8], whole: bool, dialect: Dialect) -> Text {
    let mut writer = Writer { values: !dialect.is_mysql(), ..Writer::default() };
    let mut complete = whole;
    for token in Tokens::new(bytes, dialect) {
        if writer.text.len() >= MOST_TEXT {
            complete = false;
            break;
        }
        writer.token(token);
    }
    let mut text = writer.text;
    text.truncate(text.trim_end_matches([' ', ';']).len());
    if !complete {
        text.push_str(MORE);
    }
    Text::from(text)
}

/// Writes token after token.
#[derive(Default)]
struct Writer<'a> {
    text: String,
    levels: Vec<Level>,
    /// The statement itself, outside of all brackets.
    ground: Level,
    /// Brackets beyond [`MOST_LEVELS`].
    beyond: usize,
    /// The token before this one.
    before: Option<Token<'a>>,
    set: Set,
    /// What SET assigns may be a list of values.
    values: bool,
    /// The statement begins with SET.
    sets: bool,
    /// It defines something that may have settings of its own: `ALTER ROLE … SET`.
    defines: bool,
}

/// A list in brackets.
#[derive(Default)]
struct Level {
    /// What it is a list of.
    list: List,
    /// Where its element begins in the text.
    element: usize,
    /// Where the element before it is.
    previous: Option<(usize, usize)>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum List {
    #[default]
    Other,
    /// Of values, separated by commas: equal ones become one.
    Values,
    /// Of rows, each in brackets: equal ones become one.
    Rows,
    /// One of those rows.
    Row,
}

/// Where in a SET statement.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Set {
    #[default]
    No,
    /// Its variables.
    Names,
    /// What is assigned.
    Value,
}

impl<'a> Writer<'a> {
    fn token(&mut self, token: Token<'a>) {
        let begins = self.before.is_none_or(|before| before.is_sign(b';') && self.depth() == 0);
        if begins {
            self.sets = token.is_word("SET");
            self.defines = token.is_word("ALTER") || token.is_word("CREATE");
            self.set = Set::No;
            self.ground = Level::default();
        }
        if self.set == Set::No && self.depth() == 0 && (self.sets || self.defines) && token.is_word("SET") {
            self.set = Set::Names;
        }
        if self.set != Set::Value || self.value_ends(token) {
            self.write(token);
        }
        self.before = Some(token);
    }

    /// Inside what SET assigns: true when this token is behind it.
    fn value_ends(&mut self, token: Token<'_>) -> bool {
        if self.depth() == 0 && (token.is_sign(b';') || (token.is_sign(b',') && !self.values)) {
            // In other statements what follows is no assignment.
            self.set = if self.sets { Set::Names } else { Set::No };
            return true;
        }
        match token.text {
            [b'(' | b'['] if token.kind == Kind::Sign => self.beyond += 1,
            [b')' | b']'] if token.kind == Kind::Sign => self.beyond = self.beyond.saturating_sub(1),
            _ => {}
        }
        false
    }

    fn write(&mut self, token: Token<'a>) {
        if token.spaced && !self.text.is_empty() {
            self.text.push(' ');
        }
        match token.kind {
            Kind::Literal => self.value(),
            Kind::Placeholder if self.in_values() => self.value(),
            Kind::Word if self.is_value(token) => self.value(),
            Kind::Sign => self.sign(token),
            _ => push_safe(&mut self.text, token.text),
        }
        if token.is_word("VALUES") || token.is_word("VALUE") {
            let element = self.text.len();
            *self.level() = Level { list: List::Rows, element, previous: None };
        }
        let assigns = matches!((token.kind, token.text), (Kind::Sign, b"=" | b":=")) || token.is_word("TO");
        if self.set == Set::Names && assigns && self.depth() == 0 {
            self.text.push_str(" ?");
            self.set = Set::Value;
        }
        if self.set == Set::Names && self.defines && token.is_sign(b',') {
            self.set = Set::No;
        }
    }

    /// TRUE, FALSE, and in lists of values NULL.
    fn is_value(&self, token: Token<'_>) -> bool {
        let named = self.before.is_some_and(|before| {
            before.is_sign(b'.') || ["IS", "NOT"].iter().any(|word| before.is_word(word))
        });
        !named
            && (token.is_word("TRUE")
                || token.is_word("FALSE")
                || (token.is_word("NULL") && self.in_values()))
    }

    fn value(&mut self) {
        // Adjacent strings are one.
        if self.before.is_some_and(|before| before.kind == Kind::Literal)
            && self.text.trim_end().ends_with('?')
        {
            self.text.truncate(self.text.trim_end().len());
            return;
        }
        if self.in_values() {
            let signed = self.text.trim_end();
            let unsigned = signed.trim_end_matches(['-', '+']);
            if unsigned.len() < signed.len() && unsigned.trim_end().ends_with(['(', ',', '[']) {
                self.text.truncate(unsigned.len());
            }
        }
        self.text.push('?');
    }

    fn sign(&mut self, token: Token<'_>) {
        match token.text {
            b"(" | b"[" => self.open(token),
            b")" | b"]" => self.close(token),
            b"," => {
                if self.level().list == List::Values {
                    self.end_element();
                }
                self.text.push(',');
                self.level().element = self.text.len();
            }
            other => push_safe(&mut self.text, other),
        }
    }

    fn open(&mut self, token: Token<'_>) {
        let before = |word| self.before.is_some_and(|before| before.is_word(word));
        let list = match token.text {
            b"[" if before("ARRAY") => List::Values,
            b"(" if before("IN") => List::Values,
            b"(" if self.list() == List::Rows => List::Row,
            b"(" if matches!(self.list(), List::Values) => List::Row,
            _ => List::Other,
        };
        push_safe(&mut self.text, token.text);
        if self.levels.len() >= MOST_LEVELS {
            self.beyond += 1;
            return;
        }
        self.levels.push(Level { list, element: self.text.len(), previous: None });
    }

    fn close(&mut self, token: Token<'_>) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return push_safe(&mut self.text, token.text);
        }
        if self.list() == List::Values {
            self.end_element();
        }
        self.levels.pop();
        push_safe(&mut self.text, token.text);
        if self.list() == List::Rows {
            self.end_element();
        }
    }

    /// An element of a list ends here: it is gone if it is the same as the one before it.
    fn end_element(&mut self) {
        let level = match self.levels.last_mut() {
            Some(level) => level,
            None => &mut self.ground,
        };
        let end = self.text.trim_end().len();
        let element = self.text.get(level.element..end).unwrap_or_default();
        let begin = end - element.trim_start().len();
        let same =
            level.previous.is_some_and(|(from, to)| self.text.get(from..to) == self.text.get(begin..end));
        match level.previous {
            Some((_, to)) if same => self.text.truncate(to),
            _ => level.previous = Some((begin, end)),
        }
    }

    fn in_values(&self) -> bool {
        self.beyond == 0 && matches!(self.list(), List::Values | List::Row)
    }

    fn list(&self) -> List {
        self.levels.last().unwrap_or(&self.ground).list
    }

    fn level(&mut self) -> &mut Level {
        self.levels.last_mut().unwrap_or(&mut self.ground)
    }

    fn depth(&self) -> usize {
        self.levels.len() + self.beyond
    }
}
