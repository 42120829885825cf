//! `weir doctor`: what this kernel allows, what Weir uses of it, and what is missing.

use clap::Args;
use probes::{Capture, Error, Purpose, Report};

use crate::agent::{caution, present};
use crate::identity;
use crate::options::{self, SelfArgs};
use crate::say::answer;
use crate::settings::{Host, SettingsArgs};

/// Arguments of `weir doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What is set.
    #[command(flatten)]
    pub settings: SettingsArgs<Host>,
    /// For those who work on Weir.
    #[command(flatten)]
    pub itself: SelfArgs,
}

/// Loads, attaches and fires the programs once, and prints what was found.
///
/// # Errors
///
/// When Weir cannot work on this host; the text says what to do.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let settings = arguments.settings.load()?;
    let host_id = host_id(identity::look(&settings));
    let budget = present::describe(&settings)?;
    let config = probes::Config { facts: true, ..options::capture(&settings, arguments.itself) };
    match Capture::start(&config) {
        Ok(capture) => {
            let mut text = describe(capture.report(), &host_id);
            text.push_str("\nPrograms\n");
            for program in capture.programs() {
                let (name, verified) = (program.name, program.verified_instructions);
                text.push_str(&format!("  {name:<20} {verified:>7} instructions verified\n"));
            }
            text.push_str(&budget);
            if let Some(caution) = caution(capture.report()) {
                text.push_str(&format!("\n{caution}\n"));
            }
            text.push_str("\nWeir can see the requests of this host: `weir requests` shows them, and\n`weir connections` how the connections fare.\n");
            Ok(answer(&text)?)
        }
        Err(Error::NoBackend { report }) => {
            answer(&(describe(&report, &host_id) + "\n"))?;
            Err(Error::NoBackend { report }.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The identity, and why it is that.
fn host_id(identity: Option<identity::Identity>) -> String {
    identity.map_or_else(
        || "none yet: neither machine id nor board are known, so the agent will throw one".into(),
        |identity| {
            let caution = identity.caution.map(|caution| format!("\n    caution: {caution}"));
            format!("{} ({}){}", identity.id, identity.origin, caution.unwrap_or_default())
        },
    )
}

/// Host, purposes with what serves them and what was tried, and what will not be seen.
fn describe(report: &Report, host_id: &str) -> String {
    use std::fmt::Write;

    let mut out = String::new();
    let host = &report.host;
    let yes = |fact| if fact { "yes" } else { "no" };
    // Writing to a string does not fail.
    let _ = writeln!(out, "Host");
    let _ = writeln!(out, "  kernel               {}", host.release);
    let _ = writeln!(out, "  host.id              {host_id}");
    let _ = writeln!(out, "  type information     {} (/sys/kernel/btf/vmlinux)", yes(host.has_btf));
    let _ = writeln!(out, "  rights to load eBPF  {}", yes(host.may_load_programs()));
    for missing in host.missing_rights() {
        let _ = writeln!(out, "  {:<20} missing: {}", missing.to_string(), missing.missing);
    }
    if let Some(lockdown) = &host.lockdown {
        let _ =
            writeln!(out, "  kernel lockdown      {} (confidentiality mode forbids eBPF)", lockdown.trim());
    }
    for purpose in Purpose::ALL {
        let attempts: Vec<_> = report.attempts.iter().filter(|a| a.purpose == purpose).collect();
        if attempts.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{}", capitalised(purpose.as_str()));
        for attempt in attempts {
            let verdict = match &attempt.failure {
                None => "in use",
                Some(failure) => failure,
            };
            let _ = writeln!(out, "  {:<11} {verdict}", attempt.backend.as_str());
        }
        for spot in report.blind_spots(purpose) {
            let _ = writeln!(out, "  not seen    {spot}");
        }
    }
    out
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
