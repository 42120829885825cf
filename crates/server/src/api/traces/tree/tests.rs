use super::*;

struct Row {
    host: &'static str,
    role: &'static str,
    name: &'static str,
    times: (i64, i64),
    place: Option<(&'static str, i64, Option<i64>, &'static str)>,
    header: Option<(&'static str, &'static str)>,
    stream: Option<(i64, i64)>,
}

impl Default for Row {
    fn default() -> Self {
        Row { host: "a", role: "server", name: "", times: (0, 0), place: None, header: None, stream: None }
    }
}

const MS: i64 = 1_000_000;

impl Row {
    fn part(self) -> Part {
        let mut cells = vec![
            ("time", Cell::Number(self.times.0 * MS)),
            ("duration", Cell::Number(self.times.1 * MS)),
            ("host.name", Cell::Text(self.host.into())),
            ("role", Cell::Text(self.role.into())),
            ("name", Cell::Text(self.name.into())),
            ("network.protocol.name", Cell::Text("http".into())),
            ("weir.client.address", Cell::Text("10.0.0.1".into())),
            ("weir.connection", Cell::Text(format!("{:016x}", self.name.len() * 7 + self.role.len()))),
        ];
        if let Some((trace, span, parent, evidence)) = self.place {
            cells.push(("weir.trace", Cell::Text(trace.into())));
            cells.push(("weir.span", Cell::Number(span)));
            if let Some(parent) = parent {
                cells.push(("weir.parent", Cell::Number(parent)));
                cells.push(("weir.evidence", Cell::Text(evidence.into())));
            }
        }
        if let Some((trace, parent)) = self.header {
            cells.push(("trace_id", Cell::Text(trace.into())));
            cells.push(("parent_span_id", Cell::Text(parent.into())));
        }
        if let Some((port, sequence)) = self.stream {
            cells.push(("weir.client.port", Cell::Number(port)));
            cells.push(("weir.sequence", Cell::Number(sequence)));
        }
        let (columns, row): (Vec<_>, Vec<_>) =
            cells.into_iter().map(|(name, cell)| (name.to_owned(), cell)).unzip();
        Part::of_request(&columns, row)
    }
}

fn sdk(name: &str, kind: &str, id: &str, parent: &str, times: (i64, i64)) -> Part {
    let cells = [
        ("time", Cell::Number(times.0 * MS)),
        ("duration", Cell::Number(times.1 * MS)),
        ("name", Cell::Text(name.into())),
        ("kind", Cell::Text(kind.into())),
        ("trace_id", Cell::Text("t".into())),
        ("span_id", Cell::Text(id.into())),
        ("parent_span_id", if parent.is_empty() { Cell::Null } else { Cell::Text(parent.into()) }),
    ];
    let (columns, row): (Vec<_>, Vec<_>) =
        cells.into_iter().map(|(name, cell)| (name.to_owned(), cell)).unzip();
    Part::of_span(&columns, row)
}

/// Depth, name, evidence.
fn shown(spans: &[Span]) -> Vec<(u32, &str, &str)> {
    spans
        .iter()
        .map(|span| (span.depth, span.name.as_str(), span.evidence.as_deref().unwrap_or("")))
        .collect()
}

#[test]
fn a_hosts_own_joins_and_the_other_ends_on_another_host_make_one_tree() {
    let row = Row::default;
    let parts = vec![
        Row { name: "proxy", times: (0, 100), place: Some(("1", 0, None, "")), ..row() }.part(),
        Row {
            name: "to app",
            role: "client",
            times: (5, 90),
            place: Some(("1", 1, Some(0), "queue")),
            stream: Some((4000, 77)),
            ..row()
        }
        .part(),
        // The clock of this host is 20 ms late.
        Row {
            host: "b",
            name: "app",
            times: (-14, 88),
            place: Some(("9", 0, None, "")),
            stream: Some((4000, 77)),
            ..row()
        }
        .part(),
        Row {
            host: "b",
            name: "to db",
            role: "client",
            times: (0, 40),
            place: Some(("9", 1, Some(0), "thread")),
            ..row()
        }
        .part(),
        // Its port is the same by chance.
        Row { host: "c", name: "else", role: "client", times: (0, 40), stream: Some((4000, 78)), ..row() }
            .part(),
    ];
    let spans = tree(parts);
    let expected = [
        (0, "proxy", ""),
        (1, "to app", "queue"),
        (2, "app", "sequence"),
        (3, "to db", "thread"),
        (0, "else", ""),
    ];
    assert_eq!(shown(&spans), expected);
}

#[test]
fn spans_of_programs_and_requests_that_were_seen_are_one_trace() {
    let header = |parent| Some(("t", parent));
    let row = Row::default;
    let parts = vec![
        sdk("handler", "server", "s1", "c1", (2, 90)),
        sdk("call", "client", "c2", "s1", (10, 50)),
        Row { name: "GET /", times: (1, 95), header: header("c1"), place: Some(("1", 0, None, "")), ..row() }
            .part(),
        Row {
            name: "GET /b",
            role: "client",
            times: (11, 48),
            header: header("c2"),
            place: Some(("1", 1, Some(0), "thread")),
            ..row()
        }
        .part(),
        Row { host: "b", name: "GET /b", times: (12, 46), header: header("c2"), ..row() }.part(),
        sdk("remote handler", "server", "s2", "c2", (13, 44)),
        sdk("work", "internal", "i1", "s2", (14, 10)),
    ];
    let spans = tree(parts);
    let expected = [
        (0, "GET /", ""),
        (1, "handler", "traceparent"),
        (2, "call", "span"),
        (3, "GET /b", "traceparent"),
        (4, "GET /b", "traceparent"),
        (5, "remote handler", "traceparent"),
        (6, "work", "span"),
    ];
    assert_eq!(shown(&spans), expected);
}

#[test]
fn time_is_told_once() {
    let parts = vec![
        sdk("root", "server", "r", "", (0, 100)),
        sdk("first", "client", "a", "r", (10, 30)),
        sdk("beside it, and shorter", "client", "b", "r", (15, 10)),
        sdk("second", "client", "c", "r", (50, 40)),
    ];
    let spans = tree(parts);
    let figures = |name: &str| {
        let span = spans.iter().find(|span| span.name == name).expect("span");
        ((span.own * 1e3).round() as i64, (span.critical * 1e3).round() as i64)
    };
    assert_eq!(figures("root"), (30, 30));
    assert_eq!(figures("first"), (30, 30));
    assert_eq!(figures("beside it, and shorter"), (10, 0));
    assert_eq!(figures("second"), (40, 40));
    let total: f64 = spans.iter().map(|span| span.critical).sum();
    assert!((total - 0.1).abs() < 1e-9, "{total}");
}

#[test]
fn what_goes_round_in_a_circle_is_cut() {
    let parts = vec![
        sdk("one", "internal", "a", "b", (0, 10)),
        sdk("two", "internal", "b", "c", (0, 10)),
        sdk("three", "internal", "c", "a", (0, 10)),
        sdk("itself", "internal", "d", "d", (0, 10)),
        sdk("lost", "internal", "e", "nobody", (0, 10)),
    ];
    let spans = tree(parts);
    assert_eq!(spans.len(), 5, "{:?}", shown(&spans));
    assert_eq!(spans.iter().filter(|span| span.depth == 0).count(), 3);
}

#[test]
fn thousands_of_spans_take_no_time() {
    let parts = (0..10_000)
        .map(|n| {
            sdk(
                "n",
                "internal",
                &n.to_string(),
                &if n == 0 { String::new() } else { (n - 1).to_string() },
                (n, 20_000),
            )
        })
        .collect();
    let began = std::time::Instant::now();
    let spans = tree(parts);
    assert_eq!(spans.last().map(|span| span.depth), Some(9_999));
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
