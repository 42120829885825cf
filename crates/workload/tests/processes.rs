//! The table over a made-up `/proc`.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

use std::fs;
use std::path::Path;
use std::sync::Arc;

use model::ConnectionId;
use model::event::{Exec, Exit, Owner};
use tempfile::TempDir;
use workload::{Config, Docker, Facts, Limits, NoNames, Processes, Rule, Source};

const SECOND: u64 = 1_000_000_000;

struct Proc(TempDir);

impl Proc {
    fn new() -> Self {
        Proc(tempfile::tempdir().unwrap())
    }

    fn process(&self, pid: u32, line: &[&str], cgroup: &str) {
        let root = self.0.path().join(pid.to_string());
        let _ = fs::remove_dir_all(&root);
        fs::create_dir(&root).unwrap();
        let name = line[0].rsplit('/').next().unwrap();
        fs::write(root.join("comm"), format!("{name}\n")).unwrap();
        fs::write(root.join("cmdline"), line.join("\0") + "\0").unwrap();
        fs::write(root.join("cgroup"), format!("2:cpu:/\n0::{cgroup}\n")).unwrap();
        fs::write(root.join("environ"), "PASSWORD=secret\0OTEL_SERVICE_NAMES=x\0").unwrap();
        std::os::unix::fs::symlink(line[0], root.join("exe")).unwrap();
        std::os::unix::fs::symlink("/", root.join("cwd")).unwrap();
    }

    fn zombie(&self, pid: u32, command: &str) {
        let root = self.0.path().join(pid.to_string());
        let _ = fs::remove_dir_all(&root);
        fs::create_dir(&root).unwrap();
        fs::write(root.join("comm"), format!("{command}\n")).unwrap();
        fs::write(root.join("cmdline"), "").unwrap();
    }

    fn gone(&self, pid: u32) {
        fs::remove_dir_all(self.0.path().join(pid.to_string())).unwrap();
    }

    fn table(&self, limits: Limits) -> Processes {
        Processes::new(Source::Proc(self.0.path().into()), Config::default(), Box::new(NoNames), limits)
    }
}

fn recorded() -> Processes {
    Processes::new(Source::Recorded, Config::default(), Box::new(NoNames), Limits::default())
}

fn exec(time: u64, pid: u32, line: &[&str]) -> Exec {
    let command = line[0].rsplit('/').next().unwrap();
    let arguments = line.iter().map(|argument| (*argument).into()).collect();
    Exec { time, pid, cgroup: 7, command: command.into(), file: line[0].into(), arguments }
}

fn owner(pid: u32, command: &str) -> Owner {
    Owner { connection: ConnectionId(1), pid, cgroup: 7, command: command.into() }
}

fn service(processes: &Processes, pid: u32) -> Option<(&str, Rule)> {
    processes.get(pid).map(|process| (&*process.service, process.rule))
}

#[test]
fn a_process_is_read_when_it_is_met() {
    let proc = Proc::new();
    proc.process(1, &["/usr/sbin/nginx", "-g", "secret"], "/system.slice/nginx.service");
    proc.process(2, &["/usr/sbin/nginx"], "/system.slice/nginx.service");
    let mut table = proc.table(Limits::default());
    let facts = table.owner(&owner(1, "nginx")).unwrap();
    assert_eq!(facts.arguments, ["/usr/sbin/nginx"]);
    assert_eq!(facts.cgroup, 7);
    assert_eq!(table.owner(&owner(1, "nginx")), None);
    assert!(table.seen(2).is_some());
    assert_eq!(service(&table, 1), Some(("nginx", Rule::Unit)));
    assert!(Arc::ptr_eq(&table.get(1).unwrap().service, &table.get(2).unwrap().service));
    assert_eq!(table.seen(3), None);
    assert_eq!(table.get(3), None);
}

#[test]
fn a_new_program_is_a_new_process() {
    let proc = Proc::new();
    proc.process(1, &["/bin/bash"], "/");
    let mut table = proc.table(Limits::default());
    table.seen(1);
    assert_eq!(service(&table, 1), Some(("bash", Rule::Executable)));
    proc.process(1, &["/usr/bin/python3", "/srv/worker.py"], "/");
    table.exec(&exec(SECOND, 1, &["/usr/bin/python3", "/srv/worker.py"]));
    assert_eq!(service(&table, 1), Some(("worker", Rule::Program)));
    table.owner(&owner(1, "python3"));
    // The event of an exec was lost, but the command has changed.
    proc.process(1, &["/usr/bin/curl"], "/");
    table.owner(&owner(1, "python3"));
    assert_eq!(service(&table, 1), Some(("worker", Rule::Program)));
    table.owner(&owner(1, "curl"));
    assert_eq!(service(&table, 1), Some(("curl", Rule::Executable)));
}

#[test]
fn a_new_program_is_read_when_it_does_io() {
    let proc = Proc::new();
    let line = ["/usr/bin/python3", "/srv/worker.py"];
    proc.process(1, &line, "/system.slice/batch.service");
    let mut table = proc.table(Limits::default());
    table.exec(&exec(1, 1, &line));
    assert_eq!(service(&table, 1), Some(("worker", Rule::Program)));
    assert!(table.owner(&owner(1, "python3")).is_some());
    assert_eq!(service(&table, 1), Some(("batch", Rule::Unit)));
    assert_eq!(table.owner(&owner(1, "python3")), None);
    assert_eq!(table.seen(1), None);
}

#[test]
fn what_is_gone_is_told_by_its_events() {
    let proc = Proc::new();
    proc.process(1, &["/opt/agent"], "/system.slice/batch.service");
    let mut table = proc.table(Limits::default());
    table.exec(&exec(1, 9, &["/usr/bin/python3", "job.py", "secret"]));
    let facts = table.owner(&owner(9, "python3")).unwrap();
    assert_eq!(facts.arguments, ["/usr/bin/python3", "job.py"]);
    assert_eq!(service(&table, 9), Some(("job", Rule::Program)));
    assert!(table.owner(&owner(10, "curl")).is_some());
    assert_eq!(service(&table, 10), Some(("curl", Rule::Command)));
    // A process that lives has told what the cgroup is.
    table.owner(&owner(1, "agent"));
    table.exec(&exec(2, 11, &["/usr/bin/curl"]));
    assert_eq!(service(&table, 11), Some(("batch", Rule::Unit)));
    let facts = table.owner(&owner(11, "curl")).unwrap();
    let mut played = recorded();
    played.facts(facts);
    assert_eq!(played.get(11), table.get(11));
}

#[test]
fn a_zombie_still_tells_its_cgroup() {
    let proc = Proc::new();
    proc.zombie(1, "curl");
    std::fs::write(proc.0.path().join("1/cgroup"), "0::/system.slice/batch.service\n").unwrap();
    let mut table = proc.table(Limits::default());
    table.exec(&exec(1, 1, &["/usr/bin/curl"]));
    table.exit(&Exit { time: 2, pid: 1 });
    let facts = table.owner(&owner(1, "curl")).unwrap();
    assert_eq!(facts.executable.as_deref(), Some("/usr/bin/curl"));
    assert_eq!(service(&table, 1), Some(("batch", Rule::Unit)));
    table.evict(60 * SECOND);
    assert!(table.is_empty());
}

#[test]
fn the_ended_stay_for_late_records() {
    let proc = Proc::new();
    proc.process(1, &["/opt/thing"], "/");
    let mut table = proc.table(Limits { linger: 5 * SECOND, ..Limits::default() });
    table.seen(1);
    proc.zombie(1, "thing");
    table.exit(&Exit { time: 10 * SECOND, pid: 1 });
    // Late, and under the name that a thread gave it: the zombie tells less than is known.
    table.owner(&owner(1, "thing"));
    assert_eq!(service(&table, 1), Some(("thing", Rule::Executable)));
    table.evict(14 * SECOND);
    assert!(table.get(1).is_some());
    table.evict(15 * SECOND);
    assert!(table.is_empty());
}

#[test]
fn a_pid_is_used_again() {
    let proc = Proc::new();
    proc.process(1, &["/opt/first"], "/");
    let mut table = proc.table(Limits::default());
    table.seen(1);
    table.exit(&Exit { time: SECOND, pid: 1 });
    proc.process(1, &["/opt/second"], "/");
    table.exec(&exec(2 * SECOND, 1, &["/opt/second"]));
    table.evict(60 * SECOND);
    assert_eq!(service(&table, 1), Some(("second", Rule::Executable)));
    // Forked without an exec: only its I/O tells.
    table.exit(&Exit { time: 61 * SECOND, pid: 1 });
    proc.process(1, &["/opt/third"], "/");
    table.owner(&owner(1, "third"));
    table.evict(90 * SECOND);
    assert_eq!(service(&table, 1), Some(("third", Rule::Executable)));
}

#[test]
fn the_table_is_bounded() {
    let mut table = Processes::new(
        Source::Recorded,
        Config::default(),
        Box::new(NoNames),
        Limits { processes: 100, linger: SECOND },
    );
    for pid in 1..=100 {
        table.exec(&exec(0, pid, &["/opt/thing"]));
    }
    table.exit(&Exit { time: 0, pid: 50 });
    table.exec(&exec(0, 101, &["/opt/thing"]));
    assert_eq!((table.len(), table.displaced(), table.get(50)), (100, 0, None));
    table.exec(&exec(0, 102, &["/opt/thing"]));
    assert_eq!((table.len(), table.displaced(), table.get(1)), (100, 1, None));
    for pid in 0..100_000 {
        table.exec(&exec(0, pid, &[&format!("/opt/{pid}")]));
    }
    assert_eq!(table.len(), 100);
}

#[test]
fn a_recording_plays_without_proc() {
    let mut table = recorded();
    let own = std::process::id();
    assert_eq!(table.seen(own), None);
    assert_eq!(table.get(own), None);
    table.exec(&exec(0, 1, &["/opt/thing"]));
    let facts: Facts = serde_json::from_str(
        &serde_json::to_string(&Facts {
            pid: 1,
            command: "thing".into(),
            cgroups: vec!["/system.slice/shop.service".into()],
            ..Facts::default()
        })
        .unwrap(),
    )
    .unwrap();
    table.facts(facts);
    assert_eq!(service(&table, 1), Some(("shop", Rule::Unit)));
}

#[test]
fn odd_bytes_are_read() {
    let proc = Proc::new();
    proc.process(1, &["/opt/thing"], "/");
    let root = proc.0.path().join("1");
    fs::write(root.join("comm"), b"\xff\xfe\n").unwrap();
    fs::write(root.join("cmdline"), [b'x'; 200_000]).unwrap();
    fs::write(root.join("environ"), b"\0\0OTEL_SERVICE_NAME=\xffshop\0OTEL_RESOURCE_ATTRIBUTES").unwrap();
    fs::write(root.join("cgroup"), b"\n:\n1:\n0::/a:b\xff\n1:x:/gone (deleted)\n\0").unwrap();
    let facts = Facts::read(proc.0.path(), 1).unwrap();
    assert_eq!(facts.command, "\u{fffd}\u{fffd}");
    assert_eq!(facts.environment.service_name.as_deref(), Some("\u{fffd}shop"));
    assert_eq!(facts.cgroups, ["/a:b\u{fffd}", "/gone"]);
    assert_eq!(facts.arguments[0].len(), 512);
    proc.gone(1);
    assert!(Facts::read(proc.0.path(), 1).is_err());
    assert!(Facts::read(Path::new("/proc"), std::process::id()).unwrap().executable.is_some());
}

#[test]
fn nothing_but_what_names_is_kept() {
    let proc = Proc::new();
    let line = ["/usr/bin/java", "-Dpassword=secret", "-jar", "/opt/shop.jar", "--token", "secret"];
    proc.process(1, &line, "/");
    let facts = Facts::read(proc.0.path(), 1).unwrap();
    assert_eq!(facts.arguments, ["/usr/bin/java", "-Dpassword=", "-jar", "/opt/shop.jar"]);
    assert!(!format!("{facts:?}").contains("secret"));
    let line = ["/usr/bin/python3", "/usr/bin/gunicorn", "-w", "4", "shop:app", "secret"];
    proc.process(1, &line, "/");
    assert_eq!(Facts::read(proc.0.path(), 1).unwrap().arguments, line[..5]);
}

#[test]
fn docker_names_its_containers() {
    let root = tempfile::tempdir().unwrap();
    let id = |digit: char| digit.to_string().repeat(64);
    let container = |digit, json: &str| {
        let place = root.path().join("containers").join(id(digit));
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("config.v2.json"), json).unwrap();
    };
    container('a', r#"{"Name":"/shop_web_1","Config":{"Labels":{"com.docker.compose.service":"web"}}}"#);
    container('b', r#"{"Name":"/hungry_bell","Config":{"Labels":null}}"#);
    container('c', "not JSON");
    let proc = Proc::new();
    let mut table = Processes::new(
        Source::Proc(proc.0.path().into()),
        Config::default(),
        Box::new(Docker::new(root.path())),
        Limits::default(),
    );
    for (pid, digit, expected) in
        [(1, 'a', "web"), (2, 'b', "hungry_bell"), (3, 'c', "cccccccccccc"), (4, 'd', "dddddddddddd")]
    {
        proc.process(pid, &["/opt/thing"], &format!("/docker/{}", id(digit)));
        table.seen(pid);
        assert_eq!(service(&table, pid), Some((expected, Rule::Container)));
        assert_eq!(table.get(pid).unwrap().container.as_deref(), Some(&*id(digit)));
    }
}
