//! What a key may hold, and how a text or a part of a file becomes a value.

use std::net::SocketAddr;

use crate::nearest::nearest;
use crate::problem::{Place, Problem, Problems};
use crate::units::{Cpu, Duration, Percent, Size, parse_cpu, parse_duration, parse_percent, parse_size};
use crate::yaml::{self, Content, Entry, Node};

/// The word that leaves a value to Weir, where a key has such a default.
pub(crate) const AUTO: &str = "auto";
/// Longest text; names and paths are much shorter.
const TEXT_BYTES: usize = 4096;

/// What a key may hold.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Number {
        /// The least that is allowed.
        least: u64,
        /// The most.
        most: u64,
    },
    /// Bytes, with a unit.
    Size {
        /// The least that is allowed.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A time, with a unit.
    Duration {
        /// The least that is allowed, nanoseconds.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A part of a whole.
    Percent {
        /// The least that is allowed, hundredths of a percent.
        least: u64,
        /// The most.
        most: u64,
    },
    /// CPU time: a part of the host's, or processors.
    Cpu,
    /// Any text but an empty one.
    Text,
    /// The absolute path of a file or folder.
    Path,
    /// An IP address and a port.
    Address,
    /// A URL of the schemes http and https, without a user, and without a query.
    Url,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Values of one kind.
    List {
        /// What each of them is.
        of: &'static Kind,
        /// The most of them.
        most: usize,
    },
    /// Texts by names that the user chooses.
    Table {
        /// The most of them.
        most: usize,
    },
    /// Maps with these fields.
    Records {
        /// What each may have.
        fields: &'static [Field],
        /// The most of them.
        most: usize,
        /// What a record has to have is enough for one.
        terse: bool,
    },
}

/// A field of a record.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Each record has to have it.
    pub required: bool,
    /// What it is for.
    pub help: &'static str,
    /// Its value is never printed.
    pub secret: bool,
}

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Weir decides.
    Auto,
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Number(u64),
    /// Bytes.
    Size(Size),
    /// A time.
    Duration(Duration),
    /// A part of a whole.
    Percent(Percent),
    /// CPU time.
    Cpu(Cpu),
    /// Text, a path, or one of the words of a choice.
    Text(String),
    /// An IP address and a port.
    Address(SocketAddr),
    /// Values of one kind.
    List(Vec<Value>),
    /// Texts by name, in the order of the file.
    Table(Vec<(String, String)>),
    /// Records: the fields that are given, in the order of their definition.
    Records(Vec<Vec<(&'static str, Value)>>),
}

impl Kind {
    /// A value of one word, which an option or a variable can give as it is.
    pub fn is_scalar(&self) -> bool {
        !matches!(self, Kind::List { .. } | Kind::Table { .. } | Kind::Records { .. })
    }

    /// What it is, in words: `a size from 128KiB to 1GiB`.
    pub fn describe(&self) -> String {
        let range = |what: &str, least: String, most: Option<String>| match most {
            Some(most) => format!("{what} from {least} to {most}"),
            None => format!("{what} from {least} on"),
        };
        let below = |most: u64, text: String| (most < u64::MAX).then_some(text);
        match *self {
            Kind::Boolean => "true or false".into(),
            Kind::Number { least, most } => {
                range("a number", least.to_string(), below(most, most.to_string()))
            }
            Kind::Size { least, most } => {
                range("a size", Size(least).exact(), below(most, Size(most).exact()))
            }
            Kind::Duration { least, most } => {
                range("a duration", Duration(least).exact(), below(most, Duration(most).exact()))
            }
            Kind::Percent { least, most } => {
                range("a percentage", Percent(least).to_string(), below(most, Percent(most).to_string()))
            }
            Kind::Cpu => "a part of the host's CPU time, such as 5%, or processors, such as 0.5".into(),
            Kind::Text => "text".into(),
            Kind::Path => "an absolute path".into(),
            Kind::Address => "an IP address and a port, such as 127.0.0.1:7401".into(),
            Kind::Url => "a URL, such as http://collector:4318".into(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::List { of, .. } => format!("a list; each: {}", of.describe()),
            Kind::Table { .. } => "a map of names to texts".into(),
            Kind::Records { fields, .. } => {
                let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
                format!("a list of maps with {}", names.join(", "))
            }
        }
    }

    /// The word that stands for a value in the help of an option.
    pub fn placeholder(&self) -> &'static str {
        match self {
            Kind::Boolean => "true|false",
            Kind::Number { .. } => "N",
            Kind::Size { .. } => "SIZE",
            Kind::Duration { .. } => "DURATION",
            Kind::Percent { .. } => "PERCENT",
            Kind::Cpu => "CPU",
            Kind::Text | Kind::Choice(_) => "NAME",
            Kind::Path => "PATH",
            Kind::Address => "ADDRESS",
            Kind::Url => "URL",
            Kind::List { .. } => "LIST",
            Kind::Table { .. } | Kind::Records { .. } => "YAML",
        }
    }

    /// Reads one word.
    fn scalar(&self, text: &str) -> Result<Value, String> {
        let unit = |error: crate::units::UnitError| error.to_string();
        let value = match *self {
            Kind::Boolean => match text {
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                _ => return Err(format!("'{}' is neither true nor false", shown(text))),
            },
            Kind::Number { least, most } => {
                let number = text.parse().map_err(|_| format!("'{}' is no whole number", shown(text)))?;
                Value::Number(self.within(number, least, most)?)
            }
            Kind::Size { least, most } => {
                let size = parse_size(&shown(text)).map_err(unit)?;
                Value::Size(Size(self.within(size.0, least, most)?))
            }
            Kind::Duration { least, most } => {
                let duration = parse_duration(&shown(text)).map_err(unit)?;
                Value::Duration(Duration(self.within(duration.0, least, most)?))
            }
            Kind::Percent { least, most } => {
                let percent = parse_percent(&shown(text)).map_err(unit)?;
                Value::Percent(Percent(self.within(percent.0, least, most)?))
            }
            Kind::Cpu => match parse_cpu(&shown(text)).map_err(unit)? {
                Cpu::Part(Percent(0)) | Cpu::Processors(0) => {
                    return Err("it has to be more than nothing".into());
                }
                cpu => Value::Cpu(cpu),
            },
            Kind::Address => match text.parse() {
                Ok(address) => Value::Address(address),
                Err(_) => {
                    return Err(format!(
                        "'{}' is no IP address with a port, such as 127.0.0.1:7401",
                        shown(text)
                    ));
                }
            },
            Kind::Choice(words) => match words.iter().find(|word| **word == text) {
                Some(word) => Value::Text((*word).to_owned()),
                None => {
                    let meant = nearest(&shown(text), words.iter().copied());
                    let meant = meant.map(|meant| format!("did you mean {meant}? ")).unwrap_or_default();
                    let known = words.join(", ");
                    return Err(format!("'{}' is not known; {meant}known are {known}", shown(text)));
                }
            },
            Kind::Path if !text.starts_with('/') => {
                return Err(format!("'{}' is no absolute path: it has to begin with /", shown(text)));
            }
            Kind::Url => Value::Text(url(text)?),
            Kind::Text | Kind::Path => Value::Text(fitting(text)?),
            Kind::List { .. } | Kind::Table { .. } | Kind::Records { .. } => {
                return Err(format!("it has to be {}", self.describe()));
            }
        };
        Ok(value)
    }

    fn within(&self, value: u64, least: u64, most: u64) -> Result<u64, String> {
        if (least..=most).contains(&value) {
            Ok(value)
        } else {
            Err(format!("it may be {}", self.describe()))
        }
    }

    /// Reads a text outside of a file: an option, or a variable. What is no single word is YAML on one line, and a
    /// list may also be words with commas between them.
    pub(crate) fn text(&self, text: &str, auto: bool) -> Result<Value, Problems> {
        let plain = |message| Problems::from(Problem { origin: None, place: None, message });
        if auto && text == AUTO {
            return Ok(Value::Auto);
        }
        if self.is_scalar() {
            return self.scalar(text).map_err(plain);
        }
        if let Kind::List { of, .. } = self
            && (!text.trim_start().starts_with(['[', '-']) || is_address(text))
        {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            let values: Result<Vec<_>, _> = words.map(|word| of.scalar(word)).collect();
            return values
                .map_err(plain)
                .and_then(|values| self.bounded(values.len()).map_err(plain).map(|()| Value::List(values)));
        }
        match yaml::parse(text) {
            (Some(node), problems) if problems.is_empty() => self.node(&node, auto),
            (None, problems) if problems.is_empty() => {
                Err(plain(format!("it has to be {}", self.describe())))
            }
            (_, problems) => Err(problems),
        }
    }

    /// Reads a part of a file.
    pub(crate) fn node(&self, node: &Node, auto: bool) -> Result<Value, Problems> {
        let wrong = |message: String| Err(Problem::at(node.place, message).into());
        match (&node.content, self) {
            (Content::Refused, _) => Err(Problems::default()),
            (Content::Scalar(text), _) if auto && text == AUTO => Ok(Value::Auto),
            // A list of one.
            (Content::Scalar(text), Kind::List { of, .. }) => {
                of.scalar(text).map(|value| Value::List(vec![value])).or_else(wrong)
            }
            (Content::Scalar(text), kind) => kind.scalar(text).or_else(wrong),
            (Content::Nothing, _) => {
                wrong(format!("no value: it has to be {}, or leave the key out", self.describe()))
            }
            (Content::List(nodes), Kind::List { of, .. }) => {
                self.bounded(nodes.len()).map_err(|message| Problem::at(node.place, message))?;
                all(nodes.iter().map(|node| of.node(node, false))).map(Value::List)
            }
            (Content::List(nodes), Kind::Records { fields, terse, .. }) => {
                self.bounded(nodes.len()).map_err(|message| Problem::at(node.place, message))?;
                all(nodes.iter().map(|node| record(fields, *terse, node))).map(Value::Records)
            }
            (Content::Map(entries), Kind::Table { .. }) => {
                self.bounded(entries.len()).map_err(|message| Problem::at(node.place, message))?;
                table(entries).map(Value::Table)
            }
            (Content::List(_), _) => wrong(format!("a list, where it has to be {}", self.describe())),
            (Content::Map(_), _) => wrong(format!("a map, where it has to be {}", self.describe())),
        }
    }

    fn bounded(&self, count: usize) -> Result<(), String> {
        match *self {
            Kind::List { most, .. } | Kind::Table { most } | Kind::Records { most, .. } if count > most => {
                Err(format!("{count} of them, more than {most}"))
            }
            _ => Ok(()),
        }
    }
}

/// `[::]:7400` is no list, though it begins like one.
fn is_address(text: &str) -> bool {
    text.split(',').next().is_some_and(|word| word.trim().parse::<SocketAddr>().is_ok())
}

/// All values, or all that is wrong with them.
fn all<T>(results: impl Iterator<Item = Result<T, Problems>>) -> Result<Vec<T>, Problems> {
    let mut values = Vec::new();
    let mut failed = None;
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(wrong) => failed.get_or_insert_with(Problems::default).append(wrong),
        }
    }
    failed.map_or(Ok(values), Err)
}

fn table(entries: &[Entry]) -> Result<Vec<(String, String)>, Problems> {
    let mut problems = repeated(entries);
    let mut table = Vec::new();
    for entry in entries {
        match Kind::Text.node(&entry.value, false) {
            Ok(Value::Text(text)) => table.push((entry.key.clone(), text)),
            Ok(_) => {}
            Err(wrong) => problems.append(wrong),
        }
    }
    if problems.is_empty() && table.len() == entries.len() { Ok(table) } else { Err(problems) }
}

fn record(
    fields: &'static [Field],
    terse: bool,
    node: &Node,
) -> Result<Vec<(&'static str, Value)>, Problems> {
    let names = || fields.iter().map(|field| field.name);
    let Content::Map(entries) = &node.content else {
        let known: Vec<&str> = names().collect();
        let refused = node.content == Content::Refused;
        let message = format!("it has to be a map with {}", known.join(", "));
        return Err(if refused { Problems::default() } else { Problem::at(node.place, message).into() });
    };
    let mut problems = repeated(entries);
    let unknown = entries.iter().filter(|entry| !names().any(|name| name == entry.key));
    for entry in unknown {
        problems.push(Problem::at(entry.place, unknown_key(&shown(&entry.key), &entry.key, "", names())));
    }
    let mut record = Vec::new();
    let mut refused = false;
    for field in fields {
        match entries.iter().find(|entry| entry.key == field.name) {
            Some(entry) => match field.kind.node(&entry.value, false) {
                Ok(value) => record.push((field.name, value)),
                Err(wrong) => {
                    refused = true;
                    problems.append(wrong);
                }
            },
            None if field.required => {
                problems.push(Problem::at(node.place, format!("it has no `{}`: {}", field.name, field.help)));
            }
            None => {}
        }
    }
    let telling =
        terse || entries.iter().any(|entry| !fields.iter().any(|f| f.required && f.name == entry.key));
    if !telling && problems.is_empty() && !refused {
        let others: Vec<&str> =
            fields.iter().filter(|field| !field.required).map(|field| field.name).collect();
        let message = format!("it says nothing more: give one at least of {}", others.join(", "));
        problems.push(Problem::at(node.place, message));
    }
    if problems.is_empty() && !refused { Ok(record) } else { Err(problems) }
}

/// Keys that stand there twice: which of the two is meant cannot be known.
pub(crate) fn repeated(entries: &[Entry]) -> Problems {
    let mut problems = Problems::default();
    let mut seen: std::collections::HashMap<&str, Place> = std::collections::HashMap::new();
    for entry in entries {
        if let Some(first) = seen.get(entry.key.as_str()) {
            let key = shown(&entry.key);
            problems
                .push(Problem::at(entry.place, format!("`{key}` stands here again; it is set at {first}")));
        } else {
            seen.insert(&entry.key, entry.place);
        }
    }
    problems
}

/// What is said of a key that is not known here, and goes by `shown`; `elsewhere` may tell what else it could mean.
pub(crate) fn unknown_key<'a>(
    shown: &str,
    key: &str,
    elsewhere: &str,
    known: impl Iterator<Item = &'a str>,
) -> String {
    let known: Vec<&str> = known.collect();
    let meant = nearest(key, known.iter().copied());
    let hint = match meant {
        _ if !elsewhere.is_empty() => elsewhere.to_owned(),
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known here are {}", known.join(", ")),
    };
    format!("unknown key `{shown}`: {hint}")
}

/// As much of a text as an error needs to show, without what a terminal would obey.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn url(text: &str) -> Result<String, String> {
    // Of a text with a user in it nothing is shown: a password may stand there.
    if text.contains('@') {
        return Err("a user or password has no place in a URL: headers can carry them".into());
    }
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest else {
        return Err(format!("'{}' does not begin with http:// or https://", shown(text)));
    };
    if rest.is_empty() || rest.starts_with(['/', ':']) {
        return Err(format!("'{}' names no host", shown(text)));
    }
    if text.contains([' ', '?', '#']) {
        // A query may hold a password as well.
        return Err("it has a space, a query or a fragment, which a receiver's URL has not".into());
    }
    fitting(text)
}

fn fitting(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty".into());
    }
    if text.len() > TEXT_BYTES {
        return Err(format!("longer than {TEXT_BYTES} bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err("it has a control character (a line break, a tab, ...)".into());
    }
    Ok(text.to_owned())
}
