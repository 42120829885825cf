use model::ConnectionId;
use model::request::Peer;
use model::tcp::{Counters, Growth, State};

use super::*;

fn peer(address: &str, service: &str) -> Peer {
    let service = (!service.is_empty()).then(|| service.into());
    Peer { endpoint: Endpoint::Ip(address.parse().expect("an address")), service }
}

fn connection(moment: Moment) -> Connection {
    Connection {
        time: 0,
        moment,
        id: ConnectionId(1),
        age: None,
        role: Role::Client,
        client: peer("10.0.0.7:40112", "shop"),
        server: peer("10.0.0.9:80", "nginx"),
        process: None,
        state: State::Established,
        connect: None,
        counters: Counters::default(),
        growth: Growth::default(),
    }
}

fn listening(address: &str, backlog: u32, drops: u32) -> Listening {
    Listening {
        time: 0,
        moment: Moment::GoesOn,
        id: ConnectionId(2),
        server: peer(address, "nginx"),
        process: None,
        backlog,
        limit: 511,
        drops,
    }
}

/// A line for each series: the metric, its labels, its value; of a histogram how many and their sum in microseconds.
fn lines(metrics: &ConnectionMetrics) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, metric) in METRICS.iter().enumerate() {
        let mut place = Some(Place::default());
        while let Some(from) = place {
            let mut series = Vec::new();
            place = metrics.collect(index, from, 2, &mut series);
            for series in series {
                let labels: Vec<String> = series.labels.values().iter().map(ToString::to_string).collect();
                let value = match &series.point {
                    Point::Count(count) => count.to_string(),
                    Point::Number(number) => number.to_string(),
                    Point::Histogram(histogram) => {
                        format!("{} of {:.0}", histogram.count(), histogram.sum(&ROUND_TRIPS) * 1e6)
                    }
                };
                let name = metric.name.strip_prefix("weir.tcp.").expect("the prefix");
                lines.push(format!("{name} {} {value}", labels.join(" ")));
            }
        }
    }
    lines
}

fn metrics(connections: &[Connection]) -> ConnectionMetrics {
    let mut metrics = ConnectionMetrics::new(Limits::default());
    connections.iter().for_each(|connection| metrics.record(connection, 0));
    metrics
}

#[test]
fn a_connection_from_its_beginning_to_its_end() {
    let rtt = |nanoseconds| Counters { rtt: Some(nanoseconds), ..Counters::default() };
    let moved = Growth {
        sent: 100,
        received: 900,
        segments_out: 3,
        segments_in: 4,
        retransmits: 1,
        ..Growth::default()
    };
    let metrics = metrics(&[
        Connection { connect: Some(2_000_000), counters: rtt(1_000), ..connection(Moment::Opened) },
        Connection { counters: rtt(3_000_000), growth: moved, ..connection(Moment::GoesOn) },
        Connection {
            counters: rtt(5_000_000),
            growth: Growth { sent: 11, ..Growth::default() },
            ..connection(Moment::Closed(Cause::RemoteReset))
        },
    ]);
    assert_eq!(
        lines(&metrics),
        [
            "connections.opened shop nginx 80 client 1",
            "connections.closed shop nginx 80 client remote_reset 1",
            "connections.active shop nginx 80 client 0",
            "connect.duration shop nginx 80 client 1 of 2000",
            "rtt shop nginx 80 client 2 of 8000",
            "retransmits shop nginx 80 client 1",
            "resets shop nginx 80 client receive 1",
            "bytes shop nginx 80 client transmit 111",
            "bytes shop nginx 80 client receive 900",
            "packets shop nginx 80 client transmit 3",
            "packets shop nginx 80 client receive 4",
        ],
        "the round trip of the handshake alone is the connect's time"
    );
}

#[test]
fn connects_that_fail_are_no_connections() {
    let again = Growth { retransmits: 6, segments_out: 7, ..Growth::default() };
    let metrics = metrics(&[
        connection(Moment::Failed(Cause::Refused)),
        Connection { growth: again, ..connection(Moment::Failed(Cause::TimedOut)) },
    ]);
    assert_eq!(
        lines(&metrics),
        [
            "connections.opened shop nginx 80 client 0",
            "connections.active shop nginx 80 client 0",
            "connect.failures shop nginx 80 client refused 1",
            "connect.failures shop nginx 80 client timeout 1",
            "retransmits shop nginx 80 client 6",
            "resets shop nginx 80 client receive 1",
            "packets shop nginx 80 client transmit 7",
        ]
    );
}

#[test]
fn the_active_are_those_of_the_last_look_that_ended() {
    let mut metrics = metrics(&[connection(Moment::GoesOn), connection(Moment::GoesOn)]);
    let active = |metrics: &ConnectionMetrics| {
        lines(metrics)
            .into_iter()
            .find_map(|line| line.strip_prefix("connections.active shop nginx 80 client ").map(str::to_owned))
    };
    assert_eq!(active(&metrics).as_deref(), Some("0"), "the look goes on");
    metrics.looked([].into_iter(), 0);
    assert_eq!(active(&metrics).as_deref(), Some("2"));
    metrics.record(&connection(Moment::GoesOn), 0);
    assert_eq!(active(&metrics).as_deref(), Some("2"), "the next look goes on");
    metrics.looked([].into_iter(), 0);
    assert_eq!(active(&metrics).as_deref(), Some("1"));
    metrics.looked([].into_iter(), 0);
    assert_eq!(active(&metrics).as_deref(), Some("0"));
}

#[test]
fn listeners_at_one_address_are_one_and_go_with_the_last_look() {
    let mut metrics = metrics(&[]);
    let (one, other) = (listening("0.0.0.0:80", 3, 7), listening("0.0.0.0:80", 4, 1));
    metrics.looked([&one, &other].into_iter(), 0);
    let expected = [
        "listen.backlog nginx 0.0.0.0 80 7",
        "listen.backlog.limit nginx 0.0.0.0 80 1022",
        "listen.drops nginx 0.0.0.0 80 8",
    ];
    assert_eq!(lines(&metrics), expected);
    metrics.looked([&one, &other].into_iter(), 0);
    assert_eq!(lines(&metrics), expected, "not added up over looks");
    metrics.looked([].into_iter(), 0);
    assert_eq!(lines(&metrics), [""; 0]);
}

#[test]
fn ports_of_unknown_sides_are_no_labels() {
    let one = Connection { role: Role::Unknown, ..connection(Moment::GoesOn) };
    let mut metrics = metrics(&[one]);
    metrics.looked([].into_iter(), 0);
    assert!(lines(&metrics).contains(&"connections.active shop nginx  unknown 1".to_owned()));
}
