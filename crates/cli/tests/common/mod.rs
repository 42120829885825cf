//! Requests to show, and files that say how they are shown.

#![allow(dead_code)] // each test takes what it needs

use std::net::SocketAddr;

use std::sync::Arc;

use model::request::{Ends, Peer, Process};
use model::{Attributes, ConnectionId, Endpoint, Request, Role, names};

pub(crate) fn ip(address: &str, service: Option<&str>) -> Peer {
    let address: SocketAddr = address.parse().expect("an address");
    Peer { endpoint: Endpoint::Ip(address), service: service.map(Into::into) }
}

pub(crate) fn unix(path: &str) -> Peer {
    Peer { endpoint: Endpoint::Unix(path.into()), service: None }
}

/// A good HTTP request, served by nginx.
pub(crate) fn http(name: &str, path: &str, code: i64) -> Request {
    let mut attributes = Attributes::default();
    attributes.word(names::HTTP_REQUEST_METHOD, "GET");
    attributes.int(names::HTTP_RESPONSE_STATUS_CODE, code);
    attributes.text(names::URL_PATH, path);
    Request {
        time: 1_795_161_600_123_456_789,
        duration: 213_456,
        role: Role::Server,
        protocol: "http",
        name: name.into(),
        error: (code >= 500).then(|| code.to_string().into()),
        ends: Arc::new(Ends {
            client: ip("10.0.0.7:40112", Some("shop")),
            server: ip("10.0.0.9:80", Some("nginx")),
            process: Some(Process { pid: 812, command: "nginx".into(), service: "nginx".into() }),
        }),
        tid: 812,
        request_bytes: 112,
        response_bytes: 5120,
        attributes,
        connection: ConnectionId(1),
        waiting: false,
        incomplete: None,
        place: None,
        sequence: None,
    }
}

/// A good request of a database, seen at its client.
pub(crate) fn query(protocol: &'static str, name: &str) -> Request {
    Request {
        role: Role::Client,
        protocol,
        name: name.into(),
        ends: Arc::new(Ends {
            client: ip("10.0.0.7:40114", Some("shop")),
            server: ip("10.0.0.12:5432", None),
            process: Some(Process { pid: 77, command: "python3".into(), service: "shop".into() }),
        }),
        tid: 79,
        attributes: Attributes::default(),
        ..http("", "", 200)
    }
}

/// A statement of a database that speaks SQL.
pub(crate) fn statement(protocol: &'static str, summary: &str, text: &str) -> Request {
    let mut request = query(protocol, summary);
    request.attributes.text(names::DB_QUERY_SUMMARY, summary);
    request.attributes.text(names::DB_QUERY_TEXT, text);
    request
}

/// A question about a name that was answered with so many records.
pub(crate) fn dns(kind: &'static str, name: &str, records: i64) -> Request {
    let mut attributes = Attributes::default();
    attributes.text(names::DNS_QUESTION_NAME, name);
    attributes.word(names::DNS_QUESTION_TYPE, kind);
    attributes.int(names::WEIR_DNS_ANSWER_COUNT, records);
    Request {
        attributes,
        ..query("dns", kind).with_ends(|ends| {
            ends.server = ip("10.0.0.2:53", None);
        })
    }
}

/// Run with `UPDATE_GOLDEN=1` to write what is found, and look at the difference.
pub(crate) fn check(name: &str, found: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).expect("a golden file is written");
    }
    assert_eq!(found, std::fs::read_to_string(&path).expect("a golden file is read"), "{name}");
}
