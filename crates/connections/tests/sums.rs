//! Sums of connections: who was at both ends of them, and that nothing counts twice.

#![allow(clippy::unwrap_used)] // helpers are tests too

use std::net::IpAddr;

use connections::{Connections, Limits};
use model::event::{Event, Exit, Owner};
use model::sums::{Summed, Sums, Totals};
use model::tcp::{Cause, Counters, Listener, Moment, State, Tcp};
use model::{ConnectionId, Endpoint, Role};
use workload::{Config, NoNames, Processes, Source};

struct Bench {
    connections: Connections,
    processes: Processes,
}

impl Bench {
    fn new() -> Self {
        let mut connections = Connections::new(Limits::default());
        connections.expect_sums();
        let limits = workload::Limits::default();
        Bench {
            connections,
            processes: Processes::new(Source::Recorded, Config::default(), Box::new(NoNames), limits),
        }
    }

    fn process(&mut self, pid: u32, command: &str) {
        let connection = ConnectionId(0);
        self.processes.owner(&Owner { connection, pid, cgroup: 1, command: command.into() });
    }

    fn listens(&mut self, netns: u32, at: &str, pid: u32) {
        let local = Endpoint::Ip(at.parse().unwrap());
        let connection = ConnectionId(u64::from(pid) << 8 | u64::from(netns));
        let moment = Moment::Opened;
        let (time, inode, backlog, limit, drops) = (50, 1, 0, 128, 0);
        let listener = Listener { connection, time, moment, local, netns, inode, pid, backlog, limit, drops };
        self.connections.event(&Event::Listener(listener), &self.processes);
    }

    fn tell(&mut self, tcp: Tcp) {
        self.connections.event(&Event::Tcp(tcp), &self.processes);
    }

    /// What was told: moments, ages and bytes that were added.
    fn told(&mut self) -> Vec<(Moment, Option<u64>, u64)> {
        let batch = self.connections.take_batch(Vec::new());
        batch.iter().map(|told| (told.moment, told.age, told.growth.sent)).collect()
    }

    /// Takes the sums of one reading; returns who was connected to whom and how often, in order.
    fn read(&mut self, sums: &[Sums]) -> Vec<String> {
        self.connections.sums(sums.to_vec(), &mut self.processes);
        let name = |peer: &model::request::Peer| {
            peer.service.as_deref().map_or_else(|| peer.endpoint.to_string(), str::to_owned)
        };
        let line = |s: &Summed| {
            let port = s.server.endpoint.port().unwrap();
            format!(
                "{} {} > {} :{port} {}",
                s.role.as_str(),
                name(&s.client),
                name(&s.server),
                s.totals.number
            )
        };
        self.connections.take_summed().iter().map(line).collect()
    }
}

const CLOSED: Moment = Moment::Closed(Cause::LocalFin);

/// Sums of a process's connections: in a network namespace, from an address to another one, where a port is connected to.
fn sums(role: Role, netns: u32, pid: u32, ends: [&str; 2], port: u16) -> Sums {
    let [local, remote] = ends.map(|end| end.parse::<IpAddr>().unwrap());
    let totals = Box::new(Totals { number: 5, ..Totals::default() });
    Sums { netns, pid, client_pid: 0, role, local, remote, port, moment: CLOSED, totals }
}

fn from_client(sums: Sums, client_pid: u32) -> Sums {
    Sums { client_pid, ..sums }
}

#[test]
fn both_ends_have_names() {
    let mut bench = Bench::new();
    for (pid, command) in [(7, "shop"), (8, "nginx"), (9, "master")] {
        bench.process(pid, command);
    }
    bench.listens(1, "0.0.0.0:80", 9);
    let here = ["127.0.0.1", "127.0.0.1"];
    let far = ["10.0.0.1", "10.0.0.9"];
    let server = sums(Role::Server, 1, 8, here, 80);
    let told = bench.read(&[
        sums(Role::Client, 1, 7, here, 80),
        from_client(server.clone(), 7),
        // Whose process is not known is who listens; a client that is not of this host goes by its address.
        Sums { pid: 0, ..server.clone() },
        sums(Role::Server, 1, 8, far, 80),
        // Another process was not seen at a server's end.
        sums(Role::Client, 1, 6, here, 80),
        // Another network namespace has another loopback.
        sums(Role::Client, 2, 7, here, 80),
    ]);
    let expected = [
        "client shop > nginx :80 5",
        "server shop > nginx :80 5",
        "server 127.0.0.1:0 > master :80 5",
        "server 10.0.0.9:0 > nginx :80 5",
        "client 127.0.0.1:0 > master :80 5",
    ];
    assert_eq!(told, expected);
    assert_eq!(bench.read(&[]), ["client shop > 127.0.0.1:80 :80 5"]);
    let totals = bench.connections.totals();
    assert_eq!((totals.opened, totals.all_closed(), totals.summed), (30, 30, 30));
}

#[test]
fn a_server_in_another_namespace_is_known_by_its_own_end() {
    let mut bench = Bench::new();
    bench.process(7, "shop");
    bench.process(8, "nginx");
    let client = sums(Role::Client, 1, 7, ["10.0.0.1", "10.0.0.9"], 80);
    let server = from_client(sums(Role::Server, 2, 8, ["10.0.0.9", "10.0.0.1"], 80), 7);
    // The server's end may be told a reading later: so long a client's is waited with, and no longer.
    assert_eq!(bench.read(std::slice::from_ref(&client)), [""; 0]);
    let told = bench.read(&[server]);
    assert_eq!(told, ["client shop > nginx :80 5", "server shop > nginx :80 5"]);
    assert_eq!(bench.read(std::slice::from_ref(&client)), ["client shop > nginx :80 5"]);
    // Whoever else connects to that address may mean another host.
    bench.process(6, "other");
    let other = Sums { pid: 6, ..client.clone() };
    assert_eq!(bench.read(&[other]), [""; 0]);
    assert_eq!(bench.read(&[]), ["client other > 10.0.0.9:80 :80 5"]);
    for _ in 0..60 {
        bench.read(&[]);
    }
    bench.read(&[client]);
    assert_eq!(bench.read(&[]), ["client shop > 10.0.0.9:80 :80 5"], "not for ever");
}

#[test]
fn a_process_that_has_ended_keeps_its_name_until_its_sums_are_read() {
    let mut bench = Bench::new();
    bench.process(7, "curl");
    bench.processes.exit(&Exit { pid: 7, time: 1_000_000_000 });
    bench.processes.evict(3_500_000_000);
    let ends = ["127.0.0.1", "127.0.0.1"];
    bench.process(8, "python3");
    // It does not listen any more either.
    let told =
        bench.read(&[sums(Role::Client, 1, 7, ends, 80), from_client(sums(Role::Server, 1, 8, ends, 80), 7)]);
    assert_eq!(told, ["client curl > python3 :80 5", "server curl > python3 :80 5"]);
}

fn tcp(moment: Moment, time: u64, began: Option<u64>, sent: u64) -> Tcp {
    Tcp {
        connection: ConnectionId(1),
        time,
        moment,
        state: State::Established,
        role: Role::Client,
        local: Endpoint::Ip("10.0.0.1:40000".parse().unwrap()),
        remote: Endpoint::Ip("10.0.0.9:80".parse().unwrap()),
        netns: 1,
        inode: 1,
        pid: 7,
        began,
        connect: Some(10),
        counters: Counters { sent, ..Counters::default() },
    }
}

#[test]
fn an_opening_is_counted_when_a_connection_is_first_told() {
    let mut bench = Bench::new();
    bench.tell(tcp(Moment::GoesOn, 500, Some(100), 40));
    assert_eq!(bench.told(), [(Moment::Opened, Some(400), 40), (Moment::GoesOn, Some(400), 0)]);
    bench.tell(tcp(Moment::GoesOn, 600, None, 50));
    bench.tell(tcp(CLOSED, 700, None, 60));
    // When it began was told once.
    assert_eq!(bench.told(), [(Moment::GoesOn, Some(500), 10), (CLOSED, Some(600), 10)]);
    assert_eq!(bench.connections.totals().opened, 1);
    assert!(bench.connections.is_empty());

    // There was no room for a sum.
    bench.tell(tcp(CLOSED, 900, Some(800), 60));
    assert_eq!(bench.told(), [(Moment::Opened, Some(100), 60), (CLOSED, Some(100), 0)]);
    bench.tell(tcp(Moment::Failed(Cause::Refused), 950, Some(940), 0));
    assert_eq!(bench.told(), [(Moment::Failed(Cause::Refused), Some(10), 0)]);
    let totals = bench.connections.totals();
    assert_eq!((totals.opened, totals.all_closed(), totals.all_failed(), totals.summed), (2, 2, 1, 0));

    // It was told before, and gave way to others.
    bench.tell(tcp(Moment::GoesOn, 1000, None, 70));
    assert_eq!(bench.told(), [(Moment::GoesOn, None, 0)]);
    assert_eq!(bench.connections.totals().opened, 2);
}
