use model::{Nanos, Party, Text};

use super::command::{self, CONNECT, Command, Kind, UNSEEN};
use super::handshake::{self, Agreed, Greeting};
use super::packet::{END, HEADER, Header, header};
use super::reading::Reading;
use super::record::{self, Asked, Session};
use super::reply::{Answer, Packet, is_eof};
use super::statements::Prepared;
use crate::pairing::{Queue, can_answer};
use crate::{Context, CutBy, Half, Input, Outcome, Outstanding, Step};

/// Commands without an answer that are remembered; with more, all are told as incomplete.
const MOST_PENDING: usize = 1024;

/// MySQL on one connection.
///
/// An answer that comes while no command is outstanding is held: it answers the next command if that began no
/// later (and a little slack). Else its command was not seen, and it is counted as unparsed.
#[derive(Debug, Default)]
pub struct Conversation {
    session: Session,
    greeting: Option<Greeting>,
    agreed: Option<Agreed>,
    /// An EOF packet stands behind definitions, once that is known.
    eof: Option<bool>,
    reading: Reading,
    prepared: Prepared,
    /// A command that is not whole yet.
    asking: Option<Asked>,
    pending: Queue<Asked>,
    /// The answer to a command that is shown late.
    early: Option<Answer>,
    /// The number that an EOF packet would have behind an answer that may have ended.
    stray: Option<u8>,
    /// Answers may have been missed: what is outstanding when the client goes on was answered.
    missed: bool,
    /// How many bytes of each party go by, to be counted when they did.
    passing: [u64; 2],
    /// How many bytes of each party were seen but not enough to be read.
    kept: [usize; 2],
    /// The client's packet goes on in the next.
    continues: bool,
    /// The number of the client's last packet.
    sequence: Option<u8>,
    /// Who ended first, and how.
    ended: Option<(Party, CutBy)>,
    /// [`Step::Lost`] was returned for the head of this direction: nothing begins there.
    refused: [bool; 2],
    /// Why the connection was left.
    left: Option<&'static str>,
}

impl crate::Conversation for Conversation {
    fn step(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Step {
        if self.left.is_some() {
            return Step::Leave(input.bytes.len());
        }
        let step = match party {
            Party::Client => self.client(input, context),
            Party::Server => self.server(input, context),
        };
        self.kept[party.index()] = if step == Step::NeedMore { input.bytes.len() } else { 0 };
        if step == Step::Lost {
            self.lose(party, None, input.first, context);
            self.refused[party.index()] = true;
        }
        step
    }

    fn skipped(&mut self, party: Party, last: Nanos, context: &mut Context) {
        let passed = std::mem::take(&mut self.passing[party.index()]);
        match party {
            Party::Client => {
                if let Some(half) = self.asking_half() {
                    half.bytes = half.bytes.saturating_add(passed);
                    half.last = half.last.max(last);
                }
                self.sent(context);
            }
            Party::Server => {
                if let Some(answer) = self.answer_mut() {
                    answer.half.bytes = answer.half.bytes.saturating_add(passed);
                    answer.half.last = last;
                }
                self.answered(context);
            }
        }
    }

    fn gap(&mut self, party: Party, length: Option<u64>, at: Nanos, context: &mut Context) {
        if !self.may_miss(party) && self.is_idle(party, at) {
            // Whatever stood here had a beginning.
            context.unparsed += 1;
        }
        let kept = std::mem::take(&mut self.kept[party.index()]) as u64;
        self.lose(party, length.map(|length| length.saturating_add(kept)), at, context);
    }

    fn resync(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Option<usize> {
        let refused = std::mem::take(&mut self.refused[party.index()]);
        // Elsewhere a packet may begin too, but what is missing before it is not known.
        let begins = !refused
            && input.run_start
            && match party {
                Party::Client => super::detect::begins_command(input.bytes),
                Party::Server => !self.missed && super::detect::begins_reply(input.bytes),
            };
        if party == Party::Server
            && !begins
            && let Some(end) = self.end_of_rows(input)
        {
            self.lose(party, Some(end as u64), input.last, context);
            self.missed = false;
            return Some(end);
        }
        if !begins {
            self.lose(party, Some(input.bytes.len() as u64), input.last, context);
        }
        begins.then_some(0)
    }

    fn end(&mut self, party: Party, how: CutBy, _passed: u64, _at: Nanos, context: &mut Context) {
        let first = self.ended.is_none();
        self.ended.get_or_insert((party, how));
        if party == Party::Client
            && let Some(asked) = self.asking.take()
        {
            self.push(asked, context);
        }
        if party == Party::Server || how != CutBy::Close || !first {
            self.drain(context);
        }
    }

    fn outstanding(&self) -> Option<Outstanding> {
        self.pending.front().map(|asked| Outstanding::from(&asked.half))
    }

    fn oldest_pending(&self) -> Option<Nanos> {
        let oldest = self.pending.front().or(self.asking.as_ref());
        oldest.map(|asked| asked.half.first)
    }

    /// How a statement ended stands behind its rows; and what is executed, behind the long data that was sent for it.
    fn wants_tails(&self, _party: Party) -> bool {
        true
    }

    fn may_miss(&self, party: Party) -> bool {
        let Some(asked) = self.pending.front() else { return party == Party::Client && self.continues };
        match party {
            Party::Client => asked.sending || self.continues,
            Party::Server => asked.answer.has_begun(),
        }
    }

    fn left_as(&self) -> &'static str {
        self.left.unwrap_or("replication")
    }
}

impl Conversation {
    fn client(&mut self, input: Input<'_>, context: &mut Context) -> Step {
        let Some((header, payload)) = header(input.bytes) else { return Step::NeedMore };
        if self.asking.is_none() && self.missed && input.run_start && header.sequence == 0 {
            self.flush_missed(context);
        }
        let goes_on = std::mem::replace(&mut self.continues, false);
        let file = self.pending.front().is_some_and(|asked| asked.sending);
        let joins =
            (goes_on && self.asking.is_some()) || file || (header.sequence > 0 && self.pending.len() > 0);
        let asked = match (joins, header.sequence) {
            (true, _) => None,
            (false, 0) => Some(self.command(header, payload, input, context)),
            (false, _) => Some(self.login(header, payload, input)),
        };
        let wanted = match asked {
            Some(Ok(asked)) => {
                let wanted = asked.command.wanted(header.length);
                self.asking = Some(asked);
                wanted
            }
            Some(Err(step)) => return step,
            None => {
                self.join(header);
                0
            }
        };
        self.continues = header.continues();
        self.sequence = Some(header.sequence);
        // Of a packet that is not all there, the same is read however much of it is.
        let there = if input.bytes.len() < header.whole() { HEADER + wanted } else { header.whole() };
        if let Some(half) = self.asking_half() {
            half.bytes = half.bytes.saturating_add(there as u64);
            half.last = half.last.max(input.last);
        }
        if there < header.whole() {
            let skip = (header.whole() - there) as u64;
            self.passing[0] = skip;
            return Step::Skip { read: there, skip };
        }
        self.sent(context);
        if self.left.is_some() { Step::Leave(there) } else { Step::Read(there) }
    }

    /// Where the client's bytes are counted: the command that it is sending, or the one that goes on with a
    /// password or a file.
    fn asking_half(&mut self) -> Option<&mut Half> {
        match &mut self.asking {
            Some(asking) => Some(&mut asking.half),
            None => self.pending.front_mut().map(|asked| &mut asked.half),
        }
    }

    /// A packet of a command that goes on: a password, a file, more than 16 MiB.
    fn join(&mut self, header: Header) {
        if self.asking.is_some() {
            return;
        }
        let Some(asked) = self.pending.front_mut() else { return };
        asked.answer.forget_sequence();
        // A file ends with an empty packet.
        asked.sending = asked.command.kind == Kind::Query && header.length > 0;
    }

    /// A packet of the client went by.
    fn sent(&mut self, context: &mut Context) {
        if self.continues {
            return;
        }
        if let Some(asked) = self.asking.take() {
            self.ask(asked, context);
        }
    }

    fn command(
        &mut self,
        header: Header,
        payload: &[u8],
        input: Input<'_>,
        context: &mut Context,
    ) -> Result<Asked, Step> {
        let Some(code) = payload.first() else {
            return Err(if header.length == 0 { Step::Lost } else { Step::NeedMore });
        };
        let Some(command) = Command::of(*code) else { return Err(Step::Lost) };
        let wanted = command.wanted(header.length);
        let Some(seen) = payload.get(..wanted) else { return Err(Step::NeedMore) };
        let whole = wanted == header.length;
        let mut asked = asked(command, input, None);
        match command.kind {
            Kind::Query | Kind::Prepare => {
                let attributes = match command.kind {
                    Kind::Query => self.agreed.map(|agreed| agreed.query_attributes),
                    _ => Some(false),
                };
                let sql = command::query(seen, attributes);
                let statement =
                    context.statements.describe(sql, whole, self.reading.dialect(), context.settings);
                asked.database = statement.selects.clone();
                if command.kind == Kind::Prepare {
                    self.prepared.last = Some(context.statements.keep(&statement));
                }
                asked.statement = Some(statement);
            }
            Kind::Execute | Kind::Fetch | Kind::Close => {
                let Some(id) = command::statement_id(seen) else { return Err(Step::Lost) };
                asked.statement = self.prepared.get(id, &mut context.statements);
                if command.kind == Kind::Close {
                    self.prepared.forget(id);
                }
            }
            Kind::InitDb => asked.database = command::database(seen),
            Kind::Login => asked.database = command::change_user_database(seen),
            _ => {}
        }
        Ok(asked)
    }

    /// The client's first packet.
    fn login(&mut self, header: Header, payload: &[u8], input: Input<'_>) -> Result<Asked, Step> {
        let wanted = CONNECT.wanted(header.length);
        let Some(seen) = payload.get(..wanted) else {
            let hopeless =
                payload.len() >= handshake::LOGIN_FIXED && handshake::login(header, payload).is_none();
            return Err(if hopeless { Step::Lost } else { Step::NeedMore });
        };
        let Some(login) = handshake::login(header, seen) else { return Err(Step::Lost) };
        let agreed = handshake::agree(self.greeting, &login);
        (self.agreed, self.eof) = (Some(agreed), Some(!agreed.deprecate_eof));
        self.reading.begin(login.wide);
        if login.tls {
            self.left = Some("tls");
        }
        Ok(asked(&CONNECT, input, login.database))
    }

    /// A command is whole: it is outstanding from now on.
    fn ask(&mut self, mut asked: Asked, context: &mut Context) {
        self.stray = None;
        if self.left.is_some() {
            return;
        }
        let kind = asked.command.kind;
        if matches!(kind, Kind::Silent | Kind::Close) {
            record::exchange(asked, None, &self.session, context);
            return;
        }
        let sequence = self.sequence.filter(|_| kind != Kind::Login);
        asked.answer = Answer::to(kind, sequence);
        match &asked.statement {
            Some(statement) if kind.runs() => self.reading.may_change(statement.changes),
            // The session begins anew, in a character set that nobody tells.
            _ if kind == Kind::Reset || (kind == Kind::Login && asked.command != &CONNECT) => {
                self.reading = Reading::default();
            }
            _ => {}
        }
        if let Some(early) = self.early.take() {
            match can_answer(asked.half.first, early.half.first) && self.pending.len() == 0 {
                true => asked.answer = early,
                false => context.unparsed += 1,
            }
        }
        self.push(asked, context);
        self.answered(context);
    }

    fn push(&mut self, asked: Asked, context: &mut Context) {
        if self.pending.len() >= MOST_PENDING {
            self.flush_missed(context);
            self.missed = true;
        }
        self.pending.push(asked);
    }

    fn server(&mut self, input: Input<'_>, context: &mut Context) -> Step {
        let mut at = 0;
        while let Some((header, payload)) = input.bytes.get(at..).and_then(header) {
            let Some((verdict, wanted)) = self.reply_packet(header, payload, input, context) else {
                // No answer to anything: a greeting, or an EOF packet behind an answer that has ended.
                if at > 0 {
                    break;
                }
                return self.unasked(header, payload, input, context);
            };
            match verdict {
                Packet::Cut => break,
                Packet::Lost if at > 0 => break,
                Packet::Lost => return Step::Lost,
                Packet::Part | Packet::Last => {}
            }
            let all = input.bytes.len() - at >= header.whole();
            let there = if all { header.whole() } else { HEADER + wanted };
            at += there;
            if let Some(answer) = self.answer_mut() {
                answer.half.bytes = answer.half.bytes.saturating_add(there as u64);
                answer.half.last = input.last;
            }
            if there < header.whole() {
                let skip = (header.whole() - there) as u64;
                self.passing[1] = skip;
                return Step::Skip { read: at, skip };
            }
            if verdict == Packet::Part
                && let Some(asked) = self.pending.front_mut()
                && std::mem::take(&mut asked.answer.wants_file)
            {
                asked.sending = true;
            }
            if verdict == Packet::Last {
                self.answered(context);
                break;
            }
        }
        match (at, self.left) {
            (0, _) => Step::NeedMore,
            (at, Some(_)) => Step::Leave(at),
            (at, None) => Step::Read(at),
        }
    }

    /// Reads a packet as part of the answer that is outstanding, or held; `None` where it is none.
    #[inline]
    fn reply_packet(
        &mut self,
        header: Header,
        payload: &[u8],
        input: Input<'_>,
        context: &mut Context,
    ) -> Option<(Packet, usize)> {
        if let Some(stray) = self.stray
            && stray == header.sequence
            && header.length == 5
        {
            return None;
        }
        let asked = self.pending.front_mut().filter(|asked| can_answer(asked.half.first, input.first));
        let (kind, answer) = match asked {
            Some(asked) => {
                // Its command will not come any more.
                context.unparsed += u64::from(self.early.take().is_some());
                (asked.command.kind, &mut asked.answer)
            }
            None => (UNSEEN.kind, self.early.as_mut().filter(|early| !early.is_done())?),
        };
        if !answer.has_begun() {
            answer.half.first = input.first;
        }
        let wanted = answer.wanted(header, payload);
        Some((answer.packet(kind, header, payload, &mut self.eof), wanted))
    }

    fn answer_mut(&mut self) -> Option<&mut Answer> {
        match self.pending.front_mut() {
            Some(asked) if self.early.is_none() => Some(&mut asked.answer),
            _ => self.early.as_mut(),
        }
    }

    /// A packet that answers nothing that is outstanding.
    fn unasked(&mut self, header: Header, payload: &[u8], input: Input<'_>, context: &mut Context) -> Step {
        let there = header.whole().min(input.bytes.len());
        let marker = payload.first().copied();
        if payload.len() < header.length.min(END) {
            return Step::NeedMore;
        }
        if marker.is_some_and(|marker| is_eof(marker, header)) && self.stray.take() == Some(header.sequence) {
            self.eof = Some(true);
            return if there == header.whole() { Step::Read(there) } else { Step::NeedMore };
        }
        match (header.sequence, marker) {
            (0, Some(handshake::VERSION)) => {
                if payload.len() < header.length {
                    return if header.length < 1024 { Step::NeedMore } else { Step::Lost };
                }
                let Some(greeting) = handshake::greeting(payload) else { return Step::Lost };
                self.session.mariadb = greeting.mariadb;
                self.greeting = Some(greeting);
                Step::Read(there)
            }
            // The server has no room, or does not know this host: a login that failed before it began.
            (0, Some(0xff)) if self.greeting.is_none() && header.length < 1024 => {
                if payload.len() < header.length {
                    return Step::NeedMore;
                }
                let mut refused = asked(&CONNECT, input, None);
                refused.answer = Answer::to(Kind::Login, None);
                refused.answer.packet(Kind::Login, header, payload, &mut self.eof);
                refused.answer.half = Half {
                    bytes: there as u64,
                    first: input.first,
                    last: input.last,
                    position: input.position,
                };
                record::exchange(refused, None, &self.session, context);
                Step::Read(there)
            }
            (1, Some(_)) if self.early.is_none() => {
                let mut early = Answer::to(UNSEEN.kind, Some(0));
                early.half.first = input.first;
                self.early = Some(early);
                self.server(input, context)
            }
            (1, Some(_)) => {
                self.early = None;
                context.unparsed += 1;
                self.unasked(header, payload, input, context)
            }
            _ => Step::Lost,
        }
    }

    /// A packet of the server went by: finishes what is answered.
    fn answered(&mut self, context: &mut Context) {
        while self.pending.front().is_some_and(|asked| asked.answer.is_done()) {
            let Some(asked) = self.pending.pop() else { return };
            self.finish(asked, context);
        }
    }

    fn finish(&mut self, asked: Asked, context: &mut Context) {
        let kind = asked.command.kind;
        let failed = asked.answer.error.is_some();
        // What is behind it may change the settings again.
        if self.pending.len() == 0 {
            if let Some(flags) = asked.answer.status {
                self.reading.learn(flags);
            }
            if let Some(statement) = asked.statement.as_ref().filter(|_| !failed && kind.runs()) {
                self.reading.changed(statement.changes);
            }
        }
        let database = asked.database_after(&self.session);
        if let (Some(id), Some(statement)) = (asked.answer.prepared, &asked.statement) {
            self.prepared.learn(id, context.statements.keep(statement));
            self.stray = if self.eof.is_none() { asked.answer.next_sequence() } else { None };
        }
        record::exchange(asked, None, &self.session, context);
        self.session.database = database;
        match kind {
            Kind::Login if !failed => {
                self.prepared = Prepared::default();
                if self.agreed.is_some_and(|agreed| agreed.compressed) {
                    self.left = Some("compressed");
                }
            }
            Kind::Reset if !failed => self.prepared = Prepared::default(),
            Kind::Stream if !failed => self.left = Some("replication"),
            _ => {}
        }
    }
}

fn asked(command: &'static Command, input: Input<'_>, database: Option<Text>) -> Asked {
    Asked {
        command,
        statement: None,
        database,
        half: Half { bytes: 0, first: input.first, last: input.last, position: input.position },
        sending: false,
        answer: Answer::default(),
    }
}

mod ends;
#[cfg(test)]
mod tests;
