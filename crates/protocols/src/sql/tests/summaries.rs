//! What statements are about.

use super::*;

/// Each statement's summary, operation, and table (`-` for none).
#[track_caller]
fn summaries(cases: &[(&str, &str, &str, &str)]) {
    let mut wrong = Vec::new();
    for dialect in [MySql, PostgreSql] {
        for case in cases {
            let seen = described(dialect, case.0);
            let table = seen.collection.as_deref().unwrap_or("-");
            if (seen.summary.as_str(), seen.operation.as_str(), table) != (case.1, case.2, case.3) {
                wrong.push((dialect, case, seen));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn reading() {
    summaries(&[
        ("SELECT * FROM orders", "SELECT orders", "SELECT", "orders"),
        ("select 1", "SELECT", "SELECT", "-"),
        ("SELECT 1 FROM DUAL", "SELECT", "SELECT", "-"),
        (
            "SELECT * FROM orders, users u, shop.items AS i WHERE a IN (1)",
            "SELECT orders users shop.items",
            "SELECT",
            "-",
        ),
        ("SELECT * FROM a JOIN b ON a.x = b.x LEFT JOIN c USING (y), d", "SELECT a b c d", "SELECT", "-"),
        ("SELECT * FROM (SELECT * FROM a) x, b", "SELECT SELECT a b", "SELECT", "-"),
        ("SELECT (SELECT max(x) FROM b), c FROM a", "SELECT SELECT b a", "SELECT", "-"),
        ("SELECT * FROM a WHERE x IN (SELECT x FROM b) ORDER BY c, d", "SELECT a SELECT b", "SELECT", "-"),
        ("SELECT a FROM t UNION ALL SELECT b FROM u LIMIT 5, 10", "SELECT t SELECT u", "SELECT", "-"),
        ("(SELECT a FROM t) UNION (SELECT a FROM t)", "SELECT t SELECT t", "SELECT", "t"),
        (
            "SELECT EXTRACT(YEAR FROM d), TRIM(BOTH FROM s), a IS DISTINCT FROM b FROM t",
            "SELECT t",
            "SELECT",
            "t",
        ),
        ("SELECT * FROM f(1, 2) AS x, t", "SELECT t", "SELECT", "t"),
        ("SELECT a FROM t FOR UPDATE", "SELECT t", "SELECT", "t"),
        (
            "WITH x AS (SELECT * FROM a), y(c) AS (SELECT 1) SELECT * FROM x JOIN y JOIN b",
            "SELECT a SELECT SELECT b",
            "SELECT",
            "-",
        ),
        (
            "WITH RECURSIVE x AS (SELECT 1 UNION SELECT n FROM x) SELECT * FROM x",
            "SELECT SELECT SELECT",
            "SELECT",
            "-",
        ),
        (
            "WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x",
            "DELETE a INSERT b SELECT",
            "DELETE",
            "-",
        ),
        ("EXPLAIN ANALYZE SELECT * FROM t", "EXPLAIN SELECT t", "EXPLAIN", "t"),
        ("VALUES (1, 2)", "VALUES", "VALUES", "-"),
        ("SHOW TABLES", "SHOW", "SHOW", "-"),
    ]);
}

#[test]
fn writing() {
    summaries(&[
        ("INSERT INTO shop.items SELECT * FROM cart", "INSERT shop.items SELECT cart", "INSERT", "-"),
        ("INSERT INTO t (a, b) VALUES (1, 2)", "INSERT t", "INSERT", "t"),
        ("INSERT IGNORE t SET a = 1", "INSERT t", "INSERT", "t"),
        ("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = b, c = d", "INSERT t", "INSERT", "t"),
        ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1", "INSERT t", "INSERT", "t"),
        ("REPLACE INTO t VALUES (REPLACE(a, b))", "REPLACE t", "REPLACE", "t"),
        ("UPDATE t SET a = (SELECT x FROM u) WHERE b = 1", "UPDATE t SELECT u", "UPDATE", "-"),
        ("UPDATE a, b SET a.x = b.x", "UPDATE a b", "UPDATE", "-"),
        ("UPDATE ONLY t SET x = 1", "UPDATE t", "UPDATE", "t"),
        ("DELETE FROM t WHERE a = 1", "DELETE t", "DELETE", "t"),
        ("DELETE a, b FROM a JOIN b", "DELETE a b", "DELETE", "-"),
        ("DELETE FROM t USING u WHERE t.a = u.a", "DELETE t u", "DELETE", "-"),
        ("MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET b = 1", "MERGE t u", "MERGE", "-"),
        ("TRUNCATE TABLE t", "TRUNCATE t", "TRUNCATE", "t"),
        ("CALL shop.refresh(1, 'x')", "CALL shop.refresh", "CALL", "-"),
        ("LOAD DATA LOCAL INFILE 'x' IGNORE INTO TABLE t FIELDS TERMINATED BY ','", "LOAD t", "LOAD", "t"),
        ("COPY t (a, b) FROM STDIN", "COPY t", "COPY", "t"),
        ("COPY (SELECT * FROM t) TO STDOUT", "COPY SELECT t", "COPY", "t"),
    ]);
}

#[test]
fn defining() {
    summaries(&[
        (
            "CREATE TABLE IF NOT EXISTS shop.t (a int DEFAULT 5)",
            "CREATE TABLE shop.t",
            "CREATE TABLE",
            "shop.t",
        ),
        ("CREATE TEMPORARY TABLE t AS SELECT * FROM u", "CREATE TABLE t SELECT u", "CREATE TABLE", "-"),
        ("CREATE TABLE t SELECT * FROM u", "CREATE TABLE t SELECT u", "CREATE TABLE", "-"),
        ("CREATE TABLE IF NOT EXISTS t LIKE shop.u", "CREATE TABLE t shop.u", "CREATE TABLE", "-"),
        ("CREATE TABLE t (LIKE u INCLUDING ALL, LIKE v)", "CREATE TABLE t u v", "CREATE TABLE", "-"),
        ("CREATE TABLE t (a text CHECK (a LIKE b), c int)", "CREATE TABLE t", "CREATE TABLE", "t"),
        ("CREATE TABLE t AS SELECT a FROM u WHERE a LIKE b", "CREATE TABLE t SELECT u", "CREATE TABLE", "-"),
        ("CREATE OR REPLACE VIEW v AS SELECT * FROM u", "CREATE VIEW v SELECT u", "CREATE VIEW", "-"),
        ("CREATE UNIQUE INDEX i ON t (a)", "CREATE INDEX i", "CREATE INDEX", "-"),
        ("ALTER TABLE t ADD COLUMN a int", "ALTER TABLE t", "ALTER TABLE", "t"),
        ("DROP TABLE IF EXISTS t", "DROP TABLE t", "DROP TABLE", "t"),
        ("CREATE DATABASE shop", "CREATE DATABASE shop", "CREATE DATABASE", "-"),
        ("CREATE USER bob IDENTIFIED BY 'x'", "CREATE USER", "CREATE USER", "-"),
        (
            "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT * FROM t; END",
            "CREATE PROCEDURE p",
            "CREATE PROCEDURE",
            "-",
        ),
        ("CREATE", "CREATE", "CREATE", "-"),
        ("SET a = 1", "SET", "SET", "-"),
        ("GRANT SELECT ON t TO bob", "GRANT", "GRANT", "-"),
        ("START TRANSACTION", "START", "START", "-"),
        ("COMMIT", "COMMIT", "COMMIT", "-"),
    ]);
}

#[test]
fn several_and_none() {
    summaries(&[
        ("SELECT a FROM t; UPDATE u SET a = 1;", "SELECT t; UPDATE u", "BATCH", "-"),
        ("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)", "BATCH INSERT t", "BATCH INSERT", "t"),
        ("SELECT a FROM t; SELECT a FROM u", "SELECT t; SELECT u", "BATCH SELECT", "-"),
        ("", "OTHER", "OTHER", "-"),
        ("/* nothing */", "OTHER", "OTHER", "-"),
        ("SELCT a FROM t", "OTHER", "OTHER", "-"),
        ("'x'", "OTHER", "OTHER", "-"),
        ("USE shop", "USE shop", "USE", "-"),
    ]);
    assert_eq!(described(MySql, "use `my shop`").selects.as_deref(), Some("my shop"));
    assert_eq!(described(MySql, "SELECT * FROM `my table`").summary, "SELECT \"my table\"");
    assert_eq!(described(PostgreSql, "SELECT * FROM \"Orders\"").collection.as_deref(), Some("Orders"));
}

#[test]
fn tables_in_brackets() {
    summaries(&[
        ("SELECT * FROM (a JOIN b ON a.x = b.x)", "SELECT a b", "SELECT", "-"),
        ("SELECT * FROM a LEFT JOIN (b JOIN a c ON f(b.x, 5)) ON true, d", "SELECT a b a d", "SELECT", "-"),
        ("SELECT * FROM ((t))", "SELECT t", "SELECT", "t"),
        ("SELECT * FROM (a, shop.b) WHERE x IN (y, z)", "SELECT a shop.b", "SELECT", "-"),
        ("SELECT * FROM a, ONLY (b) x (y, z)", "SELECT a b", "SELECT", "-"),
        ("SELECT * FROM (VALUES (1, x), (2, y)) v (x, y)", "SELECT VALUES", "SELECT", "-"),
        ("SELECT * FROM (SELECT x, y FROM a) b, c", "SELECT SELECT a c", "SELECT", "-"),
        ("SELECT * FROM t JOIN LATERAL (SELECT * FROM u) x ON true", "SELECT t SELECT u", "SELECT", "-"),
        ("SELECT x FROM a WHERE x IN (TABLE b)", "SELECT a TABLE b", "SELECT", "-"),
    ]);
}

#[test]
fn all_tables() {
    summaries(&[
        (
            "UPDATE b SET x = u.x, y = EXTRACT(YEAR FROM d) FROM a u WHERE u.x = b.x",
            "UPDATE b a",
            "UPDATE",
            "-",
        ),
        ("UPDATE b SET x = y IS DISTINCT FROM z", "UPDATE b", "UPDATE", "b"),
        ("UPDATE t, (SELECT * FROM u) x SET t.a = 1", "UPDATE t SELECT u", "UPDATE", "-"),
        ("DROP TABLE x, shop.y CASCADE", "DROP TABLE x shop.y", "DROP TABLE", "-"),
        ("ALTER TABLE x ADD a int, ADD b int", "ALTER TABLE x", "ALTER TABLE", "x"),
        ("INSERT INTO a TABLE b", "INSERT a TABLE b", "INSERT", "-"),
        ("INSERT INTO TABLE a SELECT 1", "INSERT a SELECT", "INSERT", "a"),
        ("CREATE TABLE a AS TABLE b", "CREATE TABLE a TABLE b", "CREATE TABLE", "-"),
        ("SELECT a FROM t UNION ALL TABLE u", "SELECT t TABLE u", "SELECT", "-"),
    ]);
}

/// In its own definition the name of a common table expression is that of a table.
#[test]
fn common_table_expressions() {
    summaries(&[
        ("WITH t AS (SELECT * FROM t) SELECT * FROM t", "SELECT t SELECT", "SELECT", "t"),
        (
            "WITH t (a) AS (SELECT * FROM t), u AS (SELECT * FROM t) DELETE FROM u",
            "SELECT t SELECT DELETE",
            "SELECT",
            "t",
        ),
        (
            "WITH x AS (WITH t AS (SELECT * FROM t) SELECT * FROM t) SELECT * FROM x",
            "SELECT t SELECT SELECT",
            "SELECT",
            "t",
        ),
        ("WITH x AS (SELECT 1 FROM a) UPDATE b SET c = 1 FROM x", "SELECT a UPDATE b", "SELECT", "-"),
    ]);
}

#[test]
fn words_in_front() {
    summaries(&[
        ("EXPLAIN (ANALYZE, BUFFERS off) DELETE FROM t", "EXPLAIN DELETE t", "EXPLAIN", "t"),
        ("EXPLAIN FORMAT=JSON UPDATE t SET a = 1", "EXPLAIN UPDATE t", "EXPLAIN", "t"),
        ("EXPLAIN (SELECT * FROM t)", "EXPLAIN SELECT t", "EXPLAIN", "t"),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO bob",
            "ALTER DEFAULT PRIVILEGES",
            "ALTER DEFAULT PRIVILEGES",
            "-",
        ),
        ("CREATE DEFINER=user@h PROCEDURE p() SELECT 1", "CREATE PROCEDURE p", "CREATE PROCEDURE", "-"),
        (
            "CREATE OR REPLACE DEFINER = CURRENT_USER SQL SECURITY INVOKER VIEW v AS SELECT * FROM t",
            "CREATE VIEW v SELECT t",
            "CREATE VIEW",
            "-",
        ),
    ]);
}
