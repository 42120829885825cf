//! `weir top` as it is seen, and what its keys do.

mod common;

use common::{check, http, ip, query, unix};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use model::{Request, Role};
use ratatui_core::backend::TestBackend;
use ratatui_core::style::{Color, Modifier};
use ratatui_core::terminal::Terminal;
use signals::Limits;
use signals::recent::{Recent, View, Window};
use weir_cli::text;
use weir_cli::top::screen::{draw, lines};
use weir_cli::top::{Health, Model, Outcome, Snapshot, Sort, Source};

const SECOND: u64 = 1_000_000_000;

/// Requests, and a clock that stands still.
struct Host {
    recent: Recent,
    now: u64,
}

impl Source for Host {
    fn look(&self, view: View, window: Window) -> Snapshot {
        let rows = self.recent.rows(view, window, self.now);
        Snapshot { rows, covered: self.recent.covered(window, self.now) }
    }
}

impl Host {
    fn new(rows: usize) -> Host {
        Host { recent: Recent::new(Limits { series: rows, ..Limits::default() }, 0), now: 0 }
    }

    /// Both sides of a call see it.
    fn call(&mut self, request: Request) {
        for role in [Role::Server, Role::Client] {
            self.recent.record(&Request { role, ..request.clone() }, self.now);
        }
    }
}

/// A host with a shop on it, after ten seconds.
fn shop() -> Host {
    let mut host = Host::new(1000);
    for tick in 0..1000u64 {
        host.now = tick * SECOND / 100;
        let to_shop = |request: Request| {
            request.with_ends(|ends| {
                ends.client = ip("127.0.0.1:40112", Some("nginx"));
                ends.server = ip("127.0.0.1:5055", Some("shop"));
            })
        };
        let duration = 800_000 + tick * tick * 7;
        for (name, code) in [("GET /", 200), ("GET /users/{id}", 200)] {
            host.call(Request { duration, ..to_shop(http(name, "/", code)) });
        }
        if tick % 20 == 0 {
            host.call(Request { duration: 9 * duration, ..to_shop(http("POST /orders", "/orders", 500)) });
        }
        let outside = http("GET /", "/", 200).with_ends(|ends| {
            ends.client = ip("203.0.113.9:50000", None);
        });
        host.recent.record(&Request { duration: duration / 3, ..outside }, host.now);
        let redis = |name: &str| Request {
            duration: 40_000 + tick * 30,
            ..query("redis", name).with_ends(|ends| {
                ends.client = ip("127.0.0.1:41000", Some("shop"));
                ends.server = ip("127.0.0.1:6379", Some("redis-server"));
            })
        };
        for _ in 0..3 {
            host.call(redis("GET"));
        }
        host.call(Request { error: Some("WRONGTYPE".into()), ..redis("LPUSH") });
        if tick % 100 == 0 {
            let waiting = Request {
                waiting: true,
                duration: 5 * SECOND,
                ..redis("BLPOP").with_ends(|ends| {
                    ends.server = unix("/run/q.sock");
                })
            };
            host.recent.record(&Request { role: Role::Client, ..waiting }, host.now);
            let remote = Request {
                role: Role::Client,
                duration: 31_000_000,
                ..http("POST /v1/payments/{id}/confirm-with-a-long-name", "/", 200).with_ends(|ends| {
                    ends.server = ip("93.184.216.34:80", Some("payments.eu-central-1.example.com"));
                    ends.client = ip("10.0.0.7:40112", Some("shop"));
                })
            };
            host.recent.record(&remote, host.now);
        }
    }
    host
}

fn health() -> Health {
    Health {
        records: 12_345.4,
        lost: vec![("ring full".into(), 0)],
        lost_bytes: 0,
        cpu: 0.031,
        resident: Some(45_300_000),
        kept: None,
        others: 0,
        forgotten: 3,
    }
}

fn screen(model: &mut Model, health: &Health, color: bool, size: (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a terminal");
    terminal.draw(|frame| draw(model, health, color, frame.buffer_mut())).expect("a drawing");
    terminal
}

/// The text on the screen, without the blanks at the ends of lines.
fn seen(model: &mut Model, health: &Health, size: (u16, u16)) -> String {
    let terminal = screen(model, health, true, size);
    let buffer = terminal.backend().buffer();
    let line = |y: u16| {
        let mut line: String = (0..size.0).map(|x| buffer[(x, y)].symbol()).collect();
        line.truncate(line.trim_end().len());
        line + "\n"
    };
    (0..size.1).map(line).collect()
}

fn press(model: &mut Model, host: &Host, keys: &[KeyCode]) -> Outcome {
    let press = |code: &KeyCode| model.key(KeyEvent::new(*code, KeyModifiers::NONE), host);
    keys.iter().map(press).last().unwrap_or(Outcome::Nothing)
}

fn typed(model: &mut Model, host: &Host, keys: &str) -> Outcome {
    press(model, host, &keys.chars().map(KeyCode::Char).collect::<Vec<_>>())
}

fn model(host: &Host) -> Model {
    let mut model = Model::default();
    model.refresh(host);
    model
}

#[test]
fn screens_are_as_their_golden_files() {
    let host = shop();
    for size in [(80, 24), (120, 40)] {
        let mut model = model(&host);
        let mut all = String::new();
        for keys in ["1", "2", "3", "?"] {
            typed(&mut model, &host, keys);
            all.push_str(&seen(&mut model, &health(), size));
            all.push_str("----\n");
        }
        check(&format!("top-{}.txt", size.0), &all);
        assert!(all.lines().all(|line| text::width(line) <= usize::from(size.0)));
    }
    let mut model = model(&host);
    check("top-once.txt", &lines(&model, 100));
    let lossy = Health { lost: vec![("ring full".into(), 1234)], lost_bytes: 5_000, others: 17, ..health() };
    typed(&mut model, &host, "/redis");
    check("top-filter.txt", &seen(&mut model, &lossy, (80, 24)));
}

#[test]
fn what_is_left_out_for_the_budget_is_said() {
    let host = shop();
    let mut model = model(&host);
    assert!(!seen(&mut model, &health(), (80, 24)).contains("CONNECTIONS"));
    let health = Health { kept: Some(0.125), ..health() };
    assert!(seen(&mut model, &health, (80, 24)).contains("ONLY 12.5 % OF CONNECTIONS"));
}

#[test]
fn nothing_is_drawn_beyond_a_small_screen() {
    let host = shop();
    let mut model = model(&host);
    for help in [false, true] {
        for size in (1..60).map(|width| (width, width % 12 + 1)) {
            model.help = help;
            assert!(!seen(&mut model, &health(), size).is_empty());
        }
    }
    assert!(seen(&mut Model::default(), &health(), (80, 24)).contains("no requests yet"));
}

#[test]
fn colours_are_where_the_terminal_has_them_and_the_chosen_row_everywhere() {
    let host = shop();
    for color in [true, false] {
        let mut model = model(&host);
        let terminal = screen(&mut model, &health(), color, (80, 24));
        let cells = terminal.backend().buffer().content();
        assert_eq!(cells.iter().any(|cell| cell.fg == Color::Red), color);
        assert!(color || cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        let chosen = cells.iter().filter(|cell| cell.modifier.contains(Modifier::REVERSED)).count();
        assert_eq!(chosen, 80, "the first row");
    }
}

fn names(model: &Model) -> Vec<String> {
    model.rows().iter().map(|shown| shown.text()).collect()
}

#[test]
fn keys_turn_to_views_windows_and_orders() {
    let host = shop();
    let mut model = model(&host);
    assert_eq!(names(&model)[..2], ["redis-server", "shop"]);
    press(&mut model, &host, &[KeyCode::Tab]);
    assert_eq!(model.view, View::Operations);
    press(&mut model, &host, &[KeyCode::BackTab, KeyCode::BackTab]);
    assert_eq!(model.view, View::Edges);
    typed(&mut model, &host, "1");
    assert_eq!(model.view, View::Services);
    for expected in [Window::Minute, Window::Minutes, Window::Total, Window::Seconds] {
        typed(&mut model, &host, "w");
        assert_eq!(model.window, expected);
    }
    typed(&mut model, &host, "s");
    assert_eq!((model.sort, names(&model)[0].as_str()), (Sort::Errors, "redis-server"));
    press(&mut model, &host, &[KeyCode::Left, KeyCode::Left]);
    assert_eq!((model.sort, names(&model)[0].as_str()), (Sort::Name, "/run/q.sock"));
    typed(&mut model, &host, "r");
    assert_eq!(names(&model)[0], "shop");
    typed(&mut model, &host, ">>>>");
    assert_eq!((model.sort, model.reversed), (Sort::P50, false));
    assert_eq!(names(&model)[0], "payments.eu-central-1.example.com");
    assert_eq!(names(&model).last().map(String::as_str), Some("/run/q.sock"), "what has no figure is last");
    typed(&mut model, &host, "r");
    assert_eq!(names(&model)[0], "redis-server");
    assert_eq!(names(&model).last().map(String::as_str), Some("/run/q.sock"), "in either order");
}

#[test]
fn the_chosen_row_stays_chosen_wherever_it_goes() {
    let mut host = shop();
    let mut model = model(&host);
    let chosen = |model: &mut Model| {
        let (rows, place) = model.visible(10);
        rows[place].text()
    };
    press(&mut model, &host, &[KeyCode::Down]);
    assert_eq!(chosen(&mut model), "shop");
    for _ in 0..9000 {
        host.recent.record(&http("GET /", "/", 200), host.now);
    }
    model.refresh(&host);
    assert_eq!((names(&model)[0].as_str(), chosen(&mut model).as_str()), ("nginx", "shop"));
    press(&mut model, &host, &[KeyCode::Home]);
    assert_eq!(chosen(&mut model), "nginx");
    press(&mut model, &host, &[KeyCode::End]);
    let last = names(&model).last().cloned().expect("a row");
    assert_eq!(chosen(&mut model), last);
    press(&mut model, &host, &[KeyCode::Down, KeyCode::PageDown]);
    assert_eq!(chosen(&mut model), last);
    press(&mut model, &host, &[KeyCode::PageUp]);
    assert_eq!(chosen(&mut model), "nginx");
}

#[test]
fn long_lists_scroll() {
    let mut host = Host::new(1000);
    for number in 0..100 {
        host.recent.record(&http(&format!("GET /{number:02}"), "/", 200), SECOND);
    }
    let mut model = Model::new(View::Operations, Window::Seconds, Sort::Name);
    model.refresh(&host);
    let shown = |model: &mut Model, keys: &[KeyCode]| {
        press(model, &host, keys);
        let (rows, place) = model.visible(10);
        assert_eq!(rows.len(), 10);
        (rows[0].row.subject.name.to_string(), rows[place].row.subject.name.to_string())
    };
    let pair = |top: &str, chosen: &str| (format!("GET /{top}"), format!("GET /{chosen}"));
    assert_eq!(shown(&mut model, &[]), pair("00", "00"));
    assert_eq!(shown(&mut model, &[KeyCode::Down; 9]), pair("00", "09"));
    assert_eq!(shown(&mut model, &[KeyCode::Down]), pair("01", "10"));
    assert_eq!(shown(&mut model, &[KeyCode::Up; 9]), pair("01", "01"));
    assert_eq!(shown(&mut model, &[KeyCode::End]), pair("90", "99"));
    assert_eq!(shown(&mut model, &[KeyCode::PageUp]), pair("90", "90"));
    assert_eq!(shown(&mut model, &[KeyCode::Home]), pair("00", "00"));
}

#[test]
fn enter_opens_a_service_and_esc_leads_back() {
    let host = shop();
    let mut model = model(&host);
    press(&mut model, &host, &[KeyCode::Down, KeyCode::Enter]);
    assert_eq!((model.view, model.service()), (View::Operations, Some("shop")));
    assert_eq!(names(&model), ["shop http GET /", "shop http GET /users/{id}", "shop http POST /orders"]);
    assert!(seen(&mut model, &health(), (80, 24)).contains("operations of shop"));
    assert_eq!(press(&mut model, &host, &[KeyCode::Enter]), Outcome::Nothing);
    typed(&mut model, &host, "/orders");
    press(&mut model, &host, &[KeyCode::Enter]);
    assert_eq!(names(&model), ["shop http POST /orders"]);
    press(&mut model, &host, &[KeyCode::Esc]);
    assert_eq!((names(&model).len(), model.service()), (3, Some("shop")), "first the filter goes");
    press(&mut model, &host, &[KeyCode::Esc]);
    assert_eq!((model.view, model.service()), (View::Services, None));
    let (rows, place) = model.visible(10);
    assert_eq!(rows[place].text(), "shop", "where one came from");
    assert_eq!(press(&mut model, &host, &[KeyCode::Esc]), Outcome::Nothing);
    typed(&mut model, &host, "3");
    press(&mut model, &host, &[KeyCode::Enter]);
    assert_eq!(model.service(), Some("redis-server"), "of an edge it is who answers");
    typed(&mut model, &host, "2");
    assert_eq!((model.view, model.service()), (View::Operations, None));
}

#[test]
fn a_filter_applies_as_it_is_typed() {
    let host = shop();
    let mut model = model(&host);
    let all = names(&model).len();
    typed(&mut model, &host, "/REDISq1");
    assert_eq!((model.filter(), names(&model).len()), (("REDISq1", true), 0), "letters are no commands now");
    assert!(seen(&mut model, &health(), (80, 24)).contains("nothing fits the filter"));
    press(&mut model, &host, &[KeyCode::Backspace, KeyCode::Backspace]);
    assert_eq!((names(&model), model.left_out()), (vec!["redis-server".to_owned()], all - 1));
    press(&mut model, &host, &[KeyCode::Enter]);
    assert_eq!(model.filter(), ("REDIS", false));
    typed(&mut model, &host, "/x");
    press(&mut model, &host, &[KeyCode::Esc]);
    assert_eq!(model.filter(), ("REDIS", false), "as it was");
    press(&mut model, &host, &[KeyCode::Esc]);
    assert_eq!(names(&model).len(), all);
    typed(&mut model, &host, "2/shop*orders");
    assert_eq!(names(&model), ["shop http POST /orders"]);
    let clear = KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL);
    model.key(clear, &host);
    typed(&mut model, &host, &"x".repeat(1000));
    assert_eq!(model.filter().0.len(), 200);
}

#[test]
fn a_pause_holds_every_view_and_window() {
    let mut host = shop();
    let mut model = model(&host);
    typed(&mut model, &host, " ");
    assert!(model.is_paused() && seen(&mut model, &health(), (80, 24)).contains("PAUSED"));
    let before = names(&model);
    for _ in 0..9000 {
        host.recent.record(&http("GET /new", "/", 200), host.now);
    }
    model.refresh(&host);
    assert_eq!(names(&model), before);
    typed(&mut model, &host, "2w");
    assert!(!names(&model).iter().any(|name| name.contains("/new")));
    typed(&mut model, &host, " ");
    assert!(names(&model)[0].contains("/new"));
}

#[test]
fn q_and_ctrl_c_end_and_any_key_leaves_the_help() {
    let host = shop();
    let mut model = model(&host);
    let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(typed(&mut model, &host, "?"), Outcome::Show);
    assert!(model.help);
    assert_eq!(press(&mut model, &host, &[KeyCode::Esc]), Outcome::Show);
    assert!(!model.help);
    assert_eq!(typed(&mut model, &host, "x"), Outcome::Nothing);
    typed(&mut model, &host, "/a");
    assert_eq!(model.key(control, &host), Outcome::Quit);
    press(&mut model, &host, &[KeyCode::Esc]);
    assert_eq!(typed(&mut model, &host, "q"), Outcome::Quit);
    assert_eq!(typed(&mut model, &host, "?q"), Outcome::Quit);
}

#[test]
fn what_the_network_says_does_nothing_to_the_terminal() {
    let mut host = Host::new(10);
    host.call(http("GET /\u{1b}[2J\u{202e}x\u{200b}", "/", 200));
    let mut model = Model::new(View::Operations, Window::Total, Sort::Rate);
    model.refresh(&host);
    let found = seen(&mut model, &health(), (80, 24));
    assert!(found.contains("GET /␛[2J�x�"), "{found}");
    assert!(!lines(&model, 80).contains(['\u{1b}', '\u{202e}', '\u{200b}']));
}
