//! UDP: each datagram is a chunk on both sides, whichever way it is sent and received.

use std::mem;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use capture_tests::observer::{Observer, Told, with_each_back_end, with_system_calls};
use capture_tests::send::Visible;
use capture_tests::{content, receive, send};
use model::Direction::{Received, Sent};
use model::event::Instruction;
use model::{Direction, Endpoint};
use probes::{Backend, Purpose};

/// IPv4, IPv6, and IPv4 on sockets made for IPv6.
const ADDRESSES: [&str; 3] = ["127.0.0.1:0", "[::1]:0", "[::ffff:127.0.0.1]:0"];
const LENGTH: usize = 700;
/// For a datagram that should be there already.
const PATIENCE: Duration = Duration::from_millis(500);

fn seen_by(observer: &Observer) -> Option<Backend> {
    observer.capture().report().chosen(Purpose::Datagrams)
}

/// io_uring is no system call of the program.
fn is_seen(observer: &Observer, way: &str) -> bool {
    seen_by(observer) != Some(Backend::SystemCalls) || !way.contains("uring")
}

struct Flow {
    client: UdpSocket,
    server: UdpSocket,
}

impl Flow {
    fn new(address: &str) -> Flow {
        let socket = || {
            let socket = UdpSocket::bind(address).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket
        };
        let flow = Flow { client: socket(), server: socket() };
        flow.client.connect(flow.server.local_addr().unwrap()).unwrap();
        flow.server.connect(flow.client.local_addr().unwrap()).unwrap();
        flow
    }
}

fn end(socket: &UdpSocket) -> Endpoint {
    endpoint(socket.local_addr().unwrap())
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::ip(address.ip(), address.port())
}

/// What was told of the datagrams between two addresses, seen from the first, once there are as many each way.
fn told(observer: &mut Observer, local: &Endpoint, remote: &Endpoint, sent: usize, received: usize) -> Told {
    let enough = |o: &Observer| {
        let told = o.of(local, remote);
        told.chunks[Sent.index()].len() >= sent && told.chunks[Received.index()].len() >= received
    };
    observer.wait_until(enough);
    observer.of(local, remote)
}

fn payloads(told: &Told, direction: Direction) -> Vec<Vec<u8>> {
    told.chunks[direction.index()].iter().map(|chunk| chunk.payload.clone()).collect()
}

/// That what was told of datagrams is what they were; `in_part`: at least the beginning of each.
fn assert_shown(told: &[Vec<u8>], datagrams: &[Vec<u8>], in_part: bool, case: &str) {
    if !in_part {
        return assert_eq!(told, datagrams, "{case}");
    }
    assert_eq!(told.len(), datagrams.len(), "{case}");
    for (told, datagram) in told.iter().zip(datagrams) {
        assert!(!told.is_empty() && datagram.starts_with(told), "{case}: {told:?} of {datagram:?}");
    }
}

/// Takes datagrams until so many bytes came.
fn take(socket: RawFd, call: fn(RawFd, &mut [u8]) -> std::io::Result<usize>, length: usize) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    let mut got = 0;
    while got < length {
        let mut buffer = vec![0; 2 * length];
        let read = call(socket, &mut buffer).unwrap();
        got += read;
        datagrams.push(buffer[..read].to_vec());
    }
    datagrams
}

/// Each of these is run for every way to see datagrams.
const CASES: [fn(&str, &mut Observer); 6] = [
    every_way_to_send,
    every_way_to_receive,
    unconnected_sockets,
    large_datagrams,
    ignored_ones_are_told_no_more,
    what_calls_do_not_tell_is_counted,
];

#[test]
fn at_the_socket_layer() {
    with_each_back_end(|back_end, observer| CASES.iter().for_each(|case| case(back_end, observer)));
}

#[test]
fn by_system_calls() {
    with_system_calls(|back_end, observer| {
        let attempts = &observer.capture().report().attempts;
        assert_eq!(seen_by(observer), Some(Backend::SystemCalls), "{attempts:#?}");
        CASES.iter().for_each(|case| case(back_end, observer));
    });
}

fn every_way_to_send(back_end: &str, observer: &mut Observer) {
    let pages = ["sendfile", "splice in"];
    for address in ADDRESSES {
        let shown = |name: &str| !pages.contains(&name) && is_seen(observer, name);
        let ways: Vec<_> = send::WAYS.iter().filter(|way| shown(way.name)).collect();
        for (number, way) in ways.into_iter().enumerate() {
            let case = format!("{back_end}, {address}, {}", way.name);
            let flow = Flow::new(address);
            let data = content::bytes(number as u64, LENGTH);
            match (way.call)(flow.client.as_raw_fd(), &data) {
                Ok(sent) => assert_eq!(sent, LENGTH, "{case}"),
                // Old kernels' io_uring.
                Err(error) if way.name.contains("uring") => {
                    eprintln!("{case}: {error}");
                    continue;
                }
                Err(error) => panic!("{case}: {error}"),
            }
            let got = take(flow.server.as_raw_fd(), receive::read, LENGTH);
            let (client, server) = (end(&flow.client), end(&flow.server));
            let sent = told(observer, &client, &server, got.len(), 0);
            let received = told(observer, &server, &client, 0, got.len());
            let in_pages = way.name == "io_uring send_zc";
            let by_functions = [Some(Backend::Trampoline), Some(Backend::Kprobe)];
            if in_pages && by_functions.contains(&seen_by(observer)) {
                let lengths = |told: &Told, direction: Direction| -> u32 {
                    told.chunks[direction.index()].iter().map(|chunk| chunk.length).sum()
                };
                assert_eq!(lengths(&sent, Sent) as usize, LENGTH, "{case}: sent");
                assert_eq!(lengths(&received, Received) as usize, LENGTH, "{case}: received");
                continue;
            }
            let in_part = matches!(way.visible, Visible::Segments(_))
                && seen_by(observer) == Some(Backend::SystemCalls);
            assert_shown(&payloads(&sent, Sent), &got, in_part, &format!("{case}: sent"));
            assert_eq!(payloads(&received, Received), got, "{case}: received");
            assert!(sent.chunks[Sent.index()].iter().all(|c| c.pid == std::process::id()), "{case}");
        }
        observer.forget();
    }
}

fn every_way_to_receive(back_end: &str, observer: &mut Observer) {
    let not_for_datagrams = ["MSG_WAITALL", "seven bytes at a time", "splice out", "MSG_TRUNC"];
    for address in ADDRESSES {
        let shown = |name: &str| !not_for_datagrams.contains(&name) && is_seen(observer, name);
        let ways: Vec<_> = receive::WAYS.iter().filter(|way| shown(way.name)).collect();
        for (number, way) in ways.into_iter().enumerate() {
            let case = format!("{back_end}, {address}, {}", way.name);
            let flow = Flow::new(address);
            let data = [1, 2].map(|part| content::bytes(10 * number as u64 + part, LENGTH));
            for datagram in &data {
                flow.client.send(datagram).unwrap();
            }
            for _ in &data {
                match (way.call)(flow.server.as_raw_fd(), &mut vec![0; LENGTH]) {
                    // Both at once.
                    Ok(read) if way.name == "recvmmsg" => {
                        assert!(read > 0, "{case}");
                        break;
                    }
                    Ok(read) => assert!(read > 0, "{case}"),
                    // Old kernels' io_uring: then nobody reads.
                    Err(error) if way.name.contains("uring") => {
                        eprintln!("{case}: {error}");
                        assert_eq!(take(flow.server.as_raw_fd(), receive::read, LENGTH).len(), 1);
                    }
                    Err(error) => panic!("{case}: {error}"),
                }
            }
            // Who takes a datagram only in part is still shown what came, and once; a call shows what it took.
            let received = told(observer, &end(&flow.server), &end(&flow.client), 0, data.len());
            let in_part = way.name == "recvmmsg" && seen_by(observer) == Some(Backend::SystemCalls);
            assert_shown(&payloads(&received, Received), &data, in_part, &case);
        }
        observer.forget();
    }
}

/// One socket talks to two others, by one call: each pair of addresses is a conversation of its own.
fn unconnected_sockets(back_end: &str, observer: &mut Observer) {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let [client, one, two] = [(); 3].map(|()| UdpSocket::bind(address).unwrap());
        let sent = send_to_both(&client, [&one, &two]);
        for (socket, datagram) in [(&one, &sent[0]), (&two, &sent[1])] {
            let mut buffer = [0; LENGTH];
            let (read, from) = socket.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..read], from), (&datagram[..], client.local_addr().unwrap()));
            socket.send_to(b"answer", from).unwrap();
        }
        for _ in 0..2 {
            client.recv_from(&mut [0; LENGTH]).unwrap();
        }
        let own = end(&client);
        for (socket, datagram) in [(&one, &sent[0]), (&two, &sent[1])] {
            let there = told(observer, &own, &end(socket), 1, 1);
            assert_eq!(payloads(&there, Sent), std::slice::from_ref(datagram), "{back_end}");
            assert_eq!(payloads(&there, Received), [b"answer".to_vec()], "{back_end}");
            let back = told(observer, &end(socket), &own, 1, 1);
            assert_eq!(payloads(&back, Received), std::slice::from_ref(datagram), "{back_end}");
            assert_eq!(payloads(&back, Sent), [b"answer".to_vec()], "{back_end}");
            assert_eq!(back.owners.len(), 1, "{back_end}: who answers is known");
        }
    }
    observer.forget();
}

/// `sendmmsg`, a datagram for each.
fn send_to_both(client: &UdpSocket, servers: [&UdpSocket; 2]) -> [Vec<u8>; 2] {
    let data = [content::bytes(1, LENGTH), content::bytes(2, LENGTH / 2)];
    let addresses = servers.map(|server| socket_address(server.local_addr().unwrap()));
    let mut vectors =
        [0, 1].map(|n| libc::iovec { iov_base: data[n].as_ptr().cast_mut().cast(), iov_len: data[n].len() });
    let mut messages: Vec<libc::mmsghdr> = Vec::new();
    for ((address, length), vector) in addresses.iter().zip(&mut vectors) {
        // SAFETY: a mmsghdr of zeros is an empty message.
        let mut message: libc::mmsghdr = unsafe { mem::zeroed() };
        message.msg_hdr.msg_name = std::ptr::from_ref(address).cast_mut().cast();
        message.msg_hdr.msg_namelen = *length;
        message.msg_hdr.msg_iov = vector;
        message.msg_hdr.msg_iovlen = 1;
        messages.push(message);
    }
    // SAFETY: addresses and data outlive the call.
    let sent = unsafe { libc::sendmmsg(client.as_raw_fd(), messages.as_mut_ptr(), 2, 0) };
    assert_eq!(sent, 2);
    data
}

fn socket_address(address: SocketAddr) -> (libc::sockaddr_in6, libc::socklen_t) {
    // SAFETY: both are plain values, and the larger has room for the smaller.
    unsafe {
        let mut raw: libc::sockaddr_in6 = mem::zeroed();
        match address {
            SocketAddr::V4(address) => {
                let v4 = std::ptr::from_mut(&mut raw).cast::<libc::sockaddr_in>();
                (*v4).sin_family = libc::AF_INET as libc::sa_family_t;
                (*v4).sin_port = address.port().to_be();
                (*v4).sin_addr.s_addr = u32::from(*address.ip()).to_be();
                (raw, size_of::<libc::sockaddr_in>() as libc::socklen_t)
            }
            SocketAddr::V6(address) => {
                raw.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                raw.sin6_port = address.port().to_be();
                raw.sin6_addr.s6_addr = address.ip().octets();
                (raw, size_of::<libc::sockaddr_in6>() as libc::socklen_t)
            }
        }
    }
}

/// What is beyond the budget is not shown, but its length is; and each datagram has a budget of its own.
fn large_datagrams(back_end: &str, observer: &mut Observer) {
    const LARGE: usize = 9_000;
    let flow = Flow::new("127.0.0.1:0");
    let data = [1, 2].map(|seed| content::bytes(seed, LARGE));
    for datagram in &data {
        flow.client.send(datagram).unwrap();
        assert_eq!(flow.server.recv(&mut [0; LARGE]).unwrap(), LARGE);
    }
    let (client, server) = (end(&flow.client), end(&flow.server));
    for (told, direction) in
        [(told(observer, &client, &server, 2, 0), Sent), (told(observer, &server, &client, 0, 2), Received)]
    {
        for (chunk, datagram) in told.chunks[direction.index()].iter().zip(&data) {
            assert_eq!(chunk.length as usize, LARGE, "{back_end}");
            assert_eq!(chunk.payload, datagram[..4096], "{back_end}");
        }
    }
    observer.forget();
}

fn ignored_ones_are_told_no_more(back_end: &str, observer: &mut Observer) {
    let flow = Flow::new("127.0.0.1:0");
    let (client, server) = (end(&flow.client), end(&flow.server));
    let send = |datagram: &[u8]| {
        flow.client.send(datagram).unwrap();
        flow.server.recv(&mut [0; 10]).unwrap();
    };
    send(b"1");
    told(observer, &client, &server, 1, 0);
    told(observer, &server, &client, 0, 1);
    for (local, remote) in [(&client, &server), (&server, &client)] {
        let id = observer.find(local, remote).expect("was just seen");
        observer.instruct(id, Instruction::Ignore);
    }
    send(b"2");
    // Another pair, by whose datagrams we see that the ones before were left out.
    let other = Flow::new("127.0.0.1:0");
    other.client.send(b"3").unwrap();
    other.server.recv(&mut [0; 10]).unwrap();
    told(observer, &end(&other.server), &end(&other.client), 0, 1);
    assert_eq!(payloads(&observer.of(&client, &server), Sent), [b"1".to_vec()], "{back_end}");
    assert_eq!(payloads(&observer.of(&server, &client), Received), [b"1".to_vec()], "{back_end}");
    observer.forget();
}

/// Where only calls are seen, nothing tells from whom a datagram is if the program does not ask: that is counted.
fn what_calls_do_not_tell_is_counted(back_end: &str, observer: &mut Observer) {
    let socket = || UdpSocket::bind("127.0.0.1:0").unwrap();
    let (client, server) = (socket(), socket());
    let before = observer.capture().losses().datagrams;
    client.send_to(b"question", server.local_addr().unwrap()).unwrap();
    assert_eq!(receive::read(server.as_raw_fd(), &mut [0; 10]).unwrap(), 8);
    let told = told(observer, &end(&client), &end(&server), 1, 0);
    assert_eq!(payloads(&told, Sent), [b"question".to_vec()], "{back_end}");
    let expected = u64::from(seen_by(observer) == Some(Backend::SystemCalls));
    assert_eq!(observer.capture().losses().datagrams - before, expected, "{back_end}");
    // A thread that has asked somebody is taken to get his answer.
    let answer = || server.send_to(b"answer", client.local_addr().unwrap()).unwrap();
    std::thread::scope(|scope| scope.spawn(answer).join().unwrap());
    assert_eq!(receive::read(client.as_raw_fd(), &mut [0; 10]).unwrap(), 6);
    let told = self::told(observer, &end(&client), &end(&server), 1, 1);
    assert_eq!(payloads(&told, Received), [b"answer".to_vec()], "{back_end}");
    assert_eq!(observer.capture().losses().datagrams - before, expected, "{back_end}");
    observer.forget();
}
