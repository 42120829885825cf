//! `weir requests` as a command: its options, its end, and what it leaves behind.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scenario_tests::http::{Client, get};
use scenario_tests::process::Process;
use scenario_tests::scenario;
use scenario_tests::servers::{Nginx, NginxOptions};
use scenario_tests::weir::{Keep, Weir, binary};

fn ask(nginx: &Nginx, paths: &[&str]) {
    let mut client = Client::new(TcpStream::connect(nginx.address()).unwrap());
    for path in paths {
        client.send(&get(path)).unwrap();
        client.receive().unwrap();
    }
}

/// Asks on and on until `ended` says so.
fn keep_asking(nginx: &Nginx, mut ended: impl FnMut() -> bool) {
    let began = Instant::now();
    while !ended() && began.elapsed() < Duration::from_secs(10) {
        ask(nginx, &["/ok"; 10]);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn filters_and_counts() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let port = nginx.port().to_string();
    let pid = nginx.pid().to_string();
    let paths = ["/ok", "/ok", "/missing", "/broken", "/items/a"];
    for (arguments, expected) in [
        (vec![], 10),
        (vec!["--role", "server"], 5),
        (vec!["--errors"], 3),
        (vec!["--status", "5xx"], 2),
        (vec!["--status", "404"], 2),
        (vec!["--status", "ok", "--role", "client"], 3),
        (vec!["--name", "GET /ok"], 4),
        (vec!["--name", "*items*"], 2),
        (vec!["--process", "nginx"], 5),
        (vec!["--process", &pid], 5),
        (vec!["--service", "nginx"], 10),
        (vec!["--protocol", "redis"], 0),
        (vec!["--slower", "10s"], 0),
        (vec!["--slower", "1ns"], 10),
        (vec!["--count", "7"], 7),
    ] {
        let mut all = vec!["--port", &port];
        all.extend(&arguments);
        let weir = Weir::requests(&all).unwrap();
        ask(&nginx, &paths);
        let run = weir.stop().unwrap();
        assert_eq!(run.records.len(), expected, "{arguments:?}\n{}", run.output);
        assert_eq!(run.shown(), expected as u64, "{arguments:?}: {}", run.summary);
        assert!(run.status.success());
    }
}

#[test]
fn count_and_duration_end_it() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let port = nginx.port().to_string();
    let mut weir = Weir::requests(&["--port", &port, "--count", "25"]).unwrap();
    keep_asking(&nginx, || weir.has_ended());
    let run = weir.finish().unwrap();
    assert_eq!(run.records.len(), 25);
    assert!(run.status.success());

    let began = Instant::now();
    let weir = Weir::requests(&["--port", &port, "--duration", "700ms"]).unwrap();
    ask(&nginx, &["/ok"]);
    let run = weir.finish().unwrap();
    assert!(began.elapsed() > Duration::from_millis(700));
    assert_eq!(run.records.len(), 2);
}

#[test]
fn a_reader_that_goes_ends_it() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    let mut shell = Command::new("sh");
    let line = format!("exec {} requests --json --port {} | head -1", binary().display(), nginx.port());
    shell.args(["-c", &line]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut shell = Process::start(&mut shell).unwrap();
    keep_asking(&nginx, || shell.child().try_wait().unwrap().is_some());
    let (output, errors) = shell.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output).lines().count(), 1);
    let errors = String::from_utf8_lossy(&errors).into_owned();
    assert!(!errors.contains("weir:") && !errors.contains("panicked"), "{errors}");
}

/// Neither a reader of requests nor one of what is said about them is needed for it to end as it should.
#[test]
fn all_readers_may_go() {
    let Some(_alone) = scenario() else { return };
    let mut weir = Command::new(binary());
    weir.args(["requests", "--json", "--port", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut weir = Process::start(&mut weir).unwrap();
    let mut said = String::new();
    BufReader::new(weir.child().stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.starts_with("ready"), "{said}");
    drop(weir.child().stdout.take());
    weir.signal(libc::SIGINT);
    let status = weir.wait(Duration::from_secs(5)).unwrap();
    assert!(status.success(), "{status}");

    let mut shell = Command::new("sh");
    let line = format!("{} doctor | true", binary().display());
    shell.args(["-c", &line]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (_, errors) = Process::start(&mut shell).unwrap().output().unwrap();
    assert_eq!(String::from_utf8_lossy(&errors), "");
}

/// Programs, maps and rings are files. A low soft limit does no harm; a low hard one is named, not what fails for it.
#[test]
fn too_few_files() {
    let Some(_alone) = scenario() else { return };
    let run = |limits: &str| {
        let line = format!("{limits} && exec {} requests --duration 100ms", binary().display());
        Command::new("bash").args(["-c", &line]).stdin(Stdio::null()).output().unwrap()
    };
    let output = run("ulimit -S -n 20");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = run("ulimit -n 20");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.starts_with("weir: this process may open only 20 files"),
        "{said}"
    );
    assert!(said.contains("ulimit -n") && said.lines().count() == 1, "{said}");
}

/// Ids of all programs that the kernel has loaded.
fn programs() -> BTreeSet<u64> {
    let listed = Command::new("bpftool").args(["--json", "prog", "list"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    json.as_array().unwrap().iter().filter_map(|program| program["id"].as_u64()).collect()
}

/// Those that are still loaded after a while; the kernel frees them with a delay.
fn still_loaded(ours: &BTreeSet<u64>) -> BTreeSet<u64> {
    let began = Instant::now();
    loop {
        let left: BTreeSet<u64> = programs().intersection(ours).copied().collect();
        if left.is_empty() || began.elapsed() > Duration::from_secs(3) {
            return left;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ids of the programs that a process holds.
fn programs_of(pid: u32) -> BTreeSet<u64> {
    let entries = fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten().flatten();
    let texts = entries.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    let lines: Vec<String> =
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let ids = lines.iter().filter_map(|line| line.strip_prefix("prog_id:")?.trim().parse().ok());
    ids.collect()
}

#[test]
fn nothing_is_left_behind() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    for kill in [false, true] {
        let weir = Weir::on_port(nginx.port()).unwrap();
        let ours = programs_of(weir.pid());
        assert!(ours.len() > 2, "{ours:?}");
        ask(&nginx, &["/ok"; 100]);
        if kill {
            weir.kill();
        } else {
            let run = weir.stop().unwrap();
            assert!(run.took < Duration::from_secs(1), "Ctrl-C took {:?}", run.took);
            assert!(run.status.success());
        }
        assert_eq!(still_loaded(&ours), BTreeSet::new(), "killed: {kill}");
    }
}

/// While requests come as fast as they can, and while nobody takes the output.
#[test]
fn ctrl_c_ends_it_under_load() {
    let Some(_alone) = scenario() else { return };
    let nginx = Nginx::start(NginxOptions::default()).unwrap();
    for keep in [Keep::Nothing, Keep::Stuck] {
        let mut weir = Command::new(binary());
        let weir = Weir::start(weir.args(["requests", "--json"]), keep).unwrap();
        let mut load = Command::new("wrk");
        load.args(["-t1", "-c20", "-d5s", &format!("http://{}/ok", nginx.address())]).stdout(Stdio::null());
        let load = Process::start(&mut load).unwrap();
        std::thread::sleep(Duration::from_millis(1500));
        let run = weir.stop().unwrap_or_else(|error| panic!("{keep:?}: {error}"));
        drop(load);
        assert!(run.took < Duration::from_secs(1), "{keep:?}: took {:?}", run.took);
        assert!(run.status.success(), "{keep:?}: {}", run.status);
        assert!(run.shown() > 100, "{keep:?}: {}", run.summary);
    }
}
