//! Settings read again while the agent runs: what can change does, and the rest is named.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::budget::Sizes;
use config::Settings;
use otlp::Exporter;
use signals::Limits;

use super::meter::Meter;
use super::{Agent, export, read_clocks};
use crate::options;
use crate::say::say;

/// Processes that are read anew between two drains.
const READ_AT_ONCE: usize = 64;

/// The settings in force, and how often they were read again.
pub(super) struct Reloads {
    settings: Settings,
    wanted: Arc<AtomicBool>,
    /// What the budget has room for.
    sizes: Sizes,
    /// Processes that go by names of earlier rules.
    unnamed: Vec<u32>,
    /// The exporter that is about to end, what it was, and its thread.
    ending: Vec<std::thread::JoinHandle<()>>,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    /// What was read last is in force.
    pub(super) is_in_force: bool,
    /// When the settings in force were read: wall clock.
    pub(super) at: u64,
}

impl Reloads {
    /// Settings that were read just now; `wanted` is set when they are to be read again.
    pub(super) fn new(settings: Settings, wanted: Arc<AtomicBool>, sizes: Sizes) -> Reloads {
        let at = read_clocks().wall;
        Reloads {
            settings,
            wanted,
            sizes,
            unnamed: Vec::new(),
            ending: Vec::new(),
            succeeded: 0,
            failed: 0,
            is_in_force: true,
            at,
        }
    }

    /// Those in force.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Reads settings again where that is wanted, and goes on with what takes a while. True when they were read.
    pub(super) fn go_on(
        &mut self,
        read: impl FnOnce() -> anyhow::Result<Settings>,
        agent: &mut Agent,
        meter: &mut Meter,
    ) -> bool {
        self.name_some(agent);
        if !self.wanted.swap(false, Ordering::Relaxed) {
            return false;
        }
        match read().and_then(|settings| self.apply(settings, agent, meter)) {
            Ok(said) => {
                (self.succeeded, self.is_in_force, self.at) = (self.succeeded + 1, true, read_clocks().wall);
                say(format_args!("reload: {said}"));
            }
            Err(error) => {
                (self.failed, self.is_in_force) = (self.failed + 1, false);
                say(format_args!("reload: all is as before: {error:#}"));
            }
        }
        true
    }

    /// Goes by new settings; says which changed.
    ///
    /// # Errors
    ///
    /// When receivers cannot be spoken to as they are set. Nothing is changed then.
    fn apply(&mut self, new: Settings, agent: &mut Agent, meter: &mut Meter) -> anyhow::Result<String> {
        let changes = Settings::changes(&self.settings, &new);
        let is_changed = |path: &str| changes.iter().any(|change| change.key.path == path);
        // The only one that can fail comes first. Where nothing else changed, certificates may have.
        let needs_restart = self.renew_exporter(&new, is_changed("otlp"), meter)?;
        meter.exporter().into_iter().for_each(|exporter| exporter.sample_by(export::sampling(&new)));
        meter.set_limits(limits(&new, self.sizes.series));
        agent.analyzer.set_protocols(options::protocols(&new));
        if is_changed("services") {
            self.unnamed = agent.analyzer.processes_mut().set_config(options::names(&new));
        }
        let named = |restart: bool| {
            let changes = changes.iter().filter(|change| change.needs_restart == restart);
            changes.map(|change| change.key.path).collect::<Vec<_>>()
        };
        let (mut applied, mut left) = (named(false), named(true));
        if needs_restart {
            applied.retain(|path| *path != "otlp");
            left.push("otlp");
        }
        let mut said = if applied.is_empty() {
            "nothing changed".to_owned()
        } else {
            format!("in force: {}", applied.join(", "))
        };
        if !left.is_empty() {
            said += &format!("; needs a restart: {}", left.join(", "));
        }
        self.settings = new;
        Ok(said)
    }

    /// Makes the exporter anew, so that it goes by other receivers and reads certificates again. True where only a restart can do that.
    fn renew_exporter(&mut self, new: &Settings, changed: bool, meter: &mut Meter) -> anyhow::Result<bool> {
        let has_spool = |settings: &Settings| settings.otlp().iter().any(|rule| rule.get("spool").is_some());
        if !changed && new.otlp().is_empty() {
            return Ok(false);
        }
        // Two cannot write to one folder, and the earlier one ends later.
        if has_spool(new) || has_spool(&self.settings) {
            return Ok(changed);
        }
        let exporter = export::start(new, meter.state(), meter.first(), self.sizes.queues)?;
        if let Some(earlier) = meter.replace_exporter(exporter) {
            self.end(earlier);
        }
        Ok(false)
    }

    /// Lets an exporter send what it has, on a thread: the rings must not wait.
    fn end(&mut self, exporter: Exporter) {
        self.ending.retain(|ending| !ending.is_finished());
        let end = move || {
            super::step_back(&[]);
            say(format_args!("until the reload: {}", export::summary(exporter.stop())));
        };
        // Without a thread it is dropped, which ends it too.
        self.ending.extend(std::thread::Builder::new().name("weir-reload".into()).spawn(end));
    }

    /// Waits for exporters that are about to end.
    pub(super) fn finish(self) {
        for ending in self.ending {
            // One that failed has nothing more to say.
            let _ = ending.join();
        }
    }

    /// Reads some processes anew; once all are, whatever is open goes by their names.
    fn name_some(&mut self, agent: &mut Agent) {
        if self.unnamed.is_empty() {
            return;
        }
        let from = self.unnamed.len().saturating_sub(READ_AT_ONCE);
        for pid in self.unnamed.drain(from..) {
            agent.analyzer.processes_mut().read_again(pid);
        }
        if self.unnamed.is_empty() {
            agent.analyzer.rename();
            if let Some(tcp) = &mut agent.tcp {
                tcp.connections.rename(agent.analyzer.processes());
            }
        }
    }
}

/// The bounds of series, as they are set.
pub(super) fn limits(settings: &Settings, most_series: u64) -> Limits {
    let series = settings.metrics_max_series().min(most_series) as usize;
    Limits { series, idle: settings.metrics_series_idle().0 }
}
