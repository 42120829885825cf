//! Prepared statements and portals of a connection, by name.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::Text;

use crate::sql::{Key, Statement, Statements};
use crate::text::bounded;

/// Names that are remembered of each kind: drivers' caches of prepared statements have 100 to 1,000.
const MOST: usize = 1024;
/// The longest name. A server cuts its own to 63 bytes, others need not.
const LONGEST: usize = 127;

/// What a name stands for; `None` where that is not known.
type Meaning = Option<Arc<Statement>>;

/// Names of one kind; the texts are with those of all connections. The one without a name is apart, because nearly all use it.
#[derive(Debug, Default)]
pub(super) struct Names {
    unnamed: Meaning,
    named: BTreeMap<Text, (Key, u64)>,
    /// Counts uses.
    uses: u64,
}

impl Names {
    /// What `name` stands for.
    pub(super) fn get(&mut self, name: &[u8], statements: &mut Statements) -> Meaning {
        if name.is_empty() {
            return self.unnamed.clone();
        }
        let (meaning, used) = self.named.get_mut(key(name)?.as_str())?;
        self.uses += 1;
        *used = self.uses;
        statements.recall(*meaning)
    }

    /// What has no name is this from now on.
    pub(super) fn set_unnamed(&mut self, meaning: Meaning) {
        self.unnamed = meaning;
    }

    /// `name` stands for this from now on. Of too many names the one that was not used for longest goes.
    pub(super) fn set(&mut self, name: &[u8], meaning: Option<Key>) {
        let Some(key) = key(name) else { return };
        let Some(meaning) = meaning else {
            self.named.remove(&key);
            return;
        };
        if self.named.len() >= MOST
            && !self.named.contains_key(&key)
            && let Some(oldest) =
                self.named.iter().min_by_key(|(_, (_, used))| *used).map(|(name, _)| name.clone())
        {
            self.named.remove(&oldest);
        }
        self.uses += 1;
        self.named.insert(key, (meaning, self.uses));
    }

    /// Nothing is known any more.
    pub(super) fn clear(&mut self) {
        self.unnamed = None;
        self.named.clear();
    }
}

fn key(name: &[u8]) -> Option<Text> {
    (name.len() <= LONGEST).then(|| bounded(name, LONGEST))
}

/// Prepared statements. What was asked for holds for what is asked behind it, but the server may skip it: a name changes for good
/// when the answer is there.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    names: Names,
    /// Changes of names that are not answered, in order.
    changes: VecDeque<Change>,
    /// Where the next Parse or Close will stand.
    asked: Place,
    /// The first Parse or Close that is not answered.
    answered: Place,
    /// Where the statement without a name was asked for.
    unnamed_at: Place,
}

/// Where a message stands: how many answers end before (with ReadyForQuery), and how many Parse and Close are between.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    stretch: u64,
    step: u64,
}

#[derive(Debug)]
struct Change {
    name: Text,
    meaning: Option<Key>,
    at: Place,
}

impl Prepared {
    /// What `name` stands for, if all that is outstanding goes well.
    pub(super) fn get(&mut self, name: &[u8], statements: &mut Statements) -> Meaning {
        if !name.is_empty()
            && let Some(change) = self.changes.iter().rev().find(|change| change.name.as_bytes() == name)
        {
            return statements.recall(change.meaning?);
        }
        self.names.get(name, statements)
    }

    /// Parse of the statement without a name.
    pub(super) fn ask_unnamed(&mut self, statement: Arc<Statement>) {
        self.unnamed_at = self.asked;
        self.asked.step += 1;
        self.names.set_unnamed(Some(statement));
    }

    /// Parse of a statement with a name, or Close where it means nothing any more.
    pub(super) fn ask(&mut self, name: &[u8], meaning: Option<Key>) {
        let at = self.asked;
        self.asked.step += 1;
        if name.is_empty() {
            self.forget_unnamed();
        } else if let Some(name) = key(name) {
            if self.changes.len() >= MOST
                && let Some(oldest) = self.changes.pop_front()
            {
                self.names.set(oldest.name.as_bytes(), None);
            }
            self.changes.push_back(Change { name, meaning, at });
        }
    }

    /// Close of a portal: it is answered as that of a statement is.
    pub(super) fn ask_other(&mut self) {
        self.asked.step += 1;
    }

    pub(super) fn forget_unnamed(&mut self) {
        self.names.set_unnamed(None);
    }

    /// Something whose answer ends with ReadyForQuery.
    pub(super) fn ask_ready(&mut self) {
        self.asked = Place { stretch: self.asked.stretch + 1, step: 0 };
    }

    /// The last of these is none.
    pub(super) fn take_back_ready(&mut self) {
        self.asked.stretch = self.asked.stretch.saturating_sub(1).max(self.answered.stretch);
    }

    /// So many were answered.
    pub(super) fn confirm(&mut self, steps: u64) {
        self.answered.step += steps;
    }

    /// The server failed and skips the rest; in `doubt` where its answer was not seen as a whole. Returns what was never prepared.
    pub(super) fn fail(&mut self, doubt: bool) -> Vec<Key> {
        let stretch = self.answered.stretch;
        self.settle(|at, answered| at < answered);
        if self.unnamed_at >= self.answered && self.unnamed_at.stretch == stretch {
            self.forget_unnamed();
        }
        let mut skipped = Vec::new();
        while let Some(change) = self.next_if(|at| at.stretch == stretch) {
            if doubt {
                self.names.set(change.name.as_bytes(), None);
            }
            skipped.extend(change.meaning);
        }
        skipped
    }

    /// ReadyForQuery.
    pub(super) fn ready(&mut self, failed: bool) {
        if failed {
            self.fail(false);
        }
        self.settle(|at, answered| at.stretch <= answered.stretch);
        self.answered = Place { stretch: self.answered.stretch + 1, step: 0 };
    }

    /// ReadyForQuery behind an answer that nobody looked into.
    pub(super) fn pass_over(&mut self) {
        self.fail(true);
        self.ready(false);
    }

    /// All is answered, nobody knows how. A name that was taken already may have kept its meaning, or not.
    pub(super) fn lose(&mut self) {
        self.answered = self.asked;
        while let Some(change) = self.changes.pop_front() {
            let known = self.names.named.contains_key(&change.name);
            self.names.set(change.name.as_bytes(), change.meaning.filter(|_| !known));
        }
    }

    /// The oldest change that is not answered, if it stands in such a place.
    fn next_if(&mut self, is_it: impl Fn(Place) -> bool) -> Option<Change> {
        self.changes.front().is_some_and(|change| is_it(change.at)).then(|| self.changes.pop_front())?
    }

    /// These changes happened.
    fn settle(&mut self, happened: impl Fn(Place, Place) -> bool) {
        let answered = self.answered;
        while let Some(change) = self.next_if(|at| happened(at, answered)) {
            self.names.set(change.name.as_bytes(), change.meaning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Dialect;

    fn kept(statements: &mut Statements, text: &str) -> Option<Key> {
        let statement = statements.describe(text.as_bytes(), true, Dialect::PostgreSql, Default::default());
        Some(statements.keep(&statement))
    }

    fn text(meaning: Meaning) -> Option<String> {
        meaning.map(|statement| statement.query.to_string())
    }

    #[test]
    fn names() {
        let mut statements = Statements::default();
        let mut names = Names::default();
        names.set(b"s", kept(&mut statements, "b"));
        assert_eq!(
            (
                text(names.get(b"s", &mut statements)),
                names.get(b"", &mut statements),
                names.get(b"t", &mut statements)
            ),
            (Some("b".into()), None, None)
        );
        names.set(b"s", None);
        assert_eq!(names.get(b"s", &mut statements), None);
        names.set(&[b'x'; LONGEST + 1], kept(&mut statements, "c"));
        assert_eq!(names.get(&[b'x'; LONGEST + 1], &mut statements), None);
    }

    #[test]
    fn bounded_by_use() {
        let mut statements = Statements::default();
        let mut names = Names::default();
        let name = |n: usize| format!("s{n}").into_bytes();
        for n in 0..MOST {
            names.set(&name(n), kept(&mut statements, "x"));
        }
        names.get(&name(0), &mut statements);
        names.set(&name(MOST), kept(&mut statements, "x"));
        assert_eq!(names.named.len(), MOST);
        assert_eq!(names.get(&name(1), &mut statements), None);
        assert!(
            names.get(&name(0), &mut statements).is_some()
                && names.get(&name(MOST), &mut statements).is_some()
        );
        names.clear();
        assert_eq!(names.get(&name(0), &mut statements), None);
    }

    #[test]
    fn changes() {
        let mut prepared = Prepared::default();
        let mut known = Statements::default();
        let statements = &mut known;
        let ask = |prepared: &mut Prepared, statements: &mut Statements, name: &str, text: &str| {
            let meaning = if text.is_empty() { None } else { kept(statements, text) };
            prepared.ask(name.as_bytes(), meaning);
        };
        ask(&mut prepared, statements, "s", "a");
        prepared.ask_ready();
        prepared.ready(false);
        // Asked for, then skipped from the second on.
        ask(&mut prepared, statements, "t", "b");
        ask(&mut prepared, statements, "s", "");
        ask(&mut prepared, statements, "s", "c");
        prepared.ask_ready();
        ask(&mut prepared, statements, "u", "d");
        assert_eq!(text(prepared.get(b"s", statements)), Some("c".into()));
        prepared.confirm(1);
        assert_eq!(prepared.fail(false).len(), 1);
        assert_eq!(
            (text(prepared.get(b"s", statements)), text(prepared.get(b"t", statements))),
            (Some("a".into()), Some("b".into()))
        );
        prepared.ready(true);
        assert_eq!(text(prepared.get(b"u", statements)), Some("d".into()));
        // Nobody knows how it came out.
        ask(&mut prepared, statements, "s", "e");
        prepared.lose();
        assert_eq!(
            (prepared.get(b"s", statements), text(prepared.get(b"u", statements))),
            (None, Some("d".into()))
        );
        for n in 0..3 * MOST {
            ask(&mut prepared, statements, &format!("s{n}"), "x");
        }
        assert_eq!((prepared.changes.len(), prepared.get(b"s0", statements)), (MOST, None));
    }
}
