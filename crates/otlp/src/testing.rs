//! A request for tests.

use std::sync::Arc;

use model::request::{Ends, Peer, Process};
use model::{Attributes, ConnectionId, Endpoint, Request, Role, names};

pub(crate) fn peer(address: &str, service: Option<&str>) -> Peer {
    Peer { endpoint: Endpoint::Ip(address.parse().expect("an address")), service: service.map(Into::into) }
}

pub(crate) fn request() -> Request {
    let mut attributes = Attributes::default();
    attributes.word(names::HTTP_REQUEST_METHOD, "GET");
    attributes.int(names::HTTP_RESPONSE_STATUS_CODE, 200);
    attributes.text(names::HTTP_ROUTE, "/users/{id}");
    attributes.text(names::URL_PATH, "/users/7");
    Request {
        time: 1_795_161_600_123_456_789,
        duration: 213_456,
        role: Role::Server,
        protocol: "http",
        name: "GET /users/{id}".into(),
        error: None,
        ends: Arc::new(Ends {
            client: peer("10.0.0.7:40112", Some("shop")),
            server: peer("10.0.0.9:80", Some("nginx")),
            process: Some(Process { pid: 812, command: "nginx".into(), service: "nginx".into() }),
        }),
        tid: 815,
        request_bytes: 112,
        response_bytes: 5120,
        attributes,
        connection: ConnectionId(0x8f2c),
        waiting: false,
        incomplete: None,
        place: None,
        sequence: None,
    }
}
