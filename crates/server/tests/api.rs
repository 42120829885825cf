//! The API over HTTP, from a store with known rows: what it tells is what was put in.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};

use common::api::{Api, now};
use rows::{Agents, Heartbeat, Host, Places};
use schema::{Rows, Table};
use serde_json::Value;

const SECOND: i64 = 1_000_000_000;
const W3C: [u8; 16] = [0xab; 16];

/// 300 calls of `shop` to `db`, as both ends saw them: the i-th takes i + 1 ms, and every tenth fails. The server's end sees
/// half a millisecond less. 30 calls of somebody unknown to `shop`; the first of them has traces.
fn fill(api: &Api) -> i64 {
    let (mut rows, at) = (Rows::new(Table::Requests), Places::default());
    let trace = |name: &str| Table::Requests.column(name).map(|(place, _)| place).unwrap();
    let base = now() / SECOND * SECOND - 30 * SECOND;
    let mut row = |role: &str,
                   client: &str,
                   server: &str,
                   (time, duration): (i64, i64),
                   error: bool,
                   place: Option<(i64, Option<i64>)>| {
        rows.number(at.time, time);
        rows.number(at.duration, duration);
        rows.text(at.role, role);
        rows.text(at.protocol, if server == "db" { "mysql" } else { "http" });
        rows.text(at.name, if server == "db" { "SELECT orders" } else { "GET /" });
        rows.text(at.client.service, client);
        rows.text(at.server.service, server);
        rows.text(at.host, if server == "db" && role == "server" { "b" } else { "a" });
        rows.text(at.service, if role == "client" { client } else { server });
        rows.number(at.connection, if role == "client" { 77 } else { 78 + i64::from(server == "db") });
        if error {
            rows.text(at.error, "1213");
        }
        if let Some((span, parent)) = place {
            rows.number(trace("weir.trace"), base);
            rows.number(trace("weir.span"), span);
            if let Some(parent) = parent {
                rows.number(trace("weir.parent"), parent);
                rows.text(trace("weir.evidence"), "thread");
            }
            if span == 0 {
                rows.bytes(at.trace, &W3C);
            }
        }
        rows.end().unwrap();
    };
    for i in 0..300 {
        let (time, duration) = (base + i * SECOND / 20, (i + 1) * 1_000_000);
        let place = (i < 2).then_some((1 + i, Some(0)));
        row("client", "shop", "db", (time, duration), i % 10 == 0, place);
        row("server", "shop", "db", (time, duration - 500_000), i % 10 == 0, None);
    }
    for i in 0..30 {
        let place = (i == 0).then_some((0, None));
        row("server", "10.0.0.9", "shop", (base + i * SECOND / 2, 700_000_000), false, place);
    }
    api.take(1, &mut rows);
    base
}

#[test]
fn figures_are_those_of_the_rows() {
    let api = Api::new();
    fill(&api);
    let services = api.get("services", &[("from", "-1m"), ("points", "10")]);
    let by_name: BTreeMap<_, _> =
        services["services"].as_array().unwrap().iter().map(|s| (s["name"].as_str().unwrap(), s)).collect();
    assert_eq!(by_name.keys().copied().collect::<Vec<_>>(), ["10.0.0.9", "db", "shop"]);
    let db = by_name["db"];
    assert_eq!(
        (&db["inbound"]["count"], &db["inbound"]["errors"]),
        (&300.into(), &30.into()),
        "once, not twice"
    );
    assert_eq!(
        (db["kind"].as_str(), by_name["10.0.0.9"]["kind"].as_str()),
        (Some("database"), Some("external"))
    );
    assert_eq!(by_name["shop"]["outbound"]["count"], 300);
    let points = db["points"].as_array().unwrap();
    assert_eq!(points.iter().map(|point| point["figures"]["count"].as_u64().unwrap()).sum::<u64>(), 300);
    let p50 = db["inbound"]["p50"].as_f64().unwrap();
    assert!((p50 - 0.1495).abs() < 0.1495 * 0.07, "{p50}");

    let topology = api.get("topology", &[("from", "-1m")]);
    let edges = topology["edges"].as_array().unwrap();
    let edge = edges.iter().find(|edge| edge["server"] == "db").unwrap();
    assert_eq!(
        (&edge["client"], &edge["protocol"], &edge["crosses_hosts"]),
        (&"shop".into(), &"mysql".into(), &true.into())
    );
    let total = |side: &str| edge[side]["total"].as_f64().unwrap();
    assert!((total("seen_by_client") - total("seen_by_server") - 0.15).abs() < 1e-6, "{edge}");
    // The same from rows as from sums.
    let from_rows = api.get("topology", &[("from", "-1m"), ("filter", "duration >= 0s")]);
    let edge_of_rows =
        from_rows["edges"].as_array().unwrap().iter().find(|edge| edge["server"] == "db").unwrap();
    assert_eq!(edge_of_rows["figures"]["count"], edge["figures"]["count"]);
    let failed = api.get("topology", &[("from", "-1m"), ("filter", "status = error and role = server")]);
    assert_eq!(failed["edges"].as_array().unwrap().len(), 1);
    assert_eq!(failed["edges"][0]["figures"]["count"], 30);

    let series = api.get("series", &[("from", "-1m"), ("by", "server"), ("step", "1s")]);
    let counts: BTreeMap<_, u64> = series["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| {
            let points = series["points"].as_array().unwrap();
            (
                series["keys"][0].as_str().unwrap(),
                points.iter().map(|point| point["figures"]["count"].as_u64().unwrap()).sum(),
            )
        })
        .collect();
    assert_eq!(counts, BTreeMap::from([("db", 300), ("shop", 30)]));

    let operations = api.get("operations", &[("from", "-1m"), ("filter", "role = server"), ("by", "name")]);
    assert_eq!(operations["operations"][0]["keys"], serde_json::json!(["SELECT orders"]));
    assert_eq!(operations["operations"][0]["figures"]["count"], 300);
    // What is left out took its time all the same.
    let shares = |limit| {
        let asked = [("from", "-1m"), ("by", "server"), ("limit", limit)];
        let operations = api.get("operations", &asked);
        let all = operations["operations"].as_array().unwrap();
        (
            all.iter().map(|o| o["share"].as_f64().unwrap()).collect::<Vec<_>>(),
            operations["left_out"].as_u64(),
        )
    };
    let (all, first) = (shares("10"), shares("1"));
    assert!(all.0.len() > 1 && (all.0.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{all:?}");
    assert_eq!(first, (all.0[..1].to_vec(), Some(all.0.len() as u64 - 1)));

    let service = api.get("services/shop", &[("from", "-1m")]);
    assert_eq!(
        (&service["callers"][0]["client"], &service["callees"][0]["server"]),
        (&"10.0.0.9".into(), &"db".into())
    );
    assert_eq!(service["operations"][0]["figures"]["count"], 30);
    let dependencies = api.get("services/db/dependencies", &[("from", "-1m")]);
    let blast: Vec<_> = dependencies["blast_radius"]
        .as_array()
        .unwrap()
        .iter()
        .map(|blast| blast["service"].as_str().unwrap())
        .collect();
    assert_eq!((blast, &dependencies["fan_in"]), (vec!["shop", "10.0.0.9"], &1.into()));

    let map = api.get("heatmap", &[("from", "-1m"), ("filter", "role = server")]);
    let cells = map["cells"].as_array().unwrap();
    assert_eq!(cells.iter().map(|cell| cell[2].as_u64().unwrap()).sum::<u64>(), 330);
    let facets = api.get("facets", &[("from", "-1m"), ("fields", "service,error")]);
    assert_eq!(facets["facets"][0]["values"][0], serde_json::json!({"value": "shop", "count": 330}));
    let apart =
        api.get("apart", &[("from", "-1m"), ("selection", "duration > 250ms"), ("filter", "role = server")]);
    // 50 of the server's end take so long: those from 251 to 300 ms, less half of one; and all of shop's.
    assert_eq!(apart["selected"], 80);
}

#[test]
fn pages_have_every_request_once() {
    let api = Api::new();
    fill(&api);
    let (mut seen, mut after, mut last) = (BTreeSet::new(), None::<String>, f64::INFINITY);
    loop {
        let mut parameters =
            vec![("from", "-1m"), ("order", "-duration"), ("limit", "37"), ("filter", "role = client")];
        parameters.extend(after.as_deref().map(|after| ("after", after)));
        let page = api.get("requests", &parameters);
        for request in page["requests"].as_array().unwrap() {
            let duration = request["duration"].as_f64().unwrap();
            assert!(
                duration <= last && seen.insert(request["time"].as_str().unwrap().to_owned()),
                "{request}"
            );
            last = duration;
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(seen.len(), 300);
    let one = api.get(
        "requests",
        &[("from", "-1m"), ("limit", "1"), ("filter", "name ^= SELECT and code exists or duration = 300ms")],
    );
    let id = one["requests"][0]["id"].as_str().unwrap();
    assert_eq!(api.get(&format!("requests/{id}"), &[]), one["requests"][0]);
    let lines = api.ask("export", &[("from", "-1m"), ("filter", "status = error")], &[]);
    assert_eq!((lines.kind.as_str(), lines.text.lines().count()), ("application/x-ndjson", 60));
    assert!(
        lines.text.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["error.type"] == "1213")
    );
    let csv = api.ask("export", &[("from", "-1m"), ("format", "csv"), ("limit", "5")], &[]);
    assert_eq!(csv.text.lines().count(), 6, "{}", csv.text);
}

#[test]
fn a_trace_is_found_by_each_of_its_ids() {
    let api = Api::new();
    let base = fill(&api);
    let list = api.get("traces", &[("from", "-1m")]);
    let (own, named) = (format!("{base:016x}"), "ab".repeat(16));
    assert_eq!(list["traces"].as_array().unwrap().len(), 1);
    assert_eq!(
        (list["traces"][0]["id"].as_str(), &list["traces"][0]["requests"]),
        (Some(named.as_str()), &3.into())
    );
    let request = list["traces"][0]["root"]["id"].as_str().unwrap();
    for id in [named.as_str(), own.as_str(), request] {
        let trace = api.get(&format!("traces/{id}"), &[]);
        let spans: Vec<_> = trace["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| {
                (span["depth"].as_u64().unwrap(), span["name"].as_str().unwrap(), span["evidence"].as_str())
            })
            .collect();
        let child = (1, "SELECT orders", Some("thread"));
        assert_eq!(spans, [(0, "GET /", None), child, child], "{id}");
        assert_eq!(trace["errors"], 1, "{id}");
    }
    for id in ["cd".repeat(16), "0".repeat(16), "nonsense".into(), "..%2F..%2Fetc".into()] {
        assert_eq!(api.ask(&format!("traces/{id}"), &[], &[]).status, 404, "{id}");
    }
}

#[test]
fn what_is_wrong_is_told_as_a_problem() {
    let api = Api::new();
    let cases = [
        ("requests", ("filter", "nothing = 1"), 400, "no field `nothing`"),
        ("requests", ("from", "yesterday"), 400, "is no time"),
        ("requests", ("limit", "0"), 400, "between 1 and 1000"),
        ("requests", ("limit", "many"), 400, "limit"),
        ("requests", ("order", "name"), 400, "name"),
        ("requests", ("after", "x"), 400, "after"),
        ("heatmap", ("step", "1s; drop"), 400, "no length"),
        ("series", ("step", "0s"), 400, "no length"),
        ("apart", ("selection", " "), 400, "is empty"),
        ("export", ("format", "xml"), 400, "neither"),
        ("services/nobody", ("from", "-1m"), 404, "nobody"),
        ("requests/1", ("from", "-1m"), 404, "no request's id"),
        ("nothing", ("from", "-1m"), 404, "openapi.json"),
    ];
    for (path, parameter, status, detail) in cases {
        let answer = api.ask(path, &[parameter], &[]);
        assert_eq!(
            (answer.status, answer.kind.as_str()),
            (status, "application/problem+json"),
            "{path} {parameter:?}: {}",
            answer.text
        );
        let problem = answer.json();
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{path} {parameter:?}: {problem}");
        assert_eq!(problem["status"], status);
    }
}

#[test]
fn who_has_an_answer_is_told_so() {
    let api = Api::new();
    let first = api.ask("openapi.json", &[], &[]);
    assert_eq!(first.status, 200);
    assert_eq!(first.json()["openapi"].as_str().map(|version| version.starts_with('3')), Some(true));
    let again = api.ask("openapi.json", &[], &[("If-None-Match", first.etag.as_deref().unwrap())]);
    assert_eq!((again.status, again.text.len()), (304, 0));
    let health = api.get("health", &[]);
    assert_eq!((&health["status"], &health["version"]), (&"ok".into(), &"test".into()));
}

#[test]
fn requests_are_told_as_they_come_in() {
    let api = Api::new();
    let answer = ureq::get(api.url("live")).query("filter", "server = db and status = error").call().unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut lines = BufReader::new(answer.into_body().into_reader()).lines();
    // The view is there before the requests.
    fill(&api);
    let (mut told, mut left_out) = (0, 0);
    while told + left_out < 60 {
        let line = lines.next().unwrap().unwrap();
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let data: Value = serde_json::from_str(data).unwrap();
        let requests = data["requests"].as_array().unwrap();
        assert!(
            requests.iter().all(|request| request["error"] == "1213" && request["server"]["service"] == "db")
        );
        told += requests.len() as u64;
        left_out += data["left_out"].as_u64().unwrap();
    }
    assert_eq!((told, left_out), (60, 0));
}

/// What the agent of a host tells of itself.
fn beat(api: &Api, source: u64, host: &Host, heartbeat: &Heartbeat) {
    let mut agents = Agents::new(host);
    agents.push(heartbeat).unwrap();
    let origin = store::Origin { source, sequence: 1 };
    api.server.intake().take(origin, Table::Agents, &agents.finish().unwrap()).unwrap().wait().unwrap();
}

/// `shop` is on host `a`, `db` on `b`: where these are, their agents tell.
#[test]
fn calls_that_cross_zones_are_told() {
    let api = Api::new();
    fill(&api);
    let edge = |api: &Api| {
        let topology = api.get("topology", &[("from", "-1m")]);
        let edges = topology["edges"].as_array().unwrap();
        (edges.iter().find(|edge| edge["server"] == "db").unwrap().clone(), topology["nodes"].clone())
    };
    assert_eq!(edge(&api).0["crosses_zones"], false, "nobody knows");
    let api = Api::new();
    fill(&api);
    for (source, (host, zone)) in [(50, ("a", "north-1")), (51, ("b", "north-2"))] {
        let host = Host { name: host.into(), zone: zone.into(), ..Host::default() };
        beat(&api, source, &host, &Heartbeat { time: now() as u64, ..Heartbeat::default() });
    }
    let (edge, nodes) = edge(&api);
    assert_eq!((&edge["crosses_zones"], &edge["crosses_hosts"]), (&true.into(), &true.into()));
    let zones: BTreeMap<_, _> = nodes
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["name"].as_str().unwrap(), &node["zones"]))
        .collect();
    assert_eq!(
        (zones["shop"], zones["db"]),
        (&serde_json::json!(["north-1"]), &serde_json::json!(["north-2"]))
    );
    let needs = api.get("services/shop/dependencies", &[("from", "-1m")]);
    assert_eq!(needs["dependencies"][0]["crosses_zones"], true, "{needs}");
    let agents = api.get("agents", &[("from", "-1m")]);
    assert_eq!(agents["agents"][0]["attributes"]["cloud.availability_zone"], "north-1");
    assert_eq!(agents["about"]["coverage"]["agents"], 2);
}

/// 40 calls, each of which its client began at the end of a second, and its server saw in the next one.
#[test]
fn a_call_counts_once_wherever_it_is_counted() {
    let api = Api::new();
    let (mut rows, at) = (Rows::new(Table::Requests), Places::default());
    let base = now() / SECOND * SECOND - 60 * SECOND;
    for number in 0..40 {
        for (role, time) in [("client", -1000), ("server", 1000)] {
            rows.number(at.time, base + number / 2 * SECOND + time);
            rows.number(at.duration, 5_000_000);
            rows.text(at.role, role);
            rows.text(at.protocol, "http");
            rows.text(at.name, "GET /");
            rows.text(at.client.service, "shop");
            rows.text(at.server.service, "users");
            rows.text(at.service, if role == "client" { "shop" } else { "users" });
            rows.end().unwrap();
        }
    }
    api.take(1, &mut rows);
    let asked: &[(&str, &str)] = &[("from", "-2m")];
    let with = |more: &[(&'static str, &'static str)]| [asked, more].concat();
    let sum = |series: &Value| -> Vec<u64> {
        let points = |one: &Value| {
            let points = one["points"].as_array().unwrap().iter();
            points.map(|point| point["figures"]["count"].as_u64().unwrap()).sum()
        };
        series.as_array().unwrap().iter().map(points).collect()
    };
    for more in
        [&[("step", "1s")][..], &[("step", "1s"), ("by", "server")], &[("step", "1s"), ("by", "name")]]
    {
        assert_eq!(sum(&api.get("series", &with(more))["series"]), [40], "{more:?}");
    }
    let services = api.get("services", &with(&[("points", "120")]));
    let users = services["services"].as_array().unwrap().iter().find(|one| one["name"] == "users").unwrap();
    assert_eq!((&users["inbound"]["count"], sum(&serde_json::json!([users]))), (&40.into(), vec![40]));
    assert_eq!(api.get("topology", asked)["edges"][0]["figures"]["count"], 40);
    for more in [&[][..], &[("by", "name")], &[("order", "count"), ("limit", "1")]] {
        let operations = api.get("operations", &with(more));
        let all = operations["operations"].as_array().unwrap();
        assert_eq!((all.len(), &all[0]["figures"]["count"]), (1, &40.into()), "{more:?} {operations}");
        assert_eq!(operations["left_out"], 0);
    }
    // Who asks by what tells of an end gets both.
    for by in ["role", "service.name"] {
        let sides = api.get("operations", &with(&[("by", by)]));
        assert_eq!(sides["operations"].as_array().unwrap().len(), 2, "{by}");
        let series = api.get("series", &[("from", "-2m"), ("step", "1s"), ("by", by)]);
        assert_eq!(sum(&series["series"]), [40, 40], "{by}");
    }
    // Rows are told of both ends, and counted so.
    let facets = api.get("facets", &with(&[("fields", "role")]));
    assert_eq!((&facets["matched"], &facets["facets"][0]["values"][0]["count"]), (&80.into(), &40.into()));
    let one = api.get("facets", &with(&[("fields", "role"), ("filter", "role = server")]));
    assert_eq!(one["matched"], 40);
}

/// A request between two services, as one of them saw it.
fn call(
    rows: &mut Rows,
    time: i64,
    (client, server): (&str, &str),
    (role, process): (&str, (&str, i64, &str)),
) {
    let at = Places::default();
    rows.number(at.time, time);
    rows.number(at.duration, 5_000_000);
    rows.text(at.role, role);
    rows.text(at.protocol, "http");
    rows.text(at.name, "GET /");
    rows.text(at.client.service, client);
    rows.text(at.server.service, server);
    rows.text(at.service, if role == "client" { client } else { server });
    let (host, pid, command) = process;
    rows.text(at.host, host);
    rows.number(at.pid, pid);
    rows.text(at.command, command);
    rows.end().unwrap();
}

/// `shop` has a process on each of two hosts, and asks `users`; `users` asks `shop`, `rates` and `mail`.
#[test]
fn processes_of_a_service_and_circles_are_told() {
    let api = Api::new();
    let (mut rows, base) = (Rows::new(Table::Requests), now() - 10 * SECOND);
    for number in 0..12 {
        let time = base + number * 1_000_000;
        let own = if number < 8 { ("a", 100, "shopd") } else { ("b", 200, "shopd") };
        call(&mut rows, time, ("web", "shop"), ("server", own));
        if number % 2 == 0 {
            call(&mut rows, time, ("shop", "users"), ("client", own));
        }
    }
    for server in ["shop", "rates", "mail"] {
        call(&mut rows, base, ("users", server), ("client", ("c", 300, "usersd")));
    }
    api.take(1, &mut rows);
    let service = api.get("services/shop", &[("from", "-1m")]);
    let instances: Vec<_> = service["instances"].as_array().unwrap().iter().collect();
    let told: Vec<_> = instances
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap();
            let count = |side: &str| one[side]["count"].as_u64().unwrap();
            ((text("host"), text("pid"), text("command")), (count("inbound"), count("outbound")))
        })
        .collect();
    assert_eq!(told, [(("a", "100", "shopd"), (8, 4)), (("b", "200", "shopd"), (4, 2))], "{service}");
    let needs = |name: &str| api.get(&format!("services/{name}/dependencies"), &[("from", "-1m")]);
    let users = needs("users");
    assert_eq!((&users["fan_out"], &users["fan_in"]), (&3.into(), &1.into()), "{users}");
    assert_eq!(users["cycles"], serde_json::json!([["shop", "users"]]));
    let web = needs("web");
    assert_eq!((&web["fan_out"], &web["cycles"]), (&1.into(), &serde_json::json!([])), "{web}");
}

/// What agents did not see rides along with every answer.
#[test]
fn what_was_lost_is_told_with_every_answer() {
    let api = Api::new();
    fill(&api);
    let host =
        |name: &str, version: &str| Host { name: name.into(), version: version.into(), ..Host::default() };
    let told = |time: i64| Heartbeat { time: time as u64, events: 900, lost: 100, ..Heartbeat::default() };
    let attributes = vec![("stage", "sampling".to_owned())];
    let short = Heartbeat { sampled: Some(50), attributes, ..told(now()) };
    beat(&api, 50, &host("a", "1.2.3"), &short);
    beat(&api, 51, &host("b", "1.2.2"), &told(now() - 45 * SECOND));
    let agents = api.get("agents", &[("from", "-1m")]);
    let agents: Vec<_> = agents["agents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let counts = (one["events"].as_u64(), one["lost"].as_u64());
            let kept = (one["away"].as_bool(), one["sampled"].as_f64(), text(&one["attributes"]["stage"]));
            (text(&one["host"]), text(&one["version"]), counts, kept)
        })
        .collect();
    let counts = (Some(900), Some(100));
    let a = ("a".into(), "1.2.3".into(), counts, (Some(false), Some(0.5), "sampling".into()));
    let b = ("b".into(), "1.2.2".into(), counts, (Some(true), None, String::new()));
    assert_eq!(agents, [a, b]);
    let asked: &[(&str, &[(&str, &str)])] = &[
        ("services", &[]),
        ("services/shop", &[]),
        ("services/shop/dependencies", &[]),
        ("topology", &[]),
        ("series", &[("step", "1s")]),
        ("operations", &[]),
        ("requests", &[]),
        ("traces", &[]),
        ("facets", &[("fields", "service")]),
        ("heatmap", &[]),
        ("apart", &[("selection", "duration > 250ms")]),
        ("agents", &[]),
    ];
    let coverage =
        serde_json::json!({"agents": 2, "events": 1800, "lost": 200, "lost_ratio": 0.1, "sampled": 0.5});
    for (path, more) in asked {
        let answer = api.get(path, &[&[("from", "-1m")], *more].concat());
        assert_eq!(answer["about"]["coverage"], coverage, "{path}");
    }
}

/// Who takes gzip gets it, and the same content; who does not, does not.
#[test]
fn long_answers_are_packed() {
    let api = Api::new();
    fill(&api);
    let fetch = |packed: bool| {
        let mut stream = std::net::TcpStream::connect(api.server.addresses()[0]).unwrap();
        let accepts = if packed { "Accept-Encoding: gzip\r\n" } else { "" };
        let asked = "/api/v1/requests?from=-1m&limit=300&filter=role%20=%20client&order=-duration";
        let text = format!("GET {asked} HTTP/1.0\r\nHost: localhost\r\n{accepts}\r\n");
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let body = answer.split_off(head + 4);
        (String::from_utf8(answer).unwrap().to_lowercase(), body)
    };
    let ((head, body), (plain_head, plain)) = (fetch(true), fetch(false));
    assert!(head.contains("content-encoding: gzip") && !plain_head.contains("content-encoding"), "{head}");
    assert!(body.len() * 4 < plain.len(), "{} of {}", body.len(), plain.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut unpacked).unwrap();
    let requests = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["requests"].clone();
    assert_eq!(requests(&unpacked), requests(&plain));
}
