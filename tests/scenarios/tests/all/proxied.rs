//! Behind HAProxy, and behind curl that behaves like one: the client is told as the server behind it has it in its own log.

use std::process::{Command, Stdio};

use scenario_tests::haproxy::Haproxy;
use scenario_tests::mariadb::MariaDb;
use scenario_tests::record::Record;
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions};
use scenario_tests::weir::Weir;

fn curl(arguments: &[&str], urls: &[String]) {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail"]).args(arguments);
    for url in urls {
        curl.args(["--output", "/dev/null", url]);
    }
    assert!(curl.stdin(Stdio::null()).status().unwrap().success(), "{curl:?}");
}

/// `client's address, its port, path, length of the request`, as nginx writes it.
fn told(record: &Record) -> String {
    format!(
        "{} {} {} {}",
        record.text("/attributes/client.address"),
        record.number("/attributes/client.port"),
        record.text("/attributes/url.path"),
        record.number("/request/bytes")
    )
}

#[test]
fn nginx_behind_haproxy() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions { proxied: true, ..Default::default() }).unwrap();
    let port = nginx.proxied_port().unwrap();
    let ways = ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c"];
    let mut ways: Vec<String> = ways.into_iter().map(|way| format!("127.0.0.1:{port} {way}")).collect();
    let socket = nginx.proxied_socket();
    for way in ["send-proxy", "send-proxy-v2"] {
        ways.push(format!("unix@{} {way}", socket.display()));
    }
    let haproxy = Haproxy::start(&ways).unwrap();
    let weir = Weir::requests(&["--protocol", "http"]).unwrap();
    for way in 0..ways.len() {
        for v6 in [false, true] {
            let address = haproxy.address(way, v6);
            // Two on the same connection.
            let urls = [1, 2].map(|n| format!("http://{address}/way{way}/v6/{v6}/{n}"));
            let from = if v6 { "::1" } else { "127.0.0.9" };
            curl(&["--globoff", "--interface", from], &urls);
        }
    }
    curl(&["--haproxy-protocol"], &[1, 2].map(|n| format!("http://127.0.0.1:{port}/curl/{n}")));
    std::thread::sleep(std::time::Duration::from_millis(200));
    let log = nginx.proxied_log().unwrap();
    let run = weir.stop().unwrap();
    let mut expected: Vec<String> = log.lines().map(Into::into).collect();
    expected.sort();
    assert_eq!(expected.len(), 4 * ways.len() + 2, "{log}");
    for role in ["client", "server"] {
        let records = [run.of(port, role), run.of_socket(&socket, role)].concat();
        let mut seen: Vec<String> = records.iter().map(|record| told(record)).collect();
        seen.sort();
        assert_eq!(seen, expected, "as the {role} saw it\n{}", run.output);
        for record in records {
            // Curl is its own proxy; elsewhere the socket's peer is another.
            let same = record.number("/client/port") == record.number("/attributes/client.port");
            assert_eq!(same, record.text("/attributes/url.path").starts_with("/curl/"), "{}", record.json);
            assert!(record.incomplete().is_empty() && record.error().is_empty(), "{}", record.json);
        }
    }
    assert!(!run.summary.contains("not understood"), "{}", run.summary);
}

/// PyMySQL, from an address of its own, through a port: what it was told.
const ASK: &str = "import sys, pymysql
connection = pymysql.connect(host='127.0.0.1', port=int(sys.argv[1]), user='shop', bind_address=sys.argv[2])
cursor = connection.cursor()
cursor.execute('SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()')
print(cursor.fetchone()[0])
cursor.execute('SELECT 1 + 1')
connection.close()";

fn output(command: &mut Command) -> String {
    let done = command.stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// The server speaks first, before the header.
#[test]
fn mariadb_behind_haproxy() {
    let Some(_alone) = scenario() else { return };
    let server = MariaDb::start_with(&["--proxy-protocol-networks=127.0.0.0/8"]).unwrap();
    let port = server.port();
    let mut mariadb = Command::new("mariadb");
    mariadb.args(["--no-defaults", "--user=root", "--socket"]).arg(server.socket());
    output(mariadb.args(["-e", "CREATE USER shop@'127.0.0.%'"]));
    let ways = ["send-proxy", "send-proxy-v2"].map(|way| format!("127.0.0.1:{port} {way}"));
    let haproxy = Haproxy::start(&ways).unwrap();
    let weir = Weir::on_port(port).unwrap();
    let mut clients = Vec::new();
    for (way, from) in ["127.0.0.5", "127.0.0.6"].into_iter().enumerate() {
        let to = haproxy.address(way, false).port().to_string();
        // As the server has it: the address, and the port.
        clients.push(output(Command::new("/usr/bin/python3").args(["-c", ASK, &to, from])));
    }
    let run = weir.stop().unwrap();
    for role in ["client", "server"] {
        let mut seen: Vec<String> = Vec::new();
        let records = run.of(port, role);
        for record in &records {
            let (address, port) =
                (record.text("/attributes/client.address"), record.number("/attributes/client.port"));
            assert_ne!(record.number("/client/port"), port, "{}", record.json);
            assert!(record.incomplete().is_empty() && record.error().is_empty(), "{}", record.json);
            let client = format!("{address}:{port}");
            if !seen.contains(&client) {
                seen.push(client);
            }
        }
        assert_eq!(seen, clients, "as the {role} saw it\n{}", run.output);
        let asked: Vec<&str> =
            records.iter().map(|record| record.text("/attributes/db.query.text")).collect();
        let sums = asked.iter().filter(|text| **text == "SELECT ? + ?").count();
        assert_eq!(sums, 2, "as the {role} saw it: {asked:?}");
    }
    assert!(!run.summary.contains("not understood"), "{}", run.summary);
}
