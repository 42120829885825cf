//! What arrives at receivers that do not always behave.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod common;

use std::time::{Duration, Instant};

use common::{Action, Receiver, destination, each, figures, offer, start, start_with, testing, until};
use model::Request;
use otlp::{Compression, Destination, Protocol, Sampling, Spool};
use tonic::Code;

const BOTH: [Protocol; 2] = [Protocol::Http, Protocol::Grpc];
const WHILE: Duration = Duration::from_secs(20);

#[test]
fn spans_and_metrics_arrive_however_they_are_sent() {
    each(BOTH, |protocol| {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let receiver = Receiver::start(protocol, &[]);
            let exporter = start(vec![Destination {
                compression,
                metrics: true,
                interval: Duration::from_millis(300),
                headers: vec![("X-Token".into(), "secret".into())],
                ..destination(&receiver.url(), protocol)
            }]);
            for _ in 0..10 {
                offer(&exporter, 1000);
            }
            until("spans", WHILE, || receiver.seen.count() == 10_000);
            until("points", WHILE, || *receiver.seen.points.lock().unwrap() >= 1);
            assert_eq!(receiver.seen.distinct(), 10_000);
            let headers = receiver.seen.headers.lock().unwrap().clone();
            let encoding = match compression {
                Compression::None => "None",
                Compression::Gzip => "Some(\"gzip\")",
                Compression::Zstd => "Some(\"zstd\")",
            };
            for told in headers {
                assert!(told.contains(encoding) && told.contains("Some(\"secret\")"), "{told}");
            }
            let ended = exporter.stop();
            assert!(ended.dropped == 0 && ended.sent >= 10_001, "{ended:?}");
        }
    });
}

#[test]
fn what_may_be_taken_later_is_sent_again() {
    let cases: [(Protocol, Vec<Action>); 2] = [
        (
            Protocol::Http,
            vec![
                Action::Http(429, None),
                Action::Http(502, None),
                Action::Reset,
                Action::Http(503, Some("0")),
                Action::Http(504, Some("nonsense")),
            ],
        ),
        (
            Protocol::Grpc,
            vec![
                Action::Grpc(Code::Unavailable, None),
                Action::Grpc(Code::ResourceExhausted, Some(0)),
                Action::Grpc(Code::Aborted, None),
                Action::Grpc(Code::DeadlineExceeded, None),
            ],
        ),
    ];
    each(cases, |(protocol, actions)| {
        let receiver = Receiver::start(protocol, &[]);
        let exporter = start(vec![destination(&receiver.url(), protocol)]);
        for (number, action) in actions.iter().enumerate() {
            receiver.seen.then(action.clone());
            offer(&exporter, 100);
            if !matches!(action, Action::Reset) {
                until("a word", WHILE, || exporter.problems().all(|(_, problem)| problem.is_some()));
                let problem = exporter.problems().next().unwrap().1.unwrap();
                assert!(problem.starts_with("takes nothing: "), "{action:?}: {problem}");
            }
            until("spans", WHILE, || receiver.seen.count() == 100 * (number + 1));
            until("peace", WHILE, || exporter.problems().all(|(_, problem)| problem.is_none()));
        }
        let figures = figures(&exporter);
        let count = actions.len() as u64;
        assert_eq!(figures["weir.agent.otlp.sent spans"], 100 * count);
        // A connection that breaks off when it is used again is replaced at once.
        let retries = figures["weir.agent.otlp.retries"];
        assert!((count - 1..=count).contains(&retries), "{retries}");
        let ended = exporter.stop();
        assert_eq!((ended.dropped, receiver.seen.distinct() as u64), (0, 100 * count));
    });
}

#[test]
fn a_receivers_wish_for_a_pause_is_kept_to() {
    let cases = [
        (Protocol::Http, Action::Http(503, Some("2"))),
        (Protocol::Grpc, Action::Grpc(Code::ResourceExhausted, Some(2))),
    ];
    each(cases, |(protocol, action)| {
        let receiver = Receiver::start(protocol, &[action]);
        let exporter = start(vec![destination(&receiver.url(), protocol)]);
        offer(&exporter, 10);
        until("spans", WHILE, || receiver.seen.count() == 10);
        let times = receiver.seen.times.lock().unwrap().clone();
        let pause = times[1] - times[0];
        assert!(pause >= Duration::from_secs(2) && pause < Duration::from_secs(4), "{pause:?}");
        exporter.stop();
    });
}

#[test]
fn what_is_refused_is_counted_and_holds_nobody_up() {
    let cases = [
        (Protocol::Http, vec![Action::Http(400, None), Action::Http(401, None), Action::Http(500, None)]),
        (
            Protocol::Grpc,
            vec![
                Action::Grpc(Code::InvalidArgument, None),
                Action::Grpc(Code::ResourceExhausted, None),
                Action::Grpc(Code::Internal, None),
            ],
        ),
    ];
    each(cases, |(protocol, script)| {
        let receiver = Receiver::start(protocol, &script);
        let exporter = start(vec![destination(&receiver.url(), protocol)]);
        for attempt in 1..=script.len() {
            offer(&exporter, 10);
            until("an attempt", WHILE, || receiver.seen.attempts() == attempt);
        }
        until("a word", WHILE, || figures(&exporter)["weir.agent.otlp.dropped spans refused"] == 30);
        let problem = exporter.problems().next().unwrap().1.unwrap();
        assert!(problem.starts_with("refuses spans: ") && problem.contains("not now"), "{problem}");
        offer(&exporter, 10);
        until("spans", WHILE, || receiver.seen.count() == 10);
        let ended = exporter.stop();
        assert_eq!((ended.sent, ended.dropped), (10, 30));
    });
}

#[test]
fn what_is_taken_in_part_is_not_sent_again() {
    each(BOTH, |protocol| {
        let receiver = Receiver::start(protocol, &[Action::Partly(3), Action::Partly(99)]);
        let exporter = start(vec![destination(&receiver.url(), protocol)]);
        offer(&exporter, 10);
        until("a message", WHILE, || figures(&exporter)["weir.agent.otlp.dropped spans rejected"] == 3);
        let problem = exporter.problems().next().unwrap().1.unwrap();
        assert_eq!(problem, "rejects 3 of 10 spans: too old");
        // A receiver that claims to have rejected more than there was.
        offer(&exporter, 10);
        until("a message", WHILE, || figures(&exporter)["weir.agent.otlp.dropped spans rejected"] == 13);
        let ended = exporter.stop();
        assert_eq!((ended.sent, ended.dropped, receiver.seen.attempts()), (7, 13, 2));
    });
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_long() {
    each(BOTH, |protocol| {
        let receiver = Receiver::start(protocol, &[Action::Hang]);
        let timeout = Duration::from_millis(300);
        let exporter = start(vec![Destination { timeout, ..destination(&receiver.url(), protocol) }]);
        offer(&exporter, 10);
        until("spans", WHILE, || receiver.seen.count() == 10);
        assert_eq!(exporter.stop().dropped, 0);
    });
}

#[test]
fn an_answer_that_makes_no_sense_is_one() {
    let receiver = Receiver::start(Protocol::Http, &[Action::Garbage]);
    let exporter = start(vec![destination(&receiver.url(), Protocol::Http)]);
    offer(&exporter, 10);
    until("a count", WHILE, || figures(&exporter)["weir.agent.otlp.sent spans"] == 10);
    assert_eq!((exporter.stop().dropped, receiver.seen.attempts()), (0, 1));
}

#[test]
fn a_receiver_that_is_away_for_a_while_misses_nothing() {
    each(BOTH, |protocol| {
        let receiver = Receiver::start(protocol, &[]);
        let address = receiver.address;
        let exporter = start(vec![destination(&receiver.url(), protocol)]);
        offer(&exporter, 500);
        until("spans", WHILE, || receiver.seen.count() == 500);
        let before = receiver.stop();
        for _ in 0..30 {
            offer(&exporter, 500);
            std::thread::sleep(Duration::from_millis(50));
        }
        let receiver = Receiver::at(protocol, address, &[]);
        until("the rest", WHILE, || before.count() + receiver.seen.count() == 31 * 500);
        let ended = exporter.stop();
        assert_eq!((ended.sent, ended.dropped), (31 * 500, 0));
    });
}

#[test]
fn the_queue_is_bounded_and_tells_what_it_dropped() {
    // Nobody listens there.
    let away = Destination {
        queue: 20_000,
        compression: Compression::None,
        ..destination("http://127.0.0.1:9", Protocol::Http)
    };
    let exporter = start(vec![away]);
    for _ in 0..20 {
        offer(&exporter, 4096);
        std::thread::sleep(Duration::from_millis(20));
    }
    until("a loss", WHILE, || figures(&exporter)["weir.agent.otlp.dropped spans queue full"] > 0);
    assert!(figures(&exporter)["weir.agent.otlp.queue.size memory"] <= 20_000);
    let lost = figures(&exporter)["weir.agent.spans.lost"];
    let began = Instant::now();
    let ended = exporter.stop();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!((ended.sent, ended.dropped), (0, 20 * 4096), "{lost} were lost before");
}

#[test]
fn a_restart_sends_what_lay_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    each(BOTH, |protocol| {
        let spool = || Some(Spool { folder: folder.path().join(format!("{protocol:?}")), size: 64 << 20 });
        let away = destination("http://127.0.0.1:9", protocol);
        let first = start(vec![Destination { queue: 4096, spool: spool(), ..away }]);
        for _ in 0..20 {
            offer(&first, 500);
            std::thread::sleep(Duration::from_millis(60));
        }
        let ended = first.stop();
        assert!(ended.dropped == 0 && ended.sent == 0 && ended.on_disk > 0, "{ended:?}");
        let receiver = Receiver::start(protocol, &[]);
        let second = start(vec![Destination { spool: spool(), ..destination(&receiver.url(), protocol) }]);
        offer(&second, 7);
        until("spans", WHILE, || receiver.seen.count() == 10_007);
        assert_eq!(receiver.seen.distinct(), 10_007);
        let ended = second.stop();
        assert_eq!((ended.sent, ended.dropped, ended.on_disk), (10_007, 0, 0));
    });
}

#[test]
fn several_destinations_do_not_hold_one_another_up() {
    let (http, grpc) = (Receiver::start(Protocol::Http, &[]), Receiver::start(Protocol::Grpc, &[]));
    let stuck = Receiver::start(Protocol::Http, &[Action::Hang]);
    let exporter = start(vec![
        destination(&stuck.url(), Protocol::Http),
        destination(&http.url(), Protocol::Http),
        Destination { compression: Compression::Zstd, ..destination(&grpc.url(), Protocol::Grpc) },
        Destination { metrics: true, spans: false, ..destination(&http.url(), Protocol::Http) },
    ]);
    offer(&exporter, 1000);
    until("spans", WHILE, || http.seen.count() == 1000 && grpc.seen.count() == 1000);
    let names: std::collections::HashSet<_> = exporter.problems().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names.len(), 4, "each has a name of its own: {names:?}");
    let ended = exporter.stop();
    assert_eq!((ended.sent >= 2001, ended.dropped), (true, 1000), "{ended:?}");
    assert_eq!(*http.seen.points.lock().unwrap(), 1, "the last figures are sent at the end");
}

#[test]
fn sampling_counts_what_it_leaves_out() {
    let receiver = Receiver::start(Protocol::Http, &[]);
    let sampling = Sampling { rate: 0.1, errors: true, slow: Some(1_000_000_000) };
    let exporter = start_with(vec![destination(&receiver.url(), Protocol::Http)], sampling);
    for _ in 0..10 {
        offer(&exporter, 1000);
    }
    let failed = Request { error: Some("503".into()), ..testing::request() };
    let slow = Request { duration: 2_000_000_000, ..testing::request() };
    assert!(exporter.offer([vec![failed; 100], vec![slow; 50]].concat()).is_empty());
    let figures = figures(&exporter);
    let count = |decision: &str| figures[&format!("weir.agent.spans {decision}")];
    assert_eq!((count("kept as an error"), count("kept as slow")), (100, 50));
    assert_eq!(count("kept by rate") + count("left out"), 10_000);
    assert!((850..1150).contains(&count("kept by rate")), "{figures:?}");
    let kept = count("kept by rate") + 150;
    until("spans", WHILE, || receiver.seen.count() as u64 == kept);
    assert_eq!(exporter.stop().sent, kept);
}
