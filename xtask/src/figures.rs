//! What README.md says of costs is what the last benchmark measured: `bench/out/latest.json`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// Names in the file of figures, and what README.md calls them.
const WORKLOADS: [(&str, &str); 5] = [
    ("http", "nginx, small answers"),
    ("redis_p1", "Redis"),
    ("redis_p16", "Redis, 16 in a pipeline"),
    ("postgres", "PostgreSQL, SELECT by key"),
    ("mysql", "MariaDB, SELECT of a constant"),
];
const MEMORY: &str = "Memory with 10,000 open connections: ";

#[derive(Deserialize)]
struct Measured {
    figures: Vec<Figure>,
}

#[derive(Deserialize)]
struct Figure {
    name: String,
    value: f64,
}

/// What is said otherwise in README.md than in the file of figures.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let readme = fs::read_to_string(root.join("README.md"))?;
    let is_missing = |line: &String| !readme.lines().any(|said| said == line);
    let missing = lines(root)?.into_iter().map(|(_, line)| line).filter(is_missing);
    Ok(missing.map(|line| format!("README.md lacks (`cargo xtask figures` puts it there): {line}")).collect())
}

/// Puts the figures into README.md.
pub(crate) fn renew(root: &Path) -> Result<()> {
    let path = root.join("README.md");
    let readme = renewed(&fs::read_to_string(&path)?, &lines(root)?);
    Ok(fs::write(path, readme)?)
}

/// Lines that begin as one of `lines`, and go on with a figure, are replaced by it.
fn renewed(readme: &str, lines: &[(String, String)]) -> String {
    let is_figure = |rest: &str| rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let line = |said: &str| {
        let begins =
            |(begin, _): &&(String, String)| said.strip_prefix(begin.as_str()).is_some_and(is_figure);
        let line = lines.iter().find(begins).map_or(said, |(_, line)| line);
        format!("{line}\n")
    };
    readme.lines().map(line).collect()
}

/// Each line with a figure in it, and by what beginning it is known.
fn lines(root: &Path) -> Result<Vec<(String, String)>> {
    let measured: Measured = serde_json::from_slice(&fs::read(root.join("bench/out/latest.json"))?)?;
    let figures: HashMap<_, _> = measured.figures.into_iter().map(|f| (f.name, f.value)).collect();
    let figure = |name: String| figures.get(&name).copied().with_context(|| format!("no figure {name}"));
    let mut lines = Vec::new();
    for (name, title) in WORKLOADS {
        let of = |kind: &str| figure(format!("{kind}.{name}"));
        let begin = format!("| {title} |");
        let line = format!(
            "{begin} {} | {:.2} µs | {:+.0} % | {:.2} µs | {:.1} % |",
            grouped(of("throughput.none")?),
            of("kernel_ns_per_request")? / 1000.0,
            (of("server_cpu_ratio")? - 1.0) * 100.0,
            of("agent_cpu_us_per_request")?,
            of("seen_ratio")? * 100.0,
        );
        lines.push((begin, line));
    }
    let memory = figure("agent_memory_mb.connections_10000".to_owned())?;
    lines.push((MEMORY.to_owned(), format!("{MEMORY}{memory:.0} MiB, kernel maps included.")));
    Ok(lines)
}

/// With commas between thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::{grouped, renewed};

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!([7.4, 999.0, 1000.0, 1_676_558.2].map(grouped), ["7", "999", "1,000", "1,676,558"]);
    }

    #[test]
    fn lines_without_figures_stay() {
        let lines = [("| Redis |".to_owned(), "| Redis | 9 µs |".to_owned())];
        let readme = "| Redis | yes |\n| Redis | 10 µs |\nRedis\n";
        assert_eq!(renewed(readme, &lines), "| Redis | yes |\n| Redis | 9 µs |\nRedis\n");
    }
}
