//! One connection: its bytes in order, and what reads them.

use std::hash::BuildHasher;
use std::sync::Arc;

use model::event::{Chunk, Instruction, Open};
use model::{ConnectionId, Direction, Endpoint, Nanos, Party, Role};
use protocols::{AnyConversation, Context, Conversation, CutBy, Protocol};
use rustc_hash::FxBuildHasher;
use streams::{Arrival, Piece, Sequence};
use workload::Process;

use crate::begun::Noted;
use crate::detect::{self, Found};
use crate::drive::{Progress, Unread};
use crate::front::{Behind, Front};
use crate::groups;
use crate::pair::{Follow, Lead, PAIRED_AFTER};
use crate::switch::Earlier;

/// How long what a server sent before it closed may lie unread in a client's Unix socket that is open.
const UNREAD_FOR: Nanos = 10_000_000_000;
/// Payload captured of a run until it proves too little (the kernel side's own default).
const FIRST_BUDGET: u32 = 4096;
/// What it is raised to then.
const LARGE_BUDGET: u32 = 65_520;
/// Stumbles without a finished exchange in between, after which the protocol was a mistake.
const STUMBLES: u16 = 64;

/// A connection's facts and state.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) open: Open,
    pub(crate) role: Role,
    /// What stands for either end's address, this one's first; asked for with every chunk.
    pub(crate) keys: [u64; 2],
    pub(crate) process: Option<Arc<Process>>,
    /// The service at the other end, or the name that its address was asked for by.
    pub(crate) peer_service: Option<Arc<str>>,
    /// No other end could be meant, so that the service does not have to be looked for again.
    pub(crate) peer_is_certain: bool,
    /// Whether a proxy's header may still come, or is going by.
    pub(crate) front: Front,
    /// How often it began to speak something else.
    pub(crate) switches: u8,
    /// The client that a proxy's header told of.
    pub(crate) behind: Option<Box<Behind>>,
    /// Who moved bytes last, by direction: process and thread.
    pub(crate) movers: [(u32, u32); 2],
    pub(crate) phase: Phase,
    /// Its other end is told what is read here.
    pub(crate) leads: Option<Box<Lead>>,
    /// Exchanges that may still finish before it is asked whether the other end could be.
    pub(crate) until_paired: u16,
    /// What it spoke, also when it is left alone by now.
    pub(crate) protocol: Option<Protocol>,
    pub(crate) sequences: [Sequence; 2],
    pub(crate) unread: [Unread; 2],
    pub(crate) speaker: Option<Direction>,
    /// Where the received direction will end, and how: the peer's FIN or reset is here, but not all before it was read.
    pub(crate) ends_at: Option<(u32, CutBy)>,
    /// Unix sockets: since when the server's end is known to be closed, and the client's not to be; 0 while it is not.
    server_closed: Nanos,
    /// The process closed while the peer's end was still to be reached.
    pub(crate) closed: bool,
    pub(crate) ended: [bool; 2],
    /// As much of [`Connection::held`] as was counted in the sum of all connections.
    pub(crate) accounted: usize,
    budget: [u32; 2],
    /// The tails that were last asked for.
    pub(crate) tails: [bool; 2],
    stumbles: u16,
    /// It is no stream: see `datagrams`.
    pub(crate) datagrams: bool,
    pub(crate) last_datagram: Nanos,
    pub(crate) noted: Noted,
}

/// What is made of the bytes.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Not known yet; so many runs were looked at.
    Detecting { runs: u8 },
    /// Being read.
    Talking { own: Party, conversation: AnyConversation },
    /// Its other end is read instead.
    Following(Box<Follow>),
    /// Not read any further.
    LeftAlone,
}

/// What the caller has to do after a call.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// To be told to the kernel side.
    pub(crate) instruction: Option<Instruction>,
    /// The connection has just been left alone.
    pub(crate) left_alone: Option<&'static str>,
    /// Bytes were lost.
    pub(crate) lost_bytes: u64,
    /// Bytes were not captured in which messages were.
    pub(crate) uncaptured_bytes: u64,
    /// What was finished before the connection began to speak something else; nearly never there.
    pub(crate) earlier: Vec<Earlier>,
}

fn keys(open: &Open) -> [u64; 2] {
    [&open.local, &open.remote].map(|end| FxBuildHasher.hash_one(end))
}

impl Connection {
    pub(crate) fn new(open: Open, datagrams: bool) -> Self {
        // Elsewhere than at the beginning the same bytes mean something else. Of a Unix socket nobody tells whether its
        // beginning was seen: there the first bytes that are seen count.
        let begins = open.from_start || matches!(open.local, Endpoint::Unix(_));
        let begins = begins && !datagrams && open.role != Role::Unknown;
        Connection {
            front: if begins { Front::Open(None) } else { Front::Passed },
            switches: 0,
            behind: None,
            datagrams,
            last_datagram: open.time,
            noted: Noted::default(),
            role: groups::role(&open).filter(|_| datagrams).unwrap_or(open.role),
            keys: keys(&open),
            open,
            process: None,
            peer_service: None,
            peer_is_certain: false,
            movers: [(0, 0); 2],
            phase: Phase::Detecting { runs: 0 },
            leads: None,
            until_paired: PAIRED_AFTER,
            protocol: None,
            sequences: Default::default(),
            unread: Default::default(),
            speaker: None,
            ends_at: None,
            server_closed: 0,
            closed: false,
            ended: [false; 2],
            accounted: 0,
            budget: [FIRST_BUDGET; 2],
            tails: [false; 2],
            stumbles: 0,
        }
    }

    /// The same connection is told of again.
    pub(crate) fn announced(&mut self, open: &Open) {
        self.open = Open { from_start: self.open.from_start, ..open.clone() };
        self.keys = keys(&self.open);
    }

    /// What stands for the server while routes are learnt: its address, which both sides know.
    pub(crate) fn server_key(&self) -> u64 {
        self.keys[usize::from(self.role != Role::Server)]
    }

    pub(crate) fn id(&self) -> ConnectionId {
        self.open.connection
    }

    /// Bytes of memory that are kept for what is not whole yet.
    pub(crate) fn held(&self) -> usize {
        self.unread.iter().map(Unread::held).sum()
    }

    /// Gives them up.
    pub(crate) fn shed(&mut self, time: Nanos, context: &mut Context) -> Effects {
        let mut effects = Effects::default();
        for direction in [Direction::Sent, Direction::Received] {
            let unread = &mut self.unread[direction.index()];
            effects.lost_bytes += match &mut self.phase {
                Phase::Talking { own, conversation } => {
                    unread.shed(Some((conversation, detect::speaker(*own, direction))), time, context)
                }
                _ => unread.shed(None, time, context),
            };
        }
        effects
    }

    /// What it speaks was to be found out, and was not.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.phase, Phase::Detecting { runs: 1.. })
    }

    /// Something waits for [`Connection::expire`].
    pub(crate) fn is_waiting(&self) -> bool {
        self.sequences.iter().any(Sequence::is_waiting)
    }

    pub(crate) fn chunk(&mut self, chunk: &Chunk<'_>, context: &mut Context) -> Effects {
        if let Phase::LeftAlone = self.phase {
            // The instruction was overwritten by another connection's before the kernel side saw it.
            return Effects { instruction: Some(Instruction::Ignore), ..Effects::default() };
        }
        let direction = chunk.direction;
        let mut effects = Effects::default();
        let mut sequence = std::mem::take(&mut self.sequences[direction.index()]);
        sequence.accept(chunk, |arrival| self.arrival(direction, arrival, context, &mut effects));
        let reached = |(end, _): &(u32, CutBy)| sequence.has_reached(*end);
        let ends = self.ends_at.filter(reached).filter(|_| direction == Direction::Received);
        self.sequences[direction.index()] = sequence;
        if let Some((_, how)) = ends {
            self.end_direction(Direction::Received, how, chunk.time, context);
            if self.closed {
                self.end_direction(Direction::Sent, CutBy::Close, chunk.time, context);
            }
        }
        effects
    }

    /// Gives up waiting for events that are overdue.
    pub(crate) fn expire(&mut self, now: Nanos, context: &mut Context) -> Effects {
        let mut effects = Effects::default();
        for direction in [Direction::Sent, Direction::Received] {
            let mut sequence = std::mem::take(&mut self.sequences[direction.index()]);
            sequence.expire(now, |arrival| self.arrival(direction, arrival, context, &mut effects));
            self.sequences[direction.index()] = sequence;
        }
        effects
    }

    /// The peer will send nothing beyond `end`, and ended in this way; what is before it may still be read.
    pub(crate) fn remote_end(&mut self, end: Option<u32>, how: CutBy, time: Nanos, context: &mut Context) {
        match end {
            Some(end) if !self.sequences[Direction::Received.index()].has_reached(end) => {
                self.ends_at = Some((end, how));
            }
            _ => self.end_direction(Direction::Received, how, time, context),
        }
    }

    /// All before `end` went by, where that is known: passes on what waits, and what is missing.
    pub(crate) fn reach(
        &mut self,
        direction: Direction,
        end: Option<u32>,
        time: Nanos,
        context: &mut Context,
    ) -> Effects {
        let mut effects = Effects::default();
        let mut sequence = std::mem::take(&mut self.sequences[direction.index()]);
        sequence.finish(end, time, |arrival| self.arrival(direction, arrival, context, &mut effects));
        self.sequences[direction.index()] = sequence;
        effects
    }

    /// Passes on what waits, then ends a direction: its last byte is before `end`, where that is known.
    pub(crate) fn finish(
        &mut self,
        direction: Direction,
        end: Option<u32>,
        how: CutBy,
        time: Nanos,
        context: &mut Context,
    ) -> Effects {
        let effects = self.reach(direction, end, time, context);
        if direction == Direction::Sent && how == CutBy::Close && self.peer_ended_first() {
            self.closed = true;
            return effects;
        }
        let told = self.ends_at.filter(|_| direction == Direction::Received);
        self.end_direction(direction, told.map_or(how, |(_, how)| how), time, context);
        effects
    }

    /// The peer's FIN is here, though what it sent before was not all read. What is cut is to be blamed on the peer,
    /// who ended first; but the rest may still be read.
    fn peer_ended_first(&self) -> bool {
        self.ends_at.is_some() && !self.ended[Direction::Received.index()]
    }

    fn end_direction(&mut self, direction: Direction, how: CutBy, time: Nanos, context: &mut Context) {
        if std::mem::replace(&mut self.ended[direction.index()], true) {
            return;
        }
        let first = !self.ended[direction.other().index()];
        let broken_off = first && how != CutBy::Forgotten && self.oldest_unread().is_some();
        if let Phase::Talking { own, conversation, .. } = &mut self.phase {
            // Else it is part of what waits, or comes behind that.
            context.unparsed += u64::from(broken_off && conversation.oldest_pending().is_none());
            let passed = self.unread[direction.index()].passed();
            conversation.end(detect::speaker(*own, direction), how, passed, time, context);
        }
    }

    fn arrival(
        &mut self,
        direction: Direction,
        arrival: Arrival<'_>,
        context: &mut Context,
        effects: &mut Effects,
    ) {
        if !matches!(self.front, Front::Passed) && self.role.speaker(direction) == Some(Party::Client) {
            if self.front.may_be_header(&arrival) {
                return self.before(direction, arrival, context, effects);
            }
            self.front = Front::Passed;
        }
        if arrival.tid != 0 {
            self.movers[direction.index()] = (arrival.pid, arrival.tid);
        }
        if let Piece::Lost(length) = arrival.piece {
            effects.lost_bytes += length;
        }
        self.mark(direction, &arrival, context);
        let run_start = self.speaker != Some(direction);
        self.speaker = Some(direction);
        match &mut self.phase {
            Phase::LeftAlone | Phase::Following(_) => {}
            Phase::Detecting { .. } => self.look(direction, arrival, run_start, context, effects),
            Phase::Talking { own, conversation, .. } => {
                let party = detect::speaker(*own, direction);
                let unread = &mut self.unread[direction.index()];
                unread.position = arrival.position;
                let before = context.finished.len();
                let other_held = conversation.holds(party.other());
                let mut progress = match arrival.piece {
                    Piece::Bytes(bytes) => {
                        unread.bytes(conversation, party, bytes, arrival.time, run_start, context)
                    }
                    Piece::Hidden(length) | Piece::Lost(length) => {
                        let harmless = conversation.may_miss(party);
                        let is_lost = matches!(arrival.piece, Piece::Lost(_));
                        let progress =
                            unread.gap(conversation, party, (length, is_lost), arrival.time, context);
                        if !harmless && !is_lost {
                            effects.uncaptured_bytes += unread.missing();
                        }
                        match progress {
                            // What Weir lost itself says nothing of whether the protocol is the right one.
                            Progress::Stumbled if harmless || is_lost => Progress::Blurred,
                            progress => progress,
                        }
                    }
                };
                if other_held && progress == Progress::Fine && !conversation.holds(party.other()) {
                    let other = &mut self.unread[direction.other().index()];
                    progress = other.again(conversation, party.other(), context);
                }
                let left_as = conversation.left_as();
                let other_tails = conversation.wants_tails(party) != self.tails[direction.index()];
                if context.finished.len() > before {
                    self.steady();
                }
                let hidden = matches!(arrival.piece, Piece::Hidden(_));
                if other_tails {
                    self.tails = self.tails();
                    effects.instruction = Some(self.budgets());
                }
                if progress == Progress::Switched {
                    return self.look_again((direction, arrival.time), left_as, context, effects);
                }
                self.judge(direction, progress, hidden, left_as, effects);
                self.provide(direction, effects);
            }
        }
    }

    /// The client's first bytes: a proxy's header is no part of what the protocol has to say. Seldom, so not in the way of
    /// the rest.
    #[cold]
    fn before(
        &mut self,
        direction: Direction,
        arrival: Arrival<'_>,
        context: &mut Context,
        effects: &mut Effects,
    ) {
        let lost = effects.lost_bytes;
        let mut front = std::mem::take(&mut self.front);
        let behind = front.take(arrival, |rest| self.arrival(direction, rest, context, effects));
        self.front = front;
        self.behind = behind.or(self.behind.take());
        if let Piece::Lost(length) = arrival.piece {
            // Within the header too.
            effects.lost_bytes = lost + length;
        }
    }

    /// Draws the consequences of a step that did not go as it should.
    fn judge(
        &mut self,
        direction: Direction,
        progress: Progress,
        hidden: bool,
        left_as: &'static str,
        effects: &mut Effects,
    ) {
        match progress {
            Progress::Fine | Progress::Switched => return,
            Progress::Left => return self.leave_alone(left_as, effects),
            Progress::Stumbled if !self.stumble(effects) => return,
            Progress::Stumbled | Progress::Blurred => {}
        }
        if hidden && self.budget[direction.index()] < LARGE_BUDGET {
            // A head lay beyond what was captured of the run: heads follow one another here.
            self.budget[direction.index()] = LARGE_BUDGET;
            effects.instruction = Some(self.budgets());
        }
        // What is asked for may depend on what was missing.
        if self.tails() != self.tails {
            self.tails = self.tails();
            effects.instruction = Some(self.budgets());
        }
    }

    /// More was read of a run than will be captured once the connection is no longer young: heads follow one another
    /// here, and so will their answers.
    fn provide(&mut self, direction: Direction, effects: &mut Effects) {
        let reach = self.unread[direction.index()].reach();
        if reach > u64::from(FIRST_BUDGET)
            && self.budget[direction.index()] < LARGE_BUDGET
            && !self.is_left_alone()
        {
            self.budget = [LARGE_BUDGET; 2];
            effects.instruction = Some(self.budgets());
        }
    }

    /// Counts what made no sense; false once it was too much.
    pub(crate) fn stumble(&mut self, effects: &mut Effects) -> bool {
        self.stumbles += 1;
        if self.stumbles > STUMBLES {
            self.leave_alone("unreadable", effects);
        }
        self.stumbles <= STUMBLES
    }

    /// An exchange came out whole.
    pub(crate) fn steady(&mut self) {
        self.stumbles = 0;
    }

    /// The server's end is closed, the client's is not: is it early enough for the client to read what was sent before?
    pub(crate) fn may_be_read_yet(&mut self, now: Nanos) -> bool {
        if self.server_closed == 0 {
            self.server_closed = now;
        }
        now.saturating_sub(self.server_closed) < UNREAD_FOR
    }

    /// It is `now`: exchanges may be overdue.
    pub(crate) fn give_up(&mut self, now: Nanos, context: &mut Context) {
        match &mut self.phase {
            Phase::Talking { conversation, .. } => conversation.expire(now, context),
            // What it waits for was lost.
            Phase::Following(follow) => follow.tell(&mut context.finished, true),
            _ => {}
        }
    }

    /// When the oldest exchange without a whole response began.
    pub(crate) fn oldest_pending(&self) -> Option<Nanos> {
        match &self.phase {
            Phase::Talking { conversation, .. } => conversation.oldest_pending(),
            Phase::Following(follow) => follow.oldest_owed(),
            _ => None,
        }
    }

    /// Since when the client owes the rest of a message of which nothing could be read yet.
    pub(crate) fn oldest_unread(&self) -> Option<Nanos> {
        let Phase::Talking { own, .. } = &self.phase else { return None };
        let direction = if *own == Party::Client { Direction::Sent } else { Direction::Received };
        let unread = &self.unread[direction.index()];
        (!unread.bytes.is_empty() && !unread.is_astray()).then_some(unread.first)
    }

    /// Nothing more is wanted of it.
    pub(crate) fn is_left_alone(&self) -> bool {
        matches!(self.phase, Phase::LeftAlone)
    }

    /// The instruction that holds for this connection now.
    pub(crate) fn budgets(&self) -> Instruction {
        if let Phase::Following(_) = self.phase {
            let ports =
                [&self.open.local, &self.open.remote].map(|end| u32::from(end.port().unwrap_or_default()));
            return Instruction::Moves { ports: ports[0] + ports[1] };
        }
        let [sent, received] = self.budget;
        Instruction::Budget { sent, received, tails: self.tails() }
    }

    /// By direction: the ends of moves beyond the budget are wanted.
    pub(crate) fn tails(&self) -> [bool; 2] {
        match &self.phase {
            Phase::Talking { own, conversation } => [Direction::Sent, Direction::Received]
                .map(|direction| conversation.wants_tails(detect::speaker(*own, direction))),
            _ => [false; 2],
        }
    }

    pub(crate) fn leave_alone(&mut self, label: &'static str, effects: &mut Effects) {
        self.phase = Phase::LeftAlone;
        self.unread = Default::default();
        effects.instruction = Some(Instruction::Ignore);
        effects.left_alone = Some(label);
    }

    /// Keeps the head of a run, and asks the protocols.
    fn look(
        &mut self,
        direction: Direction,
        arrival: Arrival<'_>,
        run_start: bool,
        context: &mut Context,
        effects: &mut Effects,
    ) {
        let unread = &mut self.unread[direction.index()];
        if run_start {
            unread.begin_run(arrival.time, arrival.position);
            if let Phase::Detecting { runs } = &mut self.phase {
                *runs += 1;
            }
        }
        let Some(rest) = unread.keep(arrival.piece, detect::PREFIX) else {
            self.give_up_in_time(effects);
            return;
        };
        let [sent, received] = &self.unread;
        match detect::detect(self.role, &sent.bytes, &received.bytes, false) {
            Some(found) => self.begin(found, (direction, rest), arrival.time, context, effects),
            None => self.give_up_in_time(effects),
        }
    }

    fn give_up_in_time(&mut self, effects: &mut Effects) {
        if let Phase::Detecting { runs } = self.phase
            && runs > detect::RUNS
        {
            self.leave_alone("unknown", effects);
        }
    }

    /// The protocol is found: gives the conversation what was kept of both directions, the client's first, and the `rest` of
    /// the latest.
    pub(crate) fn begin(
        &mut self,
        found: Found,
        (latest, rest): (Direction, &[u8]),
        now: Nanos,
        context: &mut Context,
        effects: &mut Effects,
    ) {
        self.role = match found.own {
            Party::Client => Role::Client,
            Party::Server => Role::Server,
        };
        let Some(mut conversation) = found.protocol.conversation() else {
            self.leave_alone(found.protocol.name(), effects);
            return;
        };
        let (mut progress, mut held) = (Progress::Fine, false);
        let client = if found.own == Party::Client { Direction::Sent } else { Direction::Received };
        for direction in [client, client.other()] {
            let kept = std::mem::take(&mut self.unread[direction.index()]);
            let unread = &mut self.unread[direction.index()];
            let party = detect::speaker(found.own, direction);
            let begins = !kept.bytes.is_empty() && found.protocol.detect(party, &kept.bytes) > 0;
            if !begins && (kept.has_any() || !self.open.from_start) {
                unread.begin_astray();
            }
            let (time, rest): (_, &[u8]) = if direction == latest { (now, rest) } else { (kept.first, &[]) };
            let went = unread.replay(&kept, rest, &mut conversation, party, time, context);
            if went != Progress::Fine {
                progress = went;
            }
            if matches!(went, Progress::Left | Progress::Switched) {
                break;
            }
            if std::mem::replace(&mut held, conversation.holds(Party::Client))
                && !held
                && progress == Progress::Fine
            {
                progress = self.unread[client.index()].again(&mut conversation, Party::Client, context);
            }
        }
        self.protocol = Some(found.protocol);
        let left_as = conversation.left_as();
        self.phase = Phase::Talking { own: found.own, conversation };
        self.tails = self.tails();
        if self.tails.contains(&true) {
            effects.instruction = Some(self.budgets());
        }
        if progress == Progress::Switched {
            return self.look_again((latest, now), left_as, context, effects);
        }
        self.judge(latest, progress, false, left_as, effects);
        for direction in [Direction::Sent, Direction::Received] {
            self.provide(direction, effects);
        }
    }
}
