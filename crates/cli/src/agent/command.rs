//! `weir agent`: metrics of this host's requests and connections, for as long as it runs.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use config::Settings;
use otlp::Exporter;
use probes::{Purpose, rights};

use super::budget::{self, Budget, Keeper};
use super::control::{Control, NoControl};
use super::export::{self, Troubles};
use super::figures;
use super::http::Endpoint;
use super::meter::Meter;
use super::notify::{self, Moment};
use super::orders::Orders;
use super::reload::{self, Reloads};
use super::seccomp::Filters;
use super::{Agent, caution, read_clocks};
use crate::options::{self, Naming, SelfArgs};
use crate::requests::command::{seen_by, summary};
use crate::say::say;
use crate::settings::{Observing, SettingsArgs};
use crate::stop::Stop;
use crate::units;

/// How often figures about Weir itself are renewed: a scrape may see them so old.
const FIGURES_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked for idle series.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Arguments of `weir agent`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// End after this time (such as 10s; a bare number is seconds).
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration)]
    pub duration: Option<units::Duration>,
    /// What is set.
    #[command(flatten)]
    pub settings: SettingsArgs<Observing>,
    /// For those who work on Weir.
    #[command(flatten)]
    pub itself: SelfArgs,
}

const EXAMPLES: &str = "\
Examples:
  weir agent                              metrics at http://127.0.0.1:7401/metrics
  weir agent --listen 0.0.0.0:7401        the same for other hosts: whoever reaches the port may read them";

/// Runs until it is told to stop.
///
/// # Errors
///
/// When the address is not to be had, or traffic cannot be seen on this host.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let settings = arguments.settings.load()?;
    let (stop, hangup) = Stop::but_not_hangup()?;
    rights::no_new();
    let budget = Budget::of(&settings)?;
    budget::spare_memory();
    let limits = reload::limits(&settings, budget.sizes.series);
    let mut meter = Meter::new(limits, read_clocks().monotonic);
    // Before the capture, so that an address which is taken is said at once.
    let listen = settings.metrics_listen();
    let endpoint =
        Endpoint::start(listen, meter.state()).with_context(|| format!("cannot listen at {listen}"))?;
    if let Some(exporter) = export::start(&settings, meter.state(), budget.sizes.queues)? {
        meter.export_by(exporter);
    }
    let control = control(&settings)?;
    let config = requests::Config { protocols: options::protocols(&settings), ..Default::default() };
    let config = budget.fit_analysis(config);
    let capture = budget.fit_capture(&settings, options::capture(&settings, arguments.itself));
    let capture = probes::Config { facts: settings.metrics_connections(), ..capture };
    let mut agent = Agent::start(&capture, config, Naming::of(&settings))?;
    budget.fit_agent(&mut agent);
    // What another network namespace is entered with is raised for that moment only.
    rights::keep(rights::RUNNING, &[rights::SYS_ADMIN]).context("giving up rights")?;
    if settings.agent_seccomp()
        && let Err(error) = Filters::new()?.apply()
    {
        say(format_args!("caution: this kernel has no filters of system calls: {error}"));
    }
    // Before anybody counts on being seen.
    agent.begin(&meter);
    let mut keeper =
        Keeper::start(budget.limits, &mut agent, !meter.exporter().is_some_and(Exporter::has_spans));
    let mut reloads = Reloads::new(settings, hangup, budget.sizes);
    figures::renew(&agent, &keeper, &meter, &endpoint, &reloads);
    say(ready(&agent, endpoint.address()));
    if let Some(caution) = caution(agent.capture().report()) {
        say(caution);
    }
    for missing in agent.capture().report().host.missing_rights() {
        say(format_args!("caution: {missing} is missing: {}", missing.missing));
    }
    notify::tell(Moment::Ready);
    let began = Instant::now();
    let end = arguments.duration.map(|duration| began + Duration::from_nanos(duration.0));
    let (mut renewed, mut swept) = (began, began);
    let mut troubles = Troubles::default();
    let mut orders = Orders::default();
    while !stop.is_set() && end.is_none_or(|end| Instant::now() < end) {
        agent.observe(&meter);
        keeper.look(&mut agent, meter.exporter());
        keeper.tell();
        let changed = control.as_ref().is_some_and(|control| orders.obey(control, &mut agent, &meter));
        let reloaded = reloads.go_on(|| arguments.settings.load(), &mut agent, &mut meter);
        if reloaded {
            keeper.renew(&mut agent, meter.exporter());
        }
        let changed = changed || reloaded;
        let now = Instant::now();
        if now - swept >= SWEEP_EVERY {
            swept = now;
            meter.sweep(read_clocks().monotonic);
        }
        if changed || now - renewed >= FIGURES_EVERY {
            renewed = now;
            figures::renew(&agent, &keeper, &meter, &endpoint, &reloads);
            meter.exporter().into_iter().for_each(|exporter| troubles.tell(exporter));
        }
    }
    let lasted = began.elapsed();
    notify::tell(Moment::Stopping);
    agent.end(&meter);
    figures::renew(&agent, &keeper, &meter, &endpoint, &reloads);
    endpoint.stop();
    control.into_iter().for_each(Control::stop);
    if let Some(exporter) = meter.finish() {
        say(export::summary(exporter.stop()));
    }
    reloads.finish();
    if let Some(summary) = keeper.summary(&agent) {
        say(summary);
    }
    let counters = agent.analyzer().counters();
    say(summary(lasted, counters.requests, 0, agent.capture().losses(), counters));
    Ok(())
}

/// The socket for control. An agent that cannot have one does without.
///
/// # Errors
///
/// When another agent has it: two would count everything twice.
fn control(settings: &Settings) -> anyhow::Result<Option<Control>> {
    match Control::start(Path::new(&settings.agent_control())) {
        Ok(control) => Ok(Some(control)),
        Err(NoControl::Impossible(error)) => {
            say(format_args!("caution: `weir programs` will not reach this agent: {error:#}"));
            Ok(None)
        }
        Err(taken) => Err(taken.into()),
    }
}

/// The line that says that capture runs, and where its metrics are.
fn ready(agent: &Agent, address: SocketAddr) -> String {
    let report = agent.capture().report();
    let seen = seen_by(report.chosen(Purpose::TcpSent), report.chosen(Purpose::Received));
    format!("ready: metrics at http://{address}/metrics, {seen}; Ctrl-C ends")
}
