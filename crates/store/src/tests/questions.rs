//! Random questions about random rows, in files, merged files and memory, against plain answers.

use std::sync::Arc;

use schema::histogram::{EXACT_BITS, bounds, bucket};
use schema::query::{Answer, Ask, Cell, Cursor, Filter, Measure, Order, Outcome, Query, Value};
use schema::{Kind, Rows, Table};

use super::naive::{self, Row};
use super::{Random, ask, opened, origin, place};
use crate::Error;
use crate::disk::Disk;
use crate::disk::simulated::SimulatedDisk;
use crate::engine::Engine;
use crate::maintain::Wish;

const START: i64 = 1_700_000_000_000_000_000;
const WORDS: [&str; 5] = ["cache", "db", "payment", "search", "shop"];
/// Fields that rows have values of, some of them always.
const FIELDS: [&str; 12] = [
    "time",
    "duration",
    "service.name",
    "server",
    "error.type",
    "http.response.status_code",
    "weir.waiting",
    "weir.connection",
    "trace_id",
    "url.path",
    "attributes.user",
    "weir.request.size",
];

fn value(random: &mut Random, field: &str) -> Option<Cell> {
    let word = |random: &mut Random| Cell::Text((*random.of(&WORDS)).to_owned());
    Some(match field {
        "time" => Cell::Number(START + random.below(2000) as i64 * 5_000_000_000),
        "duration" => Cell::Number(1 << random.below(34) | random.below(1 << 10) as i64),
        "service.name" => word(random),
        "server" if random.below(5) > 0 => word(random),
        "error.type" if random.below(8) == 0 => word(random),
        "http.response.status_code" if random.below(3) > 0 => Cell::Number(*random.of(&[200, 404, 500])),
        "weir.waiting" if random.below(6) == 0 => Cell::Flag(random.below(2) == 0),
        "weir.connection" => Cell::Text(format!("{:016x}", u64::MAX - random.below(7))),
        "trace_id" if random.below(3) == 0 => Cell::Text(format!("{:032x}", random.below(40))),
        "url.path" if random.below(2) == 0 => {
            Cell::Text(format!("/{}/{}", random.of(&WORDS), random.below(50)))
        }
        "attributes.user" if random.below(4) == 0 => word(random),
        "weir.request.size" if random.below(2) == 0 => Cell::Number(random.below(5000) as i64),
        _ => return None,
    })
}

fn put(rows: &mut Rows, field: &str, cell: &Cell) {
    if let Some(key) = field.strip_prefix("attributes.") {
        let Cell::Text(text) = cell else { panic!("{cell:?}") };
        return rows.map(place(Table::Requests, "attributes"), [("other", "x"), (key, text.as_str())]);
    }
    let place = place(Table::Requests, field);
    match (Table::Requests.columns()[place].kind, cell) {
        (_, Cell::Number(number)) => rows.number(place, *number),
        (_, Cell::Flag(flag)) => rows.number(place, i64::from(*flag)),
        (Kind::Id, Cell::Text(text)) => rows.number(place, u64::from_str_radix(text, 16).unwrap() as i64),
        (Kind::Bytes(_), Cell::Text(text)) => rows.bytes(place, &schema::query::hex(text).unwrap()),
        (_, Cell::Text(text)) => rows.text(place, text),
        _ => panic!("{field}: {cell:?}"),
    }
}

/// A store with the same rows in files, merged files and memory.
fn filled(random: &mut Random) -> (Engine, Vec<Row>) {
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::default());
    let engine = opened(&disk).unwrap();
    let mut all = Vec::new();
    for batch in 0..6 {
        let mut rows = Rows::new(Table::Requests);
        for _ in 0..200 + random.below(300) {
            let row: Row = FIELDS
                .iter()
                .filter_map(|field| value(random, field).map(|cell| ((*field).to_owned(), cell)))
                .collect();
            row.iter().for_each(|(field, cell)| put(&mut rows, field, cell));
            rows.end().unwrap();
            all.push(row);
        }
        engine.submit(origin(batch), Table::Requests, &rows.finish().unwrap()).unwrap();
        engine.commit().unwrap();
        match batch {
            0 | 1 | 3 => engine.flush().unwrap(),
            2 => drop(engine.compact(Wish::Everything).unwrap()),
            _ => {}
        }
    }
    (engine, all)
}

fn filter(random: &mut Random, depth: u32) -> Filter {
    let field = *random.of(&FIELDS);
    let some = |random: &mut Random| loop {
        match value(random, field) {
            Some(Cell::Number(number)) => return Value::Number(number),
            Some(Cell::Flag(flag)) => return Value::Flag(flag),
            Some(Cell::Text(text)) => return Value::Text(text),
            _ => {}
        }
    };
    let name = field.to_owned();
    let numeric = matches!(field, "time" | "duration" | "weir.request.size" | "http.response.status_code");
    match random.below(if depth > 0 { 10 } else { 6 }) {
        0 => Filter::Is { field: name, value: some(random) },
        1 => Filter::In { field: name, values: (0..random.below(4)).map(|_| some(random)).collect() },
        2 | 3 if numeric => {
            let bound = |random: &mut Random| (random.below(3) > 0).then(|| some(random));
            Filter::Range { field: name, from: bound(random), to: bound(random) }
        }
        4 => Filter::Prefix { field: "url.path".into(), text: format!("/{}", &random.of(&WORDS)[..2]) },
        6 => Filter::And((0..random.below(4)).map(|_| filter(random, depth - 1)).collect()),
        7 => Filter::Or((0..random.below(4)).map(|_| filter(random, depth - 1)).collect()),
        8 => Filter::Not(Box::new(filter(random, depth - 1))),
        9 => Filter::All,
        _ => Filter::Exists { field: name },
    }
}

fn query(random: &mut Random, ask: Ask) -> Query {
    let bound = |random: &mut Random, from: i64| {
        (random.below(3) == 0).then(|| START + from + random.below(5_000_000_000_000) as i64)
    };
    let (from, to) = (bound(random, 0), bound(random, 5_000_000_000_000));
    Query { table: Table::Requests, from, to, filter: filter(random, 3), ask }
}

fn answer(engine: &Engine, query: &Query) -> Answer {
    let answer = ask(engine, query).unwrap_or_else(|error| panic!("{query:?}: {error}"));
    assert!(answer.scanned.damaged.is_empty(), "{:?}", answer.scanned);
    answer
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn rows_are_those_that_match_in_their_order() {
    let mut random = Random(0x5eed);
    let (engine, all) = filled(&mut random);
    for _ in 0..50 {
        let columns = names(&FIELDS[..1 + random.below(FIELDS.len() as u64) as usize]);
        let by = (*random.of(&["time", "duration", "weir.request.size"])).to_owned();
        let (ascending, limit) = (random.below(2) == 0, *random.of(&[60, 200, 900]));
        let mut after: Option<Cursor> = None;
        let asked = |after| Ask::Rows {
            columns: columns.clone(),
            order: Order { by: by.clone(), ascending },
            limit,
            after,
        };
        let mut question = query(&mut random, asked(None));
        let expected = naive::rows(&naive::selected(&all, &question), &columns, &by, ascending);
        // Page by page, to the end.
        let mut found = Vec::new();
        loop {
            question.ask = asked(after);
            let Outcome::Rows { rows, next, .. } = answer(&engine, &question).outcome else {
                panic!("no rows")
            };
            assert!(rows.len() == limit || next.is_none(), "{question:?}");
            found.extend(rows);
            after = next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{question:?}");
    }
}

#[test]
fn groups_have_the_figures_of_their_rows() {
    let mut random = Random(0x6f00d);
    let (engine, all) = filled(&mut random);
    let duration = || "duration".to_owned();
    let measures = vec![
        Measure::Count,
        Measure::Errors,
        Measure::Sum("weir.request.size".into()),
        Measure::Mean(duration()),
        Measure::Min("weir.request.size".into()),
        Measure::Max(duration()),
        Measure::Percentile { field: duration(), percent: 50.0 },
        Measure::Percentile { field: duration(), percent: 99.0 },
    ];
    let keys = [
        "service.name",
        "server",
        "error.type",
        "http.response.status_code",
        "weir.waiting",
        "weir.connection",
        "attributes.user",
    ];
    for _ in 0..60 {
        let by: Vec<&str> = (0..random.below(4)).map(|_| *random.of(&keys)).collect();
        let every = (random.below(2) == 0).then_some(600_000_000_000);
        let asked =
            Ask::Groups { by: names(&by), every, measures: measures.clone(), order: None, limit: 100_000 };
        let question = query(&mut random, asked);
        let expected = naive::groups(&naive::selected(&all, &question), &question.ask);
        let Outcome::Groups { groups, left_out } = answer(&engine, &question).outcome else {
            panic!("no groups")
        };
        assert_eq!((groups.len(), left_out), (expected.len(), 0), "{question:?}");
        for (group, expected) in groups.iter().zip(&expected) {
            assert_eq!((group.time, &group.keys), (expected.time, &expected.keys), "{question:?}");
            assert_eq!(group.measures[..6], expected.measures[..6], "{question:?}");
            for (found, exact) in group.measures[6..].iter().zip(&expected.measures[6..]) {
                let (found, exact) = (found.unwrap(), exact.unwrap());
                let (low, high) = bounds(bucket(exact as i64, EXACT_BITS), EXACT_BITS);
                assert!(found >= low as f64 && found <= high as f64, "{found} {exact}");
            }
        }
    }
}

#[test]
fn facets_heat_maps_and_differences_count_the_same_rows() {
    let mut random = Random(0xfacade);
    let (engine, all) = filled(&mut random);
    for _ in 0..25 {
        let fields = ["server", "http.response.status_code", "attributes.user", "trace_id", "weir.waiting"];
        let question = query(&mut random, Ask::Facets { fields: names(&fields), limit: 3 });
        let rows = naive::selected(&all, &question);
        let Outcome::Facets(facets) = answer(&engine, &question).outcome else { panic!("no facets") };
        for (facet, field) in facets.iter().zip(fields) {
            let mut expected = naive::facet(&rows, field);
            let others: u64 = expected.iter().skip(3).map(|(_, count)| count).sum();
            expected.truncate(3);
            assert_eq!((&facet.values, facet.others), (&expected, others), "{field} {question:?}");
        }
        let asked = Ask::HeatMap { every: 1_000_000_000_000, field: "weir.request.size".into(), bits: 1 };
        let question = Query { ask: asked, ..question };
        let Outcome::HeatMap { cells } = answer(&engine, &question).outcome else { panic!("no cells") };
        let mut expected = std::collections::BTreeMap::new();
        for row in &rows {
            if let (Some(Cell::Number(time)), Some(Cell::Number(size))) =
                (row.get("time"), row.get("weir.request.size"))
            {
                let span = time.div_euclid(1_000_000_000_000) * 1_000_000_000_000;
                *expected.entry((span, bounds(bucket(*size, 1), 1).0)).or_insert(0) += 1;
            }
        }
        let expected: Vec<_> =
            expected.into_iter().map(|((span, size), count)| (span, size, count)).collect();
        assert_eq!(cells, expected, "{question:?}");
    }
}

#[test]
fn what_sets_rows_apart_is_found() {
    let mut random = Random(0xa9a47);
    let (engine, all) = filled(&mut random);
    // A connection's place among seven is what is selected by, so it has to come first.
    let odd = "fffffffffffffffd";
    let selection = Filter::is("weir.connection", odd);
    let fields = names(&["server", "weir.connection", "error.type"]);
    let asked = Ask::Apart { selection: selection.clone(), fields, limit: 5 };
    let question = Query { table: Table::Requests, from: None, to: None, filter: Filter::All, ask: asked };
    let Outcome::Apart { rows, differences } = answer(&engine, &question).outcome else {
        panic!("no differences")
    };
    let selected = all.iter().filter(|row| naive::matches(row, &selection)).count() as u64;
    assert_eq!(rows, [selected, all.len() as u64 - selected]);
    let first = &differences[0];
    assert_eq!((&first.field[..], &first.value), ("weir.connection", &Cell::Text(odd.into())));
    assert_eq!((first.selected, first.others), (1.0, 0.0));
    assert_eq!(differences.len(), 5);
}

#[test]
fn a_trace_is_found_by_its_filter() {
    let mut random = Random(0x7ace);
    let (engine, all) = filled(&mut random);
    for number in 0..45 {
        let id = format!("{number:032x}");
        let asked = Ask::Trace { id: id.clone() };
        let question =
            Query { table: Table::Requests, from: None, to: None, filter: Filter::All, ask: asked };
        let found = answer(&engine, &question);
        let Outcome::Rows { rows, .. } = &found.outcome else { panic!("no rows") };
        let wanted = Filter::is("trace_id", id.as_str());
        assert_eq!(rows.len(), all.iter().filter(|row| naive::matches(row, &wanted)).count(), "{id}");
        assert!(number < 40 || found.scanned.row_groups == 0, "nothing is read for what is not there");
    }
}

#[test]
fn memory_is_bounded() {
    let mut random = Random(0xb16);
    let (engine, _) = filled(&mut random);
    let by = names(&["url.path", "weir.connection", "trace_id"]);
    let asked = Ask::Groups {
        by,
        every: None,
        measures: vec![Measure::Percentile { field: "duration".into(), percent: 50.0 }],
        order: None,
        limit: 10,
    };
    let question = Query { table: Table::Requests, from: None, to: None, filter: Filter::All, ask: asked };
    let state = engine.state();
    let snapshot = crate::query::Snapshot {
        segments: state.segments.values().cloned().collect(),
        recent: state.recent.clone(),
    };
    drop(state);
    let limits = crate::query::Limits { memory: 20_000, threads: 1 };
    let told = crate::query::run(&snapshot, &question, &engine.cache, limits, &crate::Cancel::default());
    assert!(matches!(told, Err(Error::TooMuch { limit: 20_000 })), "{told:?}");
}
