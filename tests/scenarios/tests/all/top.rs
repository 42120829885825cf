//! `weir top`, on a terminal and for scripts, against what clients counted.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use scenario_tests::paced::{self, Plan};
use scenario_tests::process::Process;
use scenario_tests::record::Record;
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions, Redis};
use scenario_tests::terminal::Terminal;
use scenario_tests::weir::{Keep, Run, Weir, binary};

const PATHS: &[&str] = &["/ok", "/ok", "/items/list", "/broken"];

/// Counts for a few seconds; the rows are in the run's records.
fn once(arguments: &[&str]) -> Weir {
    let mut command = Command::new(binary());
    command.args(["top", "--once", "--json"]).args(arguments);
    Weir::start(&mut command, Keep::Records).unwrap()
}

fn output(command: &mut Command) -> String {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let (output, _) = Process::start(command).unwrap().output().unwrap();
    String::from_utf8_lossy(&output).into_owned()
}

fn row(run: &Run, is_it: impl Fn(&Record) -> bool) -> &Record {
    let mut rows = run.records.iter().filter(|row| is_it(row));
    let row = rows.next().unwrap_or_else(|| panic!("no row: {}", run.output));
    assert!(rows.next().is_none(), "a row twice: {}", run.output);
    row
}

fn figure(row: &Record, name: &str) -> f64 {
    row.json[name].as_f64().unwrap_or(f64::NAN)
}

fn close(found: f64, expected: f64, part: f64) -> bool {
    (found / expected - 1.0).abs() <= part
}

#[test]
fn rates_errors_and_quantiles_are_the_clients() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let port = nginx.port().to_string();
    let plan = Plan { rate: 1_000, requests: 4_000, connections: 2, depth: 1, paths: PATHS };
    for (view, role) in [("services", "server"), ("edges", "client"), ("operations", "server")] {
        let weir = once(&["--view", view, "--port", &port, "--interval", "6s"]);
        let sent = paced::run(nginx.address(), &plan).unwrap();
        let run = weir.finish().unwrap();
        assert!(run.status.success() && run.summary.contains("nothing lost"), "{}", run.summary);
        let total = |name: &str| run.records.iter().map(|row| row.number(name)).sum::<u64>();
        assert_eq!((total("/requests"), total("/errors")), (4_000, 1_000), "{view}: {}", run.output);
        assert!(run.records.iter().all(|row| row.text("/view") == view && row.role() == role));
        let row = match view {
            "operations" => row(&run, |row| row.name() == "GET /ok"),
            _ => row(&run, |row| row.text("/server") == "nginx"),
        };
        let expected = if view == "operations" { 2_000.0 } else { 4_000.0 };
        let seconds = figure(row, "seconds");
        assert!((6.0..7.0).contains(&seconds), "{seconds}");
        assert!(close(figure(row, "rate"), expected / seconds, 0.001), "{}", row.json);
        if view == "edges" {
            // What lies between the client's clock and its socket is all that may differ, and half a bucket.
            let mut own: Vec<f64> = sent.durations.iter().map(Duration::as_secs_f64).collect();
            let (own, found) = (paced::median(&mut own), figure(row, "p50"));
            assert!(found <= own * 1.05 && found >= own - 100e-6, "p50 {found}, not {own}");
        }
    }
}

#[test]
fn a_busy_server_and_redis_count_what_wrk_and_redis_benchmark_did() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let redis = Redis::start(None).unwrap();
    let (http, resp) = (nginx.port().to_string(), redis.port().to_string());
    let weir = once(&["--view", "edges", "--port", &http, "--port", &resp, "--interval", "8s"]);
    let url = format!("http://127.0.0.1:{http}/ok");
    let said = output(Command::new("wrk").args(["-t1", "-c4", "-d2s", &url]));
    let sent = said.lines().find_map(|line| line.trim().split_once(" requests in ")).map(|(count, _)| count);
    let sent: u64 = sent.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{said}"));
    output(Command::new("redis-benchmark").args(["-p", &resp, "-n", "50000", "-c", "10", "-t", "set,get"]));
    let run = weir.finish().unwrap();
    let requests = |client: &str, server: &str| {
        row(&run, |row| row.text("/client") == client && row.text("/server") == server).number("/requests")
    };
    // The benchmark asks for the configuration first.
    let asked = requests("redis-benchmark", "redis-server");
    assert!((100_000..100_010).contains(&asked), "{asked}: {}", run.output);
    // wrk ends with requests under way, which it does not count.
    let seen = requests("wrk", "nginx");
    assert!(seen.abs_diff(sent) <= 8 + run.lost(), "{seen} of {sent}; {}", run.summary);
}

#[test]
fn without_a_terminal_it_is_one_table() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let mut command = Command::new(binary());
    command.args(["top", "--interval", "2s", "--port", &nginx.port().to_string()]);
    let weir = Weir::start(&mut command, Keep::Text).unwrap();
    let plan = Plan { rate: 1_000, requests: 1_000, connections: 2, depth: 1, paths: PATHS };
    paced::run(nginx.address(), &plan).unwrap();
    let run = weir.finish().unwrap();
    let lines: Vec<&str> = run.output.lines().collect();
    assert_eq!(lines.len(), 2, "{}", run.output);
    assert!(lines[0].contains("SERVICE") && lines[0].ends_with("TOTAL"), "{}", run.output);
    assert!(lines[1].contains("nginx") && lines[1].ends_with(" 1,000"), "{}", run.output);
    assert!(!run.output.contains('\u{1b}'));
}

/// The screen of a host on which nginx gets requests for a while.
#[test]
fn a_terminal_shows_what_happens_and_is_given_back() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let (address, port) = (nginx.address(), nginx.port().to_string());
    let load = thread::spawn(move || {
        let plan = Plan { rate: 400, requests: 6_000, connections: 2, depth: 1, paths: PATHS };
        paced::run(address, &plan).unwrap()
    });
    let mut command = Command::new(binary());
    command.args(["top", "--port", &port]);
    let mut terminal = Terminal::start(&mut command, (80, 24)).unwrap();
    let screen = terminal.wait_for(|screen| screen.contains("← nginx") && screen.contains("records/s"));
    assert!(screen.starts_with("[1 services]") && terminal.is_taken(), "{screen}");
    // Once it has settled, the rate is that of the load.
    thread::sleep(Duration::from_secs(4));
    let screen = terminal.screen();
    let rate = screen.lines().find(|line| line.contains("← nginx")).unwrap();
    let rate: Vec<&str> = rate.split_whitespace().collect();
    assert!(close(rate[2].parse().unwrap(), 400.0, 0.1), "{screen}");
    // A window may begin and end within a turn of the paths.
    assert!(close(rate[4].parse().unwrap(), 25.0, 0.02), "{screen}");
    terminal.press("\r").unwrap();
    let screen = terminal.wait_for(|screen| screen.contains("GET /broken"));
    assert!(screen.contains("operations of nginx") && screen.contains("GET /items/list"), "{screen}");
    terminal.press("/broken\r").unwrap();
    let screen = terminal.wait_for(|screen| !screen.contains("GET /ok"));
    assert!(screen.contains("GET /broken") && screen.contains("1 of 3 shown"), "{screen}");
    terminal.press("3?").unwrap();
    assert!(terminal.wait_for(|screen| screen.contains("this help")).contains("[3 edges]"));
    let asked = Instant::now();
    terminal.press("q").unwrap();
    let status = terminal.finish().unwrap();
    assert!(status.success() && asked.elapsed() < Duration::from_secs(2), "{status}");
    assert!(!terminal.is_taken() && terminal.is_as_found());
    // What was under way on connections that were open before may be missing.
    let screen = terminal.screen();
    assert!(screen.contains("ready: ") && screen.contains(" requests in "), "{screen}");
    load.join().unwrap();
}

#[test]
fn the_terminal_is_given_back_whatever_ends_it() {
    let Some(_alone) = scenario() else { return };
    for (key, signal) in [("\u{3}", None), ("", Some(libc::SIGTERM))] {
        let mut command = Command::new(binary());
        command.arg("top");
        let mut terminal = Terminal::start(&mut command, (80, 24)).unwrap();
        let screen = terminal.wait_for(|screen| screen.contains("weir: ") && screen.contains("? help"));
        assert!(terminal.is_taken() && !terminal.is_as_found(), "{screen}");
        terminal.press(key).unwrap();
        if let Some(signal) = signal {
            terminal.signal(signal);
        }
        let status = terminal.finish().unwrap();
        assert!(status.success() && !terminal.is_taken() && terminal.is_as_found(), "{status}");
    }
}

#[test]
fn it_ends_with_its_terminal() {
    let Some(_alone) = scenario() else { return };
    // script(1) has the other end of the terminal; killed, it leaves none.
    let line = format!("stty rows 24 cols 80; exec {} top", binary().display());
    let mut command = Command::new("script");
    command
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut script = command.spawn().unwrap();
    let mut seen = [0; 4096];
    let mut shown = String::new();
    // It has taken the terminal (its other screen), and waits for keys by then.
    while !shown.contains("\u{1b}[?1049h") {
        let read = script.stdout.as_mut().unwrap().read(&mut seen).unwrap();
        assert!(read > 0, "{shown}");
        shown.push_str(&String::from_utf8_lossy(&seen[..read]));
    }
    thread::sleep(Duration::from_millis(500));
    let children = format!("/proc/{0}/task/{0}/children", script.id());
    let top = std::fs::read_to_string(children).unwrap().trim().to_owned();
    assert!(!top.is_empty() && !top.contains(' '), "{top:?}");
    script.kill().unwrap();
    script.wait().unwrap();
    let began = Instant::now();
    let is_there = || {
        let status = std::fs::read_to_string(format!("/proc/{top}/status")).unwrap_or_default();
        status.contains("weir") && !status.contains("Z (zombie)")
    };
    while is_there() {
        assert!(began.elapsed() < Duration::from_secs(10), "it goes on without a terminal");
        thread::sleep(Duration::from_millis(50));
    }
}
