//! The command.

use std::time::Duration;

use clap::Args;

use super::open;
use crate::say::say;
use crate::settings::{Serving, SettingsArgs};
use crate::stop::Stop;

/// How often it is looked for the wish to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Arguments of `weir server`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What is set.
    #[command(flatten)]
    pub settings: SettingsArgs<Serving>,
}

const EXAMPLES: &str = "\
Examples:
  weir server                                answers at http://127.0.0.1:7400, takes OpenTelemetry at 4317 and 4318
  weir server --store /srv/weir/store        with the store in another folder
  weir server --server-listen 10.0.0.5:7400 --tls-cert server.pem --tls-key server.key
                                             for other hosts: `weir token create` tells who may ask";

/// Runs until it is told to stop.
///
/// # Errors
///
/// When the store cannot be opened, or an address is not to be had.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let stop = Stop::on_signals()?;
    crate::memory::give_back(1 << 20, None);
    let server = open(&arguments.settings.load()?)?;
    for address in server.addresses() {
        say(format_args!("ready: {}; Ctrl-C ends", super::opening::url(*address)));
    }
    while !stop.is_set() {
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
