//! What the kernel counts of connections, against what its own interface (TCP_INFO) says and what was done.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

use capture_tests::observer::{Observer, Told, turn, with_shared};
use capture_tests::sockets::{Family, Pair};
use model::event::Instruction;
use model::tcp::{Cause, Moment, State, Tcp};
use model::{Endpoint, Role};
use probes::Config;

use crate::connections::own_netns;
use crate::talk::say;

const TCP: [Family; 3] = [Family::V4, Family::V6, Family::Mapped];

/// Facts alone, and beside the bytes.
fn with_facts(test: impl Fn(&str, &mut Observer)) {
    let start = |bytes| {
        let config = Config { facts: true, bytes, datagrams: false, ..Observer::config(None) };
        Observer::start(&config).unwrap()
    };
    let start =
        || [(ALONE, start(false)), (WITH_BYTES, start(true))].map(|(how, o)| (how.to_owned(), o)).into();
    with_shared("facts", start, test);
}

const ALONE: &str = "facts alone";
const WITH_BYTES: &str = "facts and bytes";

fn ends(pair: &Pair) -> (Endpoint, Endpoint) {
    (pair.client_end.clone(), pair.server_end.clone())
}

/// What was told of the two ends.
fn both(observer: &Observer, (client, server): &(Endpoint, Endpoint)) -> (Told, Told) {
    (observer.with_facts(client, server), observer.with_facts(server, client))
}

fn last(told: &Told) -> &Tcp {
    told.facts.last().expect("nothing was told")
}

/// As `ss -i` reads it: the first fields of `struct tcp_info`, whose place never changes.
struct Info([u8; 248]);

impl Info {
    fn of(socket: &OwnedFd) -> Info {
        let mut info = [0u8; 248];
        let mut length = info.len() as libc::socklen_t;
        // SAFETY: the option is written into a buffer of the length that is told.
        let got = unsafe {
            let to = info.as_mut_ptr().cast();
            libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, to, &mut length)
        };
        assert_eq!(got, 0);
        Info(info)
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_ne_bytes(self.0[at..at + 8].try_into().unwrap())
    }
}

#[test]
fn counters_are_those_of_the_kernels_own_interface() {
    with_facts(|how, observer| {
        for family in TCP {
            let pair = Pair::new(family).unwrap();
            say(&pair.client, &pair.server, &[1; 70_000]);
            say(&pair.server, &pair.client, &[2; 30_000]);
            let ends = ends(&pair);
            let told = observer.survey(|netns| netns == own_netns());
            assert_eq!(told, [own_netns()], "{how}");
            let (client, server) = both(observer, &ends);
            for (socket, told, sent, received) in
                [(&pair.client, &client, 70_000, 30_000), (&pair.server, &server, 30_000, 70_000)]
            {
                let (info, tcp) = (Info::of(socket), last(told));
                let case = format!("{how}, {family:?}: {tcp:?}");
                assert_eq!((tcp.moment, tcp.state), (Moment::GoesOn, State::Established), "{case}");
                let counters = &tcp.counters;
                assert_eq!((counters.sent, counters.received), (sent, received), "{case}");
                // Places in struct tcp_info (linux/tcp.h).
                assert_eq!(counters.acked, info.u64(120), "{case}");
                assert_eq!(counters.received, info.u64(128), "{case}");
                assert_eq!((counters.segments_out, counters.segments_in), (info.u32(136), info.u32(140)));
                assert_eq!(counters.rtt_min.unwrap_or(0) / 1000, u64::from(info.u32(148)), "{case}");
                assert_eq!(counters.data_segments_in, info.u32(152), "{case}");
                assert_eq!(counters.data_segments_out, info.u32(156), "{case}");
                assert_eq!(counters.rtt.unwrap_or(0) / 1000, u64::from(info.u32(68)), "{case}");
                assert_eq!(counters.rtt_variation / 1000, u64::from(info.u32(72)), "{case}");
                assert_eq!(counters.window, info.u32(80), "{case}");
                assert_eq!(counters.segment_size, info.u32(16), "{case}");
                assert_eq!(counters.retransmits, info.u32(100), "{case}");
                assert_eq!(counters.delivered, info.u32(192), "{case}");
            }
            observer.forget();
        }
    });
}

/// How a pair is ended, and what has to be told of client and server.
type Way = (&'static str, fn(OwnedFd, OwnedFd), [Cause; 2]);

const WAYS: [Way; 4] = [
    (
        "the client closes first",
        |client, server| {
            drop(client);
            drop(server);
        },
        [Cause::LocalFin, Cause::RemoteFin],
    ),
    (
        "the server closes first",
        |client, server| {
            drop(server);
            drop(client);
        },
        [Cause::RemoteFin, Cause::LocalFin],
    ),
    (
        "the client does not linger",
        |client, server| {
            let linger = libc::linger { l_onoff: 1, l_linger: 0 };
            let (option, length) = ((&raw const linger).cast(), size_of::<libc::linger>() as u32);
            // SAFETY: the option is a linger.
            unsafe {
                libc::setsockopt(client.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, option, length)
            };
            drop(client);
            drop(server);
        },
        [Cause::LocalReset, Cause::RemoteReset],
    ),
    (
        "the client leaves bytes unread",
        |client, server| {
            // SAFETY: the buffer is as long as is said.
            let sent = unsafe { libc::write(server.as_raw_fd(), b"unread".as_ptr().cast(), 6) };
            assert_eq!(sent, 6);
            crate::talk::wait_for_input(client.as_raw_fd());
            drop(client);
            drop(server);
        },
        [Cause::LocalReset, Cause::RemoteReset],
    ),
];

#[test]
fn beginnings_and_ends() {
    with_facts(|how, observer| {
        for (way, end, causes) in WAYS {
            for family in TCP {
                let pair = Pair::new(family).unwrap();
                say(&pair.client, &pair.server, &[1; 500]);
                say(&pair.server, &pair.client, &[2; 900]);
                let ends = ends(&pair);
                end(pair.client, pair.server);
                observer.wait_until(|o| {
                    let (client, server) = both(o, &ends);
                    [client, server].iter().all(|told| told.facts.len() >= 2)
                });
                let (client, server) = both(observer, &ends);
                for (told, role, cause, bytes) in [
                    (&client, Role::Client, causes[0], (500, 900)),
                    (&server, Role::Server, causes[1], (900, 500)),
                ] {
                    let case = format!("{how}, {way}, {family:?}: {:#?}", told.facts);
                    let moments: Vec<_> = told.facts.iter().map(|tcp| tcp.moment).collect();
                    assert_eq!(moments, [Moment::Opened, Moment::Closed(cause)], "{case}");
                    let (first, last) = (&told.facts[0], last(told));
                    let (local, remote) =
                        if role == Role::Client { (&ends.0, &ends.1) } else { (&ends.1, &ends.0) };
                    for tcp in &told.facts {
                        assert_eq!((tcp.role, tcp.netns), (role, own_netns()), "{case}");
                        assert_eq!((&tcp.local, &tcp.remote), (local, remote), "{case}");
                    }
                    let unread = if way.contains("unread") { 6 } else { 0 };
                    let (sent, received) = (last.counters.sent, last.counters.received);
                    let expected = match role {
                        Role::Client => (bytes.0, bytes.1 + unread),
                        _ => (bytes.0 + unread, bytes.1),
                    };
                    assert_eq!((sent, received), expected, "{case}");
                    assert_eq!(first.connect.is_some(), role == Role::Client, "{case}");
                    let began = first.began.expect("it was seen from its start");
                    assert!(
                        began <= first.time && first.time < last.time && last.began == Some(began),
                        "{case}"
                    );
                    // Of a server nobody in particular was seen to use it before somebody did.
                    let pid = std::process::id();
                    assert!(role == Role::Server || first.pid == pid, "{case}");
                    let by_reset = last.pid == 0 && role == Role::Server && cause == Cause::RemoteReset;
                    assert!(last.pid == pid || by_reset, "{case}");
                }
                observer.forget();
            }
        }
    });
}

#[test]
fn a_refused_connect() {
    with_facts(|how, observer| {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let nobody = TcpListener::bind(address).unwrap().local_addr().unwrap();
            let error = TcpStream::connect(nobody).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
            let to = Endpoint::Ip(nobody);
            let of = |o: &Observer| o.all().find(|t| t.facts.iter().any(|f| f.remote == to)).cloned();
            assert!(observer.wait_until(|o| of(o).is_some()), "{how}: nothing was told");
            let told = of(observer).unwrap();
            let tcp = last(&told);
            assert_eq!(tcp.moment, Moment::Failed(Cause::Refused), "{how}: {tcp:?}");
            assert_eq!((tcp.role, tcp.pid), (Role::Client, std::process::id()), "{how}: {tcp:?}");
            assert_eq!((tcp.counters.segments_out, tcp.counters.sent), (1, 0), "{how}: {tcp:?}");
            observer.forget();
        }
    });
}

/// A socket that is used a second time, after a connect that failed, is another connection.
#[test]
fn a_second_attempt_with_the_same_socket() {
    with_facts(|how, observer| {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // SAFETY: has no preconditions.
        let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) };
        // SAFETY: it was just made, and is nobody else's.
        let mut client = unsafe { <TcpStream as std::os::fd::FromRawFd>::from_raw_fd(socket) };
        connect(socket, nobody).unwrap_err();
        connect(socket, listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"hello").unwrap();
        server.read_exact(&mut [0; 5]).unwrap();
        let own = client.local_addr().unwrap();
        drop(client);
        drop(server);
        let facts = |o: &Observer, remote: SocketAddr| -> Vec<Tcp> {
            let all = o.all().flat_map(|told| told.facts.iter());
            all.filter(|f| f.remote == Endpoint::Ip(remote) && f.role == Role::Client).cloned().collect()
        };
        let there = listener.local_addr().unwrap();
        observer.wait_until(|o| facts(o, there).len() >= 2);
        let (first, second) = (facts(observer, nobody), facts(observer, there));
        let moments = |facts: &[Tcp]| facts.iter().map(|f| f.moment).collect::<Vec<_>>();
        assert_eq!(moments(&first), [Moment::Failed(Cause::Refused)], "{how}");
        assert_eq!(moments(&second), [Moment::Opened, Moment::Closed(Cause::LocalFin)], "{how}");
        assert_ne!(first[0].connection, second[0].connection, "{how}");
        assert_eq!(second[1].counters.sent, 5, "{how}");
        assert_eq!(second[1].local, Endpoint::Ip(own), "{how}");
    });
}

fn connect(socket: i32, to: SocketAddr) -> std::io::Result<()> {
    let SocketAddr::V4(to) = to else { panic!("IPv4 only") };
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*to.ip()).to_be() },
        sin_zero: [0; 8],
    };
    // SAFETY: the address is one of the length that is told.
    let done = unsafe {
        libc::connect(socket, (&raw const address).cast(), size_of::<libc::sockaddr_in>() as libc::socklen_t)
    };
    if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

#[test]
fn a_listener_and_who_waits_there() {
    with_facts(|how, observer| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        let waiting: Vec<_> = (0..3).map(|_| TcpStream::connect(own).unwrap()).collect();
        observer.survey(|netns| netns == own_netns());
        let of = |o: &Observer| {
            o.all()
                .flat_map(|t| t.listens.clone())
                .filter(|l| l.local == Endpoint::Ip(own))
                .collect::<Vec<_>>()
        };
        let told = of(observer);
        assert_eq!(told[0].moment, Moment::Opened, "{how}: {told:?}");
        assert_eq!((told[0].pid, told[0].netns), (std::process::id(), own_netns()), "{how}: {told:?}");
        let now = told.last().unwrap();
        assert_eq!((now.moment, now.backlog, now.drops), (Moment::GoesOn, 3, 0), "{how}: {told:?}");
        assert!(now.limit >= 128, "{how}: {told:?}");
        assert_ne!(now.inode, 0, "{how}: {told:?}");
        drop((waiting, listener));
        let closed = |o: &Observer| matches!(of(o).last().unwrap().moment, Moment::Closed(_));
        assert!(observer.wait_until(closed), "{how}: {:?}", of(observer));
    });
}

/// Whatever user space does not want to hear is a connection all the same.
#[test]
fn connections_that_are_ignored_are_told_at_their_end() {
    with_facts(|how, observer| {
        if how != WITH_BYTES {
            return;
        }
        let pair = Pair::new(Family::V4).unwrap();
        say(&pair.client, &pair.server, b"first");
        let ends = ends(&pair);
        observer.wait_until(|o| o.find(&ends.0, &ends.1).is_some() && o.find(&ends.1, &ends.0).is_some());
        for (local, remote) in [(&ends.0, &ends.1), (&ends.1, &ends.0)] {
            let id = observer.find(local, remote).unwrap();
            observer.instruct(id, Instruction::Ignore);
        }
        for _ in 0..10 {
            say(&pair.client, &pair.server, &[7; 1000]);
        }
        drop(pair);
        observer.wait_until(|o| {
            let (client, server) = both(o, &ends);
            client.facts.len() >= 2 && server.facts.len() >= 2
        });
        let (client, server) = both(observer, &ends);
        assert!(client.ends.is_empty(), "it was to be ignored: {:?}", client.ends);
        assert_eq!(last(&client).counters.sent, 10_005);
        assert_eq!(last(&server).counters.received, 10_005);
    });
}

/// In another network namespace, and open before anybody looked.
#[test]
fn connections_of_another_namespace_that_were_open_before() {
    let Some(_turn) = turn() else { return };
    std::thread::scope(|scope| {
        // A namespace belongs to a thread, and goes with it.
        scope.spawn(|| {
            // SAFETY: has no preconditions.
            assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0);
            let up = std::process::Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap();
            assert!(up.success());
            let here = own_netns();
            // /proc shows the namespaces of processes, so one has to be here.
            let mut stays = std::process::Command::new("sleep").arg("600").spawn().unwrap();
            let pair = Pair::new(Family::V4).unwrap();
            say(&pair.client, &pair.server, &[1; 4000]);
            let config = Config { facts: true, bytes: false, ..Observer::config(None) };
            let mut observer = Observer::start(&config).unwrap();
            let surveyed = observer.survey(|_| true);
            stays.kill().unwrap();
            stays.wait().unwrap();
            assert!(surveyed.contains(&here), "{here} is not in {surveyed:?}");
            let (client, server) = both(&observer, &ends(&pair));
            for (told, sent, received) in [(client, 4000, 0), (server, 0, 4000)] {
                let tcp = last(&told);
                assert_eq!((tcp.netns, tcp.began, tcp.role), (here, None, Role::Unknown), "{tcp:?}");
                assert_eq!((tcp.counters.sent, tcp.counters.received), (sent, received), "{tcp:?}");
            }
        });
    });
}

#[test]
fn many_short_connections_are_all_counted() {
    const CONNECTIONS: usize = 300;
    with_facts(|how, observer| {
        let lost = |o: &Observer| o.capture().losses().lost().iter().map(|(_, n)| n).sum::<u64>();
        let lost_before = lost(observer);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = Endpoint::Ip(listener.local_addr().unwrap());
        for _ in 0..CONNECTIONS {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            drop(client);
            assert_eq!(server.read(&mut [0]).unwrap(), 0);
        }
        let count = |o: &Observer, opened: bool, of: fn(&Tcp) -> &Endpoint| {
            let facts = o.all().flat_map(|told| told.facts.iter()).filter(|tcp| *of(tcp) == there);
            facts.filter(|tcp| (tcp.moment == Moment::Opened) == opened).count()
        };
        let counts = |o: &Observer| {
            let of: [fn(&Tcp) -> &Endpoint; 2] = [|tcp| &tcp.remote, |tcp| &tcp.local];
            of.map(|of| [count(o, true, of), count(o, false, of)])
        };
        observer.wait_until(|o| counts(o) == [[CONNECTIONS; 2]; 2]);
        assert_eq!(counts(observer), [[CONNECTIONS; 2]; 2], "{how}");
        assert_eq!(lost(observer) - lost_before, 0, "{how}");
        observer.forget();
    });
}
