//! The life of `weir agent`: its programs are switched off and on, and whatever happens, nothing wrong is counted.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use scenario_tests::collector::Collector;
use scenario_tests::http::{Client, Stream, get};
use scenario_tests::paced::{self, Plan};
use scenario_tests::process::free_port;
use scenario_tests::prometheus::fetch;
use scenario_tests::record::Counts;
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions};
use scenario_tests::weir::{Keep, Weir, binary};
use tempfile::TempDir;

/// Paths and the status of each: an answer that is taken for another request's shows.
const PATHS: &[(&str, u16)] = &[("/ok", 200), ("/moved", 301), ("/missing", 404), ("/broken", 503)];

/// An agent with a folder of its own.
struct Agent {
    weir: Weir,
    address: SocketAddr,
    folder: TempDir,
}

impl Agent {
    fn start(arguments: &[&str]) -> Agent {
        Agent::started_by(Command::new(binary()), tempfile::tempdir().unwrap(), arguments)
    }

    /// `command` runs `weir`.
    fn started_by(mut command: Command, folder: TempDir, arguments: &[&str]) -> Agent {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().unwrap()));
        command.args(["agent", "--listen", &address.to_string(), "--control"]).arg(socket(folder.path()));
        let weir = Weir::start(command.args(arguments), Keep::Text).unwrap();
        Agent { weir, address, folder }
    }

    /// `weir programs` of this agent.
    fn programs(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.arg("programs").args(arguments).arg("--control").arg(socket(self.folder.path()));
        command.env_remove("WEIR_BIN").output().unwrap()
    }

    /// The same where it has to succeed.
    fn told(&self, arguments: &[&str]) -> String {
        let output = self.programs(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn page(&self) -> String {
        fetch(self.address, "/metrics", "").unwrap().text()
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("agent.sock")
}

fn label<'a>(line: &'a str, name: &str) -> &'a str {
    line.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split('"').next()).unwrap_or("")
}

/// Requests of nginx by `route status`, as one side saw them.
pub(crate) fn counted(page: &str, side: &str) -> Counts {
    let mut counts = Counts::new();
    let begins = format!("http_{side}_request_duration_seconds_count{{");
    for line in page.lines().filter(|line| line.starts_with(&begins) && line.contains("server=\"nginx\"")) {
        let name = format!("{} {}", label(line, "http_route"), label(line, "http_response_status_code"));
        let count = line.rsplit_once(' ').and_then(|(_, count)| count.parse::<u64>().ok()).unwrap();
        *counts.entry(name).or_default() += count;
    }
    counts
}

/// Asks for all paths in turn until it is told to stop, or a while has passed; returns the connection.
fn ask<S: Stream>(stream: S, stop: &AtomicBool) -> (Client<S>, u64) {
    let mut client = Client::new(stream);
    let mut asked = 0;
    let began = Instant::now();
    while !stop.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(15) {
        let (path, status) = PATHS[asked as usize % PATHS.len()];
        client.send(&get(path)).unwrap();
        assert_eq!(client.receive().unwrap().status, status);
        asked += 1;
        thread::sleep(Duration::from_micros(300));
    }
    (client, asked)
}

#[test]
fn connections_that_live_through_a_pause_are_not_told_wrongly() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let agent = Agent::start(&[]);
    let stop = AtomicBool::new(false);
    let all: Counts = PATHS.iter().map(|(path, status)| (format!("{path} {status}"), 0)).collect();
    thread::scope(|scope| {
        let tcp: Vec<_> = (0..3)
            .map(|_| {
                let stream = TcpStream::connect(nginx.address()).unwrap();
                stream.set_nodelay(true).unwrap();
                let stop = &stop;
                scope.spawn(move || ask(stream, stop))
            })
            .collect();
        let stream = UnixStream::connect(nginx.socket()).unwrap();
        let unix = scope.spawn(|| ask(stream, &stop));
        for name in ["bytes", "send_tracepoint", "bytes"] {
            thread::sleep(Duration::from_millis(400));
            // Where the programs have other names on this kernel, the unit will do.
            let name = if agent.told(&["--json"]).contains(name) { name } else { "bytes" };
            let said = agent.told(&["off", name]);
            assert!(said.contains("bytes is off: not seen are requests over TCP"), "{said}");
            thread::sleep(Duration::from_millis(200));
            let page = agent.page();
            assert!(page.contains("weir_agent_bpf_on{unit=\"bytes\"} 0"), "it is off");
            assert!(page.contains("weir_agent_bpf_on{unit=\"udp\"} 1"));
            let before = counted(&page, "server");
            thread::sleep(Duration::from_millis(200));
            assert_eq!(counted(&agent.page(), "server"), before, "it is off, and still something is counted");
            assert_eq!(agent.told(&["on", name]), "bytes is on\n");
        }
        thread::sleep(Duration::from_millis(400));
        stop.store(true, Ordering::Relaxed);
        let mut asked = 0;
        let mut tcp: Vec<_> = tcp.into_iter().map(|client| client.join().unwrap()).collect();
        let (mut unix, by_unix) = unix.join().unwrap();
        asked += by_unix + tcp.iter().map(|(_, asked)| asked).sum::<u64>();
        // From now on all of it is seen, on the same connections.
        for _ in 0..50 {
            for (client, _) in &mut tcp {
                client.send(&get("/items/list")).unwrap();
                client.receive().unwrap();
            }
            unix.send(&get("/items/list")).unwrap();
            unix.receive().unwrap();
        }
        let began = Instant::now();
        for side in ["client", "server"] {
            let mut counts = counted(&agent.page(), side);
            while counts.get("/items/list 200") != Some(&200) && began.elapsed() < Duration::from_secs(5) {
                thread::sleep(Duration::from_millis(100));
                counts = counted(&agent.page(), side);
            }
            assert_eq!(counts.remove("/items/list 200"), Some(200), "as the {side} saw it: {counts:?}");
            assert!(counts.keys().eq(all.keys()), "an answer was taken for another's: {counts:?}");
            let seen = counts.values().sum::<u64>();
            // A good half of the time.
            assert!(seen > asked / 4 && seen < asked, "{seen} of {asked}");
        }
    });
    let page = agent.page();
    assert!(page.contains("weir_agent_bpf_on{unit=\"bytes\"} 1"));
    let run = agent.weir.stop().unwrap();
    assert!(
        run.summary.contains("switched: bytes is off: not seen are requests over TCP"),
        "{}",
        run.summary
    );
    // What was under way when it went off: on each side of four connections, three times.
    assert!(run.lost() <= 24 && !run.summary.contains("ring full"), "{}", run.summary);
}

#[test]
fn programs_are_listed_with_what_they_cost() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let agent = Agent::start(&[]);
    let stop = AtomicBool::new(false);
    let lines = thread::scope(|scope| {
        let stream = TcpStream::connect(nginx.address()).unwrap();
        let asking = scope.spawn(|| ask(stream, &stop).1);
        let lines = agent.told(&["--json", "--sample", "1s"]);
        stop.store(true, Ordering::Relaxed);
        assert!(asking.join().unwrap() > 100);
        lines
    });
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let programs: Vec<_> = lines.iter().filter(|line| line["program"].is_string()).collect();
    let of_bytes = |line: &&&serde_json::Value| line["units"][0] == "bytes" && line["units"][1].is_null();
    assert!(programs.iter().filter(of_bytes).count() >= 2, "{programs:?}");
    for program in programs.iter().filter(of_bytes) {
        let number = |name: &str| program[name].as_u64().unwrap();
        assert!(number("runs") > 100 && number("run_time_ns") > 50 * number("runs"), "{program}");
        assert!(number("verified_instructions") > 1000 && number("compiled_bytes") > 1000, "{program}");
        assert!(
            program["attached"] == true && program["sampled_seconds"].as_f64().unwrap() >= 1.0,
            "{program}"
        );
    }
    let rings = lines.iter().find(|line| line["map"] == "events").unwrap();
    assert!(rings["bytes"].as_u64().unwrap() >= 8 << 20, "{rings}");

    let refused = agent.programs(&["off", "exec_tracepoint"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("cannot be switched off"), "{said}");
    let refused = agent.programs(&["off", "nosuch"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("units are bytes, udp, connections"), "{said}");

    // Nobody counts twice without being told.
    let mut second = Command::new(binary());
    second.args(["agent", "--listen", "127.0.0.1:0", "--control"]).arg(socket(agent.folder.path()));
    let output = second.env_remove("WEIR_BIN").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("an agent runs already"), "{said}");
    let left = socket(agent.folder.path());
    let folder = agent.folder;
    agent.weir.stop().unwrap();
    assert!(!left.exists(), "{} is left", left.display());
    drop(folder);
}

/// A figure of each thread of a process: a mask, or a small number. With it goes the thread's name; the first one's is `weir`.
fn of_threads(pid: u32, name: &str) -> Vec<(String, u64)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let mut found: Vec<(String, u64)> = tasks
        .filter_map(|task| fs::read_to_string(task.unwrap().path().join("status")).ok())
        .map(|text| {
            let line = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                line.unwrap().trim().to_owned()
            };
            let thread = if line("Pid") == line("Tgid") { "weir".to_owned() } else { line("Name") };
            (thread, u64::from_str_radix(&line(name), 16).unwrap())
        })
        .collect();
    found.sort();
    found
}

const DAC_READ_SEARCH: u64 = 1 << 2;
const SYS_PTRACE: u64 = 1 << 19;
const SYS_ADMIN: u64 = 1 << 21;
const PERFMON: u64 = 1 << 38;
const BPF: u64 = 1 << 39;
const RUNNING: u64 = DAC_READ_SEARCH | SYS_PTRACE | PERFMON | BPF;

#[test]
fn a_running_agent_has_given_up_what_it_does_not_need() {
    let Some(_alone) = scenario() else { return };
    let agent = Agent::start(&[]);
    let pid = agent.weir.pid();
    for (name, mask) in of_threads(pid, "CapEff") {
        let expected = if name == "weir" { RUNNING } else { 0 };
        assert_eq!(mask, expected, "{name}: {mask:x}");
    }
    for (name, mask) in of_threads(pid, "CapPrm") {
        let expected = if name == "weir" { RUNNING | SYS_ADMIN } else { 0 };
        assert_eq!(mask, expected, "{name}: {mask:x}");
    }
    let all_have = |name: &str, value: u64| {
        let threads = of_threads(pid, name);
        assert!(threads.len() >= 3 && threads.iter().all(|(_, own)| *own == value), "{name}: {threads:?}");
    };
    all_have("Seccomp", 2);
    all_have("NoNewPrivs", 1);
    all_have("CapBnd", 0);
    agent.weir.stop().unwrap();
    let agent = Agent::start(&["--no-seccomp"]);
    assert!(of_threads(agent.weir.pid(), "Seccomp").iter().all(|(_, own)| *own == 0));
    agent.weir.stop().unwrap();
}

#[test]
fn a_few_capabilities_are_enough() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // Nobody may read where it was built.
    let weir = folder.path().join("weir");
    fs::copy(binary(), &weir).unwrap();
    std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let given = "-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search,+sys_nice";
    let nobody = NOBODY.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--inh-caps", given]);
    command.args(["--ambient-caps", given, "--bounding-set", given]).arg(&weir);
    let agent = Agent::started_by(command, folder, &[]);
    let mut client = Client::new(TcpStream::connect(nginx.address()).unwrap());
    let mut ask = |requests: u64| {
        for _ in 0..requests {
            client.send(&get("/ok")).unwrap();
            client.receive().unwrap();
        }
    };
    ask(100);
    agent.told(&["off", "bytes"]);
    agent.told(&["on", "bytes"]);
    ask(100);
    thread::sleep(Duration::from_millis(300));
    let page = agent.page();
    for side in ["client", "server"] {
        // By its name: the server is another user's process.
        assert_eq!(counted(&page, side), Counts::from([("/ok 200".to_owned(), 200)]), "as the {side} saw it");
    }
    for (name, mask) in of_threads(agent.weir.pid(), "CapPrm") {
        let expected = if name == "weir" { RUNNING } else { 0 };
        assert_eq!(mask, expected, "{name}: {mask:x}");
    }
    let run = agent.weir.stop().unwrap();
    assert!(run.status.success(), "{}", run.summary);
    assert!(
        run.summary.contains("caution: CAP_SYS_ADMIN is missing: connections of other network"),
        "{}",
        run.summary
    );
    assert!(!run.summary.contains("CAP_SYS_PTRACE"), "{}", run.summary);
}

const NOBODY: u32 = 65_534;

/// Has the agent read its settings again, and waits until it did.
fn reload(agent: &Agent, settings: &str, expected: &str) {
    fs::write(agent.folder.path().join("weir.yaml"), settings).unwrap();
    // SAFETY: the agent is our child and not reaped yet.
    assert_eq!(unsafe { libc::kill(agent.weir.pid() as libc::pid_t, libc::SIGHUP) }, 0);
    let began = Instant::now();
    while !agent.page().contains(expected) {
        assert!(began.elapsed() < Duration::from_secs(5), "no {expected}");
        thread::sleep(Duration::from_millis(50));
    }
    // Processes are named anew a few at a time.
    thread::sleep(Duration::from_millis(500));
}

/// An agent with a file of settings.
fn with_settings(settings: &str) -> Agent {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    fs::write(&file, settings).unwrap();
    Agent::started_by(Command::new(binary()), folder, &["--config", file.to_str().unwrap()])
}

#[test]
fn settings_are_read_again_and_connections_go_on() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let agent = with_settings("metrics: {max_series: 2000}\n");
    let mut client = Client::new(TcpStream::connect(nginx.address()).unwrap());
    let mut ask = |requests: u64| {
        for _ in 0..requests {
            client.send(&get("/ok")).unwrap();
            client.receive().unwrap();
        }
        thread::sleep(Duration::from_millis(200));
    };
    let of = |name: &str, side: &str| {
        let page = agent.page().replace(&format!("server=\"{name}\""), "server=\"nginx\" is=\"it\"");
        let lines: Vec<&str> = page.lines().filter(|line| line.contains("is=\"it\"")).collect();
        counted(&lines.join("\n"), side).values().sum::<u64>()
    };
    ask(100);
    let settings =
        "services: [{name: web, command: nginx}]\nmetrics: {max_series: 1000}\ncapture: {udp: false}\n";
    reload(&agent, settings, "weir_agent_config_reloads_total{result=\"success\"} 1");
    ask(100);
    reload(&agent, "metrics: {max_serie: 3}\n", "weir_agent_config_reloads_total{result=\"failure\"} 1");
    assert!(agent.page().contains("weir_agent_config_last_reload_success 0"));
    ask(50);
    reload(&agent, settings, "weir_agent_config_reloads_total{result=\"success\"} 2");
    assert!(agent.page().contains("weir_agent_config_last_reload_success 1"));
    ask(50);
    for side in ["client", "server"] {
        assert_eq!((of("nginx", side), of("web", side)), (100, 200), "as the {side} saw it");
    }
    let run = agent.weir.stop().unwrap();
    let said = &run.summary;
    assert!(
        said.contains("reload: in force: metrics.max_series, services; needs a restart: capture.udp"),
        "{said}"
    );
    assert!(
        said.contains("reload: all is as before: ") && said.contains("did you mean `max_series`?"),
        "{said}"
    );
    assert!(said.contains("reload: nothing changed") && said.contains("nothing lost"), "{said}");
}

#[test]
fn receivers_change_and_no_span_is_lost() {
    let Some(_alone) = scenario() else { return };
    let Some(mut collector) = Collector::new().unwrap() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    collector.start().unwrap();
    let settings =
        |form: &str| format!("otlp: [{{endpoint: '{}', compression: {form}}}]\n", collector.http());
    let agent = with_settings(&settings("gzip"));
    let server = nginx.address();
    let sending = thread::spawn(move || {
        let plan =
            Plan { rate: 2_000, requests: 8_000, connections: 4, depth: 1, paths: &["/ok", "/missing"] };
        paced::run(server, &plan).unwrap()
    });
    thread::sleep(Duration::from_secs(1));
    reload(&agent, &settings("zstd"), "weir_agent_config_reloads_total{result=\"success\"} 1");
    let wrong = settings("zstd").replace("http:", "https:").replace("}]", ", tls_ca: /nosuch}]");
    reload(&agent, &wrong, "weir_agent_config_reloads_total{result=\"failure\"} 1");
    let sent = sending.join().unwrap();
    let run = agent.weir.stop().unwrap();
    collector.stop().unwrap();
    let received = collector.received().unwrap();
    for side in ["server", "client"] {
        assert_eq!(received.http(nginx.port(), side), sent.counts, "as the {side} saw it: {}", run.summary);
    }
    assert!(run.summary.contains("reload: in force: otlp\n"), "{}", run.summary);
    assert_eq!(run.summary.matches(" 0 dropped").count(), 2, "{}", run.summary);
}

/// Ids of what there is of a kind in the kernel: `prog`, `map` or `link`.
pub(crate) fn ids(kind: &str) -> BTreeSet<u64> {
    let listed = Command::new("bpftool").args(["--json", kind, "list"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    json.as_array().unwrap().iter().filter_map(|entry| entry["id"].as_u64()).collect()
}

/// Those that a process holds.
pub(crate) fn ids_of(pid: u32, kind: &str) -> BTreeSet<u64> {
    let entries = fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap().flatten();
    let texts: Vec<String> = entries.filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect();
    let name = format!("{kind}_id:");
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.filter_map(|line| line.strip_prefix(&name)?.trim().parse().ok()).collect()
}

/// Sets a flag when it goes.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn nothing_is_left_of_an_agent_that_is_killed() {
    let Some(_alone) = scenario() else { return };
    let kills = std::env::var("WEIR_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10_u32);
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        // It gives up after a while, and it is not to be left without traffic.
                        ask(TcpStream::connect(nginx.address()).unwrap(), &stop);
                    }
                })
            })
            .collect();
        // Also where something fails: those who ask would go on for ever.
        let _stop = Stop(&stop);
        let mut folder = tempfile::tempdir().unwrap();
        for kill in 0..kills {
            let agent = Agent::started_by(Command::new(binary()), folder, &[]);
            thread::sleep(Duration::from_millis(u64::from(kill % 7) * 20));
            let kinds = ["prog", "map", "link"];
            let ours = kinds.map(|kind| ids_of(agent.weir.pid(), kind));
            if ours.iter().any(|ours| ours.len() < 5) {
                panic!("no kernel programs of ours: {ours:?}");
            }
            agent.weir.kill();
            // The kernel frees them with a delay.
            let began = Instant::now();
            loop {
                let left: Vec<_> = kinds
                    .iter()
                    .zip(&ours)
                    .map(|(kind, ours)| ids(kind).intersection(ours).count())
                    .collect();
                if left == [0; 3] {
                    break;
                }
                if began.elapsed() > Duration::from_secs(5) {
                    panic!("after kill {kill} programs, maps and links are left: {left:?}");
                }
                thread::sleep(Duration::from_millis(20));
            }
            folder = agent.folder;
        }
        stop.store(true, Ordering::Relaxed);
        asking.into_iter().for_each(|asking| asking.join().unwrap());
        // What a killed one left of its socket is replaced, and goes with the one that ends in good order.
        let agent = Agent::started_by(Command::new(binary()), folder, &[]);
        agent.weir.stop().unwrap();
        assert_eq!(fs::read_dir(agent.folder.path()).unwrap().count(), 0);
    });
}
