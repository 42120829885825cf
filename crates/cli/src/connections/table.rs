//! Connections and listening sockets as lines of a table.

use anstyle::{AnsiColor, Style};
use model::tcp::{Connection, Listening, Moment};

use crate::line::Line;
use crate::requests::cells;
use crate::units::{Count, Duration, Size};

/// How a table looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether lines are coloured.
    pub color: bool,
    /// Whether each line tells when it was; not where the whole table is of now.
    pub times: bool,
    /// What local time is ahead of UTC: seconds.
    pub utc_offset: i32,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Table {
    options: Options,
    columns: Columns,
    scratch: String,
}

const TIME: usize = "08:00:00".len();
const STATE: usize = "established".len();
const WIDE_STATE: usize = "fail: local address".len();
const FIGURE: usize = "999 kB".len();
const COUNT: usize = "12.3k".len();
const NARROWEST: usize = 30;

/// How wide the cells are; 0 for one that is left out.
#[derive(Debug, Clone, Copy)]
struct Columns {
    time: usize,
    side: usize,
    peers: usize,
    /// Whether both ends are named, or only the other one.
    both: bool,
    process: usize,
    state: usize,
    age: usize,
    bytes: usize,
    rtt: usize,
    least: usize,
    retransmits: usize,
    gap: usize,
}

impl Columns {
    /// Who it is and how it fares are never left out. The rest comes as the terminal widens, what tells most first.
    fn fitting(width: usize, times: bool) -> Self {
        let width = width.max(NARROWEST);
        let from = |least: usize, cell: usize| if width >= least { cell } else { 0 };
        let gap = if width < 100 { 1 } else { 2 };
        let state = if width < 90 { STATE } else { WIDE_STATE };
        let mut columns = Columns {
            time: if times { from(72, TIME) } else { 0 },
            side: from(40, if width < 160 { 1 } else { 6 }),
            peers: 0,
            both: width >= 80,
            process: from(130, 15),
            state,
            age: from(84, FIGURE),
            bytes: from(56, FIGURE),
            rtt: FIGURE,
            least: from(120, FIGURE),
            retransmits: from(64, COUNT),
            gap,
        };
        let cells = [
            columns.time,
            columns.side,
            columns.process,
            columns.state,
            columns.age,
            columns.bytes,
            columns.bytes,
            columns.rtt,
            columns.least,
            columns.retransmits,
        ];
        let taken: usize = cells.iter().filter(|cell| **cell > 0).map(|cell| cell + gap).sum();
        columns.peers = width.saturating_sub(taken);
        columns
    }
}

impl Table {
    /// A table for a width.
    pub fn new(options: Options) -> Self {
        Table { options, columns: Columns::fitting(options.width, options.times), scratch: String::new() }
    }

    /// Fits the lines to come to another width.
    pub fn resize(&mut self, width: usize) {
        self.options.width = width;
        self.columns = Columns::fitting(width, self.options.times);
    }

    /// Appends the titles of connections.
    pub fn header(&mut self, out: &mut String) {
        let columns = self.columns;
        let mut line = self.line(out);
        let style = Style::new().dimmed();
        let mut title = |title: &str, width: usize, right: bool| {
            line.cell(width, right, style, |cell| cell.push_str(title));
        };
        title("TIME", columns.time, false);
        title(if columns.side > 1 { "SIDE" } else { "" }, columns.side, false);
        title(if columns.both { "CLIENT → SERVER" } else { "PEER" }, columns.peers, false);
        title("PROCESS", columns.process, false);
        title("STATE", columns.state, false);
        title("AGE", columns.age, true);
        title("OUT", columns.bytes, true);
        title("IN", columns.bytes, true);
        title("RTT", columns.rtt, true);
        title("LEAST", columns.least, true);
        title("AGAIN", columns.retransmits, true);
        self.scratch = line.finish();
        out.push('\n');
    }

    /// Appends the line of `connection`.
    pub fn write(&mut self, connection: &Connection, out: &mut String) {
        let columns = self.columns;
        let offset = self.options.utc_offset;
        let mut line = self.line(out);
        let plain = Style::new();
        let counters = &connection.counters;
        line.cell(columns.time, false, plain.dimmed(), |cell| {
            cells::time_of_day(connection.time, offset, false, cell);
        });
        line.cell(columns.side, false, plain, |cell| {
            cell.push_str(cells::side(connection.role, columns.side > 1));
        });
        line.cell(columns.peers, false, plain, |cell| match columns.both {
            true => cells::both(&connection.client, &connection.server, columns.peers, cell),
            false => {
                let ends = (&connection.client, &connection.server);
                cells::other(connection.role, ends, columns.peers, cell);
            }
        });
        line.cell(columns.process, false, plain, |cell| {
            if let Some(process) = &connection.process {
                crate::text::push_clean(&process.command, cell);
            }
        });
        line.cell(columns.state, false, look(connection.moment), |cell| {
            state(connection, columns.state, cell);
        });
        line.cell(columns.age, true, plain, |cell| push(connection.age.map(Duration), cell));
        line.cell(columns.bytes, true, plain, |cell| push(Some(Size(counters.sent)), cell));
        line.cell(columns.bytes, true, plain, |cell| push(Some(Size(counters.received)), cell));
        line.cell(columns.rtt, true, plain, |cell| push(counters.rtt.map(Duration), cell));
        line.cell(columns.least, true, plain, |cell| push(counters.rtt_min.map(Duration), cell));
        let again = if counters.retransmits > 0 { AnsiColor::Yellow.on_default() } else { plain };
        line.cell(columns.retransmits, true, again, |cell| count(counters.retransmits, cell));
        self.scratch = line.finish();
        out.push('\n');
    }

    /// Appends the titles of sockets that listen.
    pub fn listening_header(&mut self, out: &mut String) {
        self.listening_line(
            ["LISTENS AT", "SERVICE", "WAITING", "ROOM", "DROPS"],
            Style::new().dimmed(),
            false,
            out,
        );
    }

    /// Appends the line of a socket that listens. One whose room is used up turns clients away.
    pub fn write_listening(&mut self, listening: &Listening, out: &mut String) {
        let mut service = String::new();
        if let Some(name) = &listening.server.service {
            crate::text::push_clean(name, &mut service);
        }
        let [waiting, room, drops] =
            [listening.backlog, listening.limit, listening.drops].map(|n| Count(u64::from(n)).to_string());
        let is_full = listening.backlog > listening.limit || listening.drops > 0;
        let place = listening.server.endpoint.to_string();
        self.listening_line([&place, &service, &waiting, &room, &drops], Style::new(), is_full, out);
    }

    fn listening_line(&mut self, texts: [&str; 5], style: Style, alarm: bool, out: &mut String) {
        const NUMBER: usize = 7;
        let gap = self.columns.gap;
        let room = self.options.width.max(NARROWEST + 10).saturating_sub(3 * (NUMBER + gap) + gap);
        // The longest address with a port has 47 columns.
        let place = (room * 3 / 5).min(47);
        let mut line = self.line(out);
        line.cell(place, false, style, |cell| {
            crate::text::push_elided(texts[0], place, cell);
        });
        line.cell((room - place).min(40), false, style, |cell| cell.push_str(texts[1]));
        for text in &texts[2..4] {
            line.cell(NUMBER, true, style, |cell| cell.push_str(text));
        }
        let drops = if alarm { AnsiColor::Red.on_default() } else { style };
        line.cell(NUMBER, true, drops, |cell| cell.push_str(texts[4]));
        self.scratch = line.finish();
        out.push('\n');
    }

    fn line<'a>(&mut self, out: &'a mut String) -> Line<'a> {
        Line::new(out, std::mem::take(&mut self.scratch), self.options.color, self.columns.gap)
    }
}

/// Colour says what to look at; what is over steps back.
fn look(moment: Moment) -> Style {
    match moment {
        Moment::Failed(_) => AnsiColor::Red.on_default(),
        Moment::Closed(cause) if cause.is_failure() => AnsiColor::Red.on_default(),
        Moment::Closed(_) => Style::new().dimmed(),
        Moment::Opened | Moment::GoesOn => Style::new(),
    }
}

/// `established`, `closed: remote fin`, `fail: refused`; narrow cells have only the cause.
fn state(connection: &Connection, columns: usize, cell: &mut String) {
    let (how, word) = match connection.moment {
        Moment::Opened | Moment::GoesOn => ("", connection.state.as_str()),
        Moment::Closed(cause) => ("end: ", cause.as_str()),
        Moment::Failed(cause) => ("fail: ", cause.as_str()),
    };
    if columns > STATE {
        cell.push_str(how);
    }
    cell.extend(word.chars().map(|letter| if letter == '_' { ' ' } else { letter }));
}

fn push(value: Option<impl std::fmt::Display>, cell: &mut String) {
    if let Some(value) = value {
        cell.push_str(&value.to_string());
    }
}

/// `12,345` in five columns, `123k`, `12M`.
fn count(count: u32, cell: &mut String) {
    match count {
        0..1000 => cell.push_str(&count.to_string()),
        1000..1_000_000 => cell.push_str(&format!("{}k", count / 1000)),
        _ => cell.push_str(&format!("{}M", count / 1_000_000)),
    }
}
