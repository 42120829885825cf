//! Which of what is seen is told: all of it, but while one agent hands over to another. Then both see the same for a while.
//!
//! They agree on an instant. What ended before it is told by the earlier agent, what ended later by the new one; and what began before the
//! new one saw all, and was not over by then, by neither: the earlier one counts it. The instant is chosen where nothing ends for as long as
//! possible, since each agent's kernel programs stamp the same moment a little apart.

use model::request::Process;
use model::tcp::Connection;
use model::time::ClockReading;
use model::{Nanos, Request};

/// Requests, and as many connections, that may be held back: those of a sixth of a second where there are 200,000 a second.
const MOST_HELD: usize = 32_768;

/// What is told, and what is held back until it is known whether it is.
#[derive(Debug, Default)]
pub(crate) struct Told {
    span: Span,
    /// The process of the other agent: what it says itself is nobody's matter.
    other: Option<u32>,
    requests: Vec<Held<Request>>,
    connections: Vec<Held<Connection>>,
    /// Requests that were to be held back, and for which there was no room.
    lost: u64,
}

/// Times of ends, and of beginnings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Span {
    #[default]
    All,
    /// The other one tells it.
    Nothing,
    /// What ends from `since` on is held back; what ended before is told here, or not.
    Held { since: Nanos, earlier: bool },
    /// What ended before is told, the rest is held back.
    Before(Nanos),
    /// What ended, and began, at these times or later.
    From { ended: Nanos, began: Nanos },
}

/// Something that is held back. Times are of the monotonic clock: the other one may be stepped meanwhile.
#[derive(Debug)]
struct Held<T> {
    began: Nanos,
    ended: Nanos,
    what: T,
}

/// What becomes of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Told,
    Held,
    Dropped,
}

impl Span {
    fn fate(self, began: Nanos, ended: Nanos) -> Fate {
        let told = |is_told: bool| if is_told { Fate::Told } else { Fate::Dropped };
        match self {
            Span::All => Fate::Told,
            Span::Nothing => Fate::Dropped,
            Span::Held { since, .. } if ended >= since => Fate::Held,
            Span::Held { earlier, .. } => told(earlier),
            Span::Before(instant) if ended >= instant => Fate::Held,
            Span::Before(_) => Fate::Told,
            Span::From { ended: first, began: attached } => told(ended >= first && began >= attached),
        }
    }

    fn holds(self) -> bool {
        matches!(self, Span::Held { .. } | Span::Before(_))
    }
}

impl Told {
    /// Takes from `batch` what is not told, or not yet. `clock` is the reading by which its times became wall-clock times.
    pub(crate) fn requests(&mut self, batch: &mut Vec<Request>, clock: ClockReading) {
        let (span, other) = (self.span, self.other);
        if span == Span::All && other.is_none() {
            return;
        }
        let times = |request: &Request| {
            let began = monotonic(request.time, clock);
            (began, began.saturating_add(request.duration))
        };
        batch.retain(|request| !is_of(request.ends.process.as_ref(), other));
        if span.holds() {
            self.lost += sort_out(batch, &mut self.requests, span, times);
        } else {
            batch.retain(|request| {
                let (began, ended) = times(request);
                span.fate(began, ended) == Fate::Told
            });
        }
    }

    /// The same for what happened to connections. Each record has one time, and when the connection began is another one's matter.
    pub(crate) fn connections(&mut self, batch: &mut Vec<Connection>, clock: ClockReading) {
        if self.span == Span::All && self.other.is_none() {
            return;
        }
        batch.retain(|connection| !is_of(connection.process.as_ref(), self.other));
        let times = |connection: &Connection| (Nanos::MAX, monotonic(connection.time, clock));
        if self.span.holds() {
            sort_out(batch, &mut self.connections, self.span, times);
        } else {
            batch.retain(|connection| {
                let (began, ended) = times(connection);
                self.span.fate(began, ended) == Fate::Told
            });
        }
    }

    /// Tells nothing for now, since the agent `other` does.
    pub(crate) fn nothing(&mut self, other: u32) {
        (self.span, self.other) = (Span::Nothing, Some(other));
    }

    /// Holds back what ends from `since` on. `other` is the process of the other agent; `earlier`: what ended before is told here.
    pub(crate) fn hold(&mut self, since: Nanos, earlier: bool, other: u32) {
        (self.span, self.other) = (Span::Held { since, earlier }, Some(other));
    }

    /// From now on tells what ended before `instant`, and holds back the rest. Returns what was held and is to be told.
    pub(crate) fn before(&mut self, instant: Nanos) -> (Vec<Request>, Vec<Connection>) {
        self.settle(Span::Before(instant))
    }

    /// From now on tells what ended, and began, at these times or later. Returns what was held and is to be told.
    pub(crate) fn from(&mut self, ended: Nanos, began: Nanos) -> (Vec<Request>, Vec<Connection>) {
        self.settle(Span::From { ended, began })
    }

    /// From now on tells all. Returns what was held.
    pub(crate) fn all(&mut self) -> (Vec<Request>, Vec<Connection>) {
        self.other = None;
        self.settle(Span::All)
    }

    /// From now on holds back all, since what was told is on its way to the other agent.
    pub(crate) fn hold_all(&mut self) {
        self.span = Span::Held { since: 0, earlier: true };
    }

    /// The other agent is gone: its process id may be somebody else's.
    pub(crate) fn alone(&mut self) {
        self.other = None;
    }

    /// How many of the requests that are held back are told by nobody: those that ended before `instant`, and those that began before
    /// the other agent was `attached`.
    pub(crate) fn missed(&self, instant: Nanos, attached: Nanos) -> u64 {
        let missed = self.requests.iter().filter(|held| held.ended < instant || held.began < attached);
        missed.count() as u64
    }

    /// How many requests found no room among what was held back, since the last time.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// The middle of the longest time between `since` and `until` in which nothing ended that is held back.
    pub(crate) fn quiet_instant(&self, since: Nanos, until: Nanos) -> Nanos {
        let ends = self.requests.iter().map(|held| held.ended);
        let mut ends: Vec<Nanos> = ends.filter(|end| (since..until).contains(end)).collect();
        ends.extend([since, until]);
        ends.sort_unstable();
        let gaps = ends.windows(2).map(|pair| (pair[1].saturating_sub(pair[0]), pair[0]));
        let (gap, from) = gaps.max().unwrap_or((0, since));
        from + gap.div_ceil(2)
    }

    fn settle(&mut self, span: Span) -> (Vec<Request>, Vec<Connection>) {
        self.span = span;
        let requests = std::mem::take(&mut self.requests);
        let connections = std::mem::take(&mut self.connections);
        (settled(requests, span, &mut self.requests), settled(connections, span, &mut self.connections))
    }
}

/// Leaves in `batch` what is told, and moves what is held back; returns how much found no room there.
fn sort_out<T>(
    batch: &mut Vec<T>,
    held: &mut Vec<Held<T>>,
    span: Span,
    times: impl Fn(&T) -> (Nanos, Nanos),
) -> u64 {
    let mut lost = 0;
    let mut told = Vec::with_capacity(batch.len());
    for what in batch.drain(..) {
        let (began, ended) = times(&what);
        match span.fate(began, ended) {
            Fate::Told => told.push(what),
            Fate::Held if held.len() < MOST_HELD => held.push(Held { began, ended, what }),
            Fate::Held => lost += 1,
            Fate::Dropped => {}
        }
    }
    *batch = told;
    lost
}

/// What of that which was held is told now; what is held still goes to `rest`.
fn settled<T>(all: Vec<Held<T>>, span: Span, rest: &mut Vec<Held<T>>) -> Vec<T> {
    let mut told = Vec::new();
    for held in all {
        match span.fate(held.began, held.ended) {
            Fate::Told => told.push(held.what),
            Fate::Held => rest.push(held),
            Fate::Dropped => {}
        }
    }
    told
}

fn is_of(process: Option<&Process>, other: Option<u32>) -> bool {
    other.is_some() && process.map(|process| process.pid) == other
}

/// The way back from wall-clock time, by the reading by which it became that.
fn monotonic(wall: u64, clock: ClockReading) -> Nanos {
    wall.wrapping_sub(clock.wall).wrapping_add(clock.monotonic)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::request::{Ends, Peer};
    use model::{Attributes, ConnectionId, Endpoint, Role};

    use super::*;

    /// Wall-clock times are later by this.
    const WALL: u64 = 1_000_000;
    const CLOCK: ClockReading = ClockReading { monotonic: 500, wall: WALL + 500 };

    /// One that began and ended then, seen at this process.
    fn request(began: Nanos, ended: Nanos, pid: u32) -> Request {
        let peer = || Peer { endpoint: Endpoint::Unix("/s".into()), service: None };
        let process = Process { pid, command: "c".into(), service: "s".into() };
        Request {
            time: WALL + began,
            duration: ended - began,
            role: Role::Client,
            protocol: "http",
            name: "NAME".into(),
            error: None,
            ends: Arc::new(Ends { client: peer(), server: peer(), process: Some(process) }),
            tid: 0,
            request_bytes: 1,
            response_bytes: 1,
            attributes: Attributes::default(),
            connection: ConnectionId(1),
            waiting: false,
            incomplete: None,
            place: None,
            sequence: None,
        }
    }

    fn ends(requests: &[Request]) -> Vec<Nanos> {
        requests.iter().map(|request| request.time + request.duration - WALL).collect()
    }

    fn told(told: &mut Told, spans: &[(Nanos, Nanos)]) -> Vec<Nanos> {
        let mut batch: Vec<Request> = spans.iter().map(|(began, ended)| request(*began, *ended, 7)).collect();
        told.requests(&mut batch, CLOCK);
        ends(&batch)
    }

    const SEEN: &[(Nanos, Nanos)] = &[(90, 101), (92, 110), (50, 130), (125, 141), (93, 109), (150, 160)];

    #[test]
    fn everything_is_told_by_one_of_both() {
        let (mut old, mut new) = (Told::default(), Told::default());
        new.nothing(1);
        assert_eq!(told(&mut old, &[(10, 20)]), [20]);
        assert!(told(&mut new, &[(10, 20)]).is_empty());
        // The new one saw all from 60 on.
        new.hold(100, false, 1);
        old.hold(105, true, 2);
        assert_eq!(told(&mut old, SEEN), [101]);
        // Its programs stamp everything a little later.
        let later: Vec<_> = SEEN.iter().map(|(began, ended)| (began + 3, ended + 3)).collect();
        assert!(told(&mut new, &later).is_empty());
        let instant = old.quiet_instant(105, 135);
        assert_eq!(instant, 120, "between 110 and 130");
        let by_old = ends(&old.before(instant).0);
        let by_new: Vec<_> = ends(&new.from(instant, 60).0).iter().map(|end| end - 3).collect();
        assert_eq!((by_old.as_slice(), by_new.as_slice()), ([110, 109].as_slice(), [141, 160].as_slice()));
        assert_eq!(old.missed(instant, 60), 1, "what began at 50 ended later, and is told by neither");
        // What is found out late.
        assert_eq!((told(&mut old, &[(80, 119)]), told(&mut new, &[(80, 119)])), (vec![119], vec![]));
        assert_eq!((told(&mut old, &[(80, 121)]), told(&mut new, &[(80, 121)])), (vec![], vec![121]));
        assert_eq!(told(&mut new, &[(59, 1000), (60, 1000)]), [1000]);
        // On its way to the other one.
        old.hold_all();
        assert!(told(&mut old, &[(80, 118)]).is_empty());
        assert_eq!(old.missed(instant, 60), 2);
    }

    #[test]
    fn an_agent_that_goes_on_after_all_tells_what_it_held_back() {
        let mut old = Told::default();
        old.hold(105, true, 2);
        told(&mut old, SEEN);
        let mut both = ends(&old.before(120).0);
        assert_eq!(told(&mut old, &[(115, 116), (150, 170)]), [116]);
        both.extend(ends(&old.all().0));
        assert_eq!(both, [110, 109, 130, 141, 160, 170]);
        assert_eq!(told(&mut old, &[(10, 20), (190, 200)]), [20, 200]);
    }

    #[test]
    fn what_the_other_agent_says_is_not_told() {
        let mut new = Told::default();
        new.hold(100, false, 1);
        let mut batch = vec![request(100, 110, 1), request(100, 111, 7)];
        new.requests(&mut batch, CLOCK);
        assert_eq!(ends(&new.from(100, 60).0), [111]);
        let mut batch = vec![request(120, 130, 1), request(120, 131, 7)];
        new.requests(&mut batch, CLOCK);
        assert_eq!(ends(&batch), [131]);
        new.alone();
        let mut batch = vec![request(140, 150, 1)];
        new.requests(&mut batch, CLOCK);
        assert_eq!(ends(&batch), [150], "its process id is somebody else's by now");
    }

    #[test]
    fn what_is_held_back_is_bounded_and_counted() {
        let mut new = Told::default();
        new.hold(0, false, 1);
        let many = vec![(10, 20); MOST_HELD + 5];
        assert!(told(&mut new, &many).is_empty());
        assert_eq!((new.take_lost(), new.take_lost()), (5, 0));
        assert_eq!(new.from(0, 0).0.len(), MOST_HELD);
    }

    #[test]
    fn the_quiet_instant_is_within_its_bounds() {
        let none = Told::default();
        assert_eq!(none.quiet_instant(100, 200), 150);
        assert_eq!(none.quiet_instant(100, 100), 100);
        let mut busy = Told::default();
        busy.hold(0, true, 1);
        told(&mut busy, &(100..200).map(|end| (10, end)).collect::<Vec<_>>());
        let instant = busy.quiet_instant(100, 200);
        assert!((100..=200).contains(&instant), "{instant}");
    }
}
