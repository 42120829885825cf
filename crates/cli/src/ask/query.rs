//! `weir query`.

use clap::Args;
use server::api::{Operations, Requests};

use super::table::{Table, print};
use super::{Asked, cells};
use crate::say::say;
use crate::units::Count;

/// Arguments of `weir query`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Which requests: service = shop and duration > 50ms. All where nothing is said.
    pub filter: Vec<String>,
    /// Put requests together by these fields, and tell what they come to.
    #[arg(long, value_name = "FIELDS")]
    pub by: Option<String>,
    /// What the first ones have most of: a field of requests (time, duration, ...); with --by one of total, count, errors, p50, p95, p99.
    #[arg(long, value_name = "FIELD")]
    pub order: Option<String>,
    /// So many at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Which time.
    #[command(flatten)]
    pub asked: Asked,
}

const EXAMPLES: &str = "\
Examples:
  weir query                                             the newest requests
  weir query 'duration > 50ms and protocol = mysql' --order duration
                                                         the slowest of those
  weir query status = error --by service,name            what fails, by service
  weir query protocol = redis --by name --order count    Redis commands by how often they are sent

Fields are those of requests (docs/storage.md), or short: service, host, protocol, operation, error, status, code, method, path, query, ...
Comparisons: = != < <= > >= ^= (begins with) in (a, b) exists; and, or, not, parentheses.";

/// Asks and shows.
///
/// # Errors
///
/// When the server does not answer, or says no.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut parameters = arguments.asked.parameters(&arguments.filter);
    parameters.push(("limit", arguments.limit.to_string()));
    match &arguments.by {
        None => requests(arguments, parameters),
        Some(by) => {
            parameters.push(("by", by.clone()));
            parameters.extend(arguments.order.iter().map(|order| ("order", order.clone())));
            operations(arguments, &parameters)
        }
    }
}

fn requests(arguments: &Arguments, mut parameters: Vec<(&'static str, String)>) -> anyhow::Result<()> {
    // Most of something comes first here, as everywhere in a terminal.
    parameters
        .extend(arguments.order.iter().map(|order| ("order", format!("-{}", order.trim_start_matches('-')))));
    if arguments.asked.json {
        return print(&(arguments.asked.client()?.text("requests", &parameters)? + "\n"));
    }
    let answer: Requests = arguments.asked.client()?.ask("requests", &parameters)?;
    let mut table = Table::new(&[
        "TIME (UTC)",
        "CLIENT",
        "SERVER",
        "PROTOCOL",
        "SIDE",
        "REQUEST",
        "STATUS",
        ">DURATION",
        "TRACE",
    ]);
    for request in &answer.requests {
        let end =
            |end: &server::api::End| end.service.clone().or_else(|| end.address.clone()).unwrap_or_default();
        table.row([
            cells::of_day(&request.time),
            end(&request.client),
            end(&request.server),
            request.protocol.clone(),
            request.role.clone(),
            request.name.clone(),
            request.error.clone().unwrap_or_else(|| request.status.clone()),
            cells::seconds(request.duration),
            request.trace.clone().unwrap_or_default(),
        ]);
    }
    table.show()?;
    if answer.requests.is_empty() {
        say("no request matches; --from tells how far back is looked (15m)");
    }
    super::topology::say_coverage(&answer.about)
}

fn operations(arguments: &Arguments, parameters: &[(&str, String)]) -> anyhow::Result<()> {
    if arguments.asked.json {
        return print(&(arguments.asked.client()?.text("operations", parameters)? + "\n"));
    }
    let answer: Operations = arguments.asked.client()?.ask("operations", parameters)?;
    let mut table =
        Table::new(&["WHAT", ">TIME", ">SHARE", ">COUNT", ">RATE", ">ERRORS", ">P50", ">P95", ">P99"]);
    for operation in &answer.operations {
        let keys: Vec<&str> = operation.keys.iter().map(|key| key.as_deref().unwrap_or("-")).collect();
        let [rate, errors, p50, p95, p99] = cells::figures(&operation.figures);
        let figures = &operation.figures;
        table.row([
            keys.join("  "),
            cells::seconds(figures.total),
            cells::part(operation.share),
            Count(figures.count).to_string(),
            rate,
            errors,
            p50,
            p95,
            p99,
        ]);
    }
    table.show()?;
    if answer.left_out > 0 {
        say(format_args!("{} more; --limit tells how many are shown", Count(answer.left_out)));
    }
    super::topology::say_coverage(&answer.about)
}
