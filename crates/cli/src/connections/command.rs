//! `weir connections`: the live view.

use std::borrow::Cow;
use std::fmt;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clap::Args;
use connections::Totals;
use probes::{Losses, Purpose};

use super::lines::Lines;
use super::view::{Style, View};
use super::watch::Watch;
use super::{Filter, FilterArgs, Options, Sort, Table};
use crate::agent::caution;
use crate::color::Color;
use crate::options::{self, Naming, SelfArgs};
use crate::output::{terminal_width, utc_offset, wanted_width};
use crate::requests::summary::{Tally, tallies, total};
use crate::say::say;
use crate::settings::{Host, SettingsArgs};
use crate::stop::Stop;
use crate::units::{self, Count};

/// Arguments of `weir connections`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// One JSON object a line, instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Show the sockets that listen, with the connections that wait there to be accepted.
    #[arg(long, conflicts_with_all = ["closed", "state", "sort", "role"])]
    pub listening: bool,
    /// The order of the table on a terminal.
    #[arg(long, value_enum, default_value_t)]
    pub sort: Sort,
    /// Look at all that is open so often [default on a terminal: 2s]. Given, lines tell it each time.
    #[arg(long, value_name = "DURATION", value_parser = options::parse_interval)]
    pub interval: Option<units::Duration>,
    /// End after so many lines were shown; lines follow one another then, also on a terminal.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// End after this time (such as 10s; a bare number is seconds).
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration)]
    pub duration: Option<units::Duration>,
    /// Colour of the table.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// What is shown.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// What is set.
    #[command(flatten)]
    pub settings: SettingsArgs<Host>,
    /// For those who work on Weir.
    #[command(flatten)]
    pub itself: SelfArgs,
}

const EXAMPLES: &str = "\
Examples:
  weir connections                               a live table, until Ctrl-C
  weir connections --service nginx --sort rtt    those of nginx, the slowest first
  weir connections --closed --json               how each one ended, with its totals
  weir connections --listening                   who listens, and how many wait there";

/// How often all that is open is looked at where nobody asked: so are ends found that were not told.
const SURVEY: Duration = Duration::from_secs(10);
/// The same on a terminal.
const DRAW: Duration = Duration::from_secs(2);
/// Between two drains.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs until it is told to stop.
///
/// # Errors
///
/// When connections cannot be seen on this host, or the output cannot be written.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings = arguments.settings.load()?;
    let stop = Stop::on_signals()?;
    let config =
        probes::Config { bytes: false, facts: true, ..options::capture(&settings, arguments.itself) };
    let mut watch = Watch::start(&config, Naming::of(&settings))?;
    watch.survey(|_, _| {});
    let mut view = view(&arguments, stop.clone());
    let interval = arguments.interval.map_or(SURVEY, |interval| Duration::from_nanos(interval.0));
    let interval = if is_live(&arguments) && arguments.interval.is_none() { DRAW } else { interval };
    say(ready(&watch));
    if let Some(caution) = caution(watch.capture.report()) {
        say(caution);
    }
    view.found(watch.connections());
    view.interval(watch.connections());
    let began = Instant::now();
    let end = arguments.duration.map(|duration| began + Duration::from_nanos(duration.0));
    let mut due = began + interval;
    while !stop.is_set() && !view.is_done() && end.is_none_or(|end| Instant::now() < end) {
        std::thread::sleep(PAUSE);
        if Instant::now() < due {
            watch.drain(|batch, listening| view.happened(batch, listening));
            continue;
        }
        watch.survey(|batch, listening| view.happened(batch, listening));
        view.interval(watch.connections());
        due = Instant::now() + interval;
    }
    let lasted = began.elapsed();
    watch.drain(|batch, listening| view.happened(batch, listening));
    let (shown, dropped) = view.finish()?;
    let (losses, totals) = (watch.capture.losses(), *watch.connections().totals());
    say(Summary {
        lasted,
        shown,
        open: watch.connections().len() as u64,
        totals,
        lost: lost(losses, &totals, dropped),
    });
    Ok(())
}

/// A table that is drawn again in its place.
fn is_live(arguments: &Arguments) -> bool {
    !arguments.json && arguments.count.is_none() && std::io::stdout().is_terminal()
}

fn view(arguments: &Arguments, stop: Stop) -> View {
    let is_terminal = std::io::stdout().is_terminal();
    let (term, no_color) = (std::env::var_os("TERM"), std::env::var_os("NO_COLOR"));
    let color = arguments.color.enabled(is_terminal, term.as_deref(), no_color.as_deref());
    let width = terminal_width(is_terminal).or_else(wanted_width).unwrap_or(100);
    let live = is_live(arguments);
    let table = Table::new(Options { width, color, times: !live, utc_offset: utc_offset() });
    let style = Style {
        json: arguments.json,
        live,
        listening: arguments.listening,
        intervals: arguments.interval.is_some(),
        sort: arguments.sort,
        filter: Filter::from(&arguments.filter),
        count: arguments.count,
    };
    View::new(style, table, Lines::start(stop))
}

/// The line that says that capture runs.
fn ready(watch: &Watch) -> String {
    let way = watch.capture.report().chosen(Purpose::ConnectionFacts);
    let way = way.map_or("nothing", |way| way.as_str());
    format!("ready: connections on this host, seen by {way}; Ctrl-C ends")
}

fn lost(losses: Losses, totals: &Totals, dropped: u64) -> Vec<Tally> {
    let mut lost: Vec<Tally> =
        losses.lost().into_iter().map(|(label, count)| (Cow::Borrowed(label), count)).collect();
    lost.push((Cow::Borrowed("too many connections"), totals.forgotten));
    lost.push((Cow::Borrowed("too many listeners"), totals.forgotten_listeners));
    lost.push((Cow::Borrowed("output too slow"), dropped));
    lost
}

/// What is said at the end.
struct Summary {
    lasted: Duration,
    shown: u64,
    open: u64,
    totals: Totals,
    lost: Vec<Tally>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use model::tcp::Cause;
        let totals = &self.totals;
        write!(
            f,
            "{} opened, {} closed, {} failed, {} still open in {}; {} shown",
            Count(totals.opened),
            Count(totals.all_closed()),
            Count(totals.all_failed()),
            Count(self.open),
            units::Duration(self.lasted.as_nanos() as u64),
            Count(self.shown),
        )?;
        if total(&self.lost) == 0 {
            write!(f, "\nnothing lost")?;
        }
        tallies(f, "event", "lost", &self.lost)?;
        let by_cause = |counts: &[u64]| -> Vec<Tally> {
            let tally = |(cause, count): (Cause, &u64)| (Cow::Borrowed(cause.as_str()), *count);
            Cause::ALL.into_iter().zip(counts).map(tally).collect()
        };
        tallies(f, "connection", "closed", &by_cause(&totals.closed))?;
        tallies(f, "connect", "failed", &by_cause(&totals.failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_tells_causes_and_losses() {
        let mut totals = Totals { opened: 1200, ..Totals::default() };
        (totals.closed[0], totals.closed[1], totals.failed[7]) = (600, 599, 2);
        let lasted = Duration::from_secs(12);
        let mut summary =
            Summary { lasted, shown: 2401, open: 1, totals, lost: vec![("ring full".into(), 0)] };
        let expected = "\
1,200 opened, 1,199 closed, 2 failed, 1 still open in 12 s; 2,401 shown
nothing lost
1,199 connections closed: local_fin 600, remote_fin 599
2 connects failed: refused 2";
        assert_eq!(summary.to_string(), expected);
        summary.lost = vec![("output too slow".into(), 3)];
        assert!(summary.to_string().contains("\n3 events lost: output too slow 3\n"), "{summary}");
    }
}
