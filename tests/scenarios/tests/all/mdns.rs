//! Multicast DNS between two hosts: what the asker was told is one request on each side, by who answered.

use std::process::{Command, Stdio};

use scenario_tests::record::Record;
use scenario_tests::scenario;
use scenario_tests::weir::Weir;
use serde_json::Value;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/mdns.sh");

/// Kind, name, who answered, and the addresses in the answer.
type Told = (String, String, String, String);

fn told(version: &str) -> Vec<Told> {
    let done =
        Command::new("unshare").args(["--net", "sh", SCRIPT, version]).stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let lines = String::from_utf8(done.stdout).unwrap();
    let mut told: Vec<Told> = lines
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| line[key].as_str().unwrap().to_owned();
            let addresses: Vec<_> =
                line["addresses"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
            (text("kind"), text("name"), text("server"), addresses.join(","))
        })
        .collect();
    told.sort();
    told
}

fn seen(record: &Record) -> Told {
    let text = |key: &str| record.text(key).to_owned();
    (
        text("/name"),
        text("/attributes/dns.question.name"),
        text("/server/address"),
        text("/attributes/dns.answers"),
    )
}

fn check(version: &str, asker: &str) {
    let Some(_alone) = scenario() else { return };
    let weir = Weir::requests(&["--port", "5353", "--protocol", "dns"]).unwrap();
    let told = told(version);
    // Each of two records by both ways, and two plain questions.
    assert_eq!(told.len(), 6, "{told:?}");
    weir.wait_for(2 * told.len());
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        // The host may be in a network where others ask.
        let records: Vec<_> =
            run.of(5353, role).into_iter().filter(|record| record.text("/client/address") == asker).collect();
        let mut all: Vec<Told> = records.iter().map(|record| seen(record)).collect();
        all.sort();
        assert_eq!(all, told, "as the {role} saw it\n{}\n{}", run.output, run.summary);
        for record in records {
            assert_eq!((record.error(), record.incomplete()), ("", ""), "{}", record.json);
            let services = (record.text("/client/service"), record.text("/server/service"));
            assert_eq!(services, ("asker", "answerer"), "{}", record.json);
            assert_eq!(record.text("/process/service"), if role == "client" { "asker" } else { "answerer" });
            assert!((0.0..1.5).contains(&record.duration()), "{}", record.json);
        }
    }
    assert_eq!(run.lost(), 0, "{}", run.summary);
    assert_eq!(run.not_understood("dns"), 0, "{}", run.summary);
}

#[test]
fn ipv4() {
    check("4", "10.77.0.2");
}

#[test]
fn ipv6() {
    check("6", "fe80::2");
}
