//! Sums of connections, against what was done with them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use capture_tests::observer::{Observer, start_all, turn, with_shared};
use capture_tests::sockets::{Family, Pair};
use model::sums::Sums;
use model::tcp::{Cause, Moment, Tcp};
use model::{Endpoint, Role};
use probes::Config;

use crate::connections::own_netns;
use crate::talk::say;

fn config(bytes: bool, sums: u32) -> Config {
    Config { facts: true, sums, bytes, datagrams: false, ..Observer::config(None) }
}

/// Sums alone, and beside the bytes in every way that they can be seen.
fn with_sums(test: impl Fn(&str, &mut Observer)) {
    let start = || {
        let mut observers = start_all(&config(true, 512));
        observers.insert("sums alone".into(), Observer::start(&config(false, 512)).unwrap());
        observers
    };
    with_shared("sums", start, |how, observer| {
        // What ended before is not this test's.
        observer.capture_mut().read_last_sums(drop);
        test(how, observer);
    });
}

/// All that was summed up of connections to this port, or of a server there.
fn sums(observer: &mut Observer, port: u16) -> Vec<Sums> {
    let mut found = Vec::new();
    observer.capture_mut().read_last_sums(|sums| found.extend((sums.port == port).then_some(sums)));
    found
}

fn number<'a>(sums: impl IntoIterator<Item = &'a Sums>) -> u64 {
    sums.into_iter().map(|sums| sums.totals.number).sum()
}

/// So many connections, of which each end sends so much; the client ends first.
fn converse(address: SocketAddr, listener: &TcpListener, times: usize, bytes: [usize; 2]) {
    for _ in 0..times {
        let mut client = TcpStream::connect(address).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(&vec![1; bytes[0]]).unwrap();
        server.read_exact(&mut vec![0; bytes[0]]).unwrap();
        server.write_all(&vec![2; bytes[1]]).unwrap();
        client.read_exact(&mut vec![0; bytes[1]]).unwrap();
        drop(client);
        assert_eq!(server.read(&mut [0]).unwrap(), 0);
    }
}

/// Waits until so many connections to a port were summed up, of both ends.
fn wait_for(observer: &mut Observer, port: u16, wanted: u64) -> Vec<Sums> {
    let mut found = Vec::new();
    observer.wait_until(|_| true);
    for _ in 0..3000 {
        found.extend(sums(observer, port));
        if number(&found) >= wanted {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    found
}

#[test]
fn what_short_connections_came_to() {
    const TIMES: u64 = 50;
    with_sums(|how, observer| {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(address).unwrap();
            let address = listener.local_addr().unwrap();
            observer.take();
            let began = std::time::Instant::now();
            converse(address, &listener, TIMES as usize, [700, 5000]);
            let longest = began.elapsed().as_micros() as u64;
            let found = wait_for(observer, address.port(), 2 * TIMES);
            let case = format!("{how}, {address}");
            for (role, cause, bytes) in
                [(Role::Client, Cause::LocalFin, (700, 5000)), (Role::Server, Cause::RemoteFin, (5000, 700))]
            {
                let own: Vec<&Sums> = found.iter().filter(|sums| sums.role == role).collect();
                let sum = |of: fn(&Sums) -> u64| own.iter().map(|sums| of(sums)).sum::<u64>();
                assert_eq!(number(own.iter().copied()), TIMES, "{case} {role:?}");
                assert_eq!(sum(|s| s.totals.sent), TIMES * bytes.0, "{case} {role:?}");
                assert_eq!(sum(|s| s.totals.received), TIMES * bytes.1, "{case} {role:?}");
                assert_eq!(sum(|s| s.totals.retransmits) + sum(|s| s.totals.left_out), 0, "{case} {role:?}");
                // A handshake, data, acknowledgements, two FINs.
                assert!(sum(|s| s.totals.segments_out) >= 3 * TIMES, "{case} {role:?}");
                assert!(sum(|s| s.totals.segments_in) >= 3 * TIMES, "{case} {role:?}");
                let connects = if role == Role::Client { TIMES } else { 0 };
                assert_eq!(sum(|s| s.totals.connect.count), connects, "{case} {role:?}");
                assert_eq!(sum(|s| s.totals.rtt.count), TIMES, "{case} {role:?}");
                assert_eq!(sum(|s| s.totals.lifetime.count), TIMES, "{case} {role:?}");
                assert!(sum(|s| s.totals.lifetime.sum) <= longest, "{case} {role:?}");
                for sums in &own {
                    assert_eq!((sums.moment, sums.netns), (Moment::Closed(cause), own_netns()), "{case}");
                    assert_eq!((sums.local, sums.remote), (address.ip(), address.ip()), "{case}");
                    let pid = std::process::id();
                    let client = if role == Role::Server { pid } else { 0 };
                    assert_eq!((sums.pid, sums.client_pid), (pid, client), "{case} {role:?}");
                    for spread in [&sums.totals.connect, &sums.totals.rtt, &sums.totals.lifetime] {
                        let filled: u64 = spread.filled().map(|(_, count)| u64::from(count)).sum();
                        assert_eq!(filled, spread.count, "{case} {role:?}");
                        let mean = spread.sum.checked_div(spread.count);
                        assert!(mean.is_none_or(|mean| (spread.least..=spread.most).contains(&mean)));
                        // No value is beyond the bounds of the buckets that it is in.
                        let last = spread.filled().last().map_or(0, |(bound, _)| u64::from(bound));
                        assert!(last >= spread.most && spread.squares >= spread.most * spread.most, "{case}");
                    }
                }
            }
            observer.take();
            let told: Vec<&Tcp> = observer.all().flat_map(|told| &told.facts).collect();
            let told = told.iter().filter(|tcp| tcp.remote == Endpoint::Ip(address));
            assert_eq!(told.count(), 0, "{case}: nothing else is to be told of them");
            assert_eq!(observer.capture().losses().unsummed, 0, "{case}");
            if how == "sums alone" {
                // Who it is is told about once a second, not of each connection.
                let owners = observer.all().flat_map(|told| &told.owners);
                let own = owners.filter(|owner| owner.pid == std::process::id()).count() as u128;
                assert!(own <= 2 + began.elapsed().as_millis() / 1000, "{case}: {own}");
            }
            observer.forget();
        }
    });
}

#[test]
fn what_a_look_has_found_is_told_by_itself() {
    with_sums(|how, observer| {
        for family in [Family::V4, Family::V6] {
            let pair = Pair::new(family).unwrap();
            say(&pair.client, &pair.server, &[1; 500]);
            let Endpoint::Ip(server) = pair.server_end else { panic!("no address") };
            let ends = (pair.client_end.clone(), pair.server_end.clone());
            for _ in 0..2 {
                assert_eq!(observer.survey(|netns| netns == own_netns()), [own_netns()]);
            }
            drop(pair);
            let facts =
                |o: &Observer| [o.with_facts(&ends.0, &ends.1).facts, o.with_facts(&ends.1, &ends.0).facts];
            let ended = |facts: &Vec<Tcp>| facts.iter().any(|tcp| matches!(tcp.moment, Moment::Closed(_)));
            assert!(observer.wait_until(|o| facts(o).iter().all(ended)), "{how}: {:?}", facts(observer));
            for told in facts(observer) {
                let began: Vec<bool> = told.iter().map(|tcp| tcp.began.is_some()).collect();
                assert_eq!(began, [true, false, false], "{how}, that it began is told once: {told:?}");
            }
            assert_eq!(sums(observer, server.port()), [], "{how}");
            observer.forget();
        }
    });
}

#[test]
fn connects_that_are_refused() {
    with_sums(|how, observer| {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for _ in 0..5 {
            TcpStream::connect(nobody).unwrap_err();
        }
        let found = wait_for(observer, nobody.port(), 5);
        assert_eq!(number(&found), 5, "{how}: {found:?}");
        for sums in &found {
            assert_eq!((sums.moment, sums.role), (Moment::Failed(Cause::Refused), Role::Client), "{how}");
            let totals = &sums.totals;
            assert_eq!((totals.segments_out, totals.connect.count), (totals.number, 0), "{how}: {totals:?}");
            assert_eq!((totals.lifetime.count, totals.rtt.count), (0, 0), "{how}: {totals:?}");
        }
    });
}

#[test]
fn sums_are_read_by_themselves_when_their_epoch_is_over() {
    with_sums(|how, observer| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut found = Vec::new();
        for _ in 0..30 {
            converse(address, &listener, 4, [10, 10]);
            observer
                .capture_mut()
                .read_sums(|sums| found.extend((sums.port == address.port()).then_some(sums)));
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let early = number(&found);
        assert!(early > 0, "{how}: nothing in three seconds");
        let done = observer.wait_until(|_| true);
        assert!(done);
        found.extend(sums(observer, address.port()));
        assert_eq!(number(&found), 240, "{how}: {early} of them early");
    });
}

#[test]
fn what_finds_no_room_is_told() {
    let Some(_turn) = turn() else { return };
    let mut observer = Observer::start(&config(false, 2)).unwrap();
    let before = observer.capture().losses().unsummed;
    let listeners: Vec<TcpListener> = (0..6).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
    for listener in &listeners {
        converse(listener.local_addr().unwrap(), listener, 3, [1, 1]);
    }
    let is_ours = |end: &Endpoint| end.port().is_some_and(|port| ports.contains(&port));
    let told = |o: &Observer| {
        let facts = o.all().flat_map(|told| told.facts.clone());
        facts.filter(|tcp| is_ours(&tcp.local) || is_ours(&tcp.remote)).collect::<Vec<_>>()
    };
    let mut summed = 0;
    let mut ours = 0;
    assert!(
        observer.wait_until(|o| {
            let (told, unsummed) = (told(o).len() as u64, o.capture().losses().unsummed - before);
            told > 0 && told >= unsummed.min(36)
        }),
        "nothing was told"
    );
    observer.capture_mut().read_last_sums(|sums| {
        summed += 1;
        ours += if ports.contains(&sums.port) { sums.totals.number } else { 0 };
    });
    let told = told(&observer);
    assert!(summed <= 4, "{summed} sums, where there is room for 2 (in use) of each of two readings");
    assert_eq!(told.len() as u64 + ours, 36, "{told:?}");
    assert!(
        told.iter().all(|tcp| tcp.began.is_some() && matches!(tcp.moment, Moment::Closed(_))),
        "{told:?}"
    );
    assert!(observer.capture().losses().unsummed - before >= told.len() as u64);
}
