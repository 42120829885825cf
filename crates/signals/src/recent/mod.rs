//! How requests go at this moment: by service, by operation, and by who asks whom.
//!
//! A call between two processes of a host is seen twice. No row has both: what a service answers is counted as it saw it itself,
//! and as its clients here saw it only where it is not of this host; who asks whom is counted as the client saw it, and as the
//! server did only where the client is not of this host. What was seen decides, for a row and a window at a time.

mod window;

use model::{Nanos, Request, Role, Text};
use std::collections::HashMap;

use crate::Label;
use crate::ends;
use crate::labels::{Cell, Value};
use crate::table::{Counts, Limits, Table, Visited};

use window::Course;
pub use window::{Figures, Window};

/// What rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Who answers.
    #[default]
    Services,
    /// What they are asked.
    Operations,
    /// Who asks whom.
    Edges,
}

impl View {
    /// All of them.
    pub const ALL: [View; 3] = [View::Services, View::Operations, View::Edges];

    /// `services`, `operations` or `edges`.
    pub fn as_str(self) -> &'static str {
        match self {
            View::Services => "services",
            View::Operations => "operations",
            View::Edges => "edges",
        }
    }
}

/// What a row is of; what its view does not tell apart is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Subject {
    /// Who asks: of edges.
    pub client: Text,
    /// Who answers.
    pub server: Text,
    /// The protocol: of operations.
    pub protocol: Text,
    /// What is asked: of operations.
    pub name: Text,
}

/// What a window has of a subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is of.
    pub subject: Subject,
    /// The side that saw it.
    pub side: Role,
    /// What was counted.
    pub figures: Figures,
    /// How many requests there were since it began, on the same side.
    pub total: u64,
}

/// What was seen on either side.
#[derive(Debug, Default)]
struct Sides {
    client: Option<Box<Course>>,
    server: Option<Box<Course>>,
}

impl Sides {
    fn record(&mut self, request: &Request, now: Nanos) {
        // As metrics have it: who is not known to serve is a client.
        let side = if request.role == Role::Server { &mut self.server } else { &mut self.client };
        side.get_or_insert_default().record(request, now);
    }

    fn sum(&self, window: Window, now: Nanos) -> Seen {
        let of = |course: &Option<Box<Course>>| {
            let mut sum = Sum::default();
            if let Some(course) = course {
                course.sum(window, now, &mut sum.figures);
                sum.total = course.requests();
            }
            sum
        };
        Seen { client: of(&self.client), server: of(&self.server) }
    }
}

#[derive(Debug, Default)]
struct Sum {
    figures: Figures,
    total: u64,
}

impl Sum {
    fn merge(&mut self, other: &Sum) {
        self.figures.merge(&other.figures);
        self.total += other.total;
    }
}

/// What a window has of either side.
#[derive(Debug, Default)]
struct Seen {
    client: Sum,
    server: Sum,
}

impl Seen {
    /// The preferred side if anything was seen there, now or ever; else the other.
    fn side(&self, preferred: Role) -> Role {
        let (first, second) = match preferred {
            Role::Server => ((Role::Server, &self.server), (Role::Client, &self.client)),
            _ => ((Role::Client, &self.client), (Role::Server, &self.server)),
        };
        let is_there = |sum: &Sum| sum.figures.requests > 0;
        match (is_there(first.1), is_there(second.1)) {
            (false, true) => second.0,
            (false, false) if first.1.total == 0 => second.0,
            _ => first.0,
        }
    }

    fn row(self, subject: Subject, side: Role) -> Row {
        let Sum { figures, total } = if side == Role::Server { self.server } else { self.client };
        Row { subject, side, figures, total }
    }
}

static OPERATION: &[Label] = &[
    Label::closed("server", "who answers"),
    Label::closed("network.protocol.name", "the protocol"),
    Label::open("weir.request.name", "what was asked"),
];

static EDGE: &[Label] = &[Label::open("client", "who asks"), Label::closed("server", "who answers")];

/// Requests as they are at this moment. Time comes in with each call, of a monotonic clock.
#[derive(Debug)]
pub struct Recent {
    began: Nanos,
    operations: Table<Sides>,
    edges: Table<Sides>,
}

impl Recent {
    /// Begins at `now` without any. The limits are for operations and for edges; services are made of operations.
    pub fn new(limits: Limits, now: Nanos) -> Recent {
        Recent { began: now, operations: Table::new(OPERATION, limits), edges: Table::new(EDGE, limits) }
    }

    /// Counts a request that was finished by `now`.
    pub fn record(&mut self, request: &Request, now: Nanos) {
        let (client, server) = (ends::end(&request.ends.client), ends::end(&request.ends.server));
        let operation = [server, Cell::Text(request.protocol), Cell::text(&request.name)];
        if let Some(sides) = self.operations.at(&operation, now) {
            sides.record(request, now);
        }
        if let Some(sides) = self.edges.at(&[client, server], now) {
            sides.record(request, now);
        }
    }

    /// Forgets what is idle. Call it every few seconds.
    pub fn sweep(&mut self, now: Nanos) {
        self.operations.sweep(now);
        self.edges.sweep(now);
    }

    /// What became of operations and edges for which there was no room, or that were idle.
    pub fn counts(&self) -> [Counts; 2] {
        [self.operations.counts(), self.edges.counts()]
    }

    /// For how long that which `window` has at `now` was counted: nanoseconds, at least one.
    pub fn covered(&self, window: Window, now: Nanos) -> Nanos {
        now.saturating_sub(window.since(now, self.began)).max(1)
    }

    /// The rows of `view`, in no order. There is one for all that is kept, also where the window has nothing of it.
    pub fn rows(&self, view: View, window: Window, now: Nanos) -> Vec<Row> {
        match view {
            View::Services => {
                let services = self.services(window, now).into_iter();
                let row = |(server, seen): (Text, Seen)| {
                    let side = seen.side(Role::Server);
                    seen.row(Subject { server, ..Subject::default() }, side)
                };
                services.map(row).collect()
            }
            View::Operations => self.operation_rows(window, now),
            View::Edges => {
                let mut rows = Vec::with_capacity(self.edges.len());
                each(&self.edges, |labels, sides| {
                    let seen = sides.sum(window, now);
                    let side = seen.side(Role::Client);
                    let [client, server] = [text(labels.first()), text(labels.get(1))];
                    rows.push(seen.row(Subject { client, server, ..Subject::default() }, side));
                });
                rows
            }
        }
    }

    /// An operation is told as its service is, so that the operations of a service add up to it.
    fn operation_rows(&self, window: Window, now: Nanos) -> Vec<Row> {
        let sides: HashMap<Text, Role> = self
            .services(window, now)
            .into_iter()
            .map(|(server, seen)| (server, seen.side(Role::Server)))
            .collect();
        let mut rows = Vec::with_capacity(self.operations.len());
        each(&self.operations, |labels, of| {
            let [server, protocol, name] = [text(labels.first()), text(labels.get(1)), text(labels.get(2))];
            let side = sides.get(&server).copied().unwrap_or(Role::Server);
            let row = of.sum(window, now).row(Subject { server, protocol, name, ..Subject::default() }, side);
            if row.total > 0 {
                rows.push(row);
            }
        });
        rows
    }

    fn services(&self, window: Window, now: Nanos) -> HashMap<Text, Seen> {
        let mut services: HashMap<Text, Seen> = HashMap::new();
        each(&self.operations, |labels, of| {
            let sum = of.sum(window, now);
            let service = services.entry(text(labels.first())).or_default();
            service.client.merge(&sum.client);
            service.server.merge(&sum.server);
        });
        services
    }
}

fn each(table: &Table<Sides>, mut visit: impl FnMut(&[Value], &Sides)) {
    table.visit(0, usize::MAX, u64::MAX, |series: Visited<'_, Sides>| {
        visit(series.labels.values(), series.value);
    });
}

fn text(value: Option<&Value>) -> Text {
    match value {
        Some(Value::Text(text)) => text.clone(),
        Some(value) => compact(value),
        None => Text::default(),
    }
}

fn compact(value: &Value) -> Text {
    let mut text = Text::default();
    // To write into a text does not fail.
    let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{value}"));
    text
}

#[cfg(test)]
mod tests;
