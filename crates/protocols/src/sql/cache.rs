//! What is known of statements that came before.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::Arc;

use super::{Dialect, Statement, describe};
use crate::Settings;

/// Statements of a generation; there are two.
const MOST_STATEMENTS: usize = 1024;
/// Bytes of text that a generation may hold.
const MOST_BYTES: usize = 512 * 1024;

type Known = HashMap<u64, Arc<Statement>, BuildHasherDefault<Hashed>>;

/// Descriptions of the statements that were seen last, so that one that comes again costs a hash.
///
/// Two generations: what is asked for again in the older one moves to the younger, and when that is full it
/// becomes the older one. The hash has a secret seed, so that nobody can make up two statements that are
/// taken for the same.
#[derive(Debug, Default)]
pub struct Statements {
    seed: RandomState,
    young: Known,
    old: Known,
    /// Bytes of text in `young`.
    bytes: usize,
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
        if let Some(statement) = self.young.get(&hash) {
            return statement.clone();
        }
        let statement = match self.old.remove(&hash) {
            Some(statement) => statement,
            None => Arc::new(describe(bytes, whole, dialect, settings)),
        };
        self.remember(hash, statement.clone());
        statement
    }

    /// How many are remembered: what memory is spent on.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// True when none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn hash(&self, bytes: &[u8], whole: bool, dialect: Dialect, settings: Settings) -> u64 {
        let mut hasher = self.seed.build_hasher();
        (whole, dialect, settings.keep_values).hash(&mut hasher);
        hasher.write(bytes);
        hasher.finish()
    }

    fn remember(&mut self, hash: u64, statement: Arc<Statement>) {
        let size = statement.query.len() + statement.summary.len();
        if self.young.len() >= MOST_STATEMENTS || self.bytes + size > MOST_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += size;
        self.young.insert(hash, statement);
    }
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
