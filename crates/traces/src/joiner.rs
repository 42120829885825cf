//! Takes what happened on a host, and lets it happen again in order.

use std::collections::VecDeque;

use model::begun::{Begun, Finished, Note};
use model::{ConnectionId, Nanos, Request, Role};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::exchanges::{Exchange, Exchanges, Ref};
use crate::order::{Name, Order, What, name};
use crate::threads::{Threads, Way};
use crate::{Config, Counters};

/// Events that wait for their time, for each exchange that may be known.
const EVENTS_EACH: usize = 4;
/// How often it is looked for exchanges that will never end.
const SWEEP_EVERY: Nanos = 1_000_000_000;
/// A connection that was asked for longer ago than this was not asked for for its first request.
const CONNECTED_WITHIN: Nanos = 10_000_000_000;

/// Joins the requests of one host. See the crate's documentation.
#[derive(Debug)]
pub struct Joiner {
    pub(crate) config: Config,
    pub(crate) exchanges: Exchanges,
    pub(crate) threads: Threads,
    /// Exchanges that are not over, by their names.
    pub(crate) open: FxHashMap<Name, Ref>,
    /// The latest on each connection.
    pub(crate) latest: FxHashMap<ConnectionId, Ref>,
    /// Clients' sides by where the request is on the wire.
    pub(crate) wires: FxHashMap<(u64, u32), Ref>,
    /// Those that are not over, by what their headers say.
    pub(crate) by_id: FxHashMap<u64, SmallVec<[Ref; 2]>>,
    /// Finished ones that wait for their trace, with when they have waited enough.
    pub(crate) waiting: VecDeque<(Nanos, Ref)>,
    /// Begun ones of which it was heard, and whose end was not.
    announced: FxHashSet<Name>,
    order: Order,
    /// All that happened until then was looked at.
    pub(crate) now: Nanos,
    swept_at: Nanos,
    last_id: i64,
    pub(crate) counters: Counters,
}

impl Joiner {
    /// Begins with nothing.
    pub fn new(config: Config) -> Joiner {
        Joiner {
            config,
            exchanges: Exchanges::default(),
            threads: Threads::default(),
            open: FxHashMap::default(),
            latest: FxHashMap::default(),
            wires: FxHashMap::default(),
            by_id: FxHashMap::default(),
            waiting: VecDeque::new(),
            announced: FxHashSet::default(),
            order: Order::default(),
            now: 0,
            swept_at: 0,
            last_id: i64::MIN,
            counters: Counters::default(),
        }
    }

    /// What was done so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Takes what is known of requests before they are finished.
    pub fn note(&mut self, note: Note) {
        if self.is_full() {
            self.counters.refused += u64::from(matches!(note, Note::Begun(_)));
            return;
        }
        match note {
            Note::Begun(begun) => {
                self.announced.insert(name(&begun));
                self.push_begun(begun);
            }
            Note::Answered(connection, time) => self.order.push(time, What::AnsweredNow(connection)),
            Note::Gone(connection, time) => self.order.push(time, What::Gone(connection)),
            Note::Left(pid, time) => self.order.push(time, What::Left(pid)),
        }
    }

    /// Takes a finished request; those for which there is no room come out of `out` at once.
    pub fn finished(&mut self, request: Request, finished: Finished, out: &mut Vec<Request>) {
        let name = name(&finished.begun);
        let known = self.announced.remove(&name);
        if self.is_full() {
            self.counters.refused += 1;
            if known && let Some(&at) = self.open.get(&name) {
                self.lose(at);
            }
            out.push(request);
            return;
        }
        if !known {
            self.push_begun(finished.begun);
        }
        // The order of answers says something of proxies only.
        if finished.answered > 0 && finished.begun.key != 0 {
            self.order.push(finished.answered, What::Answered(name));
        }
        self.order.push(finished.ended, What::Ended(Box::new(request), finished));
    }

    /// Everything that happened until `known_until` was told: adds what can be told now to `out`.
    pub fn advance(&mut self, known_until: Nanos, out: &mut Vec<Request>) {
        self.go_on(known_until.saturating_sub(self.config.delay), out);
        self.tell_overdue(out);
        if self.now.saturating_sub(self.swept_at) >= SWEEP_EVERY {
            self.swept_at = self.now;
            self.sweep();
        }
    }

    /// Nothing more will come: adds all that there is to `out`.
    pub fn end(&mut self, out: &mut Vec<Request>) {
        self.go_on(Nanos::MAX - 1, out);
        self.now = Nanos::MAX;
        self.tell_overdue(out);
    }

    fn go_on(&mut self, until: Nanos, out: &mut Vec<Request>) {
        while let Some((time, what)) = self.order.pop(until) {
            self.counters.late += u64::from(time < self.now && matches!(what, What::Begun(_)));
            self.now = self.now.max(time);
            match what {
                What::Begun(begun) => self.begun(begun, time),
                What::Answered(name) => {
                    if let Some(&at) = self.open.get(&name) {
                        self.answered(at, time);
                    }
                }
                What::AnsweredNow(connection) => {
                    if let Some(&at) = self.latest.get(&connection) {
                        self.answered(at, time);
                    }
                }
                What::Ended(request, finished) => self.ended(request, &finished, out),
                What::Gone(connection) => {
                    if let Some(at) = self.latest.remove(&connection) {
                        self.lose(at);
                    }
                }
                What::Left(pid) => self.threads.forget(pid),
            }
        }
        self.now = self.now.max(until);
    }

    fn is_full(&self) -> bool {
        self.exchanges.len() >= self.config.most || self.order.len() >= self.config.most * EVENTS_EACH
    }

    /// An event loop asks for a connection when it has something to ask on it, and comes back to it once it is there.
    fn push_begun(&mut self, begun: Begun) {
        let is_for_it = begun.role == Role::Client
            && begun.key != 0
            && begun.connected > self.now
            && begun.connected < begun.time
            && begun.time - begun.connected < CONNECTED_WITHIN;
        let connected = if is_for_it { begun.connected } else { 0 };
        let time = if is_for_it { connected } else { begun.time };
        self.order.push(time, What::Begun(Begun { connected, ..begun }));
    }

    /// Whoever serves one request after the other may have asked for the connection before, for whatever comes.
    fn is_asked_later(&self, begun: &Begun) -> bool {
        begun.connected != 0
            && self.threads.way(begun.pid) != Some(Way::Loop)
            && self.threads.get(begun.pid, begun.tid).is_none()
    }

    fn begun(&mut self, begun: Begun, time: Nanos) {
        let name = name(&begun);
        if self.open.contains_key(&name) {
            return;
        }
        if self.is_asked_later(&begun) {
            self.order.push(begun.time, What::Begun(Begun { connected: 0, ..begun }));
            return;
        }
        let id = self.next_id(begun.wall);
        let at = self.exchanges.insert(Exchange::new(begun, time, id));
        self.open.insert(name, at);
        if let Some(before) = self.latest.insert(begun.connection, at) {
            // It is over, or nobody knows how: no thread is busy with it any more.
            self.leave_thread(before);
        }
        for id in [begun.ids.trace, begun.ids.span, begun.ids.request] {
            if id != 0 {
                self.by_id.entry(id).or_default().push(at);
            }
        }
        match begun.role {
            Role::Client => {
                self.find_asker(at, time);
                if begun.wire != 0 {
                    self.wires.insert((begun.wire, begun.position), at);
                }
            }
            Role::Server => {
                self.find_other_side(at);
                self.serve(at, &begun);
            }
            Role::Unknown => {}
        }
    }

    /// Later traces have greater ids, whatever the wall clock does.
    pub(crate) fn next_id(&mut self, wall: u64) -> i64 {
        let wall = i64::try_from(wall).unwrap_or(i64::MAX - 1);
        self.last_id = wall.max(self.last_id.saturating_add(1));
        self.last_id
    }

    fn serve(&mut self, at: Ref, begun: &Begun) {
        if begun.pid == 0 || begun.tid == 0 {
            return;
        }
        let thread = self.threads.enter(begun.pid, begun.tid);
        for other in &thread.active {
            if let Some(other) = self.exchanges.get_mut(*other) {
                other.overlapped = true;
            }
        }
        thread.active.push(at);
        thread.unsent.push_back(at);
        thread.just_read = if thread.has_read { None } else { Some(at) };
        thread.has_read = true;
    }

    pub(crate) fn leave_thread(&mut self, at: Ref) {
        let Some(exchange) = self.exchanges.get(at) else { return };
        if exchange.begun.role == Role::Server {
            let (pid, tid) = (exchange.begun.pid, exchange.begun.tid);
            self.threads.leave(pid, tid, at);
        }
    }

    fn ended(&mut self, request: Box<Request>, finished: &Finished, out: &mut Vec<Request>) {
        let Some(&at) = self.open.get(&name(&finished.begun)) else {
            out.push(*request);
            return;
        };
        if finished.begun.role == Role::Server {
            // Its client's side may have been heard of since.
            self.find_other_side(at);
        }
        self.learn_how(at, finished);
        self.leave_thread(at);
        self.close(at);
        let Some(exchange) = self.exchanges.get_mut(at) else { return };
        exchange.ended = Some(finished.ended);
        exchange.request = Some(request);
        self.check_end(at);
        self.tell_ended(at, out);
        if self.exchanges.get(at).is_some_and(|exchange| !exchange.told) {
            self.waiting.push_back((self.now.saturating_add(self.config.hold), at));
        }
    }

    /// It is under way no more.
    fn close(&mut self, at: Ref) {
        let Some(exchange) = self.exchanges.get(at) else { return };
        let ids = exchange.begun.ids;
        self.open.remove(&name(&exchange.begun));
        for id in [ids.trace, ids.span, ids.request] {
            if let Some(all) = self.by_id.get_mut(&id) {
                all.retain(|other| *other != at);
                if all.is_empty() {
                    self.by_id.remove(&id);
                }
            }
        }
    }

    /// Its end will never be told.
    fn lose(&mut self, at: Ref) {
        let is_open = self.exchanges.get(at).is_some_and(|exchange| exchange.ended.is_none());
        if !is_open {
            return;
        }
        self.counters.given_up += 1;
        self.leave_thread(at);
        self.close(at);
        if let Some(exchange) = self.exchanges.get_mut(at) {
            self.announced.remove(&name(&exchange.begun));
            exchange.ended = Some(self.now);
            exchange.told = true;
        }
        self.forget(at);
    }

    pub(crate) fn forget(&mut self, at: Ref) {
        let (latest, wires) = (&mut self.latest, &mut self.wires);
        self.exchanges.forget(at, |at, exchange| {
            let begun = &exchange.begun;
            if latest.get(&begun.connection) == Some(&at) {
                latest.remove(&begun.connection);
            }
            let wire = (begun.wire, begun.position);
            if begun.role == Role::Client && wires.get(&wire) == Some(&at) {
                wires.remove(&wire);
            }
        });
    }

    fn sweep(&mut self) {
        let limit = self.now.saturating_sub(self.config.longest);
        let is_lost = |(at, exchange): (Ref, &Exchange)| {
            (exchange.ended.is_none() && exchange.begun.time < limit).then_some(at)
        };
        let lost: Vec<Ref> = self.exchanges.iter().filter_map(is_lost).collect();
        lost.into_iter().for_each(|at| self.lose(at));
    }
}
