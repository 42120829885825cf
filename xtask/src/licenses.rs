//! Licences and origin of all that is built into Weir, by the lists in `deny.toml`.
//!
//! `make deny` asks cargo-deny the same, and for known vulnerabilities too; this check needs neither that program nor
//! the network, so it is part of every test run.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::metadata;

/// What is not allowed, in words.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let lists = std::fs::read_to_string(root.join("deny.toml")).context("deny.toml")?;
    let allowed = allowed(&lists)?;
    let mut problems = Vec::new();
    for package in metadata::everything(root)?.packages {
        let id = format!("{} {}", package.name, package.version);
        match &package.license {
            None => problems.push(format!("{id} does not tell its licence")),
            Some(license) if !satisfied(license, &allowed) => {
                problems.push(format!("{id} is under {license}, which deny.toml does not allow"));
            }
            Some(_) => {}
        }
        if package.source.as_deref().is_some_and(|source| !source.starts_with("registry+")) {
            problems.push(format!("{id} is not from the package registry"));
        }
    }
    Ok(problems)
}

/// The list `allow` in the section `[licenses]`.
fn allowed(lists: &str) -> Result<Vec<&str>> {
    let (_, section) = lists.split_once("[licenses]").context("no section [licenses] in deny.toml")?;
    let (_, rest) = section.split_once("allow = [").context("no list `allow` in deny.toml")?;
    let (list, _) = rest.split_once(']').context("the list `allow` does not end")?;
    let names: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    ensure!(!names.is_empty(), "the list `allow` is empty");
    Ok(names)
}

/// True when an SPDX expression can be met with what is allowed. The slash is an old way to write OR.
fn satisfied(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest, allowed) && rest.is_empty()
}

/// `a OR b`, where AND binds closer.
fn either(words: &mut &[&str], allowed: &[&str]) -> bool {
    let mut met = both(words, allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        met |= both(words, allowed);
    }
    met
}

fn both(words: &mut &[&str], allowed: &[&str]) -> bool {
    let mut met = one(words, allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        met &= one(words, allowed);
    }
    met
}

/// A name, perhaps with an exception (which only permits more), or an expression in parentheses.
fn one(words: &mut &[&str], allowed: &[&str]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = either(words, allowed);
            match *words {
                [")", rest @ ..] => *words = rest,
                _ => return false,
            }
            met
        }
        [name, "WITH", _, rest @ ..] | [name, rest @ ..] => {
            *words = rest;
            allowed.contains(name)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let allowed = ["MIT", "Apache-2.0", "BSD-2-Clause", "Unicode-3.0"];
        let cases = [
            ("MIT", true),
            ("GPL-3.0", false),
            ("MIT OR GPL-3.0", true),
            ("LGPL-2.1-only OR BSD-2-Clause", true),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND GPL-2.0", false),
            ("GPL-2.0 OR MIT AND Apache-2.0", true),
            ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
            ("MIT/Apache-2.0", true),
            ("(MIT", false),
            ("", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(satisfied(expression, &allowed), expected, "{expression:?}");
        }
    }
}
