//! At full speed: what is not shown is counted as lost, and it is next to nothing.

use std::process::{Command, Stdio};

use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions, Redis, on_cpu};
use scenario_tests::weir::{Keep, Run, Weir, binary};

/// The processor of the client, and of the agent too: it has to get by with what a busy one leaves it.
fn clients() -> Option<usize> {
    std::thread::available_parallelism().ok().map(|processors| processors.get() - 1)
}

/// Runs the agent for one side of one port; the records are counted, not kept.
fn count(port: u16, role: &str, load: impl FnOnce()) -> Run {
    let mut weir = on_cpu(binary().to_str().unwrap(), clients());
    weir.args(["requests", "--json", "--role", role, "--port", &port.to_string()]);
    let weir = Weir::start(&mut weir, Keep::Nothing).unwrap();
    load();
    weir.stop().unwrap()
}

/// How often the agent may be starved by what else runs on the machine. What is missing has to be counted each time.
const ATTEMPTS: u32 = 3;

/// Puts `load` on the port and compares with how much it sent, of which up to `slack` more may be shown.
fn saturate(port: u16, role: &str, slack: u64, mut load: impl FnMut() -> u64) {
    for attempt in 1..=ATTEMPTS {
        let mut sent = 0;
        let run = count(port, role, || sent = load());
        let shown = run.shown();
        let missing = sent.saturating_sub(shown);
        eprintln!(
            "{role}: {sent} sent, {shown} shown, {} events counted as lost\n{}",
            run.lost(),
            run.summary
        );
        assert!(shown <= sent + slack, "{role}: {shown} shown of {sent}");
        assert!(
            missing == 0 || run.lost() > 0,
            "{role}: {missing} are missing, and nothing is counted as lost"
        );
        if missing as f64 <= sent as f64 * 0.001 {
            return;
        }
        assert!(attempt < ATTEMPTS, "{role}: {missing} of {sent} are missing\n{}", run.summary);
    }
}

/// Requests that wrk counted. It does not count those that were under way when it ended, one a connection.
fn wrk(nginx: &Nginx, connections: u64) -> u64 {
    let mut wrk = on_cpu("wrk", clients());
    wrk.args(["-t1", "-d2s", "-c", &connections.to_string(), &format!("http://{}/ok", nginx.address())]);
    let output = wrk.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let counted = text.lines().find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok());
    counted.unwrap_or_else(|| panic!("wrk said: {text}"))
}

#[test]
fn wrk_at_full_speed() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions { cpu: Some(0), ..Default::default() }).unwrap();
    for role in ["client", "server"] {
        saturate(nginx.port(), role, 20, || wrk(&nginx, 20));
    }
}

fn redis_benchmark(depth: u32, requests: u64) {
    let Some(_alone) = scenario() else { return };
    let redis = Redis::start(Some(0)).unwrap();
    for role in ["client", "server"] {
        // It asks for two settings first.
        saturate(redis.port(), role, 2, || {
            let mut load = on_cpu("redis-benchmark", clients());
            load.args(["-p", &redis.port().to_string(), "-n", &requests.to_string()]);
            load.args(["-P", &depth.to_string(), "-t", "set", "-c", "20", "-q"]);
            assert!(load.stdout(Stdio::null()).status().unwrap().success());
            requests
        });
    }
}

#[test]
fn redis_one_by_one_at_full_speed() {
    redis_benchmark(1, 100_000);
}

#[test]
fn redis_in_pipelines_of_16_at_full_speed() {
    redis_benchmark(16, 800_000);
}

/// The account of a run that loses on purpose: a ring of the least size, and a reader that is stopped for a while.
#[test]
fn what_is_lost_is_counted() {
    let Some(_alone) = scenario() else { return };
    let redis = Redis::start(None).unwrap();
    let mut weir = on_cpu(binary().to_str().unwrap(), clients());
    weir.args(["requests", "--json", "--role", "server", "--port", &redis.port().to_string()]);
    let weir = Weir::start(weir.args(["--ring", "256K"]), Keep::Nothing).unwrap();
    // SAFETY: our own child, which is not reaped before `stop`.
    unsafe { libc::kill(weir.pid() as i32, libc::SIGSTOP) };
    let mut load = Command::new("redis-benchmark");
    load.args(["-p", &redis.port().to_string(), "-n", "20000", "-t", "set", "-q"]);
    assert!(load.stdout(Stdio::null()).status().unwrap().success());
    // SAFETY: as above.
    unsafe { libc::kill(weir.pid() as i32, libc::SIGCONT) };
    let run = weir.stop().unwrap();
    eprintln!("{}", run.summary);
    let shown = run.shown();
    assert!(shown < 20_000, "{shown} shown, though the ring cannot hold them");
    // A request needs a chunk each way on this side, so what is missing cost at least one event each.
    assert!(run.lost() >= 20_000 - shown, "{shown} shown, but only {} events lost", run.lost());
}
