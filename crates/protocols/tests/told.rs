//! That a protocol of the registry is told everywhere: in the documents, to the fuzzer, and to the benchmark.

use std::path::{Path, PathBuf};

use protocols::Protocol;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The part of a document under a heading.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let (_, rest) = document.split_once(heading).unwrap_or_else(|| panic!("no {heading}"));
    rest.split_once("\n## ").map_or(rest, |(section, _)| section)
}

#[test]
fn every_protocol_has_a_page() {
    // Errors may have a row in the table of what a record holds instead of a part of their own.
    let parts: [&[&str]; 4] = [
        &["# "],
        &["\n## What is one request\n"],
        &["\n## What is an error\n", "\n| `error`"],
        &["\n## Limits\n", "\n## What is not seen\n"],
    ];
    for protocol in Protocol::shown() {
        let name = protocol.name();
        let page = read(&format!("docs/protocols/{name}.md"));
        for part in parts {
            let there = part.iter().any(|heading| page.contains(heading));
            assert!(there, "docs/protocols/{name}.md has none of {part:?}");
        }
        assert!(page.contains(&format!("`{name}`")), "docs/protocols/{name}.md does not say `{name}`");
    }
}

#[test]
fn the_documents_name_every_protocol() {
    let readme = read("README.md");
    let seen = section(&readme, "\n## What is seen");
    let requests = read("docs/requests.md");
    let filters = section(&requests, "\n## Filters\n");
    let record = section(&requests, "\n## The JSON record\n");
    for protocol in Protocol::shown() {
        let name = protocol.name();
        let page = format!("protocols/{name}.md");
        assert!(seen.contains(&page), "README's table of what is seen has no link to docs/{page}");
        assert!(record.contains(&page), "docs/requests.md has no attributes with a link to {page}");
        for (part, begins) in [(filters, "| `--protocol"), (record, "| `protocol`")] {
            let row = part.lines().find(|row| row.starts_with(begins));
            let told = row.is_some_and(|row| row.contains(&format!("`{name}`")));
            assert!(told, "docs/requests.md: {row:?} does not name `{name}`");
        }
    }
}

#[test]
fn every_protocol_is_fuzzed_and_measured() {
    let targets = read("fuzz/Cargo.toml");
    let cases = read("crates/protocols/benches/parse.rs");
    for protocol in Protocol::shown() {
        let name = protocol.name();
        assert!(root().join(format!("fuzz/fuzz_targets/{name}.rs")).is_file(), "no fuzz target {name}");
        assert!(targets.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml has no target {name}");
        assert!(cases.contains(&format!("{name}::Conversation")), "benches/parse.rs has no case of {name}");
    }
}
