//! DNS as real clients ask: dnspython, Net::DNS, and the stub of glibc. Each query is one request on each side, as the server
//! logged it and as the client was told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scenario_tests::dns::{Dnsmasq, Named, Query, dnsmasq_log, dnsmasq_options};
use scenario_tests::record::Record;
use scenario_tests::scenario;
use scenario_tests::weir::{Run, Weir};
use serde_json::Value;

use crate::dns::query;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

/// Two addresses, aliases to the second degree, no such name, no such record, more than fits, a server that refuses, and one
/// that fails.
const QUESTIONS: [&str; 11] = [
    "shop.test/A",
    "shop.test/AAAA",
    "alias.test/A",
    "outer.test/A",
    "outer.test/AAAA",
    "alias.test/CNAME",
    "mail.test/MX",
    "none.test/A",
    "big.test/TXT",
    "elsewhere.example/AAAA",
    "broken.test/A",
];

/// Each is asked in three ways; what did not fit into a datagram, in either way, once more.
const QUERIES: usize = 3 * QUESTIONS.len() + 2;

/// The drivers, as they are called.
fn drivers() -> [Command; 2] {
    let mut python = Command::new("/usr/bin/python3");
    python.arg(format!("{CLIENTS}/dnspython.py"));
    let mut perl = Command::new("perl");
    perl.arg(format!("{CLIENTS}/net_dns.pl"));
    [python, perl]
}

/// What became of a question: name, type, error, number of records, addresses, and whether it was cut.
type Told = (String, String, String, u64, Vec<String>, bool);

/// What a client printed, one JSON object an answer; sorted.
fn told(client: &mut Command) -> Vec<Told> {
    let done = client.stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{client:?}: {errors}");
    let mut list: Vec<Told> = String::from_utf8(done.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| line[key].as_str().unwrap().to_owned();
            let addresses = line["addresses"].as_array().unwrap();
            let addresses = addresses.iter().map(|address| address.as_str().unwrap().to_owned()).collect();
            let (count, truncated) = (line["count"].as_u64().unwrap(), line["truncated"].as_bool().unwrap());
            (text("name"), text("kind"), text("error"), count, addresses, truncated)
        })
        .collect();
    list.sort();
    list
}

fn seen(record: &Record) -> Told {
    let Query { kind, name, addresses, error, .. } = query(record);
    let count = record.number("/attributes/weir.dns.answer.count");
    let truncated = record.text("/attributes/weir.dns.response.truncated") == "true";
    (name, kind, error, count, addresses, truncated)
}

/// Both sides' records against the server's log and what the client was told. A log without answers has none to compare.
fn compare(run: &Run, port: u16, told: &[Told], logged: &[Query], answers: bool) {
    for role in ["client", "server"] {
        let records = run.of(port, role);
        let mut all: Vec<Told> = records.iter().map(|record| seen(record)).collect();
        all.sort();
        assert_eq!(all, told, "as the {role} saw it\n{}", run.summary);
        let of_log = |query: Query| match answers {
            true => query,
            false => Query { addresses: Vec::new(), error: String::new(), ..query },
        };
        let mut queries: Vec<Query> = records.iter().map(|record| of_log(query(record))).collect();
        queries.sort();
        assert_eq!(queries, logged, "as the {role} saw it\n{}", run.summary);
        assert!(
            records.iter().all(|record| record.text("/protocol") == "dns" && record.incomplete().is_empty())
        );
    }
    assert_eq!(run.lost(), 0, "{}", run.summary);
    assert_eq!(run.not_understood("dns"), 0, "{}", run.summary);
}

/// Asks the server at `port` by a driver while Weir watches.
fn watch(driver: &mut Command, port: u16) -> (Vec<Told>, Run) {
    let weir = Weir::on_port(port).unwrap();
    let told = told(driver.arg(port.to_string()).args(QUESTIONS));
    assert_eq!(told.len(), QUERIES, "{told:?}");
    weir.wait_for(2 * QUERIES);
    (told, weir.stop().unwrap())
}

#[test]
fn drivers_of_dnsmasq() {
    let Some(_alone) = scenario() else { return };
    for mut driver in drivers() {
        let behind = Named::start().unwrap();
        let server = Dnsmasq::before(Some(&behind)).unwrap();
        let port = server.port();
        let (told, run) = watch(&mut driver, port);
        compare(&run, port, &told, &server.stop().unwrap(), true);
        for (error, count) in [("NXDOMAIN", 3), ("REFUSED", 3), ("SERVFAIL", 3), ("", QUERIES - 9)] {
            assert_eq!(told.iter().filter(|told| told.2 == error).count(), count, "{error}: {told:?}");
        }
        assert_eq!(told.iter().filter(|told| told.5).count(), 2, "{told:?}");
    }
}

#[test]
fn drivers_of_named() {
    let Some(_alone) = scenario() else { return };
    for mut driver in drivers() {
        let server = Named::start().unwrap();
        let port = server.port();
        let (told, run) = watch(&mut driver, port);
        compare(&run, port, &told, &server.stop().unwrap(), false);
    }
}

/// Passes datagrams on to a server, but for the first: lost on its way.
fn lossy(server: SocketAddr) -> u16 {
    let here = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = here.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        let _ = here.recv(&mut bytes);
        while let Ok((length, client)) = here.recv_from(&mut bytes) {
            let there = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            there.send_to(&bytes[..length], server).unwrap();
            let length = there.recv(&mut bytes).unwrap();
            here.send_to(&bytes[..length], client).unwrap();
        }
    });
    port
}

/// Net::DNS sends the same query again on the same socket: one request. dnspython takes another socket: one that nobody
/// answered, and another one.
#[test]
fn retries() {
    let Some(_alone) = scenario() else { return };
    let [mut python, mut perl] = drivers();
    let server = Dnsmasq::start().unwrap();
    let ports = [&mut python, &mut perl].map(|driver| {
        let port = lossy(server.address());
        (driver, port)
    });
    let weir = Weir::requests(&["--protocol", "dns"]).unwrap();
    let began = Instant::now();
    let [by_python, by_perl] = ports.map(|(driver, port)| {
        let told = told(driver.args(["retry", &port.to_string(), "shop.test/A"]));
        assert_eq!(told.len(), 1, "{told:?}");
        (port, told)
    });
    std::thread::sleep(Duration::from_secs(14).saturating_sub(began.elapsed()));
    let run = weir.stop().unwrap();
    let resent = |record: &Record| record.number("/attributes/weir.dns.request.resend_count");
    for role in ["client", "server"] {
        let (port, told) = &by_perl;
        let [record] = run.of(*port, role)[..] else { panic!("{role}: {}", run.output) };
        assert_eq!((&[seen(record)][..], resent(record)), (&told[..], 1), "{role}: {}", record.json);
        assert!((0.9..3.0).contains(&record.duration()), "{role}: {}", record.json);
    }
    let (port, told) = &by_python;
    let mut records = run.of(*port, "client");
    records.sort_by_key(|record| record.text("/time"));
    let [lost, answered] = records[..] else { panic!("{}", run.output) };
    assert_eq!((lost.error(), query(lost).name.as_str()), ("timeout", "shop.test"), "{}", lost.json);
    assert_eq!((&[seen(answered)][..], resent(answered)), (&told[..], 0), "{}", answered.json);
    assert_ne!(query(lost).port, query(answered).port);
}

/// The stub of glibc, at the usual address of a local resolver: a search list is gone through, both families at once.
#[test]
fn the_stub_of_glibc() {
    let Some(_alone) = scenario() else { return };
    let folder = tempfile::tempdir().unwrap();
    let stub = Ipv4Addr::new(127, 0, 0, 53);
    let weir = Weir::requests(&["--port", "53", "--protocol", "dns"]).unwrap();
    let done = Command::new("unshare")
        .args(["--net", "--mount", "sh", &format!("{CLIENTS}/dns_stub.sh")])
        .arg(folder.path())
        .args(dnsmasq_options(folder.path(), stub, 53))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said = String::from_utf8(done.stdout).unwrap();
    let found = "192.0.2.7 2001:db8::7 ";
    let expected = format!("shop {found}\nalias {found}\nnowhere \nshop.two.test {found}\n");
    assert_eq!(said, expected);
    let logged = dnsmasq_log(folder.path()).unwrap();
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        let records = run.of(53, role);
        let records: Vec<_> =
            records.into_iter().filter(|record| record.text("/server/address") == "127.0.0.53").collect();
        let mut queries: Vec<Query> = records.iter().map(|record| query(record)).collect();
        queries.sort();
        assert_eq!(queries, logged, "as the {role} saw it\n{}", run.summary);
        // Of each name both families, by one socket; more than once where the server refuses.
        let mut asked: BTreeMap<(u16, String), BTreeSet<String>> = BTreeMap::new();
        for Query { port, name, kind, .. } in queries {
            asked.entry((port, name)).or_default().insert(kind);
        }
        let both = BTreeSet::from(["A", "AAAA"].map(String::from));
        for name in [
            "shop.one.test",
            "shop.two.test",
            "alias.one.test",
            "alias.two.test",
            "nowhere.one.test",
            "nowhere.two.test",
            "nowhere",
        ] {
            let seen = asked.iter().any(|((_, asked), kinds)| asked == name && *kinds == both);
            assert!(seen, "{role}: {name} in {asked:?}");
        }
    }
    assert_eq!(run.lost(), 0, "{}", run.summary);
}
