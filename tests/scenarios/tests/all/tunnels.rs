//! What goes through a proxy's tunnel is told on all four ends: the client's, both of the proxy's, and the server's.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use scenario_tests::resp;
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions, Redis};
use scenario_tests::tinyproxy::Tinyproxy;
use scenario_tests::weir::{Run, Weir};

/// Names and statuses, or errors, at a port as `role` saw them, in order.
fn told(run: &Run, port: u16, role: &str) -> Vec<String> {
    let line = |record: &&scenario_tests::record::Record| {
        assert_eq!(record.incomplete(), "", "{}", record.json);
        format!("{} {} {}", record.text("/protocol"), record.name(), record.http_status())
    };
    run.of(port, role).iter().map(line).collect()
}

#[test]
fn http_through_a_tunnel() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions { log: true, tls: true, ..Default::default() }).unwrap();
    let proxy = Tinyproxy::start().unwrap();
    let weir = Weir::requests(&["--protocol", "http"]).unwrap();
    let (port, tls_port) = (nginx.port(), nginx.tls_port().unwrap());
    let paths = ["/ok", "/missing", "/file.bin", "/items/7"];
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--proxytunnel", "--proxy"]).arg(format!("http://{}", proxy.address()));
    for path in paths {
        curl.args(["--output", "/dev/null"]).arg(format!("http://127.0.0.1:{port}{path}"));
    }
    assert!(curl.stdin(Stdio::null()).status().unwrap().success());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--output", "/dev/null", "--proxy"]);
    curl.arg(format!("http://{}", proxy.address())).arg(format!("https://127.0.0.1:{tls_port}/ok"));
    assert!(curl.stdin(Stdio::null()).status().unwrap().success());
    let run = weir.stop().unwrap();
    let through =
        ["http GET /ok 200", "http GET /missing 404", "http GET /file.bin 200", "http GET /items/{id} 200"];
    let mut at_proxy = vec!["http CONNECT 200"];
    at_proxy.extend(through);
    // Of what goes through the other tunnel nothing is seen.
    at_proxy.push("http CONNECT 200");
    for role in ["client", "server"] {
        assert_eq!(told(&run, proxy.port(), role), at_proxy, "as the {role} saw it\n{}", run.output);
        assert_eq!(told(&run, port, role), through, "as the {role} saw it\n{}", run.output);
    }
    let log = nginx.stop().unwrap();
    let log: Vec<&str> = log.lines().collect();
    let expected: Vec<String> = run.of(proxy.port(), "client")[1..5]
        .iter()
        .map(|record| {
            let method = record.text("/attributes/http.request.method");
            format!("{method} {} {}", record.text("/attributes/url.path"), record.http_status())
        })
        .collect();
    assert_eq!(log[..4], expected);
    assert_eq!(run.not_understood("http"), 0, "{}", run.summary);
    assert!(run.summary.contains("tls"), "{}", run.summary);
}

#[test]
fn redis_through_a_tunnel() {
    let Some(_alone) = scenario() else { return };
    let redis = Redis::start(None).unwrap();
    let proxy = Tinyproxy::start().unwrap();
    let weir = Weir::requests(&[]).unwrap();
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    write!(stream, "CONNECT {} HTTP/1.1\r\nHost: redis\r\n\r\n", redis.address()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let mut client = resp::Client::new(stream);
    for n in 0..3 {
        client.call(&[b"SET", b"a", n.to_string().as_bytes()]).unwrap();
        client.call(&[b"GET", b"a"]).unwrap();
    }
    drop(client);
    let run = weir.stop().unwrap();
    let through = ["redis SET 0", "redis GET 0"].repeat(3);
    let at_proxy = [vec!["http CONNECT 200"], through.clone()].concat();
    for role in ["client", "server"] {
        assert_eq!(told(&run, proxy.port(), role), at_proxy, "as the {role} saw it\n{}", run.output);
        assert_eq!(told(&run, redis.port(), role), through, "as the {role} saw it\n{}", run.output);
    }
}
