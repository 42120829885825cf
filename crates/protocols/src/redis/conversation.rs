use model::{Nanos, Party};

use super::command;
use super::commands::{self, Kind};
use super::record::{self, Answer, Asked};
use super::reply::{self, Kind as ReplyKind};
use super::scan::{self, Read};
use crate::pairing::{Queue, can_answer};
use crate::{Context, CutBy, Half, Input, Outcome, Outstanding, Step};
use silence::{Gets, Silence};

/// What a connection between a replica and its master goes by.
const REPLICATION: &str = "replication";
/// Commands without a reply that are remembered; older ones are dropped and counted.
const MOST_PENDING: usize = 4096;
/// Replies without a command that are held, in case their commands are shown late.
const MOST_EARLY: usize = 64;

/// Redis on one connection.
///
/// A reply that comes while no command is outstanding is held: it answers the next command if that began no
/// later (and a little slack). Else its command was not seen, and it is counted as unparsed.
#[derive(Debug, Default)]
pub struct Conversation {
    commands: command::Reader,
    asking: Half,
    pending: Queue<Asked>,
    replies: reply::Reader,
    answering: Half,
    early: Queue<Answer>,
    /// Replies to come whose commands were dropped.
    owed: u64,
    /// The database in use, once a SELECT was seen.
    database: Option<u32>,
    silence: Silence,
    /// A subscription was asked for: arrays may be published messages.
    subscribed: bool,
    /// The end of all subscriptions was confirmed once, to this command: once for each may follow.
    unsubscribed: Option<&'static str>,
    /// What it has become.
    left_as: Option<&'static str>,
    /// Replies may have been missed: what is outstanding when the client goes on was answered.
    missed: bool,
    /// How many bytes of each party go by, to be counted when they did.
    passing: [u64; 2],
    /// Who ended first, and how.
    ended: Option<(Party, CutBy)>,
    /// [`Step::Lost`] was returned for the head of this direction: nothing begins there.
    refused: [bool; 2],
}

impl crate::Conversation for Conversation {
    fn step(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Step {
        if self.left_as == Some(REPLICATION) {
            return Step::Leave(input.bytes.len());
        }
        let step = match party {
            Party::Client => self.command(input, context),
            Party::Server => self.reply(input, context),
        };
        if step == Step::Lost {
            self.lose(party, context);
            self.refused[party.index()] = true;
        }
        step
    }

    fn skipped(&mut self, party: Party, last: Nanos, context: &mut Context) {
        let passed = std::mem::take(&mut self.passing[party.index()]);
        match party {
            Party::Client => {
                self.asking.bytes = self.asking.bytes.saturating_add(passed);
                self.asking.last = last;
                if self.commands.is_whole() {
                    match self.commands.kind() {
                        // With whatever comes next it is left.
                        Kind::Replicates => {
                            self.leave_replication(0);
                        }
                        _ => self.ask(context),
                    }
                }
            }
            Party::Server => {
                self.answering.bytes = self.answering.bytes.saturating_add(passed);
                self.answering.last = last;
                if self.replies.passed() {
                    self.replied(context);
                }
            }
        }
    }

    fn gap(&mut self, party: Party, _length: Option<u64>, _at: Nanos, context: &mut Context) {
        if self.is_idle(party) {
            // Whatever stood here had a beginning.
            context.unparsed += 1;
        }
        self.lose(party, context);
    }

    fn resync(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Option<usize> {
        if !self.is_idle(party) {
            self.lose(party, context);
        }
        let refused = std::mem::take(&mut self.refused[party.index()]);
        // Elsewhere a message may begin too, but how many were missed before it is not known.
        if refused || !input.run_start {
            return None;
        }
        let begins = match party {
            Party::Client => begins_command(input.bytes),
            Party::Server => !self.missed && begins_reply(input.bytes),
        };
        begins.then_some(0)
    }

    fn end(&mut self, party: Party, how: CutBy, _passed: u64, _at: Nanos, context: &mut Context) {
        let first = self.ended.is_none();
        self.ended.get_or_insert((party, how));
        let answered = self.pending.len() == 0 && self.early.len() > 0;
        let begun = !self.commands.is_idle();
        if begun && (answered || party == Party::Client) {
            match self.unfinished() {
                // Its server did not want to know more.
                Some(asked) if answered => self.push(asked, context),
                // It cannot be completed, and what comes before it may still be answered.
                Some(asked) if how == CutBy::Close && first && self.pending.len() > 0 => {
                    self.pending.push(asked);
                }
                Some(asked) => {
                    self.drain(context);
                    record::exchange(asked, None, Some(Outcome::Cut(party, how)), self.database, context);
                }
                // Not even its name was read.
                None => context.unparsed += 1,
            }
        }
        if party == Party::Server || how != CutBy::Close || !first {
            self.drain(context);
        }
    }

    fn expire(&mut self, now: Nanos, context: &mut Context) {
        self.lose_patience(now, context);
    }

    fn left_as(&self) -> &'static str {
        self.left_as.unwrap_or("upgraded")
    }

    fn outstanding(&self) -> Option<Outstanding> {
        self.pending.front().map(|asked| Outstanding::from(&asked.half))
    }

    fn oldest_pending(&self) -> Option<Nanos> {
        let outstanding = self.pending.front().map(|asked| asked.half.first);
        outstanding.or((!self.commands.is_idle()).then_some(self.asking.first))
    }
}

impl Conversation {
    fn is_idle(&self, party: Party) -> bool {
        match party {
            Party::Client => self.commands.is_idle(),
            Party::Server => self.replies.is_idle(),
        }
    }

    fn command(&mut self, input: Input<'_>, context: &mut Context) -> Step {
        if self.commands.is_idle() {
            self.asking = Half { bytes: 0, first: input.first, last: input.last, position: input.position };
            if self.missed && input.run_start {
                self.flush_missed(context);
            }
        }
        let read = self.commands.read(input.bytes, context.settings);
        self.asking.last = input.last;
        match read {
            Read::Whole(read) if self.commands.kind() == Kind::Replicates => self.leave_replication(read),
            Read::Whole(read) => {
                self.asking.bytes = self.asking.bytes.saturating_add(read as u64);
                self.ask(context);
                Step::Read(read)
            }
            other => step(other, &mut self.asking, &mut self.passing[0]),
        }
    }

    fn reply(&mut self, input: Input<'_>, context: &mut Context) -> Step {
        if self.replies.is_idle() {
            self.answering =
                Half { bytes: 0, first: input.first, last: input.last, position: input.position };
            if self.leads_elsewhere() && !matches!(input.bytes[0], b'\r' | b'\n' | b'-') {
                return self.leave(input, context);
            }
            match replicates(input.bytes) {
                Some(true) => return self.leave_replication(input.bytes.len()),
                Some(false) => {}
                None => return Step::NeedMore,
            }
            if self.silence.shape != reply::Shape::default() && self.front_is(Kind::Exec) {
                self.replies.set_shape(self.silence.shape);
            }
        }
        let read = self.replies.read(input.bytes);
        self.answering.last = input.last;
        match read {
            Read::Whole(read) => {
                self.answering.bytes = self.answering.bytes.saturating_add(read as u64);
                self.replied(context);
                Step::Read(read)
            }
            other => step(other, &mut self.answering, &mut self.passing[1]),
        }
    }

    /// True when the next reply makes this something else than commands and replies.
    fn leads_elsewhere(&self) -> bool {
        self.owed == 0 && self.front_is(Kind::Leaves)
    }

    fn front_is(&self, kind: Kind) -> bool {
        self.pending.front().is_some_and(|asked| asked.command.id.kind() == kind)
    }

    fn leave(&mut self, input: Input<'_>, context: &mut Context) -> Step {
        let Some((line, next)) = scan::line(input.bytes, 0) else { return Step::NeedMore };
        let status = if line == b"+QUEUED" { ReplyKind::Queued } else { ReplyKind::Status };
        let reply = reply::Reply { kind: status, ..reply::Reply::default() };
        self.answering.bytes = next as u64;
        self.answering.last = input.last;
        let replicates =
            self.pending.front().is_some_and(|asked| asked.command.id.command().name != "MONITOR");
        self.answer(Answer { reply, half: self.answering, torn: false }, false, context);
        if status == ReplyKind::Queued {
            return Step::Read(next);
        }
        self.left_as = replicates.then_some(REPLICATION);
        Step::Leave(next)
    }

    /// A replica follows its master here: commands come from there, and nothing is answered.
    fn leave_replication(&mut self, read: usize) -> Step {
        *self = Conversation { left_as: Some(REPLICATION), ..Conversation::default() };
        Step::Leave(read)
    }

    /// A command is whole: it is outstanding from now on.
    fn ask(&mut self, context: &mut Context) {
        let Some(command) = self.commands.take() else { return };
        let asked = asked(command, self.asking);
        if matches!(asked.command.id.kind(), Kind::Subscribe | Kind::Unsubscribe) {
            self.subscribed = true;
        }
        if let Some(asked) = self.without_reply(asked, context) {
            self.push(asked, context);
        }
    }

    fn push(&mut self, asked: Asked, context: &mut Context) {
        self.lose_patience(asked.half.first, context);
        if self.pending.len() >= MOST_PENDING && self.front_gets() == Gets::Unknown {
            self.accept(context);
            self.settle(context);
        }
        if self.pending.len() >= MOST_PENDING
            && let Some(dropped) = self.pending.pop()
        {
            self.owed += u64::from(dropped.expected);
            context.unparsed += 1;
        }
        self.pending.push(asked);
        self.settle(context);
        for _ in 0..self.early.len() {
            if let Some(answer) = self.early.pop() {
                self.answer(answer, true, context);
            }
        }
    }

    /// Keeps a reply until its command is seen.
    fn hold(&mut self, answer: Answer, context: &mut Context) {
        if self.early.len() >= MOST_EARLY {
            self.early.pop();
            context.unparsed += 1;
        }
        self.early.push(answer);
    }

    /// A reply is whole.
    fn replied(&mut self, context: &mut Context) {
        let answer = Answer { reply: self.replies.take(), half: self.answering, torn: false };
        self.answer(answer, false, context);
    }

    /// True for what a server says without being asked, or more often than it was.
    fn is_no_answer(&mut self, reply: &reply::Reply) -> bool {
        let front = self.pending.front().map(|asked| asked.command.id);
        let unsubscribed = self.unsubscribed;
        if !reply.push {
            self.unsubscribed.take_if(|name| reply.kind != ReplyKind::Confirmation(name));
        }
        match reply.kind {
            ReplyKind::Confirmation(name) if front.is_some_and(|id| id.command().name == name) => false,
            _ if reply.push => true,
            // What was unsubscribed from, and how many subscriptions are left.
            ReplyKind::Confirmation(name) if reply.elements == 3 && unsubscribed == Some(name) => true,
            // RESP2 has arrays for these; they are values where the outstanding command shows that the
            // client is not subscribed (any more).
            ReplyKind::Message | ReplyKind::Confirmation(_) => {
                use Kind::{ClientReply, Ping, Subscribe, Unsubscribe};
                let front = front.map(commands::Id::kind);
                self.subscribed && matches!(front, None | Some(Ping | ClientReply | Subscribe | Unsubscribe))
            }
            _ => false,
        }
    }

    /// Gives a reply to its command; with `held` it came before the last command was seen.
    fn answer(&mut self, mut answer: Answer, held: bool, context: &mut Context) {
        if self.is_no_answer(&answer.reply) {
            return;
        }
        if self.owed > 0 {
            self.owed -= 1;
            return;
        }
        if self.front_gets() == Gets::Unknown {
            match self.decide(answer, held, context) {
                Some(decided) => answer = decided,
                None => return,
            }
        }
        let Some(asked) = self.pending.front_mut() else { return self.hold(answer, context) };
        if !can_answer(asked.half.first, answer.half.first) {
            // It began before anything that is outstanding: its command was not seen.
            context.unparsed += 1;
            return;
        }
        if asked.answered.bytes == 0 {
            asked.answered = answer.half;
        } else {
            asked.answered.bytes = asked.answered.bytes.saturating_add(answer.half.bytes);
            asked.answered.last = answer.half.last;
        }
        asked.expected = match answer.reply.kind {
            ReplyKind::Confirmation(_) => asked.expected.saturating_sub(1),
            _ => 0,
        };
        if asked.expected == 0
            && let Some(asked) = self.pending.pop()
        {
            self.finish(asked, answer, context);
        }
    }

    fn finish(&mut self, asked: Asked, answer: Answer, context: &mut Context) {
        let unsubscribed = self.silence.unsubscribed;
        self.silence.done(&asked.command, Some(&answer.reply));
        let (kind, status) = (asked.command.id.kind(), answer.reply.kind);
        let selected = asked.command.database;
        if kind == Kind::Unsubscribe && asked.command.arguments == 0 {
            self.unsubscribed = Some(asked.command.id.command().name);
        }
        record::exchange(asked, Some(answer), None, self.database, context);
        match kind {
            Kind::Exec if status == ReplyKind::Value => self.unsubscribed = unsubscribed,
            Kind::Select if status == ReplyKind::Status => self.database = selected,
            Kind::Reset if status == ReplyKind::Status => (self.database, self.subscribed) = (Some(0), false),
            _ => {}
        }
        self.settle(context);
    }
}

fn asked(command: command::Command, half: Half) -> Asked {
    let expected = match command.id.kind() {
        Kind::Subscribe | Kind::Unsubscribe => command.arguments.max(1),
        _ => 1,
    };
    Asked { command, half, expected, answered: Half::default(), torn: false }
}

/// What replicas and masters say with REPLCONF, where the other end was taken for the client.
const REPLICATES: [&[u8]; 2] =
    [b"*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n", b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n"];

/// True when this is no reply but replication; `None` when more has to be seen.
fn replicates(bytes: &[u8]) -> Option<bool> {
    if REPLICATES.iter().any(|said| bytes.starts_with(said)) {
        return Some(true);
    }
    // Other lists that begin so go on at once.
    let may_be = REPLICATES.iter().any(|said| said.starts_with(bytes));
    (!may_be).then_some(false)
}

/// The step for what was read of a message that is not whole, or of none.
fn step(read: Read, half: &mut Half, passing: &mut u64) -> Step {
    match read {
        Read::NeedMore => Step::NeedMore,
        Read::Lost => Step::Lost,
        Read::Nothing(read) => Step::Read(read),
        Read::Part(read) | Read::Whole(read) => {
            half.bytes = half.bytes.saturating_add(read as u64);
            Step::Read(read)
        }
        Read::Skip(read, skip) => {
            half.bytes = half.bytes.saturating_add(read as u64);
            *passing = skip;
            Step::Skip { read, skip }
        }
    }
}

/// True when `bytes` may begin a command.
fn begins_command(bytes: &[u8]) -> bool {
    match command::Reader::default().read(bytes, crate::Settings::default()) {
        Read::Lost | Read::Nothing(_) => false,
        Read::NeedMore | Read::Part(_) | Read::Skip(..) | Read::Whole(_) => true,
    }
}

/// True when `bytes` may begin a reply.
fn begins_reply(bytes: &[u8]) -> bool {
    !matches!(reply::Reader::default().read(bytes), Read::Lost | Read::Nothing(_))
}

mod ends;
mod silence;
#[cfg(test)]
mod tests;
