//! How statements of a connection are to be read, as far as that is known.

use super::packet::status;
use crate::sql::{Changes, Charset, Dialect};

/// What is known of the settings that decide where a literal ends.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reading {
    /// Backslashes are no escapes: the server's answers tell.
    no_backslash: Option<bool>,
    /// The character set is one in which a backslash is always a character by itself.
    plain: bool,
}

impl Reading {
    /// A session begins, in a character set that may be a `wide` one.
    pub(super) fn begin(&mut self, wide: bool) {
        *self = Reading { no_backslash: None, plain: !wide };
    }

    /// The status flags of an answer, behind which no other is due.
    pub(super) fn learn(&mut self, flags: u16) {
        self.no_backslash = Some(flags & status::NO_BACKSLASH_ESCAPES != 0);
    }

    /// A statement is on its way: what is asked before it is answered may be read either way.
    pub(super) fn may_change(&mut self, changes: Changes) {
        if changes.escapes {
            self.no_backslash = None;
        }
        if changes.charset != Charset::Same {
            self.plain = false;
        }
    }

    /// It did what it was to do.
    pub(super) fn changed(&mut self, changes: Changes) {
        if changes.charset == Charset::Plain {
            self.plain = true;
        }
    }

    pub(super) fn dialect(self) -> Dialect {
        match (self.no_backslash, self.plain) {
            (None, _) => Dialect::MySqlUnknown,
            (Some(true), _) => Dialect::MySqlNoBackslash,
            (Some(false), true) => Dialect::MySql,
            (Some(false), false) => Dialect::MySqlWide,
        }
    }
}
