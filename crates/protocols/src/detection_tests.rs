//! Beginnings of other protocols: none of them is taken for one of ours.

use model::Party::{self, Client, Server};

use crate::{CERTAIN, LIKELY, Protocol};

/// Says how surely each protocol takes `prefix` for its own, those that do not left out.
fn taken(party: Party, prefix: &[u8]) -> Vec<(&'static str, u8)> {
    let sure = |protocol: &Protocol| (protocol.name(), protocol.detect(party, prefix));
    Protocol::ALL.iter().map(sure).filter(|(_, certainty)| *certainty > 0).collect()
}

#[track_caller]
fn check(party: Party, prefixes: &[&[u8]], expected: &[(&'static str, u8)]) {
    for prefix in prefixes {
        assert_eq!(taken(party, prefix), expected, "{party:?} {}", prefix.escape_ascii());
    }
}

#[test]
fn http() {
    check(
        Client,
        &[
            b"GET / HTTP/1.1\r\n",
            b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
            b"\r\nPOST /a?b=c HTTP/1.1\r\n",
            b"CONNECT a:443 HTTP/1.1\r\n",
            b"OPTIONS * HTTP/1.1\r\n",
            b"GET http://a/ HTTP/1.1\r\n",
            b"PROPFIND /dav HTTP/1.1\r\n",
            b"BREW /pot HTTP/1.1\r\n",
            b"M-SEARCH * HTTP/1.1\r\n",
        ],
        &[("http", CERTAIN)],
    );
    check(Client, &[b"GET /", b"GET /a/long/path", b"POST /a HTTP/1", b"OPTIONS *"], &[("http", LIKELY)]);
    check(Server, &[b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404 \r\n", b"HTTP/1.1 200\r\n"], &[("http", CERTAIN)]);
    check(Server, &[b"HTTP/1.1", b"HTTP/1.1 2", b"HTTP/1.0 404"], &[("http", LIKELY)]);
}

#[test]
fn mysql() {
    check(
        Client,
        &[
            b"\x09\x00\x00\x00\x03SELECT 1",
            b"\x20\x00\x00\x00\x03SELECT * FR",
            b"\x05\x00\x00\x00\x02shop",
            b"\x01\x00\x00\x00\x0e",
            b"\x01\x00\x00\x00\x0e\x01\x00\x00\x00\x0e",
            b"\x0a\x00\x00\x00\x17\x05\x00\x00\x00\x00\x01\x00\x00\x00",
        ],
        &[("mysql", LIKELY)],
    );
    check(
        Server,
        &[
            b"\x07\x00\x00\x01\x00\x01\x00\x02\x00\x00\x00",
            b"\x1b\x00\x00\x01\xff\x7a\x04#42S02Table",
            b"\x01\x00\x00\x01\x02\x1b\x00\x00\x02\x03def\x01d",
            b"\x4a\x00\x00\x00\x0a8.0.36\x00",
        ],
        &[("mysql", LIKELY)],
    );
}

#[test]
fn clients_of_others() {
    check(
        Client,
        &[
            // HTTP/2, HTTP/0.9, RTSP, SIP, ICAP
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"PRI * HT",
            b"GET / HTTP/2.0\r\n",
            b"GET /\r\n",
            b"OPTIONS rtsp://a/b RTSP/1.0\r\n",
            b"DESCRIBE rtsp://a RTSP/1.0\r\n",
            b"OPTIONS * RTSP/1.0\r\n",
            b"INVITE sip:a@b SIP/2.0\r\n",
            b"OPTIONS sip:a@b SIP/2.0\r\n",
            b"OPTIONS icap://a/b ICAP/1.0\r\n",
            // SSH, SMTP, FTP, POP3, IMAP
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"EHLO a.example\r\n",
            b"HELO a\r\n",
            b"MAIL FROM:<a@b>\r\n",
            b"USER anonymous\r\n",
            b"STAT\r\n",
            b"a1 LOGIN a b\r\n",
            b"a2 SELECT INBOX\r\n",
            // memcached
            b"gets k\r\n",
            b"set k 0 0 5\r\nworld\r\n",
            b"delete k\r\n",
            b"mg k v\r\n",
            b"stats\r\n",
            b"\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01",
            // NATS
            b"CONNECT {\"verbose\":false}\r\nPING\r\n",
            b"PUB a 5\r\nhello\r\n",
            b"SUB a 1\r\n",
            b"PONG\r\n",
            b"PING\r\nSUB a 1\r\n",
            // Kafka, AMQP, MQTT, DNS over TCP, BitTorrent, MongoDB
            b"\x00\x00\x00\x20\x00\x12\x00\x03\x00\x00\x00\x01",
            b"AMQP\x00\x00\x09\x01",
            b"\x10\x1a\x00\x04MQTT\x04\x02",
            b"\x00\x1d\xab\xcd\x01\x00\x00\x01",
            b"\x13BitTorrent protocol",
            b"\x3a\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xd4\x07\x00\x00",
            // None at all
            b"",
            b"\r\n",
            b" ",
            b"GET",
            b"GET ",
            b"{\"a\":1}\n",
            &[0; 64],
            &[0xff; 64],
        ],
        &[],
    );
}

/// What clients of other protocols in lines ask, and what their servers answer.
const DIALOGUES: &[(&str, &[&str], &[&str])] = &[
    (
        "POP3",
        &["USER a", "PASS b", "AUTH PLAIN AGEAYg==", "AUTH", "STAT", "LIST", "DELE 1", "NOOP", "QUIT"],
        &["+OK", "+OK POP3 server ready", "+OK 2 320", "-ERR no such message", "-ERR", "+OK\r\n1 120\r\n."],
    ),
    (
        "SMTP",
        &["EHLO a", "HELO a", "MAIL FROM:<a@b>", "AUTH LOGIN", "HELP", "INFO", "QUIT", "quit"],
        &["220 a ESMTP", "250 OK", "250-a\r\n250 b", "535 5.7.8 no", "221 Bye"],
    ),
    (
        "FTP",
        &["USER a", "TYPE I", "type A", "AUTH TLS", "APPEND a", "SAVE", "QUIT"],
        &["200 Type set to I", "220 ready", "331 Password", "221 Goodbye"],
    ),
    (
        "memcached",
        &["get k", "gets k", "incr k 1", "decr k 1", "touch k 0", "append k 0 0 1\r\nx", "quit", "mg k v"],
        &["END", "VALUE k 0 1\r\nx\r\nEND", "6", "STORED", "TOUCHED", "NOT_FOUND", "ERROR", "HD"],
    ),
    (
        "NATS",
        &["PING", "PONG", "CONNECT {}\r\nPING", "PING\r\nPING", "SUB a 1", "PUB a 2\r\nhi", "INFO {}"],
        &["+OK", "PONG", "PING", "-ERR 'x'", "INFO {\"a\":1}", "+OK\r\nPONG", "MSG a 1 2\r\nhi"],
    ),
    (
        "IRC",
        &["PING :a", "PING a", "JOIN #a", "INFO", "TIME", "MONITOR + a", "WATCH a", "QUIT :bye", "QUIT"],
        &[":a PONG a :a", ":a 391 b :now", ":a 371 b :x", "PING :a", "ERROR :Closing link"],
    ),
    (
        "IMAP",
        &["a1 SELECT INBOX", "a2 IDLE", "DONE", "SELECT INBOX"],
        &["+ idling", "* OK IMAP4rev1", "a1 OK done"],
    ),
    ("NNTP", &["GROUP a", "DATE", "MODE READER", "QUIT"], &["211 1 1 1 a", "205 bye"]),
    (
        "clamd, MPD, ZooKeeper, beanstalkd, SIP",
        &["PING", "SCAN /a", "ping", "move 1 2", "save a", "dump", "touch 1", "INFO sip:a SIP/2.0", "hello"],
        &["PONG", "/a: OK", "OK", "OK MPD 0.23.5", "SessionTracker dump:", "TOUCHED", "SIP/2.0 200 OK"],
    ),
];

/// Protocols in lines have words in common with Redis; it is their answers that differ. Questions and answers of one protocol, in any
/// combination and whoever is taken for the client, do not make one of ours.
#[test]
fn dialogues_of_others() {
    for (name, questions, answers) in DIALOGUES {
        for (asked, answered) in questions.iter().flat_map(|asked| answers.iter().map(move |a| (asked, a))) {
            let (asked, answered) = (format!("{asked}\r\n"), format!("{answered}\r\n"));
            for protocol in Protocol::ALL {
                for (client, server) in [(&asked, &answered), (&answered, &asked)] {
                    let sureness = |party, text: &str| u32::from(protocol.detect(party, text.as_bytes()));
                    let sum = sureness(Client, client) + sureness(Server, server);
                    assert!(sum < u32::from(CERTAIN), "{name}: {client:?} {server:?} {}", protocol.name());
                }
            }
        }
    }
}

#[test]
fn servers_of_others() {
    check(
        Server,
        &[
            b"HTTP/2.0 200\r\n",
            b"HTTP/1.1 abc\r\n",
            b"RTSP/1.0 200 OK\r\n",
            b"SIP/2.0 200 OK\r\n",
            b"ICAP/1.0 200 OK\r\n",
            b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"220 a.example ESMTP\r\n",
            b"250-a.example\r\n",
            b"331 Password\r\n",
            b"+OK POP3 server ready\r\n",
            b"+OK\r\n.\r\n",
            b"+OK 3 messages\r\n",
            b"-ERR [AUTH] no\r\n",
            b"* OK IMAP4rev1 ready\r\n",
            b"* CAPABILITY IMAP4rev1\r\n",
            b"+ OK\r\n",
            b"+ \r\n",
            b"STORED\r\n",
            b"VALUE k 0 5\r\nhello\r\nEND\r\n",
            b"END\r\n",
            b"ERROR\r\n",
            b"HD\r\n",
            b"INFO {\"server_id\":\"a\"}\r\n",
            b"PING\r\n",
            b"PONG\r\n",
            b"-ERR 'Unknown Protocol Operation'\r\n",
            b"+OK\r\nPONG\r\n",
            b"MSG a 1 5\r\nhello\r\n",
            b"N",
            b"S",
            b"\x00\x00\x00\x10\x00\x00\x00\x01",
            b"AMQP\x00\x00\x09\x01",
            b"\x20\x02\x00\x00",
            b"\x13BitTorrent protocol",
            b"",
            b"\r\n",
            &[0; 64],
            &[0xff; 64],
        ],
        &[],
    );
}

/// A whole message; over TCP, behind its length.
#[test]
fn dns() {
    let query = b"\xab\xcd\x01\x00\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
    let answer = b"\xab\xcd\x81\x83\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
    for (party, message) in [(Client, query), (Server, answer)] {
        check(party, &[message, &[b"\0\x1d".as_slice(), message].concat()], &[("dns", CERTAIN)]);
        check(party.other(), &[message, &[b"\0\x1d".as_slice(), message].concat()], &[]);
    }
}

/// What others send in datagrams, whoever sends it.
#[test]
fn datagrams_of_others() {
    let ntp =
        [b"\xe3\0\x06\xec\0\0\0\0\0\0\0\0\x31N14".as_slice(), &[0; 24], b"\xec\x8a\x9f\x11\x20\xc4\x9b\xa5"]
            .concat();
    let quic = [b"\xc3\0\0\0\x01\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\0\0\x44\x9e".as_slice(), &[0x5a; 1182]]
        .concat();
    let dhcp = [b"\x01\x01\x06\0\x39\x03\xf3\x26".as_slice(), &[0; 228], b"\x63\x82\x53\x63\x35\x01\x01\xff"]
        .concat();
    let others: &[&[u8]] = &[
        &ntp,
        &quic,
        &dhcp,
        // STUN: a request without attributes, and one with; its answer
        b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl",
        b"\0\x01\0\x08\x21\x12\xa4\x42abcdefghijkl\x80\x22\0\x04weir",
        b"\x01\x01\0\x0c\x21\x12\xa4\x42abcdefghijkl\0\x20\0\x08\0\x01\xa1\x47\xe1\x12\xa6\x43",
        // syslog, statsd, Graphite
        b"<34>1 2026-11-20T08:00:00Z host su - ID47 - failed",
        b"<13>Nov 20 08:00:00 host weir: hello",
        b"shop.orders:1|c|#env:test",
        b"page.views:1|c\nfuel.level:0.5|g\n",
        b"servers.host.load 0.7 1795161600\n",
        // SNMP, RADIUS, TFTP, SIP, CoAP
        b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\0\x02\x01\0\x30\x0e",
        b"\x01\x07\0\x26\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x01\x06user",
        b"\0\x01file.bin\0octet\0",
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\n\r\n",
        b"\x40\x01\x12\x34\xb4time",
        // WireGuard, memcached, RTP, BitTorrent's DHT
        b"\x01\0\0\0\x9a\x10\x22\x73aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        b"\0\x01\0\0\0\x01\0\0get k\r\n",
        b"\x80\x60\x12\x34\0\0\x03\xe8\x12\x34\x56\x78aaaaaaaa",
        b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",
    ];
    for party in [Client, Server] {
        check(party, others, &[]);
    }
    // HTTP in form; no protocol in datagrams takes it for its own.
    assert!(Protocol::ALL.iter().filter(|protocol| protocol.in_datagrams()).all(|protocol| {
        protocol.detect(Client, b"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\n\r\n") == 0
    }));
}

#[test]
fn postgresql() {
    check(
        Client,
        &[
            b"\x00\x00\x00\x29\x00\x03\x00\x00user\x00a\x00",
            b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
            b"\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x00\x01\x00\x00\x00\x02",
        ],
        &[("postgresql", CERTAIN)],
    );
    check(Client, &[b"Q\x00\x00\x00\x0dSELECT 1\x00"], &[("postgresql", LIKELY)]);
    check(Server, &[b"R\x00\x00\x00\x08\x00\x00\x00\x00"], &[("postgresql", LIKELY)]);
}

#[test]
fn tls() {
    check(Client, &[b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], &[("tls", CERTAIN)]);
    check(Server, &[b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"], &[("tls", CERTAIN)]);
}

#[test]
fn random_bytes() {
    let mut state = 7u64;
    let mut wrong = Vec::new();
    for _ in 0..200_000 {
        let mut bytes = [0; 24];
        for byte in &mut bytes {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
        wrong.extend(
            taken(Client, &bytes).into_iter().chain(taken(Server, &bytes)).map(|taken| (taken, bytes)),
        );
    }
    assert!(wrong.len() < 3, "{wrong:02x?}");
}
