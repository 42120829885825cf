//! `weir trace`.

use clap::Args;
use server::api::{Span, Trace, Traces};

use super::services::escaped;
use super::table::{Table, print};
use super::{Asked, cells};
use crate::say::say;
use crate::units::Count;

/// Arguments of `weir trace`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A trace's id, or a request's; where none is given, traces are listed.
    pub id: Option<String>,
    /// Only traces that begin with such requests: service = nginx and duration > 50ms.
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// The slowest first, instead of the newest.
    #[arg(long)]
    pub slowest: bool,
    /// So many at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Which time.
    #[command(flatten)]
    pub asked: Asked,
}

const EXAMPLES: &str = "\
Examples:
  weir trace --slowest                                 the slowest traces of the last 15 minutes
  weir trace 0af7651916cd43dd8448eb211c80319c          one of them";

/// Columns of the bar.
const BAR: usize = 32;

/// Asks and shows.
///
/// # Errors
///
/// When the server does not answer, or says no.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.id {
        Some(id) => one(arguments, id),
        None => list(arguments),
    }
}

fn list(arguments: &Arguments) -> anyhow::Result<()> {
    let filter: Vec<String> = arguments.filter.iter().cloned().collect();
    let mut parameters = arguments.asked.parameters(&filter);
    parameters.push(("limit", arguments.limit.to_string()));
    parameters.push(("order", if arguments.slowest { "-duration" } else { "-time" }.into()));
    if arguments.asked.json {
        return print(&(arguments.asked.client()?.text("traces", &parameters)? + "\n"));
    }
    let answer: Traces = arguments.asked.client()?.ask("traces", &parameters)?;
    let mut table =
        Table::new(&["TIME (UTC)", "SERVICE", "REQUEST", ">DURATION", ">REQUESTS", ">ERRORS", "TRACE"]);
    for trace in &answer.traces {
        let service = trace.root.server.service.clone().or_else(|| trace.root.client.service.clone());
        table.row([
            cells::of_day(&trace.root.time),
            service.unwrap_or_default(),
            trace.root.name.clone(),
            cells::seconds(trace.root.duration),
            Count(trace.requests).to_string(),
            if trace.errors > 0 { Count(trace.errors).to_string() } else { String::new() },
            trace.id.clone(),
        ]);
    }
    table.show()?;
    super::topology::say_coverage(&answer.about)
}

fn one(arguments: &Arguments, id: &str) -> anyhow::Result<()> {
    let path = format!("traces/{}", escaped(id));
    if arguments.asked.json {
        return print(&(arguments.asked.client()?.text(&path, &[])? + "\n"));
    }
    let trace: Trace = arguments.asked.client()?.ask(&path, &[])?;
    let services = Count(trace.services.len() as u64);
    print(&format!(
        "{} at {}, {}: {} spans of {services} services, {} failed\n\n",
        trace.id,
        trace.time,
        cells::seconds(trace.duration),
        Count(trace.spans.len() as u64),
        Count(trace.errors),
    ))?;
    let mut table = Table::new(&["SERVICE", "SPAN", "", ">DURATION", ">CRITICAL", "FAILED", "EVIDENCE"]);
    for span in &trace.spans {
        let indent = "  ".repeat(usize::try_from(span.depth).unwrap_or(0).min(20));
        table.row([
            span.service.clone().unwrap_or_default(),
            format!("{indent}{}{}", side(span), span.name),
            bar(span, trace.duration),
            cells::seconds(span.duration),
            if span.critical > 0.0 { cells::seconds(span.critical) } else { String::new() },
            span.error.clone().unwrap_or_default(),
            span.evidence.clone().unwrap_or_default(),
        ]);
    }
    table.show()?;
    if trace.cut {
        say("there are more spans than are told");
    }
    trace.damaged.iter().for_each(|damaged| say(format_args!("damaged: {damaged}: spans may be missing")));
    Ok(())
}

/// What is asked of others looks different from what is answered.
fn side(span: &Span) -> &'static str {
    match span.kind.as_deref() {
        Some("client" | "producer") => "→ ",
        _ => "",
    }
}

/// When it was, within the whole.
fn bar(span: &Span, whole: f64) -> String {
    if whole <= 0.0 {
        return String::new();
    }
    let place = |at: f64| ((at / whole * BAR as f64).round().max(0.0) as usize).min(BAR);
    let (from, to) = (place(span.offset).min(BAR - 1), place(span.offset + span.duration));
    let length = to.saturating_sub(from).max(1);
    format!("{}{}{}", "·".repeat(from), "█".repeat(length), "·".repeat(BAR - from - length))
}
