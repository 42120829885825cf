//! Who brought an exchange about: the rules, and what speaks against what they found.

use model::begun::{Begun, Finished};
use model::trace::Evidence;
use model::{Nanos, Request, Role, Value, names};

use crate::exchanges::{Exchange, Ref};
use crate::joiner::Joiner;
use crate::threads::Way;

/// What was found of an exchange's parent.
type Found = Option<(Ref, Evidence)>;

/// It was concluded from the order in which an event loop does things.
fn is_by_order(evidence: Evidence) -> bool {
    matches!(evidence, Evidence::Queue | Evidence::Connect)
}

/// It was concluded from what threads do.
fn is_by_thread(evidence: Evidence) -> bool {
    evidence == Evidence::Thread || is_by_order(evidence)
}

impl Joiner {
    /// Joins what a client asks to what its process is serving. It decided to ask at `time`.
    pub(crate) fn find_asker(&mut self, at: Ref, time: Nanos) {
        let Some(begun) = self.exchanges.get(at).map(|exchange| exchange.begun) else { return };
        let found = self.by_header(&begun).or_else(|| self.by_thread(&begun, time));
        if let Some(thread) = self.threads.get_mut(begun.pid, begun.tid) {
            (thread.just_read, thread.has_read) = (None, false);
        }
        let Some((parent, evidence)) = found else { return };
        if !self.exchanges.join(at, parent, evidence) {
            return;
        }
        let Some(served) = self.exchanges.get(parent) else { return };
        if begun.key != 0 && served.begun.key == begun.key {
            let (pid, tid) = (served.begun.pid, served.begun.tid);
            if let Some(thread) = self.threads.get_mut(pid, tid) {
                thread.unsent.retain(|other| *other != parent);
            }
        }
    }

    /// The only request that this process is serving and that has the same id.
    fn by_header(&self, begun: &Begun) -> Found {
        let ids = [
            (begun.ids.span, Evidence::Traceparent),
            (begun.ids.trace, Evidence::Traceparent),
            (begun.ids.request, Evidence::RequestId),
        ];
        ids.into_iter().find_map(|(id, evidence)| {
            let is_it = |other: &Exchange| other.begun.role == Role::Server && other.begun.pid == begun.pid;
            Some((self.only_one(id, is_it)?, evidence))
        })
    }

    fn only_one(&self, id: u64, is_it: impl Fn(&Exchange) -> bool) -> Option<Ref> {
        let all = self.by_id.get(&id).filter(|_| id != 0)?;
        let mut these = all.iter().filter(|at| self.exchanges.get(**at).is_some_and(&is_it));
        let one = these.next()?;
        these.next().is_none().then_some(*one)
    }

    /// What the asking thread is serving, where it serves one request after the other; else the oldest that an event loop has to
    /// pass on.
    fn by_thread(&mut self, begun: &Begun, time: Nanos) -> Found {
        let way = self.threads.way(begun.pid);
        let is_unsure = way == Some(Way::Handing) || (way.is_none() && self.threads.is_full());
        if begun.pid == 0 || begun.tid == 0 || is_unsure {
            return None;
        }
        let active = &self.threads.get(begun.pid, begun.tid)?.active;
        if way.is_none()
            && let [only] = active[..]
        {
            let is_before = self.exchanges.get(only).is_some_and(|served| served.begun.time <= time);
            return is_before.then_some((only, Evidence::Thread));
        }
        let found = if begun.key == 0 { None } else { self.by_queue(begun, time) };
        self.counters.abstained += u64::from(found.is_none());
        found
    }

    fn by_queue(&mut self, begun: &Begun, time: Nanos) -> Found {
        let thread = self.threads.get(begun.pid, begun.tid)?;
        let could_be = |served: &&Exchange| served.begun.key == begun.key && served.begun.time <= time;
        let alike =
            || thread.unsent.iter().filter_map(|at| Some((*at, self.exchanges.get(*at).filter(could_be)?)));
        let evidence = if time < begun.first { Evidence::Connect } else { Evidence::Queue };
        if !alike().any(|(_, served)| served.doubtful) {
            return alike().next().map(|(oldest, _)| (oldest, evidence));
        }
        // Somewhere the order was not kept. What was read last, and nothing else was done since, is it all the same.
        let newest =
            alike().next_back().filter(|(at, served)| !served.doubtful && thread.just_read == Some(*at));
        if let Some((newest, _)) = newest {
            return Some((newest, evidence));
        }
        let all: Vec<Ref> = alike().map(|(at, _)| at).collect();
        for at in all {
            if let Some(served) = self.exchanges.get_mut(at) {
                served.doubtful = true;
            }
        }
        None
    }

    /// Joins a server's side to its client's.
    pub(crate) fn find_other_side(&mut self, at: Ref) {
        let Some(begun) = self.exchanges.get(at).filter(|one| one.parent.is_none()).map(|one| one.begun)
        else {
            return;
        };
        let agrees = |other: &Exchange| {
            let keys = [begun.key, other.begun.key];
            other.begun.role == Role::Client && !other.paired && (keys.contains(&0) || keys[0] == keys[1])
        };
        let by_wire = self.wires.get(&(begun.wire, begun.position)).copied().filter(|_| begun.wire != 0);
        let found = match by_wire {
            // Nothing says more than that it is the same byte; and where the rest does not agree, nothing is certain.
            Some(other) => {
                self.exchanges.get(other).is_some_and(agrees).then_some((other, Evidence::Sequence))
            }
            None => {
                let ids = [(begun.ids.span, Evidence::Traceparent), (begun.ids.request, Evidence::RequestId)];
                let mut found = ids.into_iter();
                found.find_map(|(id, evidence)| Some((self.only_one(id, agrees)?, evidence)))
            }
        };
        let Some((other, evidence)) = found else { return };
        if self.exchanges.join(at, other, evidence)
            && let Some(other) = self.exchanges.get_mut(other)
        {
            other.paired = true;
        }
    }

    /// An exchange is over: what that tells of the process, and of who asked.
    pub(crate) fn learn_how(&mut self, at: Ref, finished: &Finished) {
        let Some(exchange) = self.exchanges.get_mut(at) else { return };
        if exchange.begun.tid == 0 && exchange.begun.role == Role::Client {
            // On Unix sockets only who reads is seen.
            exchange.begun.tid = finished.begun.tid;
            if exchange.begun.tid != 0 && exchange.parent.is_none() {
                let time = exchange.begun.time;
                self.find_asker(at, time);
            }
        }
        let Some(exchange) = self.exchanges.get(at) else { return };
        let Begun { pid, tid, role, .. } = exchange.begun;
        let is_serving = role == Role::Server || exchange.parent.is_some_and(|(_, by)| is_by_thread(by));
        let hands_over = finished.by != 0 && tid != 0 && finished.by != tid && is_serving;
        let way = match () {
            () if hands_over => Way::Handing,
            () if exchange.overlapped && role == Role::Server => Way::Loop,
            () => return,
        };
        if pid != 0 && self.threads.learn(pid, way) {
            self.think_again(pid, way);
        }
    }

    /// A process turned out to go about it in another way than was thought.
    #[cold]
    fn think_again(&mut self, pid: u32, way: Way) {
        let theirs = |(at, exchange): (Ref, &Exchange)| {
            let (parent, evidence) =
                exchange.parent.filter(|(_, by)| exchange.begun.pid == pid && is_by_thread(*by))?;
            Some((at, exchange.begun.key, parent, evidence))
        };
        let joined: Vec<_> = self.exchanges.iter().filter_map(theirs).collect();
        for (at, key, parent, evidence) in joined {
            let alike = key != 0 && self.exchanges.get(parent).is_some_and(|parent| parent.begun.key == key);
            match way {
                Way::Loop if evidence != Evidence::Thread => {}
                Way::Loop if alike => {
                    if let Some(exchange) = self.exchanges.get_mut(at).filter(|exchange| !exchange.fixed) {
                        exchange.parent = Some((parent, Evidence::Queue));
                    }
                }
                _ => self.withdraw(at),
            }
        }
    }

    /// Takes a join back, unless somebody was told of it.
    fn withdraw(&mut self, child: Ref) {
        let Some(exchange) = self.exchanges.get(child) else { return };
        let Some((parent, _)) = exchange.parent else { return };
        if exchange.fixed {
            self.counters.contradicted += 1;
            return;
        }
        self.exchanges.part(child);
        self.counters.withdrawn += 1;
        self.doubt(parent);
        self.forget(parent);
    }

    /// Whether a request was passed on is not sure any more.
    fn doubt(&mut self, at: Ref) {
        let Some(served) = self.exchanges.get_mut(at).filter(|served| served.answered.is_none()) else {
            return;
        };
        served.doubtful = true;
        let (pid, tid) = (served.begun.pid, served.begun.tid);
        if let Some(thread) = self.threads.get_mut(pid, tid)
            && thread.active.contains(&at)
            && !thread.unsent.contains(&at)
        {
            thread.unsent.push_front(at);
        }
    }

    /// The first byte of an answer went by.
    pub(crate) fn answered(&mut self, at: Ref, time: Nanos) {
        let Some(exchange) = self.exchanges.get_mut(at).filter(|exchange| exchange.answered.is_none()) else {
            return;
        };
        exchange.answered = Some(time);
        let key = exchange.begun.key;
        match (exchange.begun.role, exchange.parent) {
            (Role::Client, Some((parent, by))) if is_by_thread(by) && key != 0 => {
                let Some(served) = self.exchanges.get(parent).filter(|served| served.answered.is_none())
                else {
                    return;
                };
                let (pid, tid) = (served.begun.pid, served.begun.tid);
                if let Some(thread) = self.threads.get_mut(pid, tid) {
                    thread.due.push_back(parent);
                }
            }
            (Role::Server, _) => self.check_answer(at),
            _ => {}
        }
    }

    /// An event loop answers in the order in which it was answered; what does not agree with that was joined wrongly, or cannot be told
    /// from what was.
    fn check_answer(&mut self, at: Ref) {
        let Some(exchange) = self.exchanges.get(at) else { return };
        let Begun { pid, tid, key, .. } = exchange.begun;
        let Some(thread) = self.threads.get_mut(pid, tid) else { return };
        thread.unsent.retain(|other| *other != at);
        let place = thread.due.iter().position(|other| *other == at);
        if let Some(place) = place {
            thread.due.remove(place);
        }
        let before: Vec<Ref> = thread.due.iter().take(place.unwrap_or(usize::MAX)).copied().collect();
        let could_be = |other: &Ref| self.exchanges.get(*other).is_some_and(|other| other.begun.key == key);
        let overtaken: Vec<Ref> =
            before.into_iter().filter(could_be).filter(|other| self.could_be_swapped(at, *other)).collect();
        if overtaken.is_empty() {
            return;
        }
        if let Some(thread) = self.threads.get_mut(pid, tid) {
            thread.due.retain(|other| !overtaken.contains(other));
        }
        for served in overtaken.into_iter().chain([at]) {
            self.withdraw_what_follows(served, |_| true);
        }
    }

    /// What was asked for one of them may have been asked for the other: it was read before that.
    fn could_be_swapped(&self, one: Ref, other: Ref) -> bool {
        let asked = |of: Ref| {
            self.exchanges.children(of).filter_map(|child| Some(self.exchanges.get(child)?.since)).max()
        };
        let read = |of: Ref| self.exchanges.get(of).map_or(0, |served| served.since);
        let is_before = |read: Nanos, asked: Option<Nanos>| asked.is_none_or(|asked| read <= asked);
        is_before(read(one), asked(other)) && is_before(read(other), asked(one))
    }

    /// A proxy's request is over: it passed on what it was answered, or failed by itself.
    pub(crate) fn check_end(&mut self, at: Ref) {
        let Some(exchange) = self.exchanges.get(at) else { return };
        let Some(status) = exchange.request.as_deref().map(status) else { return };
        match exchange.begun.role {
            Role::Server if status.is_none_or(|status| status < 500) => {
                self.withdraw_what_follows(at, |child| {
                    let answer = child.request.as_deref().map(self::status);
                    child.answered.is_none() || answer.is_some_and(|answer| answer != status)
                });
            }
            // It may be asked of another one.
            Role::Client if status.is_none_or(|status| status >= 500) => {
                if let Some((parent, by)) = exchange.parent
                    && is_by_order(by)
                {
                    self.doubt(parent);
                }
            }
            _ => {}
        }
    }

    /// Takes back what an event loop was thought to have asked for a request.
    fn withdraw_what_follows(&mut self, served: Ref, is_wrong: impl Fn(&Exchange) -> bool) {
        let wrong = |child: &Ref| {
            let child = self.exchanges.get(*child)?;
            Some(child.parent.is_some_and(|(_, by)| is_by_order(by)) && is_wrong(child))
        };
        let children: Vec<Ref> =
            self.exchanges.children(served).filter(|child| wrong(child) == Some(true)).collect();
        children.into_iter().for_each(|child| self.withdraw(child));
    }
}

fn status(request: &Request) -> Option<i64> {
    match request.attributes.get(names::HTTP_RESPONSE_STATUS_CODE) {
        Some(Value::Int(status)) => Some(*status),
        _ => None,
    }
}
