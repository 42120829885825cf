//! `weir connections`, against what `ss` and the network namespaces' own counters say, and what clients counted.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scenario_tests::process::{Process, free_port};
use scenario_tests::prometheus::fetch;
use scenario_tests::record::Record;
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions};
use scenario_tests::weir::{Keep, Run, Weir, binary};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/connections.py");
const DRAIN: u16 = 7001;

fn weir(arguments: &[&str]) -> Weir {
    let mut command = Command::new(binary());
    command.args(["connections", "--json"]).args(arguments);
    Weir::start(&mut command, Keep::Records).unwrap()
}

/// Two network namespaces joined by a cable: 10.77.0.1 and 10.77.0.2. They go with the value.
struct Net([String; 2]);

impl Net {
    fn new() -> Net {
        let net = Net(["a", "b"].map(|end| format!("weir-{end}-{}", std::process::id())));
        let [a, b] = &net.0;
        for name in [a, b] {
            run("ip", &["netns", "add", name]);
        }
        run("ip", &["-n", a, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", b]);
        for (name, address) in [(a, "10.77.0.1/24"), (b, "10.77.0.2/24")] {
            run("ip", &["-n", name, "address", "add", address, "dev", "cable"]);
            run("ip", &["-n", name, "link", "set", "cable", "up"]);
            run("ip", &["-n", name, "link", "set", "lo", "up"]);
        }
        net
    }

    /// Runs a program at the client's (0) or the server's end (1); returns what it prints.
    fn run(&self, end: usize, command: &[&str]) -> String {
        run("ip", &[&["netns", "exec", &self.0[end]], command].concat())
    }

    /// Packets that come to the server are dropped where they fit `rule`.
    fn drop_at_server(&self, rule: &str) {
        self.run(1, &["nft", "add table inet weir"]);
        self.run(1, &["nft", "add chain inet weir input { type filter hook input priority 0; }"]);
        self.run(1, &["nft", &format!("add rule inet weir input {rule} drop")]);
    }

    fn server(&self) -> Process {
        let (server, said) = self.python(1, &["server"]);
        assert_eq!(said, "ready");
        server
    }

    /// A client that does what `case` says; and what it printed.
    fn client(&self, case: &str) -> (Process, String) {
        self.python(0, &["client", case])
    }

    fn python(&self, end: usize, arguments: &[&str]) -> (Process, String) {
        let mut python = Command::new("ip");
        python.args(["netns", "exec", &self.0[end], "/usr/bin/python3", CLIENT]).args(arguments);
        let mut process = Process::start(python.stdin(Stdio::piped()).stdout(Stdio::piped())).unwrap();
        let mut said = String::new();
        BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut said).unwrap();
        (process, said.trim().to_owned())
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for name in &self.0 {
            let _ = Command::new("ip").args(["netns", "delete", name]).status();
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Ends a client that waits.
fn end(mut client: Process) {
    drop(client.child().stdin.take());
    client.wait(Duration::from_secs(20)).unwrap();
}

fn of<'a>(run: &'a Run, role: &str, event: &str, port: u16) -> Vec<&'a Record> {
    run.of(port, role).into_iter().filter(|record| record.text("/event") == event).collect()
}

/// The figures of one socket, as `ss -tinO` prints them: `bytes_sent:12 rtt:0.1/0.05 ...`.
fn ss(text: &str) -> HashMap<String, String> {
    let pairs = text.split_ascii_whitespace().filter_map(|word| word.split_once(':'));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn figures_of_a_lossy_connection_are_those_of_ss() {
    let Some(_alone) = scenario() else { return };
    let net = Net::new();
    net.drop_at_server("tcp dport 7001 numgen random mod 100 < 5");
    let _server = net.server();
    let weir = weir(&["--port", "7001", "--interval", "500ms"]);
    let (client, port) = net.client("lossy");
    // By now nothing changes any more; the next interval tells what `ss` does.
    let filter = format!("sport = :{port}");
    let from_ss = ss(&net.run(0, &["ss", "-tinOH", &filter]));
    let at_peer = ss(&net.run(1, &["ss", "-tinOH", &format!("dport = :{port}")]));
    let nstat = net.run(0, &["nstat", "-asz", "TcpRetransSegs"]);
    std::thread::sleep(Duration::from_millis(1200));
    end(client);
    let run = weir.stop().unwrap();
    let last = |role: &str| (*of(&run, role, "interval", DRAIN).last().unwrap()).clone();
    let (client, server) = (last("client"), last("server"));
    let number = |of: &HashMap<String, String>, key: &str| -> u64 {
        of.get(key).and_then(|value| value.parse().ok()).unwrap_or(0)
    };
    let retransmitted = number(&from_ss, "bytes_retrans");
    assert!(retransmitted > 0, "nothing was lost: {from_ss:?}");
    let total: u64 = from_ss["retrans"].rsplit('/').next().unwrap().parse().unwrap();
    for (pointer, expected) in [
        ("/sent/bytes", number(&from_ss, "bytes_sent") - retransmitted),
        ("/sent/acked", number(&from_ss, "bytes_acked")),
        ("/sent/segments", number(&from_ss, "segs_out")),
        ("/sent/data_segments", number(&from_ss, "data_segs_out")),
        ("/received/segments", number(&from_ss, "segs_in")),
        ("/retransmitted/bytes", retransmitted),
        ("/retransmitted/segments", total),
        ("/window", number(&from_ss, "cwnd")),
        ("/segment_size", number(&from_ss, "mss")),
    ] {
        assert_eq!(client.number(pointer), expected, "{pointer}: {} {from_ss:?}", client.json);
    }
    let counted: u64 =
        nstat.lines().last().unwrap().split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
    assert_eq!(client.number("/retransmitted/segments"), counted, "{nstat}");
    let seconds = |pointer: &str| client.json.pointer(pointer).and_then(|value| value.as_f64()).unwrap();
    let (rtt, variation) = from_ss["rtt"].split_once('/').unwrap();
    for (pointer, text) in
        [("/rtt/smoothed", rtt), ("/rtt/variation", variation), ("/rtt/min", from_ss["minrtt"].as_str())]
    {
        let expected: f64 = text.parse().unwrap();
        // `ss` prints milliseconds with three digits at most.
        assert!((seconds(pointer) * 1e3 - expected).abs() < 0.001_1, "{pointer}: {} {expected}", client.json);
    }
    assert_eq!(client.number("/sent/bytes"), 4_000_001);
    assert_eq!(server.number("/received/bytes"), 4_000_001);
    assert_eq!(server.number("/received/bytes"), number(&at_peer, "bytes_received"));
    assert_eq!(server.number("/received/out_of_order"), number(&at_peer, "rcv_ooopack"), "{at_peer:?}");
    // The end tells the same totals.
    let closed = of(&run, "client", "close", DRAIN)[0];
    assert_eq!(closed.text("/cause"), "local_fin", "{}", closed.json);
    for pointer in ["/sent/bytes", "/retransmitted/bytes", "/received/bytes"] {
        assert_eq!(closed.number(pointer), client.number(pointer), "{pointer}: {}", closed.json);
    }
    let opened = of(&run, "client", "open", DRAIN)[0];
    assert!(opened.json.pointer("/connect").and_then(|v| v.as_f64()).unwrap() > 0.0, "{}", opened.json);
    for record in [opened, closed, &client, &server] {
        for service in ["/client/service", "/server/service"] {
            assert_eq!(record.text(service), "connections", "{service}: {}", record.json);
        }
    }
    assert_eq!(run.lost(), 0, "{}", run.summary);
}

/// The counter in the last line of what nstat says.
fn last_number(text: &str) -> u64 {
    text.lines().last().unwrap().split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn ends_and_failures_tell_their_cause() {
    let Some(_alone) = scenario() else { return };
    let net = Net::new();
    net.drop_at_server("tcp dport 7002");
    net.run(0, &["sysctl", "-qw", "net.ipv4.tcp_syn_retries=1"]);
    // What is sent on to 10.88.0.0/24 comes back as unreachable.
    net.run(0, &["ip", "route", "add", "10.88.0.0/24", "via", "10.77.0.2"]);
    net.run(1, &["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    net.run(1, &["ip", "route", "add", "unreachable", "10.88.0.0/24"]);
    let _server = net.server();
    let weir = weir(&["--process", "python3"]);
    let cases = [
        ("refused", "ECONNREFUSED", "fail", "refused"),
        ("timeout", "ETIMEDOUT", "fail", "timeout"),
        ("unreachable", "EHOSTUNREACH", "fail", "unreachable"),
        ("aborted", "TimeoutError", "fail", "aborted"),
        ("reset_by_peer", "ECONNRESET", "close", "remote_reset"),
        ("reset_by_us", "done", "close", "local_reset"),
    ];
    let mut pids = Vec::new();
    for (case, said, _, _) in cases {
        let (client, told) = net.client(case);
        assert_eq!(told, said, "{case}");
        pids.push(u64::from(client.id()));
        end(client);
    }
    net.run(0, &["sysctl", "-qw", "net.ipv4.ip_local_port_range=41000 41000"]);
    let (client, told) = net.client("local_address");
    assert_eq!(told, "EADDRNOTAVAIL");
    let pid = u64::from(client.id());
    end(client);
    let syn_retransmits = net.run(0, &["nstat", "-asz", "TcpExtTCPSynRetrans"]);
    let run = weir.stop().unwrap();
    let told = |pid: u64, event: &str, cause: &str| {
        let is = |record: &&Record| {
            record.number("/process/pid") == pid
                && record.text("/event") == event
                && record.text("/cause") == cause
                && record.role() == "client"
        };
        run.records.iter().filter(is).count()
    };
    for ((case, _, event, cause), pid) in cases.iter().zip(&pids) {
        assert_eq!(told(*pid, event, cause), 1, "{case}\n{}", run.output);
    }
    assert_eq!(told(pid, "fail", "local_address"), 1, "{}", run.output);
    // How often a SYN is sent again differs from kernel to kernel.
    let failed = run.records.iter().filter(|record| record.text("/event") == "fail");
    let sent_again: u64 = failed.map(|record| record.number("/retransmitted/segments")).sum();
    assert!(sent_again > 0, "{}", run.output);
    assert_eq!(sent_again, last_number(&syn_retransmits), "{syn_retransmits}{}", run.output);
    // Both ends of a reset.
    let by = |cause: &str| {
        let is = |record: &&Record| record.role() == "server" && record.text("/cause") == cause;
        run.records.iter().filter(is).count()
    };
    assert_eq!((by("local_reset"), by("remote_reset")), (1, 1), "{}", run.output);
    assert!(
        run.summary.contains("failed: timeout 1, unreachable 1, aborted 1, refused 1, local_address 1"),
        "{}",
        run.summary
    );
}

#[test]
fn a_listener_that_is_full_is_seen_to_drop() {
    let Some(_alone) = scenario() else { return };
    let net = Net::new();
    let server = net.server();
    let weir = weir(&["--listening", "--port", "7003", "--interval", "300ms"]);
    let (client, said) = net.client("overflow");
    assert_eq!(said, "waiting");
    std::thread::sleep(Duration::from_millis(900));
    let from_ss = net.run(1, &["ss", "-tlnOHm", "sport = :7003"]);
    let nstat = net.run(1, &["nstat", "-asz", "TcpExtListenDrops"]);
    std::thread::sleep(Duration::from_millis(900));
    let again = net.run(1, &["nstat", "-asz", "TcpExtListenDrops"]);
    end(client);
    let run = weir.stop().unwrap();
    let drops = last_number;
    let columns: Vec<u64> =
        from_ss.split_ascii_whitespace().skip(1).take(2).map(|text| text.parse().unwrap()).collect();
    let found = run.records.iter().find(|record| record.text("/event") == "found").unwrap();
    assert_eq!((found.number("/backlog"), found.number("/drops")), (0, 0), "{}", found.json);
    assert_eq!(found.number("/process/pid"), u64::from(server.id()), "{}", found.json);
    let full = run.records.iter().filter(|record| record.text("/event") == "interval").collect::<Vec<_>>();
    let fits = |record: &&&Record| {
        [record.number("/backlog"), record.number("/limit")] == columns[..]
            && (drops(&nstat)..=drops(&again)).contains(&record.number("/drops"))
    };
    assert!(drops(&nstat) > 0, "{nstat}");
    assert!(full.iter().any(|record| fits(&record)), "{from_ss}{nstat}{again}{}", run.output);
}

#[test]
fn short_connections_are_all_counted() {
    const CONNECTIONS: usize = 20_000;
    const THREADS: usize = 4;
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let port = nginx.port();
    let weir = weir(&["--port", &port.to_string()]);
    let address = nginx.address();
    let transferred: u64 = std::thread::scope(|scope| {
        let each = CONNECTIONS / THREADS;
        let ask = move || (0..each).map(|_| ask_and_close(address)).sum::<u64>();
        let clients: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    let began = Instant::now();
    while weir.shown() < 4 * CONNECTIONS && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let run = weir.stop().unwrap();
    assert_eq!(run.lost(), 0, "{}", run.summary);
    for role in ["client", "server"] {
        for event in ["open", "close"] {
            assert_eq!(of(&run, role, event, port).len(), CONNECTIONS, "{role} {event}\n{}", run.summary);
        }
        let closed = of(&run, role, "close", port);
        let bytes =
            |records: &[&Record], pointer: &str| records.iter().map(|r| r.number(pointer)).sum::<u64>();
        let named = closed.iter().filter(|record| record.text("/server/service") == "nginx");
        assert_eq!(named.count(), CONNECTIONS, "{role}: {}", closed[0].json);
        let pointer = if role == "server" { "/sent/bytes" } else { "/received/bytes" };
        assert_eq!(bytes(&closed, pointer), transferred, "{role}");
    }
}

/// A request with a connection of its own; how many bytes came.
fn ask_and_close(address: SocketAddr) -> u64 {
    let mut server = TcpStream::connect(address).unwrap();
    server.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    std::io::copy(&mut server, &mut std::io::sink()).unwrap()
}

/// Nobody tells these one by one: the kernel programs themselves find out who is at the other end.
#[test]
fn sums_name_both_ends_in_two_network_namespaces() {
    let Some(_alone) = scenario() else { return };
    let net = Net::new();
    let _server = net.server();
    let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
    let mut command = Command::new(binary());
    command.args(["agent", "--max-cpu", "100%", "--listen", &address.to_string()]);
    let weir = Weir::start(&mut command, Keep::Text).unwrap();
    let (client, said) = net.client("short");
    assert_eq!(said, "done");
    let began = Instant::now();
    let (page, counts) = loop {
        let page = fetch(address, "/metrics", "").unwrap().text();
        let value = |name: &str, labels: &str| -> u64 {
            let lines = page.lines().filter(|line| line.starts_with(name) && line.contains(labels));
            lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>() as u64
        };
        let counts = ["client", "server"].map(|role| {
            let edge = format!(
                "{{client=\"connections\",server=\"connections\",server_port=\"7001\",weir_role=\"{role}\""
            );
            ["opened_total", "closed_total"].map(|name| value(&format!("weir_tcp_connections_{name}"), &edge))
        });
        let way = value("weir_agent_connections_ended_total", "summed");
        if (counts == [[50; 2]; 2] && way >= 100) || began.elapsed() > Duration::from_secs(15) {
            break (page, counts);
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let shown: Vec<&str> = page.lines().filter(|line| line.starts_with("weir_tcp_connections")).collect();
    assert_eq!(counts, [[50; 2]; 2], "{}", shown.join("\n"));
    assert!(!shown.iter().any(|line| line.contains("10.77.0.")), "{}", shown.join("\n"));
    end(client);
    let run = weir.stop().unwrap();
    assert!(run.summary.contains("nothing lost"), "{}", run.summary);
}

/// What is drawn on a terminal, at every width, and what is said otherwise.
#[test]
fn a_table_for_people() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let port = nginx.port().to_string();
    for width in ["40", "64", "80", "120", "200"] {
        let mut command = Command::new(binary());
        command.args(["connections", "--port", &port, "--count", "4"]).env("COLUMNS", width);
        let mut weir = Weir::start(&mut command, Keep::Text).unwrap();
        run("curl", &["-s", "-o", "/dev/null", &format!("http://127.0.0.1:{port}/")]);
        let began = Instant::now();
        while !weir.has_ended() && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let run = weir.stop().unwrap();
        let lines: Vec<&str> = run.output.lines().collect();
        assert_eq!(lines.len(), 5, "{width}: {}{}", run.output, run.summary);
        let columns: usize = width.parse().unwrap();
        assert!(lines.iter().all(|line| line.chars().count() <= columns), "{width}:\n{}", run.output);
        assert!(
            lines[1..].iter().all(|line| line.contains("nginx") || line.contains("curl")),
            "{}",
            run.output
        );
        assert!(run.output.contains("local fin") && run.output.contains("remote fin"), "{}", run.output);
    }
}
