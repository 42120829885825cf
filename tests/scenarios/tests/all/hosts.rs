//! The real world: curl, connections that were there before, TLS, protocols that are none, secrets.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scenario_tests::http::{self, get};
use scenario_tests::scenario;
use scenario_tests::servers::{FILE_BYTES, Nginx, NginxOptions, Redis};
use scenario_tests::weir::{Keep, Weir};
use scenario_tests::{record, resp};

/// Runs curl; gives what it says of the exchange: status, bytes of the answer's head and of its body.
fn curl(arguments: &[&str]) -> (u16, u64, u64) {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_header} %{size_download}"]);
    let output = curl.args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split(' ').map(|number| number.parse::<u64>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or_else(|| panic!("curl {arguments:?}: {output:?}"));
    (next() as u16, next(), next())
}

#[test]
fn a_request_is_shown_within_a_second() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let weir = Weir::on_port(nginx.port()).unwrap();
    let mut done = Vec::new();
    for _ in 0..5 {
        curl(&[&format!("http://{}/ok", nginx.address())]);
        done.push(Instant::now());
        std::thread::sleep(Duration::from_millis(1300));
    }
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        let records = run.of(nginx.port(), role);
        assert_eq!(records.len(), done.len());
        for (record, done) in records.iter().zip(&done) {
            let after = record.arrived.saturating_duration_since(*done);
            assert!(after < Duration::from_secs(1), "{role}: shown {after:?} after it was made");
        }
    }
}

#[test]
fn what_curl_does_with_nginx() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions { log: true, ..Default::default() }).unwrap();
    let weir = Weir::requests(&["--protocol", "http"]).unwrap();
    let port = nginx.port();
    let at = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let socket = nginx.socket();
    let mut truth = Vec::new();
    for (name, arguments) in [
        ("GET /ok", vec![at("/ok")]),
        ("HEAD /file.bin", vec!["-I".into(), at("/file.bin")]),
        ("GET /file.bin", vec!["-0".into(), at("/file.bin")]),
        ("GET /page.html", vec!["--compressed".into(), at("/page.html")]),
        ("GET /file.bin", vec!["-z".into(), "2099-01-01".into(), at("/file.bin")]),
        ("GET /empty", vec![at("/empty")]),
        ("GET /ok", vec![format!("http://[::1]:{port}/ok?token=hunter2")]),
        ("PUT /ok", vec!["-XPUT".into(), "--data-binary".into(), "x".repeat(2_000_000 / 20), at("/ok")]),
    ] {
        let (status, head, body) = curl(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        // With chunks, curl counts what was in them.
        let size = if name == "GET /page.html" || name.starts_with("PUT") { 0 } else { head + body };
        truth.push((name.to_owned(), status, size));
    }
    let (status, head, body) =
        curl(&["--unix-socket", &socket.to_string_lossy(), "http://localhost/file.bin"]);
    assert_eq!(body, FILE_BYTES as u64);
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        let seen: Vec<_> = run
            .of(port, role)
            .iter()
            .zip(&truth)
            .map(|(record, (.., size))| {
                let bytes = if *size == 0 { 0 } else { record.number("/response/bytes") };
                (record.name().to_owned(), record.http_status(), bytes)
            })
            .collect();
        assert_eq!(seen, truth, "{role}");
        assert!(
            run.of(port, role)
                .iter()
                .all(|record| record.error().is_empty() && record.incomplete().is_empty())
        );
        let unix = run.of_socket(&socket, role);
        assert_eq!(unix.len(), 1, "{role}");
        assert_eq!(unix[0].http_status(), status, "{role}");
        assert_eq!(unix[0].number("/response/bytes"), head + body, "{role}");
        let command = if role == "client" { "curl" } else { "nginx" };
        assert!(run.of(port, role).iter().all(|record| record.text("/process/command") == command));
        assert!(run.of(port, role).iter().all(|record| record.text("/server/service") == "nginx"));
    }
    assert!(!run.output.contains("hunter2"), "a query's value is shown");
    assert_eq!(nginx.stop().unwrap().lines().count(), truth.len() + 1);
}

#[test]
fn connections_from_before_the_start() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let redis = Redis::start(None).unwrap();
    let mut web = http::Client::new(TcpStream::connect(nginx.address()).unwrap());
    let mut store = resp::Client::new(TcpStream::connect(redis.address()).unwrap());
    let ask = |web: &mut http::Client<TcpStream>, store: &mut resp::Client<TcpStream>| {
        web.send(&get("/ok")).unwrap();
        web.receive().unwrap();
        store.call(&[b"GET", b"key"]).unwrap();
    };
    ask(&mut web, &mut store);
    let ports = [nginx.port().to_string(), redis.port().to_string()];
    let weir = Weir::requests(&["--port", &ports[0], "--port", &ports[1]]).unwrap();
    for _ in 0..10 {
        ask(&mut web, &mut store);
    }
    let run = weir.stop().unwrap();
    let own = web.stream().local_addr().unwrap().port();
    for role in ["client", "server"] {
        for (port, name) in [(nginx.port(), "GET /ok"), (redis.port(), "GET")] {
            let records = run.of(port, role);
            let names = record::counts(records.iter().map(|record| record.name()));
            assert_eq!(names, [(name.to_owned(), 10)].into(), "{role}");
        }
        for record in run.of(nginx.port(), role) {
            assert_eq!(record.number("/client/port"), u64::from(own), "{role}");
        }
    }
}

#[test]
fn tls_is_labelled_and_left_alone() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions { tls: true, ..Default::default() }).unwrap();
    let weir = Weir::requests(&[]).unwrap();
    let port = nginx.tls_port().unwrap();
    let (status, ..) = curl(&["-k", &format!("https://127.0.0.1:{port}/ok")]);
    assert_eq!(status, 200);
    let run = weir.stop().unwrap();
    assert_eq!(run.of(port, "client").len() + run.of(port, "server").len(), 0);
    let line = run.summary.lines().find(|line| line.contains("left alone")).unwrap_or_default();
    let tls = line.split([':', ',']).find_map(|part| part.trim().strip_prefix("tls "));
    let tls = tls.and_then(|count| count.parse::<u32>().ok()).unwrap_or(0);
    assert!(tls >= 2, "both sides: {}", run.summary);
}

/// Bytes without a meaning, and a protocol with lines that look a little like one that is known.
#[test]
fn what_is_neither_gives_no_records() {
    let Some(_alone) = scenario() else { return };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let weir = Weir::on_port(port).unwrap();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = move || {
        (0..700)
            .map(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed as u8
            })
            .collect::<Vec<u8>>()
    };
    let lines: [&[u8]; 4] =
        [b"HELO localhost\r\n", b"250 Hello\r\n", b"+OK and more\r\n", b"SEARCH all http here\r\n"];
    for connection in 0..20 {
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut server = listener.accept().unwrap().0;
        for turn in 0..20 {
            let bytes = if connection % 2 == 0 { noise() } else { lines[turn % 4].to_vec() };
            let (from, to) =
                if turn % 2 == 0 { (&mut client, &mut server) } else { (&mut server, &mut client) };
            from.write_all(&bytes).unwrap();
            to.read_exact(&mut vec![0; bytes.len()]).unwrap();
        }
    }
    let run = weir.stop().unwrap();
    assert_eq!(run.records.len(), 0, "{}", run.output);
    assert!(run.summary.contains("unknown"), "{}", run.summary);
}

#[test]
fn secrets_stay_where_they_are() {
    let Some(_alone) = scenario() else { return };
    const SECRET: &str = "Tr0ub4dor-and-3";
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let redis = Redis::start(None).unwrap();
    for table in [false, true] {
        let ports = [nginx.port().to_string(), redis.port().to_string()];
        let mut weir = Command::new(scenario_tests::weir::binary());
        weir.arg("requests").args(["--port", &ports[0], "--port", &ports[1]]);
        weir.args(if table { vec![] } else { vec!["--json"] });
        let weir = Weir::start(&mut weir, Keep::Text).unwrap();
        curl(&[&format!("http://{}/ok?password={SECRET}&{SECRET}", nginx.address())]);
        curl(&["-u", &format!("me:{SECRET}"), "-b", SECRET, &format!("http://{}/ok", nginx.address())]);
        let mut client = resp::Client::new(TcpStream::connect(redis.address()).unwrap());
        for command in
            [["AUTH", SECRET, ""], ["SET", "key", SECRET], ["GET", SECRET, ""], ["ECHO", SECRET, ""]]
        {
            let arguments: Vec<&[u8]> =
                command.iter().filter(|word| !word.is_empty()).map(|word| word.as_bytes()).collect();
            client.call(&arguments).unwrap();
        }
        client.send(format!("SET inline {SECRET}\r\n{SECRET}\r\n").as_bytes()).unwrap();
        client.receive().unwrap();
        client.receive().unwrap();
        let run = weir.stop().unwrap();
        let text = run.output + &run.summary;
        assert!(text.contains("SET"), "{text}");
        assert!(text.contains("/ok"), "{text}");
        assert!(!text.contains(SECRET), "{text}");
    }
}
