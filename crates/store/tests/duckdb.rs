//! The same questions to a store and to DuckDB, which reads the same files: the same answers. `scripts/duckdb` installs it.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use schema::query::{Ask, Cell, Filter, Measure, Order, Outcome, Query, Value as Wanted};
use schema::{Rows, Table};
use serde_json::{Value, json};
use store::{Cancel, Config, Origin, Reader, Store};

const START: i64 = 1_700_000_000_000_000_000;
const MINUTE: i64 = 60_000_000_000;
const TRACE: &str = "00000000000000000000000000000007";

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn row(rows: &mut Rows, random: &mut Random) {
    let place = |name| Table::Requests.column(name).unwrap().0;
    let word = |random: &mut Random| ["cache", "db", "payment", "search", "shop"][random.below(5) as usize];
    rows.number(place("time"), START + random.below(1 << 43) as i64);
    rows.number(place("duration"), (1 << random.below(34)) + random.below(1000) as i64);
    rows.text(place("role"), "server");
    rows.text(place("network.protocol.name"), "http");
    rows.text(place("service.name"), word(random));
    rows.text(place("name"), ["GET /", "PUT /"][random.below(2) as usize]);
    rows.text(place("client"), word(random));
    if random.below(4) > 0 {
        rows.text(place("server"), word(random));
    }
    if random.below(9) == 0 {
        rows.text(place("error.type"), ["500", "timeout"][random.below(2) as usize]);
    }
    if random.below(3) > 0 {
        rows.number(place("http.response.status_code"), [200, 404, 500][random.below(3) as usize]);
    }
    if random.below(2) == 0 {
        rows.number(place("weir.request.size"), random.below(5000) as i64);
        rows.text(place("url.path"), &format!("/{}/{}", word(random), random.below(300)));
    }
    rows.number(place("weir.connection"), (u64::MAX - random.below(40)) as i64);
    if random.below(3) == 0 {
        rows.bytes(place("trace_id"), &u128::from(random.below(200)).to_be_bytes());
    }
    if random.below(4) == 0 {
        rows.map(place("attributes"), [("user", word(random))]);
    }
    rows.end().unwrap();
}

/// Several files of several groups of rows, one of them of merged ones.
fn fill(folder: &Path) {
    let config = Config { row_group: 700, ..Config::default() };
    let (store, _) = Store::open(folder, config).unwrap();
    let mut random = Random(0xd0c);
    for sequence in 0..4 {
        let mut rows = Rows::new(Table::Requests);
        (0..1500).for_each(|_| row(&mut rows, &mut random));
        store.append(Origin { source: 1, sequence }, Table::Requests, &rows.finish().unwrap()).unwrap();
        store.flush().unwrap();
        if sequence == 1 {
            store.compact(|_| {}).unwrap();
        }
    }
}

fn cell(cell: &Cell) -> Value {
    serde_json::to_value(cell).unwrap()
}

/// An answer as rows, each of values.
fn told(store: &Reader, query: &Query) -> Vec<Vec<Value>> {
    let answer = store.query(query, &Cancel::default()).unwrap();
    assert!(answer.scanned.damaged.is_empty(), "{:?}", answer.scanned.damaged);
    let floats = |floats: &[Option<f64>]| floats.iter().map(|float| json!(float)).collect::<Vec<_>>();
    match &answer.outcome {
        Outcome::Rows { rows, .. } => rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
        Outcome::Groups { groups, .. } => {
            let line = |group: &schema::query::Group| {
                let mut line: Vec<Value> = group.time.iter().map(|time| json!(time)).collect();
                line.extend(group.keys.iter().map(cell));
                line.extend(floats(&group.measures));
                line
            };
            groups.iter().map(line).collect()
        }
        Outcome::Facets(facets) => {
            let line = |(value, count): &(Cell, u64)| vec![cell(value), json!(count)];
            facets.iter().flat_map(|facet| facet.values.iter().map(line)).collect()
        }
        Outcome::HeatMap { cells } => {
            cells.iter().map(|(time, low, count)| vec![json!(time), json!(low), json!(count)]).collect()
        }
        Outcome::Apart { .. } => panic!("not asked for"),
    }
}

/// Equal; numbers up to this part of them.
fn alike(one: &Value, other: &Value, off: f64) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() <= off * other.abs(),
        _ => one == other,
    }
}

/// A question, the same for DuckDB, and how far off numbers may be.
struct Asked {
    query: Query,
    sql: String,
    off: f64,
}

fn about(filter: Filter, ask: Ask, sql: &str) -> Asked {
    let query = Query { table: Table::Requests, from: None, to: None, filter, ask };
    Asked { query, sql: sql.to_owned(), off: 1e-12 }
}

fn groups(by: &[&str], every: Option<i64>, measures: Vec<Measure>) -> Ask {
    let by = by.iter().map(|name| (*name).to_owned()).collect();
    Ask::Groups { by, every, measures, order: None, limit: 100_000 }
}

fn rows(columns: &[&str], limit: usize) -> Ask {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    Ask::Rows { columns, order: Order { by: "time".into(), ascending: true }, limit, after: None }
}

fn facets(field: &str) -> Ask {
    Ask::Facets { fields: vec![field.to_owned()], limit: 100_000 }
}

fn exists(field: &str) -> Filter {
    Filter::Exists { field: field.into() }
}

/// Figures of groups, and percentiles of rows.
fn figures() -> Vec<Asked> {
    let duration = || "duration".to_owned();
    let all = || Filter::All;
    let measures = vec![
        Measure::Count,
        Measure::Errors,
        Measure::Sum("weir.request.size".into()),
        Measure::Mean(duration()),
        Measure::Min("weir.request.size".into()),
        Measure::Max(duration()),
    ];
    let figures = "count(*), count(\"error.type\"), sum(\"weir.request.size\"), avg(duration), \
                   min(\"weir.request.size\"), max(duration)";
    let minutes = format!("t // {MINUTE} * {MINUTE}");
    let percentile = |percent| Measure::Percentile { field: duration(), percent };
    let mut percentiles = about(
        all(),
        groups(&["server"], None, vec![percentile(50.0), percentile(95.0), percentile(99.0)]),
        "select server, quantile_disc(duration, 0.5), quantile_disc(duration, 0.95), quantile_disc(duration, 0.99) \
         from requests group by 1",
    );
    percentiles.off = 0.008;
    let edges = groups(
        &["client", "server"],
        Some(MINUTE),
        vec![Measure::Count, Measure::Errors, Measure::Sum("duration.sum".into())],
    );
    let mut edges = about(
        Filter::is("resolution", 60),
        edges,
        &format!(
            "select {minutes}, client, server, count(*), count(\"error.type\"), sum(duration) from requests group by 1, 2, 3"
        ),
    );
    edges.query.table = Table::Edges;
    vec![
        about(
            all(),
            groups(&["service.name", "http.response.status_code"], None, measures.clone()),
            &format!(
                "select \"service.name\", \"http.response.status_code\", {figures} from requests group by 1, 2"
            ),
        ),
        about(
            Filter::is("server", "db"),
            groups(&["attributes.user"], Some(MINUTE), measures),
            &format!(
                "select {minutes}, attributes['user'], {figures} from requests where server = 'db' group by 1, 2"
            ),
        ),
        percentiles,
        edges,
    ]
}

/// Rows, ranges, values and what is missing.
fn selections() -> Vec<Asked> {
    let range = |field: &str, from: i64, to: i64| Filter::Range {
        field: field.into(),
        from: Some(Wanted::Number(from)),
        to: Some(Wanted::Number(to)),
    };
    let trace = Ask::Trace { id: TRACE.into() };
    // The last column is names and texts.
    let columns = Table::Requests.columns().split_last().unwrap().1.iter();
    let names: Vec<String> = columns.map(|column| format!("\"{}\"", column.name)).collect();
    let ids = names
        .join(", ")
        .replace("\"time\"", "t")
        .replace("\"weir.connection\"", "printf('%016x', \"weir.connection\")");
    let missing = Filter::Not(Box::new(exists("server")));
    let path = Filter::Prefix { field: "url.path".into(), text: "/sea".into() };
    let heat = Ask::HeatMap { every: 1_000 * MINUTE, field: "duration".into(), bits: 0 };
    let hours = 1_000 * MINUTE;
    let mut in_time = about(
        Filter::All,
        rows(&["time", "duration", "server"], 50_000),
        &format!(
            "select t, duration, server from requests where t >= {START} and t < {}",
            START + 20 * MINUTE
        ),
    );
    (in_time.query.from, in_time.query.to) = (Some(START), Some(START + 20 * MINUTE));
    vec![
        about(
            Filter::All,
            trace,
            &format!("select {ids} from requests where trace_id = from_hex('{TRACE}')"),
        ),
        in_time,
        about(
            range("duration", 1000, 2_000_000).and(range("weir.request.size", 10, 4000)),
            rows(&["time", "duration", "weir.request.size", "trace_id"], 50_000),
            "select t, duration, \"weir.request.size\", trace_id from requests \
             where duration >= 1000 and duration < 2000000 and \"weir.request.size\" >= 10 and \"weir.request.size\" < 4000",
        ),
        about(
            missing.and(exists("error.type")),
            rows(&["time", "server", "error.type", "url.path", "attributes.user"], 50_000),
            "select t, server, \"error.type\", \"url.path\", attributes['user'] from requests \
             where server is null and \"error.type\" is not null",
        ),
        about(
            path,
            facets("url.path"),
            "select \"url.path\", count(*) from requests where \"url.path\" like '/sea%' group by 1",
        ),
        about(Filter::All, facets("server"), "select server, count(*) from requests group by 1"),
        about(Filter::All, facets("trace_id"), "select trace_id, count(*) from requests group by 1"),
        about(
            Filter::All,
            heat,
            &format!(
                "select t // {hours} * {hours}, cast(pow(2, floor(log2(duration))) as bigint), count(*) from requests group by 1, 2"
            ),
        ),
    ]
}

fn ask_duckdb(python: &str, folder: &Path, statements: &[&str]) -> Vec<Vec<Vec<Value>>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/duckdb/ask.py");
    let mut command = Command::new(python);
    command.arg(script).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let text = serde_json::to_vec(statements).unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "DuckDB failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The interpreter that has DuckDB.
fn python() -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/duckdb");
    let found = Command::new(script).stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap();
    if found.status.success() {
        return Some(String::from_utf8(found.stdout).unwrap().trim().to_owned());
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "no DuckDB");
    eprintln!("skipped: no DuckDB: scripts/duckdb fails");
    None
}

#[test]
fn duckdb_gives_the_same_answers() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    // Nothing is merged any more while DuckDB looks for files.
    let store = Reader::open(folder.path(), Config::default()).unwrap();
    let asked: Vec<Asked> = figures().into_iter().chain(selections()).collect();
    let statements: Vec<&str> = asked.iter().map(|asked| asked.sql.as_str()).collect();
    let answers = ask_duckdb(&python, folder.path(), &statements);
    for (asked, mut expected) in asked.iter().zip(answers) {
        let mut found = told(&store, &asked.query);
        if let Ask::Trace { .. } = asked.query.ask {
            // The names and texts at the end.
            found.iter_mut().for_each(|row| drop(row.pop()));
        }
        // What is the same in both may come in any order.
        let order = |one: &Vec<Value>, other: &Vec<Value>| {
            let key = |row: &Vec<Value>| {
                row.iter().filter(|value| !value.is_f64()).map(Value::to_string).collect::<Vec<_>>()
            };
            key(one).cmp(&key(other))
        };
        found.sort_by(order);
        expected.sort_by(order);
        assert!(!expected.is_empty(), "{}: nothing to compare", asked.sql);
        assert_eq!(found.len(), expected.len(), "{}", asked.sql);
        for (found, expected) in found.iter().zip(&expected) {
            let same = found.len() == expected.len()
                && found.iter().zip(expected).all(|(one, other)| alike(one, other, asked.off));
            assert!(same, "{}:\n{found:?}\n{expected:?}", asked.sql);
        }
    }
}
