//! Rows of several hosts, whose clocks differ.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

use model::trace::Evidence;
use traces::assemble::{Link, Node, Part, Place, Side, Wire, assemble};

const SECOND: i64 = 1_000_000_000;
const SEQUENCE: Link = Link::Found(Evidence::Sequence);
const THREAD: Link = Link::Found(Evidence::Thread);

fn request(
    side: Side,
    [time, length]: [i64; 2],
    sequence: Option<u32>,
    place: Option<Place>,
) -> Part<'static> {
    Part {
        side,
        begin: 10_000 * SECOND + time,
        length,
        asked: [Some("http"), None, Some("/items")],
        place,
        wire: sequence.map(|sequence| Wire { address: "10.0.0.1", port: 1, sequence }),
        ..Part::default()
    }
}

fn place(trace: i64, number: i64, parent: Option<i64>) -> Option<Place> {
    Some(Place { trace, number, parent: parent.map(|parent| (parent, Evidence::Thread)) })
}

fn assembled(rows: &[(&'static str, Part<'static>)]) -> Vec<Node> {
    let parts: Vec<_> = rows.iter().map(|(host, part)| Part { host: Some(host), ..*part }).collect();
    assemble(&parts)
}

/// On `a` a page is served, for which it asks `b`, whose clock is five seconds ahead; and `b` asks `c`, whose is an hour behind.
#[test]
fn a_trace_goes_from_host_to_host() {
    let hour = 3600 * SECOND;
    let rows = [
        ("c", request(Side::Server, [30 - hour, 20], Some(77), None)),
        ("b", request(Side::Client, [5 * SECOND + 25, 30], Some(77), place(9, 1, Some(0)))),
        ("b", request(Side::Server, [5 * SECOND + 20, 40], Some(55), place(9, 0, None))),
        ("a", request(Side::Client, [10, 60], Some(55), place(9, 1, Some(0)))),
        ("a", request(Side::Server, [0, 100], None, place(9, 0, None))),
        ("a", request(Side::Server, [0, 100], Some(56), None)),
    ];
    let nodes = assembled(&rows);
    let parents: Vec<_> = nodes.iter().map(|node| node.parent).collect();
    assert_eq!(
        parents,
        [Some((1, SEQUENCE)), Some((2, THREAD)), Some((3, SEQUENCE)), Some((4, THREAD)), None, None]
    );
    // Each is within the one that brought it about.
    for (node, (_, request)) in nodes.iter().zip(&rows) {
        let Some((parent, _)) = node.parent else { continue };
        let begin = request.begin + node.offset;
        let outer = rows[parent].1.begin + nodes[parent].offset;
        assert!(outer <= begin, "{node:?}");
        assert!(begin + request.length <= outer + rows[parent].1.length, "{node:?}");
    }
    assert_eq!((nodes[4].offset, nodes[3].offset), (0, 0));
}

#[test]
fn what_does_not_agree_is_not_joined() {
    let client = || ("a", request(Side::Client, [10, 60], Some(55), None));
    let server = || request(Side::Server, [20, 40], Some(55), None);
    let joined = |rows: &[(&'static str, Part<'static>)]| assembled(rows)[0].parent.is_some();
    assert!(joined(&[("b", server()), client()]));
    assert!(!joined(&[("b", Part { length: 61, ..server() }), client()]), "it cannot last longer");
    assert!(!joined(&[("b", Part { asked: [Some("redis"), None, None], ..server() }), client()]));
    assert!(!joined(&[("b", request(Side::Server, [20, 40], Some(56), None)), client()]));
    assert!(!joined(&[("a", server()), client()]), "of one host the joiner has said all");
    assert!(!joined(&[("b", server()), client(), ("c", client().1)]), "two could be meant");
    let other = Part { asked: [Some("http"), None, Some("/other")], ..server() };
    assert!(!joined(&[("b", other), client()]));
}

#[test]
fn a_traceparent_leads_through_what_changes_connections() {
    let with = |request: Part<'static>| Part { asked_by: Some("00f067aa0ba902b7"), ..request };
    let rows = [
        ("b", with(request(Side::Server, [20, 40], Some(1), None))),
        ("a", with(request(Side::Client, [10, 60], Some(2), None))),
    ];
    assert_eq!(assembled(&rows)[0].parent, Some((1, Link::Found(Evidence::Traceparent))));
}

/// `shop` asks by way of a proxy, which passes on the header as it was and, as the first answer is none, asks another process; and programs tell
/// of their own part.
#[test]
fn a_header_that_is_passed_on_is_not_the_proxys_own() {
    const TRACEPARENT: Link = Link::Found(Evidence::Traceparent);
    let place = |number: i64, parent: Option<(i64, Evidence)>| Some(Place { trace: 9, number, parent });
    let with = |side, times, place| Part { asked_by: Some("shop"), ..request(side, times, None, place) };
    let span = |id, side, times, asked_by| Part {
        span: Some(id),
        asked_by,
        place: None,
        ..request(side, times, None, None)
    };
    let sequence = |of| Some((of, Evidence::Sequence));
    let mut rows = [
        span("shop", Side::Client, [0, 1000], None),
        with(Side::Client, [10, 980], place(0, None)),
        with(Side::Server, [20, 960], place(1, sequence(0))),
        with(Side::Client, [30, 100], place(2, Some((1, Evidence::Traceparent)))),
        with(Side::Server, [40, 80], place(3, sequence(2))),
        // It ends after its answer was sent.
        span("first", Side::Server, [50, 500], Some("shop")),
        with(Side::Client, [200, 700], place(4, Some((1, Evidence::Queue)))),
        with(Side::Server, [210, 680], place(5, sequence(4))),
        span("second", Side::Server, [220, 100], Some("shop")),
    ]
    .map(|part| ("a", part));
    let parents: Vec<_> = assembled(&rows).iter().map(|node| node.parent).collect();
    let expected = [
        None,
        Some((0, TRACEPARENT)),
        Some((1, SEQUENCE)),
        Some((2, TRACEPARENT)),
        Some((3, SEQUENCE)),
        Some((4, TRACEPARENT)),
        Some((2, Link::Found(Evidence::Queue))),
        Some((6, SEQUENCE)),
        Some((7, TRACEPARENT)),
    ];
    assert_eq!(parents, expected);
    // By a clock that is so wrong that it may be either, it has what its program says.
    rows[8].1.begin -= 3 * SECOND;
    assert_eq!(assembled(&rows)[8].parent, Some((0, Link::Said)));
}

/// Rows that say they brought each other about.
#[test]
fn nonsense_ends() {
    let rows = [
        ("a", request(Side::Server, [0, 10], None, place(1, 0, Some(1)))),
        ("a", request(Side::Client, [0, 10], None, place(1, 1, Some(0)))),
        ("b", request(Side::Server, [-9_999 * SECOND, 10], Some(3), place(1, 2, Some(2)))),
    ];
    let nodes = assembled(&rows);
    assert_eq!(nodes.len(), 3);
    assert!(nodes.iter().any(|node| node.parent.is_none()), "{nodes:?}");
}
