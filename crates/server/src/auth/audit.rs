//! What was changed about who may ask and what is kept, and by whom: a line of JSON each, in a file and where it is said.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::file::{give_to_owner, private, write};
use super::token::{Moment, Record, Scope};

const NAME: &str = "audit.jsonl";
/// What was before, once the file has become large.
const BEFORE: &str = "audit.jsonl.1";
/// Bytes of the file from which on another one is begun.
const LARGE: u64 = 8 << 20;

/// An act of whoever administers a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "act")]
#[non_exhaustive]
pub enum Act {
    /// A token was made.
    #[serde(rename = "token.created")]
    TokenCreated {
        /// Its id.
        token: String,
        /// What it is called.
        name: String,
        /// What it allows.
        scope: Scope,
        /// Until when.
        #[serde(skip_serializing_if = "Option::is_none")]
        expires: Option<Moment>,
    },
    /// A token was taken back.
    #[serde(rename = "token.revoked")]
    TokenRevoked {
        /// Its id.
        token: String,
        /// What it was called.
        name: String,
        /// What it allowed.
        scope: Scope,
    },
    /// A running server has noticed that tokens were made or taken back, or have to be.
    #[serde(rename = "tokens.read")]
    TokensRead {
        /// As many are valid now.
        valid: usize,
        /// What is wrong with the file.
        #[serde(skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
    },
    /// A server lets in whoever reaches it.
    #[serde(rename = "server.insecure")]
    StartedInsecure {
        /// Where.
        listen: Vec<String>,
    },
    /// Certificates have changed.
    #[serde(rename = "certificates.read")]
    CertificatesRead {
        /// Why the earlier ones are used still, if they are.
        #[serde(skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
    },
    /// Rows are kept for another time, or up to another size.
    #[serde(rename = "retention.changed")]
    RetentionChanged {
        /// As it was.
        before: String,
        /// As it is.
        after: String,
    },
}

impl Act {
    /// A token was made.
    pub fn created(record: &Record) -> Self {
        Act::TokenCreated {
            token: record.id.clone(),
            name: record.name.clone(),
            scope: record.scope,
            expires: record.expires,
        }
    }

    /// A token was taken back.
    pub fn revoked(record: &Record) -> Self {
        Act::TokenRevoked { token: record.id.clone(), name: record.name.clone(), scope: record.scope }
    }
}

/// Where a line is said besides the file, as on standard error.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// Writes acts down.
pub struct Audit {
    folder: PathBuf,
    by: String,
    say: Say,
    writing: Mutex<()>,
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("folder", &self.folder).field("by", &self.by).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    time: Moment,
    by: &'a str,
    #[serde(flatten)]
    act: &'a Act,
}

impl Audit {
    /// Into a folder, on behalf of somebody: `uid 0`, `server`.
    pub fn new(folder: impl Into<PathBuf>, by: impl Into<String>, say: Say) -> Self {
        Audit { folder: folder.into(), by: by.into(), say, writing: Mutex::new(()) }
    }

    /// Where the file is.
    pub fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// Notes an act, and says it. Where it cannot be written down that is said, too.
    pub fn note(&self, act: &Act) {
        // Texts and numbers can always be written.
        let line = Line { time: Moment::now(), by: &self.by, act };
        let mut line = serde_json::to_string(&line).unwrap_or_default();
        (self.say)(&line);
        line.push('\n');
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = append(&self.folder, line.as_bytes()) {
            (self.say)(&format!("caution: {} cannot be written: {error}", self.path().display()));
        }
    }
}

/// What is kept of the last start.
const RETENTION: &str = "retention";

impl Audit {
    /// Notes it if rows are kept otherwise than they were when this was called before.
    pub fn note_retention(&self, now: &str) {
        let before = fs::read_to_string(self.folder.join(RETENTION)).ok();
        if before.as_deref() == Some(now) {
            return;
        }
        if let Some(before) = before {
            let before = before.chars().take(1000).collect();
            self.note(&Act::RetentionChanged { before, after: now.to_owned() });
        }
        let written = fs::create_dir_all(&self.folder)
            .and_then(|()| write(&self.folder, ".retention.new", RETENTION, now.as_bytes()));
        if let Err(error) = written {
            (self.say)(&format!(
                "caution: {} cannot be written: {error}",
                self.folder.join(RETENTION).display()
            ));
        }
    }
}

fn append(folder: &Path, line: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join(NAME);
    if fs::metadata(&path).is_ok_and(|file| file.len() >= LARGE) {
        fs::rename(&path, folder.join(BEFORE))?;
    }
    let mut file: File = private().append(true).open(&path)?;
    give_to_owner(folder, &file)?;
    // In one piece, so that lines of two processes do not run into one another.
    file.write_all(line)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_act_is_a_line_in_the_file_and_where_it_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let said = Arc::new(Mutex::new(Vec::new()));
        let told = said.clone();
        let say: Say = Arc::new(move |text: &str| told.lock().expect("a lock").push(text.to_owned()));
        let audit = Audit::new(folder.path().join("new"), "uid 0", say);
        audit.note(&Act::RetentionChanged { before: "7d".into(), after: "\n\u{1b}[2J".into() });
        audit.note(&Act::TokensRead { valid: 3, problem: None });
        let text = fs::read_to_string(audit.path()).expect("a file");
        let said = said.lock().expect("a lock").clone();
        assert_eq!(text, said.join("\n") + "\n");
        assert!(!text.contains('\u{1b}'), "{text}");
        let line: serde_json::Value = serde_json::from_str(&said[1]).expect("JSON");
        assert_eq!(
            (&line["act"], &line["by"], &line["valid"]),
            (&"tokens.read".into(), &"uid 0".into(), &3.into())
        );
        let mode = fs::metadata(audit.path()).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn another_retention_is_noted_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let audit = Audit::new(folder.path(), "server", Arc::new(|_| {}));
        for now in ["7d", "7d", "3d", "3d"] {
            audit.note_retention(now);
        }
        let text = fs::read_to_string(audit.path()).expect("a file");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("\"before\":\"7d\",\"after\":\"3d\""), "{text}");
    }

    #[test]
    fn a_large_file_makes_way_for_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let audit = Audit::new(folder.path(), "server", Arc::new(|_| {}));
        fs::write(audit.path(), vec![b'x'; LARGE as usize]).expect("a file");
        audit.note(&Act::TokensRead { valid: 0, problem: None });
        assert!(fs::metadata(audit.path()).expect("a file").len() < 200);
        assert_eq!(fs::metadata(folder.path().join(BEFORE)).expect("a file").len(), LARGE);
    }
}
