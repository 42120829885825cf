//! What Cargo knows of the workspace.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// `cargo metadata`, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// Where it was fetched from; nothing for what is in this repository.
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
}

/// The crates of this repository.
pub(crate) fn workspace(root: &Path) -> Result<Metadata> {
    run(root, &["--no-deps"])
}

/// These, and all that they are built from on Linux.
pub(crate) fn everything(root: &Path) -> Result<Metadata> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    run(root, &["--locked", "--offline", "--filter-platform", &target])
}

fn run(root: &Path, options: &[&str]) -> Result<Metadata> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1"])
        .args(options)
        .current_dir(root)
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("cargo metadata is not as expected")
}
