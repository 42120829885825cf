//! Two network namespaces with the same addresses: nobody gets another's name.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use scenario_tests::process::Process;
use scenario_tests::scenario;
use scenario_tests::weir::Weir;

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/namespace.py");

#[test]
fn the_same_addresses_in_two_namespaces() {
    let Some(_alone) = scenario() else { return };
    let weir = Weir::requests(&["--port", "18080", "--protocol", "http"]).unwrap();
    let mut pairs: Vec<Process> = ["one", "two"]
        .into_iter()
        .map(|name| {
            let mut python = Command::new("/usr/bin/python3");
            python.args([CLIENT, name]).stdin(Stdio::piped()).stdout(Stdio::piped());
            Process::start(&mut python).unwrap()
        })
        .collect();
    for pair in &mut pairs {
        let mut said = String::new();
        BufReader::new(pair.child().stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "connected\n");
    }
    for pair in &mut pairs {
        pair.child().stdin.take().unwrap().write_all(b"\n").unwrap();
    }
    for pair in &mut pairs {
        assert!(pair.wait(Duration::from_secs(20)).unwrap().success());
    }
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        for name in ["one", "two"] {
            let path = format!("GET /{name}");
            let records: Vec<_> = run
                .records
                .iter()
                .filter(|record| record.role() == role && record.text("/name") == path)
                .collect();
            assert_eq!(records.len(), 3, "{role} {name}\n{}", run.output);
            for record in records {
                assert_eq!(record.text("/client/service"), format!("client-{name}"), "{}", record.json);
                assert_eq!(record.text("/server/service"), format!("server-{name}"), "{}", record.json);
            }
        }
    }
}
