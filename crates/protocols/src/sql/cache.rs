//! What is known of statements that came before.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::Arc;

use model::Text;

use super::{Dialect, Statement, describe};
use crate::Settings;

/// Bounds of what is known of texts that came before.
const DESCRIBED: Bounds = Bounds { statements: 1024, bytes: 512 * 1024 };
/// Bounds of what connections have prepared, all of them together.
const KEPT: Bounds = Bounds { statements: 16 * 1024, bytes: 8 * 1024 * 1024 };
/// Bytes of a statement besides its texts, roughly.
const FIXED: usize = size_of::<Statement>() + 64;

/// Descriptions of the statements that were seen last, so that one that comes again costs a hash; and those
/// that connections have prepared, of which they hold no more than a [`Key`].
///
/// A hash has a secret seed, so that nobody can make up two statements that are taken for the same.
#[derive(Debug)]
pub struct Statements {
    seed: RandomState,
    described: Generations,
    kept: Generations,
}

/// Stands for a statement that was prepared: eight bytes, however many connections have it, and however long
/// it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Default for Statements {
    fn default() -> Self {
        let seed = RandomState::default();
        Statements { seed, described: Generations::within(DESCRIBED), kept: Generations::within(KEPT) }
    }
}

impl Statements {
    /// As [`describe`], remembered.
    pub fn describe(
        &mut self,
        bytes: &[u8],
        whole: bool,
        dialect: Dialect,
        settings: Settings,
    ) -> Arc<Statement> {
        let hash = self.hash(bytes, whole, dialect, settings);
        if let Some(statement) = self.described.get(hash) {
            return statement;
        }
        let statement = Arc::new(describe(bytes, whole, dialect, settings));
        self.described.remember(hash, statement.clone());
        statement
    }

    /// Keeps a statement that a connection has prepared, for [`Statements::recall`].
    pub fn keep(&mut self, statement: &Arc<Statement>) -> Key {
        let key = Key(self.seed.hash_one(statement));
        if self.kept.get(key.0).is_none() {
            self.kept.remember(key.0, statement.clone());
        }
        key
    }

    /// What was kept; `None` where so much else was kept or recalled since that it had to go.
    pub fn recall(&mut self, key: Key) -> Option<Arc<Statement>> {
        self.kept.get(key.0)
    }

    /// How many are remembered: what memory is spent on.
    pub fn len(&self) -> usize {
        self.described.len() + self.kept.len()
    }

    /// True when none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of what is kept.
    #[cfg(test)]
    pub(super) fn kept_bytes(&self) -> usize {
        self.kept.young.values().chain(self.kept.old.values()).map(|statement| size(statement)).sum()
    }

    fn hash(&self, bytes: &[u8], whole: bool, dialect: Dialect, settings: Settings) -> u64 {
        let mut hasher = self.seed.build_hasher();
        (whole, dialect, settings.keep_values).hash(&mut hasher);
        hasher.write(bytes);
        hasher.finish()
    }
}

/// What a generation may hold.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    statements: usize,
    bytes: usize,
}

/// Two generations: what is asked for again in the older one moves to the younger, and when that is full it
/// becomes the older one.
#[derive(Debug)]
struct Generations {
    bounds: Bounds,
    young: Known,
    old: Known,
    /// Bytes in `young`.
    bytes: usize,
}

type Known = HashMap<u64, Arc<Statement>, BuildHasherDefault<Hashed>>;

impl Generations {
    fn within(bounds: Bounds) -> Self {
        Generations { bounds, young: Known::default(), old: Known::default(), bytes: 0 }
    }

    fn get(&mut self, hash: u64) -> Option<Arc<Statement>> {
        if let Some(statement) = self.young.get(&hash) {
            return Some(statement.clone());
        }
        let statement = self.old.remove(&hash)?;
        self.remember(hash, statement.clone());
        Some(statement)
    }

    fn remember(&mut self, hash: u64, statement: Arc<Statement>) {
        let size = size(&statement);
        if self.young.len() >= self.bounds.statements || self.bytes + size > self.bounds.bytes {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += size;
        self.young.insert(hash, statement);
    }

    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

fn size(statement: &Statement) -> usize {
    let optional = |text: &Option<Text>| text.as_ref().map_or(0, Text::len);
    let named = [&statement.collection, &statement.selects, &statement.drops]
        .into_iter()
        .map(optional)
        .sum::<usize>();
    FIXED + statement.query.len() + statement.summary.len() + named
}

/// A key that is a hash already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
