//! From facts to a name.

use std::sync::Arc;

use model::Text;
use serde::{Deserialize, Serialize};

use crate::{Config, ContainerNames, Facts, NoNames, cgroup, interpreter};

/// Names longer than this are cut: they are labels of metrics.
const NAME_BYTES: usize = 255;

/// A service's name, and why it is that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name; never empty.
    pub name: Arc<str>,
    /// The rule that matched.
    pub rule: Rule,
}

/// The rules, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// Given by hand.
    Configuration,
    /// `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES`.
    Environment,
    /// The container it runs in.
    Container,
    /// The systemd unit it belongs to.
    Unit,
    /// What an interpreter runs.
    Program,
    /// The executable's base name.
    Executable,
    /// The command: nothing else is known.
    Command,
}

impl Rule {
    /// `configuration`, `environment`, `container`, `unit`, `program`, `executable` or `command`.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::Configuration => "configuration",
            Rule::Environment => "environment",
            Rule::Container => "container",
            Rule::Unit => "unit",
            Rule::Program => "program",
            Rule::Executable => "executable",
            Rule::Command => "command",
        }
    }
}

/// Names a process; containers go by their short id.
pub fn name(facts: &Facts, config: &Config) -> Named {
    name_with(facts, config, &NoNames)
}

/// Names a process; `containers` may know what its container is called.
pub fn name_with(facts: &Facts, config: &Config, containers: &dyn ContainerNames) -> Named {
    let (rule, name) = decide(facts, config, containers);
    Named { name: shortened(&name).into(), rule }
}

fn decide(facts: &Facts, config: &Config, containers: &dyn ContainerNames) -> (Rule, Text) {
    if let Some(matcher) = config.services.iter().find(|m| !m.name.is_empty() && m.matches(facts)) {
        return (Rule::Configuration, matcher.name.clone());
    }
    if let Some(name) = environment(facts) {
        return (Rule::Environment, name);
    }
    let container = cgroup::container(&facts.cgroups);
    if let Some(container) = container.as_ref().filter(|container| !container.system) {
        let name = containers.name(container).unwrap_or_else(|| container.short_id().into());
        return (Rule::Container, name);
    }
    if let Some(unit) = cgroup::unit(&facts.cgroups) {
        return (Rule::Unit, unit.into());
    }
    if let Some(container) = container {
        return (Rule::Container, containers.name(&container).unwrap_or(container.id));
    }
    if let Some(program) = interpreter::program(facts) {
        return (Rule::Program, program);
    }
    if let Some(executable) = executable(facts) {
        return (Rule::Executable, executable.into());
    }
    let command = if facts.command.trim().is_empty() { "unknown" } else { facts.command.trim() };
    (Rule::Command, command.into())
}

fn environment(facts: &Facts) -> Option<Text> {
    let given = |name: &str| Some(name.trim()).filter(|name| !name.is_empty()).map(Text::from);
    let attribute = || {
        let attributes = facts.environment.resource_attributes.as_deref()?;
        let value = attributes.split(',').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key.trim() == "service.name").then_some(value)
        })?;
        given(&percent_decoded(value))
    };
    facts.environment.service_name.as_deref().and_then(given).or_else(attribute)
}

/// Values of `OTEL_RESOURCE_ATTRIBUTES` are percent-encoded (W3C Baggage).
fn percent_decoded(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = value.get(at + 1..at + 3).filter(|_| byte == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The executable's base name. A binary that is many programs (busybox, or `redis-server`, which is a link to
/// `redis-check-rdb`) goes by what it was called as: the kernel took its command from that name too.
fn executable(facts: &Facts) -> Option<&str> {
    let name = facts.executable_name()?;
    let Some(called) = facts.called_as() else { return Some(name) };
    let called = called.split([' ', ':']).next().unwrap_or(called);
    let command = facts.command.as_str();
    let linked = !command.is_empty() && !name.starts_with(command) && called.starts_with(command);
    let many = matches!(name, "busybox" | "toybox" | "coreutils");
    if (many || linked) && !called.is_empty() { Some(called) } else { Some(name) }
}

fn shortened(name: &str) -> &str {
    let end = (0..=NAME_BYTES.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    &name[..end]
}
