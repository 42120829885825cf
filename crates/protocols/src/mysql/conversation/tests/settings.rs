//! Settings that decide where a literal ends, as they become known and change.

use super::*;

/// A login in a character set.
fn login_in(charset: u8) -> Vec<u8> {
    let mut login = login(0, "");
    login[4 + 8] = charset;
    login
}

/// The texts of the statements after those that make the settings.
#[track_caller]
fn check_texts(before: &[Happens], statements: &[(&[u8], &str)]) {
    let mut script = before.to_vec();
    for (sql, _) in statements {
        script.extend([asks(command(3, sql)), answers(ok(1, 0, 2))]);
    }
    let driver = drive(&script, usize::MAX);
    let told = format!("{:?}", driver.context.finished);
    assert!(!told.contains("secret"), "{told}");
    let texts: Vec<String> = driver
        .context
        .finished
        .iter()
        .filter_map(|exchange| tables::attribute(exchange, model::names::DB_QUERY_TEXT))
        .collect();
    let expected: Vec<&str> = statements.iter().map(|(_, text)| *text).collect();
    assert_eq!(texts[texts.len() - expected.len()..], expected);
}

fn session(charset: u8) -> Vec<Happens> {
    vec![answers(greeting("8.0.36")), asks(login_in(charset)), answers(ok(2, 0, 2))]
}

const HALF: &[u8] = b"SELECT '\x95\\', 'secret name'";
const ESCAPED: &[u8] = "SELECT 'é\\'s', a".as_bytes();

#[test]
fn the_mode_of_connections_open_before() {
    let sql = r"SELECT 'a\', 'secret'";
    check_all(
        &[
            asks(query(sql)),
            answers(result(1, &["x"], false, 0x202)),
            asks(query(sql)),
            answers(result(1, &["x"], false, 0x202)),
        ],
        &["SELECT: ok, 26/60, text SELECT ?, rows 1", "SELECT: ok, 26/60, text SELECT ?, ?, rows 1"],
    );
    // Asked before the change of the mode is answered.
    let both = [query("SET sql_mode = NO_BACKSLASH_ESCAPES"), query(sql)].concat();
    check(
        &[
            asks(query("SELECT 1")),
            answers(result(1, &["1"], false, 2)),
            asks(both),
            answers([ok(1, 0, 0x200), result(1, &["x"], false, 0x202)].concat()),
        ],
        &[
            "SELECT: ok, 13/60, text SELECT ?, rows 1",
            "SET: ok, 40/11, text SET sql_mode = ?, affected 0",
            "SELECT: ok, 26/60, text SELECT ?, rows 1",
        ],
    );
}

#[test]
fn the_character_set_of_the_login() {
    check_texts(&session(45), &[(ESCAPED, "SELECT ?, a"), (br"SELECT 'a\'s', b", "SELECT ?, b")]);
    for charset in [1, 13, 28, 87, 95, 249, 0] {
        check_texts(&session(charset), &[(HALF, "SELECT ?"), (br"SELECT 'a\'s', b", "SELECT ?, b")]);
    }
    // Nobody knows it where the login was not seen.
    check_texts(&[], &[(b"SELECT 1", "SELECT ?"), (HALF, "SELECT ?"), (br"SELECT 'a\'s', b", "SELECT ?, b")]);
}

#[test]
fn the_character_set_that_is_set() {
    for set in
        ["SET NAMES gbk", "SET CHARACTER SET sjis", "SET character_set_client = 'big5'", "SET NAMES DEFAULT"]
    {
        let before = [session(45), vec![asks(query(set)), answers(ok(1, 0, 2))]].concat();
        check_texts(&before, &[(HALF, "SELECT ?"), (ESCAPED, "SELECT ?")]);
        let back = [before, vec![asks(query("SET NAMES utf8mb4")), answers(ok(1, 0, 2))]].concat();
        check_texts(&back, &[(ESCAPED, "SELECT ?, a")]);
    }
    let failed = [session(13), vec![asks(query("SET NAMES utf8nothing")), answers(error(1, 1115))]].concat();
    check_texts(&failed, &[(HALF, "SELECT ?")]);
    // Prepared, and executed later.
    let prepared = [
        session(45),
        vec![
            asks(command(0x16, b"SET NAMES gbk")),
            answers(prepared(1, 0, 0)),
            asks(execute(1)),
            answers(ok(1, 0, 2)),
        ],
    ];
    check_texts(&prepared.concat(), &[(HALF, "SELECT ?")]);
    // A session that begins anew.
    let reset = [session(45), vec![asks(command(0x1f, b"")), answers(ok(1, 0, 2))]].concat();
    check_texts(&reset, &[(HALF, "SELECT ?")]);
}
