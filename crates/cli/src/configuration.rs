//! `weir config`: what is set, where it came from, and whether it is right.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use config::{DEFAULT_FILE, Given, KEYS, Source};

use crate::say::answer;
use crate::settings::{All, SettingsArgs, environment, load};

/// Arguments of `weir config`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints every value in force, and where it came from. Secrets are shown as ***.
    Print(PrintArguments),
    /// Tells whether a file is right, or all that is wrong with it.
    Check(CheckArguments),
    /// Lists every key: what it is for, what it may hold, and the names of its variable and its option.
    Keys,
}

#[derive(Debug, Args)]
struct PrintArguments {
    /// One JSON object, instead of YAML.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs<All>,
}

#[derive(Debug, Args)]
struct CheckArguments {
    /// The file [default: the one that the other commands read].
    file: Option<PathBuf>,
}

/// Prints or checks.
///
/// # Errors
///
/// When anything is set wrongly.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let text = match &arguments.command {
        Command::Print(arguments) => {
            let settings = arguments.settings.load()?;
            if arguments.json { config::json(&settings) } else { config::yaml(&settings) }
        }
        Command::Check(arguments) => check(arguments)?,
        Command::Keys => config::text(KEYS),
    };
    Ok(answer(&text)?)
}

fn check(arguments: &CheckArguments) -> anyhow::Result<String> {
    let file = arguments.file.clone();
    let settings = load(Given { file, environment: environment(), ..Given::default() })?;
    let count = |of: fn(&Source) -> bool| settings.iter().filter(|(_, setting)| of(&setting.source)).count();
    let all = KEYS.len();
    let file = match settings.file() {
        Some(file) => {
            let set = count(|source| matches!(source, Source::File { .. }));
            format!("{} sets {set} of {all} keys", file.display())
        }
        None => format!("there is no {DEFAULT_FILE}, and none is needed"),
    };
    let environment = match count(|source| matches!(source, Source::Environment(_))) {
        0 => String::new(),
        set => format!("; the environment sets {set}"),
    };
    Ok(format!("ok: {file}{environment}\n"))
}
