//! SQL: any bytes, in every dialect, whole and cut. No literal that is put into them comes out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocols::Settings;
use protocols::sql::{Dialect, Statement, describe};

const HIDDEN: Settings = Settings { keep_values: false, lean: false, ids: false };
const DIALECTS: [Dialect; 7] = [
    Dialect::MySql,
    Dialect::MySqlWide,
    Dialect::MySqlNoBackslash,
    Dialect::MySqlUnknown,
    Dialect::PostgreSql,
    Dialect::PostgreSqlBackslash,
    Dialect::PostgreSqlUnknown,
];
/// What covers two other readings.
const COVERED: [(Dialect, [Dialect; 2]); 3] = [
    (Dialect::MySqlWide, [Dialect::MySql, Dialect::MySql]),
    (Dialect::MySqlUnknown, [Dialect::MySqlWide, Dialect::MySqlNoBackslash]),
    (Dialect::PostgreSqlUnknown, [Dialect::PostgreSql, Dialect::PostgreSqlBackslash]),
];
/// Nothing that a text without it can give.
const SECRET: &str = "zqsecretqz";

fuzz_target!(|data: &[u8]| {
    let [choice, sql @ ..] = data else { return };
    readings(*choice, sql);
    for dialect in DIALECTS {
        check(&describe(sql, true, dialect, HIDDEN));
        check(&describe(sql, false, dialect, HIDDEN));
        // A literal behind anything that ends with a new line and closes all that may be open.
        let literal = match choice % 4 {
            0 => format!("'{SECRET}'"),
            1 => format!("x'{SECRET}"),
            2 => format!("0x{SECRET}"),
            _ => format!("1{SECRET}"),
        };
        if opens_nothing(sql) {
            let with = [sql, b"\n ", literal.as_bytes()].concat();
            let seen = describe(&with, choice & 4 != 0, dialect, HIDDEN);
            assert!(!shown(&seen).contains(SECRET), "{dialect:?}: {}", seen.query);
            check(&seen);
        }
    }
});

/// A secret anywhere: where one reading hides it, so does the one that covers it.
fn readings(choice: u8, sql: &[u8]) {
    if sql.windows(2).any(|pair| pair == b"zq") {
        return;
    }
    let place = usize::from(choice) * sql.len() / 255;
    let (before, after) = sql.split_at(place);
    let with = [before, b" ", SECRET.as_bytes(), b" ", after].concat();
    let hides = |dialect| !shown(&describe(&with, true, dialect, HIDDEN)).contains(SECRET);
    for (covering, covered) in COVERED {
        assert!(hides(covering) || !covered.into_iter().any(hides), "{covering:?}: {}", with.escape_ascii());
    }
}

/// No quotes, comments or dollars that could be left open.
fn opens_nothing(sql: &[u8]) -> bool {
    !sql.iter().any(|byte| matches!(byte, b'\'' | b'"' | b'`' | b'$' | b'*' | b'\\'))
        && !sql.windows(2).any(|pair| pair == b"zq")
}

fn check(seen: &Statement) {
    assert!(seen.summary.len() <= 255 && !seen.summary.is_empty(), "{}", seen.summary);
    assert!(seen.query.len() <= 64 * 1024 && !seen.query.chars().any(char::is_control));
    assert!(!seen.operation.is_empty());
}

fn shown(seen: &Statement) -> String {
    format!("{} {} {} {:?} {:?}", seen.query, seen.summary, seen.operation, seen.collection, seen.selects)
}
