//! The command.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use store::Store;

use crate::say::say;
use crate::stop::Stop;

/// How often it is looked for the wish to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Arguments of `weir server`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Where the page and the API are; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7400")]
    pub listen: SocketAddr,
    /// The folder of the store; it is made where there is none.
    #[arg(long, value_name = "FOLDER", default_value = "/var/lib/weir/store")]
    pub store: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  weir server                                   answers at http://127.0.0.1:7400
  weir server --store /srv/weir/store           with the store in another folder";

/// Runs until it is told to stop.
///
/// # Errors
///
/// When the store cannot be opened, or an address is not to be had.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let stop = Stop::on_signals()?;
    let server = start(&arguments.store, arguments.listen)?;
    say(format_args!("ready: http://{}; Ctrl-C ends", server.address()));
    while !stop.is_set() {
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Opens the store and begins to answer.
pub(crate) fn start(folder: &std::path::Path, listen: SocketAddr) -> anyhow::Result<server::Server> {
    std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let (store, opening) = Store::open(folder, store::Config::default())
        .with_context(|| format!("opening the store {}", folder.display()))?;
    opening.damaged.iter().for_each(|damaged| say(format_args!("damaged: {damaged}")));
    let config =
        server::Config { listen, limits: server::api::Limits::default(), version: env!("CARGO_PKG_VERSION") };
    server::Server::start(Arc::new(store), &config).with_context(|| format!("listening at {listen}"))
}
