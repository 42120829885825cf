//! The page as a scraper gets it, and the documentation that is made of the same definitions.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod common;

use std::fmt::Write;

use export::prometheus::{Page, names};
use model::{Request, Role, names as attributes};
use signals::{
    Cell, Collect, Figures, Kind, Limits, Metric, Point, RequestMetrics, Source, Unit, agent, catalogue,
};

struct State(RequestMetrics, Figures);

impl Source for State {
    fn look<R>(&self, look: impl FnOnce(&[&dyn Collect]) -> R) -> R {
        look(&[&self.0, &self.1])
    }
}

fn state() -> State {
    let mut requests = RequestMetrics::new(Limits::default());
    for (_, request) in common::all() {
        requests.record(&request, 0);
    }
    let mut route = common::http();
    route.attributes.text(attributes::HTTP_ROUTE, "/a\"b\\c\n{id}");
    for duration in [4_000_000, 5_000_000, 1_500_000_000, 20_000_000_000] {
        requests.record(&Request { duration, role: Role::Client, ..route.clone() }, 0);
    }
    let mut figures = Figures::new(agent::METRICS, 0);
    figures.set(&agent::REQUESTS, &[], Point::Count(9));
    figures.set(&agent::LOST, &[Cell::text("kernel"), Cell::text("ring full")], Point::Count(2));
    figures.set(&agent::CPU_TIME, &[], Point::Number(1.25));
    figures.set(&agent::MEMORY, &[Cell::text("resident")], Point::Count(52_428_800));
    State(requests, figures)
}

fn page(accept: &str) -> String {
    let (state, mut page) = (state(), Page::new(accept, ""));
    let pieces: Vec<u8> = std::iter::from_fn(|| page.piece(&state)).flatten().collect();
    String::from_utf8(pieces).unwrap()
}

/// Run with `UPDATE_GOLDEN=1` to write what is found, and look at the difference.
fn expect_golden(path: &str, found: &str) {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(found == expected, "{path} is not as it was:\n{found}");
}

#[test]
fn pages_are_as_their_golden_files() {
    expect_golden("tests/golden/metrics.txt", &page(""));
    expect_golden("tests/golden/metrics.openmetrics", &page("application/openmetrics-text;version=1.0.0"));
}

#[test]
fn the_documentation_is_that_of_the_definitions() {
    let mut text = HEADER.to_owned();
    for (title, metrics) in catalogue::groups() {
        write!(text, "\n## {title}\n").unwrap();
        metrics.iter().for_each(|metric| describe(metric, &mut text));
    }
    expect_golden("../../docs/metrics.md", &text);
}

const HEADER: &str = "\
# Metrics

Made from the definitions in `crates/signals`; a test fails where this page differs from them
(`UPDATE_GOLDEN=1 cargo test -p export` writes it anew). [agent.md](agent.md) tells how to get them and what they mean together.
Names are OpenTelemetry's; in brackets stands what Prometheus calls them. A label without a value is left out. Labels marked
* are the first to become `other` where there is no room for a series more.
";

fn describe(metric: &Metric, text: &mut String) {
    let kind = match metric.kind {
        Kind::Counter => "Counter",
        Kind::Gauge => "Gauge",
        Kind::Histogram(_) => "Histogram",
    };
    let unit = match metric.unit {
        Unit::Seconds => ", seconds",
        Unit::Bytes => ", bytes",
        Unit::Number(_) => "",
    };
    let name = names::metric(metric);
    let series = match metric.kind {
        Kind::Histogram(_) => format!("`{name}_bucket`, `{name}_sum`, `{name}_count`"),
        Kind::Counter | Kind::Gauge => format!("`{name}`"),
    };
    write!(text, "\n### `{}`\n\n{}.\n\n{kind}{unit} ({series})\n", metric.name, metric.help).unwrap();
    if metric.labels.is_empty() {
        return;
    }
    text.push_str("\n| label | Prometheus | is |\n|---|---|---|\n");
    for label in metric.labels {
        let open = if label.open { " *" } else { "" };
        writeln!(text, "| `{}`{open} | `{}` | {} |", label.name, names::label(label.name), label.help)
            .unwrap();
    }
}
