//! Ends on other hosts go by the name that DNS led to them by.

use std::process::{Command, Stdio};

use scenario_tests::process::Process;
use scenario_tests::scenario;
use scenario_tests::weir::{Keep, Weir, binary};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/remote.py");

#[test]
fn by_the_name_that_was_asked_for() {
    let Some(_alone) = scenario() else { return };
    let weir = Weir::requests(&["--protocol", "http", "--service", "far-away*"]).unwrap();
    let mut table = Command::new(binary());
    table.args(["requests", "--service", "www.remote.test", "--protocol", "http"]);
    let table = Weir::start(&mut table, Keep::Text).unwrap();
    let mut python = Command::new("/usr/bin/python3");
    python.args([CLIENT, "far-away"]).env("OTEL_SERVICE_NAME", "far-away").stdout(Stdio::piped());
    let (said, _) = Process::start(&mut python).unwrap().output().unwrap();
    weir.wait_for(10);
    let run = weir.stop().unwrap();
    let table = table.stop().unwrap();
    let ports: Vec<u64> =
        String::from_utf8(said).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    let expected = [
        ("far-away", "api.remote.test", "10.77.0.2"),
        ("far-away", "www.remote.test", "10.77.0.2"),
        // By its address: what was asked for last.
        ("far-away", "www.remote.test", "10.77.0.2"),
        ("far-away", "", "10.77.0.3"),
        ("far-away-2", "www.remote.test", "10.77.0.2"),
    ];
    assert_eq!(ports.len(), expected.len());
    assert_eq!(run.records.len(), 2 * expected.len(), "{}", run.output);
    for (port, (client, server, address)) in ports.iter().zip(expected) {
        let records: Vec<_> = run.records.iter().filter(|r| r.number("/client/port") == *port).collect();
        assert_eq!(records.len(), 2, "{port}\n{}", run.output);
        for record in records {
            let seen = (record.text("/client/service"), record.text("/server/service"));
            assert_eq!((record.role(), seen), ("client", (client, server)), "{}", record.json);
            assert_eq!(record.text("/server/address"), address, "{}", record.json);
        }
    }
    let lines: Vec<&str> = table.output.lines().skip(1).collect();
    assert_eq!(lines.len(), 6, "{}", table.output);
    let named = |line: &&str| line.contains("far-away → www.remote.test ");
    assert_eq!(lines.iter().filter(|line| named(line)).count(), 4, "{}", table.output);
}
