//! The budget of `weir agent`: load far beyond it is left out, and said to be; what is used stays within.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use probes::Memory;
use scenario_tests::process::{Process, cpu_time, free_port, status_figure};
use scenario_tests::prometheus::fetch;
use scenario_tests::resp::Client;
use scenario_tests::scenario;
use scenario_tests::servers::Redis;
use scenario_tests::weir::{Keep, Weir, binary};

fn agent(arguments: &[&str]) -> (Weir, SocketAddr) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().unwrap()));
    let mut command = Command::new(binary());
    command.args(["agent", "--listen", &address.to_string()]).args(arguments);
    (Weir::start(&mut command, Keep::Text).unwrap(), address)
}

fn metrics(address: SocketAddr) -> String {
    String::from_utf8(fetch(address, "/metrics", "").unwrap().body).unwrap()
}

/// The sum of a metric's series whose labels have all of these texts.
fn metric(address: SocketAddr, name: &str, labels: &[&str]) -> f64 {
    let page = metrics(address);
    let is_it = |line: &&str| {
        let rest = line.strip_prefix(name).unwrap_or_default();
        rest.starts_with(['{', ' ']) && labels.iter().all(|label| rest.contains(label))
    };
    let value = |line: &str| line.rsplit_once(' ').and_then(|(_, value)| value.parse::<f64>().ok());
    page.lines().filter(is_it).filter_map(value).sum()
}

fn wait_until(patience: Duration, what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < patience, "{what} does not come to be");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Has the kernel count programs' run time, until this is dropped.
struct Statistics(String);

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

impl Statistics {
    fn on() -> Statistics {
        let before = fs::read_to_string(SWITCH).unwrap();
        fs::write(SWITCH, "1").unwrap();
        Statistics(before)
    }
}

impl Drop for Statistics {
    fn drop(&mut self) {
        let _ = fs::write(SWITCH, &self.0);
    }
}

/// Nanoseconds that a process's programs have used, as far as they were counted.
fn used_by_programs(pid: u32) -> u64 {
    let mut programs: Vec<(u64, u64)> = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let figure = |name: &str| -> Option<u64> {
            text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        };
        programs.extend(figure("prog_id:").zip(figure("run_time_ns:")));
    }
    programs.sort_unstable();
    programs.dedup_by_key(|(id, _)| *id);
    programs.iter().map(|(_, time)| time).sum()
}

/// The same, and what the process has used.
fn used(pid: u32) -> u64 {
    cpu_time(pid).unwrap() + used_by_programs(pid)
}

/// Processors that they take, counted for some seconds.
fn programs_rate(pid: u32) -> f64 {
    let (began, before) = (Instant::now(), used_by_programs(pid));
    std::thread::sleep(Duration::from_secs(4));
    (used_by_programs(pid) - before) as f64 / began.elapsed().as_nanos() as f64
}

/// For what takes two or three seconds where the host is not as busy as here.
const PATIENCE: Duration = Duration::from_secs(30);
const SAMPLE: Duration = Duration::from_millis(500);

/// The most that was used in ten seconds of so many: processors.
fn most_in_ten_seconds(pid: u32, lasts: Duration) -> f64 {
    let mut samples = vec![(Instant::now(), used(pid))];
    while samples[0].0.elapsed() < lasts {
        std::thread::sleep(SAMPLE);
        samples.push((Instant::now(), used(pid)));
    }
    let window = Duration::from_secs(10);
    let rate = |start: &(Instant, u64)| {
        let end = samples.iter().find(|(at, _)| *at - start.0 >= window)?;
        Some((end.1 - start.1) as f64 / (end.0 - start.0).as_nanos() as f64)
    };
    let rates: Vec<f64> = samples.iter().filter_map(rate).collect();
    eprintln!("used in each ten seconds: {rates:.3?}");
    rates.into_iter().fold(0.0, f64::max)
}

/// Load far beyond the budget: the agent stays within it, says what it leaves out, and sees all again when the load is gone.
#[test]
fn cpu_time_stays_within_the_budget() {
    let Some(_alone) = scenario() else { return };
    let processors = std::thread::available_parallelism().unwrap().get() as f64;
    let redis = Redis::start(None).unwrap();
    let (weir, address) = agent(&["--max-cpu", "5%"]);
    let mut stays = Client::new(TcpStream::connect(redis.address()).unwrap());
    stays.call(&[b"STRLEN", b"before"]).unwrap();
    assert_eq!(metric(address, "weir_agent_budget_stage", &[]), 0.0);
    let counting = Statistics::on();
    let mut load = Command::new("redis-benchmark");
    load.args([
        "-p",
        &redis.port().to_string(),
        "-c",
        "50",
        "-P",
        "16",
        "-n",
        "1000000000",
        "-t",
        "set",
        "-q",
    ]);
    let load = Process::start(load.stdout(Stdio::null()).stderr(Stdio::null())).unwrap();
    let most = most_in_ten_seconds(weir.pid(), Duration::from_secs(25));
    let counted_before = programs_rate(weir.pid());
    drop(counting);
    assert!(most <= 0.06 * processors, "{most} of {processors} processors were used");
    // Now without anybody else who counts what the programs take.
    assert_eq!(metric(address, "weir_agent_budget_stage", &[]), 3.0);
    assert!(metric(address, "weir_agent_budget_share", &[]) < 1.0);
    let given_up = metric(address, "weir_agent_budget_left_out_total", &["given up"]);
    assert!(given_up >= 10.0, "{given_up} connections were given up");
    let programs = || metric(address, "weir_agent_bpf_cpu_time_seconds_total", &[]);
    let (before, estimated) = (used(weir.pid()), programs());
    for _ in 0..30 {
        stays.call(&[b"STRLEN", b"meanwhile"]).unwrap();
    }
    let port = format!("server_port=\"{}\"", redis.port());
    let opened = || metric(address, "weir_tcp_connections_opened_total", &[&port]);
    let before_them = opened();
    for _ in 0..100 {
        let mut client = Client::new(TcpStream::connect(redis.address()).unwrap());
        client.call(&[b"STRLEN", b"short"]).unwrap();
    }
    // Each on both sides, whether it was left out or not.
    wait_until(PATIENCE, "that all connections count", || opened() == before_them + 200.0);
    // Figures about Weir itself are renewed every second.
    wait_until(PATIENCE, "that those which were left out count", || {
        metric(address, "weir_agent_budget_left_out_total", &["opened"]) >= 20.0
    });
    std::thread::sleep(Duration::from_secs(10));
    let own = (used(weir.pid()) - before) as f64 / 1e10;
    assert!(own <= 0.06 * processors, "{own} of {processors} processors were used, programs aside");
    let estimated = (programs() - estimated) / 10.0;
    // The load goes at the speed that this host gives it: truth is what there was before, what there was after, or between.
    let counting = Statistics::on();
    let counted_after = programs_rate(weir.pid());
    drop(counting);
    eprintln!(
        "programs: {estimated:.3} processors were told, {counted_before:.3} counted before, {counted_after:.3} after"
    );
    assert!(estimated >= 0.4 * counted_before.min(counted_after), "less was told than there was");
    assert!(estimated <= 2.5 * counted_before.max(counted_after), "more was told than there was");
    drop(load);

    wait_until(2 * PATIENCE, "that nothing is left out", || {
        metric(address, "weir_agent_budget_stage", &[]) == 0.0
    });
    assert_eq!(metric(address, "weir_agent_budget_share", &[]), 1.0);
    let counted = |side: &str| {
        let name = format!("db_{side}_operation_duration_seconds_count");
        metric(address, &name, &["db_operation_name=\"STRLEN\""])
    };
    let before = ["client", "server"].map(counted);
    for _ in 0..100 {
        stays.call(&[b"STRLEN", b"after"]).unwrap();
    }
    wait_until(PATIENCE, "that a connection is seen again", || {
        ["client", "server"].map(counted) == before.map(|count| count + 100.0)
    });
    let run = weir.stop().unwrap();
    assert!(run.status.success(), "{}", run.summary);
    assert!(run.summary.contains("connections is kept, the others are left out"), "{}", run.summary);
    assert!(run.summary.contains("left out for the budget"), "{}", run.summary);
}

/// Looks at the memory of a process until it is told to stop; gives the most that there was, bytes.
fn watch_memory(pid: u32, stop: Arc<AtomicBool>) -> JoinHandle<u64> {
    std::thread::spawn(move || {
        let mut most = 0;
        while !stop.load(Ordering::Relaxed) {
            let resident = status_figure(pid, "VmRSS").unwrap_or(0) * 1024;
            let memory = Memory::of(pid);
            most = most.max(resident.saturating_sub(memory.mapped) + memory.kernel(sockets()));
            std::thread::sleep(Duration::from_millis(200));
        }
        most
    })
}

/// TCP sockets of this host.
fn sockets() -> u64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap();
    let line = text.lines().find(|line| line.starts_with("TCP: ")).unwrap();
    line.rsplit_once("alloc ").unwrap().1.split(' ').next().unwrap().parse().unwrap()
}

/// A process with connections to itself that begin messages and do not end them.
struct HalfHeads {
    process: Process,
    said: BufReader<ChildStdout>,
}

impl HalfHeads {
    /// All are open, each with so many bytes, when `wait` returns.
    fn start(connections: usize, bytes: usize) -> HalfHeads {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/half_heads.py");
        let mut command = Command::new("python3");
        command.args([script, &connections.to_string(), &bytes.to_string()]);
        let mut process = Process::start(command.stdin(Stdio::piped()).stdout(Stdio::piped())).unwrap();
        let said = BufReader::new(process.child().stdout.take().unwrap());
        HalfHeads { process, said }
    }

    fn wait(&mut self, word: &str) {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), word);
    }

    /// Says a little more on all of them.
    fn say_more(&mut self) {
        self.process.child().stdin.as_mut().unwrap().write_all(b"more\n").unwrap();
    }
}

/// Many connections, each of which begins a message and does not end it.
#[test]
fn memory_stays_within_the_budget() {
    // A process may not have so many files open as all of them need.
    const PROCESSES: usize = 6;
    const EACH: usize = 8_400;
    const CONNECTIONS: usize = PROCESSES * EACH;
    const LIMIT: u64 = 64_000_000;
    let Some(_alone) = scenario() else { return };
    let (weir, address) = agent(&["--max-memory", "64MB", "--max-cpu", "100%"]);
    let stop = Arc::new(AtomicBool::new(false));
    let watch = watch_memory(weir.pid(), stop.clone());
    let mut open: Vec<HalfHeads> = (0..PROCESSES).map(|_| HalfHeads::start(EACH, 2_000)).collect();
    open.iter_mut().for_each(|process| process.wait("open"));
    open.iter_mut().for_each(HalfHeads::say_more);
    open.iter_mut().for_each(|process| process.wait("said"));
    std::thread::sleep(Duration::from_secs(3));
    let page = metrics(address);
    stop.store(true, Ordering::Relaxed);
    let most = watch.join().unwrap();
    eprintln!("{most} bytes at most");
    for line in page.lines().filter(|line| line.contains("budget") || line.contains("agent_memory")) {
        eprintln!("{line}");
    }
    assert!(most < LIMIT, "{most} bytes were in use");
    // What did not fit is told.
    let lost = metric(address, "weir_agent_connections_forgotten_total", &[])
        + metric(address, "weir_agent_budget_left_out_total", &["given up"])
        + metric(address, "weir_agent_budget_left_out_total", &["opened"]);
    let followed = metric(address, "weir_agent_connections", &[]);
    assert!(lost + followed >= CONNECTIONS as f64, "{lost} left out, {followed} followed");
    drop(open);
    let run = weir.stop().unwrap();
    assert!(run.status.success(), "{}", run.summary);
}

#[test]
fn a_limit_that_cannot_work_is_refused() {
    let Some(_alone) = scenario() else { return };
    let mut command = Command::new(binary());
    command.args(["agent", "--listen", "127.0.0.1:0", "--max-memory", "1MB"]).env_remove("WEIR_BIN");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("1MB is too little on this host"), "{told}");
}
