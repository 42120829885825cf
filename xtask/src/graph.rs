//! Which crate may use which. The rules are the block in `ARCHITECTURE.md` that begins with "```crates":
//! a line for each crate with what it may use, and after a semicolon what only its tests may.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::metadata::Metadata;

const DOCUMENT: &str = "ARCHITECTURE.md";

/// Why only some know the network.
const NETWORK: &str = "libraries do no I/O of their own accord, but for those that send and answer";

/// Crates from elsewhere that only some of ours may know, and why.
const OWNED: &[(&str, &[&str], &str)] = &[
    ("libbpf-rs", &["probes"], "only the kernel side's crate knows libbpf"),
    ("libbpf-sys", &["probes"], "only the kernel side's crate knows libbpf"),
    ("libbpf-cargo", &["probes"], "only the kernel side's crate knows libbpf"),
    ("clap", &["cli"], "libraries have no command line"),
    ("tokio", &["cli", "delivery", "otlp", "server", "uplink"], NETWORK),
    ("hyper", &["cli", "delivery", "otlp", "server", "uplink"], NETWORK),
    ("rustls", &["cli", "delivery", "otlp", "server"], "only what goes over the network is encrypted"),
    ("parquet", &["store"], "only the store knows the form of files"),
    ("anyhow", &["cli"], "libraries have errors of their own types"),
];

/// What each crate may use.
#[derive(Debug)]
pub(crate) struct Rules(BTreeMap<String, Allowed>);

#[derive(Debug)]
enum Allowed {
    Some { code: BTreeSet<String>, tests: BTreeSet<String> },
    All,
}

impl Rules {
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(root.join(DOCUMENT)).context(DOCUMENT)?;
        Self::parse(&text)
    }

    fn parse(document: &str) -> Result<Self> {
        let (_, rest) =
            document.split_once("```crates\n").context("no block ```crates in ARCHITECTURE.md")?;
        let (block, _) = rest.split_once("```").context("the block ```crates does not end")?;
        let mut rules = BTreeMap::new();
        for line in block.lines().filter(|line| !line.trim().is_empty()) {
            let (name, uses) = line.split_once(':').with_context(|| format!("no colon in {line:?}"))?;
            let (code, tests) = uses.split_once("; tests:").unwrap_or((uses, ""));
            let allowed = match code.trim() {
                "all" => Allowed::All,
                code => Allowed::Some { code: list(code), tests: list(tests) },
            };
            let known = rules.insert(name.trim().to_owned(), allowed).is_some();
            ensure!(!known, "two rules for {name}");
        }
        Ok(Rules(rules))
    }
}

fn list(names: &str) -> BTreeSet<String> {
    names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, allowed) in &self.0 {
            let uses = match allowed {
                Allowed::All => "everything".to_owned(),
                Allowed::Some { code, .. } if code.is_empty() => "nothing of ours".to_owned(),
                Allowed::Some { code, .. } => code.iter().cloned().collect::<Vec<_>>().join(", "),
            };
            writeln!(f, "{name:<10} may use {uses}")?;
        }
        Ok(())
    }
}

/// What does not obey, in words. Crates outside `crates/` (tests, benches, this one) may use all, and are used by none.
pub(crate) fn check(rules: &Rules, workspace: &Metadata) -> Vec<String> {
    let mut problems = Vec::new();
    let ours: BTreeSet<&str> = workspace.packages.iter().map(|package| package.name.as_str()).collect();
    let mut seen = BTreeSet::new();
    for package in workspace.packages.iter().filter(|package| package.manifest_path.contains("/crates/")) {
        let name = package.name.as_str();
        seen.insert(name);
        let Some(allowed) = rules.0.get(name) else {
            problems.push(format!("crate {name} has no line in the block ```crates of {DOCUMENT}"));
            continue;
        };
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            let owned = OWNED.iter().find(|(owned, owners, _)| *owned == used && !owners.contains(&name));
            if let Some((_, owners, why)) = owned {
                let owners = owners.join(" and ");
                problems.push(format!("crate {name} uses {used}, which only {owners} may: {why}"));
            }
            let fine = match allowed {
                Allowed::All => true,
                Allowed::Some { code, tests } => {
                    code.contains(used) || dependency.kind.as_deref() == Some("dev") && tests.contains(used)
                }
            };
            if ours.contains(used) && !fine {
                problems.push(format!("crate {name} uses {used}, which {DOCUMENT} does not allow"));
            }
        }
    }
    for name in rules.0.keys().filter(|name| !seen.contains(name.as_str())) {
        problems.push(format!("{DOCUMENT} has a rule for crate {name}, which does not exist"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Dependency, Package};

    const DOCUMENT: &str = "text\n```crates\nmodel:\nstreams: model; tests: recording\ncli: all\n```\n";

    fn package(name: &str, folder: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        Package {
            name: name.into(),
            version: "0.1.0".into(),
            license: None,
            source: None,
            manifest_path: format!("/weir/{folder}/{name}/Cargo.toml"),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency { name: (*name).into(), kind: kind.map(str::to_owned) })
                .collect(),
        }
    }

    #[track_caller]
    fn problems(streams: &[(&str, Option<&str>)]) -> Vec<String> {
        let packages = vec![
            package("model", "crates", &[]),
            package("streams", "crates", streams),
            package("cli", "crates", &[("streams", None), ("clap", None)]),
            package("recording", "tests", &[("cli", None)]),
        ];
        check(&Rules::parse(DOCUMENT).unwrap(), &Metadata { packages })
    }

    #[test]
    fn allowed_edges_pass() {
        assert_eq!(problems(&[("model", None), ("recording", Some("dev"))]), [""; 0]);
    }

    #[test]
    fn others_are_told() {
        let told = problems(&[("cli", None), ("recording", None), ("libbpf-rs", None)]);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("crate streams uses cli"), "{told:?}");
    }
}
