//! Texts that servers read in different ways, as their settings are: what is in a literal by any reading is shown by none.

use super::*;
use crate::sql::Dialect::{MySqlUnknown, MySqlWide, PostgreSqlUnknown};

#[test]
fn continued_strings() {
    for dialect in [PostgreSql, PostgreSqlBackslash, PostgreSqlUnknown] {
        texts(
            dialect,
            &[
                ("SELECT E'a'\n'b\\' secret ', c", "SELECT ?, c"),
                ("SELECT E'a' -- why\r\n \t'b\\' secret '\n'\\' secret', c", "SELECT ?, c"),
                ("SELECT E'a' 'b', c", "SELECT ?, c"),
                ("SELECT x'1f'\n'2e', U&'a'\n 'b', c", "SELECT ?, ?, c"),
                ("SELECT E'a'\n-- 'b\\' secret '\n, c", "SELECT ? , c"),
            ],
        );
    }
    texts(MySql, &[("SELECT 'a'\n'b\\' secret ', c", "SELECT ?, c")]);
}

/// Where it is not known whether backslashes escape.
#[test]
fn backslashes_unknown() {
    for dialect in [MySqlUnknown, PostgreSqlUnknown] {
        texts(
            dialect,
            &[
                (r"SELECT 'it\'s secret', b", "SELECT ?"),
                (r"SELECT a, 'b\', 'secret'", "SELECT a, ?"),
                (r"SELECT 'a\\', 'b\n', '\\\\', b", "SELECT ?, ?, ?, b"),
                (r"SELECT 'a\\\', 'secret'", "SELECT ?"),
                (r"SELECT 'a\'', secret '", "SELECT ?"),
                ("SELECT 'it''s', b", "SELECT ?, b"),
            ],
        );
    }
}

/// ANSI_QUOTES makes a name of a text in double quotes, without escapes.
#[test]
fn double_quotes() {
    for dialect in [MySql, MySqlWide, MySqlUnknown] {
        texts(
            dialect,
            &[
                (r#"SELECT x AS "a\", 'x" secret ' FROM t"#, "SELECT x AS ?"),
                (r#"SELECT "a\\", "b\n", "it's", "a""b", c"#, "SELECT ?, ?, ?, ?, c"),
                (r#"SELECT _utf8"a\", 'x" secret ' FROM t"#, "SELECT ?"),
            ],
        );
    }
    texts(MySqlNoBackslash, &[(r#"SELECT "a\", 'x secret ', c"#, "SELECT ?, ?, c")]);
}

/// In some character sets a backslash or a backtick may be the second half of a character.
#[test]
fn halves_of_characters() {
    let hidden: [(&[u8], &str); 5] = [
        (b"SELECT '\x95\\', 'secret name'", "SELECT ?"),
        (b"SELECT '\x95\\\\', 'secret name'", "SELECT ?"),
        (b"SELECT a FROM `\x95`, 'secret', `b`", "SELECT a FROM ?"),
        (b"SELECT a AS \x95`, 'secret', \x95` FROM t", "SELECT a AS %95?"),
        (b"SELECT '\x95', a, '\x95\\n', `b` FROM t", "SELECT ?, a, ?, `b` FROM t"),
    ];
    for dialect in [MySqlWide, MySqlUnknown] {
        for (sql, expected) in hidden {
            assert_eq!(describe(sql, true, dialect, HIDDEN).query, expected, "{dialect:?} {sql:?}");
        }
    }
    texts(MySqlWide, &[(r"SELECT 'it\'s', b", "SELECT ?, b")]);
    texts(MySql, &[(r"SELECT 'é\'s', b", "SELECT ?, b")]);
    // PostgreSQL reads what it has translated.
    for dialect in [PostgreSql, PostgreSqlBackslash] {
        let seen = describe(b"SELECT E'\x95\\', 'secret name'", true, dialect, HIDDEN);
        assert_eq!(seen.query, "SELECT ?");
    }
}

/// A statement may change the settings for those behind it.
#[test]
fn changed_on_the_way() {
    texts(
        MySql,
        &[
            (r"SET sql_mode='NO_BACKSLASH_ESCAPES'; SELECT 'a\', 'secret'", "SET sql_mode= ?; SELECT ?"),
            (r"BEGIN; SET Names gbk; SELECT 'é\', 'secret'", "BEGIN; SET Names gbk; SELECT ?"),
            (r"SELECT 'it\'s', b; SELECT 'it\'s', b", "SELECT ?, b; SELECT ?, b"),
            (r"SELECT 'it\'s sql_mode', b;", "SELECT ?, b"),
        ],
    );
    texts(
        PostgreSql,
        &[
            (
                r"SET Standard_Conforming_Strings = off; SELECT 'it\'s secret '",
                "SET Standard_Conforming_Strings = ?; SELECT ?",
            ),
            (r"SELECT 'a\', b; SELECT 'a\', b", "SELECT ?, b; SELECT ?, b"),
        ],
    );
}

#[test]
fn changes_told() {
    use crate::sql::Charset::{Plain, Same, Unknown};
    for (sql, escapes, charset) in [
        ("SET NAMES utf8mb4", false, Plain),
        ("set character  set latin1", false, Plain),
        ("SET NAMES 'gbk'", false, Unknown),
        ("SET CHARACTER/**/SET utf8", false, Plain),
        ("SET NAMES DEFAULT", false, Unknown),
        ("SET names utf8; SET names sjis", false, Unknown),
        ("/* names */ SET NAMES utf8", false, Unknown),
        ("SET @@character_set_client = x", false, Unknown),
        ("SET character_set_results = NULL", false, Same),
        ("SET SESSION sql_mode = 'ANSI', time_zone = 'x'", true, Same),
        ("EXECUTE IMMEDIATE 'SET sql_mode = 5'", true, Same),
        ("SELECT names, sql_mode FROM t", false, Same),
        ("", false, Same),
    ] {
        let seen = described(MySql, sql).changes;
        assert_eq!((seen.escapes, seen.charset), (escapes, charset), "{sql}");
    }
    assert!(described(PostgreSql, "SET standard_conforming_strings = off").changes.escapes);
    assert!(!described(PostgreSql, "SET x = off").changes.escapes);
}

/// What is never closed may be anything.
#[test]
fn never_closed() {
    for dialect in [PostgreSql, PostgreSqlUnknown, MySql, MySqlUnknown] {
        for sql in [
            "SELECT a FROM \"users WHERE pw = 'secret'",
            "SELECT a FROM t JOIN \"users WHERE pw = 'secret'",
            "SELECT a FROM `users WHERE pw = 'secret'",
        ] {
            let seen = described(dialect, sql);
            assert!(!format!("{seen:?}").contains("secret"), "{dialect:?} {seen:?}");
            assert!(seen.query.ends_with('?') && seen.collection.is_none_or(|table| table == "t"));
        }
    }
    assert_eq!(described(MySql, "USE `shop secret").selects, None);
    // A backtick is no quote to PostgreSQL.
    texts(PostgreSql, &[("SELECT 1 `'secret' ` 2", "SELECT ? `? ` ?")]);
}

#[test]
fn executed_by_some() {
    for dialect in [MySql, MySqlUnknown] {
        texts(
            dialect,
            &[
                ("SELECT /*!99999 secret, */ a", "SELECT ? a"),
                ("SELECT a /*M!100100 , secret */ FROM t", "SELECT a ? FROM t"),
                ("SELECT a /*!999999 secret */", "SELECT a ?"),
                ("SELECT a /*!80013 'secret*/ secret' */, b", "SELECT a ?"),
                ("SELECT a /*!80013 /* secret */ secret */, b", "SELECT a ?"),
                ("SELECT a /*! , /*! secret */ secret */, b", "SELECT a , ?"),
                ("SELECT a /*!80013 never closed", "SELECT a ?"),
                ("SELECT a /*!50000 , 'a*/ secret' */, b", "SELECT a , ? , b"),
                ("SELECT a /*!123 b*/", "SELECT a ? b"),
            ],
        );
    }
    texts(PostgreSql, &[("SELECT a /*!80000 secret */, b", "SELECT a , b")]);
}

#[test]
fn ends_of_comments() {
    texts(
        PostgreSql,
        &[("SELECT a -- x\r'a\n secret ', b", "SELECT a ?, b"), ("SELECT 1$a$ secret $a$", "SELECT ?")],
    );
    texts(
        MySql,
        &[("SELECT a -- x\0'a\n secret ', b", "SELECT a ?, b"), ("SELECT a --\x7f'\n'secret'", "SELECT a ?")],
    );
    assert_eq!(describe(b"SELECT a --\xa0'\n'secret'", true, MySql, HIDDEN).query, "SELECT a ?");
}

/// How one server reads a text.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    mysql: bool,
    /// Backslashes escape in plain strings.
    backslash: bool,
    ansi_quotes: bool,
    /// Two bytes may be a character: the first beyond ASCII, the second from 0x40 on.
    wide: bool,
    /// Comments with a version are executed.
    executes: bool,
}

/// Where in a text this server sees strings; written apart from what it tests, with none of its tricks.
fn strings(text: &[u8], reading: Reading) -> Vec<bool> {
    let mut inside = vec![false; text.len()];
    let (mut at, mut executing, mut escaped_before) = (0, false, false);
    let get = |at: usize| text.get(at).copied().unwrap_or(0);
    let wide = |at: usize| reading.wide && get(at) >= 0x80 && (0x40..=0xfe).contains(&get(at + 1));
    let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80;
    while at < text.len() {
        let here = get(at);
        let begin = at;
        let continued = std::mem::take(&mut escaped_before);
        if here == b'-' && get(at + 1) == b'-' && (!reading.mysql || get(at + 2) <= b' ')
            || here == b'#' && reading.mysql
        {
            while at < text.len() && get(at) != b'\n' {
                at += 1;
            }
            escaped_before = continued;
        } else if here == b'/' && get(at + 1) == b'*' {
            let version = get(at + 3).is_ascii_digit();
            if reading.mysql && get(at + 2) == b'!' && !executing && (!version || reading.executes) {
                (executing, at) = (true, at + if version { 8 } else { 3 });
                continue;
            }
            let mut depth = 1;
            at += 2;
            while at < text.len() && depth > 0 {
                let nests = !reading.mysql || version && get(begin + 2) == b'!';
                match (get(at), get(at + 1)) {
                    (b'*', b'/') => (depth, at) = (depth - 1, at + 2),
                    (b'/', b'*') if nests => (depth, at) = (depth + 1, at + 2),
                    _ => at += 1,
                }
            }
        } else if here == b'*' && get(at + 1) == b'/' && executing {
            (executing, at) = (false, at + 2);
        } else if here == b'$' && !reading.mysql && get(at + 1) == b'$' {
            at += 2;
            while at < text.len() && (get(at), get(at + 1)) != (b'$', b'$') {
                at += 1;
            }
            at = (at + 2).min(text.len());
            inside[begin..at].fill(true);
        } else if matches!(here, b'\'' | b'"') || here == b'`' && reading.mysql {
            let string = here == b'\'' || here == b'"' && reading.mysql && !reading.ansi_quotes;
            let prefix = !reading.mysql
                && here == b'\''
                && at > 0
                && matches!(get(at - 1), b'e' | b'E')
                && (at < 2 || !name(get(at - 2)));
            let escapes = string && (reading.backslash || prefix || continued);
            at += 1;
            while at < text.len() {
                match get(at) {
                    _ if wide(at) => at += 2,
                    b'\\' if escapes => at += 2,
                    quote if quote == here && get(at + 1) == here => at += 2,
                    quote if quote == here => break,
                    _ => at += 1,
                }
            }
            at = (at + 1).min(text.len());
            if string {
                inside[begin..at].fill(true);
            }
            escaped_before = escapes && !reading.mysql;
        } else if name(here) {
            while at < text.len() && name(get(at)) {
                at += if wide(at) { 2 } else { 1 };
            }
        } else {
            at += 1;
            // A string goes on behind blanks with a new line.
            let ahead = text[at..].trim_ascii_start();
            let blank = here.is_ascii_whitespace();
            let line = text[begin..text.len() - ahead.len()].contains(&b'\n')
                || continued && text[..begin].trim_ascii_end().len() < begin;
            escaped_before = continued && blank && (line || ahead.first() != Some(&b'\''));
        }
    }
    inside
}

/// Words put together at random: a secret that any server sees in a string is shown by no reading that covers it.
#[test]
fn shown_by_no_reading() {
    let words: [&[u8]; 30] = [
        b"'",
        b"'",
        b"'",
        b"\"",
        b"\"",
        b"\"",
        b"`",
        b"\\",
        b"\\",
        b"\\",
        b"\\\\",
        b"\x95",
        b"\xe4\xb8\xad",
        b"E'",
        b"E'a'\n'",
        b"\n",
        b" ",
        b", ",
        b" -- ",
        b"--",
        b"#",
        b"/*",
        b"*/",
        b"/*!",
        b"/*!80000 ",
        b"$$",
        b"a",
        b"\"a\\\"",
        b"'\\'",
        b"''",
    ];
    let mysql = Reading { mysql: true, backslash: true, executes: true, ..Reading::default() };
    let plain = Reading { backslash: false, ..mysql };
    let postgresql = Reading::default();
    let escaping = Reading { backslash: true, ..postgresql };
    let both = |reading: Reading, vary: fn(Reading) -> Reading| [reading, vary(reading)];
    let ansi = |reading| both(reading, |reading| Reading { ansi_quotes: true, ..reading });
    let wide = |reading| both(reading, |reading| Reading { wide: true, ..reading });
    let executed = |reading| both(reading, |reading| Reading { executes: false, ..reading });
    let narrow: Vec<Reading> = ansi(mysql).into_iter().flat_map(executed).collect();
    let no_backslash: Vec<Reading> = ansi(plain).into_iter().flat_map(executed).collect();
    let all: Vec<Reading> =
        [narrow.clone(), no_backslash.clone()].concat().into_iter().flat_map(wide).collect();
    let cases: [(Dialect, Vec<Reading>); 7] = [
        (MySql, narrow.clone()),
        (MySqlWide, narrow.into_iter().flat_map(wide).collect()),
        (MySqlNoBackslash, no_backslash.into_iter().flat_map(wide).collect()),
        (MySqlUnknown, all),
        (PostgreSql, wide(postgresql).to_vec()),
        (PostgreSqlBackslash, wide(escaping).to_vec()),
        (PostgreSqlUnknown, [wide(postgresql), wide(escaping)].concat()),
    ];
    let mut state = 7u64;
    let mut random = |most: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % most
    };
    let (mut hidden, mut shown) = (0, 0);
    for _ in 0..60_000 {
        let mut text = b"SELECT ".to_vec();
        let mut secrets = Vec::new();
        for _ in 0..3 + random(14) {
            if random(4) == 0 {
                secrets.push(text.len() + 1);
                text.extend(format!(" s{}q ", secrets.len()).bytes());
            } else {
                text.extend(words[random(words.len())]);
            }
        }
        let (dialect, readings) = &cases[random(cases.len())];
        let seen = format!("{:?}", describe(&text, true, *dialect, HIDDEN));
        for reading in readings {
            let inside = strings(&text, *reading);
            for (number, place) in secrets.iter().enumerate() {
                let secret = format!("s{}q", number + 1);
                let (secret_is_shown, in_string) = (seen.contains(&secret), inside[*place]);
                assert!(
                    !(secret_is_shown && in_string),
                    "{dialect:?} {reading:?} {} {secret} {seen}",
                    text.escape_ascii()
                );
                hidden += usize::from(in_string);
                shown += usize::from(secret_is_shown);
            }
        }
    }
    // The test tests something.
    assert!(hidden > 10_000 && shown > 10_000, "{hidden} {shown}");
}
