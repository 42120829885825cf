//! Chores of the repository, as code. `cargo xtask` lists them; `cargo test -p xtask` runs every check.

mod figures;
mod graph;
mod licenses;
mod metadata;
mod sources;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask crate-graph   which crate may use which, and whether that is so (ARCHITECTURE.md)
cargo xtask figures       the last benchmark's figures, put into README.md
cargo xtask sources       rules about source files
cargo xtask licenses      licences and origin of every crate that is built in (deny.toml)";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let problems = match std::env::args().nth(1).as_deref() {
        Some("crate-graph") => {
            let rules = graph::Rules::read(&root())?;
            println!("{rules}");
            graph::check(&rules, &metadata::workspace(&root())?)
        }
        Some("figures") => {
            figures::renew(&root())?;
            figures::check(&root())?
        }
        Some("sources") => sources::check(&root())?,
        Some("licenses") => licenses::check(&root())?,
        _ => bail!("{USAGE}"),
    };
    report(&problems)
}

/// The repository's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

fn report(problems: &[String]) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{}", problems.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_graph_obeys_the_rules() {
        let rules = graph::Rules::read(&root()).unwrap();
        report(&graph::check(&rules, &metadata::workspace(&root()).unwrap())).unwrap();
    }

    #[test]
    fn readme_tells_the_figures_that_were_measured() {
        report(&figures::check(&root()).unwrap()).unwrap();
    }

    #[test]
    fn sources_obey_the_rules() {
        report(&sources::check(&root()).unwrap()).unwrap();
    }

    #[test]
    fn licenses_and_origins_are_allowed() {
        report(&licenses::check(&root()).unwrap()).unwrap();
    }
}
