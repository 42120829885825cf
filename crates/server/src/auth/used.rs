//! When each token was last used, to the minute: a file of the server's own, so that it does not write into the one by which
//! tokens are made and taken back.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file;
use super::token::Moment;

const NAME: &str = "tokens-used.jsonl";
const NEW: &str = ".tokens-used.new";
/// Bytes of a file that is read.
const MOST_BYTES: u64 = 1 << 20;

#[derive(Serialize, Deserialize)]
struct Line {
    id: String,
    used: Moment,
}

/// By id, in seconds since 1970. What cannot be read is not known.
pub fn read(folder: &Path) -> HashMap<String, i64> {
    let path = folder.join(NAME);
    if fs::metadata(&path).is_ok_and(|file| file.len() > MOST_BYTES) {
        return HashMap::new();
    }
    let text = fs::read(path).unwrap_or_default();
    let lines =
        text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok());
    lines.map(|line| (line.id, line.used.0)).collect()
}

/// Writes it anew, where it has changed.
pub(super) fn write<'a>(folder: &Path, times: impl Iterator<Item = (&'a str, i64)>) {
    let mut text = String::new();
    for (id, used) in times {
        let line = Line { id: id.to_owned(), used: Moment(used - used.rem_euclid(60)) };
        text.extend(serde_json::to_string(&line));
        text.push('\n');
    }
    let is_new = fs::read(folder.join(NAME)).unwrap_or_default() != text.as_bytes();
    if is_new {
        // Nobody depends on it.
        let _ = file::write(folder, NEW, NAME, text.as_bytes());
    }
}
