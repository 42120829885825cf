//! `weir programs`: the kernel programs of the running agent, and a switch for them.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use probes::{Capture, CountRuns};

use crate::agent::programs::Programs;
use crate::options::{self, SelfArgs};
use crate::say::{answer, say};
use crate::settings::{Host, SettingsArgs};
use crate::units;

/// Arguments of `weir programs`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    switch: Option<Switch>,
    /// Write lines of JSON.
    #[arg(long)]
    json: bool,
    /// Watch how they run for so long (1s to 60s): the kernel counts runs only where it is told to.
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration, conflicts_with = "load")]
    sample: Option<units::Duration>,
    /// Load them, list them and unload them again, whether or not an agent runs.
    #[arg(long)]
    load: bool,
    /// What is set.
    #[command(flatten)]
    settings: SettingsArgs<Host>,
}

#[derive(Debug, Subcommand)]
enum Switch {
    /// Detaches a program of the running agent, and those that it makes no sense without. It lasts until the agent ends.
    Off(Named),
    /// Attaches them again.
    On(Named),
}

#[derive(Debug, Args)]
struct Named {
    /// A unit (bytes, udp, connections), or a program of one.
    name: String,
    /// What is set.
    #[command(flatten)]
    settings: SettingsArgs<Host>,
}

const EXAMPLES: &str = "\
Examples:
  weir programs               the programs of the running agent
  weir programs --sample 5s   how often each runs, and for how long
  weir programs off udp       no more datagrams, until `weir programs on udp`";

/// Longer than the agent takes.
const PATIENCE: Duration = Duration::from_secs(40);
/// The longest answer: some thirty lines.
const MOST_ANSWER: u64 = 1 << 20;

/// Asks the agent, and prints what it says.
///
/// # Errors
///
/// When no agent answers, or it cannot do what it was asked for.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let named = |named: &Named, word| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        ensure!(named.name.chars().all(plain), "there is no unit or program {:?}", named.name);
        let request = format!("POST /programs/{}/{word} HTTP/1.0\r\n\r\n", named.name);
        Ok(answer(&ask(&named.settings.load()?.agent_control(), &request, PATIENCE)?)?)
    };
    match &arguments.switch {
        Some(Switch::Off(off)) => return named(off, "off"),
        Some(Switch::On(on)) => return named(on, "on"),
        None => {}
    }
    let settings = arguments.settings.load()?;
    if arguments.load {
        let config = probes::Config { facts: true, ..options::capture(&settings, SelfArgs::default()) };
        let capture = Capture::start(&config)?;
        return Ok(answer(&Programs::of(&capture)?.shown(arguments.json, None))?);
    }
    let form = if arguments.json { "application/x-ndjson" } else { "text/plain" };
    let seconds = arguments.sample.map(|sample| sample.0.div_ceil(1_000_000_000));
    let counting = arguments.sample.and_then(|_| count_runs());
    let query = seconds.map_or_else(String::new, |seconds| format!("?sample={seconds}"));
    let request = format!("GET /programs{query} HTTP/1.0\r\nAccept: {form}\r\n\r\n");
    let patience = PATIENCE + Duration::from_secs(seconds.unwrap_or(0));
    let told = ask(&settings.agent_control(), &request, patience)?;
    drop(counting);
    Ok(answer(&told)?)
}

/// Has the kernel count runs for a while. Where it may not be told to, somebody else may have done so.
fn count_runs() -> Option<CountRuns> {
    CountRuns::begin()
        .inspect_err(|error| {
            say(format_args!(
                "caution: the kernel does not count runs for us ({error}); as root `sysctl kernel.bpf_stats_enabled=1` has it do so"
            ));
        })
        .ok()
}

/// Asks the agent whose socket is at `path`.
fn ask(path: &str, request: &str, patience: Duration) -> anyhow::Result<String> {
    let connected = UnixStream::connect(Path::new(path));
    let mut agent = connected.with_context(|| {
        format!("no agent answers at {path}: is `weir agent` running, and may you use its socket? (`--load` does without)")
    })?;
    agent.set_read_timeout(Some(patience))?;
    agent.set_write_timeout(Some(patience))?;
    agent.write_all(request.as_bytes()).context("asking the agent")?;
    let mut told = Vec::new();
    agent.take(MOST_ANSWER).read_to_end(&mut told).context("waiting for the agent")?;
    let told = String::from_utf8_lossy(&told);
    let (head, body) = told.split_once("\r\n\r\n").context("the agent did not answer")?;
    if head.split(' ').nth(1) != Some("200") {
        bail!("{}", body.trim_end());
    }
    Ok(body.to_owned())
}
