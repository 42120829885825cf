//! Rows of several hosts, whose clocks differ.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

use model::request::{Ends, Peer};
use model::trace::{Evidence, Place};
use model::{Attributes, ConnectionId, Endpoint, Request, Role, names};
use traces::assemble::{Node, Row, assemble};

const SECOND: i64 = 1_000_000_000;

fn request(role: Role, [time, duration]: [i64; 2], sequence: Option<u32>, place: Option<Place>) -> Request {
    let peer = |port| Peer { endpoint: Endpoint::ip("10.0.0.1".parse().unwrap(), port), service: None };
    let mut attributes = Attributes::default();
    attributes.text(names::URL_PATH, "/items");
    Request {
        time: (10_000 * SECOND + time) as u64,
        duration: duration as u64,
        role,
        protocol: "http",
        name: "GET /items".into(),
        error: None,
        ends: Ends { client: peer(1), server: peer(2), process: None }.into(),
        tid: 0,
        request_bytes: 0,
        response_bytes: 0,
        attributes,
        connection: ConnectionId(1),
        waiting: false,
        incomplete: None,
        place,
        sequence,
    }
}

fn place(trace: i64, span: u32, parent: Option<u32>) -> Option<Place> {
    Some(Place { trace, span, parent: parent.map(|parent| (parent, Evidence::Thread)) })
}

fn assembled(rows: &[(&str, Request)]) -> Vec<Node> {
    let rows: Vec<Row<'_>> = rows.iter().map(|(host, request)| Row { host, request }).collect();
    assemble(&rows)
}

/// On `a` a page is served, for which it asks `b`, whose clock is five seconds ahead; and `b` asks `c`, whose is an hour behind.
#[test]
fn a_trace_goes_from_host_to_host() {
    let hour = 3600 * SECOND;
    let rows = [
        ("c", request(Role::Server, [30 - hour, 20], Some(77), None)),
        ("b", request(Role::Client, [5 * SECOND + 25, 30], Some(77), place(9, 1, Some(0)))),
        ("b", request(Role::Server, [5 * SECOND + 20, 40], Some(55), place(9, 0, None))),
        ("a", request(Role::Client, [10, 60], Some(55), place(9, 1, Some(0)))),
        ("a", request(Role::Server, [0, 100], None, place(9, 0, None))),
        ("a", request(Role::Server, [0, 100], Some(56), None)),
    ];
    let nodes = assembled(&rows);
    let parents: Vec<_> = nodes.iter().map(|node| node.parent).collect();
    assert_eq!(
        parents,
        [
            Some((1, Evidence::Sequence)),
            Some((2, Evidence::Thread)),
            Some((3, Evidence::Sequence)),
            Some((4, Evidence::Thread)),
            None,
            None
        ]
    );
    // Each is within the one that brought it about.
    for (node, (_, request)) in nodes.iter().zip(&rows) {
        let Some((parent, _)) = node.parent else { continue };
        let begin = request.time as i64 + node.offset;
        let outer = rows[parent].1.time as i64 + nodes[parent].offset;
        assert!(outer <= begin, "{node:?}");
        assert!(begin + request.duration as i64 <= outer + rows[parent].1.duration as i64, "{node:?}");
    }
    assert_eq!((nodes[4].offset, nodes[3].offset), (0, 0));
}

#[test]
fn what_does_not_agree_is_not_joined() {
    let client = || ("a", request(Role::Client, [10, 60], Some(55), None));
    let server = || request(Role::Server, [20, 40], Some(55), None);
    let joined = |rows: &[(&str, Request)]| assembled(rows)[0].parent.is_some();
    assert!(joined(&[("b", server()), client()]));
    assert!(!joined(&[("b", Request { duration: 61, ..server() }), client()]), "it cannot last longer");
    assert!(!joined(&[("b", Request { protocol: "redis", ..server() }), client()]));
    assert!(!joined(&[("b", Request { sequence: Some(56), ..server() }), client()]));
    assert!(!joined(&[("a", server()), client()]), "of one host the joiner has said all");
    assert!(!joined(&[("b", server()), client(), ("c", client().1)]), "two could be meant");
    let mut other = server();
    other.attributes = Attributes::default();
    other.attributes.text(names::URL_PATH, "/other");
    assert!(!joined(&[("b", other), client()]));
}

#[test]
fn a_traceparent_leads_through_what_changes_connections() {
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let with = |mut request: Request| {
        request.attributes.text(names::TRACEPARENT, header);
        request
    };
    let rows = [
        ("b", with(request(Role::Server, [20, 40], Some(1), None))),
        ("a", with(request(Role::Client, [10, 60], Some(2), None))),
    ];
    assert_eq!(assembled(&rows)[0].parent, Some((1, Evidence::Traceparent)));
}

/// Rows that say they brought each other about.
#[test]
fn nonsense_ends() {
    let rows = [
        ("a", request(Role::Server, [0, 10], None, place(1, 0, Some(1)))),
        ("a", request(Role::Client, [0, 10], None, place(1, 1, Some(0)))),
        ("b", request(Role::Server, [-9_999 * SECOND, 10], Some(3), place(1, 2, Some(2)))),
    ];
    assert_eq!(assembled(&rows).len(), 3);
}
