//! Statements in, descriptions out.

use super::Dialect::{self, MySql, MySqlNoBackslash, PostgreSql, PostgreSqlBackslash};
use super::{Statement, Statements, describe};
use crate::Settings;

mod readings;
mod summaries;

const HIDDEN: Settings = Settings { keep_values: false, lean: false, ids: false };

fn described(dialect: Dialect, sql: &str) -> Statement {
    describe(sql.as_bytes(), true, dialect, HIDDEN)
}

/// Each statement's text.
#[track_caller]
fn texts(dialect: Dialect, cases: &[(&str, &str)]) {
    let seen: Vec<_> = cases.iter().map(|(sql, _)| (*sql, described(dialect, sql).query)).collect();
    let wrong: Vec<_> =
        seen.iter().zip(cases).filter(|((_, seen), (_, expected))| seen != expected).collect();
    assert!(wrong.is_empty(), "{dialect:?} {wrong:#?}");
}

#[test]
fn literals() {
    for dialect in [MySql, PostgreSql] {
        texts(
            dialect,
            &[
                ("SELECT 1", "SELECT ?"),
                ("select 'a', 'it''s', ''", "select ?, ?, ?"),
                ("SELECT -1.5e-3, .5, 0x1F, 1e5", "SELECT -?, ?, ?, ?"),
                ("SELECT * FROM t WHERE a=5 AND b>=-3", "SELECT * FROM t WHERE a=? AND b>=-?"),
                ("SELECT x'1f', B'01', N'a', E'a'", "SELECT ?, ?, ?, ?"),
                ("SELECT 'a' 'b'\n 'c'", "SELECT ?"),
                ("SELECT TRUE, a IS NOT TRUE, t.false", "SELECT ?, a IS NOT TRUE, t.false"),
                ("SELECT DATE '2026-11-21' + INTERVAL '1' DAY", "SELECT DATE ? + INTERVAL ? DAY"),
                ("SELECT a1, t2.c3 FROM t2", "SELECT a1, t2.c3 FROM t2"),
                ("SELECT 9f8e7d", "SELECT ?"),
                ("SELECT 'größe', größe FROM maß", "SELECT ?, größe FROM maß"),
                ("UPDATE t SET a = 'x' WHERE b = NULL;", "UPDATE t SET a = ? WHERE b = NULL"),
                ("", ""),
                (" ;; ", ""),
            ],
        );
    }
}

#[test]
fn strings_of_each_dialect() {
    texts(
        MySql,
        &[
            (r"SELECT 'it\'s', 'b'", "SELECT ?, ?"),
            (r#"SELECT "it""s", a"#, "SELECT ?, a"),
            (
                "SELECT _utf8mb4'a', _latin1 'b', `col'umn`, `a``b` FROM `t`",
                "SELECT ?, _latin1 ?, `col'umn`, `a``b` FROM `t`",
            ),
            ("SELECT 5--3 -- comment\n, a # another\n", "SELECT ?--? , a"),
            ("SELECT $1, a$b", "SELECT $1, a$b"),
        ],
    );
    texts(MySqlNoBackslash, &[(r"SELECT 'a\', 'secret'", "SELECT ?, ?")]);
    texts(PostgreSqlBackslash, &[(r"SELECT 'it\'s', 'b'", "SELECT ?, ?")]);
    texts(
        PostgreSql,
        &[
            (r"SELECT 'a\', 'secret'", "SELECT ?, ?"),
            (r"SELECT E'it\'s', e'b'", "SELECT ?, ?"),
            ("SELECT $$it's$$, $tag$ $$ $tag$, a$b$c FROM t", "SELECT ?, ?, a$b$c FROM t"),
            ("SELECT U&'d\\0061t', U&\"n\" FROM \"Or'ders\"", "SELECT ?, U&\"n\" FROM \"Or'ders\""),
            ("SELECT 5--3 'secret'\n, a # b", "SELECT ? , a # b"),
            (
                "SELECT a::int, '{1}'::int[] FROM t WHERE b = $1",
                "SELECT a::int, ?::int[] FROM t WHERE b = $1",
            ),
            ("SELECT /* a /* nested */ 'secret' */ b", "SELECT b"),
        ],
    );
}

#[test]
fn comments() {
    texts(
        MySql,
        &[
            ("/* secret */ SELECT /*+ hint */ a/**/FROM t -- secret", "SELECT a FROM t"),
            ("SELECT a /* never closed 'secret'", "SELECT a"),
            ("/*!40101 SET NAMES 'utf8' */", "SET NAMES ?"),
            ("SELECT /*! a, */ 'b' */ 2", "SELECT a, ? */ ?"),
            ("/*!50003 SELECT 'secret' */ + 1", "SELECT ? + ?"),
        ],
    );
}

#[test]
fn lists() {
    for dialect in [MySql, PostgreSql] {
        texts(
            dialect,
            &[
                ("SELECT * FROM t WHERE a IN (1,2, 3)", "SELECT * FROM t WHERE a IN (?)"),
                ("a NOT IN ('a', NULL, -3) AND b", "a NOT IN (?) AND b"),
                ("a IN (?, ?, ?)", "a IN (?)"),
                ("a IN ((1,2), (3,4))", "a IN ((?,?))"),
                ("a IN (f(1), 2, 3)", "a IN (f(?), ?)"),
                ("a IN (SELECT 1, 2 FROM t)", "a IN (SELECT ?, ? FROM t)"),
                ("f(1, 2, 3)", "f(?, ?, ?)"),
                (
                    "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'),(3, NULL)",
                    "INSERT INTO t (a, b) VALUES (?, ?)",
                ),
                (
                    "INSERT INTO t VALUES (1, NOW()), (2, NOW()), (3, x)",
                    "INSERT INTO t VALUES (?, NOW()), (?, x)",
                ),
                (
                    "INSERT INTO t VALUES (1, 2), (3, 4) ON DUPLICATE KEY UPDATE a = VALUES(a), b = 7",
                    "INSERT INTO t VALUES (?, ?) ON DUPLICATE KEY UPDATE a = VALUES(a), b = ?",
                ),
                ("INSERT INTO t VALUES (-1, 2), (3, -4); SELECT 1", "INSERT INTO t VALUES (?, ?); SELECT ?"),
            ],
        );
    }
    texts(
        PostgreSql,
        &[
            ("a IN ($1, $2)", "a IN (?)"),
            ("a = ANY(ARRAY[1,2,3])", "a = ANY(ARRAY[?])"),
            ("INSERT INTO t VALUES ($1, $2) RETURNING id", "INSERT INTO t VALUES (?, ?) RETURNING id"),
        ],
    );
}

#[test]
fn settings_and_passwords() {
    for dialect in [MySql, PostgreSql] {
        texts(
            dialect,
            &[
                (
                    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                ),
                ("SET a = secret; SELECT b", "SET a = ?; SELECT b"),
                ("SET PASSWORD FOR 'bob'@'%' = PASSWORD('secret')", "SET PASSWORD FOR ?@? = ?"),
                ("CREATE USER bob IDENTIFIED BY 'secret'", "CREATE USER bob IDENTIFIED BY ?"),
                (
                    "ALTER USER bob PASSWORD 'secret' VALID UNTIL '2027'",
                    "ALTER USER bob PASSWORD ? VALID UNTIL ?",
                ),
                (
                    "ALTER USER bob IDENTIFIED WITH p AS 'secret' REPLACE 'secret'",
                    "ALTER USER bob IDENTIFIED WITH p AS ? REPLACE ?",
                ),
                ("PREPARE p FROM 'SELECT secret'", "PREPARE p FROM ?"),
                ("ALTER TABLE t ALTER c SET DEFAULT 5", "ALTER TABLE t ALTER c SET DEFAULT ?"),
                (
                    "ALTER TABLE t SET (fillfactor = 70), RENAME TO u",
                    "ALTER TABLE t SET (fillfactor = ?), RENAME TO u",
                ),
                ("UPDATE t SET a = b, c = d WHERE e = 'secret'", "UPDATE t SET a = b, c = d WHERE e = ?"),
            ],
        );
    }
    texts(MySql, &[("SET a = secret, b = (SELECT secret, c FROM t), d := 5", "SET a = ?, b = ?, d := ?")]);
    texts(
        PostgreSql,
        &[
            ("SET search_path TO secret, secret; SELECT b", "SET search_path TO ?; SELECT b"),
            ("SET my.key = secret, secret", "SET my.key = ?"),
            ("SET LOCAL my.key TO f(secret, a), secret", "SET LOCAL my.key TO ?"),
            ("ALTER ROLE bob SET my.key TO secret, secret", "ALTER ROLE bob SET my.key TO ?"),
            (
                "ALTER ROLE bob IN DATABASE shop SET my.key = secret",
                "ALTER ROLE bob IN DATABASE shop SET my.key = ?",
            ),
            (
                "ALTER DATABASE shop SET my.key = secret; SELECT a",
                "ALTER DATABASE shop SET my.key = ?; SELECT a",
            ),
            ("ALTER SYSTEM SET my.key = secret", "ALTER SYSTEM SET my.key = ?"),
            (
                "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET my.key = secret AS 'secret'",
                "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET my.key = ?",
            ),
        ],
    );
}

/// Wherever a statement is cut, nothing of its literals is shown.
#[test]
fn cut_anywhere() {
    let mysql =
        r#"INSERT INTO t VALUES ('secret''secret', "sec""ret", 5), (x'5ec4e7', 'sec\'ret', 5.5e5) -- secret"#;
    let postgresql = r"INSERT INTO t VALUES ('secret''secret', 5), (x'5ec4e7', $$secret$$, E'sec\'ret', $a$sec$$ret$a$) -- secret";
    for (dialect, sql) in [(MySql, mysql), (PostgreSql, postgresql), (PostgreSqlBackslash, postgresql)] {
        for end in 0..sql.len() {
            let seen = describe(&sql.as_bytes()[..end], false, dialect, HIDDEN);
            let shown = format!("{} {}", seen.query, seen.summary);
            assert!(
                !["sec", "ret", "5"].iter().any(|part| shown.contains(part)),
                "{dialect:?} {end}: {shown}"
            );
            assert!(seen.query.ends_with(" ..."), "{end}: {shown}");
        }
    }
    let cut = describe(b"SELECT a FROM orders WHERE b = 'sec", false, MySql, HIDDEN);
    assert_eq!(
        (cut.query.as_str(), cut.summary.as_str()),
        ("SELECT a FROM orders WHERE b = ? ...", "SELECT orders")
    );
    let cut = describe(b"SELECT a FROM orders JOIN cust", false, MySql, HIDDEN);
    assert_eq!(
        (cut.query.as_str(), cut.summary.as_str()),
        ("SELECT a FROM orders JOIN cust ...", "SELECT orders")
    );
}

#[test]
fn bounded() {
    let long = format!("SELECT {} FROM t", "a, ".repeat(20_000));
    let seen = described(MySql, &long);
    assert!(seen.query.len() < 4200 && seen.query.ends_with(" ..."), "{}", seen.query.len());
    let many = (0..200).map(|n| format!("table_{n}")).collect::<Vec<_>>().join(", ");
    let seen = described(MySql, &format!("SELECT * FROM {many}"));
    assert!(
        seen.summary.len() <= 255 && seen.summary.ends_with(|c: char| c.is_ascii_digit()),
        "{}",
        seen.summary
    );
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(described(MySql, &deep).query.len() < 4200);
    let rows = format!("INSERT INTO t VALUES {}(1, 'x')", "(1, 'x'), ".repeat(1000));
    assert_eq!(described(MySql, &rows).query, "INSERT INTO t VALUES (?, ?)");
}

#[test]
fn kept_values() {
    let seen = describe(
        b" SELECT 'a'\n, \xff",
        true,
        MySql,
        Settings { keep_values: true, lean: false, ids: false },
    );
    assert_eq!((seen.query.as_str(), seen.summary.as_str()), ("SELECT 'a'%0A, %FF", "SELECT"));
}

#[test]
fn remembered_within_bounds() {
    let mut known = Statements::default();
    let first = known.describe(b"SELECT * FROM t WHERE a = 1", true, MySql, HIDDEN);
    let again = known.describe(b"SELECT * FROM t WHERE a = 1", true, MySql, HIDDEN);
    assert!(std::sync::Arc::ptr_eq(&first, &again));
    let cut = known.describe(b"SELECT * FROM t WHERE a = 1", false, MySql, HIDDEN);
    assert!(cut.query.ends_with(" ..."));
    for n in 0..10_000 {
        known.describe(format!("SELECT {n}").as_bytes(), true, MySql, HIDDEN);
        if n % 100 == 0 {
            // What is in use stays.
            let used = known.describe(b"SELECT * FROM t WHERE a = 1", true, MySql, HIDDEN);
            assert!(std::sync::Arc::ptr_eq(&first, &used));
        }
    }
    assert!(known.len() <= 2048, "{}", known.len());
}

/// However many connections prepare however long statements, what is kept of them is bounded in bytes.
#[test]
fn prepared_within_bounds() {
    let mut known = Statements::default();
    let keep = |known: &mut Statements, query: &str| {
        known.keep(&std::sync::Arc::new(Statement { query: query.into(), ..Statement::default() }))
    };
    let used = keep(&mut known, "SELECT a FROM used");
    // The same on another connection costs nothing.
    let bytes = known.kept_bytes();
    assert_eq!((keep(&mut known, "SELECT a FROM used"), known.kept_bytes()), (used, bytes));
    let first = keep(&mut known, "SELECT a FROM first");
    let long = "a, ".repeat(1200);
    for n in 0..10_000 {
        let key = keep(&mut known, &format!("SELECT {long} a FROM t{n}"));
        assert!(known.recall(key).is_some_and(|statement| statement.query.ends_with(&n.to_string())));
        assert!(known.recall(used).is_some_and(|statement| statement.query == "SELECT a FROM used"));
        if n % 500 == 0 {
            assert!(known.kept_bytes() <= 17 * 1024 * 1024, "{n}: {}", known.kept_bytes());
        }
    }
    assert!(known.recall(first).is_none(), "not used for long");
}
