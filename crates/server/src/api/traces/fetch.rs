//! All rows of a trace, whatever it is known by. What is found tells of further ids, and these are looked for in turn.

use std::collections::BTreeSet;

use model::names;
use schema::Table;
use schema::query::{Ask, Cell, Filter, Order, Outcome, Query, Value};

use super::LONGEST;
use super::tree::Part;
use crate::api::ask::Api;
use crate::api::record::{columns, parse_id};
use crate::problem::{Kind, Problem};

/// Spans of a trace that are told at most.
const MOST: usize = 10_000;
/// How often what was found may lead to more: a hop from one host to the next takes one.
const ROUNDS: usize = 12;
/// Other ends that are looked for at a time.
const MOST_ENDS: usize = 256;
/// A host's clock may be wrong by so much.
const SKEW: i64 = 5_000_000_000;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) parts: Vec<Part>,
    pub(super) ids: Vec<String>,
    pub(super) cut: bool,
    pub(super) damaged: Vec<String>,
}

/// What is known by now, and what is yet to be looked for.
#[derive(Default)]
struct Search {
    found: Found,
    /// W3C ids.
    named: Clues<String>,
    /// Hosts' own ids.
    own: Clues<String>,
    /// Other ends of connections.
    ends: Clues<OtherEnd>,
    /// Rows that were found: by their ids, and their places in traces.
    known: BTreeSet<(String, Option<i64>)>,
}

/// What leads to further rows.
struct Clues<T> {
    /// To be followed.
    new: BTreeSet<T>,
    followed: BTreeSet<T>,
}

impl<T> Default for Clues<T> {
    fn default() -> Self {
        Clues { new: BTreeSet::new(), followed: BTreeSet::new() }
    }
}

impl<T: Ord + Clone> Clues<T> {
    fn add(&mut self, clue: T) {
        if !self.followed.contains(&clue) {
            self.new.insert(clue);
        }
    }

    /// What is to be followed now; it counts as followed.
    fn follow(&mut self) -> BTreeSet<T> {
        let new = std::mem::take(&mut self.new);
        self.followed.extend(new.iter().cloned());
        new
    }
}

/// What tells the other end's record of an exchange: the client's port, the place in the stream, and whose record it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct OtherEnd {
    port: i64,
    sequence: i64,
    role: &'static str,
    time: i64,
}

/// Finds a trace by an id of any kind.
pub(super) async fn fetch(api: &Api, id: &str) -> Result<Found, Problem> {
    let mut search = Search::default();
    let id = id.to_ascii_lowercase();
    let is_hex = id.bytes().all(|digit| digit.is_ascii_hexdigit());
    if let Some((connection, time, duration)) = parse_id(&id) {
        let filter = Filter::is(names::WEIR_CONNECTION, connection).and(Filter::is("duration", duration));
        search.requests(api, filter, Some((time, time.saturating_add(1)))).await?;
    } else if is_hex && id.len() == 32 {
        search.named.add(id);
    } else if is_hex && id.len() == 16 {
        search.own.add(id);
    } else {
        let detail = format!("`{id}` is no trace's id: 32 or 16 hexadecimal digits, or a request's id");
        return Err(Problem::new(Kind::NotFound, detail));
    }
    for _ in 0..ROUNDS {
        if !search.round(api).await? {
            break;
        }
    }
    let mut found = search.found;
    found.ids = search.named.followed.iter().chain(&search.own.followed).cloned().collect();
    Ok(found)
}

impl Search {
    /// Looks for what is known and was not looked for; false when there is nothing.
    async fn round(&mut self, api: &Api) -> Result<bool, Problem> {
        let named = self.named.follow();
        let own = self.own.follow();
        let ends = self.ends.follow();
        for id in &named {
            self.requests(api, Filter::is("trace_id", id.as_str()), None).await?;
            self.spans(api, id).await?;
        }
        let times = own.iter().filter_map(|id| i64::from_str_radix(id, 16).ok());
        if let (Some(first), Some(last)) = (times.clone().min(), times.max()) {
            let values = own.iter().cloned().map(Value::Text).collect();
            let filter = Filter::In { field: names::WEIR_TRACE.into(), values };
            let span = (first.saturating_sub(SKEW), last.saturating_add(LONGEST));
            self.requests(api, filter, Some(span)).await?;
        }
        let ends: Vec<_> = ends.into_iter().take(MOST_ENDS).collect();
        if let (Some(first), Some(last)) =
            (ends.iter().map(|end| end.time).min(), ends.iter().map(|end| end.time).max())
        {
            let either = ends.iter().map(|end| {
                Filter::And(vec![
                    Filter::is("weir.client.port", end.port),
                    Filter::is(names::WEIR_SEQUENCE, end.sequence),
                    Filter::is("role", end.role),
                ])
            });
            let span = (first.saturating_sub(SKEW), last.saturating_add(SKEW));
            self.requests(api, Filter::Or(either.collect()), Some(span)).await?;
        }
        Ok(!self.found.cut && (self.named.new.len() + self.own.new.len() + self.ends.new.len()) > 0)
    }

    async fn requests(&mut self, api: &Api, filter: Filter, span: Option<(i64, i64)>) -> Result<(), Problem> {
        let rows = self.rows(api, Table::Requests, filter, span).await?;
        for (columns, row) in rows {
            let part = Part::of_request(&columns, row);
            if !self.known.insert((part.id().to_owned(), part.place())) {
                continue;
            }
            part.named().for_each(|id| self.named.add(id));
            part.own().for_each(|id| self.own.add(id));
            if let (Some((port, sequence)), Some(role)) = (part.place_in_stream(), part.other_role()) {
                self.ends.add(OtherEnd { port, sequence, role, time: part.begin() });
            }
            self.found.parts.push(part);
        }
        Ok(())
    }

    async fn spans(&mut self, api: &Api, id: &str) -> Result<(), Problem> {
        let rows = self.rows(api, Table::Spans, Filter::is("trace_id", id), None).await?;
        for (columns, row) in rows {
            let part = Part::of_span(&columns, row);
            if self.known.insert((part.id().to_owned(), None)) {
                self.found.parts.push(part);
            }
        }
        Ok(())
    }

    async fn rows(
        &mut self,
        api: &Api,
        table: Table,
        filter: Filter,
        span: Option<(i64, i64)>,
    ) -> Result<Vec<(Vec<String>, Vec<Cell>)>, Problem> {
        let left = MOST.saturating_sub(self.found.parts.len());
        let order = Order { ascending: true, ..Order::default() };
        let ask = Ask::Rows { columns: columns(table), order, limit: left + 1, after: None };
        let query =
            Query { table, from: span.map(|(from, _)| from), to: span.map(|(_, to)| to), filter, ask };
        let answer = api.ask(query).await?;
        self.found.damaged.extend(answer.scanned.damaged);
        let Outcome::Rows { columns, mut rows, .. } = answer.outcome else { return Err(Problem::internal()) };
        if rows.len() > left {
            self.found.cut = true;
            rows.truncate(left);
        }
        Ok(rows.into_iter().map(|row| (columns.clone(), row)).collect())
    }
}
