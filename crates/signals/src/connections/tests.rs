use model::ConnectionId;
use model::request::Peer;
use model::sums::{Spread, Summed, Totals};
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

fn spread(micros: &[u32]) -> Spread {
    let mut spread = Spread::default();
    micros.iter().for_each(|micros| spread.add(*micros));
    spread
}

fn summed(moment: Moment, totals: Totals) -> Summed {
    let Connection { role, client, server, .. } = connection(moment);
    Summed { role, client, server, moment, totals: Box::new(totals) }
}

#[test]
fn sums_become_the_series_that_the_single_connections_would() {
    let totals = Totals {
        number: 3,
        sent: 300,
        received: 2700,
        segments_out: 9,
        segments_in: 12,
        retransmits: 1,
        connect: spread(&[100, 200, 300]),
        rtt: spread(&[50, 51]),
        lifetime: spread(&[1_000, 1_001, 5_000_000]),
        ..Totals::default()
    };
    let mut together = ConnectionMetrics::new(Limits::default());
    together.record_sums(&summed(Moment::Closed(Cause::RemoteReset), totals), 0);
    let failed = Totals { number: 2, segments_out: 4, retransmits: 2, ..Totals::default() };
    together.record_sums(&summed(Moment::Failed(Cause::TimedOut), failed), 0);

    let micros = |micros: u64| Some(micros * 1000);
    let mut single = Vec::new();
    for (number, (connect, age)) in [(100, 1_000), (200, 1_001), (300, 5_000_000)].into_iter().enumerate() {
        let growth = Growth {
            sent: 100,
            received: 900,
            segments_out: 3,
            segments_in: 4,
            retransmits: u32::from(number == 0),
            ..Growth::default()
        };
        let rtt = [50, 51].get(number).and_then(|rtt| micros(*rtt));
        let counters = Counters { rtt, ..Counters::default() };
        single.push(Connection { connect: micros(connect), ..connection(Moment::Opened) });
        let age = micros(age);
        single.push(Connection { growth, counters, age, ..connection(Moment::Closed(Cause::RemoteReset)) });
    }
    for _ in 0..2 {
        let growth = Growth { segments_out: 2, retransmits: 1, ..Growth::default() };
        single.push(Connection { growth, ..connection(Moment::Failed(Cause::TimedOut)) });
    }
    let single = metrics(&single);
    assert_eq!(lines(&together), lines(&single));
    assert!(lines(&together).contains(&"connections.opened shop nginx 80 client 3".to_owned()));
    assert!(lines(&together).contains(&"connection.duration shop nginx 80 client 3 of 5002001".to_owned()));
    let histograms = |metrics: &ConnectionMetrics| {
        let of = |edge: &Edge| format!("{:?} {:?} {:?}", edge.connect, edge.rtt, edge.lifetime);
        let mut all = Vec::new();
        metrics.edges.visit(0, 10, u64::MAX, |series| all.push(of(series.value)));
        all
    };
    assert_eq!(histograms(&together), histograms(&single), "in every bucket");
}

#[test]
fn sums_go_to_other_where_there_is_no_room_and_are_forgotten_when_idle() {
    let mut metrics = ConnectionMetrics::new(Limits { series: 4, idle: 1000 });
    for port in 0..10 {
        let mut summed = summed(Moment::Closed(Cause::LocalFin), Totals { number: 7, ..Totals::default() });
        summed.server = peer(&format!("10.0.0.9:{}", 80 + port), "nginx");
        metrics.record_sums(&summed, 0);
    }
    let opened = |metrics: &ConnectionMetrics| {
        let lines = lines(metrics).into_iter();
        lines.filter(|line| line.starts_with("connections.opened")).collect::<Vec<_>>()
    };
    let told = opened(&metrics);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told.contains(&"connections.opened shop nginx other client 49".to_owned()), "{told:?}");
    let overflowed: u64 = metrics.counts().map(|(_, _, counts)| counts.overflowed).sum();
    assert_eq!(overflowed, 14, "seven ports, each opened and closed");
    metrics.sweep(2000);
    assert_eq!(opened(&metrics), [""; 0]);
}

#[test]
fn what_stands_for_all_public_addresses_is_one() {
    let server = peer("10.0.0.9:80", "nginx");
    let client = peer("1.0.0.0:0", "");
    let [client, ..] = edge(&client, &server, Role::Server);
    assert_eq!(client, Cell::Text(model::INTERNET));
}

/// Otherwise a bucket of a sum would lie in two of the metric's.
#[test]
fn bounds_are_among_those_of_sums() {
    let longest = model::sums::bounds().last().map_or(0, |bound| u64::from(*bound) * 1000);
    let bounds = ROUND_TRIPS.bounds.iter().chain(LIFETIMES.bounds);
    for bound in bounds.filter(|bound| **bound <= longest) {
        let micros = u32::try_from(bound / 1000).expect("they are no longer than a sum's");
        assert!(bound % 1000 == 0 && model::sums::bounds().contains(&micros), "{bound} ns");
    }
}

#[test]
fn how_values_are_spread_is_told_of_the_last_interval() {
    let mut metrics = ConnectionMetrics::new(Limits::default());
    let told = |metrics: &ConnectionMetrics| -> Vec<String> {
        let lines =
            lines(metrics).into_iter().filter(|line| line.contains("rtt.") || line.contains("duration."));
        lines
            .filter_map(|line| {
                Some(line.replace(" shop nginx 80 client", "")).filter(|line| !line.contains(" of "))
            })
            .collect()
    };
    let totals = |micros: &[u32]| Totals { number: 1, rtt: spread(micros), ..Totals::default() };
    metrics.record_sums(&summed(Moment::Closed(Cause::LocalFin), totals(&[100])), 0);
    let rtt = Counters { rtt: Some(300_000), ..Counters::default() };
    metrics.record(&Connection { counters: rtt, ..connection(Moment::GoesOn) }, 0);
    assert_eq!(told(&metrics), [""; 0], "the interval is not over");
    metrics.looked([].into_iter(), 0);
    // Of 100 and 300 microseconds.
    assert_eq!(told(&metrics), ["rtt.min 0.0001", "rtt.max 0.0003", "rtt.deviation 0.0001"]);
    metrics.record_sums(&summed(Moment::Closed(Cause::LocalFin), totals(&[200])), 0);
    metrics.record(&Connection { connect: Some(7_000), ..connection(Moment::Opened) }, 0);
    metrics.looked([].into_iter(), 0);
    let connects =
        ["connect.duration.min 0.000007", "connect.duration.max 0.000007", "connect.duration.deviation 0"];
    assert_eq!(
        told(&metrics),
        [&connects[..], &["rtt.min 0.0002", "rtt.max 0.0002", "rtt.deviation 0"]].concat()
    );
    metrics.looked([].into_iter(), 0);
    assert_eq!(told(&metrics), [""; 0]);
}

#[test]
fn another_process_goes_on_with_them() {
    use crate::carry::Carried;
    use crate::{Figures, RequestMetrics, Source, agent};

    struct Only(ConnectionMetrics);
    impl Source for Only {
        fn look<R>(&self, look: impl FnOnce(&[&dyn Collect]) -> R) -> R {
            look(&[&self.0])
        }
    }
    let mut old = ConnectionMetrics::new(Limits::default());
    let opened = Connection { connect: Some(80_000), ..connection(Moment::Opened) };
    let growth = Growth { sent: 100, received: 300, segments_out: 2, retransmits: 1, ..Growth::default() };
    let closed = Connection { growth, ..connection(Moment::Closed(Cause::RemoteReset)) };
    for one in [&opened, &closed, &connection(Moment::Failed(Cause::Refused))] {
        old.record(one, 10);
    }
    let before = lines(&old);
    let mut new = ConnectionMetrics::new(Limits::default());
    let (mut requests, mut figures) =
        (RequestMetrics::new(Limits::default()), Figures::new(agent::METRICS, 0));
    assert_eq!(Carried::of(&Only(old)).resume(&mut requests, &mut new, &mut figures, 20), 0);
    assert_eq!(lines(&new), before);
    [&opened, &closed].into_iter().for_each(|one| new.record(one, 30));
    let lines = lines(&new);
    assert!(lines.contains(&"connections.opened shop nginx 80 client 2".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"bytes shop nginx 80 client receive 600".to_owned()), "{lines:#?}");
}
