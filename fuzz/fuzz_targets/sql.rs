//! SQL: any bytes, in every dialect, whole and cut. No literal that is put into them comes out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocols::Settings;
use protocols::sql::{Dialect, Statement, describe};

const HIDDEN: Settings = Settings { keep_values: false };
/// Nothing that a text without it can give.
const SECRET: &str = "zqsecretqz";

fuzz_target!(|data: &[u8]| {
    let [choice, sql @ ..] = data else { return };
    let dialects =
        [Dialect::MySql, Dialect::MySqlNoBackslash, Dialect::PostgreSql, Dialect::PostgreSqlBackslash];
    for dialect in dialects {
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
