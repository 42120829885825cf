//! Rules about source files that a compiler does not know.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Longest file of Rust, tests left out: beyond it a file does more than one thing.
const LONGEST: usize = 600;

/// A text that must not occur below a folder.
struct Forbidden {
    text: &'static str,
    below: &'static str,
    but: &'static [&'static str],
    why: &'static str,
}

const FORBIDDEN: &[Forbidden] = &[
    Forbidden {
        text: "libbpf",
        below: "crates",
        but: &["crates/probes"],
        why: "only crates/probes and bpf/ know libbpf",
    },
    Forbidden {
        text: "env::var",
        below: "crates",
        but: &["crates/cli"],
        why: "libraries read no environment variables: each owns its Config, the binary fills it",
    },
    Forbidden { text: "std::fs", below: "crates/protocols/src", but: &[], why: "parsers do no I/O" },
    Forbidden { text: "std::net", below: "crates/protocols/src", but: &[], why: "parsers do no I/O" },
    Forbidden { text: "std::time", below: "crates/protocols/src", but: &[], why: "parsers have no clock" },
    Forbidden { text: "std::fs", below: "crates/model/src", but: &[], why: "the vocabulary does nothing" },
    Forbidden { text: "std::time", below: "crates/streams/src", but: &[], why: "streams have no clock" },
    Forbidden { text: "std::fs", below: "crates/streams/src", but: &[], why: "streams do no I/O" },
    Forbidden { text: "std::fs", below: "crates/schema/src", but: &[], why: "the schema does no I/O" },
    Forbidden {
        text: "std::fs",
        below: "crates/store/src",
        but: &["crates/store/src/disk/real.rs"],
        why: "the store's I/O is behind its trait Disk",
    },
    Forbidden { text: "std::fs", below: "crates/requests/src", but: &[], why: "analysis does no I/O" },
    Forbidden { text: "std::time", below: "crates/requests/src", but: &[], why: "analysis has no clock" },
];

const SPDX: &str = "SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause";

/// What does not obey, in words.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in files(&root.join("bpf"), &["c", "h"])? {
        if !read(&path)?.lines().next().is_some_and(|line| line.contains(SPDX)) {
            problems.push(format!("{}: the first line is not {SPDX}", relative(root, &path)));
        }
    }
    for path in files(&root.join("crates"), &["rs"])? {
        let text = read(&path)?;
        let name = relative(root, &path);
        if !is_test(&name) && text.lines().count() > LONGEST {
            problems.push(format!("{name}: {} lines, more than {LONGEST}", text.lines().count()));
        }
        let code = !is_test(&name) && !name.ends_with("/build.rs");
        let rules = FORBIDDEN.iter().filter(|rule| {
            code && name.starts_with(rule.below) && !rule.but.iter().any(|but| name.starts_with(but))
        });
        for rule in rules {
            // Comments may speak of anything.
            let found = text
                .lines()
                .position(|line| !line.trim_start().starts_with("//") && line.contains(rule.text));
            if let Some(line) = found {
                problems.push(format!("{name}:{}: {}: {}", line + 1, rule.text, rule.why));
            }
        }
    }
    let architecture = read(&root.join("ARCHITECTURE.md"))?;
    for entry in fs::read_dir(root.join("crates")).context("crates")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !architecture.contains(&format!("### `{name}`")) {
            problems.push(format!("ARCHITECTURE.md has no section on crate {name}"));
        }
    }
    Ok(problems)
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.contains("/benches/") || name.ends_with("tests.rs")
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Files below `folder` whose names end so, in order.
fn files(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                found.extend(files(&path, extensions)?);
            }
        } else if path.extension().is_some_and(|own| extensions.iter().any(|wanted| own == *wanted)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
