//! What becomes of connections on their way to standard output: lines one after another, or a table that is drawn again and
//! again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use connections::Connections;
use model::tcp::{Connection, Listening, Moment};

use super::lines::Lines;
use super::{Filter, Sort, Table};
use crate::output::terminal_width;
use crate::units::Count;

/// For how long a connection that has ended stays in the table.
const STAYS: Duration = Duration::from_secs(5);
/// Of those as many as any terminal has lines.
const MOST_ENDED: usize = 512;

/// What is written, and in which form.
pub(super) struct Style {
    pub(super) json: bool,
    /// The table is drawn again in its place.
    pub(super) live: bool,
    pub(super) listening: bool,
    /// Those that go on are told at each interval.
    pub(super) intervals: bool,
    pub(super) sort: Sort,
    pub(super) filter: Filter,
    pub(super) count: Option<u64>,
}

/// Writes what is to be shown.
pub(super) struct View {
    style: Style,
    table: Table,
    lines: Lines,
    shown: u64,
    /// Lines that the last drawing took.
    drawn: usize,
    ended: VecDeque<(Instant, Connection)>,
    text: String,
    bytes: Vec<u8>,
}

impl View {
    pub(super) fn new(style: Style, table: Table, lines: Lines) -> Self {
        let mut view = View {
            style,
            table,
            lines,
            shown: 0,
            drawn: 0,
            ended: VecDeque::new(),
            text: String::new(),
            bytes: Vec::new(),
        };
        if !view.style.json && !view.style.live {
            view.header();
            view.flush(0);
        }
        view
    }

    /// Enough was shown.
    pub(super) fn is_done(&self) -> bool {
        self.style.count.is_some_and(|count| self.shown >= count)
    }

    /// What was there before anybody looked.
    pub(super) fn found(&mut self, connections: &Connections) {
        if self.style.live {
            return;
        }
        let before = self.shown;
        if self.style.listening {
            for listening in connections.listening() {
                self.listening_line(&listening, "found");
            }
        } else {
            for connection in connections.open() {
                self.line(&connection, "found");
            }
        }
        self.flush(self.shown - before);
    }

    /// What happened since.
    pub(super) fn happened(&mut self, batch: Vec<Connection>, listening: Vec<Listening>) {
        if self.style.live {
            self.keep_ended(batch);
            return;
        }
        let before = self.shown;
        if self.style.listening {
            for listening in &listening {
                self.listening_line(listening, word(listening.moment));
            }
        } else {
            for connection in &batch {
                if connection.moment != Moment::GoesOn || self.style.intervals {
                    self.line(connection, word(connection.moment));
                }
            }
        }
        self.flush(self.shown - before);
    }

    /// An interval is over: draws the table again, or tells what listens.
    pub(super) fn interval(&mut self, connections: &Connections) {
        if self.style.live {
            self.draw(connections);
        } else if self.style.listening && self.style.intervals {
            let before = self.shown;
            for listening in connections.listening() {
                self.listening_line(&listening, "interval");
            }
            self.flush(self.shown - before);
        }
    }

    /// Waits until all is written; returns how many lines were shown and how many dropped.
    pub(super) fn finish(self) -> std::io::Result<(u64, u64)> {
        self.lines.finish()
    }

    fn line(&mut self, connection: &Connection, event: &str) {
        if self.is_done() || !self.style.filter.matches(connection) {
            return;
        }
        self.shown += 1;
        if self.style.json {
            export::connections::write(connection, event, &mut self.bytes);
        } else {
            self.table.write(connection, &mut self.text);
        }
    }

    fn listening_line(&mut self, listening: &Listening, event: &str) {
        if self.is_done() || !self.style.filter.matches_listening(listening) {
            return;
        }
        self.shown += 1;
        if self.style.json {
            export::connections::write_listening(listening, event, &mut self.bytes);
        } else {
            self.table.write_listening(listening, &mut self.text);
        }
    }

    fn flush(&mut self, lines: u64) {
        self.bytes.extend_from_slice(self.text.as_bytes());
        self.text.clear();
        if !self.bytes.is_empty() {
            self.lines.write(std::mem::take(&mut self.bytes), lines);
        }
    }

    fn header(&mut self) {
        if self.style.listening {
            self.table.listening_header(&mut self.text);
        } else {
            self.table.header(&mut self.text);
        }
    }

    fn keep_ended(&mut self, batch: Vec<Connection>) {
        let now = Instant::now();
        while self.ended.front().is_some_and(|(at, _)| now - *at > STAYS) {
            self.ended.pop_front();
        }
        let ended =
            |connection: &Connection| matches!(connection.moment, Moment::Closed(_) | Moment::Failed(_));
        for connection in batch.into_iter().filter(|c| ended(c) && self.style.filter.matches(c)) {
            if self.ended.len() >= MOST_ENDED {
                self.ended.pop_front();
            }
            self.ended.push_back((now, connection));
        }
    }

    /// Draws over what was drawn last.
    fn draw(&mut self, connections: &Connections) {
        let rows = crossterm::terminal::size().map_or(24, |(_, rows)| usize::from(rows)).max(4);
        if let Some(width) = terminal_width(true) {
            self.table.resize(width);
        }
        if self.drawn > 0 {
            self.text.push_str(&format!("\x1b[{}F\x1b[J", self.drawn.min(rows - 1)));
        }
        self.header();
        // The header, the last line, and the one that the cursor is on.
        let room = rows - 3;
        let lines = if self.style.listening {
            self.listeners(connections, room)
        } else {
            self.rows(connections, room)
        };
        let totals = connections.totals();
        self.text.push_str(&format!(
            "{} open, {} opened, {} closed, {} failed; Ctrl-C ends\n",
            Count(connections.len() as u64),
            Count(totals.opened),
            Count(totals.all_closed()),
            Count(totals.all_failed()),
        ));
        self.drawn = lines + 2;
        self.flush(0);
    }

    fn rows(&mut self, connections: &Connections, room: usize) -> usize {
        let filter = &self.style.filter;
        let mut ended: Vec<Connection> =
            self.ended.iter().rev().map(|(_, connection)| connection.clone()).collect();
        let mut open: Vec<Connection> =
            connections.open().filter(|connection| filter.matches(connection)).collect();
        // What has just ended gets a quarter of the room at least, if it needs it.
        let for_open = room.saturating_sub(ended.len().min(room / 4));
        self.style.sort.apply(&mut open, for_open);
        ended.truncate(room - open.len());
        for connection in open.iter().chain(&ended) {
            self.table.write(connection, &mut self.text);
        }
        open.len() + ended.len()
    }

    fn listeners(&mut self, connections: &Connections, room: usize) -> usize {
        let filter = &self.style.filter;
        let mut listening: Vec<Listening> =
            connections.listening().filter(|listening| filter.matches_listening(listening)).collect();
        listening.sort_by_cached_key(|l| {
            (std::cmp::Reverse((l.drops, l.backlog)), l.server.endpoint.port(), l.id)
        });
        listening.truncate(room);
        for listening in &listening {
            self.table.write_listening(listening, &mut self.text);
        }
        listening.len()
    }
}

/// The word for what happened.
fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Opened => "open",
        Moment::GoesOn => "interval",
        Moment::Closed(_) => "close",
        Moment::Failed(_) => "fail",
    }
}
