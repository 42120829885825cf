//! Words of SQL that a summary is made of.

/// What is not known.
pub(super) const OTHER: &str = "OTHER";

/// Words that a statement begins with.
pub(super) const VERBS: &[(&str, Then)] = &[
    ("SELECT", Then::Clauses),
    ("INSERT", Then::Target),
    ("REPLACE", Then::Target),
    ("UPDATE", Then::Targets),
    ("DELETE", Then::Clauses),
    ("MERGE", Then::Target),
    ("TRUNCATE", Then::Targets),
    ("VALUES", Then::Nothing),
    ("TABLE", Then::Targets),
    ("CALL", Then::Routine),
    ("DO", Then::Nothing),
    ("EXECUTE", Then::Nothing),
    ("PREPARE", Then::Nothing),
    ("DEALLOCATE", Then::Nothing),
    ("USE", Then::Database),
    ("SET", Then::Nothing),
    ("SHOW", Then::Nothing),
    ("RESET", Then::Nothing),
    ("DESCRIBE", Then::Target),
    ("DESC", Then::Target),
    ("EXPLAIN", Then::Verb),
    ("CREATE", Then::Object),
    ("ALTER", Then::Object),
    ("DROP", Then::Object),
    ("RENAME", Then::Nothing),
    ("COMMENT", Then::Nothing),
    ("GRANT", Then::Names),
    ("REVOKE", Then::Names),
    ("BEGIN", Then::Nothing),
    ("START", Then::Nothing),
    ("COMMIT", Then::Nothing),
    ("END", Then::Nothing),
    ("ABORT", Then::Nothing),
    ("ROLLBACK", Then::Nothing),
    ("SAVEPOINT", Then::Nothing),
    ("RELEASE", Then::Nothing),
    ("XA", Then::Nothing),
    ("LOCK", Then::Nothing),
    ("UNLOCK", Then::Nothing),
    ("LOAD", Then::Load),
    ("COPY", Then::Target),
    ("HANDLER", Then::Nothing),
    ("DECLARE", Then::Verb),
    ("FETCH", Then::Nothing),
    ("MOVE", Then::Nothing),
    ("CLOSE", Then::Nothing),
    ("LISTEN", Then::Nothing),
    ("UNLISTEN", Then::Nothing),
    ("NOTIFY", Then::Nothing),
    ("VACUUM", Then::Nothing),
    ("ANALYZE", Then::Nothing),
    ("OPTIMIZE", Then::Nothing),
    ("CHECK", Then::Nothing),
    ("REPAIR", Then::Nothing),
    ("CHECKSUM", Then::Nothing),
    ("CLUSTER", Then::Nothing),
    ("REINDEX", Then::Nothing),
    ("REFRESH", Then::Nothing),
    ("CHECKPOINT", Then::Nothing),
    ("DISCARD", Then::Nothing),
    ("FLUSH", Then::Nothing),
    ("PURGE", Then::Nothing),
    ("KILL", Then::Nothing),
    ("HELP", Then::Nothing),
    ("INSTALL", Then::Nothing),
    ("UNINSTALL", Then::Nothing),
    ("CHANGE", Then::Nothing),
    ("STOP", Then::Nothing),
    ("SHUTDOWN", Then::Nothing),
    ("IMPORT", Then::Nothing),
    ("SECURITY", Then::Nothing),
    ("SIGNAL", Then::Nothing),
    ("GET", Then::Nothing),
    ("REASSIGN", Then::Nothing),
    // PostgreSQL's, of replication.
    ("IDENTIFY_SYSTEM", Then::Nothing),
    ("START_REPLICATION", Then::Nothing),
    ("BASE_BACKUP", Then::Nothing),
    ("CREATE_REPLICATION_SLOT", Then::Nothing),
    ("DROP_REPLICATION_SLOT", Then::Nothing),
];

/// What CREATE, ALTER and DROP are applied to: in what form it is shown with each, and whether a table's
/// name follows.
pub(super) const OBJECTS: &[(&str, [&str; 3], Named)] = &[
    ("DEFAULT", ["CREATE DEFAULT", "ALTER DEFAULT PRIVILEGES", "DROP DEFAULT"], Named::Not),
    ("TABLE", ["CREATE TABLE", "ALTER TABLE", "DROP TABLE"], Named::Collection),
    ("VIEW", ["CREATE VIEW", "ALTER VIEW", "DROP VIEW"], Named::Collection),
    ("INDEX", ["CREATE INDEX", "ALTER INDEX", "DROP INDEX"], Named::Other),
    ("DATABASE", ["CREATE DATABASE", "ALTER DATABASE", "DROP DATABASE"], Named::Other),
    ("SCHEMA", ["CREATE SCHEMA", "ALTER SCHEMA", "DROP SCHEMA"], Named::Other),
    ("SEQUENCE", ["CREATE SEQUENCE", "ALTER SEQUENCE", "DROP SEQUENCE"], Named::Other),
    ("TYPE", ["CREATE TYPE", "ALTER TYPE", "DROP TYPE"], Named::Other),
    ("PROCEDURE", ["CREATE PROCEDURE", "ALTER PROCEDURE", "DROP PROCEDURE"], Named::Other),
    ("FUNCTION", ["CREATE FUNCTION", "ALTER FUNCTION", "DROP FUNCTION"], Named::Other),
    ("TRIGGER", ["CREATE TRIGGER", "ALTER TRIGGER", "DROP TRIGGER"], Named::Other),
    ("EVENT", ["CREATE EVENT", "ALTER EVENT", "DROP EVENT"], Named::Other),
    ("EXTENSION", ["CREATE EXTENSION", "ALTER EXTENSION", "DROP EXTENSION"], Named::Other),
    ("USER", ["CREATE USER", "ALTER USER", "DROP USER"], Named::Not),
    ("ROLE", ["CREATE ROLE", "ALTER ROLE", "DROP ROLE"], Named::Not),
    ("SERVER", ["CREATE SERVER", "ALTER SERVER", "DROP SERVER"], Named::Not),
    ("SYSTEM", ["CREATE SYSTEM", "ALTER SYSTEM", "DROP SYSTEM"], Named::Not),
    ("RULE", ["CREATE RULE", "ALTER RULE", "DROP RULE"], Named::Not),
    ("POLICY", ["CREATE POLICY", "ALTER POLICY", "DROP POLICY"], Named::Not),
    ("PUBLICATION", ["CREATE PUBLICATION", "ALTER PUBLICATION", "DROP PUBLICATION"], Named::Not),
    ("SUBSCRIPTION", ["CREATE SUBSCRIPTION", "ALTER SUBSCRIPTION", "DROP SUBSCRIPTION"], Named::Not),
    ("AGGREGATE", ["CREATE AGGREGATE", "ALTER AGGREGATE", "DROP AGGREGATE"], Named::Not),
    ("DOMAIN", ["CREATE DOMAIN", "ALTER DOMAIN", "DROP DOMAIN"], Named::Not),
    ("TABLESPACE", ["CREATE TABLESPACE", "ALTER TABLESPACE", "DROP TABLESPACE"], Named::Not),
];

/// What follows a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Names only behind FROM and its like.
    Clauses,
    /// A table.
    Target,
    /// Tables with commas between them.
    Targets,
    /// A routine, which is no table.
    Routine,
    /// A database.
    Database,
    /// Another verb.
    Verb,
    /// A kind of object and its name.
    Object,
    /// `DATA … INTO TABLE`.
    Load,
    /// Words that mean something else elsewhere.
    Names,
    /// Nothing that is shown.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Collection,
    Other,
    Not,
}

/// Words that may stand before a table's name.
pub(super) const BEFORE_NAMES: &[&str] = &[
    "INTO",
    "FROM",
    "TABLE",
    "ONLY",
    "LATERAL",
    "IGNORE",
    "LOW_PRIORITY",
    "HIGH_PRIORITY",
    "DELAYED",
    "QUICK",
    "IF",
    "NOT",
    "EXISTS",
    "CONCURRENTLY",
    "OVERWRITE",
];

/// Words that end a list of tables.
pub(super) const AFTER_NAMES: &[&str] = &[
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "SET",
    "VALUES",
    "VALUE",
    "SELECT",
    "WINDOW",
    "RETURNING",
    "FOR",
    "FETCH",
    "WITH",
    "ON",
    "USING",
    "PROCEDURE",
    "INTO",
    "DEFAULT",
];

/// Verbs that may begin a statement in brackets.
pub(super) const DATA_VERBS: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"];

/// Operations whose object has a body with statements of its own.
pub(super) const ROUTINES: &[&str] = &[
    "CREATE PROCEDURE",
    "CREATE FUNCTION",
    "CREATE TRIGGER",
    "CREATE EVENT",
    "ALTER PROCEDURE",
    "ALTER FUNCTION",
    "ALTER EVENT",
];
