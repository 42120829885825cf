use std::sync::Arc;

use model::request::{Ends, Peer};
use model::{Attributes, ConnectionId, Endpoint};

use super::window::SECOND;
use super::*;

fn peer(address: &str, service: &str) -> Peer {
    let service = (!service.is_empty()).then(|| service.into());
    Peer { endpoint: Endpoint::Ip(address.parse().expect("an address")), service }
}

fn request(role: Role, client: &str, server: &str, name: &str) -> Request {
    Request {
        time: 0,
        duration: 2_000_000,
        role,
        protocol: "http",
        name: name.into(),
        error: None,
        ends: Arc::new(Ends {
            client: peer("10.0.0.7:40112", client),
            server: peer("10.0.0.9:80", server),
            process: None,
        }),
        tid: 0,
        request_bytes: 100,
        response_bytes: 200,
        attributes: Attributes::default(),
        connection: ConnectionId(1),
        waiting: false,
        incomplete: None,
        place: None,
        sequence: None,
    }
}

fn recent() -> Recent {
    Recent::new(Limits::default(), 0)
}

/// `client>server protocol name: side requests/total`, sorted.
fn lines(recent: &Recent, view: View, window: Window, now: Nanos) -> Vec<String> {
    let line = |row: Row| {
        let Subject { client, server, protocol, name } = &row.subject;
        let (side, requests) = (row.side.as_str(), row.figures.requests);
        format!("{client}>{server} {protocol} {name}: {side} {requests}/{}", row.total)
    };
    let mut lines: Vec<String> = recent.rows(view, window, now).into_iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn a_call_that_both_sides_see_is_counted_once() {
    let mut recent = recent();
    for _ in 0..3 {
        recent.record(&request(Role::Server, "shop", "nginx", "GET /"), SECOND);
        recent.record(&request(Role::Client, "shop", "nginx", "GET /"), SECOND);
    }
    // From another host, and to another host.
    recent.record(&request(Role::Server, "", "nginx", "GET /"), SECOND);
    recent.record(&request(Role::Client, "shop", "api.example.com", "GET /v1"), SECOND);
    let of = |view| lines(&recent, view, Window::Seconds, SECOND);
    assert_eq!(of(View::Services), [">api.example.com  : client 1/1", ">nginx  : server 4/4"]);
    assert_eq!(
        of(View::Operations),
        [">api.example.com http GET /v1: client 1/1", ">nginx http GET /: server 4/4"]
    );
    assert_eq!(
        of(View::Edges),
        ["10.0.0.7>nginx  : server 1/1", "shop>api.example.com  : client 1/1", "shop>nginx  : client 3/3"]
    );
}

#[test]
fn what_a_service_does_not_answer_any_more_is_told_by_its_clients() {
    let mut recent = recent();
    recent.record(&request(Role::Server, "shop", "nginx", "GET /"), SECOND);
    let failed = Request { error: Some("timeout".into()), ..request(Role::Client, "shop", "nginx", "GET /") };
    recent.record(&failed, 60 * SECOND);
    let rows = recent.rows(View::Services, Window::Seconds, 60 * SECOND);
    assert_eq!((rows[0].side, rows[0].figures.errors), (Role::Client, 1));
    assert_eq!(lines(&recent, View::Services, Window::Total, 60 * SECOND), [">nginx  : server 1/1"]);
}

#[test]
fn operations_add_up_to_their_service() {
    let mut recent = recent();
    for (role, name) in
        [(Role::Server, "GET /users/{id}"), (Role::Server, "GET /"), (Role::Client, "GET /users/7")]
    {
        recent.record(&request(role, "shop", "nginx", name), SECOND);
    }
    let expected = [">nginx http GET /: server 1/1", ">nginx http GET /users/{id}: server 1/1"];
    assert_eq!(lines(&recent, View::Operations, Window::Seconds, SECOND), expected);
}

#[test]
fn windows_slide() {
    let mut recent = recent();
    // One a second for ten minutes.
    for second in 0..600 {
        recent.record(&request(Role::Server, "shop", "nginx", "GET /"), second * SECOND + 1);
    }
    let at = |window, now| recent.rows(View::Services, window, now)[0].figures.requests;
    let now = 599 * SECOND + SECOND / 2;
    let counts = Window::ALL.map(|window| at(window, now));
    // With the slot that is being filled, and ten, twelve and ten before it.
    assert_eq!(counts, [11, 65, 330, 600]);
    for (window, count) in Window::ALL.into_iter().zip(counts) {
        let rate = count as f64 / recent.covered(window, now) as f64 * 1e9;
        assert!((rate - 1.0).abs() < 0.05, "{window:?}: {rate} a second");
    }
    // And nothing more comes.
    assert_eq!(at(Window::Seconds, 605 * SECOND), 5);
    assert_eq!(Window::ALL.map(|window| at(window, 610 * SECOND)), [0, 50, 300, 600]);
    assert_eq!(Window::ALL.map(|window| at(window, 10_000 * SECOND)), [0, 0, 0, 600]);
}

#[test]
fn what_has_just_begun_is_not_thinned_by_the_time_before() {
    let mut recent = Recent::new(Limits::default(), 1000 * SECOND);
    for _ in 0..20 {
        recent.record(&request(Role::Server, "shop", "nginx", "GET /"), 1001 * SECOND);
    }
    for window in Window::ALL {
        assert_eq!(recent.covered(window, 1002 * SECOND), 2 * SECOND, "{window:?}");
    }
}

#[test]
fn a_course_keeps_no_more_slots_than_its_windows_have() {
    let mut course = Course::default();
    let request = request(Role::Server, "shop", "nginx", "GET /");
    for number in 0..5000 {
        // With seconds left out, and back again, which no clock of this kind does.
        course.record(&request, (number + number / 1000 * (number % 1000)) * SECOND);
    }
    assert_eq!(course.slots(), [11, 13, 11]);
    assert_eq!(course.requests(), 5000);
}

#[test]
fn quantiles_errors_waits_and_bytes() {
    let mut recent = recent();
    for number in 1..=1000u64 {
        let mut request = request(Role::Server, "shop", "redis", "GET");
        request.duration = number * 10_000;
        request.error = number.is_multiple_of(50).then(|| "WRONGTYPE".into());
        recent.record(&request, SECOND);
    }
    let waiting =
        Request { waiting: true, duration: 60 * SECOND, ..request(Role::Server, "shop", "redis", "BLPOP") };
    recent.record(&waiting, SECOND);
    let rows = recent.rows(View::Services, Window::Seconds, SECOND);
    let figures = &rows[0].figures;
    assert_eq!((figures.requests, figures.errors, figures.waits), (1001, 20, 1));
    assert_eq!((figures.request_bytes, figures.response_bytes), (100_100, 200_200));
    assert_eq!(figures.longest(), Some(10_000_000), "a wait is no latency");
    for (part, expected) in [(0.5, 5e6), (0.95, 9.5e6), (0.99, 9.9e6)] {
        let found = figures.quantile(part).expect("values") as f64;
        assert!((found / expected - 1.0).abs() < 0.045, "{part}: {found}, not {expected}");
    }
    let only_waits = recent.rows(View::Operations, Window::Seconds, SECOND);
    let blpop = only_waits.iter().find(|row| row.subject.name == "BLPOP").expect("a row");
    assert_eq!((blpop.figures.quantile(0.5), blpop.figures.longest()), (None, None));
}

#[test]
fn what_finds_no_room_is_in_other_and_what_is_idle_is_forgotten() {
    let mut recent = Recent::new(Limits { series: 100, idle: 10 * SECOND }, 0);
    for number in 0..5000 {
        recent.record(&request(Role::Server, &format!("c{number}"), "nginx", &format!("/{number}")), SECOND);
    }
    let rows = recent.rows(View::Operations, Window::Seconds, SECOND);
    assert_eq!(rows.len(), 76);
    assert_eq!(rows.iter().map(|row| row.figures.requests).sum::<u64>(), 5000, "nothing is lost");
    let other = rows.iter().find(|row| row.subject.name == "other").expect("a row for the rest");
    assert_eq!((other.subject.server.as_str(), other.figures.requests), ("nginx", 4925));
    assert_eq!(lines(&recent, View::Services, Window::Seconds, SECOND), [">nginx  : server 5000/5000"]);
    assert_eq!(recent.counts().map(|counts| counts.overflowed), [4925, 4925]);
    recent.sweep(11 * SECOND);
    assert!(View::ALL.iter().all(|view| recent.rows(*view, Window::Total, 11 * SECOND).is_empty()));
    assert_eq!(recent.counts().map(|counts| counts.expired), [76, 76]);
}
