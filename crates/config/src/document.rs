//! Every key, told from its definition: for docs/configuration.md and for the terminal.

use std::fmt::Write;

use crate::key::{Change, Default, Key};
use crate::kind::Kind;
use crate::print::title;

/// The text of docs/configuration.md.
pub fn markdown(keys: &[Key]) -> String {
    let mut out = String::from(INTRODUCTION);
    out.push_str("\n## An example\n\nEvery key, with a value that is not its default:\n\n```yaml\n");
    out.push_str(&example(keys));
    out.push_str("```\n");
    for section in sections(keys) {
        let heading = if section.is_empty() { String::new() } else { format!(" (`{section}:`)") };
        let _ = write!(out, "\n## {}{heading}\n", title(section));
        for key in keys.iter().filter(|key| key.section() == section) {
            let _ = write!(out, "\n### `{}`\n\n{}\n\n", key.path, key.help);
            let _ = writeln!(out, "| | |\n|---|---|");
            let _ = writeln!(out, "| value | {} |", values(key));
            let _ = writeln!(out, "| default | {} |", default(key, "`"));
            let _ = writeln!(out, "| variable | `{}` |", key.variable());
            if let Some(options) = options(key) {
                let _ = writeln!(out, "| option | {options} |");
            }
            let _ = writeln!(out, "| a change needs | {} |", change(key));
            fields(&mut out, key);
        }
    }
    out
}

fn fields(out: &mut String, key: &Key) {
    let Kind::Records { fields, .. } = key.kind else { return };
    out.push_str("\n| field | |\n|---|---|\n");
    for field in fields {
        let needed = if field.required { " Each entry has to have it." } else { "" };
        let _ = writeln!(out, "| `{}` | {}{needed} |", field.name, field.help);
    }
}

/// Every key for the terminal.
pub fn text(keys: &[Key]) -> String {
    let mut out = String::new();
    for section in sections(keys) {
        let heading = if section.is_empty() { String::new() } else { format!(" ({section}:)") };
        let _ = writeln!(out, "{}{heading}", title(section));
        for key in keys.iter().filter(|key| key.section() == section) {
            let _ = writeln!(out, "\n  {}", key.path);
            let options =
                options(key).map(|options| options.replace('`', "")).unwrap_or_else(|| "none".into());
            for (name, text) in [
                ("", key.help.to_owned()),
                ("value", values(key)),
                ("default", default(key, "")),
                ("variable", key.variable()),
                ("option", options),
                ("change", format!("needs {}", change(key))),
            ] {
                wrapped(&mut out, name, &text);
            }
            match key.example.strip_prefix('\n') {
                None => wrapped(&mut out, "example", key.example),
                Some(lines) => {
                    wrapped(&mut out, "example", "");
                    lines.lines().for_each(|line| out.push_str(&format!("    {line}\n")));
                }
            }
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// A text in lines that fit 80 columns, behind its name.
fn wrapped(out: &mut String, name: &str, text: &str) {
    const COLUMNS: usize = 80;
    let indent = if name.is_empty() { 4 } else { 14 };
    let mut line = if name.is_empty() { "    ".to_owned() } else { format!("    {name:<9} ") };
    for word in text.split(' ') {
        let begun = line.trim_end().chars().count() >= indent;
        if begun && line.chars().count() + word.chars().count() >= COLUMNS {
            let _ = writeln!(out, "{}", line.trim_end());
            line = " ".repeat(indent);
        }
        line.push_str(word);
        line.push(' ');
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

/// A file that sets every key to its example.
pub fn example(keys: &[Key]) -> String {
    let mut out = String::new();
    for section in sections(keys) {
        let indent = if section.is_empty() { "" } else { "  " };
        if !section.is_empty() {
            let _ = writeln!(out, "{section}:");
        }
        for key in keys.iter().filter(|key| key.section() == section) {
            let space = if key.example.starts_with('\n') { "" } else { " " };
            let _ = writeln!(out, "{indent}{}:{space}{}", key.word(), key.example);
        }
    }
    out
}

/// The sections in the order of their keys.
fn sections(keys: &[Key]) -> Vec<&'static str> {
    let mut sections: Vec<&'static str> = keys.iter().map(Key::section).collect();
    sections.dedup();
    sections
}

fn values(key: &Key) -> String {
    let auto = if key.may_be_auto() { ", or auto" } else { "" };
    format!("{}{auto}", key.kind.describe())
}

fn default(key: &Key, quote: &str) -> String {
    match key.default {
        Default::Is(text) => format!("{quote}{text}{quote}"),
        Default::Auto(how) => format!("{quote}auto{quote}: {how}"),
    }
}

fn change(key: &Key) -> &'static str {
    match key.change {
        Change::Reload => "a reload",
        Change::Restart => "a restart",
    }
}

/// `--ring SIZE`, or `--udp`, `--no-udp`.
fn options(key: &Key) -> Option<String> {
    let option = key.option()?;
    Some(match key.kind {
        Kind::Boolean => format!("`--{option}`, `--no-{option}`"),
        kind => format!("`--{option} {}`", kind.placeholder()),
    })
}

const INTRODUCTION: &str = "\
# Configuration

Weir needs none: every key has a default that is right on most hosts. Whoever wants something else sets it in a file, in the
environment, or by an option. Where several of them set a key, the first of this list holds:

1. the option, such as `--ring 32MiB`;
2. the variable, such as `WEIR_CAPTURE_RING=32MiB`. An empty one is as one that is not set;
3. the file: `/etc/weir/weir.yaml`, if there is one, or the one that `--config FILE` or the variable `WEIR_CONFIG` names;
4. the default.

A value replaces the weaker one as a whole; lists are not joined.

```
weir config print             every value in force, and where it came from; --json for scripts
weir config check [FILE]      is this file right? Exits with 0 if it is, else tells all that is wrong with it
weir config keys              every key, as below
```

All commands read the same file, so that `weir requests` calls services as the agent does. A file that is wrong in any place is
refused: each mistake is told with its line and column, and with what may have been meant. `--config /dev/null` goes without a file.

## How values are written

| | |
|---|---|
| durations | a number and `ns`, `us`, `ms`, `s`, `m` or `h`: `90s`, `1.5ms`. A bare number is seconds |
| sizes | a number and `B`, `kB`, `MB`, `GB` (powers of 1000) or `KiB`, `MiB`, `GiB` (powers of 1024). A bare number is bytes |
| percentages | a number and `%`: `12.5%` |
| addresses | an IP address and a port: `127.0.0.1:7401`, `\"[::1]:7401\"` |
| lists | in the environment and as options: with commas between, `a,b`, or YAML on one line |
| maps, lists of maps | in the environment: YAML on one line, `WEIR_SERVICES='[{name: shop, command: shopd}]'` |
| booleans | `true` or `false`, and no other word. As options: `--udp` for true, `--no-udp` for false |

The file is YAML without what could let a short file mean a long one: anchors, aliases and tags are refused, as are more than one
document, more than 1 MiB, and keys that stand there twice. A variable that begins with `WEIR_` and is not known is warned of; those that
Kubernetes makes for a service called `weir` are not.
";
