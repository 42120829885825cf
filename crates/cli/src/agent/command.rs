//! `weir agent`: metrics of this host's requests and connections, for as long as it runs.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use config::Settings;

use super::company::Company;
use super::detach::{Detached, detach};
use super::running::Running;
use super::shipper::Shipper;
use super::takeover::Earlier;
use crate::options::SelfArgs;
use crate::say::say;
use crate::settings::{Observing, SettingsArgs};
use crate::units;

/// Arguments of `weir agent`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// End after this time (such as 10s; a bare number is seconds).
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration)]
    pub duration: Option<units::Duration>,
    /// Take over from the agent that runs, if one does: go on with its counts and its sockets, and have it end.
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "always")]
    pub replace: Option<Replace>,
    /// Return once this host is observed, and go on in another process.
    #[arg(long)]
    pub detach: bool,
    /// What is set.
    #[command(flatten)]
    pub settings: SettingsArgs<Observing>,
    /// For those who work on Weir.
    #[command(flatten)]
    pub itself: SelfArgs,
}

/// When the agent that runs is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Replace {
    /// Whichever it is.
    Always,
    /// If it is of another binary than this; else it reads its settings again.
    Changed,
}

const EXAMPLES: &str = "\
Examples:
  weir agent                              metrics at http://127.0.0.1:7401/metrics
  weir agent --listen 0.0.0.0:7401        the same for other hosts: whoever reaches the port may read them
  weir agent --replace                    take over from the agent that runs, as after an upgrade";

/// Runs until it is told to stop, or replaced.
///
/// # Errors
///
/// When the address is not to be had, or traffic cannot be seen on this host; or when the agent that runs does not hand over.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let options = Options {
        duration: arguments.duration,
        replace: arguments.replace,
        detach: arguments.detach,
        load: &|| arguments.settings.load(),
        itself: arguments.itself,
        company: Company::Nobody,
    };
    run_into(&options, Shipper::to_server)
}

/// How an agent runs.
pub struct Options<'a> {
    /// It ends after this time.
    pub duration: Option<units::Duration>,
    /// It takes over from the agent that runs.
    pub replace: Option<Replace>,
    /// It goes on in another process.
    pub detach: bool,
    /// Reads the settings, also again.
    pub load: &'a dyn Fn() -> anyhow::Result<Settings>,
    /// For those who work on Weir.
    pub itself: SelfArgs,
    /// Who else lives in the process.
    pub company: Company,
}

/// The same, and what is seen goes to whoever `ship` returns, for which it is given the settings.
///
/// # Errors
///
/// As for [`run`], and those of `ship`.
pub fn run_into(
    options: &Options<'_>,
    ship: impl FnOnce(&Settings) -> anyhow::Result<Option<Shipper>>,
) -> anyhow::Result<()> {
    let report = match options.detach.then(detach).transpose().context("detaching")? {
        Some(Detached::Starter(true)) => return Ok(()),
        Some(Detached::Starter(false)) => bail!("the agent did not start"),
        Some(Detached::Agent(report)) => Some(report),
        None => None,
    };
    let settings = (options.load)()?;
    let earlier = match options.replace {
        Some(_) => Earlier::find(Path::new(&settings.agent_control()))?,
        None => None,
    };
    if let Some(earlier) = &earlier
        && options.replace == Some(Replace::Changed)
        && earlier.is_same_binary()
    {
        earlier.reload().context("asking the agent to read its settings again")?;
        say(format_args!(
            "the agent that runs (process {}) is of this binary: it reads its settings again",
            earlier.process
        ));
        report.into_iter().for_each(|report| report.send());
        return Ok(());
    }
    // Before rights are given up that it may need.
    let shipper = ship(&settings)?;
    let mut running = Running::prepare(options, settings, earlier.as_ref(), report, shipper.is_some())?;
    if let Some(shipper) = shipper {
        running.ship_by(shipper);
    }
    if let Some(earlier) = earlier {
        running.take_over(earlier)?;
    }
    running.announce();
    let end = options.duration.map(|duration| Duration::from_nanos(duration.0));
    let replaced = running.run(end);
    running.end(replaced);
    Ok(())
}
