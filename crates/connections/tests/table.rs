//! The table of connections: events in, connections out.

#![allow(clippy::unwrap_used)] // helpers are tests too

use connections::{Connections, Limits};
use model::event::{Event, Owner};
use model::tcp::{Cause, Connection, Counters, Listener, Moment, State, Tcp};
use model::{ConnectionId, Endpoint, Role};
use workload::{Config, NoNames, Processes, Source};

struct Bench {
    connections: Connections,
    processes: Processes,
}

impl Bench {
    fn new(limit: usize) -> Self {
        Bench {
            connections: Connections::new(Limits { connections: limit }),
            processes: Processes::new(
                Source::Recorded,
                Config::default(),
                Box::new(NoNames),
                workload::Limits::default(),
            ),
        }
    }

    /// A process by its id and command, which is then its service's name.
    fn process(&mut self, pid: u32, command: &str) {
        let connection = ConnectionId(0);
        self.processes.owner(&Owner { connection, pid, cgroup: 1, command: command.into() });
    }

    fn tell(&mut self, tcp: &Tcp) {
        self.connections.event(&Event::Tcp(tcp.clone()), &self.processes);
    }

    fn batch(&mut self) -> Vec<Connection> {
        self.connections.take_batch(Vec::new())
    }
}

fn end(text: &str) -> Endpoint {
    Endpoint::Ip(text.parse().unwrap())
}

const SHOP: &str = "10.0.0.1:40000";
const STORE: &str = "10.0.0.1:6379";

fn tcp(id: u64, time: u64, role: Role, local: &str, remote: &str, pid: u32) -> Tcp {
    Tcp {
        connection: ConnectionId(id),
        time,
        moment: Moment::Opened,
        state: State::Established,
        role,
        local: end(local),
        remote: end(remote),
        netns: 1,
        inode: id as u32,
        pid,
        began: Some(100),
        connect: None,
        counters: Counters::default(),
    }
}

fn at(tcp: &Tcp, time: u64, moment: Moment, sent: u64) -> Tcp {
    Tcp { time, moment, counters: Counters { sent, ..Counters::default() }, ..tcp.clone() }
}

fn services(connection: &Connection) -> (Option<&str>, Option<&str>) {
    (connection.client.service.as_deref(), connection.server.service.as_deref())
}

fn listener(id: u64, at: &str, pid: u32) -> Listener {
    Listener {
        connection: ConnectionId(id),
        time: 50,
        moment: Moment::Opened,
        local: end(at),
        netns: 1,
        inode: id as u32,
        pid,
        backlog: 0,
        limit: 128,
        drops: 0,
    }
}

#[test]
fn both_ends_are_named_from_the_beginning_to_the_end() {
    let mut bench = Bench::new(100);
    bench.process(7, "shop");
    bench.process(8, "redis-server");
    bench.connections.event(&Event::Listener(listener(50, "0.0.0.0:6379", 8)), &bench.processes);
    let client = tcp(1, 200, Role::Client, SHOP, STORE, 7);
    let server = tcp(2, 210, Role::Server, STORE, SHOP, 0);
    bench.tell(&client);
    bench.tell(&server);
    let batch = bench.batch();
    assert_eq!(batch.len(), 2);
    for connection in &batch {
        // The server is who listens there, until somebody is seen to use it; and the client was told first.
        assert_eq!(services(connection), (Some("shop"), Some("redis-server")), "{connection:?}");
        assert_eq!(
            (connection.client.endpoint.to_string().as_str(), connection.age.unwrap() > 0),
            (SHOP, true)
        );
    }
    bench.tell(&at(&client, 300, Moment::GoesOn, 40));
    bench.tell(&at(&client, 400, Moment::Closed(Cause::LocalFin), 100));
    // Its peer is gone by then.
    bench.tell(&at(&server, 500, Moment::Closed(Cause::RemoteFin), 10));
    let batch = bench.batch();
    let told: Vec<_> = batch.iter().map(|c| (c.moment, c.growth.sent, c.age)).collect();
    let expected = [
        (Moment::GoesOn, 40, Some(200)),
        (Moment::Closed(Cause::LocalFin), 60, Some(300)),
        (Moment::Closed(Cause::RemoteFin), 10, Some(400)),
    ];
    assert_eq!(told, expected);
    assert!(batch.iter().all(|c| services(c) == (Some("shop"), Some("redis-server"))), "{batch:#?}");
    assert!(bench.connections.is_empty());
    let totals = bench.connections.totals();
    assert_eq!((totals.opened, totals.all_closed(), totals.all_failed()), (2, 2, 0));
}

#[test]
fn a_connection_whose_beginning_was_lost_is_told_whole() {
    let mut bench = Bench::new(100);
    bench.process(7, "shop");
    let client = tcp(1, 200, Role::Client, SHOP, STORE, 7);
    bench.tell(&at(&client, 400, Moment::Closed(Cause::TimedOut), 100));
    bench.tell(&Tcp { connection: ConnectionId(2), ..at(&client, 500, Moment::Failed(Cause::Refused), 0) });
    let batch = bench.batch();
    assert_eq!(batch.len(), 2);
    assert_eq!((batch[0].growth.sent, services(&batch[0])), (100, (Some("shop"), None)));
    assert_eq!((bench.connections.totals().all_closed(), bench.connections.totals().all_failed()), (1, 1));
    assert!(bench.connections.is_empty());
}

#[test]
fn what_a_survey_does_not_find_is_gone() {
    let mut bench = Bench::new(100);
    bench.tell(&tcp(1, 200, Role::Client, SHOP, STORE, 0));
    bench.tell(&Tcp { netns: 2, ..tcp(2, 200, Role::Client, "10.0.0.1:40001", STORE, 0) });
    bench.tell(&tcp(3, 200, Role::Client, "10.0.0.1:40002", STORE, 0));
    bench.tell(&at(&tcp(3, 200, Role::Client, "10.0.0.1:40002", STORE, 0), 310, Moment::GoesOn, 1));
    bench.batch();
    bench.connections.surveyed(300, &[1]);
    let gone: Vec<_> = bench.batch().iter().map(|c| (c.id.0, c.moment)).collect();
    assert_eq!(gone, [(1, Moment::Closed(Cause::Unseen))], "the second is in a namespace that was not asked");
    assert_eq!(bench.connections.len(), 2);
}

#[test]
fn roles_of_connections_that_were_open_before() {
    let mut bench = Bench::new(100);
    bench.connections.event(&Event::Listener(listener(50, "10.0.0.1:6379", 0)), &bench.processes);
    let before = |id, local: &str, remote: &str| Tcp {
        began: None,
        moment: Moment::GoesOn,
        counters: Counters { sent: 1000, ..Counters::default() },
        ..tcp(id, 200, Role::Unknown, local, remote, 0)
    };
    bench.tell(&before(1, STORE, "10.0.0.9:40000"));
    bench.tell(&before(2, SHOP, "192.0.2.1:443"));
    bench.tell(&before(3, "10.0.0.1:40007", "10.0.0.9:40008"));
    let batch = bench.batch();
    let roles: Vec<_> = batch.iter().map(|c| c.role).collect();
    assert_eq!(roles, [Role::Server, Role::Client, Role::Unknown]);
    assert!(
        batch.iter().all(|c| c.growth.sent == 0 && c.age.is_none()),
        "what they moved before is not counted"
    );
    assert_eq!(batch[0].client.endpoint, end("10.0.0.9:40000"));
}

#[test]
fn loopback_of_another_namespace_is_another_place() {
    let mut bench = Bench::new(100);
    bench.process(7, "shop");
    bench.process(8, "store");
    bench.tell(&tcp(1, 200, Role::Client, "127.0.0.1:40000", "127.0.0.1:80", 7));
    bench.tell(&Tcp { netns: 2, ..tcp(2, 200, Role::Server, "127.0.0.1:80", "127.0.0.1:40000", 8) });
    let batch = bench.batch();
    assert_eq!(services(&batch[0]), (Some("shop"), None));
    assert_eq!(services(&batch[1]), (None, Some("store")));
}

#[test]
fn the_table_is_bounded_and_says_so() {
    const LIMIT: usize = 1000;
    let mut bench = Bench::new(LIMIT);
    for id in 0..3000u64 {
        let local = format!("10.1.{}.{}:40000", id / 250, id % 250);
        bench.tell(&tcp(id, 200 + id, Role::Client, &local, STORE, 0));
        bench.batch();
    }
    assert_eq!(bench.connections.len(), LIMIT);
    assert_eq!(bench.connections.totals().forgotten, 2000);
    for id in 0..3000u64 {
        let local = format!("10.1.{}.{}:40000", id / 250, id % 250);
        let opened = tcp(id, 200 + id, Role::Client, &local, STORE, 0);
        bench.tell(&at(&opened, 5000, Moment::Closed(Cause::LocalFin), 1));
    }
    assert_eq!(bench.connections.totals().all_closed(), 3000, "the end of what was forgotten is told too");
    assert!(bench.connections.is_empty());
}

#[test]
fn a_hundred_thousand_connections_fit_into_60_megabytes() {
    let resident = || -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    let mut bench = Bench::new(100_000);
    let before = resident();
    for id in 0..100_000u64 {
        let local = format!("10.{}.{}.{}:40000", id / 40_000, id / 200 % 200, id % 200);
        bench.tell(&tcp(id, 200 + id, Role::Client, &local, STORE, 0));
        if id % 100 == 0 {
            bench.batch();
        }
    }
    bench.batch();
    assert_eq!(bench.connections.len(), 100_000);
    let taken = resident().saturating_sub(before);
    assert!(taken < 60_000_000, "{taken} bytes");
}

#[test]
fn processes_are_found_by_their_sockets() {
    let mut bench = Bench::new(100);
    bench.process(8, "redis-server");
    bench.connections.event(&Event::Listener(listener(50, "10.0.0.1:6379", 0)), &bench.processes);
    let server = Tcp { began: None, moment: Moment::GoesOn, ..tcp(2, 200, Role::Unknown, STORE, SHOP, 0) };
    bench.tell(&server);
    let mut unowned: Vec<u32> = bench.connections.unowned().into_iter().collect();
    unowned.sort_unstable();
    assert_eq!(unowned, [2, 50]);
    bench.connections.owned(&[(50, 8)].into(), &mut bench.processes);
    let open: Vec<_> = bench.connections.open().collect();
    assert_eq!(services(&open[0]), (None, Some("redis-server")));
    let listening: Vec<_> = bench.connections.listening().collect();
    assert_eq!(listening[0].server.service.as_deref(), Some("redis-server"));
}
