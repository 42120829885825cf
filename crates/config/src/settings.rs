//! The settings in force, and where each value came from.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::key::{Change, Key};
use crate::kind::{Kind, Value, shown};
use crate::nearest::nearest;
use crate::otel;
use crate::problem::{Problem, Problems};
use crate::read;

/// The file that is read where nobody names one.
pub const DEFAULT_FILE: &str = "/etc/weir/weir.yaml";
/// The variable that names the file.
pub const FILE_VARIABLE: &str = "WEIR_CONFIG";
/// How the names of variables begin.
pub const PREFIX: &str = "WEIR_";

/// What settings are made of, from the strongest to the weakest; below it are the defaults.
#[derive(Default)]
pub struct Given {
    /// Options: the key's path, its value, and the option as it was given (`--ring`).
    pub flags: Vec<(&'static str, Value, String)>,
    /// Variables. Those that do not begin with `WEIR_` are left alone.
    pub environment: Vec<(OsString, OsString)>,
    /// The file that an option names. Where none does, it is the one that the variable `WEIR_CONFIG` names, or else the
    /// default one, if it exists.
    pub file: Option<PathBuf>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The file.
    File {
        /// The file.
        path: Arc<str>,
        /// The line, from 1.
        line: u32,
    },
    /// A variable.
    Environment(String),
    /// An option.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File { path, line } => write!(f, "{path}:{line}"),
            Source::Environment(name) => write!(f, "environment {name}"),
            Source::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A key's value, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub source: Source,
}

/// The value of every key: a plain value, which can be compared with what is read later.
#[derive(Clone)]
pub struct Settings {
    keys: &'static [Key],
    settings: Vec<Setting>,
    file: Option<PathBuf>,
    warnings: Vec<String>,
}

/// Without values: they may be secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("file", &self.file)
            .field("set", &self.count_set())
            .finish_non_exhaustive()
    }
}

/// A key that has another value than before.
#[derive(Debug, Clone, Copy)]
pub struct Changed {
    /// The key.
    pub key: &'static Key,
    /// The agent has to be started anew to go by it.
    pub needs_restart: bool,
}

impl Settings {
    /// The defaults of these keys.
    pub fn defaults(keys: &'static [Key]) -> Self {
        let default = |key: &Key| Setting { value: key.default_value(), source: Source::Default };
        Settings { keys, settings: keys.iter().map(default).collect(), file: None, warnings: Vec::new() }
    }

    /// Reads the file, then lets variables and options have their say.
    ///
    /// # Errors
    ///
    /// When anything of it cannot be taken: all that is wrong, each with its place.
    pub fn load(keys: &'static [Key], given: &Given) -> Result<Self, Problems> {
        let mut settings = Settings::defaults(keys);
        let mut problems = Problems::default();
        let Chosen { path, may_miss } = file(given);
        match read::text(&path) {
            Ok(text) => {
                problems.append(settings.read(&text, &path.display().to_string()));
                let warning = open_to_all(&settings, &path);
                settings.warnings.extend(warning);
                settings.file = Some(path);
            }
            Err(read::Unreadable { missing: true, .. }) if may_miss => {}
            Err(read::Unreadable { problem, .. }) => problems.push(problem),
        }
        problems.append(settings.environment(&given.environment));
        problems.append(settings.for_every_program(&given.environment));
        for (path, value, name) in &given.flags {
            settings.set(path, value.clone(), Source::Flag(name.clone()));
        }
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// Takes what a file's text sets, and tells what is wrong with it.
    pub fn read(&mut self, text: &str, name: &str) -> Problems {
        let (found, problems) = read::settings(self.keys, text);
        let path: Arc<str> = name.into();
        for (index, value, place) in found {
            if let Some(setting) = self.settings.get_mut(index) {
                *setting = Setting { value, source: Source::File { path: path.clone(), line: place.line } };
            }
        }
        problems.named(name)
    }

    fn environment(&mut self, variables: &[(OsString, OsString)]) -> Problems {
        let mut problems = Problems::default();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            let Some(key) = self.keys.iter().find(|key| key.variable() == name) else {
                self.warnings.extend(unknown(self.keys, name));
                continue;
            };
            // A variable that is empty is as one that is not set: templates leave such behind.
            if value.is_empty() {
                continue;
            }
            let read = value.to_str().ok_or_else(|| "no UTF-8".to_owned()).and_then(|text| key.read(text));
            match read {
                Ok(value) => self.set(key.path, value, Source::Environment(name.to_owned())),
                Err(message) => problems.push(Problem::of(name, message)),
            }
        }
        problems
    }

    /// Where nothing that is meant for Weir alone says where to export to, the variables that all programs share do.
    fn for_every_program(&mut self, variables: &[(OsString, OsString)]) -> Problems {
        let unset =
            |(key, setting): (&Key, &Setting)| key.path == otel::KEY && setting.source == Source::Default;
        if !self.iter().any(unset) {
            return Problems::default();
        }
        let read = otel::destination(variables);
        self.warnings.extend(read.warnings);
        if let Some(value) = read.value {
            self.set(otel::KEY, value, Source::Environment(otel::ENDPOINT.to_owned()));
        }
        read.problems
    }

    fn set(&mut self, path: &str, value: Value, source: Source) {
        let index = self.keys.iter().position(|key| key.path == path);
        if let Some(setting) = index.and_then(|index| self.settings.get_mut(index)) {
            *setting = Setting { value, source };
        }
    }

    /// Every key with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Key, &Setting)> {
        self.keys.iter().zip(&self.settings)
    }

    /// How many keys somebody has set.
    pub fn count_set(&self) -> usize {
        self.settings.iter().filter(|setting| setting.source != Source::Default).count()
    }

    /// The file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is no mistake for certain, but is likely one.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Which keys have another value now, wherever it came from.
    pub fn changes(old: &Settings, new: &Settings) -> Vec<Changed> {
        let pairs = old.iter().zip(new.iter());
        let changed = pairs.filter(|((_, old), (_, new))| old.value != new.value);
        changed.map(|((key, _), _)| Changed { key, needs_restart: key.change == Change::Restart }).collect()
    }

    pub(crate) fn value_at(&self, index: usize) -> &Value {
        self.settings.get(index).map_or(&Value::Auto, |setting| &setting.value)
    }
}

/// A warning of a file that sets secrets which every user of the host may read.
fn open_to_all(settings: &Settings, path: &Path) -> Option<String> {
    let of_file = |setting: &Setting| matches!(setting.source, Source::File { .. });
    let secret =
        settings.iter().find(|(key, setting)| of_file(setting) && has_secret(key, &setting.value))?.0;
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let (path, key) = (path.display(), secret.path);
    (mode & 0o004 != 0)
        .then(|| format!("every user may read {path}, in which {key} holds a secret: chmod o-r {path}"))
}

/// True where a value is a secret, or has one among its fields.
fn has_secret(key: &Key, value: &Value) -> bool {
    let (Kind::Records { fields, .. }, Value::Records(records)) = (key.kind, value) else {
        return key.secret;
    };
    let given = |name: &str| records.iter().flatten().any(|(own, _)| *own == name);
    key.secret || fields.iter().any(|field| field.secret && given(field.name))
}

struct Chosen {
    path: PathBuf,
    may_miss: bool,
}

/// The file to read.
fn file(given: &Given) -> Chosen {
    if let Some(path) = &given.file {
        return Chosen { path: path.clone(), may_miss: false };
    }
    let named =
        given.environment.iter().find(|(name, value)| name == OsStr::new(FILE_VARIABLE) && !value.is_empty());
    match named {
        Some((_, path)) => Chosen { path: path.into(), may_miss: false },
        None => Chosen { path: DEFAULT_FILE.into(), may_miss: true },
    }
}

/// A warning of a variable that looks as if it were meant for Weir.
fn unknown(keys: &'static [Key], name: &str) -> Option<String> {
    if name == FILE_VARIABLE || is_of_a_service(name) {
        return None;
    }
    let known: Vec<String> = keys.iter().map(Key::variable).chain([FILE_VARIABLE.to_owned()]).collect();
    let meant = nearest(name, known.iter().map(String::as_str));
    let hint = meant.map_or_else(
        || "`weir config keys` lists those that are known".to_owned(),
        |meant| format!("did you mean {meant}?"),
    );
    Some(format!("the variable {} is not known and has no effect; {hint}", shown(name)))
}

/// Kubernetes gives every container such variables for each service of its namespace; one may well be called `weir`.
fn is_of_a_service(name: &str) -> bool {
    let address = |rest: &str| {
        let mut parts = rest.split('_');
        let port =
            parts.next().is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
        let protocol = parts.next().is_some_and(|protocol| matches!(protocol, "TCP" | "UDP" | "SCTP"));
        port && protocol && matches!(parts.next(), None | Some("PROTO" | "PORT" | "ADDR"))
    };
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.rsplit_once("_PORT").is_some_and(|(_, rest)| rest.is_empty())
        || name.split_once("_PORT_").is_some_and(|(_, rest)| address(rest))
}
