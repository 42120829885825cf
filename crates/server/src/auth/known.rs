//! The tokens that are valid at this moment, as a running server knows them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::audit::{Act, Audit};
use super::file::{FileError, Mark, TokenFile};
use super::token::{Hash, Moment, Record};
use super::used;

/// How often the file is looked at, at most: a token that is taken back is good for so long.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is written down when tokens were last used.
const WRITE: Duration = Duration::from_secs(60);

/// A token that was shown.
#[derive(Debug)]
pub struct Token {
    /// What is known of it.
    pub record: Record,
    /// When it was last used. 0: not by anybody.
    used: AtomicI64,
}

/// All valid tokens.
#[derive(Debug)]
pub(super) struct Known {
    file: TokenFile,
    audit: Arc<Audit>,
    tokens: RwLock<Arc<Vec<Arc<Token>>>>,
    looked: Mutex<Looked>,
}

#[derive(Debug)]
struct Looked {
    at: Instant,
    mark: Option<Mark>,
    /// What was said last about a file that cannot be read.
    failed: Option<String>,
    written: Instant,
}

impl Known {
    /// Reads the file, which need not be there.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be read.
    pub(super) fn new(file: TokenFile, audit: Arc<Audit>) -> Result<Self, FileError> {
        let mark = file.mark()?;
        let content = file.read()?;
        let now = Instant::now();
        let failed = content.damaged.as_ref().map(|(line, why)| {
            let told = FileError::Damaged(file.path(), *line, why.clone()).to_string();
            audit.note(&Act::TokensRead { valid: valid(&content.records), problem: Some(told.clone()) });
            told
        });
        let used = used::read(file.folder());
        let tokens = content.records.into_iter().map(|record| {
            let used = AtomicI64::new(used.get(&record.id).copied().unwrap_or(0));
            Arc::new(Token { record, used })
        });
        let tokens = RwLock::new(Arc::new(tokens.collect()));
        let looked = Looked { at: now, mark: Some(mark), failed, written: now };
        Ok(Known { file, audit, tokens, looked: Mutex::new(looked) })
    }

    fn tokens(&self) -> Arc<Vec<Arc<Token>>> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many are valid at this moment.
    pub(super) fn valid(&self) -> usize {
        self.look();
        let now = Moment::now();
        self.tokens().iter().filter(|token| token.record.is_valid(now)).count()
    }

    /// The token that somebody shows, if it is one and valid. How long this takes depends on how many there are, and not on
    /// what is shown: it is compared with all, to the last byte.
    pub(super) fn find(&self, shown: &[u8]) -> Option<Arc<Token>> {
        self.look();
        let hash = Hash::of(shown)?;
        let tokens = self.tokens();
        let mut found = u32::MAX;
        for (index, token) in (0_u32..).zip(tokens.iter()) {
            found.conditional_assign(&index, token.record.hash.is(&hash));
        }
        if bool::from(found.ct_eq(&u32::MAX)) {
            return None;
        }
        let token = tokens.get(found as usize)?;
        let now = Moment::now();
        if !token.record.is_valid(now) {
            return None;
        }
        token.used.store(now.0, Ordering::Relaxed);
        Some(token.clone())
    }

    /// The same token is valid still.
    pub(super) fn is_valid(&self, token: &Token) -> bool {
        self.look();
        let tokens = self.tokens();
        let record = tokens.iter().find(|known| known.record.id == token.record.id);
        record.is_some_and(|known| {
            known.record.hash == token.record.hash && known.record.is_valid(Moment::now())
        })
    }

    /// Reads the file again if it has changed. A file that cannot be read holds nothing: who cannot be told apart from those
    /// whose tokens were taken back is not let in.
    fn look(&self) {
        let mut looked = match self.looked.try_lock() {
            Ok(looked) => looked,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody else looks at this moment.
            Err(std::sync::TryLockError::WouldBlock) => return,
        };
        if looked.at.elapsed() < LOOK {
            return;
        }
        looked.at = Instant::now();
        self.write_used(&mut looked);
        let (mark, read) = match self.file.mark() {
            Ok(mark) if looked.mark == Some(mark) => return,
            Ok(mark) => (Some(mark), self.file.read()),
            Err(error) => (None, Err(error)),
        };
        let (records, problem) = match read {
            Ok(content) => {
                looked.mark = mark;
                let damaged = content.damaged;
                let problem = damaged.map(|(line, why)| FileError::Damaged(self.file.path(), line, why));
                (content.records, problem)
            }
            Err(error) => {
                looked.mark = None;
                (Vec::new(), Some(error))
            }
        };
        let problem = problem.map(|error| error.to_string());
        let valid = valid(&records);
        let old = self.tokens();
        let old: HashMap<&str, &Arc<Token>> =
            old.iter().map(|token| (token.record.id.as_str(), token)).collect();
        let new = records.into_iter().map(|record| {
            let used = old.get(record.id.as_str()).map_or(0, |token| token.used.load(Ordering::Relaxed));
            Arc::new(Token { record, used: AtomicI64::new(used) })
        });
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new.collect());
        // What stays as it is, is said once.
        if problem.is_none() || problem != looked.failed {
            self.audit.note(&Act::TokensRead { valid, problem: problem.clone() });
        }
        looked.failed = problem;
    }

    fn write_used(&self, looked: &mut Looked) {
        if looked.written.elapsed() >= WRITE {
            looked.written = Instant::now();
            self.save_used();
        }
    }

    /// Writes down when tokens were last used. It is of no weight, so that what fails is not told.
    pub(super) fn save_used(&self) {
        let tokens = self.tokens();
        let times = tokens.iter().map(|token| (token.record.id.as_str(), token.used.load(Ordering::Relaxed)));
        used::write(self.file.folder(), times.filter(|(_, used)| *used != 0));
    }
}

fn valid(records: &[Record]) -> usize {
    let now = Moment::now();
    records.iter().filter(|record| record.is_valid(now)).count()
}
