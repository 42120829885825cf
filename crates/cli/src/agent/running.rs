//! A running agent: its parts, from their beginning to their end.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use config::Settings;
use model::Nanos;
use probes::{Purpose, rights};

use super::budget::{Budget, Keeper};
use super::command::Options;
use super::control::{Control, NoControl};
use super::detach::Report;
use super::export::{self, Troubles};
use super::figures;
use super::heartbeat::Heart;
use super::http::Endpoint;
use super::meter::Meter;
use super::notify::{self, Moment};
use super::orders::Orders;
use super::reload::{self, Reloads};
use super::seccomp::Filters;
use super::shipper::{self, Shipper};
use super::takeover::{Earlier, Event, Giving, Handed, Listeners, Outcome, Taking};
use super::{Agent, Sink, caution, read_clocks};
use crate::memory::give_back;
use crate::options::{self, Naming};
use crate::requests::command::{seen_by, summary};
use crate::say::say;
use crate::stop::Stop;

/// How often figures about Weir itself are renewed: a scrape may see them so old.
const FIGURES_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked for idle series.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How long an agent that takes over sees everything before it does so: what was under way when it began is over by then, nearly
/// always.
const OVERLAP: Duration = Duration::from_secs(2);
/// How long the other agent may take to hand over.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where receivers cannot be spoken to yet, it is tried again after this time.
const EXPORT_EVERY: Duration = Duration::from_secs(1);

/// All parts.
pub(super) struct Running<'a> {
    options: &'a Options<'a>,
    stop: Stop,
    budget: Budget,
    agent: Agent,
    meter: Meter,
    keeper: Keeper,
    heart: Heart,
    reloads: Reloads,
    /// Nobody has it while another agent still gives metrics out.
    endpoint: Option<Endpoint>,
    control: Option<Control>,
    orders: Orders,
    troubles: Troubles,
    giving: Giving,
    taking: Option<Taking>,
    takeover: Outcome,
    /// Receivers are to be spoken to from then on.
    export_at: Option<Instant>,
    report: Option<Report>,
    told_ready: bool,
    began: Instant,
    renewed: Instant,
    swept: Instant,
}

impl<'a> Running<'a> {
    /// Has everything observe. What an `earlier` agent has is left to it.
    ///
    /// # Errors
    ///
    /// When the address is not to be had, or traffic cannot be seen on this host.
    pub(super) fn prepare(
        options: &'a Options<'a>,
        settings: Settings,
        earlier: Option<&Earlier>,
        report: Option<Report>,
        ships: bool,
    ) -> anyhow::Result<Running<'a>> {
        let (stop, hangup) = Stop::but_not_hangup()?;
        rights::no_new();
        let budget = Budget::of(&settings)?;
        give_back(256 << 10, Some(2));
        let mut meter = Meter::new(reload::limits(&settings, budget.sizes.series), read_clocks());
        // Before the capture, so that an address which is taken is said at once.
        let listen = settings.metrics_listen();
        let theirs = earlier.is_some_and(|earlier| earlier.listens_at(&listen.to_string()));
        let endpoint = if theirs { None } else { Some(offer(listen, &meter)?) };
        let mut control = None;
        if earlier.is_some() {
            export::check(&settings)?;
            if export::wants_spans(&settings) {
                meter.await_exporter();
            }
        } else {
            let exporter = export::start(&settings, meter.state(), meter.first(), budget.sizes.queues)?;
            exporter.into_iter().for_each(|exporter| meter.export_by(exporter));
            control = self::control(&settings)?;
        }
        let mut agent = observe(options, &settings, budget, ships)?;
        if let Some(earlier) = earlier {
            agent.told.nothing(earlier.process);
            agent.pause_sums();
        }
        // Before anybody counts on being seen.
        agent.begin(&meter);
        let keeper =
            Keeper::start(budget.limits, &mut agent, !export::wants_spans(&settings), options.company);
        let reloads = Reloads::new(settings, hangup, budget.sizes);
        let now = Instant::now();
        let mut running = Running {
            options,
            stop,
            budget,
            agent,
            meter,
            keeper,
            heart: Heart::default(),
            reloads,
            endpoint,
            control,
            orders: Orders::default(),
            troubles: Troubles::default(),
            giving: Giving::default(),
            taking: None,
            takeover: Outcome::default(),
            export_at: None,
            report,
            told_ready: false,
            began: now,
            renewed: now,
            swept: now,
        };
        running.renew();
        Ok(running)
    }

    /// Takes over from an agent that is ready for it.
    ///
    /// # Errors
    ///
    /// When that comes to nothing, and the earlier agent goes on.
    pub(super) fn take_over(&mut self, earlier: Earlier) -> anyhow::Result<()> {
        let attached = read_clocks().monotonic;
        let seen = Instant::now();
        while seen.elapsed() < OVERLAP {
            self.look()?;
        }
        let taking = earlier.take_over().context("a thread to take over")?;
        let asked = Instant::now();
        let since = read_clocks().monotonic;
        self.agent.told.hold(since, false, taking.process);
        // From before they were paused: the earlier one has them too.
        self.agent.capture.read_last_sums(drop);
        // The other one looks at all connections now, and what they have moved since then is counted here.
        if let Some(tcp) = &mut self.agent.tcp {
            tcp.look_again();
        }
        taking.begin(attached);
        match self.wait_for(&taking, (since, attached), asked)? {
            Some(handed) => self.go_on_with(*handed)?,
            None => self.go_on_without()?,
        }
        let _ = self.agent.capture.sum_up(true);
        taking.taken();
        self.takeover.took = Some(asked.elapsed().as_secs_f64());
        self.renew();
        self.taking = Some(taking);
        Ok(())
    }

    /// Waits until all is handed over; `None` where the other agent has ended before that.
    fn wait_for(
        &mut self,
        taking: &Taking,
        (since, attached): (Nanos, Nanos),
        asked: Instant,
    ) -> anyhow::Result<Option<Box<Handed>>> {
        let mut agreed = false;
        let why = loop {
            self.look()?;
            match taking.next() {
                Some(Event::Instant(instant)) => {
                    agreed = true;
                    self.tell_from(instant, attached);
                }
                Some(Event::Handed(handed)) => return Ok(Some(handed)),
                Some(Event::Gone(why)) => break why,
                Some(Event::Missed(_)) | None => {}
            }
            ensure!(asked.elapsed() < PATIENCE, "the agent that runs did not hand over in time");
        };
        if Earlier::is_there(Path::new(&self.reloads.settings().agent_control())) {
            bail!("the agent that runs did not hand over, and goes on: {why}");
        }
        say(format_args!("take-over: the earlier agent has ended in the middle of it: {why}"));
        if !agreed {
            self.tell_from(since, attached);
        }
        Ok(None)
    }

    /// Tells from now on what ended, and began, at these times or later.
    fn tell_from(&mut self, ended: Nanos, began: Nanos) {
        let (requests, connections) = self.agent.told.from(ended, began);
        self.meter.write(requests);
        self.meter.connections(connections);
    }

    fn go_on_with(&mut self, handed: Handed) -> anyhow::Result<()> {
        // Counters go on from what they are here by now.
        self.renew();
        let left = self.meter.resume(&handed.carried, handed.first);
        if left > 0 {
            say(format_args!("take-over: {left} series of another version begin anew"));
        }
        self.takeover.complete = 1;
        let settings = self.reloads.settings();
        if let Some(listener) = handed.metrics.filter(|_| self.endpoint.is_none()) {
            let endpoint = Endpoint::go_on(listener, self.meter.state());
            self.endpoint = Some(endpoint.context("going on with the endpoint of metrics")?);
        }
        let listen = settings.metrics_listen();
        if self.endpoint.is_none() {
            self.endpoint = Some(offer(listen, &self.meter)?);
        }
        if let Some(listener) = handed.control {
            let path = settings.agent_control();
            self.control = Some(Control::go_on(listener, Path::new(&path), &listen.to_string())?);
        }
        Ok(())
    }

    fn go_on_without(&mut self) -> anyhow::Result<()> {
        self.takeover.broken_off = 1;
        if self.endpoint.is_none() {
            self.endpoint = Some(offer(self.reloads.settings().metrics_listen(), &self.meter)?);
        }
        self.control = control(self.reloads.settings())?;
        Ok(())
    }

    /// Says that traffic is seen, and what stands in the way of more.
    pub(super) fn announce(&mut self) {
        if let Some(endpoint) = &self.endpoint {
            say(ready(&self.agent, endpoint.address()));
        }
        let report = self.agent.capture().report();
        if let Some(caution) = caution(report) {
            say(caution);
        }
        for missing in report.host.missing_rights() {
            say(format_args!("caution: {missing} is missing: {}", missing.missing));
        }
        if self.taking.is_none() {
            self.is_ready();
        }
    }

    fn is_ready(&mut self) {
        if std::mem::replace(&mut self.told_ready, true) {
            return;
        }
        notify::tell(Moment::Ready);
        self.report.take().into_iter().for_each(Report::send);
    }

    /// Goes on until it is told to stop, or for so long; or until another agent has taken over, whose process is returned.
    pub(super) fn run(&mut self, lasts: Option<Duration>) -> Option<u32> {
        self.began = Instant::now();
        while !self.stop.is_set() && lasts.is_none_or(|lasts| self.began.elapsed() < lasts) {
            let replaced = self.turn();
            if replaced.is_some() {
                return replaced;
            }
        }
        None
    }

    fn turn(&mut self) -> Option<u32> {
        self.agent.observe(&self.meter);
        self.keeper.look(&mut self.agent, self.meter.exporter());
        self.keeper.tell();
        let obeyed = self
            .control
            .as_ref()
            .is_some_and(|control| self.orders.obey(control, &mut self.agent, &self.meter));
        let reloaded = self.export_at.is_none()
            && self.reloads.go_on(|| (self.options.load)(), &mut self.agent, &mut self.meter);
        if reloaded {
            self.keeper.renew(&mut self.agent, self.meter.exporter(), self.meter.is_lean());
        }
        let taken = self.finish_take_over();
        let now = Instant::now();
        if now - self.swept >= SWEEP_EVERY {
            self.swept = now;
            self.meter.sweep(read_clocks().monotonic);
        }
        if obeyed || reloaded || taken || now - self.renewed >= FIGURES_EVERY {
            self.renewed = now;
            self.renew();
            self.meter.exporter().into_iter().for_each(|exporter| self.troubles.tell(exporter));
        }
        self.hand_over()
    }

    /// Hands over, where another agent wants to take over. Returns its process once it has.
    fn hand_over(&mut self) -> Option<u32> {
        // One that is taking over itself finishes that first.
        let control = self.control.as_ref().filter(|_| self.taking.is_none() && self.export_at.is_none());
        let wish = control.and_then(Control::wish);
        let listeners = || Listeners {
            metrics: self.endpoint.as_ref().and_then(|endpoint| endpoint.socket().ok()),
            control: self.control.as_ref().and_then(|control| control.socket().ok()),
        };
        let renew = |agent: &Agent| {
            let endpoint = self.endpoint.as_ref();
            figures::renew((agent, &self.keeper), &self.meter, endpoint, &self.reloads, &self.takeover);
        };
        self.giving.go_on(wish, &mut self.agent, &self.meter, renew, listeners)
    }

    /// What an agent does that has taken over, until the earlier one has ended. True when something changed.
    fn finish_take_over(&mut self) -> bool {
        let event = self.taking.as_ref().and_then(Taking::next);
        let happened = event.is_some();
        match (event, &self.taking) {
            (Some(Event::Missed(missed)), Some(taking)) => {
                self.takeover.missed = missed + self.agent.told.take_lost();
                let took = self.takeover.took.unwrap_or_default();
                say(format_args!(
                    "took over from process {} within {took:.2} s: {} requests that were under way are told by neither",
                    taking.process, self.takeover.missed
                ));
                self.is_ready();
            }
            (Some(Event::Gone(_)), _) => {
                // What it said last is in the rings.
                self.agent.drain(&self.meter);
                self.agent.told.alone();
                self.taking = None;
                self.export_at = Some(Instant::now());
                self.is_ready();
            }
            _ => {}
        }
        self.start_export();
        happened
    }

    /// Speaks to receivers, since the earlier agent does not do so any more.
    fn start_export(&mut self) {
        if self.export_at.is_none_or(|at| Instant::now() < at) {
            return;
        }
        let queues = self.budget.sizes.queues;
        match export::start(self.reloads.settings(), self.meter.state(), self.meter.first(), queues) {
            Ok(exporter) => {
                self.export_at = None;
                exporter.into_iter().for_each(|exporter| self.meter.export_by(exporter));
                self.keeper.renew(&mut self.agent, self.meter.exporter(), self.meter.is_lean());
            }
            Err(error) => {
                say(format_args!("otlp: {error:#}; it is tried again"));
                self.export_at = Some(Instant::now() + EXPORT_EVERY);
            }
        }
    }

    /// Observes for a moment without any of what others see of an agent.
    fn look(&mut self) -> anyhow::Result<()> {
        ensure!(!self.stop.is_set(), "told to stop before it took over");
        self.agent.observe(&self.meter);
        self.keeper.look(&mut self.agent, None);
        Ok(())
    }

    /// Has requests and connections kept in a store from now on.
    pub(super) fn ship_by(&mut self, shipper: Shipper) {
        self.meter.ship_by(shipper);
        self.keeper.renew(&mut self.agent, self.meter.exporter(), self.meter.is_lean());
    }

    fn renew(&mut self) {
        if let Some(shipper) = self.meter.shipper()
            && let Some(beat) = self.heart.beat(&self.agent, &self.keeper)
        {
            shipper.beat(beat);
        }
        let parts = (&self.agent, &self.keeper);
        figures::renew(parts, &self.meter, self.endpoint.as_ref(), &self.reloads, &self.takeover);
    }

    /// Ends all parts, and says what there was. Where it was `replaced`, what another agent goes on with is left to it.
    pub(super) fn end(mut self, replaced: Option<u32>) {
        let lasted = self.began.elapsed();
        match replaced {
            Some(by) => {
                notify::tell(Moment::Replaced(by));
                say(format_args!("handed over to process {by}"));
            }
            None => {
                notify::tell(Moment::Stopping);
                self.giving.give_up(&mut self.agent, &self.meter);
                self.agent.end(&self.meter);
                self.renew();
            }
        }
        self.endpoint.take().into_iter().for_each(Endpoint::stop);
        match (self.control.take(), replaced) {
            (Some(control), Some(_)) => control.leave(),
            (Some(control), None) => control.stop(),
            (None, _) => {}
        }
        let (exporter, shipper) = self.meter.finish();
        if let Some(shipper) = shipper {
            say(shipper::summary(&shipper.stop()));
        }
        if let Some(exporter) = exporter {
            say(export::summary(exporter.stop()));
        }
        self.reloads.finish();
        if let Some(summary) = self.keeper.summary(&self.agent) {
            say(summary);
        }
        let counters = self.agent.analyzer().counters();
        say(summary(lasted, counters.requests, 0, self.agent.capture().losses(), counters));
        // Only now is the other agent alone.
        drop(self.giving);
    }
}

/// Loads the programs, and gives up what only that needs.
///
/// Requests are joined to traces where they go into a store: that is who tells them.
fn observe(how: &Options<'_>, settings: &Settings, budget: Budget, ships: bool) -> anyhow::Result<Agent> {
    let protocols = if ships { options::protocols_of_traces } else { options::protocols };
    let config = requests::Config { protocols: protocols(settings), traces: ships, ..Default::default() };
    let config = budget.fit_analysis(config);
    let capture = budget.fit_capture(settings, options::capture(settings, how.itself));
    let capture = probes::Config { facts: settings.metrics_connections(), ..capture };
    let mut agent = Agent::start(&capture, config, Naming::of(settings))?;
    budget.fit_agent(&mut agent);
    // What another network namespace is entered with is raised for that moment only.
    rights::keep(rights::RUNNING, &[rights::SYS_ADMIN]).context("giving up rights")?;
    if settings.agent_seccomp()
        && let Err(error) = Filters::new()?.apply(how.company)
    {
        say(format_args!("caution: this kernel has no filters of system calls: {error}"));
    }
    Ok(agent)
}

fn offer(listen: SocketAddr, meter: &Meter) -> anyhow::Result<Endpoint> {
    Endpoint::start(listen, meter.state()).with_context(|| format!("cannot listen at {listen}"))
}

/// The socket for control. An agent that cannot have one does without.
///
/// # Errors
///
/// When another agent has it: two would count everything twice.
fn control(settings: &Settings) -> anyhow::Result<Option<Control>> {
    match Control::start(Path::new(&settings.agent_control()), &settings.metrics_listen().to_string()) {
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
