//! Requests as lines of a table, each written once, as it comes.

use anstyle::{AnsiColor, Style};
use model::Request;

use super::cells;
use crate::text;

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
        let mut line =
            Line { out, scratch: std::mem::take(&mut self.scratch), color: self.options.color, skip: 0 };
        self.cells(request, look, &mut line);
        self.scratch = line.scratch;
        out.push('\n');
    }

    fn header(&mut self, out: &mut String) {
        let columns = self.columns;
        let scratch = std::mem::take(&mut self.scratch);
        let mut line = Line { out, scratch, color: self.options.color, skip: 0 };
        let style = Style::new().dimmed();
        let mut left =
            |title: &str, width: usize| line.cell(width, false, style, |cell| cell.push_str(title));
        left("TIME", TIME);
        left(if columns.side > 1 { "SIDE" } else { "" }, columns.side);
        left("CLIENT → SERVER", columns.peers);
        left(if columns.protocol < 8 { "PROTO" } else { "PROTOCOL" }, columns.protocol);
        left("REQUEST", columns.request);
        left("STATUS", columns.status);
        let mut right =
            |title: &str, width: usize| line.cell(width, true, style, |cell| cell.push_str(title));
        if columns.bytes {
            right("OUT", BYTES);
            right("IN", BYTES);
        }
        right("TOOK", DURATION);
        self.scratch = line.scratch;
        out.push('\n');
    }

    fn cells(&self, request: &Request, look: Look, line: &mut Line<'_>) {
        let columns = &self.columns;
        let plain = look.line;
        line.cell(TIME, false, plain.dimmed(), |cell| {
            cells::time_of_day(request.time, self.options.utc_offset, cell)
        });
        line.cell(columns.side, false, plain, |cell| {
            cell.push_str(cells::side(request.role, columns.side > 1))
        });
        line.cell(columns.peers, false, plain, |cell| cells::peers(request, columns.peers, cell));
        line.cell(columns.protocol, false, plain, |cell| {
            cells::protocol(request.protocol, columns.protocol, cell)
        });
        line.cell(columns.request, false, plain, |cell| {
            cells::name(request, columns.request, columns.paths, cell)
        });
        line.cell(columns.status, false, look.status, |cell| cells::status(request, cell));
        if columns.bytes {
            let (sent, received) = cells::bytes(request);
            line.cell(BYTES, true, plain, |cell| cell.push_str(&sent.to_string()));
            line.cell(BYTES, true, plain, |cell| cell.push_str(&received.to_string()));
        }
        line.cell(DURATION, true, look.duration, |cell| cells::duration(request, cell));
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

const TIME: usize = "08:00:00.123".len();
const DURATION: usize = "1.5 min".len();
const BYTES: usize = "5.1 kB".len();
const GAP: usize = 2;
/// Narrower than this, lines wrap: there is nothing left to take away.
const NARROWEST: usize = 60;

/// How wide the cells are that depend on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Columns {
    side: usize,
    peers: usize,
    protocol: usize,
    request: usize,
    status: usize,
    bytes: bool,
    /// Whether an HTTP request's own path is shown beside its route.
    paths: bool,
}

impl Columns {
    fn fitting(width: usize) -> Self {
        let width = width.max(NARROWEST);
        let wide = width >= 120;
        let (side, peers, protocol, status) = match width {
            ..100 => (1, width / 4, 5, 8),
            100..120 => (1, 26, 8, 8),
            120..140 => (1, 26, 8, 8),
            140..160 => (6, 30, 10, 8),
            160.. => (6, 34, 10, 10),
        };
        let bytes = if wide { 2 * (GAP + BYTES) } else { 0 };
        let others = TIME + side + peers + protocol + status + DURATION + 6 * GAP + bytes;
        Columns {
            side,
            peers,
            protocol,
            request: width.saturating_sub(others),
            status,
            bytes: wide,
            paths: width >= 160,
        }
    }
}

/// The styles of a line's cells.
#[derive(Debug, Clone, Copy)]
struct Look {
    line: Style,
    status: Style,
    duration: Style,
}

/// A line as it is put together.
struct Line<'a> {
    out: &'a mut String,
    scratch: String,
    color: bool,
    /// Blanks owed before the next cell; the last cell of a line is followed by none.
    skip: usize,
}

impl Line<'_> {
    /// Appends what `fill` writes, cut and padded to `width` columns. `fill` writes clean text.
    fn cell(&mut self, width: usize, right: bool, style: Style, fill: impl FnOnce(&mut String)) {
        self.scratch.clear();
        fill(&mut self.scratch);
        let taken = text::width(&self.scratch).min(width);
        let blanks = if right { width - taken } else { 0 };
        self.out.extend(std::iter::repeat_n(' ', self.skip + blanks));
        let styled = self.color && style != Style::new() && !self.scratch.is_empty();
        if styled {
            self.out.push_str(&style.render().to_string());
        }
        let taken = text::push_elided(&self.scratch, width, self.out);
        if styled {
            self.out.push_str(&style.render_reset().to_string());
        }
        self.skip = GAP + width.saturating_sub(taken + blanks);
    }
}
