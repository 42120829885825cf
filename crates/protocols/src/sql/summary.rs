//! What a statement is about: operations, and the tables they are applied to.

use model::Text;

use super::Dialect;
use super::token::{Kind, Token, Tokens};
use super::words::{AFTER_NAMES, BEFORE_NAMES, DATA_VERBS, Named, OBJECTS, OTHER, ROUTINES, Then, VERBS};
use crate::text::{bounded, push_safe};

/// The longest summary; OpenTelemetry asks for no more.
const MOST_SUMMARY: usize = 255;
/// The longest name that is shown.
const MOST_NAME: usize = 128;
/// Brackets in each other that are followed.
const MOST_LEVELS: usize = 32;
/// Names of common table expressions that are remembered.
const MOST_LOCAL: usize = 16;

/// Verbs that are told with the kind of object they are applied to, in the order of [`OBJECTS`].
const CHANGES: [&str; 3] = ["CREATE", "ALTER", "DROP"];
/// The place of DROP among them.
const DROP: usize = 2;

/// What was found in a text.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Summaries of its statements, in order.
    text: String,
    /// Of the statement being read: where it begins in `text`.
    begin: usize,
    statements: u32,
    /// Of the first statement.
    first: String,
    /// All statements have the same summary.
    same: bool,
    operation: Option<&'static str>,
    /// All statements have the same first operation.
    same_operation: bool,
    /// The one table.
    collection: Option<Text>,
    collections: u32,
    selects: Option<Text>,
    drops: Option<Text>,
    full: bool,
}

impl Summary {
    pub(super) fn text(&self) -> Text {
        match (self.statements, self.same) {
            (0, _) => Text::const_new(OTHER),
            (1, _) | (_, false) => Text::from(self.text.as_str()),
            (_, true) => {
                let mut text = Text::const_new("BATCH ");
                text.push_str(&self.first);
                text
            }
        }
    }

    pub(super) fn operation(&self) -> Text {
        match (self.statements, self.operation) {
            (0, _) | (_, None) => Text::const_new(OTHER),
            (1, Some(operation)) => Text::const_new(operation),
            (_, Some(operation)) if self.same_operation => {
                let mut text = Text::const_new("BATCH ");
                text.push_str(operation);
                text
            }
            _ => Text::const_new("BATCH"),
        }
    }

    pub(super) fn collection(&self) -> Option<Text> {
        self.collection.clone().filter(|_| self.collections == 1)
    }

    pub(super) fn selects(&self) -> Option<Text> {
        self.selects.clone()
    }

    pub(super) fn drops(&self) -> Option<Text> {
        self.drops.clone()
    }

    fn push(&mut self, word: &str) {
        // Room for `BATCH` in front.
        if self.full || self.text.len() + word.len() + 8 > MOST_SUMMARY {
            self.full = true;
            return;
        }
        if self.text.len() > self.begin {
            self.text.push(' ');
        } else if self.begin > 0 {
            self.text.push_str("; ");
            self.begin = self.text.len();
        }
        self.text.push_str(word);
    }

    fn collect(&mut self, name: Text) {
        if self.collection.as_ref() != Some(&name) {
            self.collections += 1;
            self.collection.get_or_insert(name);
        }
    }

    fn end_statement(&mut self, operation: &'static str) {
        let own = self.text.get(self.begin..).unwrap_or_default();
        if self.statements == 0 {
            (self.same, self.same_operation) = (true, true);
            self.first = own.to_owned();
            self.operation = Some(operation);
        } else {
            self.same &= own == self.first;
            self.same_operation &= self.operation == Some(operation);
        }
        self.statements += 1;
        self.begin = self.text.len();
    }
}

/// What the next name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Expect {
    #[default]
    Nothing,
    /// A table, or in FROM a function that gives one.
    Table {
        /// Commas separate more of them.
        list: bool,
        /// Names followed by a bracket are functions.
        functions: bool,
    },
    /// Something that is shown but is no table.
    Name,
    Database,
    /// A common table expression.
    Local,
}

/// Brackets in each other.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    /// A SELECT or DELETE was seen, its FROM not yet.
    from: bool,
    /// In a list of tables: what a comma leads to.
    list: Expect,
    /// Between WITH and the statement that it is for.
    with: bool,
    /// Its names are known in their own definitions: WITH RECURSIVE.
    recursive: bool,
}

/// The name of a common table expression.
#[derive(Debug, Clone, Copy)]
struct Local<'a> {
    name: &'a [u8],
    /// In how many brackets its WITH stands.
    depth: usize,
    /// Its definition is behind us: in there the name is that of a table.
    defined: bool,
}

/// A name on its way.
#[derive(Debug, Clone, Copy)]
struct Name<'a> {
    parts: [&'a [u8]; 4],
    count: usize,
    /// A dot was the last.
    dot: bool,
    expect: Expect,
    /// It may have been cut.
    at_end: bool,
}

struct Reader<'a> {
    summary: Summary,
    levels: Vec<Level>,
    beyond: usize,
    local: Vec<Local<'a>>,
    operation: Option<&'static str>,
    /// The verb of what is explained or declared is still to come.
    explains: bool,
    /// A verb may stand here.
    beginning: bool,
    expect: Expect,
    name: Option<Name<'a>>,
    /// The first word of CREATE, ALTER or DROP: its place in [`OBJECTS`].
    object: Option<usize>,
    /// The rest of the statement tells nothing.
    muted: bool,
    /// What follows tells nothing: the body of a routine, with statements of its own.
    done: bool,
    before: Option<Token<'a>>,
}

/// Reads `bytes`.
pub(super) fn of(bytes: &[u8], whole: bool, dialect: Dialect) -> Summary {
    let mut reader = Reader {
        summary: Summary::default(),
        levels: vec![Level::default()],
        beyond: 0,
        local: Vec::new(),
        operation: None,
        explains: false,
        beginning: true,
        expect: Expect::Nothing,
        name: None,
        object: None,
        muted: false,
        done: false,
        before: None,
    };
    for mut token in Tokens::new(bytes, dialect) {
        token.at_end &= !whole;
        reader.token(token);
        reader.before = Some(token);
        if reader.done || reader.summary.full {
            break;
        }
    }
    reader.end_name(None);
    reader.end_statement();
    reader.summary
}

impl<'a> Reader<'a> {
    fn token(&mut self, token: Token<'a>) {
        if self.continue_name(token) {
            return;
        }
        self.end_name(Some(token));
        match token.kind {
            Kind::Sign => self.sign(token),
            Kind::Word => self.word(token),
            Kind::Quoted => self.begin_name(token),
            Kind::Literal | Kind::Placeholder => {
                self.expect = Expect::Nothing;
                self.beginning = self.explains;
            }
        }
    }

    fn sign(&mut self, token: Token<'a>) {
        match token.text {
            b"(" => {
                if !matches!(self.expect, Expect::Table { list, functions } if list || functions) {
                    self.expect = Expect::Nothing;
                }
                // A statement may begin in brackets, or tables that are joined.
                self.beginning = true;
                match self.levels.len() < MOST_LEVELS {
                    true => self.levels.push(Level { list: self.expect, ..Level::default() }),
                    false => self.beyond += 1,
                }
            }
            b")" => {
                self.expect = Expect::Nothing;
                if self.beyond > 0 {
                    self.beyond -= 1;
                } else if self.levels.len() > 1 {
                    self.levels.pop();
                }
                self.beginning = self.level().with || (self.explains && self.levels.len() == 1);
            }
            b"," => {
                self.beginning = false;
                if self.level().with {
                    self.define();
                    self.expect = Expect::Local;
                } else {
                    self.expect = self.level().list;
                }
            }
            b";" if self.levels.len() == 1 => {
                self.end_statement();
                self.beginning = true;
            }
            b"." | b"*" => {}
            _ => {
                self.expect = Expect::Nothing;
                self.beginning = self.explains && self.levels.len() == 1;
            }
        }
    }

    /// What WITH names in this bracket is known from here on.
    fn define(&mut self) {
        let depth = self.levels.len();
        for local in self.local.iter_mut().filter(|local| local.depth == depth) {
            local.defined = true;
        }
    }

    fn word(&mut self, token: Token<'a>) {
        let after_dot = self.before.is_some_and(|before| before.is_sign(b'.') || before.is_sign(b'@'));
        if after_dot || token.at_end || self.muted {
            return;
        }
        if self.object.is_some() {
            return self.object(token);
        }
        if self.beginning && self.begin(token) {
            return;
        }
        if token.is_word("SELECT") {
            return self.verb("SELECT", Then::Clauses);
        }
        // INSERT INTO a TABLE b, CREATE TABLE a AS TABLE b: all of b.
        let behind = |word| self.before.is_some_and(|before| before.is_word(word));
        let inserts = matches!(self.operation, Some("INSERT" | "REPLACE")) && self.expect == Expect::Nothing;
        if token.is_word("TABLE") && (inserts || ["AS", "UNION", "ALL"].into_iter().any(behind)) {
            return self.verb("TABLE", Then::Targets);
        }
        if self.clause(token) {
            return;
        }
        if self.expect != Expect::Nothing && !BEFORE_NAMES.iter().any(|word| token.is_word(word)) {
            self.begin_name(token);
        }
    }

    /// A word where a statement may begin; false where it has another meaning.
    fn begin(&mut self, token: Token<'a>) -> bool {
        if token.is_word("WITH") {
            self.level().with = true;
            self.beginning = false;
            self.expect = Expect::Local;
            return true;
        }
        let known = VERBS.iter().find(|(verb, _)| token.is_word(verb));
        let nested = self.levels.len() > 1;
        match known {
            Some((verb, then)) if (!nested && self.operation.is_none()) || DATA_VERBS.contains(verb) => {
                if std::mem::take(&mut self.level().with) {
                    self.define();
                }
                self.verb(verb, *then);
            }
            // WITH a (b) AS MATERIALIZED
            _ if self.level().with => {}
            _ if nested => {
                self.beginning = false;
                return false;
            }
            // Between EXPLAIN or DECLARE and what is explained.
            _ if self.operation.is_some() => {}
            _ => {
                self.verb(OTHER, Then::Nothing);
                self.done = false;
            }
        }
        true
    }

    fn verb(&mut self, verb: &'static str, then: Then) {
        self.explains = then == Then::Verb;
        self.beginning = self.explains;
        self.level().list = Expect::Nothing;
        if then == Then::Object {
            // Told by the object's kind.
            self.object = CHANGES.iter().position(|word| *word == verb);
            return;
        }
        self.operate(verb);
        self.expect = match then {
            Then::Clauses => {
                self.level().from = true;
                Expect::Nothing
            }
            Then::Target => Expect::Table { list: false, functions: false },
            Then::Targets => {
                let expect = Expect::Table { list: true, functions: false };
                self.level().list = expect;
                // UPDATE a SET … FROM b
                self.level().from = verb == "UPDATE";
                expect
            }
            Then::Routine => Expect::Name,
            Then::Database => Expect::Database,
            Then::Load | Then::Verb | Then::Object | Then::Nothing => Expect::Nothing,
            Then::Names => {
                self.muted = true;
                Expect::Nothing
            }
        };
        if verb == "DELETE" {
            // MySQL: DELETE a, b FROM …
            self.expect = Expect::Nothing;
        }
    }

    fn operate(&mut self, operation: &'static str) {
        self.operation.get_or_insert(operation);
        self.summary.push(operation);
    }

    /// Words that tell what the next names are; true when it was one.
    fn clause(&mut self, token: Token<'a>) -> bool {
        let table = |list| Expect::Table { list, functions: true };
        let before = |word| self.before.is_some_and(|before| before.is_word(word));
        if token.is_word("FROM") && self.level_ref().from && !before("DISTINCT") {
            self.level().from = false;
            self.level().list = table(true);
            self.expect = table(true);
        } else if token.is_word("JOIN") || token.is_word("STRAIGHT_JOIN") {
            self.expect = table(false);
        } else if (token.is_word("INTO") && self.operation == Some("LOAD"))
            || (token.is_word("LIKE") && self.copies())
        {
            self.expect = Expect::Table { list: false, functions: false };
        } else if token.is_word("USING")
            && matches!(self.operation, Some("DELETE" | "MERGE"))
            && self.levels.len() == 1
            && self.expect == Expect::Nothing
        {
            self.expect = table(false);
        } else if AFTER_NAMES.iter().any(|word| token.is_word(word)) {
            if !BEFORE_NAMES.iter().any(|word| token.is_word(word)) {
                self.expect = Expect::Nothing;
                if !token.is_word("ON") && !token.is_word("USING") {
                    self.level().list = Expect::Nothing;
                }
            }
        } else {
            return false;
        }
        true
    }

    /// CREATE TABLE a LIKE b, CREATE TABLE a (LIKE b, …).
    fn copies(&self) -> bool {
        let begins = self.before.is_some_and(|before| before.is_sign(b'(') || before.is_sign(b','));
        let behind_name = self.levels.len() == 1 && self.expect != Expect::Nothing;
        self.operation == Some("CREATE TABLE") && (behind_name || (begins && self.levels.len() == 2))
    }

    /// What CREATE, ALTER or DROP is applied to.
    fn object(&mut self, token: Token<'a>) {
        let Some(place) = self.object else { return };
        // DEFINER = user
        if self.before.is_some_and(|before| before.is_sign(b'=')) {
            return;
        }
        let Some((_, forms, named)) = OBJECTS.iter().find(|(object, ..)| token.is_word(object)) else {
            return;
        };
        self.object = None;
        self.operate(forms.get(place).copied().unwrap_or(OTHER));
        self.expect = match named {
            Named::Collection => Expect::Table { list: place == DROP, functions: false },
            Named::Other => Expect::Name,
            Named::Not => Expect::Nothing,
        };
        self.level().list = if place == DROP { self.expect } else { Expect::Nothing };
        self.muted = *named == Named::Not;
    }

    fn begin_name(&mut self, token: Token<'a>) {
        self.beginning = false;
        if self.expect == Expect::Nothing {
            return;
        }
        let expect = std::mem::take(&mut self.expect);
        let parts = [unquoted(token), b"", b"", b""];
        self.name = Some(Name { parts, count: 1, dot: false, expect, at_end: token.at_end });
    }

    /// True when the token belongs to the name.
    fn continue_name(&mut self, token: Token<'a>) -> bool {
        let Some(name) = &mut self.name else { return false };
        if name.dot && token.is_name() {
            name.dot = false;
            name.at_end = token.at_end;
            match name.parts.get_mut(name.count) {
                Some(part) => *part = unquoted(token),
                None => return false,
            }
            name.count += 1;
            return true;
        }
        let dot = !name.dot && token.is_sign(b'.');
        name.dot |= dot;
        dot
    }

    /// The name is over; `next` follows it.
    fn end_name(&mut self, next: Option<Token<'a>>) {
        let Some(name) = self.name.take() else { return };
        if name.at_end || name.dot {
            return;
        }
        let called = next.is_some_and(|next| next.is_sign(b'('));
        let own = name.parts.get(..name.count).unwrap_or_default();
        let is_local = |local: &Local<'_>| {
            name.count == 1 && local.defined && local.name.eq_ignore_ascii_case(name.parts[0])
        };
        match name.expect {
            Expect::Local if token_is(name.parts[0], "RECURSIVE") => {
                self.level().recursive = true;
                self.expect = Expect::Local;
            }
            Expect::Local if self.local.len() < MOST_LOCAL => {
                let (depth, defined) = (self.levels.len(), self.level().recursive);
                self.local.push(Local { name: name.parts[0], depth, defined });
            }
            Expect::Table { functions: true, .. } if called => {}
            Expect::Table { .. } if self.local.iter().any(is_local) => {}
            // No table at all, but SELECT without FROM.
            Expect::Table { .. } if name.count == 1 && token_is(name.parts[0], "DUAL") => {}
            Expect::Table { .. } => {
                let text = joined(own);
                self.summary.push(&shown(&text));
                self.summary.collect(text);
                if self.operation == Some("CREATE TABLE") && next.is_some_and(|next| next.is_word("LIKE")) {
                    self.expect = name.expect;
                }
            }
            Expect::Name => {
                let text = joined(own);
                self.summary.push(&shown(&text));
                if matches!(self.operation, Some("DROP DATABASE" | "DROP SCHEMA")) {
                    self.summary.drops = Some(text);
                }
                self.muted = true;
                self.done = self.operation.is_some_and(|operation| ROUTINES.contains(&operation));
            }
            Expect::Database => {
                let text = joined(own);
                self.summary.push(&shown(&text));
                self.summary.selects = Some(text);
            }
            Expect::Local | Expect::Nothing => {}
        }
    }

    fn end_statement(&mut self) {
        let operation = match (self.operation.take(), self.object.take()) {
            (Some(operation), _) => operation,
            (None, Some(place)) => {
                let verb = CHANGES.get(place).copied().unwrap_or(OTHER);
                self.summary.push(verb);
                verb
            }
            (None, None) => return,
        };
        self.summary.end_statement(operation);
        self.levels.clear();
        self.levels.push(Level::default());
        self.local.clear();
        self.muted = false;
        self.expect = Expect::Nothing;
    }

    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn level_ref(&self) -> Level {
        self.levels.last().copied().unwrap_or_default()
    }
}

fn token_is(text: &[u8], word: &str) -> bool {
    text.eq_ignore_ascii_case(word.as_bytes())
}

/// A name without its quotes.
fn unquoted<'a>(token: Token<'a>) -> &'a [u8] {
    match (token.kind, token.text) {
        (Kind::Quoted, [_, name @ .., b'"' | b'`']) => name,
        (_, text) => text,
    }
}

fn joined(parts: &[&[u8]]) -> Text {
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() {
            text.push('.');
        }
        push_safe(&mut text, part.get(..MOST_NAME).unwrap_or(part));
    }
    Text::from(text)
}

/// In a summary a name with blanks in it has quotes.
fn shown(name: &Text) -> Text {
    if !name.contains([' ', ';']) {
        return name.clone();
    }
    bounded(format!("\"{name}\"").as_bytes(), MOST_SUMMARY)
}
