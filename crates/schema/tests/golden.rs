//! What is made of the tables: documentation and ClickHouse's form of them.
#![allow(clippy::unwrap_used)] // the helpers of a test are tests

/// Run with `UPDATE_GOLDEN=1` to write what is found, and look at the difference.
fn expect_golden(path: &str, found: &str) {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{path} is not as it was:\n{found}");
}

const MARK: &str = "<!-- What follows is made from crates/schema: UPDATE_GOLDEN=1 cargo test -p schema writes it anew. -->\n";

#[test]
fn the_documentation_is_that_of_the_definitions() {
    let path = format!("{}/../../docs/storage.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let (prose, _) = text.split_once(MARK).expect("the mark before the tables");
    expect_golden("../../docs/storage.md", &format!("{prose}{MARK}\n{}", schema::document()));
}

#[test]
fn clickhouse_tables_are_those_of_the_definitions() {
    expect_golden("clickhouse.sql", &schema::ddl());
}
