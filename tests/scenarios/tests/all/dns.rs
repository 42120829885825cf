//! DNS: every query that the server logged is one request on each side, with the answer that it logged.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scenario_tests::dns::{Dnsmasq, Query};
use scenario_tests::record::Record;
use scenario_tests::scenario;
use scenario_tests::weir::Weir;

/// What a record says of a query.
pub(crate) fn query(record: &Record) -> Query {
    let text = |key: &str| record.text(&format!("/attributes/{key}")).to_owned();
    let answers = text("dns.answers");
    let mut addresses: Vec<String> =
        answers.split(',').filter(|address| !address.is_empty()).map(Into::into).collect();
    addresses.sort();
    Query {
        port: record.number("/client/port") as u16,
        kind: text("dns.question.type"),
        name: text("dns.question.name"),
        addresses,
        error: record.error().into(),
    }
}

/// What `ask` asks is seen as the server logged it: so many queries.
fn check(queries: usize, ask: impl FnOnce(&Dnsmasq)) {
    let Some(_alone) = scenario() else { return };
    let server = Dnsmasq::start().unwrap();
    let port = server.port();
    let weir = Weir::on_port(port).unwrap();
    ask(&server);
    weir.wait_for(2 * queries);
    let run = weir.stop().unwrap();
    let logged = server.stop().unwrap();
    assert_eq!(logged.len(), queries, "{logged:?}");
    for role in ["client", "server"] {
        let records = run.of(port, role);
        let mut seen: Vec<Query> = records.iter().map(|record| query(record)).collect();
        seen.sort();
        assert_eq!(seen, logged, "as the {role} saw it\n{}", run.summary);
        assert!(records.iter().all(|record| record.text("/protocol") == "dns"));
        assert!(records.iter().all(|record| record.incomplete().is_empty()));
    }
    assert_eq!(run.lost(), 0, "{}", run.summary);
    assert_eq!(run.not_understood("dns"), 0, "{}", run.summary);
}

const NAMES: [(&str, &str); 6] = [
    ("shop.test", "A"),
    ("shop.test", "AAAA"),
    ("alias.test", "A"),
    ("none.test", "A"),
    ("a.test", "MX"),
    ("elsewhere.example", "AAAA"),
];

/// Asks dig for all names.
fn dig(server: &Dnsmasq, options: &[&str]) {
    let mut dig = Command::new("dig");
    dig.args(["@127.0.0.1", "-p", &server.port().to_string()]).args(options);
    dig.args(NAMES.iter().flat_map(|(name, kind)| [name, kind]));
    assert!(dig.stdout(Stdio::null()).status().unwrap().success());
}

#[test]
fn dig_in_datagrams() {
    check(NAMES.len(), |server| dig(server, &[]));
}

#[test]
fn dig_over_tcp() {
    check(NAMES.len(), |server| dig(server, &["+tcp", "+keepopen"]));
}

/// All queries at once from one socket, as glibc asks for both kinds of addresses; connected, and not.
#[test]
fn outstanding_in_datagrams() {
    const ROUNDS: usize = 5;
    for connected in [true, false] {
        check(ROUNDS * NAMES.len(), |server| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            if connected {
                socket.connect(server.address()).unwrap();
            }
            for round in 0..ROUNDS {
                for ((name, kind), id) in NAMES.iter().zip(1..) {
                    let message = message(10 * round as u16 + id, name, kind);
                    match connected {
                        true => socket.send(&message[2..]).unwrap(),
                        false => socket.send_to(&message[2..], server.address()).unwrap(),
                    };
                }
                for _ in NAMES {
                    socket.recv(&mut [0; 4096]).unwrap();
                }
            }
        });
    }
}

/// All queries at once, before the first answer is read; several rounds on one connection.
#[test]
fn pipelined_over_tcp() {
    const ROUNDS: usize = 5;
    check(ROUNDS * NAMES.len(), |server| {
        let mut connection = TcpStream::connect(server.address()).unwrap();
        for round in 0..ROUNDS {
            let messages = NAMES
                .iter()
                .zip(1..)
                .flat_map(|((name, kind), id)| message(10 * round as u16 + id, name, kind));
            connection.write_all(&messages.collect::<Vec<u8>>()).unwrap();
            for _ in NAMES {
                let mut length = [0; 2];
                connection.read_exact(&mut length).unwrap();
                connection.read_exact(&mut vec![0; u16::from_be_bytes(length).into()]).unwrap();
            }
        }
    });
}

/// A query behind its length.
fn message(id: u16, name: &str, kind: &str) -> Vec<u8> {
    let kind = match kind {
        "A" => 1,
        "MX" => 15,
        "AAAA" => 28,
        other => panic!("no number of {other}"),
    };
    let mut message = [id.to_be_bytes(), [1, 0], [0, 1], [0; 2], [0; 2], [0; 2]].concat();
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, kind, 0, 1]);
    [(message.len() as u16).to_be_bytes().as_slice(), &message].concat()
}

/// Nobody answers: that is told within 15 s, as a timeout, and by the side that asked alone.
#[test]
fn nobody_answers() {
    let Some(_alone) = scenario() else { return };
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let weir = Weir::on_port(port).unwrap();
    let began = Instant::now();
    let dig = Command::new("dig")
        .args(["@127.0.0.1", "-p", &port.to_string(), "+tries=1", "+timeout=1", "nobody.test", "A"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(!dig.success(), "dig had an answer");
    std::thread::sleep(Duration::from_secs(14).saturating_sub(began.elapsed()));
    weir.wait_for(1);
    assert!(began.elapsed() < Duration::from_secs(15), "told after {:?}", began.elapsed());
    let run = weir.stop().unwrap();
    let [record] = run.records.as_slice() else { panic!("{:?}", run.records) };
    assert_eq!((record.role(), record.error()), ("client", "timeout"), "{}", record.json);
    assert_eq!(record.text("/attributes/dns.question.name"), "nobody.test");
    assert!(record.duration() >= 10.0, "{}", record.json);
}
