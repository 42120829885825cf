//! Requests to write.

use std::net::SocketAddr;

use std::sync::Arc;

use model::request::{Ends, Incomplete, Peer, Process};
use model::trace::{Evidence, Place};
use model::{Attributes, ConnectionId, Endpoint, Request, Role, names};

fn ip(address: &str, service: Option<&str>) -> Peer {
    Peer { endpoint: Endpoint::Ip(address.parse::<SocketAddr>().unwrap()), service: service.map(Into::into) }
}

fn unix(path: &str, service: Option<&str>) -> Peer {
    Peer { endpoint: Endpoint::Unix(path.into()), service: service.map(Into::into) }
}

/// A good request with everything known.
pub(crate) fn http() -> Request {
    let mut attributes = Attributes::default();
    attributes.word(names::HTTP_REQUEST_METHOD, "GET");
    attributes.int(names::HTTP_RESPONSE_STATUS_CODE, 200);
    attributes.text(names::URL_PATH, "/users/7");
    Request {
        time: 1_795_161_600_123_456_789,
        duration: 213_000,
        role: Role::Server,
        protocol: "http",
        name: "GET /users/{id}".into(),
        error: None,
        ends: Arc::new(Ends {
            client: ip("10.0.0.7:40112", Some("shop")),
            server: ip("10.0.0.9:80", Some("nginx")),
            process: Some(Process { pid: 812, command: "nginx".into(), service: "nginx".into() }),
        }),
        tid: 812,
        request_bytes: 112,
        response_bytes: 5120,
        attributes,
        connection: ConnectionId(0x8f2c_0000_0000_0001),
        waiting: false,
        incomplete: None,
        place: None,
        sequence: None,
    }
}

/// One of each form, by name.
pub(crate) fn all() -> Vec<(&'static str, Request)> {
    let unknown = Request {
        duration: 0,
        role: Role::Unknown,
        error: Some("reset".into()),
        ends: Arc::new(Ends {
            client: ip("[2001:db8::7]:40112", None),
            server: ip("[::1]:8080", None),
            process: None,
        }),
        tid: 0,
        attributes: Attributes::default(),
        incomplete: Some(Incomplete::Response),
        place: Some(Place { trace: 7, span: 0, parent: None }),
        ..http()
    };
    let mut attributes = Attributes::default();
    attributes.text(names::DB_OPERATION_NAME, "BLPOP");
    let waiting = Request {
        duration: 5_000_000_001,
        role: Role::Client,
        protocol: "redis",
        name: "BLPOP".into(),
        attributes,
        waiting: true,
        incomplete: Some(Incomplete::Start),
        place: Some(Place { trace: 0x1797_9cfe_362a_0000, span: 3, parent: Some((1, Evidence::Thread)) }),
        ..http().with_ends(|ends| {
            ends.client = unix("", Some("worker"));
            ends.server = unix("/run/redis/redis.sock", None);
        })
    };
    let mut attributes = Attributes::default();
    attributes.text(names::URL_PATH, "/\u{1b}[31m\"\\\u{7f}\u{9b}\r\n\t\0é日本😀");
    attributes.int(names::HTTP_RESPONSE_STATUS_CODE, i64::MIN);
    let hostile = Request {
        name: "GET /\u{1b}]0;x\u{7}".into(),
        error: Some("\"500\"".into()),
        attributes,
        request_bytes: u64::MAX,
        tid: 0,
        ..http().with_ends(|ends| {
            ends.client = unix("@abstract\u{0}name", Some("a\"b"));
            ends.process = Some(Process { pid: 1, command: "\n".into(), service: "\u{2028}".into() });
        })
    };
    vec![("http", http()), ("unknown", unknown), ("waiting", waiting), ("hostile", hostile)]
}
