//! Takes events in, gives requests and instructions out.

use connections::{Ends, Placed};
use model::begun::{Finished, Note};
use model::event::{Chunk, End, EndCause, Event, Instruction, Open, Owner, Read};
use model::time::ClockReading;
use model::{ConnectionId, Direction, Endpoint, Nanos, Request, Role};
use protocols::{Context, CutBy, Half, Protocol, Settings};
use streams::{Limits, Table};
use workload::{Listeners, Processes, UnixSockets};

pub(crate) use self::ends::KnownEnds;
use self::ends::RecentEnds;
use self::wishes::Wishes;
use crate::begun::{self, Notes};
use crate::connection::{Connection, Effects, Phase};
use crate::groups::Groups;
use crate::lookups::{Asker, Lookups};
use crate::pair::Places;
use crate::switch::Earlier;
use crate::{Counters, finish};

mod askers;
mod ends;
mod pairs;
mod peers;
mod shed;
mod sweep;
mod under_way;
mod wishes;

/// What the user may change.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// For the parsers.
    pub protocols: Settings,
    /// For the table of connections.
    pub connections: Limits,
    /// Bytes that may be kept of messages that are not whole yet, in all connections together.
    pub most_held: usize,
    /// Where both ends of a connection are on this host, read one of them for both. Where traces are wanted both are read, since a thread
    /// is told by what it reads, and when.
    pub pairs: bool,
    /// Tell what traces are put together from ([`Analyzer::take_notes`]).
    pub traces: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            protocols: Settings::default(),
            connections: Limits::default(),
            most_held: 32 << 20,
            pairs: true,
            traces: false,
        }
    }
}

/// Follows every connection. See the crate's documentation.
pub struct Analyzer {
    table: Table<Connection>,
    processes: Processes,
    listeners: Listeners,
    unix_sockets: UnixSockets,
    swept_at: Nanos,
    /// The first tick.
    began: Option<Nanos>,
    /// When the end that is being told happened: exchanges that it cuts lasted until then.
    cut_at: Nanos,
    context: Context,
    clock: ClockReading,
    ends: Ends,
    groups: Groups,
    /// Who may be answered by the datagram at hand: kept for its memory.
    askers: Vec<ConnectionId>,
    /// Bytes that connections hold of what is not whole yet, and may hold.
    held: usize,
    recent_ends: RecentEnds,
    most_held: usize,
    pairs: bool,
    /// Where the exchanges at hand were, and when they happened at the follower's end: kept for their memory.
    places: Vec<Places>,
    twins: Vec<Option<[Half; 2]>>,
    lookups: Lookups,
    wishes: Wishes,
    /// Connections in which something waits for an event that is overdue.
    waiting: Vec<ConnectionId>,
    batch: Vec<Request>,
    instructions: Vec<(ConnectionId, Instruction)>,
    notes: Notes,
    /// What was told last of when a server read.
    read: Read,
    counters: Counters,
}

/// By then, after the first tick, every connection that speaks is known.
const SETTLED_AFTER: Nanos = 1_000_000_000;
/// How often it is looked for Unix sockets that were closed.
const SWEEP_EVERY: Nanos = 1_000_000_000;

/// Where a connection is, for finding its other end.
fn placed(open: &Open, datagrams: bool) -> Option<Placed> {
    Placed::new((open.connection, open.netns), (&open.local, &open.remote), datagrams)
}

impl Analyzer {
    /// Begins with no connections.
    pub fn new(config: Config, processes: Processes, sockets: (Listeners, UnixSockets)) -> Self {
        let (listeners, unix_sockets) = sockets;
        Analyzer {
            table: Table::new(config.connections),
            processes,
            listeners,
            unix_sockets,
            swept_at: 0,
            began: None,
            cut_at: 0,
            context: Context { settings: config.protocols, ..Context::default() },
            clock: ClockReading::default(),
            ends: Ends::default(),
            groups: Groups::default(),
            askers: Vec::new(),
            held: 0,
            recent_ends: RecentEnds::default(),
            most_held: config.most_held,
            pairs: config.pairs && !config.traces,
            notes: Notes { wanted: config.traces, ..Notes::default() },
            read: begun::NO_READ,
            places: Vec::new(),
            twins: Vec::new(),
            lookups: Lookups::default(),
            wishes: Wishes::default(),
            waiting: Vec::new(),
            batch: Vec::new(),
            instructions: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// Sets by what monotonic times become wall-clock times from now on.
    pub fn set_clock(&mut self, clock: ClockReading) {
        self.clock = clock;
    }

    /// What was learnt of a process elsewhere: from a recording.
    pub fn learn(&mut self, facts: workload::Facts) {
        self.processes.facts(facts);
    }

    /// The processes that are known by now.
    pub fn processes(&self) -> &Processes {
        &self.processes
    }

    /// The same, for others to add to them.
    pub fn processes_mut(&mut self) -> &mut Processes {
        &mut self.processes
    }

    /// Takes one event. Requests that it finishes are in the batch afterwards.
    pub fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Chunk(chunk) => self.chunk(chunk),
            Event::Open(open) => self.open(open, false),
            Event::OpenDatagrams(open) => self.open(open, true),
            Event::Owner(owner) => self.owner(owner),
            Event::End(end) => self.end(end),
            Event::Exec(exec) => self.processes.exec(exec),
            Event::Exit(exit) => {
                self.processes.exit(exit);
                if self.notes.wanted {
                    self.notes.notes.push(Note::Left(exit.pid, exit.time));
                }
            }
            // Connections as such are the crate `connections`' matter.
            Event::Read(read) => self.read = *read,
            Event::Tcp(_) | Event::Listener(_) => {}
        }
    }

    /// Does what is due by `now`: call it after each drain of the ring, and several times a second.
    pub fn tick(&mut self, now: Nanos) {
        self.began.get_or_insert(now);
        self.wishes.tick(now);
        for id in std::mem::take(&mut self.waiting) {
            let Some(connection) = self.table.touch(id, 0) else { continue };
            let effects = connection.expire(now, &mut self.context);
            if connection.is_waiting() {
                self.waiting.push(id);
            }
            self.settle(id, effects);
        }
        if now.saturating_sub(self.swept_at) >= SWEEP_EVERY {
            self.swept_at = now;
            self.sweep_unix(now);
            self.give_up_exchanges(now);
            self.sweep_datagrams(now);
            self.groups.sweep(|id| askers::is_asking(&self.table, id));
        }
        let waits = |connection: &Connection| connection.oldest_pending().is_some();
        while let Some((_, connection)) = self.table.forget_idle(now, waits) {
            self.forgotten(connection, now);
        }
        self.processes.evict(now);
    }

    /// The requests that finished since the last call, in the order in which they did. `next` is where the next ones
    /// are put: a batch that was dealt with, so that its memory is used again.
    pub fn take_batch(&mut self, mut next: Vec<Request>) -> Vec<Request> {
        next.clear();
        std::mem::replace(&mut self.batch, next)
    }

    /// What was noted of requests that began since the last call, and of each request that was finished: of those that
    /// [`Analyzer::take_batch`] gives next, in the same order. Nothing unless traces are wanted.
    pub fn take_notes(&mut self, notes: &mut Vec<Note>, finished: &mut Vec<Finished>) {
        notes.append(&mut self.notes.notes);
        finished.append(&mut self.notes.finished);
    }

    /// What is to be told to the kernel side.
    pub fn take_instructions(&mut self) -> impl Iterator<Item = (ConnectionId, Instruction)> + '_ {
        self.instructions.drain(..)
    }

    /// What was seen so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Connections that are followed now.
    pub fn connections(&self) -> usize {
        self.table.len()
    }

    fn open(&mut self, open: &Open, datagrams: bool) {
        if let Some(known) = self.table.touch(open.connection, open.time) {
            // Told again on our wish: from now on the usual instruction holds.
            self.instructions.push((open.connection, known.budgets()));
            placed(&known.open, known.datagrams).inspect(|placed| self.ends.remove(placed));
            known.announced(open);
            self.recent_ends.forget(open.connection);
            placed(&known.open, known.datagrams).inspect(|placed| self.ends.insert(placed));
            return;
        }
        let again = self.wishes.fulfilled(open.connection);
        // What came before it was asked for is not known (any more).
        let open = &Open { from_start: open.from_start && !again, ..open.clone() };
        let connection = Connection::new(open.clone(), datagrams);
        if !open.from_start {
            // In place of the wish to have it announced, which would be fulfilled with every chunk.
            self.instructions.push((open.connection, connection.budgets()));
        }
        placed(open, datagrams).inspect(|placed| self.ends.insert(placed));
        if let Some((_, displaced)) = self.table.insert(open.connection, open.time, connection) {
            self.forgotten(displaced, open.time);
        }
    }

    fn owner(&mut self, owner: &Owner) {
        self.processes.owner(owner);
        let process = self.processes.get(owner.pid).cloned();
        let Some(connection) = self.table.touch(owner.connection, 0) else { return };
        connection.process = process;
        if connection.peer_service.is_none()
            && let Endpoint::Ip(remote) = connection.open.remote
        {
            // What is asked for later may be another name of the same address. Whoever is found there himself goes before it.
            let asker = Asker { netns: connection.open.netns, pid: owner.pid };
            connection.peer_service = self.lookups.name(asker, remote.ip(), connection.open.time);
        }
        if connection.role == Role::Unknown
            && let Some(port) = connection.open.local.port()
        {
            let netns = connection.open.netns;
            if self.listeners.listens(netns, owner.pid, port, connection.open.time) {
                connection.role = Role::Server;
            }
        }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>) {
        let id = chunk.connection;
        let Some(connection) = self.table.touch(id, chunk.time) else {
            // What moved before the beginning is nobody's loss: until then the kernel side is tried out, and what it told
            // meanwhile is not known here.
            match self.began {
                Some(began) if chunk.time > began.saturating_add(SETTLED_AFTER) => {
                    self.counters.orphan_chunks += 1
                }
                Some(began) if chunk.time > began => self.counters.early_chunks += 1,
                _ => {}
            }
            self.ask_for(id);
            return;
        };
        if connection.datagrams {
            return self.datagram(chunk);
        }
        if connection.passes_by(chunk, &mut self.context) {
            if !self.context.finished.is_empty() {
                self.tell((id, id), None, None);
            }
            return;
        }
        self.context.server = connection.server_key();
        let waited = connection.is_waiting();
        let mut effects = connection.chunk(chunk, &mut self.context);
        if self.notes.wanted {
            connection.note(chunk, self.read, &self.clock, &mut self.notes.notes);
            self.read = begun::NO_READ;
        }
        let before = connection.accounted;
        let mut held = connection.held();
        if held > before && self.held + held - before > self.most_held {
            // Whoever comes with more than there is room for has to do without.
            effects.lost_bytes += connection.shed(chunk.time, &mut self.context).lost_bytes;
            held = connection.held();
        }
        connection.accounted = held;
        self.held = self.held + held - before;
        if !waited && connection.is_waiting() {
            self.waiting.push(id);
        }
        let finished = self.context.finished.len();
        let is_ripe = finished > 0 && self.pairs && connection.is_ripe(finished);
        self.settle(id, effects);
        if is_ripe {
            self.pair(id);
        }
    }

    fn end(&mut self, end: &End) {
        let id = end.connection;
        self.cut_at = end.time;
        let Some(connection) = self.table.touch(id, end.time) else { return };
        self.context.server = connection.server_key();
        let context = &mut self.context;
        // Who began the end is told first, since that is what an exchange that it cuts is blamed on.
        let (first, how, gone) = match end.cause {
            EndCause::RemoteFin | EndCause::ResetUnread => {
                let how = if end.cause == EndCause::RemoteFin { CutBy::Close } else { CutBy::Reset };
                connection.remote_end(end.received_end, how, end.time, context);
                self.settle(id, Effects::default());
                return;
            }
            EndCause::LocalFin => (Direction::Sent, CutBy::Close, false),
            EndCause::Closed => (Direction::Received, CutBy::Close, true),
            EndCause::RemoteReset => (Direction::Received, CutBy::Reset, true),
            EndCause::LocalReset => (Direction::Sent, CutBy::Reset, true),
            EndCause::TimedOut => (Direction::Received, CutBy::TimedOut, true),
        };
        let ends = [end.sent_end, end.received_end];
        if end.cause == EndCause::LocalFin {
            // What was read until now is what can have been answered: an answer that was missed is no failure.
            let effects = connection.reach(Direction::Received, end.received_end, end.time, context);
            self.settle(id, effects);
        }
        let Some(connection) = self.table.touch(id, end.time) else { return };
        let context = &mut self.context;
        let effects = connection.finish(first, ends[first.index()], how, end.time, context);
        self.settle(id, effects);
        if gone && let Some(connection) = self.table.touch(id, end.time) {
            let second = first.other();
            let effects =
                connection.finish(second, ends[second.index()], CutBy::Close, end.time, &mut self.context);
            self.settle(id, effects);
            if !self.still_follows(id) {
                self.remove(id);
            }
        }
    }

    /// Has the kernel side tell of a connection before its next chunk, as of a new one.
    fn ask_for(&mut self, id: ConnectionId) {
        let wish = self.wishes.wish(id);
        self.instructions.push((id, wish));
    }

    fn forgotten(&mut self, connection: Connection, now: Nanos) {
        self.counters.forgotten += 1;
        self.counters.forgotten_waiting += u64::from(connection.oldest_pending().is_some());
        // The kernel side tells nothing of what it was told to ignore, so there is nothing to be asked for.
        if !connection.is_left_alone() {
            self.ask_for(connection.id());
        }
        self.drop_state(connection, now);
    }

    /// What a connection began is not told any more.
    fn drop_state(&mut self, mut connection: Connection, now: Nanos) {
        for direction in [Direction::Sent, Direction::Received] {
            connection.finish(direction, None, CutBy::Forgotten, now, &mut self.context);
        }
        self.context.finished.clear();
        let unparsed = std::mem::take(&mut self.context.unparsed);
        if unparsed > 0
            && let Some(protocol) = connection.protocol
        {
            *self.counters.unparsed.entry(protocol.name()).or_default() += unparsed;
        }
        self.gone(&connection);
        self.leader_forgotten(&connection);
    }

    fn remove(&mut self, id: ConnectionId) {
        self.bequeath(id);
        if let Some(connection) = self.table.remove(id) {
            self.gone(&connection);
            self.leader_ended(&connection);
        }
    }

    fn gone(&mut self, connection: &Connection) {
        if self.notes.wanted {
            let time = self.cut_at.max(self.clock.monotonic);
            self.notes.notes.push(Note::Gone(connection.id(), time));
        }
        self.held -= connection.accounted;
        self.recent_ends.forget(connection.id());
        if let Phase::Following(_) = connection.phase {
            self.instructions.push((connection.id(), Instruction::Release));
        }
        if connection.is_unknown() {
            *self.counters.left_alone.entry("unknown").or_default() += 1;
        }
        placed(&connection.open, connection.datagrams).inspect(|placed| self.ends.remove(placed));
    }

    /// Turns what a call on a connection left behind into records, instructions and counts.
    fn settle(&mut self, id: ConnectionId, effects: Effects) {
        self.settle_between((id, id), effects);
    }

    /// The same where a question and its answer may have come on two.
    fn settle_between(&mut self, (id, answering): (ConnectionId, ConnectionId), effects: Effects) {
        if let Some(instruction) = effects.instruction {
            self.instructions.push((id, instruction));
        }
        if let Some(label) = effects.left_alone {
            *self.counters.left_alone.entry(label).or_default() += 1;
        }
        self.counters.lost_bytes += effects.lost_bytes;
        self.counters.uncaptured_bytes += effects.uncaptured_bytes;
        let is_over = effects.left_alone.is_some() || !effects.earlier.is_empty();
        if self.context.finished.is_empty() && self.context.unparsed == 0 && !is_over {
            return;
        }
        let unparsed = self.context.unparsed;
        let follower = if self.pairs { self.owe(id, &effects.earlier) } else { None };
        if !effects.earlier.is_empty() {
            self.tell_earlier((id, answering), effects.earlier);
        }
        self.tell((id, answering), None, follower.map(|(follower, _)| follower));
        if let Some((follower, is_closed)) = follower
            && (is_closed || is_over || unparsed > 0)
        {
            self.hand_on((id, follower), unparsed, is_over.then_some(effects.left_alone));
        }
    }

    /// What was finished before the connection began to speak something else.
    #[cold]
    fn tell_earlier(&mut self, ids: (ConnectionId, ConnectionId), earlier: Vec<Earlier>) {
        let finished = std::mem::take(&mut self.context.finished);
        let unparsed = std::mem::take(&mut self.context.unparsed);
        for earlier in earlier {
            (self.context.finished, self.context.unparsed) = (earlier.finished, earlier.unparsed);
            self.tell(ids, Some(earlier.protocol), None);
        }
        (self.context.finished, self.context.unparsed) = (finished, unparsed);
    }

    /// Makes records of what was finished, in this protocol or in that which the connection speaks; and of the `follower`, where the
    /// connection has one.
    fn tell(
        &mut self,
        (id, answering): (ConnectionId, ConnectionId),
        protocol: Option<Protocol>,
        follower: Option<ConnectionId>,
    ) {
        if self.context.finished.is_empty() && self.context.unparsed == 0 {
            return;
        }
        let unparsed = std::mem::take(&mut self.context.unparsed);
        let is_asker = |connection: &Connection| connection.role != Role::Server;
        let asked_here = id != answering && self.table.get(id).is_some_and(is_asker);
        let peer = if asked_here { answering } else { id };
        self.find_peer_service(peer);
        let kept =
            if id == answering { self.table.touch(id, 0).and_then(Connection::kept_ends) } else { None };
        let twin = follower.and_then(|follower| self.twin(follower));
        let Some(connection) = self.table.get(id) else { return };
        let answering = if id == answering { Some(connection) } else { self.table.get(answering) };
        let Some(answering) = answering else { return };
        let Some(protocol) = protocol.or(connection.protocol) else { return };
        if unparsed > 0 {
            *self.counters.unparsed.entry(protocol.name()).or_default() += unparsed;
        }
        // Datagrams that no process here was seen to answer may be on their way to another host.
        if connection.datagrams && connection.role == Role::Server && answering.process.is_none() {
            self.context.finished.clear();
            return;
        }
        let peer_service = if asked_here { &answering.peer_service } else { &connection.peer_service };
        let ends = match kept {
            Some(ends) => ends,
            None => self.recent_ends.of((connection, answering), peer_service.as_ref()),
        };
        let learns = protocol.resolves_names() && connection.role == Role::Client;
        let mut twins = self.twins.drain(..);
        for exchange in &mut self.context.finished {
            let answered = exchange.response.last;
            let times = (self.cut_at, &self.clock);
            let halves = twins.next().flatten();
            let there = twin
                .as_ref()
                .zip(halves)
                .and_then(|(twin, halves)| twin.moment(exchange, halves, self.cut_at));
            let request = finish::request(exchange, protocol, (connection, answering), &ends, times);
            let Some(mut request) = request else { continue };
            self.counters.requests += 1;
            if self.notes.wanted {
                request.sequence = connection.sequence(exchange.request.position);
                let finished = begun::finished(connection, exchange, &request, &self.clock);
                self.notes.finished.push(finished);
            }
            self.batch.push(request);
            // In place: to move a record costs as much as to make one.
            let Some(request) = self.batch.last_mut() else { continue };
            if let Some(behind) = &connection.behind {
                finish::client_behind(behind, &mut request.attributes);
            }
            if learns && let Some(resolved) = protocols::dns::resolved(&request.attributes) {
                let pid = connection.process.as_ref().map_or(0, |process| process.pid);
                let asker = Asker { netns: connection.open.netns, pid };
                self.counters.forgotten_names += self.lookups.learn(asker, &resolved, answered);
            }
            if let Some((twin, moment)) = twin.as_ref().zip(there) {
                let record = twin.record(request, moment, &self.clock);
                self.counters.requests += 1;
                self.batch.push(record);
            }
        }
        drop(twins);
        self.context.finished.clear();
    }
}
