//! `weir requests`: the live view.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use clap::Args;
use model::trace::Evidence;
use probes::{Backend, Losses, Purpose};
use requests::Counters;

use super::{Filter, FilterArgs, Summary};
use crate::agent::{Agent, caution};
use crate::color::Color;
use crate::options::{self, Naming, SelfArgs};
use crate::output::{Output, Style};
use crate::say::say;
use crate::settings::{Live, SettingsArgs};
use crate::stop::Stop;
use crate::units;

/// Arguments of `weir requests`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// One JSON object a line, instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Tell of each request where it stands in a trace, which takes some tenths of a second; with --json.
    #[arg(long, requires = "json")]
    pub traces: bool,
    /// End after so many requests were shown.
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
    pub settings: SettingsArgs<Live>,
    /// For those who work on Weir.
    #[command(flatten)]
    pub itself: SelfArgs,
}

const EXAMPLES: &str = "\
Examples:
  weir requests                                  everything, until Ctrl-C
  weir requests --service nginx --errors         what nginx fails at, as server or client
  weir requests --protocol redis --slower 1ms    slow Redis commands
  weir requests --json --count 100 > sample.jsonl";

/// Runs until it is told to stop.
///
/// # Errors
///
/// When traffic cannot be seen on this host, or the output cannot be written.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings = arguments.settings.load()?;
    let stop = Stop::on_signals()?;
    let protocols = if arguments.traces { options::protocols_of_traces } else { options::protocols };
    let config =
        requests::Config { protocols: protocols(&settings), traces: arguments.traces, ..Default::default() };
    let capture = options::capture(&settings, arguments.itself);
    let mut agent = Agent::start(&capture, config, Naming::of(&settings))?;
    let style = Style {
        json: arguments.json,
        color: arguments.color,
        filter: Filter::from(&arguments.filter),
        count: arguments.count,
    };
    let output = Output::start(style, stop.clone());
    // Connections that were open before are asked for before anybody counts on being seen.
    agent.drain(&output);
    say(ready(&agent));
    if let Some(caution) = caution(agent.capture().report()) {
        say(caution);
    }
    let began = Instant::now();
    let end = arguments.duration.map(|duration| began + Duration::from_nanos(duration.0));
    while !stop.is_set() && end.is_none_or(|end| Instant::now() < end) {
        agent.observe(&output);
    }
    let lasted = began.elapsed();
    agent.drain(&output);
    agent.drain_joined(&output);
    let (shown, dropped) = output.finish()?;
    let losses = agent.capture().losses();
    let mut summary = summary(lasted, shown, dropped, losses, agent.analyzer().counters());
    let joined = agent.joined();
    summary.lost.extend(joined.map(|joined| ("no room to find its trace".into(), joined.refused)));
    say(summary);
    if let Some(joined) = joined {
        say(joins(joined));
    }
    Ok(())
}

/// The line about traces.
fn joins(joined: &traces::Counters) -> String {
    let all: Vec<String> = Evidence::ALL
        .into_iter()
        .filter(|evidence| joined.joined_by(*evidence) > 0)
        .map(|evidence| format!("{} by {}", units::Count(joined.joined_by(evidence)), evidence.as_str()))
        .collect();
    let all = if all.is_empty() { "none".into() } else { all.join(", ") };
    let others = [
        ("in doubt", joined.abstained),
        ("taken back", joined.withdrawn),
        ("wrong afterwards", joined.contradicted),
        ("early", joined.early),
        ("late", joined.late),
        ("without an end", joined.given_up),
    ];
    let others = others.into_iter().filter(|(_, count)| *count > 0);
    others.fold(format!("joined: {all}"), |line, (label, count)| {
        format!("{line}; {} {label}", units::Count(count))
    })
}

/// The line that says that capture runs.
fn ready(agent: &Agent) -> String {
    let report = agent.capture().report();
    ready_line(report.chosen(Purpose::TcpSent), report.chosen(Purpose::Received))
}

fn ready_line(sent: Option<Backend>, received: Option<Backend>) -> String {
    format!("ready: requests on this host, {}; Ctrl-C ends", seen_by(sent, received))
}

/// `seen by tracepoint`.
pub(crate) fn seen_by(sent: Option<Backend>, received: Option<Backend>) -> String {
    let way = |backend: Option<Backend>| backend.map_or("nothing", |backend| backend.as_str());
    let (sent, received) = (way(sent), way(received));
    if sent == received { format!("seen by {sent}") } else { format!("seen by {sent} and {received}") }
}

/// What is said at the end.
pub(crate) fn summary(
    lasted: Duration,
    shown: u64,
    dropped: u64,
    losses: Losses,
    counters: &Counters,
) -> Summary {
    let borrowed = |(label, count): (&'static str, u64)| (Cow::Borrowed(label), count);
    let mut lost: Vec<_> = losses.lost().into_iter().map(borrowed).collect();
    lost.push((Cow::Borrowed("connection not known"), counters.orphan_chunks));
    lost.push((Cow::Borrowed("forgotten while waiting"), counters.forgotten_waiting));
    lost.push((Cow::Borrowed("output too slow"), dropped));
    Summary {
        duration: lasted.as_nanos() as u64,
        shown,
        seen: counters.requests,
        lost,
        early: counters.early_chunks,
        lost_bytes: counters.lost_bytes,
        uncaptured_bytes: counters.uncaptured_bytes,
        unparsed: counters.unparsed.iter().map(|(l, n)| borrowed((l, *n))).collect(),
        left_alone: counters.left_alone.iter().map(|(l, n)| borrowed((l, *n))).collect(),
        forgotten_names: counters.forgotten_names,
    }
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
    fn nothing_can_be_shown_without_saying_so() {
        let error = Command::try_parse_from(["weir", "--count", "0"]).expect_err("0 is refused").to_string();
        assert!(error.contains("0 is not in 1.."), "{error}");
        let command = Command::try_parse_from(["weir", "--count", "1"]).expect("1 is taken");
        assert_eq!(command.arguments.count, Some(1));
    }

    #[test]
    fn the_ready_line_fits_the_narrowest_terminal() {
        for sent in Backend::ALL {
            for received in Backend::ALL {
                let line = ready_line(Some(sent), Some(received));
                assert!(line.starts_with("ready: ") && line.len() <= 80, "{line}");
            }
        }
    }

    #[test]
    fn a_caution_follows_only_where_names_are_in_doubt() {
        let report =
            |foreign_proc| probes::Report { host: probes::Host::inspect(), attempts: vec![], foreign_proc };
        assert_eq!(caution(&report(false)), None);
        let caution = caution(&report(true)).expect("a caution");
        assert!(caution.starts_with("caution: ") && caution.contains("--pid=host"), "{caution}");
        assert!(caution.lines().all(|line| line.len() <= 80), "{caution}");
    }
}
