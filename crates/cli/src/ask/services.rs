//! `weir services`.

use clap::Args;
use server::api::{ServiceDetail, Services};

use super::table::{Table, print};
use super::{Asked, cells};
use crate::units::Count;

/// Arguments of `weir services`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// One service: what it is asked, by whom, and whom it asks; all of them where none is named.
    pub name: Option<String>,
    /// Only these requests: service = shop and protocol = http.
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Which time.
    #[command(flatten)]
    pub asked: Asked,
}

const EXAMPLES: &str = "\
Examples:
  weir services                          all of them, over the last 15 minutes
  weir services shop --from 2h           one of them, over two hours
  weir services --json | jq .services[].name";

/// Asks and shows.
///
/// # Errors
///
/// When the server does not answer, or says no.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let filter: Vec<String> = arguments.filter.iter().cloned().collect();
    let parameters = arguments.asked.parameters(&filter);
    let path =
        arguments.name.as_ref().map_or("services".into(), |name| format!("services/{}", escaped(name)));
    if arguments.asked.json {
        return print(&(arguments.asked.client()?.text(&path, &parameters)? + "\n"));
    }
    if arguments.name.is_some() {
        return one(&arguments.asked.client()?.ask(&path, &parameters)?);
    }
    let answer: Services = arguments.asked.client()?.ask(&path, &parameters)?;
    let mut table = Table::new(&[
        "SERVICE", "KIND", "ANSWERS", ">RATE", ">ERRORS", ">P50", ">P95", ">P99", ">ASKS", "HOSTS",
    ]);
    for service in &answer.services {
        let [rate, errors, p50, p95, p99] = cells::figures(&service.inbound);
        table.row([
            service.name.clone(),
            kind(service.kind),
            service.protocols.join(", "),
            rate,
            errors,
            p50,
            p95,
            p99,
            cells::rate(service.outbound.rate),
            service.hosts.join(", "),
        ]);
    }
    table.show()?;
    super::topology::say_coverage(&answer.about)
}

pub(super) fn kind(kind: server::api::Kind) -> String {
    serde_json::to_value(kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A name as part of a path (RFC 3986).
pub(super) fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn one(detail: &ServiceDetail) -> anyhow::Result<()> {
    let service = &detail.service;
    let [rate, errors, p50, p95, p99] = cells::figures(&service.inbound);
    print(&format!(
        "{} ({}): {} {} errors, p50 {p50}, p95 {p95}, p99 {p99}\n\n",
        service.name,
        kind(service.kind),
        if rate.is_empty() { "0 /s".into() } else { rate },
        if errors.is_empty() { "no".into() } else { errors },
    ))?;
    let mut operations = Table::new(&[
        "OPERATION",
        "PROTOCOL",
        ">TIME",
        ">SHARE",
        ">COUNT",
        ">ERRORS",
        ">P50",
        ">P95",
        ">P99",
    ]);
    for operation in detail.operations.iter().take(20) {
        let key = |place: usize| operation.keys.get(place).cloned().flatten().unwrap_or_default();
        let [_, errors, p50, p95, p99] = cells::figures(&operation.figures);
        operations.row([
            key(1),
            key(0),
            cells::seconds(operation.figures.total),
            cells::part(operation.share),
            Count(operation.figures.count).to_string(),
            errors,
            p50,
            p95,
            p99,
        ]);
    }
    operations.show()?;
    for (head, edges, other) in [("ASKED BY", &detail.callers, true), ("ASKS", &detail.callees, false)] {
        if edges.is_empty() {
            continue;
        }
        print("\n")?;
        let mut table = Table::new(&[head, "PROTOCOL", ">RATE", ">ERRORS", ">P50", ">P95", ">P99"]);
        for edge in edges {
            let name = if other { &edge.client } else { &edge.server };
            table.row([name.clone(), edge.protocol.clone()].into_iter().chain(cells::figures(&edge.figures)));
        }
        table.show()?;
    }
    super::topology::say_coverage(&detail.about)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_parts_of_paths() {
        assert_eq!(escaped("shop-1.a"), "shop-1.a");
        assert_eq!(escaped("a/b c%ü"), "a%2Fb%20c%25%C3%BC");
    }
}
