//! The file of tokens: a line of JSON each. It is written anew as a whole, by one process at a time, and read by others.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::token::{Hash, Moment, Record, Scope, Secret};

/// The file, in the folder for what has to outlive a restart.
const NAME: &str = "tokens.jsonl";
/// Held by whoever writes it.
const LOCK: &str = ".tokens.lock";
const NEW: &str = ".tokens.new";
/// Tokens that are valid, at most; each is compared with what a request shows.
const MOST_VALID: usize = 1000;
/// Tokens that are not valid any more and are kept for the record, at most.
const MOST_PAST: usize = 1000;
/// Bytes of a file that is read.
const MOST_BYTES: u64 = 4 << 20;
/// Bytes of a name.
const NAME_BYTES: usize = 100;

/// Why tokens cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file or its folder cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// Lines that are none are not thrown away with the next change.
    #[error(
        "{0}:{1} is no token: {2}. Repair or remove the line; until then its token is not taken, and none can be changed"
    )]
    Damaged(PathBuf, usize, String),
    /// The file is larger than such a file can be.
    #[error("{0} is larger than {MOST_BYTES} bytes")]
    TooLarge(PathBuf),
    /// There are no random numbers.
    #[error("the system has no random bytes: {0}")]
    Random(getrandom::Error),
    /// There are enough.
    #[error("there are {MOST_VALID} valid tokens already: revoke some")]
    TooMany,
    /// A name that cannot be one.
    #[error("a name has 1 to {NAME_BYTES} bytes and no control characters")]
    Name,
    /// There is no such token.
    #[error("there is no token with the id '{0}': `weir token list` shows those that there are")]
    Unknown(String),
    /// It was revoked before.
    #[error("the token '{0}' was revoked already, at {1}")]
    Revoked(String, Moment),
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Content {
    /// Every line that is one, in their order.
    pub records: Vec<Record>,
    /// The first that is none, and why.
    pub damaged: Option<(usize, String)>,
}

/// What tells a changed file from the same one. None is a file that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(Option<(SystemTime, u64, u64)>);

/// The file of tokens of a server.
#[derive(Debug, Clone)]
pub struct TokenFile {
    folder: PathBuf,
}

impl TokenFile {
    /// In this folder, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        TokenFile { folder: folder.into() }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn mark(&self) -> Result<Mark, FileError> {
        match fs::metadata(self.path()) {
            Ok(file) => {
                Ok(Mark(Some((file.modified().map_err(|e| self.failed(e))?, file.len(), file.ino()))))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Mark(None)),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Reads it. A file that is not there holds nothing.
    ///
    /// # Errors
    ///
    /// When it cannot be read. Lines that are no tokens are no error here.
    pub fn read(&self) -> Result<Content, FileError> {
        let text = match fs::metadata(self.path()) {
            Ok(file) if file.len() > MOST_BYTES => return Err(FileError::TooLarge(self.path())),
            Ok(_) => fs::read(self.path()).map_err(|error| self.failed(error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::default()),
            Err(error) => return Err(self.failed(error)),
        };
        let mut content = Content::default();
        let lines = text.split(|byte| *byte == b'\n').enumerate();
        for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(record) => content.records.push(record),
                Err(error) => drop(content.damaged.get_or_insert((index + 1, error.to_string()))),
            }
        }
        Ok(content)
    }

    /// Makes a token. The secret is not kept.
    ///
    /// # Errors
    ///
    /// When the name is none, there are too many, or the file cannot be written.
    pub fn create(
        &self,
        scope: Scope,
        name: &str,
        expires: Option<Moment>,
        now: Moment,
    ) -> Result<(Secret, Record), FileError> {
        if name.trim().is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
            return Err(FileError::Name);
        }
        let secret = Secret::new(scope).map_err(FileError::Random)?;
        let hash = Hash::of(secret.as_str().as_bytes()).ok_or(FileError::Name)?;
        self.change(|records| {
            if records.iter().filter(|record| record.is_valid(now)).count() >= MOST_VALID {
                return Err(FileError::TooMany);
            }
            let id = new_id(records)?;
            let record =
                Record { id, name: name.to_owned(), scope, hash, created: now, expires, revoked: None };
            records.push(record.clone());
            // The oldest of those that are past are not needed for the record any more.
            let mut past = records.iter().filter(|record| !record.is_valid(now)).count();
            records.retain(|record| {
                let forget = past > MOST_PAST && !record.is_valid(now);
                past -= usize::from(forget);
                !forget
            });
            Ok((secret.clone(), record))
        })
    }

    /// Takes a token back, for ever.
    ///
    /// # Errors
    ///
    /// When there is none of this id, it was revoked before, or the file cannot be written.
    pub fn revoke(&self, id: &str, now: Moment) -> Result<Record, FileError> {
        self.change(|records| {
            let record = records.iter_mut().find(|record| record.id == id);
            let record = record.ok_or_else(|| FileError::Unknown(id.chars().take(40).collect()))?;
            if let Some(revoked) = record.revoked {
                return Err(FileError::Revoked(record.id.clone(), revoked));
            }
            record.revoked = Some(now);
            Ok(record.clone())
        })
    }

    fn failed(&self, error: io::Error) -> FileError {
        FileError::File(self.path(), error)
    }

    /// Changes the file, or leaves it as it is. Others see the file before or the one after.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Record>) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        let failed = |error| FileError::File(self.folder.clone(), error);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let lock = private().truncate(false).open(self.folder.join(LOCK)).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut content = self.read()?;
        if let Some((line, why)) = content.damaged {
            return Err(FileError::Damaged(self.path(), line, why));
        }
        let outcome = change(&mut content.records)?;
        let mut text = Vec::new();
        for record in &content.records {
            // Texts and numbers can always be written.
            serde_json::to_writer(&mut text, record).map_err(|error| failed(error.into()))?;
            text.push(b'\n');
        }
        write(&self.folder, NEW, NAME, &text).map_err(failed)?;
        Ok(outcome)
    }
}

/// 8 digits that no other has.
fn new_id(records: &[Record]) -> Result<String, FileError> {
    loop {
        let id = format!("{:08x}", getrandom::u32().map_err(FileError::Random)?);
        if records.iter().all(|record| record.id != id) {
            return Ok(id);
        }
    }
}

/// How files are opened that nobody else may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true).mode(0o600);
    options
}

/// Writes a file as a whole: it is durable when it is seen. It belongs to whoever the folder belongs to, for the
/// administrator makes tokens that a server without his rights has to read.
pub(super) fn write(folder: &Path, new: &str, name: &str, text: &[u8]) -> io::Result<()> {
    let path = folder.join(new);
    let mut file = private().truncate(true).open(&path)?;
    // One that was left behind may have had other rights.
    file.set_permissions(Permissions::from_mode(0o600))?;
    give_to_owner(folder, &file)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(path, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// Gives a file to the owner of its folder, if he is another.
pub(super) fn give_to_owner(folder: &Path, file: &File) -> io::Result<()> {
    let (owner, own) = (fs::metadata(folder)?, file.metadata()?);
    if (owner.uid(), owner.gid()) == (own.uid(), own.gid()) {
        return Ok(());
    }
    match std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid())) {
        // Only root can give files away, and others who may write here need not; and what runs within the agent has given up
        // the system call.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        done => done,
    }
}
