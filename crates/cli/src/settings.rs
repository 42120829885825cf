//! The settings of a command: its options, the environment and the file, joined.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use config::{Default as KeyDefault, Given, KEYS, Key, Kind, Settings, Value};

use crate::say::say;

/// Which keys a command offers as options, by their sections. The file and the environment set all of them for every
/// command.
pub trait Sections {
    /// The sections.
    const SECTIONS: &'static [&'static str];
}

/// Declares what [`SettingsArgs`] can offer.
macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident: $sections:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Sections for $name {
            const SECTIONS: &'static [&'static str] = $sections;
        }
    )*};
}

sections! {
    /// For what only looks at the kernel side.
    Capture: &["capture"];
    /// For what only analyses.
    Privacy: &["privacy"];
    /// For what shows traffic of this host.
    Live: &["privacy", "capture"];
    /// The same, within a budget.
    Kept: &["privacy", "capture", "budget"];
    /// For what makes metrics of this host's requests.
    Observing: &["budget", "metrics", "sampling", "capture", "agent"];
    /// For what keeps what others see.
    Serving: &["server"];
    /// For what sees, keeps and shows.
    Up: &["server", "budget", "privacy", "capture"];
    /// For what asks a server.
    Asking: &["client"];
    /// For what tells of the host and the kernel side.
    Host: &["budget", "capture", "agent"];
    /// Every key that has an option.
    All: &["agent", "budget", "capture", "metrics", "sampling", "traces", "privacy", "server", "client", "names", ""];
}

/// The options of the keys in some sections, and `--config`. They are made of [`config::KEYS`].
#[derive(Clone)]
pub struct SettingsArgs<S> {
    flags: Vec<(&'static str, Value, String)>,
    file: Option<PathBuf>,
    sections: PhantomData<S>,
}

/// The name of `--config` among the arguments.
const FILE: &str = "config";

impl<S: Sections> SettingsArgs<S> {
    /// Reads the file and the environment, and puts the options over them. Says what is likely a mistake.
    ///
    /// # Errors
    ///
    /// When anything is set wrongly: all of it is told.
    pub fn load(&self) -> anyhow::Result<Settings> {
        load(Given { flags: self.flags.clone(), file: self.file.clone(), environment: environment() })
    }

    fn keys() -> impl Iterator<Item = (&'static Key, String)> {
        let offered = KEYS.iter().filter(|key| S::SECTIONS.contains(&key.section()));
        offered.filter_map(|key| Some((key, key.option()?)))
    }
}

/// The same for a command without such options.
///
/// # Errors
///
/// As [`SettingsArgs::load`].
pub fn load(given: Given) -> anyhow::Result<Settings> {
    let settings = Settings::load(KEYS, &given).map_err(|problems| match problems.len() {
        1 => anyhow::anyhow!("{problems}"),
        count => anyhow::anyhow!("{count} mistakes in the settings:\n{problems}"),
    })?;
    for warning in settings.warnings() {
        say(format_args!("caution: {warning}"));
    }
    Ok(settings)
}

/// The variables that may be meant for Weir.
pub fn environment() -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let ours = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy();
        name.starts_with(config::PREFIX) || config::is_otel_variable(&name)
    };
    let mut variables: Vec<_> = std::env::vars_os().filter(|(name, _)| ours(name)).collect();
    variables.sort();
    variables
}

impl<S: Sections> Args for SettingsArgs<S> {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(format!("Read this file of settings [default: {}, if there is one]", config::DEFAULT_FILE))
            .help_heading("Settings");
        Self::keys().fold(command.arg(file), |command, (key, option)| command.args(arguments(key, &option)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Sections> FromArgMatches for SettingsArgs<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Vec::new();
        for (key, option) in Self::keys() {
            if matches!(key.kind, Kind::Boolean) {
                if matches.get_flag(key.path) {
                    flags.push((key.path, Value::Boolean(true), format!("--{option}")));
                } else if matches.get_flag(&negative(key)) {
                    flags.push((key.path, Value::Boolean(false), format!("--no-{option}")));
                }
            } else if let Some(value) = matches.get_one::<Value>(key.path) {
                flags.push((key.path, value.clone(), format!("--{option}")));
            }
        }
        Ok(SettingsArgs { flags, file: matches.get_one(FILE).cloned(), sections: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Values may be secrets.
impl<S> fmt::Debug for SettingsArgs<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettingsArgs").field("file", &self.file).finish_non_exhaustive()
    }
}

/// The name of a boolean's `--no-…` among the arguments.
fn negative(key: &Key) -> String {
    format!("{}=false", key.path)
}

/// A key's option; a boolean has two, of which the one that says what holds anyway is not shown.
fn arguments(key: &'static Key, option: &str) -> Vec<Arg> {
    let arg = |id: String, option: String, help: String| {
        Arg::new(id).long(option).help(StyledStr::from(help)).help_heading(heading(key))
    };
    if !matches!(key.kind, Kind::Boolean) {
        let read = move |text: &str| key.read(text);
        let value = arg(key.path.into(), option.into(), help(key)).value_name(key.kind.placeholder());
        return vec![value.value_parser(read).overrides_with(key.path)];
    }
    let on = key.default == KeyDefault::Is("true");
    let help = key.help.trim_end_matches('.');
    // The help of such a key begins with a verb.
    let not = format!("Do not {}{}", help[..1].to_lowercase(), &help[1..]);
    let flag =
        |arg: Arg| arg.action(ArgAction::SetTrue).overrides_with_all([key.path.to_owned(), negative(key)]);
    vec![
        flag(arg(key.path.into(), option.into(), help.into())).hide(on),
        flag(arg(negative(key), format!("no-{option}"), not)).hide(!on),
    ]
}

fn heading(key: &Key) -> String {
    let (first, rest) = key.section().split_at(1.min(key.section().len()));
    if first.is_empty() { "Settings".into() } else { format!("{}{rest}", first.to_uppercase()) }
}

/// `What it is for [a size from 128KiB to 1GiB; default: as much as is right]`.
fn help(key: &Key) -> String {
    let default = match key.default {
        KeyDefault::Is(text) => text,
        KeyDefault::Auto(how) => how,
    };
    format!("{} [{}; default: {default}]", key.help.trim_end_matches('.'), key.kind.describe())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        settings: SettingsArgs<All>,
    }

    fn flags(words: &[&str]) -> Result<Vec<(&'static str, Value, String)>, String> {
        let line = Line::try_parse_from(["weir"].iter().chain(words));
        line.map(|line| line.settings.flags).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_made_of_keys() {
        let given =
            flags(&["--ring", "256K", "--no-udp", "--show-values", "--backend=kprobe"]).expect("options");
        let told: Vec<_> =
            given.iter().map(|(path, value, option)| format!("{path} {value:?} {option}")).collect();
        assert_eq!(
            told,
            [
                "capture.backend Text(\"kprobe\") --backend",
                "capture.ring Size(Size(256000)) --ring",
                "capture.udp Boolean(false) --no-udp",
                "privacy.show_values Boolean(true) --show-values",
            ]
        );
        // The last one counts.
        let given = flags(&["--no-udp", "--udp", "--ring", "1MiB", "--ring", "2MiB"]).expect("options");
        assert_eq!(given[0].1, Value::Size(config::units::Size(2 << 20)));
        assert_eq!((&given[1].1, given[1].2.as_str()), (&Value::Boolean(true), "--udp"));
        assert_eq!(flags(&[]), Ok(vec![]));
    }

    #[test]
    fn a_ring_is_refused_rather_than_changed() {
        for text in ["1", "0", "127KiB", "1.1GiB", "16GiB"] {
            let told = flags(&["--ring", text]).expect_err("refused");
            assert!(told.contains("it may be a size from 128KiB to 1GiB"), "{told}");
        }
        assert!(flags(&["--ring", "1 mile"]).expect_err("refused").contains("unknown unit"));
        assert!(flags(&["--backend", "kprobes"]).expect_err("refused").contains("did you mean kprobe?"));
    }

    #[test]
    fn every_option_explains_itself() {
        use clap::CommandFactory;
        let help = Line::command().render_long_help().to_string();
        for key in KEYS {
            let Some(option) = key.option() else { continue };
            let shown = if key.default == KeyDefault::Is("true") {
                format!("--no-{option}")
            } else {
                format!("--{option}")
            };
            assert!(help.contains(&shown), "{shown}\n{help}");
        }
        assert!(help.contains("Do not watch UDP, and so DNS\n"), "{help}");
    }
}
