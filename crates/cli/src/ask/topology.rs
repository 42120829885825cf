//! `weir topology`.

use clap::Args;
use server::api::{About, Topology};

use super::table::{Table, print};
use super::{Asked, cells};
use crate::say::say;
use crate::units::Count;

/// Arguments of `weir topology`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Only these requests: service = shop and protocol = http.
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Which time.
    #[command(flatten)]
    pub asked: Asked,
}

const EXAMPLES: &str = "\
Examples:
  weir topology                                    who asks whom, over the last 15 minutes
  weir topology --filter 'server = mysql'          who asks mysql";

/// Asks and shows.
///
/// # Errors
///
/// When the server does not answer, or says no.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let filter: Vec<String> = arguments.filter.iter().cloned().collect();
    let parameters = arguments.asked.parameters(&filter);
    if arguments.asked.json {
        return print(&(arguments.asked.client()?.text("topology", &parameters)? + "\n"));
    }
    let answer: Topology = arguments.asked.client()?.ask("topology", &parameters)?;
    let mut table = Table::new(&[
        "CLIENT", "SERVER", "PROTOCOL", ">RATE", ">ERRORS", ">P50", ">P95", ">P99", ">RTT", ">RETRANS",
        ">FAILED", "CROSSES",
    ]);
    let mut edges = answer.edges;
    edges.sort_by_key(|edge| std::cmp::Reverse(edge.figures.count));
    for edge in &edges {
        let tcp = edge.tcp.as_ref();
        let some = |count: Option<u64>| {
            count.filter(|count| *count > 0).map(|count| Count(count).to_string()).unwrap_or_default()
        };
        let [rate, errors, p50, p95, p99] = cells::figures(&edge.figures);
        table.row([
            edge.client.clone(),
            edge.server.clone(),
            edge.protocol.clone(),
            rate,
            errors,
            p50,
            p95,
            p99,
            cells::maybe(tcp.and_then(|tcp| tcp.rtt)),
            some(tcp.map(|tcp| tcp.retransmits)),
            some(tcp.map(|tcp| tcp.failures)),
            match (edge.crosses_zones, edge.crosses_hosts) {
                (true, _) => "zones".into(),
                (false, true) => "hosts".into(),
                (false, false) => String::new(),
            },
        ]);
    }
    table.show()?;
    say_coverage(&answer.about)
}

/// Says what figures suffer from, if they do.
pub(super) fn say_coverage(about: &About) -> anyhow::Result<()> {
    let coverage = &about.coverage;
    if coverage.lost > 0 {
        let part = cells::part(coverage.lost_ratio);
        say(format_args!(
            "{} of the kernel's events were lost ({part}): some requests are missing",
            Count(coverage.lost)
        ));
    }
    if coverage.sampled < 1.0 {
        say(format_args!(
            "an agent watched {:.0} % of connections, to stay within its budget",
            coverage.sampled * 100.0
        ));
    }
    for damaged in &about.damaged {
        say(format_args!("damaged: {damaged}: rows are missing"));
    }
    Ok(())
}
