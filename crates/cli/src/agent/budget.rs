//! The budget of `weir agent`: what it uses is read several times a second, and what would be too much is left out.

use std::fs;
use std::time::{Duration, Instant};

use ::budget::{Cause, Change, Controller, Host, Level, Limits, Reading, Sizes, Stage, plan};
use config::Settings;
use model::Endpoint;
use model::event::Event;
use model::sums::Summed;
use model::tcp::Moment;
use otlp::Exporter;
use probes::{Account, Memory, Share};

use super::company::Company;
use super::{Agent, figures, read_clocks};
use crate::say::say;
use crate::units;

/// Between two readings.
const EVERY: Duration = Duration::from_millis(100);
/// The same while nothing happens that could cost anything.
const QUIET_EVERY: Duration = Duration::from_secs(1);
/// What is left out is told no more often.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// Memory is given back to the kernel no more often, where there is little left.
const TRIM_EVERY: Duration = Duration::from_secs(5);
/// The same for memory, which changes less fast.
const MEMORY_EVERY: Duration = Duration::from_millis(500);
/// Processors that the process takes with next to nothing to do.
const QUIET: f64 = 0.01;
/// The part of the memory from which on it is given back.
const LITTLE_LEFT: f64 = 0.85;
/// Of the host's processors, where nothing else is set.
const DEFAULT_PART: f64 = 0.1;
/// Bytes that wait for a server of Weir, where there is memory for them: what is more goes into the spool.
const SERVER_QUEUE: u64 = 4 << 20;
/// The most by default.
const DEFAULT_MOST: f64 = 1.0;

/// Processors that are online.
fn processors() -> usize {
    probes::processors()
}

/// What may be used, and what follows from it.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// What may be used.
    pub limits: Limits,
    /// How large everything may become; what waits to be sent without what waits for a server of Weir.
    pub sizes: Sizes,
    /// Bytes of batches that may wait in memory for a server of Weir; none where no server is set.
    pub server_queue: u64,
}

impl Budget {
    /// As it is set.
    ///
    /// # Errors
    ///
    /// Where it is too little to work with: says what would be enough.
    pub fn of(settings: &Settings) -> anyhow::Result<Budget> {
        let host = processors();
        let default = (host as f64 * DEFAULT_PART).min(DEFAULT_MOST);
        let cpu = settings.budget_max_cpu().map_or(default, |cpu| cpu.of(host));
        let memory = settings.budget_max_memory().0;
        let rings = u64::from(probes::Config::default().ring_bytes);
        let mut sizes = plan(memory, Host { processors: host, rings }).map_err(|too_little| {
            anyhow::anyhow!(
                "budget.max_memory: {} is too little on this host: it takes {} at least",
                units::Size(memory).exact(),
                units::Size(too_little.least).exact()
            )
        })?;
        let server_queue = match (settings.agent_server(), settings.otlp().is_empty()) {
            (None, _) => 0,
            (Some(_), true) => sizes.queues.min(SERVER_QUEUE),
            // Half of it is for all other receivers together.
            (Some(_), false) => (sizes.queues / 2).min(SERVER_QUEUE),
        };
        sizes.queues -= server_queue;
        Ok(Budget { limits: Limits { cpu, memory }, sizes, server_queue })
    }

    /// Sizes of the kernel side. What is set by hand holds.
    pub fn fit_capture(&self, settings: &Settings, capture: probes::Config) -> probes::Config {
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let ring_bytes = match settings.capture_ring() {
            Some(_) => capture.ring_bytes,
            None => number(self.sizes.rings),
        };
        let sums = number(self.sizes.sums);
        probes::Config { ring_bytes, hash_entries: number(self.sizes.sockets), sums, ..capture }
    }

    /// Sizes of the analysis.
    pub fn fit_analysis(&self, analysis: requests::Config) -> requests::Config {
        let connections = streams::Limits {
            connections: self.sizes.connections.min(analysis.connections.connections as u64) as usize,
            ..analysis.connections
        };
        let most_held = self.sizes.held.min(analysis.most_held as u64) as usize;
        requests::Config { connections, most_held, ..analysis }
    }

    /// Sizes of what an agent keeps of TCP, before it begins.
    pub fn fit_agent(&self, agent: &mut Agent) {
        if let Some(tcp) = &mut agent.tcp {
            tcp.keep_at_most(self.sizes.tcp as usize);
        }
    }
}

/// What the agent notes of connections that are left out.
#[derive(Debug)]
pub(super) struct LeftOut {
    share: Share,
    opened: u64,
}

impl Default for LeftOut {
    fn default() -> Self {
        LeftOut { share: Share::ALL, opened: 0 }
    }
}

impl LeftOut {
    /// Counts a connection that begins unseen. It is told, with its beginning, when it is first found.
    pub(super) fn note(&mut self, event: &Event<'_>) {
        if self.share != Share::ALL
            && let Event::Tcp(tcp) = event
            && tcp.began.is_some()
            && !matches!(tcp.moment, Moment::Failed(_))
            && let (Endpoint::Ip(local), Endpoint::Ip(remote)) = (&tcp.local, &tcp.remote)
        {
            self.opened += u64::from(!self.share.keeps_ports(local.port(), remote.port()));
        }
    }

    /// The same of connections that have ended by now.
    pub(super) fn note_summed(&mut self, summed: &Summed) {
        if matches!(summed.moment, Moment::Closed(_)) {
            self.opened += summed.totals.left_out;
        }
    }
}

/// Keeps the agent within its budget.
#[derive(Debug)]
pub struct Keeper {
    controller: Controller,
    account: Account,
    memory: Memory,
    read: Instant,
    read_memory: Instant,
    last: Reading,
    /// It takes more than it does with next to nothing to do.
    busy: bool,
    trimmed: Option<Instant>,
    /// What is to be given up, when what was told of it until now was read.
    leaving: Option<Share>,
    told: Option<(Instant, Level, bool)>,
    changes: [u64; 3],
    /// Attributes that no metric has are never needed.
    lean: bool,
    company: Company,
}

impl Keeper {
    /// Begins to keep `agent` within its limits. `lean`: attributes that no metric has are never needed.
    pub fn start(limits: Limits, agent: &mut Agent, lean: bool, company: Company) -> Keeper {
        let limits = Limits { memory: limits.memory.saturating_add(company.memory()), ..limits };
        let memory = Memory::of(std::process::id());
        let mut account = Account::default();
        let last = Reading {
            at: read_clocks().monotonic,
            process: company.cpu_time(),
            programs: agent.capture.run_time(&mut account, true),
            memory: in_use(&memory),
        };
        agent.analyzer.set_lean(lean);
        Keeper {
            controller: Controller::new(limits, last),
            account,
            memory,
            read: Instant::now(),
            read_memory: Instant::now(),
            last,
            busy: true,
            trimmed: None,
            leaving: None,
            told: None,
            changes: [0; 3],
            lean,
            company,
        }
    }

    /// Looks whether all is well, if it is time to. Call it after each drain. Spans are spared at `exporter`.
    pub fn look(&mut self, agent: &mut Agent, exporter: Option<&Exporter>) {
        if self.read.elapsed() < if agent.is_quiet() { QUIET_EVERY } else { EVERY } {
            return;
        }
        self.read = Instant::now();
        if let Some(share) = self.leaving.take() {
            agent.analyzer.give_up(read_clocks().monotonic, |open| share.keeps(open));
            self.trim();
        }
        self.take_reading(agent);
        if let Some(change) = self.controller.take(self.last) {
            self.obey(change, agent, exporter);
        }
    }

    fn take_reading(&mut self, agent: &Agent) {
        let before = self.last;
        self.last.at = read_clocks().monotonic;
        self.last.process = self.company.cpu_time();
        let own = (self.last.process - before.process) as f64 / (self.last.at - before.at).max(1) as f64;
        let sets_in = own > QUIET && !std::mem::replace(&mut self.busy, own > QUIET);
        self.last.programs = agent.capture.run_time(&mut self.account, self.busy);
        if sets_in {
            agent.capture.run_time_changes(&mut self.account);
        }
        if self.read_memory.elapsed() < MEMORY_EVERY {
            return;
        }
        self.read_memory = Instant::now();
        self.last.memory = in_use(&self.memory);
        let little_left = self.controller.limits().memory as f64 * LITTLE_LEFT;
        if self.last.memory as f64 > little_left && self.trim() {
            self.last.memory = in_use(&self.memory);
        }
    }

    fn obey(&mut self, change: Change, agent: &mut Agent, exporter: Option<&Exporter>) {
        let place = match change.cause {
            Some(Cause::Cpu) => 0,
            Some(Cause::Memory) => 1,
            None => 2,
        };
        self.changes[place] += 1;
        self.settle(agent, exporter);
        let share = change.to.halvings().map_or(Share::NONE, Share::halved);
        if share != agent.left_out.share {
            match agent.capture.keep(share) {
                Ok(()) => agent.left_out.share = share,
                Err(error) => say(format_args!("budget: {error}")),
            }
            // What moved until now has been told, and is read before the next look.
            self.leaving = (agent.left_out.share != Share::ALL).then_some(agent.left_out.share);
        }
        // What the programs cost is another from now on.
        agent.capture.run_time_changes(&mut self.account);
    }

    /// What is set has changed, and with it perhaps who gets spans or rows: `lean` as for [`Keeper::start`].
    pub fn renew(&mut self, agent: &mut Agent, exporter: Option<&Exporter>, lean: bool) {
        self.lean = lean;
        self.settle(agent, exporter);
    }

    /// Has all go by the stage as it is.
    fn settle(&self, agent: &mut Agent, exporter: Option<&Exporter>) {
        let stage = self.controller.level().stage();
        agent.analyzer.set_lean(self.lean || stage >= Stage::Details);
        if let Some(exporter) = exporter {
            exporter.spare(stage >= Stage::FastSpans);
        }
    }

    /// Says what is left out, where that changed.
    pub fn tell(&mut self) {
        let (level, exhausted) = (self.controller.level(), self.controller.is_exhausted());
        let (when, told) = match self.told {
            Some((when, level, exhausted)) => (Some(when), (level, exhausted)),
            None => (None, (Level::NOTHING, false)),
        };
        if told == (level, exhausted) || when.is_some_and(|when| when.elapsed() < TELL_EVERY) {
            return;
        }
        self.told = Some((Instant::now(), level, exhausted));
        let still = if exhausted { ", and it is still too much" } else { "" };
        say(format_args!("budget: {}: {level}{still}", self.usage()));
    }

    /// What was left out in all, for the end; `None` where it was nothing.
    pub fn summary(&self, agent: &Agent) -> Option<String> {
        let counters = agent.analyzer.counters();
        if self.changes == [0; 3] {
            return None;
        }
        let (opened, given_up) = (units::Count(agent.left_out.opened), units::Count(counters.left_out));
        let changes = self.changes[0] + self.changes[1];
        Some(format!(
            "left out for the budget, more of it {changes} times: {opened} connections that began unseen, {given_up} that were given up"
        ))
    }

    /// `0.12 of 0.10 processors and 56.1 of 64.0 MB are in use`.
    fn usage(&self) -> String {
        let Limits { cpu, memory } = self.controller.limits();
        let (used, taken) = (self.controller.cpu(), units::Size(self.last.memory));
        format!("{used:.2} of {cpu:.2} processors and {taken} of {} are in use", units::Size(memory))
    }

    /// Gives memory that is not in use back to the kernel; false where it is too soon.
    fn trim(&mut self) -> bool {
        if self.trimmed.is_some_and(|when| when.elapsed() < TRIM_EVERY) {
            return false;
        }
        self.trimmed = Some(Instant::now());
        // SAFETY: has no preconditions.
        unsafe { libc::malloc_trim(0) };
        true
    }

    /// The part of connections that is seen for now.
    pub fn kept(&self) -> f64 {
        self.controller.level().halvings().map_or(0.0, |halvings| Share::halved(halvings).kept())
    }

    /// Figures about it.
    pub(super) fn figures(&self, agent: &Agent) -> Figures {
        let counters = agent.analyzer.counters();
        Figures {
            stage: self.controller.level().stage(),
            share: agent.left_out.share.kept(),
            cpu: self.controller.cpu(),
            limits: self.controller.limits(),
            exhausted: self.controller.is_exhausted(),
            programs: self.last.programs,
            memory: self.memory,
            sockets: sockets(),
            left_out: [
                ("connections opened", agent.left_out.opened),
                ("connections given up", counters.left_out),
                ("requests given up", counters.left_out_waiting),
            ],
            changes: [("cpu", self.changes[0]), ("memory", self.changes[1]), ("room", self.changes[2])],
        }
    }
}

/// How things stand, for those who show it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    pub(super) stage: Stage,
    pub(super) share: f64,
    pub(super) cpu: f64,
    pub(super) limits: Limits,
    pub(super) exhausted: bool,
    pub(super) programs: u64,
    pub(super) memory: Memory,
    pub(super) sockets: u64,
    pub(super) left_out: [(&'static str, u64); 3],
    pub(super) changes: [(&'static str, u64); 3],
}

/// What the process has now, without the maps; and with them.
fn in_use(memory: &Memory) -> u64 {
    own(memory) + memory.kernel(sockets())
}

/// Resident memory of the process that is no map's.
pub(super) fn own(memory: &Memory) -> u64 {
    figures::resident().unwrap_or(0).saturating_sub(memory.mapped)
}

/// TCP sockets of the host, in all network namespaces: each may have a state in the kernel.
fn sockets() -> u64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let tcp = text.lines().find_map(|line| line.strip_prefix("TCP: "));
    let mut words = tcp.unwrap_or_default().split_ascii_whitespace();
    words.find(|word| *word == "alloc").and_then(|_| words.next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::settings;

    #[test]
    fn limits_are_as_they_are_set() {
        let host = processors() as f64;
        let default = Budget::of(&settings("")).expect("a budget").limits;
        assert_eq!(default, Limits { cpu: (host * 0.1).min(1.0), memory: 128_000_000 });
        let set = Budget::of(&settings("budget: {max_cpu: 5%, max_memory: 64MiB}")).expect("a budget").limits;
        assert!((set.cpu - host * 0.05).abs() < 1e-9 && set.memory == 64 << 20, "{set:?}");
        let set = Budget::of(&settings("budget: {max_cpu: 0.25}")).expect("a budget").limits;
        assert!((set.cpu - 0.25).abs() < 1e-9, "{set:?}");
    }

    #[test]
    fn too_little_is_refused_with_the_least_that_would_do() {
        let error = Budget::of(&settings("budget: {max_memory: 1MB}")).expect_err("too little").to_string();
        assert!(error.contains("1MB is too little on this host: it takes "), "{error}");
        let least = error.split(' ').find(|word| word.ends_with("MB") && *word != "1MB").expect("a size");
        assert!(Budget::of(&settings(&format!("budget: {{max_memory: {least}}}"))).is_ok(), "{error}");
    }

    #[test]
    fn a_servers_queue_is_part_of_what_may_wait() {
        let of = |more: &str| {
            let text = format!("{{budget: {{max_memory: 64MB}}{more}}}");
            let budget = Budget::of(&settings(&text)).expect("a budget");
            (budget.server_queue, budget.sizes.queues)
        };
        let (none, all) = of("");
        assert_eq!(none, 0);
        assert_eq!(
            of(", agent: {server: http://localhost:7400}"),
            (all.min(SERVER_QUEUE), all - all.min(SERVER_QUEUE))
        );
        let (server, others) =
            of(", agent: {server: http://localhost:7400}, otlp: [{endpoint: http://localhost:4317}]");
        assert_eq!((server, server + others), ((all / 2).min(SERVER_QUEUE), all));
    }

    #[test]
    fn what_is_set_by_hand_holds() {
        let text = "{budget: {max_memory: 32MB}, capture: {ring: 16MiB}}";
        let settings = settings(text);
        let budget = Budget::of(&settings).expect("a budget");
        let given = probes::Config { ring_bytes: 16 << 20, ..probes::Config::default() };
        assert_eq!(budget.fit_capture(&settings, given).ring_bytes, 16 << 20);
        let fitted =
            budget.fit_capture(&self::settings("budget: {max_memory: 32MB}"), probes::Config::default());
        assert_eq!(u64::from(fitted.ring_bytes), budget.sizes.rings);
        let analysis = budget.fit_analysis(requests::Config::default());
        assert_eq!(analysis.most_held as u64, budget.sizes.held);
        assert_eq!(analysis.connections.connections as u64, budget.sizes.connections);
    }

    #[test]
    fn sockets_of_the_host_are_counted() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
        assert!(sockets() > 0);
        drop(listener);
    }
}
