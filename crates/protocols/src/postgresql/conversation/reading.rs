//! Both directions, message by message: what is counted where, and what the server's messages end.

use std::sync::Arc;

use model::Nanos;

use super::super::backend;
use super::super::frames::{self, Frame};
use super::super::frontend;
use super::super::record::{Event, Happened};
use super::{Conversation, Counted};
use crate::sql::{Dialect, Statement};
use crate::{Context, Half, Input, Step};

impl Conversation {
    pub(super) fn read_client(&mut self, input: Input<'_>, context: &mut Context) -> Step {
        if self.client.is_idle() {
            self.asking = Half { bytes: 0, first: input.first, last: input.last, position: input.position };
            self.counted = Counted::Nowhere;
            let first = input.bytes.first().copied().unwrap_or_default();
            if self.negotiating && first == TLS_HANDSHAKE {
                self.left_as = Some("tls");
                return Step::Leave(input.bytes.len());
            }
            if first == frames::STARTUP && self.begun {
                return Step::Lost;
            }
            self.resynchronise(input, context);
            let several = whole_messages(input.bytes, b'd', &mut 0);
            if several > 0 && self.copying {
                self.asking.bytes = several as u64;
                self.ask(frontend::Message::CopyData, context);
                return Step::Read(several);
            }
        }
        self.asking.last = input.last;
        match self.client.next(input.bytes, frontend::wanted) {
            Frame::NeedMore => Step::NeedMore,
            Frame::Lost => Step::Lost,
            Frame::Part(read) => {
                self.asking.bytes += read as u64;
                Step::Read(read)
            }
            Frame::Message { kind, body, whole, read, rest } => {
                self.client.close();
                self.asking.bytes += read as u64;
                self.begun |= kind != frames::STARTUP;
                let Some(message) = frontend::message(kind, &body, whole) else { return Step::Lost };
                self.ask(message, context);
                self.asking_passes = rest;
                go_on(read, rest)
            }
        }
    }

    pub(super) fn read_server(&mut self, input: Input<'_>, context: &mut Context) -> Step {
        if self.server.is_idle() {
            if self.negotiating
                && let Some(step) = self.negotiated(input)
            {
                return step;
            }
            let rows = whole_messages(input.bytes, b'D', &mut self.rows);
            if rows > 0 {
                self.begin_answer(input);
                self.count_answer(rows as u64, input.last);
                return Step::Read(rows);
            }
        }
        let idle = self.server.is_idle();
        match self.server.next(input.bytes, backend::wanted) {
            Frame::NeedMore => Step::NeedMore,
            Frame::Lost => Step::Lost,
            frame => {
                if idle {
                    self.begin_message(input);
                }
                self.server_frame(frame, input.last, context)
            }
        }
    }

    fn server_frame(&mut self, frame: Frame<'_>, last: Nanos, context: &mut Context) -> Step {
        match frame {
            Frame::NeedMore => Step::NeedMore,
            Frame::Lost => Step::Lost,
            Frame::Part(read) => {
                self.count_answer(read as u64, last);
                Step::Read(read)
            }
            Frame::Message { kind, body, read, rest, .. } => {
                self.server.close();
                let Some(message) = backend::message(kind, &body) else { return Step::Lost };
                self.count_answer(read as u64, last);
                if message == backend::Message::CopyBoth && rest == 0 {
                    self.said(message, context);
                    self.left_as = Some("replication");
                    return Step::Leave(read);
                }
                self.answering_passes = rest;
                if rest > 0 {
                    self.held = Some(message);
                } else {
                    self.said(message, context);
                }
                go_on(read, rest)
            }
        }
    }

    /// A message of the server begins: what comes unasked is no part of an answer.
    fn begin_message(&mut self, input: Input<'_>) {
        self.counts = match input.bytes.first() {
            Some(b'A') => false,
            Some(b'N' | b'S') => self.pending.len() > 0,
            _ => true,
        };
        if self.counts {
            self.begin_answer(input);
        }
    }

    fn begin_answer(&mut self, input: Input<'_>) {
        (self.counts, self.idle) = (true, false);
        if self.answering.bytes == 0 {
            self.answering.first = input.first;
        }
    }

    pub(super) fn count_answer(&mut self, bytes: u64, last: Nanos) {
        if self.counts {
            self.answering.bytes = self.answering.bytes.saturating_add(bytes);
            self.answering.last = last;
        }
    }

    /// The server's answer to a request for encryption is one byte.
    fn negotiated(&mut self, input: Input<'_>) -> Option<Step> {
        let step = match input.bytes.first()? {
            b'S' => {
                self.left_as = Some("tls");
                Step::Leave(1)
            }
            b'G' => {
                self.left_as = Some("gssapi");
                Step::Leave(1)
            }
            b'N' => Step::Read(1),
            // A server that does not know the request: an error follows.
            _ => return None,
        };
        self.negotiating = false;
        Some(step)
    }

    /// Counts bytes of the client's message where they belong.
    pub(super) fn count(&mut self, bytes: u64, last: Nanos) {
        let half = match self.counted {
            Counted::Nowhere => return,
            Counted::Preparation => &mut self.preparation.half,
            Counted::Latest => match self.pending.back_mut() {
                Some(asked) => &mut asked.half,
                None => return,
            },
        };
        half.bytes = half.bytes.saturating_add(bytes);
        half.last = last;
    }

    /// A message of the server is whole.
    pub(super) fn said(&mut self, message: backend::Message, context: &mut Context) {
        use backend::Message;
        let happened = match message {
            Message::Row => {
                self.rows += 1;
                return;
            }
            Message::CopyIn => {
                self.copying = true;
                return;
            }
            Message::StandardStrings(standard) => {
                self.backslashes = Some(!standard);
                return;
            }
            Message::Confirmed => {
                self.confirmed += 1;
                return;
            }
            Message::Aside | Message::Notification | Message::Part => return,
            Message::Complete(tag) => Happened::Complete(tag),
            Message::Empty => Happened::Empty,
            Message::Suspended => Happened::Suspended,
            Message::Failed(failure) => Happened::Failed(failure),
            Message::Ready { idle } => Happened::Ready { idle },
            Message::CopyBoth => Happened::CopyBoth,
        };
        self.copying = false;
        let half = std::mem::take(&mut self.answering);
        self.idle = matches!(happened, Happened::Ready { .. });
        self.heard = half.last;
        let event = Event {
            happened,
            half,
            rows: std::mem::take(&mut self.rows),
            confirmed: std::mem::take(&mut self.confirmed),
            torn: std::mem::take(&mut self.torn),
        };
        self.happened(event, context);
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self.backslashes {
            Some(false) => Dialect::PostgreSql,
            Some(true) => Dialect::PostgreSqlBackslash,
            None => Dialect::PostgreSqlUnknown,
        }
    }

    pub(super) fn describe(&mut self, sql: frontend::Sql<'_>, context: &mut Context) -> Arc<Statement> {
        let statement = context.statements.describe(sql.text, sql.whole, self.dialect(), context.settings);
        if statement.changes.escapes {
            // What follows without waiting is read either way, until the server tells.
            self.backslashes = None;
        }
        statement
    }
}

/// The first byte of a TLS handshake's record.
const TLS_HANDSHAKE: u8 = 0x16;

/// The length of all messages of this kind at the head of `bytes`; adds to `count` how many.
fn whole_messages(bytes: &[u8], kind: u8, count: &mut u64) -> usize {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..)
        && rest.first() == Some(&kind)
        && let Some((_, Some(length), header)) = frames::header(rest)
        && length <= (rest.len() - header) as u64
        && backend::wanted(kind, length).is_some()
    {
        at += header + length as usize;
        *count += 1;
    }
    at
}

fn go_on(read: usize, rest: u64) -> Step {
    if rest > 0 { Step::Skip { read, skip: rest } } else { Step::Read(read) }
}
