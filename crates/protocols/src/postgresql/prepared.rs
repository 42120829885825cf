//! Prepared statements and portals of a connection, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Text;

use crate::sql::Statement;
use crate::text::bounded;

/// Names that are remembered of each kind; the drivers' own caches of prepared statements have 100 to 256.
const MOST: usize = 256;
/// The longest name: a server cuts its own to 63 bytes.
const LONGEST: usize = 64;

/// What a name stands for; `None` where that is not known.
type Meaning = Option<Arc<Statement>>;

/// Names of one kind. The one without a name is apart, because nearly all use it.
#[derive(Debug, Default)]
pub(super) struct Names {
    unnamed: Meaning,
    named: BTreeMap<Text, (Arc<Statement>, u64)>,
    /// Counts uses.
    uses: u64,
}

impl Names {
    /// What `name` stands for.
    pub(super) fn get(&mut self, name: &[u8]) -> Meaning {
        if name.is_empty() {
            return self.unnamed.clone();
        }
        let (statement, used) = self.named.get_mut(key(name)?.as_str())?;
        self.uses += 1;
        *used = self.uses;
        Some(statement.clone())
    }

    /// `name` stands for this from now on. Of too many names the one that was not used for longest goes.
    pub(super) fn set(&mut self, name: &[u8], meaning: Meaning) {
        if name.is_empty() {
            self.unnamed = meaning;
            return;
        }
        let Some(key) = key(name) else { return };
        let Some(statement) = meaning else {
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
        self.named.insert(key, (statement, self.uses));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(query: &str) -> Meaning {
        Some(Arc::new(Statement { query: query.into(), ..Statement::default() }))
    }

    #[test]
    fn names() {
        let mut names = Names::default();
        names.set(b"", statement("a"));
        names.set(b"s", statement("b"));
        assert_eq!(
            (names.get(b""), names.get(b"s"), names.get(b"t")),
            (statement("a"), statement("b"), None)
        );
        names.set(b"s", None);
        names.set(b"", None);
        assert_eq!((names.get(b""), names.get(b"s")), (None, None));
        names.set(&[b'x'; LONGEST + 1], statement("c"));
        assert_eq!(names.get(&[b'x'; LONGEST + 1]), None);
    }

    #[test]
    fn bounded_by_use() {
        let mut names = Names::default();
        let name = |n: usize| format!("s{n}").into_bytes();
        for n in 0..MOST {
            names.set(&name(n), statement("x"));
        }
        names.get(&name(0));
        names.set(&name(MOST), statement("x"));
        assert_eq!(names.named.len(), MOST);
        assert_eq!(names.get(&name(1)), None);
        assert!(names.get(&name(0)).is_some() && names.get(&name(MOST)).is_some());
        names.clear();
        assert_eq!(names.get(&name(0)), None);
    }
}
