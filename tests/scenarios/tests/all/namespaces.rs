//! Two network namespaces with the same addresses: nobody gets another's name.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use scenario_tests::http::{Client, get};
use scenario_tests::process::{Process, free_port, wait_for_port};
use scenario_tests::scenario;
use scenario_tests::weir::{Keep, Weir, binary};

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

/// In a container with processes of its own, Weir's `/proc` has others under the ids that the kernel side tells.
#[test]
fn another_pid_namespace() {
    let Some(_alone) = scenario() else { return };
    let port = free_port().unwrap();
    let mut server = Command::new("/usr/bin/python3");
    server.args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1"]);
    server.env("OTEL_SERVICE_NAME", "real").stdout(Stdio::null()).stderr(Stdio::null());
    let server = Process::start(&mut server).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    wait_for_port(address).unwrap();

    // Somebody else gets the server's id there.
    let script = format!(
        "echo {} > /proc/sys/kernel/ns_last_pid; OTEL_SERVICE_NAME=wrong sleep 30 & [ $! = {} ] || exit 1
        {} requests --json --port {port} --duration 3s; {} doctor",
        server.id() - 1,
        server.id(),
        binary().display(),
        binary().display(),
    );
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", &script]);
    let weir = Weir::start(&mut unshare, Keep::Text).unwrap();
    let mut client = Client::new(TcpStream::connect(address).unwrap());
    client.send(&get("/")).unwrap();
    client.receive().unwrap();
    let run = weir.finish().unwrap();

    let records: Vec<_> = run.output.lines().filter(|line| line.starts_with('{')).collect();
    assert_eq!(records.len(), 2, "{}{}", run.output, run.summary);
    let record = records.iter().find(|record| record.contains(r#""role":"server""#)).unwrap();
    assert!(record.contains(&format!(r#""process":{{"pid":{}"#, server.id())), "{record}");
    assert!(record.contains(r#""command":"python3","service":"python3""#), "{record}");
    assert!(!run.output.contains("wrong"), "{}", run.output);
    let told = |text: &str| {
        text.contains("pid namespace") && text.contains("--pid=host") && text.contains("hostPID")
    };
    assert!(run.summary.starts_with("caution: ") && told(&run.summary), "{}", run.summary);
    let doctor = run.output.split_once("\nHost\n").or(run.output.split_once("Host\n")).unwrap().1;
    assert!(told(doctor), "{doctor}");
}
