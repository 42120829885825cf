//! Reads the server's answer to one command, packet by packet. Rows and definitions are passed over.

use super::command::Kind;
use super::packet::{self, END, End, Header, end_of_rows, error, little, number, status};
use crate::Half;

/// An answer on its way.
#[derive(Debug, Default)]
pub(super) struct Answer {
    state: State,
    /// The sequence number of the next packet; `None` where it is not known.
    sequence: Option<u8>,
    /// The packet before went on in this one.
    continues: bool,
    pub(super) half: Half,
    rows: u64,
    /// One of several statements was answered in full.
    pub(super) some_done: bool,
    /// There was a result with rows.
    sets: bool,
    affected: Option<u64>,
    pub(super) error: Option<u16>,
    /// Part of it was not seen.
    pub(super) torn: bool,
    /// The id of the statement that was prepared.
    pub(super) prepared: Option<u32>,
    /// The latest status flags.
    pub(super) status: Option<u16>,
    /// The server asked for a file.
    pub(super) wants_file: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning, or at that of another result.
    #[default]
    First,
    /// So many definitions of columns, then rows.
    Columns(u64),
    /// Behind those: an EOF packet, or rows at once.
    Fence,
    Rows,
    /// So many definitions of a prepared statement.
    Definitions(u32),
    /// Behind those: an EOF packet.
    LastEof,
    /// Definitions up to an EOF packet.
    FieldList,
    Done,
}

/// What a packet was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packet {
    /// More of it has to be there before it can be read.
    Cut,
    /// One of an answer that goes on.
    Part,
    /// The last one.
    Last,
    Lost,
}

/// More columns than a result can have.
const MOST_COLUMNS: u64 = 0xffff;
/// The code of an "error" that only tells how far a statement is (MariaDB).
const PROGRESS: u16 = 0xffff;

impl Answer {
    /// The answer to a command of this kind, whose own last packet had this number.
    pub(super) fn to(kind: Kind, asked: Option<u8>) -> Self {
        let state = match kind {
            Kind::Fetch => State::Rows,
            Kind::FieldList => State::FieldList,
            _ => State::First,
        };
        let sequence = asked.map(|asked| asked.wrapping_add(1));
        Answer { state, sequence, sets: kind == Kind::Fetch, ..Answer::default() }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.half.bytes > 0
    }

    /// It is among the rows of a result, or was when the rest went missing.
    pub(super) fn has_rows(&self) -> bool {
        self.torn && matches!(self.state, State::Columns(_) | State::Fence | State::Rows)
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Its packets may have any number from here on: the client sends some too, or some are missing.
    pub(super) fn forget_sequence(&mut self) {
        self.sequence = None;
    }

    /// Rows are missing; the next packet ends them.
    pub(super) fn expect_end(&mut self) {
        (self.state, self.sequence, self.continues) = (State::Rows, None, false);
    }

    /// The number that a packet behind the last one would have.
    pub(super) fn next_sequence(&self) -> Option<u8> {
        self.sequence
    }

    /// Rows of all results, where all were seen.
    pub(super) fn rows(&self) -> Option<u64> {
        (self.sets && !self.torn && self.error.is_none()).then_some(self.rows)
    }

    /// Rows that were changed.
    pub(super) fn affected(&self) -> Option<u64> {
        self.affected.filter(|_| !self.torn && self.error.is_none())
    }

    /// Bytes of a packet's payload that have to be there before it can be read.
    pub(super) fn wanted(&self, header: Header, payload: &[u8]) -> usize {
        let wanted = match payload.first() {
            _ if self.continues => 0,
            _ if self.state == State::First => END,
            Some(0xfe | 0xff) => END,
            _ => 1,
        };
        wanted.min(header.length)
    }

    /// Reads a packet, of whose payload `payload` is there. `eof` tells whether an EOF packet stands behind
    /// definitions; where that is not known it is learnt.
    #[inline]
    pub(super) fn packet(
        &mut self,
        kind: Kind,
        header: Header,
        payload: &[u8],
        eof: &mut Option<bool>,
    ) -> Packet {
        if self.sequence.is_some_and(|expected| expected != header.sequence) {
            return Packet::Lost;
        }
        let marker = payload.first().copied();
        if payload.len() < self.wanted(header, payload) {
            return Packet::Cut;
        }
        self.sequence = Some(header.sequence.wrapping_add(1));
        if std::mem::replace(&mut self.continues, header.continues()) {
            return Packet::Part;
        }
        let Some(marker) = marker else { return Packet::Lost };
        if marker == 0xff && self.state != State::Done {
            return self.failed(header, payload);
        }
        match self.state {
            State::Rows if marker != 0xfe || header.continues() => {
                self.rows += 1;
                Packet::Part
            }
            State::Rows => self.end(end_of_rows(header.length, payload)),
            State::First => self.first(kind, marker, header, payload),
            State::Columns(left) => {
                self.state = if left > 1 { State::Columns(left - 1) } else { State::Fence };
                Packet::Part
            }
            State::Fence => self.fence(marker, header, payload, eof),
            State::Definitions(left) => self.definition(left, marker, header, eof),
            State::LastEof if is_eof(marker, header) => self.done(),
            State::FieldList if marker == 0xfe && header.length < 9 => self.done(),
            State::FieldList => Packet::Part,
            State::LastEof | State::Done => Packet::Lost,
        }
    }

    fn done(&mut self) -> Packet {
        self.state = State::Done;
        Packet::Last
    }

    fn failed(&mut self, header: Header, payload: &[u8]) -> Packet {
        match error(payload) {
            Some(PROGRESS) => {
                self.sequence = None;
                Packet::Part
            }
            Some(code) if header.length >= 3 => {
                self.error = Some(code);
                self.done()
            }
            _ => Packet::Lost,
        }
    }

    /// The end of a result.
    fn end(&mut self, end: Option<End>) -> Packet {
        let Some(end) = end else { return Packet::Lost };
        self.status = Some(end.status);
        if let Some(affected) = end.affected {
            self.affected = Some(self.affected.unwrap_or(0).saturating_add(affected));
        }
        if end.status & status::MORE_RESULTS != 0 {
            self.state = State::First;
            self.some_done = true;
            return Packet::Part;
        }
        self.done()
    }

    fn first(&mut self, kind: Kind, marker: u8, header: Header, payload: &[u8]) -> Packet {
        match (kind, marker) {
            (Kind::Stream | Kind::Text, _) => self.done(),
            // Another method, or more to say.
            (Kind::Login, 0xfe | 1 | 2) => {
                self.sequence = None;
                Packet::Part
            }
            (Kind::Login, 0) => {
                self.status = packet::ok(payload).map(|end| end.status);
                self.done()
            }
            (Kind::Prepare, 0) if header.length >= 12 => self.prepare(payload),
            (Kind::Plain | Kind::InitDb | Kind::Reset, 0 | 0xfe) => {
                let end = if marker == 0 { packet::ok(payload) } else { end_of_rows(header.length, payload) };
                self.status = end.map(|end| end.status);
                self.done()
            }
            (Kind::Query | Kind::Execute | Kind::Results, 0) if header.length >= 7 => {
                self.end(packet::ok(payload))
            }
            (Kind::Query | Kind::Results, 0xfb) => {
                self.wants_file = true;
                self.sequence = None;
                Packet::Part
            }
            (Kind::Query | Kind::Execute | Kind::Results, _) => self.columns(header, payload),
            _ => Packet::Lost,
        }
    }

    /// The number of columns; one more byte tells whether their definitions follow (in front of it for MySQL's
    /// CLIENT_OPTIONAL_RESULTSET_METADATA, behind it for MariaDB's MARIADB_CLIENT_CACHE_METADATA).
    fn columns(&mut self, header: Header, payload: &[u8]) -> Packet {
        let Some((mut columns, rest)) = number(payload) else { return Packet::Lost };
        let mut follow = true;
        match rest {
            [] => {}
            [flag @ 0..=1] if columns > 0 => follow = *flag == 1,
            rest if columns <= 1 => match number(rest) {
                Some((count, [])) => (follow, columns) = (columns == 1, count),
                _ => return Packet::Lost,
            },
            _ => return Packet::Lost,
        }
        if columns == 0 || columns > MOST_COLUMNS || header.length > 10 {
            return Packet::Lost;
        }
        self.sets = true;
        self.state = if follow { State::Columns(columns) } else { State::Fence };
        Packet::Part
    }

    fn fence(&mut self, marker: u8, header: Header, payload: &[u8], eof: &mut Option<bool>) -> Packet {
        if is_eof(marker, header) {
            *eof = Some(true);
            let Some(end) = end_of_rows(header.length, payload) else { return Packet::Lost };
            // The rows are for FETCH to get.
            if end.status & status::CURSOR_EXISTS != 0 {
                self.sets = false;
                return self.end(Some(end));
            }
            self.state = State::Rows;
            return Packet::Part;
        }
        eof.get_or_insert(false);
        if marker == 0xfe && !header.continues() {
            let end = end_of_rows(header.length, payload);
            self.sets &= end.is_none_or(|end| end.status & status::CURSOR_EXISTS == 0);
            return self.end(end);
        }
        self.state = State::Rows;
        self.rows += 1;
        Packet::Part
    }

    fn prepare(&mut self, payload: &[u8]) -> Packet {
        let part = |from: usize, to: usize| payload.get(from..to).map_or(0, little) as u32;
        self.prepared = Some(part(1, 5));
        match part(5, 7) + part(7, 9) {
            0 => self.done(),
            definitions => {
                self.state = State::Definitions(definitions);
                Packet::Part
            }
        }
    }

    fn definition(&mut self, left: u32, marker: u8, header: Header, eof: &mut Option<bool>) -> Packet {
        if is_eof(marker, header) {
            // Between those of parameters and those of columns.
            *eof = Some(true);
            return Packet::Part;
        }
        self.state = match left {
            0 | 1 if *eof == Some(true) => State::LastEof,
            0 | 1 => return self.done(),
            left => State::Definitions(left - 1),
        };
        Packet::Part
    }
}

/// An EOF packet in its old form.
pub(super) fn is_eof(marker: u8, header: Header) -> bool {
    marker == 0xfe && header.length == 5
}
