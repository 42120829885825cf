//! Which commands get no reply.
//!
//! A server that accepts CLIENT REPLY OFF or SKIP does not say so, and one that refuses it does. So these commands are outstanding
//! like all others, and so is what follows them, until it shows: by an error, by the reply of a command that gets one
//! again, or by [`PATIENCE`] without any.

use model::Nanos;

use super::super::command::{Command, Reply as Wish};
use super::super::commands::Kind;
use super::super::reply::{Kind as ReplyKind, Reply, Shape};
use super::record::{self, Answer, Asked};
use super::{Conversation, can_answer};
use crate::Context;

/// After so long without a reply, CLIENT REPLY was accepted.
const PATIENCE: Nanos = 1_000_000_000;

/// What the first command that is outstanding has before it.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Silence {
    now: Mute,
    /// Between MULTI and EXEC: commands are queued.
    queueing: bool,
    /// What EXEC leads to.
    after: Mute,
    /// What the reply to EXEC will look like.
    pub(super) shape: Shape,
    /// The last command that was queued ends all subscriptions: each may be confirmed behind the reply to EXEC.
    pub(super) unsubscribed: Option<&'static str>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Mute {
    #[default]
    No,
    Next,
    On,
}

/// Whether a command gets a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gets {
    Reply,
    Nothing,
    /// Nothing if the server accepts it.
    Unknown,
}

impl Silence {
    /// What `command` gets; `subscribed` where the client may be.
    pub(super) fn of(&self, command: &Command, subscribed: bool) -> Gets {
        let wish = wish(command);
        match self.now {
            _ if command.id.kind() == Kind::Reset => Gets::Reply,
            Mute::No if self.queueing || matches!(wish, Wish::On | Wish::Other) => Gets::Reply,
            Mute::No => Gets::Unknown,
            // In RESP2 who is subscribed is refused that too, in silence, and nothing has changed.
            Mute::On if wish == Wish::On && !self.queueing && subscribed => Gets::Unknown,
            Mute::Next | Mute::On if wish == Wish::On && !self.queueing => Gets::Reply,
            Mute::Next | Mute::On => Gets::Nothing,
        }
    }

    /// This command is done with; `reply` is what it got, if anything.
    pub(super) fn done(&mut self, command: &Command, reply: Option<&Reply>) {
        let kind = command.id.kind();
        let before = self.now;
        if before == Mute::Next {
            self.now = Mute::No;
        }
        match (kind, reply) {
            (Kind::Exec, Some(Reply { kind: ReplyKind::Error, .. } | Reply { elements: 0, .. })) => {
                *self = Silence { now: self.now, ..Silence::default() };
            }
            (_, Some(Reply { kind: ReplyKind::Error, .. })) => {}
            (Kind::Reset, _) => *self = Silence::default(),
            (Kind::Multi, _) => {
                *self = Silence { queueing: true, now: self.now, after: self.now, ..Silence::default() };
            }
            (Kind::Discard, _) => *self = Silence { now: self.now, ..Silence::default() },
            (Kind::Exec, _) if self.queueing => *self = Silence { now: self.after, ..Silence::default() },
            (Kind::Exec, _) => {}
            (_, Some(Reply { kind: ReplyKind::Queued, .. })) => {
                // It may have been before the connection was seen that MULTI came.
                self.queueing = true;
                self.queue(command);
            }
            (_, None) if self.queueing => self.queue(command),
            (_, None) if wish(command) == Wish::Off => self.now = Mute::On,
            (_, None) if wish(command) == Wish::Skip && before != Mute::On => self.now = Mute::Next,
            (_, Some(_)) if wish(command) == Wish::On => self.now = Mute::No,
            _ => {}
        }
    }

    /// A command is queued: it runs with EXEC, and so does what it says of replies.
    fn queue(&mut self, command: &Command) {
        let silent = match wish(command) {
            Wish::Off => {
                self.after = Mute::On;
                true
            }
            Wish::Skip => {
                if self.after != Mute::On {
                    self.after = Mute::Next;
                }
                true
            }
            Wish::On if self.after == Mute::On => {
                self.after = Mute::No;
                false
            }
            Wish::On => false,
            Wish::Other => self.after == Mute::On,
        };
        self.shape.lacking += u64::from(silent);
        self.unsubscribed = None;
        if matches!(command.id.kind(), Kind::Subscribe | Kind::Unsubscribe) && !silent {
            self.shape.subscribing += 1;
            self.shape.confirmations += u64::from(command.arguments.max(1));
            let all = command.id.kind() == Kind::Unsubscribe && command.arguments == 0;
            self.unsubscribed = all.then_some(command.id.command().name);
        }
    }
}

/// What a command says of replies; the server refuses it with other arguments.
fn wish(command: &Command) -> Wish {
    match command.id.kind() {
        Kind::ClientReply if command.arguments == 1 => command.reply,
        _ => Wish::Other,
    }
}

impl Conversation {
    /// Tells a command that gets no reply, where that is sure by now; else gives it back.
    pub(super) fn without_reply(&mut self, asked: Asked, context: &mut Context) -> Option<Asked> {
        if self.pending.len() > 0 || self.silence.of(&asked.command, self.subscribed) != Gets::Nothing {
            return Some(asked);
        }
        if self.early.len() > 0 {
            // There are replies, and this is not the command that asks for them.
            self.silence.now = Mute::No;
            return Some(asked);
        }
        self.tell_silent(asked, context);
        None
    }

    /// Tells what is outstanding and gets no reply, as far as that is sure.
    pub(super) fn settle(&mut self, context: &mut Context) {
        while let Some(asked) = self.pending.front()
            && self.silence.of(&asked.command, self.subscribed) == Gets::Nothing
        {
            self.accept(context);
        }
    }

    /// The first command that is outstanding gets no reply.
    pub(super) fn accept(&mut self, context: &mut Context) {
        if let Some(asked) = self.pending.pop() {
            self.tell_silent(asked, context);
        }
    }

    fn tell_silent(&mut self, asked: Asked, context: &mut Context) {
        self.silence.done(&asked.command, None);
        record::exchange(asked, None, None, self.database, context);
    }

    /// What the first outstanding command gets.
    pub(super) fn front_gets(&self) -> Gets {
        self.pending.front().map_or(Gets::Reply, |asked| self.silence.of(&asked.command, self.subscribed))
    }

    /// The server accepted what was asked of it long ago, since it said nothing.
    pub(super) fn lose_patience(&mut self, now: Nanos, context: &mut Context) {
        while self.front_gets() == Gets::Unknown
            && self.pending.front().is_some_and(|asked| asked.half.first.saturating_add(PATIENCE) <= now)
        {
            self.accept(context);
            self.settle(context);
        }
    }

    /// A reply decides whether the first outstanding command was accepted, which would get none. The reply is given back to be
    /// taken by the first that is outstanding then. With `held` it came before the last command was seen.
    pub(super) fn decide(&mut self, answer: Answer, held: bool, context: &mut Context) -> Option<Answer> {
        let Some(wish) = self.pending.front().map(|asked| wish(&asked.command)) else {
            return Some(answer);
        };
        let reply = &answer.reply;
        if wish == Wish::On && reply.ok {
            // Nothing else is answered so before it.
            return Some(answer);
        }
        let off = wish == Wish::Off;
        let error = reply.kind == ReplyKind::Error;
        // Behind OFF only its end is answered, and not by an error.
        if error && (off || reply.refuses_client) {
            return Some(answer);
        }
        match self.next_answered(&answer) {
            Some(place) => (0..place).for_each(|_| self.accept(context)),
            // A server that answers it all the same.
            None if error || held || reply.kind == ReplyKind::Queued => {}
            None => {
                self.hold(answer, context);
                return None;
            }
        }
        Some(answer)
    }

    /// The first outstanding command that gets a reply if all before it were accepted, and may have got this one.
    fn next_answered(&self, answer: &Answer) -> Option<usize> {
        let mut silence = self.silence;
        for place in 0..self.pending.len() {
            let asked = self.pending.get(place)?;
            let is_on = || answer.reply.ok && wish(&asked.command) == Wish::On;
            let gets = silence.of(&asked.command, self.subscribed);
            if gets == Gets::Reply || (gets == Gets::Unknown && is_on()) {
                return can_answer(asked.half.first, answer.half.first).then_some(place);
            }
            silence.done(&asked.command, None);
        }
        None
    }
}
