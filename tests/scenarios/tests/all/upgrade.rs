//! One agent takes over from another: nothing is told twice, what nobody tells is counted, and nobody who scrapes is turned away.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use scenario_tests::collector::Collector;
use scenario_tests::http::{Client, get};
use scenario_tests::paced::{self, Plan};
use scenario_tests::process::free_port;
use scenario_tests::prometheus::{Prometheus, fetch};
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions};
use scenario_tests::weir::{Keep, Weir, binary};
use tempfile::TempDir;

use crate::life::{counted, ids, ids_of};

const PATHS: &[&str] = &["/ok", "/ok", "/items/list", "/moved", "/missing", "/broken"];

/// What one agent hands to the next: an address, and a folder for its socket.
struct Place {
    address: SocketAddr,
    folder: TempDir,
    /// Receivers: YAML on one line.
    otlp: String,
}

impl Place {
    fn new() -> Place {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().unwrap()));
        Place { address, folder: tempfile::tempdir().unwrap(), otlp: String::new() }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("agent.sock")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        // Here nothing is to be left out.
        command.args(["agent", "--max-cpu", "100%", "--max-memory", "1GB", "--config", "/dev/null"]);
        command.args(["--listen", &self.address.to_string(), "--control"]).arg(self.socket());
        if !self.otlp.is_empty() {
            command.env("WEIR_OTLP", &self.otlp);
        }
        command.args(arguments);
        command
    }

    fn start(&self, arguments: &[&str]) -> Weir {
        Weir::start(&mut self.command(arguments), Keep::Text).unwrap()
    }

    /// One that ends by itself: what it says.
    fn output(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.env_remove("WEIR_BIN").stdin(Stdio::null()).output().unwrap()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{said}");
        said
    }

    fn page(&self) -> String {
        fetch(self.address, "/metrics", "").unwrap().text()
    }

    /// Waits until the page says so.
    fn wait_for(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let page = self.page();
            if is_so(&page) {
                return page;
            }
            let of_agent: Vec<&str> = page.lines().filter(|line| line.starts_with("weir_agent_")).collect();
            assert!(began.elapsed() < Duration::from_secs(8), "not yet: {what}\n{of_agent:#?}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The sum of a metric's series whose labels have this text.
fn figure(page: &str, name: &str, with: &str) -> f64 {
    let is_it = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let lines = page.lines().filter(is_it).filter(|line| line.contains(with));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

fn missed(page: &str) -> u64 {
    figure(page, "weir_agent_lost_total", "missed at a take-over") as u64
}

fn total(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}

/// Answers one request, so late.
fn slow_exchange(late: Duration) -> thread::JoinHandle<()> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answering = thread::spawn(move || {
        let mut reader = BufReader::new(listener.accept().unwrap().0);
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        thread::sleep(late);
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    });
    thread::spawn(move || {
        let mut client = Client::new(TcpStream::connect(address).unwrap());
        client.send(&get("/slow")).unwrap();
        client.receive().unwrap();
        answering.join().unwrap();
    })
}

/// Scrapes again and again; returns how often. Nothing that was counted may ever become less.
fn scrape(place: &Place, stop: &AtomicBool) -> u64 {
    let (mut scrapes, mut before) = (0, (0, 0.0));
    while !stop.load(Ordering::Relaxed) {
        let page = fetch(place.address, "/metrics", "").unwrap();
        assert_eq!(page.status, 200);
        let page = page.text();
        let now = (total(&counted(&page, "server")), figure(&page, "weir_agent_requests_total", ""));
        assert!(now.0 >= before.0 && now.1 >= before.1, "{before:?} became {now:?}");
        (before, scrapes) = (now, scrapes + 1);
        thread::sleep(Duration::from_millis(20));
    }
    scrapes
}

#[test]
fn two_upgrades_under_load_tell_everything_once() {
    let Some(_alone) = scenario() else { return };
    let Some(mut collector) = Collector::new().unwrap() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    collector.start().unwrap();
    let otlp = format!("[{{endpoint: '{}', interval: 1s}}]", collector.http());
    let place = Place { otlp, ..Place::new() };
    let mut agent = place.start(&[]);
    let prometheus = Prometheus::start(place.address, false).unwrap();
    let server = nginx.address();
    let sending = thread::spawn(move || {
        let plan = Plan { rate: 2_000, requests: 22_000, connections: 4, depth: 1, paths: PATHS };
        paced::run(server, &plan).unwrap()
    });
    let stop = AtomicBool::new(false);
    let slow = slow_exchange(Duration::from_secs(6));
    thread::sleep(Duration::from_millis(200));
    let scrapes = thread::scope(|scope| {
        let stopping = Stopping(&stop);
        let scraping = scope.spawn(|| scrape(&place, &stop));
        for upgrade in 1..=2 {
            let kinds = ["prog", "map", "link"];
            let ours = kinds.map(|kind| ids_of(agent.pid(), kind));
            assert!(ours.iter().all(|ours| ours.len() >= 5), "no kernel programs of ours: {ours:?}");
            let earlier = std::mem::replace(&mut agent, place.start(&["--replace"]));
            let run = earlier.finish().unwrap();
            let said = format!("handed over to process {}\n", agent.pid());
            assert!(run.status.success() && run.summary.contains(&said), "{}", run.summary);
            assert!(run.summary.contains(" 0 dropped"), "{}", run.summary);
            let began = Instant::now();
            while kinds.iter().zip(&ours).any(|(kind, ours)| ids(kind).intersection(ours).count() > 0) {
                assert!(began.elapsed() < Duration::from_secs(3), "programs of the earlier agent are left");
                thread::sleep(Duration::from_millis(50));
            }
            let page = place.wait_for("the end of the take-over", |page| {
                figure(page, "weir_agent_takeovers_total", "complete") as u64 == upgrade
            });
            let took = figure(&page, "weir_agent_takeover_duration_seconds", "");
            println!("take-over {upgrade}: {took:.3} s");
            assert!(took > 0.0 && took <= 1.0, "{took}");
        }
        let sent = sending.join().unwrap();
        slow.join().unwrap();
        // One exchange was under way, and both of its sides were seen.
        let page = place.wait_for("all requests", |page| {
            total(&counted(page, "server")) + total(&counted(page, "client")) + missed(page)
                >= 2 * sent.requests + 2
        });
        let page = if missed(&page) == 2 { page } else { panic!("{} were missed\n{page}", missed(&page)) };
        for side in ["server", "client"] {
            let expected: BTreeMap<String, u64> =
                sent.counts.iter().map(|(name, count)| (name.replacen("GET ", "", 1), *count)).collect();
            assert_eq!(counted(&page, side), expected, "as the {side} saw it");
        }
        assert!(!page.contains("http_route=\"/slow\""), "told though it was missed");
        assert_eq!(figure(&page, "weir_agent_lost_total", "") as u64, 2, "{page}");
        drop(stopping);
        let scrapes = scraping.join().unwrap();
        // Its connection was open all the time, and nothing began at 0.
        let port = nginx.port();
        let selector = format!("http_server_request_duration_seconds_count{{server_port=\"{port}\"}}");
        let query = format!("sum({selector}) == {}", sent.requests);
        assert_eq!(prometheus.query_until(&query, |found| !found.is_empty()).unwrap().len(), 1);
        let queries =
            [("min_over_time(up[15s])".to_owned(), 1.0), (format!("max(resets({selector}[20s]))"), 0.0)];
        for (query, expected) in queries {
            let found = prometheus.query(&query).unwrap();
            assert!(found.len() == 1 && found[0].1 == expected, "{query}: {found:?}");
        }
        let run = agent.stop().unwrap();
        assert!(run.summary.contains(" 0 dropped"), "{}", run.summary);
        collector.stop().unwrap();
        let received = collector.received().unwrap();
        for side in ["server", "client"] {
            assert_eq!(received.http(nginx.port(), side), sent.counts, "spans as the {side} saw it");
            let metric = format!("http.{side}.request.duration");
            assert_eq!(received.counted(&metric, nginx.port()), sent.requests, "{metric}");
        }
        assert_eq!(received.again, 0);
        scrapes
    });
    assert!(scrapes > 100, "{scrapes}");
}

/// Has other threads stop, also where this one fails.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks an agent to hand over, as a new one does.
fn ask(socket: &Path, version: &str) -> (UnixStream, String) {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let head = "POST /takeover HTTP/1.1\r\nHost: weir\r\nConnection: Upgrade\r\nUpgrade: weir-takeover\r\n";
    stream.write_all(format!("{head}weir-takeover-version: {version}\r\n\r\n").as_bytes()).unwrap();
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        answer.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&answer).into_owned();
    (stream, head)
}

#[test]
fn an_upgrade_that_comes_to_nothing_leaves_the_agent_as_it_was() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let place = Place::new();
    // Nothing is there to be replaced.
    let agent = place.start(&["--replace"]);
    let stop = AtomicBool::new(false);
    let asked = thread::scope(|scope| {
        let stopping = Stopping(&stop);
        let asking = scope.spawn(|| {
            let mut client = Client::new(TcpStream::connect(nginx.address()).unwrap());
            let mut asked = 0;
            while !stop.load(Ordering::Relaxed) {
                client.send(&get("/ok")).unwrap();
                client.receive().unwrap();
                asked += 1;
                thread::sleep(Duration::from_micros(300));
            }
            asked
        });
        let said = place.refused(&[]);
        assert!(said.contains("cannot listen") || said.contains("--replace"), "{said}");
        let said = place.refused(&["--listen", "127.0.0.1:0"]);
        assert!(said.contains("an agent runs already") && said.contains("`weir agent --replace`"), "{said}");
        let (_, head) = ask(&place.socket(), "999");
        assert!(head.starts_with("HTTP/1.1 409"), "{head}");
        // Two at once; and the first of them goes away while the agent waits for it.
        let (mut first, head) = ask(&place.socket(), "1");
        assert!(head.starts_with("HTTP/1.1 101") && head.contains(&place.address.to_string()), "{head}");
        let said = place.refused(&["--replace"]);
        assert!(said.contains("another agent is about to take over"), "{said}");
        // It begins, hears of the instant, and is never heard of again.
        first.write_all(&[3, 0, 0, 0, 0, 1, 1]).unwrap();
        let mut length = [0; 4];
        first.read_exact(&mut length).unwrap();
        assert!(u32::from_le_bytes(length) > 1);
        thread::sleep(Duration::from_millis(500));
        drop(first);
        thread::sleep(Duration::from_millis(200));
        // One that fails by itself.
        let said = place.refused(&["--replace", "--max-memory", "1MB"]);
        assert!(said.contains("too little"), "{said}");
        thread::sleep(Duration::from_millis(300));
        drop(stopping);
        asking.join().unwrap()
    });
    for side in ["server", "client"] {
        let page = place.wait_for("all requests", |page| total(&counted(page, side)) >= asked);
        assert_eq!(total(&counted(&page, side)), asked, "as the {side} saw it");
        assert_eq!((missed(&page), figure(&page, "weir_agent_takeovers_total", "")), (0, 0.0));
    }
    // The very same binary: it reads its settings again.
    let output = place.output(&["--replace=changed"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    place.wait_for("a reload", |page| figure(page, "weir_agent_config_reloads_total", "success") as u64 == 1);
    let run = agent.stop().unwrap();
    assert!(
        run.summary.contains("take-over: the new agent is gone, and all is as before"),
        "{}",
        run.summary
    );
    assert!(!place.socket().exists());

    // One that does not know what it is asked for.
    let earlier = UnixListener::bind(place.socket()).unwrap();
    let answering = thread::spawn(move || {
        let mut stream = earlier.accept().unwrap().0;
        let mut head = [0; 1000];
        assert!(stream.read(&mut head).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno").unwrap();
    });
    let said = place.refused(&["--replace"]);
    assert!(said.contains("of a version that cannot hand over"), "{said}");
    answering.join().unwrap();
}

#[test]
fn an_agent_that_dies_while_it_is_replaced_is_replaced_all_the_same() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let place = Place::new();
    let earlier = place.start(&[]);
    let before = ids("prog");
    let killing = thread::spawn(move || {
        // The new one's programs are there before it asks.
        let began = Instant::now();
        while ids("prog").difference(&before).count() < 5 && began.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(50));
        }
        thread::sleep(Duration::from_millis(500));
        earlier.kill();
    });
    let agent = place.start(&["--replace"]);
    killing.join().unwrap();
    let mut client = Client::new(TcpStream::connect(nginx.address()).unwrap());
    for _ in 0..100 {
        client.send(&get("/ok")).unwrap();
        client.receive().unwrap();
    }
    let page = place.wait_for("all requests", |page| total(&counted(page, "server")) >= 100);
    assert_eq!((total(&counted(&page, "server")), total(&counted(&page, "client"))), (100, 100));
    assert_eq!(figure(&page, "weir_agent_takeovers_total", "broken off") as u64, 1, "{page}");
    let run = agent.stop().unwrap();
    assert!(run.status.success() && !place.socket().exists(), "{}", run.summary);
}

/// Ends a process that is no child of ours.
struct Stranger(i32);

impl Drop for Stranger {
    fn drop(&mut self) {
        // SAFETY: takes no pointers; the process was told of by the agent that it replaced.
        unsafe { libc::kill(self.0, libc::SIGTERM) };
    }
}

#[test]
fn a_supervisor_is_told_of_the_new_process() {
    let Some(_alone) = scenario() else { return };
    let place = Place::new();
    let supervisor = UnixDatagram::bind(place.folder.path().join("notify")).unwrap();
    supervisor.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let told = || {
        let mut buffer = [0; 200];
        let length = supervisor.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let with = |mut command: Command| {
        command.env("NOTIFY_SOCKET", place.folder.path().join("notify"));
        command
    };
    let earlier = Weir::start(&mut with(place.command(&[])), Keep::Text).unwrap();
    assert!(told().starts_with("READY=1\n"));
    // As `ExecReload=` of a unit has it: it returns when the new agent observes.
    let mut reload = with(place.command(&["--replace", "--detach"]));
    let output =
        reload.env_remove("WEIR_BIN").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(output.status().unwrap().success());
    let replaced = told();
    let process = replaced.strip_prefix("MAINPID=").and_then(|rest| rest.trim().parse::<i32>().ok());
    let stranger = Stranger(process.unwrap_or_else(|| panic!("{replaced}")));
    assert!(told().starts_with("READY=1\n"));
    assert!(earlier.finish().unwrap().status.success());
    assert!(figure(&place.page(), "weir_agent_takeovers_total", "complete") as u64 == 1);
    let name = fs::read_to_string(format!("/proc/{}/comm", stranger.0)).unwrap();
    assert_eq!(name, "weir\n");
    drop(stranger);
    assert_eq!(told(), "STOPPING=1\n");
    let began = Instant::now();
    while place.socket().exists() {
        assert!(began.elapsed() < Duration::from_secs(5), "the new agent does not end");
        thread::sleep(Duration::from_millis(50));
    }
}
