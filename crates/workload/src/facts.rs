//! What is known of a process, and how `/proc` tells it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use model::Text;
use serde::{Deserialize, Serialize};

use crate::interpreter;

/// Longest command line that is looked at: class paths are long.
const COMMAND_LINE_BYTES: u64 = 64 << 10;
/// Longest environment that is looked at.
const ENVIRONMENT_BYTES: u64 = 256 << 10;
/// Longest cgroup file that is looked at.
const CGROUP_BYTES: u64 = 16 << 10;
const ARGUMENTS: usize = 512;
const ARGUMENT_BYTES: usize = 512;
const CGROUPS: usize = 16;

/// What names a process. It can be stored in a recording, so it holds no more than the rules need.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Process id in the initial namespace.
    pub pid: u32,
    /// The first thread's command.
    pub command: Text,
    /// The program file's path, as the process sees it.
    pub executable: Option<Text>,
    /// The arguments, as far as they tell the program: an interpreter's up to its script, the values of
    /// `--option=value` left out; of other programs only the first. The rest may hold secrets.
    pub arguments: Vec<Text>,
    /// The working directory, as the process sees it.
    pub directory: Option<Text>,
    /// The two variables that name a service.
    pub environment: Environment,
    /// Cgroup v2 id, where an event told it; 0 where not.
    pub cgroup: u64,
    /// The distinct cgroup paths, of the v2 hierarchy and of every v1 one.
    pub cgroups: Vec<Text>,
}

/// The only environment variables that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Environment {
    /// `OTEL_SERVICE_NAME`.
    pub service_name: Option<Text>,
    /// `OTEL_RESOURCE_ATTRIBUTES`.
    pub resource_attributes: Option<Text>,
}

impl Facts {
    /// Reads a process's facts below `proc_root`, which is `/proc` outside of tests.
    ///
    /// What cannot be read (another user's process, a zombie) is left empty, and bytes that are not UTF-8
    /// are replaced.
    ///
    /// # Errors
    ///
    /// When the process's command cannot be read: there is no such process.
    pub fn read(proc_root: &Path, pid: u32) -> io::Result<Facts> {
        let root = proc_root.join(pid.to_string());
        let command = bounded(&root.join("comm"), 256)?;
        let mut facts = Facts {
            pid,
            command: text(command.strip_suffix(b"\n").unwrap_or(&command)),
            executable: link(&root.join("exe")),
            arguments: arguments(&bounded(&root.join("cmdline"), COMMAND_LINE_BYTES).unwrap_or_default()),
            directory: link(&root.join("cwd")),
            environment: Environment::of(
                &bounded(&root.join("environ"), ENVIRONMENT_BYTES).unwrap_or_default(),
            ),
            cgroup: 0,
            cgroups: cgroups(&bounded(&root.join("cgroup"), CGROUP_BYTES).unwrap_or_default()),
        };
        facts.forget_arguments();
        Ok(facts)
    }

    /// Leaves no argument that is not needed to tell the program.
    pub(crate) fn forget_arguments(&mut self) {
        let kept = interpreter::needed_arguments(self);
        self.arguments.truncate(kept);
        for argument in self.arguments.iter_mut().skip(1).filter(|argument| argument.starts_with('-')) {
            if let Some(at) = argument.find('=') {
                argument.truncate(at + 1);
            }
        }
    }

    /// The executable's base name.
    pub fn executable_name(&self) -> Option<&str> {
        self.executable.as_deref().map(base_name).filter(|name| !name.is_empty())
    }

    /// The first argument's base name: how the program was called.
    pub fn called_as(&self) -> Option<&str> {
        let first = self.arguments.first()?;
        Some(base_name(first.strip_prefix('-').unwrap_or(first))).filter(|name| !name.is_empty())
    }
}

impl Environment {
    /// The two variables in a block of `NAME=value`, each ended by a zero byte.
    fn of(block: &[u8]) -> Self {
        let value = |name: &[u8]| {
            block.split(|byte| *byte == 0).find_map(|variable| {
                let value = variable.strip_prefix(name)?.strip_prefix(b"=")?;
                Some(cut(value, 2048)).filter(|value| !value.is_empty())
            })
        };
        Environment {
            service_name: value(b"OTEL_SERVICE_NAME"),
            resource_attributes: value(b"OTEL_RESOURCE_ATTRIBUTES"),
        }
    }
}

/// What follows the last slash.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(bytes: &[u8]) -> Text {
    Text::from_utf8_lossy(bytes)
}

fn cut(bytes: &[u8], limit: usize) -> Text {
    text(&bytes[..bytes.len().min(limit)])
}

/// Where a link points, without the note that the kernel appends when the file is gone.
fn link(path: &Path) -> Option<Text> {
    let target = fs::read_link(path).ok()?;
    let target = target.to_string_lossy();
    let target = target.strip_suffix(" (deleted)").unwrap_or(&target);
    (!target.is_empty()).then(|| Text::from(target))
}

/// A process that rewrites its title leaves empty arguments behind it.
fn arguments(line: &[u8]) -> Vec<Text> {
    let end = line.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if end == 0 {
        return Vec::new();
    }
    line[..end]
        .split(|byte| *byte == 0)
        .take(ARGUMENTS)
        .map(|argument| cut(argument, ARGUMENT_BYTES))
        .collect()
}

/// Lines are `hierarchy:controllers:path` (cgroups(7)); a path may hold colons.
fn cgroups(file: &[u8]) -> Vec<Text> {
    let mut paths: Vec<Text> = Vec::new();
    for line in file.split(|byte| *byte == b'\n') {
        let Some(path) = line.splitn(3, |byte| *byte == b':').nth(2) else { continue };
        // What is left of a cgroup that was removed.
        let path = cut(path.strip_suffix(b" (deleted)").unwrap_or(path), 1024);
        if path.len() > 1 && paths.len() < CGROUPS && !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}
