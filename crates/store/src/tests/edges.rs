//! Edges of every span against the requests that they are made of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use schema::histogram::{STORED_BITS, bucket, middle};
use schema::query::{Ask, Cell, Filter, Group, Measure, Outcome, Query};
use schema::{Rows, Table};

use super::{Random, all_rows, ask, config, opened, origin, place};
use crate::config::{Config, Retention};
use crate::disk::Disk;
use crate::disk::simulated::SimulatedDisk;
use crate::engine::Engine;
use crate::maintain::Wish;
use crate::open;

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;
/// An hour that is also the first one of a day.
const START: i64 = 19_675 * 24 * HOUR;

struct Request {
    time: i64,
    duration: i64,
    server: &'static str,
    failed: bool,
    waiting: bool,
    size: i64,
}

/// Requests of three hours, more of them in some seconds than in others.
fn requests(random: &mut Random, count: usize) -> Vec<Request> {
    let request = |random: &mut Random| Request {
        time: START
            + random.below(3) as i64 * HOUR
            + random.below(90) as i64 * SECOND
            + random.below(1 << 30) as i64,
        duration: 1 << random.below(30) | random.below(1 << 12) as i64,
        server: ["db", "cache"][random.below(2) as usize],
        failed: random.below(7) == 0,
        waiting: random.below(11) == 0,
        size: random.below(9000) as i64,
    };
    (0..count).map(|_| request(random)).collect()
}

fn send(engine: &Engine, sequence: u64, requests: &[Request]) {
    let at = |name: &str| place(Table::Requests, name);
    let mut rows = Rows::new(Table::Requests);
    for request in requests {
        rows.number(at("time"), request.time);
        rows.number(at("duration"), request.duration);
        rows.text(at("client"), "shop");
        rows.text(at("server"), request.server);
        rows.number(at("weir.response.size"), request.size);
        if request.failed {
            rows.text(at("error.type"), "500");
        }
        if request.waiting {
            rows.number(at("weir.waiting"), 1);
        }
        rows.end().unwrap();
    }
    engine.submit(origin(sequence), Table::Requests, &rows.finish().unwrap()).unwrap();
    engine.commit().unwrap();
}

/// What edges have to come to: by span and server, found one request after the other.
fn expected(requests: &[Request], span: i64) -> Vec<Group> {
    let mut groups: BTreeMap<(i64, &str), Vec<&Request>> = BTreeMap::new();
    for request in requests.iter().filter(|request| !request.waiting) {
        let begin = request.time.div_euclid(span) * span;
        groups.entry((begin, request.server)).or_default().push(request);
    }
    let tell = |((time, server), requests): ((i64, &str), Vec<&Request>)| {
        let mut durations: Vec<i64> = requests.iter().map(|request| request.duration).collect();
        durations.sort_unstable();
        let percentile = |percent: f64| {
            let rank = ((percent / 100.0 * durations.len() as f64).ceil() as usize).clamp(1, durations.len());
            middle(bucket(durations[rank - 1], STORED_BITS), STORED_BITS)
        };
        let failed = requests.iter().filter(|request| request.failed).count();
        let sizes: i64 = requests.iter().map(|request| request.size).sum();
        let measures = [
            requests.len() as f64,
            failed as f64,
            durations.iter().sum::<i64>() as f64,
            sizes as f64,
            percentile(50.0),
            percentile(99.0),
        ];
        let measures = measures.into_iter().map(Some).collect();
        Group { time: Some(time), keys: vec![Cell::Text(server.to_owned())], measures }
    };
    groups.into_iter().map(tell).collect()
}

fn found(engine: &Engine, span: i64, filter: Filter) -> Vec<Group> {
    let percentile = |percent| Measure::Percentile { field: "duration".into(), percent };
    let measures = vec![
        Measure::Count,
        Measure::Errors,
        Measure::Sum("duration.sum".into()),
        Measure::Sum("weir.response.size".into()),
        percentile(50.0),
        percentile(99.0),
    ];
    let asked =
        Ask::Groups { by: vec!["server".into()], every: Some(span), measures, order: None, limit: 100_000 };
    let query = Query { table: Table::Edges, from: None, to: None, filter, ask: asked };
    let answer = ask(engine, &query).unwrap();
    assert!(answer.scanned.damaged.is_empty(), "{:?}", answer.scanned);
    let Outcome::Groups { groups, .. } = answer.outcome else { panic!("no groups") };
    groups
}

#[test]
fn edges_of_every_span_are_the_requests_summed_up() {
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::default());
    let engine = opened(&disk).unwrap();
    let mut random = Random(0xed6e5);
    let mut all = Vec::new();
    for step in ["memory", "a file", "a file and memory", "merged files"] {
        if step != "a file" {
            let more = requests(&mut random, 500);
            send(&engine, all.len() as u64, &more);
            all.extend(more);
        }
        if step != "memory" && step != "a file and memory" {
            engine.flush().unwrap();
        }
        if step == "merged files" {
            while engine.compact(Wish::Everything).unwrap() > 0 {}
        }
        for seconds in [1, 10, 60, 3600] {
            let wanted = expected(&all, seconds * SECOND);
            // That span, and the one that is chosen where the question names none.
            for filter in [Filter::is("resolution", seconds), Filter::All] {
                let told = found(&engine, seconds * SECOND, filter);
                assert_eq!(told, wanted, "{seconds} s from {step}");
            }
        }
        let of_db = |group: &Group| group.keys == [Cell::Text("db".into())];
        let wanted: Vec<Group> = expected(&all, 10 * SECOND).into_iter().filter(of_db).collect();
        assert_eq!(found(&engine, 10 * SECOND, Filter::is("server", "db")), wanted);
        assert_eq!(found(&engine, 7200 * SECOND, Filter::All), expected(&all, 7200 * SECOND));
    }
    let metas: Vec<_> = engine.state().segments.values().map(|segment| segment.meta.clone()).collect();
    let of_edges = |seconds| metas.iter().filter(|meta| meta.resolution == Some(seconds)).count();
    assert_eq!((of_edges(60), of_edges(3600)), (3, 1), "files of an hour, and one of a day");
}

#[test]
fn each_span_is_kept_for_its_own_time() {
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::default());
    let day = Some(Duration::from_secs(24 * 3600));
    let retention = Retention { table: Table::Edges, resolution: Some(60), age: day, bytes: None };
    let (engine, _) = open::open(disk, Config { retention: vec![retention], ..config() }).unwrap();
    let all = requests(&mut Random(0x4e9), 300);
    send(&engine, 1, &all);
    engine.flush().unwrap();
    let minutes = found(&engine, 60 * SECOND, Filter::is("resolution", 60));
    assert_eq!(engine.retain(START + 24 * HOUR).unwrap(), 0);
    assert_eq!(found(&engine, 60 * SECOND, Filter::is("resolution", 60)), minutes);
    assert!(engine.retain(START + 30 * HOUR).unwrap() > 0);
    assert_eq!(found(&engine, 60 * SECOND, Filter::is("resolution", 60)), []);
    assert_eq!(found(&engine, HOUR, Filter::All), expected(&all, HOUR));
}

#[test]
fn where_requests_are_gone_the_shortest_spans_in_files_answer() {
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::default());
    let retention = Retention { table: Table::Requests, resolution: None, age: None, bytes: Some(1) };
    let (engine, _) = open::open(disk, Config { retention: vec![retention], ..config() }).unwrap();
    let all = requests(&mut Random(0x90e), 300);
    send(&engine, 1, &all);
    engine.flush().unwrap();
    assert_eq!(found(&engine, SECOND, Filter::All), expected(&all, SECOND));
    assert_eq!(engine.retain(0).unwrap(), 300);
    assert_eq!(found(&engine, SECOND, Filter::All), expected(&all, 60 * SECOND));
}

#[test]
fn clocks_may_say_anything() {
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::default());
    let engine = opened(&disk).unwrap();
    let times = [i64::MIN, i64::MIN + 1, -1, 0, 1_700_000_000_000_000_000, i64::MAX - 1, i64::MAX];
    for (sequence, time) in (0..).zip(times) {
        let mut rows = Rows::new(Table::Requests);
        rows.number(place(Table::Requests, "time"), time);
        rows.number(place(Table::Requests, "duration"), if sequence % 2 == 0 { i64::MAX } else { -5 });
        rows.end().unwrap();
        engine.submit(origin(sequence), Table::Requests, &rows.finish().unwrap()).unwrap();
    }
    engine.commit().unwrap();
    let counted = |every: Option<i64>| -> (usize, f64) {
        let measures = vec![Measure::Count];
        let asked = Ask::Groups { by: vec![], every, measures, order: None, limit: 100 };
        let query = Query { table: Table::Edges, from: None, to: None, filter: Filter::All, ask: asked };
        let Outcome::Groups { groups, .. } = ask(&engine, &query).unwrap().outcome else {
            panic!("no groups")
        };
        (groups.len(), groups.iter().filter_map(|group| group.measures[0]).sum())
    };
    for step in 0..3 {
        assert_eq!(counted(None).1, 7.0, "step {step}");
        // Two at the beginning of all times, two at their end.
        assert_eq!(counted(Some(HOUR)), (5, 7.0), "step {step}");
        match step {
            0 => engine.flush().unwrap(),
            _ => drop(engine.compact(Wish::Everything).unwrap()),
        }
    }
    engine.retain(i64::MAX).unwrap();
    drop(engine);
    assert_eq!(
        ask(&opened(&disk).unwrap(), &all_rows(Table::Requests, &["time"])).unwrap().scanned.matched,
        7
    );
}
