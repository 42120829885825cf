//! One key: all that is known of it stands in one place, and names are made from its path.

use crate::kind::{Kind, Value};

/// A thing that a user may set.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Where it stands in the file: `capture.ring` is `ring` in the map `capture`.
    pub path: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What holds where nobody sets it.
    pub default: Default,
    /// What it is for: sentences, the first of which can stand alone.
    pub help: &'static str,
    /// A value as it may stand in a file behind the key's colon; one of several lines begins with a line break.
    pub example: &'static str,
    /// What a new value needs.
    pub change: Change,
    /// How options set it.
    pub flag: Flag,
    /// Its value is never printed.
    pub secret: bool,
}

/// What holds where nobody sets a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// This, as it would stand in a file.
    Is(&'static str),
    /// Weir decides, in the way that is described here; a user can write `auto`.
    Auto(&'static str),
}

/// What a running agent needs to go by a new value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It reads its settings again.
    Reload,
    /// It has to be started anew.
    Restart,
}

/// Which option sets a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// Named after the path's last word: `capture.ring` is `--ring`.
    Word,
    /// Named after the whole path: `capture.ring` would be `--capture-ring`.
    Path,
    /// None: it takes more than a word.
    None,
}

impl Key {
    /// The section: the path up to its last word. Empty for a key that stands in none.
    pub fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// The path's last word.
    pub fn word(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, word)| word)
    }

    /// The option without its dashes: `ring`.
    pub fn option(&self) -> Option<String> {
        match self.flag {
            Flag::Word => Some(self.word().replace('_', "-")),
            Flag::Path => Some(self.path.replace(['.', '_'], "-")),
            Flag::None => None,
        }
    }

    /// The variable: `WEIR_CAPTURE_RING`.
    pub fn variable(&self) -> String {
        format!("WEIR_{}", self.path.replace('.', "_").to_ascii_uppercase())
    }

    /// True where `auto` is a value.
    pub fn may_be_auto(&self) -> bool {
        matches!(self.default, Default::Auto(_))
    }

    /// The default as a value.
    pub fn default_value(&self) -> Value {
        match self.default {
            // A test sees to it that every default can be read.
            Default::Is(text) => self.kind.text(text, false).unwrap_or(Value::Auto),
            Default::Auto(_) => Value::Auto,
        }
    }

    /// Reads what an option or a variable gives.
    ///
    /// # Errors
    ///
    /// When it is nothing that the key may hold; the text says why.
    pub fn read(&self, text: &str) -> Result<Value, String> {
        self.kind.text(text, self.may_be_auto()).map_err(|problems| problems.to_string())
    }
}
