//! SQL as it may be shown: a statement's text without its literals, and what it is about in a few words.
//!
//! One reader for the dialects of MySQL and PostgreSQL. It does not parse: it cuts the text into tokens, which
//! can be done with any bytes, cut anywhere, and needs to know little of the grammar. Meanings are those of
//! OpenTelemetry's conventions for databases
//! (<https://opentelemetry.io/docs/specs/semconv/db/database-spans/>).
//!
//! * `token`: where literals, names and comments begin and end.
//! * `changes`: settings that decide about that, and that statements may change.
//! * `text`: the statement with its literals replaced.
//! * `summary`: operations and the tables they are applied to; `words`: what tells them.
//! * [`Statements`]: what is known of statements that came before, or were prepared.
//!
//! # Rules
//!
//! | what | becomes |
//! |---|---|
//! | strings, numbers, TRUE and FALSE; in lists of values NULL too | `?` |
//! | `IN (1, 2, 3)`, `ARRAY[1, 2]`, `VALUES (1, 2), (3, 4)` | `IN (?)`, `ARRAY[?]`, `VALUES (?, ?)` |
//! | what SET assigns | `?`, expressions too |
//! | comments | nothing; the contents of `/*! */` are kept, as MySQL executes them |
//! | `/*!80000 */`, `/*M! */`: what some servers execute and others do not | `?` |
//! | a literal or an identifier in quotes that is cut, or never closed | `?`, and all behind it is gone |
//! | a literal that ends elsewhere by another reading that is possible ([`Dialect`]) | `?`, and all behind it is gone |
//! | a number that does not end as numbers do, such as `9f8e` | `?` |
//! | `"text"` in MySQL, which is a name only with ANSI_QUOTES | `?` |

mod cache;
mod changes;
mod summary;
mod text;
mod token;
mod words;

#[cfg(test)]
mod tests;

use model::Text;

pub use cache::{Key, Statements};
pub(crate) use changes::{Changes, Charset};

use crate::Settings;

/// Whose SQL it is, and how it is to be read. Where that is not sure, what is a literal by any reading is shown as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// MySQL and MariaDB.
    MySql,
    /// The same in a character set that may have a backslash as half of a character.
    MySqlWide,
    /// MySQL in the mode NO_BACKSLASH_ESCAPES, which the server's status flags tell; in any character set.
    MySqlNoBackslash,
    /// MySQL in any mode and character set.
    MySqlUnknown,
    /// PostgreSQL.
    PostgreSql,
    /// The same where `standard_conforming_strings` is off, which the server tells.
    PostgreSqlBackslash,
    /// The same where that is not known.
    PostgreSqlUnknown,
}

impl Dialect {
    fn is_mysql(self) -> bool {
        !matches!(self, Dialect::PostgreSql | Dialect::PostgreSqlBackslash | Dialect::PostgreSqlUnknown)
    }

    /// The same where nothing is known of settings.
    fn unsettled(self) -> Self {
        if self.is_mysql() { Dialect::MySqlUnknown } else { Dialect::PostgreSqlUnknown }
    }
}

/// What may be shown of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Statement {
    /// `db.query.text`: the text, literals replaced by `?` unless the user wants them. One that was cut, or is
    /// longer than a few KiB, ends with ` ...`.
    pub query: Text,
    /// `db.query.summary`: operations, each followed by the tables it is applied to, at most 255 bytes:
    /// `INSERT shop.items SELECT cart`. `OTHER` where nothing is known.
    pub summary: Text,
    /// `db.operation.name`: the first operation of the summary; `BATCH`, or `BATCH INSERT`, for several
    /// statements.
    pub operation: Text,
    /// `db.collection.name`: the table, where the statement is about one only.
    pub collection: Option<Text>,
    /// The database that `USE` selects.
    pub selects: Option<Text>,
    /// The database that `DROP DATABASE` drops.
    pub drops: Option<Text>,
    /// What it may change of how others are to be read.
    pub(crate) changes: Changes,
}

/// Bytes of a statement that are read.
const MOST_READ: usize = 16 * 1024;

/// Describes a statement; `whole` is false where the end of `bytes` is not the end of the statement.
///
/// Costs a pass over the text and some allocations: [`Statements::describe`] remembers.
pub fn describe(bytes: &[u8], whole: bool, dialect: Dialect, settings: Settings) -> Statement {
    let whole = whole && bytes.len() <= MOST_READ;
    let bytes = &bytes[..bytes.len().min(MOST_READ)];
    let (changes, itself) = changes::of(bytes, dialect);
    let dialect = if itself { dialect.unsettled() } else { dialect };
    let query =
        if settings.keep_values { text::kept(bytes, whole) } else { text::sanitized(bytes, whole, dialect) };
    let summary = summary::of(bytes, whole, dialect);
    Statement {
        query,
        operation: summary.operation(),
        collection: summary.collection(),
        selects: summary.selects(),
        drops: summary.drops(),
        summary: summary.text(),
        changes,
    }
}
