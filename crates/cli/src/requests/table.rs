//! Requests as lines of a table, each written once, as it comes.

use anstyle::{AnsiColor, Style};
use model::Request;

use super::cells;
use crate::line::Line;

/// How a table looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether lines are coloured.
    pub color: bool,
    /// Lines between two headers; 0 for one header at the top.
    pub header_every: usize,
    /// What local time is ahead of UTC: seconds.
    pub utc_offset: i32,
}

impl Default for Options {
    fn default() -> Self {
        Options { width: 100, color: false, header_every: 40, utc_offset: 0 }
    }
}

/// The table. Lines fit the width that the terminal has when they are written.
#[derive(Debug, Clone)]
pub struct Table {
    options: Options,
    columns: Columns,
    /// Lines until the next header.
    until_header: Option<usize>,
    scratch: String,
}

impl Table {
    /// A table without a line so far.
    pub fn new(options: Options) -> Self {
        Table {
            options,
            columns: Columns::fitting(options.width),
            until_header: Some(0),
            scratch: String::new(),
        }
    }

    /// Fits the lines to come to another width, under a header of their own.
    pub fn resize(&mut self, width: usize) {
        if width != self.options.width {
            self.options.width = width;
            self.columns = Columns::fitting(width);
            self.until_header = Some(0);
        }
    }

    /// Appends the line of `request`, after a header where one is due.
    pub fn write(&mut self, request: &Request, out: &mut String) {
        match &mut self.until_header {
            Some(0) => {
                self.header(out);
                let every = self.options.header_every;
                self.until_header = every.checked_sub(1);
            }
            Some(lines) => *lines -= 1,
            None => {}
        }
        let look = self.look(request);
        let mut line = self.line(out);
        self.cells(request, look, &mut line);
        self.scratch = line.finish();
        out.push('\n');
    }

    fn header(&mut self, out: &mut String) {
        let columns = self.columns;
        let mut line = self.line(out);
        let style = Style::new().dimmed();
        let mut left =
            |title: &str, width: usize| line.cell(width, false, style, |cell| cell.push_str(title));
        left("TIME", columns.time);
        left(if columns.side > 1 { "SIDE" } else { "" }, columns.side);
        left(if columns.both { "CLIENT → SERVER" } else { "PEER" }, columns.peers);
        left(if columns.protocol < 8 { "PROTO" } else { "PROTOCOL" }, columns.protocol);
        left("REQUEST", columns.request);
        left("STATUS", columns.status);
        let mut right =
            |title: &str, width: usize| line.cell(width, true, style, |cell| cell.push_str(title));
        right("OUT", columns.bytes);
        right("IN", columns.bytes);
        right("TOOK", columns.took);
        self.scratch = line.finish();
        out.push('\n');
    }

    fn line<'a>(&mut self, out: &'a mut String) -> Line<'a> {
        let scratch = std::mem::take(&mut self.scratch);
        Line::new(out, scratch, self.options.color, self.columns.gap)
    }

    fn cells(&self, request: &Request, look: Look, line: &mut Line<'_>) {
        let columns = &self.columns;
        let plain = look.line;
        line.cell(columns.time, false, plain.dimmed(), |cell| {
            cells::time_of_day(request.time, self.options.utc_offset, columns.time > SECONDS, cell)
        });
        line.cell(columns.side, false, plain, |cell| {
            cell.push_str(cells::side(request.role, columns.side > 1))
        });
        line.cell(columns.peers, false, plain, |cell| match columns.both {
            true => cells::peers(request, columns.peers, cell),
            false => cells::other_end(request, columns.peers, cell),
        });
        line.cell(columns.protocol, false, plain, |cell| {
            cells::protocol(request.protocol, columns.protocol, cell)
        });
        line.cell(columns.request, false, plain, |cell| {
            cells::asked(request, columns.request, columns.routes, cell)
        });
        line.cell(columns.status, false, look.status, |cell| cells::status(request, cell));
        let (sent, received) = cells::bytes(request);
        line.cell(columns.bytes, true, plain, |cell| cell.push_str(&sent.to_string()));
        line.cell(columns.bytes, true, plain, |cell| cell.push_str(&received.to_string()));
        line.cell(columns.took, true, look.duration, |cell| cells::duration(request, columns.took, cell));
    }

    /// Colour says what to look at: errors, then what is slow. What waits on purpose steps back.
    fn look(&self, request: &Request) -> Look {
        let plain = if request.waiting { Style::new().dimmed() } else { Style::new() };
        let red = AnsiColor::Red.on_default();
        let yellow = AnsiColor::Yellow.on_default();
        let slow = request.duration >= SLOW && !request.waiting;
        Look {
            line: plain,
            status: if request.error.is_some() { red } else { plain },
            duration: if slow { yellow } else { plain },
        }
    }
}

/// From here on a request is shown as slow: nanoseconds.
const SLOW: u64 = 100_000_000;

const SECONDS: usize = "08:00:00".len();
const MILLIS: usize = "08:00:00.123".len();
const BYTES: usize = "5.1 kB".len();
/// Narrower than this, lines wrap: there is nothing left to take away.
const NARROWEST: usize = 30;

/// How wide the cells are; 0 for one that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Columns {
    time: usize,
    side: usize,
    peers: usize,
    /// Whether both ends are named, or only the one that the observed side speaks to.
    both: bool,
    protocol: usize,
    request: usize,
    status: usize,
    /// Each of the two.
    bytes: usize,
    took: usize,
    /// Whether an HTTP request's route is shown beside its path.
    routes: bool,
    /// Between two cells.
    gap: usize,
}

impl Columns {
    /// What was asked, how it ended and how long it took are never left out. The rest comes as the terminal widens, what
    /// tells most first, so that a request keeps about a third of the line.
    fn fitting(width: usize) -> Self {
        let width = width.max(NARROWEST);
        let (time, gap, took) = match width {
            ..64 => (0, 1, 6),
            64..90 => (SECONDS, 1, 6),
            90..100 => (SECONDS, 2, 6),
            100.. => (MILLIS, 2, 7),
        };
        let (protocol, status) = match width {
            ..72 => (0, 8),
            72..100 => (protocols::registry::SHORT, 8),
            100..120 => (protocols::registry::SHORT, 9),
            120..160 => (8, 9),
            160.. => (10, 10),
        };
        let side = if width < 160 { 1 } else { 6 };
        let bytes = if width < 140 { 0 } else { BYTES };
        let others = [time, side, protocol, status, bytes, bytes, took];
        let taken = others.iter().filter(|cell| **cell > 0).map(|cell| cell + gap).sum();
        let room = width.saturating_sub(taken);
        let peers = match width {
            ..52 => 0,
            // A name or an address with its port; a request has 25 columns at least.
            52..80 => room.saturating_sub(26 + gap).clamp(8, 14),
            80.. => (width / 5).min(34),
        };
        let request = if peers == 0 { room } else { room.saturating_sub(peers + gap) };
        let (both, routes) = (width >= 80, width >= 160);
        Columns { time, side, peers, both, protocol, request, status, bytes, took, routes, gap }
    }
}

/// The styles of a line's cells.
#[derive(Debug, Clone, Copy)]
struct Look {
    line: Style,
    status: Style,
    duration: Style,
}
