//! `weir top`: how requests go at this moment.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use probes::Purpose;
use signals::Limits;
use signals::recent::{View, Window};

use super::live::{Live, Style};
use super::model::Model;
use super::screen::lines;
use super::shared::{Checkup, Counter, Shared};
use super::{Sort, columns::QUANTILES};
use crate::agent::budget::{Budget, Keeper};
use crate::agent::company::Company;
use crate::agent::{Agent, caution, read_clocks};
use crate::color::Color;
use crate::options::{self, Naming, SelfArgs};
use crate::output::{terminal_width, wanted_width};
use crate::requests::command::{seen_by, summary};
use crate::requests::{Filter, FilterArgs};
use crate::say::{answer, say};
use crate::settings::{Kept, SettingsArgs};
use crate::stop::Stop;
use crate::units;

/// Arguments of `weir top`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What rows are.
    #[arg(long, value_enum, default_value_t)]
    pub view: Rows,
    /// The order of the rows.
    #[arg(long, value_enum, default_value_t)]
    pub sort: Sort,
    /// Count for one interval, print the rows, and end. So it is too where the output is no terminal.
    #[arg(long)]
    pub once: bool,
    /// The same as one JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Draw again so often [default: 1s]; with --once, how long is counted [default: 10s].
    #[arg(long, value_name = "DURATION", value_parser = options::parse_interval)]
    pub interval: Option<units::Duration>,
    /// Most operations, and most edges, that are told apart; the rest is in rows `other`.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub rows: u32,
    /// Colour of what fails.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// What is counted.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What is set.
    #[command(flatten)]
    pub settings: SettingsArgs<Kept>,
    /// For those who work on Weir.
    #[command(flatten)]
    pub itself: SelfArgs,
}

/// What rows are, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Rows {
    /// Who answers.
    #[default]
    Services,
    /// What they are asked.
    Operations,
    /// Who asks whom.
    Edges,
}

impl From<Rows> for View {
    fn from(rows: Rows) -> View {
        match rows {
            Rows::Services => View::Services,
            Rows::Operations => View::Operations,
            Rows::Edges => View::Edges,
        }
    }
}

const EXAMPLES: &str = "\
A call between two processes of this host is counted once: by services and operations as the server \
saw it, by edges as the client did.

Examples:
  weir top                                       until q; ? tells the keys
  weir top --view operations --service nginx     what nginx is asked, and asks
  weir top --view edges --protocol redis         who asks Redis, and how much
  weir top --json --interval 30s                 each service of the next 30 s, for a script";

/// Between two drawings.
const DRAW: Duration = Duration::from_secs(1);
/// For how long is counted where nothing is drawn.
const COUNT: Duration = Duration::from_secs(10);
/// How often figures about Weir itself are renewed.
const HEALTH_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked for rows that are idle.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Columns of a table that goes to no terminal.
const WIDTH: usize = 120;

/// Runs until it is told to stop.
///
/// # Errors
///
/// When traffic cannot be seen on this host, the terminal cannot be drawn on, or the output cannot be written.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings = arguments.settings.load()?;
    let stop = Stop::on_signals()?;
    let config = requests::Config { protocols: options::protocols(&settings), ..Default::default() };
    let capture = options::capture(&settings, arguments.itself);
    // Who looks for a moment wants to see all, unless it is said otherwise.
    let budget = settings.budget_max_cpu().map(|_| Budget::of(&settings)).transpose()?;
    let (config, capture) = match &budget {
        Some(budget) => (budget.fit_analysis(config), budget.fit_capture(&settings, capture)),
        None => (config, capture),
    };
    let mut agent = Agent::start(&capture, config, Naming::of(&settings))?;
    let limits = Limits { series: arguments.rows as usize, ..Limits::default() };
    // Before anybody counts on being seen. What is found then is of no window.
    agent.begin(&Counter::new(Shared::new(limits), Filter::default()));
    let report = agent.capture().report();
    say(format_args!(
        "ready: requests on this host, {}; {} ends",
        seen_by(report.chosen(Purpose::TcpSent), report.chosen(Purpose::Received)),
        if is_live(&arguments) { "q" } else { "Ctrl-C" },
    ));
    if let Some(caution) = caution(report) {
        say(caution);
    }
    let keeper = budget.map(|budget| Keeper::start(budget.limits, &mut agent, false, Company::Nobody));
    let shared = Shared::new(limits);
    let counter = Counter::new(shared.clone(), Filter::from(&arguments.filter));
    let began = Instant::now();
    match is_live(&arguments) {
        true => watch(&arguments, (&mut agent, keeper), &counter, &shared, &stop)?,
        false => count(&arguments, (&mut agent, keeper), &counter, &shared, &stop)?,
    }
    let counters = agent.analyzer().counters();
    say(summary(began.elapsed(), counter.shown(), 0, agent.capture().losses(), counters));
    Ok(())
}

/// Rows that are drawn again and again. A terminal that understands nothing cannot be drawn on.
fn is_live(arguments: &Arguments) -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    !arguments.json && !arguments.once && !dumb && std::io::stdout().is_terminal()
}

fn interval(arguments: &Arguments, default: Duration) -> Duration {
    arguments.interval.map_or(default, |interval| Duration::from_nanos(interval.0))
}

fn watch(
    arguments: &Arguments,
    (agent, mut keeper): (&mut Agent, Option<Keeper>),
    counter: &Counter,
    shared: &Arc<Shared>,
    stop: &Stop,
) -> anyhow::Result<()> {
    let (term, no_color) = (std::env::var_os("TERM"), std::env::var_os("NO_COLOR"));
    let color = arguments.color.enabled(true, term.as_deref(), no_color.as_deref());
    let style = Style { color, interval: interval(arguments, DRAW) };
    let model = Model::new(arguments.view.into(), Window::default(), arguments.sort);
    let live = Live::start(model, shared.clone(), style, stop.clone())?;
    let mut checkup = Checkup::new(agent);
    let mut swept = Instant::now();
    while !stop.is_set() {
        agent.observe(counter);
        if let Some(keeper) = &mut keeper {
            keeper.look(agent, None);
        }
        if checkup.age() >= HEALTH_EVERY {
            shared.set_health(checkup.look(agent, keeper.as_ref()));
        }
        if swept.elapsed() >= SWEEP_EVERY {
            swept = Instant::now();
            shared.sweep(read_clocks().monotonic);
        }
    }
    Ok(live.finish()?)
}

/// Counts for one interval, and prints what there was.
fn count(
    arguments: &Arguments,
    (agent, mut keeper): (&mut Agent, Option<Keeper>),
    counter: &Counter,
    shared: &Arc<Shared>,
    stop: &Stop,
) -> anyhow::Result<()> {
    let end = Instant::now() + interval(arguments, COUNT);
    while !stop.is_set() && Instant::now() < end {
        agent.observe(counter);
        if let Some(keeper) = &mut keeper {
            keeper.look(agent, None);
            keeper.tell();
        }
    }
    agent.drain(counter);
    let mut model = Model::new(arguments.view.into(), Window::Total, arguments.sort);
    model.refresh(shared.as_ref());
    if !arguments.json {
        let width = terminal_width(std::io::stdout().is_terminal()).or_else(wanted_width).unwrap_or(WIDTH);
        return Ok(answer(&lines(&model, width))?);
    }
    let mut out = Vec::new();
    let time = read_clocks().wall;
    for shown in model.rows() {
        let view = model.view.as_str();
        export::recent::write(&shown.row, view, time, model.covered(), &QUANTILES, &mut out);
    }
    Ok(answer(&String::from_utf8_lossy(&out))?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn what_would_cost_too_much_is_refused() {
        for wrong in [["--rows", "0"], ["--rows", "20001"], ["--interval", "99ms"], ["--view", "hosts"]] {
            assert!(Command::try_parse_from(["weir"].iter().chain(&wrong)).is_err(), "{wrong:?}");
        }
        let typed = ["weir", "--rows", "20000", "--interval", "100ms", "--view", "edges", "--sort", "p99"];
        let arguments = Command::try_parse_from(typed).expect("all of it is taken").arguments;
        assert_eq!(
            (arguments.rows, View::from(arguments.view), arguments.sort),
            (20_000, View::Edges, Sort::P99)
        );
        assert_eq!(interval(&arguments, DRAW), Duration::from_millis(100));
    }

    #[test]
    fn for_scripts_nothing_is_drawn() {
        for form in ["--json", "--once"] {
            let arguments = Command::try_parse_from(["weir", form]).expect("a form").arguments;
            assert!(!is_live(&arguments), "{form}");
        }
    }
}
