//! The command.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context as _;
use clap::Args;
use config::Settings;
use server::Server;

use super::glance::Glancing;
use crate::agent::command::{Options, run_into};
use crate::agent::company::Company;
use crate::agent::shipper::{self, Shipper};
use crate::options::SelfArgs;
use crate::settings::{SettingsArgs, Up};
use crate::units;

/// Arguments of `weir up`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// End after this time (such as 10s; a bare number is seconds).
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration)]
    pub duration: Option<units::Duration>,
    /// What is set.
    #[command(flatten)]
    pub settings: SettingsArgs<Up>,
    /// For those who work on Weir.
    #[command(flatten)]
    pub itself: SelfArgs,
}

const EXAMPLES: &str = "\
Examples:
  weir up                                 see this host at http://127.0.0.1:7400, its metrics at :7401/metrics
  weir up --store /srv/weir/store         with the store in another folder
  weir services                           in another terminal: what there is";

/// Runs until it is told to stop.
///
/// # Errors
///
/// When the store cannot be opened, an address is not to be had, or traffic cannot be seen on this host.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut glancing = None;
    let mut opened = None;
    let options = Options {
        duration: arguments.duration,
        replace: None,
        detach: false,
        load: &|| arguments.settings.load(),
        itself: arguments.itself,
        company: Company::Server,
    };
    let result = run_into(&options, |settings| {
        let server = Arc::new(open(settings)?);
        let shipper = Shipper::into_store(shipper::host(settings), server.intake().clone())
            .context("a thread that makes rows")?;
        glancing = Some(Glancing::start(server.clone())?);
        opened = Some(server);
        Ok(Some(shipper))
    });
    // The server ends after what the agent saw last has gone into its store.
    drop(glancing);
    drop(opened);
    result
}

/// Opens the server within a thread that has given up what only the agent needs; its own threads have no more.
fn open(settings: &Settings) -> anyhow::Result<Server> {
    let settings = settings.clone();
    let opening: JoinHandle<anyhow::Result<Server>> = std::thread::Builder::new()
        .name("server-open".into())
        .spawn(move || {
            crate::agent::give_up_rights();
            crate::server::open(&settings)
        })
        .context("a thread")?;
    opening.join().map_err(|_| anyhow::anyhow!("the server could not be started"))?
}
