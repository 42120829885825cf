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
            b"QUIT\r\n",
            b"USER anonymous\r\n",
            b"AUTH PLAIN AGEAYg==\r\n",
            b"STAT\r\n",
            b"a1 LOGIN a b\r\n",
            b"a2 SELECT INBOX\r\n",
            // memcached
            b"get k\r\n",
            b"gets k\r\n",
            b"set k 0 0 5\r\nhello\r\n",
            b"delete k\r\n",
            b"incr k 1\r\n",
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
            b"hello\r\n",
            b"{\"a\":1}\n",
            &[0; 64],
            &[0xff; 64],
        ],
        &[],
    );
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
