//! From a file's text to values.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use crate::key::Key;
use crate::kind::{Value, repeated, shown, unknown_key};
use crate::nearest::nearest;
use crate::problem::{Place, Problem, Problems};
use crate::yaml::{self, Content, Entry};

/// Longest file: the longest list that is allowed fits.
const FILE_BYTES: u64 = 1 << 20;

/// Where what this process has open can be opened.
const OPEN: [&str; 3] = ["/dev/fd", "/dev/stdin", "/proc/self/fd"];

/// A value that a file sets: the key's place in the table, the value, and where it stands.
pub(crate) type Found = (usize, Value, Place);

/// Why a file's text cannot be had.
pub(crate) struct Unreadable {
    pub(crate) problem: Problem,
    /// There is no such file.
    pub(crate) missing: bool,
}

/// The text of a file.
pub(crate) fn text(path: &Path) -> Result<String, Unreadable> {
    let name = path.display().to_string();
    let refused = |message: String| Unreadable { problem: Problem::of(&name, message), missing: false };
    let unreadable = |error: std::io::Error| {
        match error.kind() {
        ErrorKind::NotFound => Unreadable { missing: true, ..refused("there is no such file".into()) },
        ErrorKind::PermissionDenied => refused(
            "this user may not read it: start Weir as root, change the file's mode, or name another file with --config"
                .into(),
        ),
        ErrorKind::IsADirectory => refused("it is a folder: name the file in it".into()),
        _ => refused(format!("cannot be read: {error}")),
    }
    };
    // Who opens a named pipe waits until somebody else does; those of a shell (`<(...)`) are open.
    let is_open = OPEN.iter().any(|folder| path.starts_with(folder));
    if !is_open && fs::metadata(path).map_err(unreadable)?.file_type().is_fifo() {
        return Err(refused("it is a named pipe, which may never say anything: name a file".into()));
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(refused("more than 1 MiB: that is no file of settings".into()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = end_of(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let problem = Problem::of(&name, "no UTF-8 from here on: save the file as UTF-8");
        Unreadable { problem: Problem { place: Some(place), ..problem }, missing: false }
    })
}

/// The place behind a text.
fn end_of(text: &[u8]) -> Place {
    let line = text.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(&text[start..]).chars().count() + 1;
    let whole = |number| u32::try_from(number).unwrap_or(u32::MAX);
    Place { line: whole(line), column: whole(column) }
}

/// What a text sets, with all that is wrong with it.
pub(crate) fn settings(keys: &'static [Key], text: &str) -> (Vec<Found>, Problems) {
    let (root, problems) = yaml::parse(text);
    let mut reading = Reading { keys, found: Vec::new(), problems };
    match root.map(|root| (root.place, root.content)) {
        None | Some((_, Content::Nothing | Content::Refused)) => {}
        Some((_, Content::Map(entries))) => reading.section("", &entries),
        Some((place, Content::List(_) | Content::Scalar(_))) => {
            let first = keys.first().map_or("", |key| key.section());
            let message = format!("no settings: these are `key: value`, in sections such as `{first}:`");
            reading.problems.push(Problem::at(place, message));
        }
    }
    (reading.found, reading.problems)
}

struct Reading {
    keys: &'static [Key],
    found: Vec<Found>,
    problems: Problems,
}

impl Reading {
    /// The entries of a section; `""` is the whole file.
    fn section(&mut self, section: &str, entries: &[Entry]) {
        self.problems.append(repeated(entries));
        for entry in entries {
            let path =
                if section.is_empty() { entry.key.clone() } else { format!("{section}.{}", entry.key) };
            // A dot in a key is no way into a section: there is one way to write each.
            let plain = !entry.key.contains('.');
            if let Some((index, key)) =
                self.keys.iter().enumerate().find(|(_, key)| plain && key.path == path)
            {
                match key.kind.node(&entry.value, key.may_be_auto()) {
                    Ok(value) => self.found.push((index, value, entry.place)),
                    Err(problems) => self.wrong(key.path, problems),
                }
            } else if self.keys.iter().any(|key| key.section() == path) {
                match &entry.value.content {
                    Content::Map(inner) => self.section(&path, inner),
                    // A section all of whose keys are commented out.
                    Content::Nothing | Content::Refused => {}
                    Content::List(_) | Content::Scalar(_) => {
                        let message = format!("`{path}` is a section: its keys stand below it, indented");
                        self.problems.push(Problem::at(entry.value.place, message));
                    }
                }
            } else {
                let full = self.problems.is_full();
                let message = if full { String::new() } else { self.unknown(section, &entry.key) };
                self.problems.push(Problem::at(entry.place, message));
            }
        }
    }

    fn wrong(&mut self, path: &str, problems: Problems) {
        for problem in problems.iter() {
            self.problems
                .push(Problem { message: format!("{path}: {}", problem.message), ..problem.clone() });
        }
    }

    /// What is said of a key that is not known in this section.
    fn unknown(&self, section: &str, key: &str) -> String {
        // The keys and the sections that could stand here.
        let mut known: Vec<&str> = Vec::new();
        for path in self.keys.iter().flat_map(|key| [key.path, key.section()]) {
            let below = if section.is_empty() {
                Some(path)
            } else {
                path.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'))
            };
            match below {
                Some(word) if !word.is_empty() && !word.contains('.') && !known.contains(&word) => {
                    known.push(word)
                }
                _ => {}
            }
        }
        // The right word in the wrong place says more than a like one in this place.
        let words = || self.keys.iter().map(Key::word);
        let meant = words().find(|word| *word == key).or_else(|| {
            let here = nearest(key, known.iter().copied()).is_some();
            if here { None } else { nearest(key, words()) }
        });
        let elsewhere = self.keys.iter().find(|own| own.path == key || meant == Some(own.word()));
        let elsewhere = elsewhere.map_or_else(String::new, |key| match key.section() {
            "" => format!("did you mean `{}`, which stands in no section?", key.word()),
            section => format!("did you mean `{}`, in the section `{section}:`?", key.word()),
        });
        let shown = if section.is_empty() { shown(key) } else { format!("{section}.{}", shown(key)) };
        unknown_key(&shown, key, &elsewhere, known.into_iter())
    }
}
