//! Requests as rows of `requests`.

use std::fmt::Write;
use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use model::names::{self, Key};
use model::request::Value;
use model::trace::TraceParent;
use model::{Request, Role};
use schema::{Kind, Rows, Table};

use crate::places::Places;
use crate::{end, number};

/// Names of attributes whose columns are known by heart; there are about 40.
const MOST_KNOWN: usize = 256;

/// The flags of a `traceparent` that go without saying.
const SAMPLED: u8 = 1;

/// Gathers requests, and gives them as batches. For a request nothing is allocated but the room in the batch.
pub struct Requests {
    rows: Rows,
    at: Places,
    host: String,
    /// The columns of attributes, none for those that have no column of their own.
    known: Vec<(Key, Option<(usize, Kind)>)>,
    /// Kept for its room.
    text: String,
    /// Attributes without a column: their names, and where in `text` their values are.
    others: Vec<(Key, Range<usize>)>,
}

impl Requests {
    /// Of the host of this name.
    pub fn new(host: &str) -> Self {
        Requests {
            rows: Rows::new(Table::Requests),
            at: Places::default(),
            host: host.to_owned(),
            known: Vec::new(),
            text: String::new(),
            others: Vec::new(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a request.
    ///
    /// # Errors
    ///
    /// None that a request could bring about.
    pub fn push(&mut self, request: &Request) -> Result<(), ArrowError> {
        let (rows, at) = (&mut self.rows, &self.at);
        rows.number(at.time, number(request.time));
        rows.number(at.duration, number(request.duration));
        rows.text(at.host, &self.host);
        rows.text(at.role, request.role.as_str());
        rows.text(at.protocol, request.protocol);
        rows.text(at.name, &request.name);
        if let Some(error) = &request.error {
            rows.text(at.error, error);
        }
        // No process has thread 0: it was not told.
        if request.tid != 0 {
            rows.number(at.thread, i64::from(request.tid));
        }
        // An id has 64 bits, whatever their meaning.
        rows.number(at.connection, request.connection.0 as i64);
        rows.number(at.request_size, number(request.request_bytes));
        rows.number(at.response_size, number(request.response_bytes));
        if request.waiting {
            rows.number(at.waiting, 1);
        }
        if let Some(missing) = request.incomplete {
            rows.text(at.missing, missing.as_str());
        }
        if let Some(place) = request.place {
            rows.number(at.joined.trace, place.trace);
            rows.number(at.joined.span, i64::from(place.span));
            if let Some((parent, evidence)) = place.parent {
                rows.number(at.joined.parent, i64::from(parent));
                rows.text(at.joined.evidence, evidence.as_str());
            }
        }
        if let Some(sequence) = request.sequence {
            rows.number(at.sequence, i64::from(sequence));
        }
        self.ends(request);
        self.attributes(request);
        self.rows.end()
    }

    /// All of them as a batch; there are none afterwards.
    ///
    /// # Errors
    ///
    /// None that requests could bring about.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        self.rows.finish()
    }

    fn ends(&mut self, request: &Request) {
        let ends = &*request.ends;
        let (rows, at) = (&mut self.rows, &self.at);
        for (peer, at) in [(&ends.client, &at.client), (&ends.server, &at.server)] {
            end(rows, &mut self.text, peer, at);
        }
        let own = match request.role {
            Role::Client => ends.client.service.as_ref(),
            Role::Server => ends.server.service.as_ref(),
            Role::Unknown => None,
        };
        match &ends.process {
            Some(process) => {
                rows.number(at.pid, i64::from(process.pid));
                rows.text(at.command, &process.command);
                rows.text(at.service, &process.service);
            }
            None => {
                if let Some(service) = own {
                    rows.text(at.service, service);
                }
            }
        }
    }

    fn attributes(&mut self, request: &Request) {
        self.text.clear();
        self.others.clear();
        for (key, value) in request.attributes.iter() {
            if *key == names::TRACEPARENT
                && let Value::Text(text) = value
                && let Some(parent) = TraceParent::parse(text.as_bytes())
            {
                self.rows.bytes(self.at.trace, &parent.trace);
                self.rows.bytes(self.at.span, &parent.span);
                if parent.flags != SAMPLED {
                    self.rows.number(self.at.flags, i64::from(parent.flags));
                }
                continue;
            }
            let column = self.column(key);
            let text = match value {
                Value::Word(word) => word,
                Value::Text(text) => text.as_str(),
                Value::Int(number) => match column {
                    Some((place, Kind::Number)) => {
                        self.rows.number(place, *number);
                        continue;
                    }
                    _ => {
                        self.other(key, column, format_args!("{number}"));
                        continue;
                    }
                },
            };
            match column {
                Some((place, Kind::Word | Kind::Text)) => self.rows.text(place, text),
                _ => self.other(key, None, format_args!("{text}")),
            }
        }
        if !self.others.is_empty() {
            let others = self.others.iter();
            let texts = others.map(|(key, place)| (*key, self.text.get(place.clone()).unwrap_or_default()));
            self.rows.map(self.at.attributes, texts);
        }
    }

    /// A value that is not what its column has; or one that has no column.
    fn other(&mut self, key: Key, column: Option<(usize, Kind)>, value: std::fmt::Arguments<'_>) {
        let begin = self.text.len();
        // Writing to a String does not fail.
        let _ = self.text.write_fmt(value);
        match column {
            Some((place, Kind::Word | Kind::Text)) => {
                self.rows.text(place, &self.text[begin..]);
                self.text.truncate(begin);
            }
            _ => self.others.push((key, begin..self.text.len())),
        }
    }

    fn column(&mut self, key: Key) -> Option<(usize, Kind)> {
        // Names are constants: nearly always it is the very same text.
        let known = self.known.iter().find(|(known, _)| std::ptr::eq(*known, key));
        if let Some((_, column)) = known {
            return *column;
        }
        let column = Table::Requests.column(key).map(|(place, column)| (place, column.kind));
        if self.known.len() < MOST_KNOWN {
            self.known.push((key, column));
        }
        column
    }
}
