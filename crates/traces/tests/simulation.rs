//! Proxies as event loops and an application of many processes, with whatever order chance gives: no join is wrong, and nearly none is missing.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod common;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use common::{Side, run, told};
use model::begun::Begun;
use model::trace::Ids;
use model::{ConnectionId, Role};
use traces::{Config, Joiner};

const US: u64 = 1_000;
const PROXY: u32 = 10;

/// Numbers that look like chance, the same on every run (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

#[derive(Debug, Clone, Copy)]
struct Plan {
    /// It reads all there is before it does anything about it, as HAProxy does; else one after the other, as nginx.
    reads_first: bool,
    threads: usize,
    /// Connections to the application are kept, as far as there are idle ones.
    keeps: bool,
    clients: usize,
    workers: usize,
    requests: u64,
    /// Of so many requests one is kept back by the proxy for a while before it is looked at.
    unruly: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ready {
    Asked(u64),
    Kept(u64),
    Connected(u64),
    Answered(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Ready(usize, Ready),
    Run(usize),
    Arrives(u64),
}

#[derive(Default)]
struct Thread {
    ready: VecDeque<Ready>,
    runs: bool,
    free_at: u64,
    idle: Vec<u64>,
}

/// One request through the proxy, with all its times.
#[derive(Debug, Clone, Default)]
struct Way {
    client: usize,
    thread: usize,
    key: u64,
    own: bool,
    arrived: u64,
    read: u64,
    connected: u64,
    upstream: u64,
    sent: u64,
    reached: u64,
    worker: usize,
    taken: u64,
    asks: Vec<[u64; 2]>,
    replied: u64,
    answered: u64,
    over: u64,
}

struct World {
    plan: Plan,
    chance: Chance,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    numbers: u64,
    threads: Vec<Thread>,
    ways: Vec<Way>,
    workers: Vec<u64>,
    connections: u64,
}

impl World {
    fn new(plan: Plan, seed: u64) -> World {
        World {
            plan,
            chance: Chance(seed),
            events: BinaryHeap::new(),
            numbers: 0,
            threads: (0..plan.threads).map(|_| Thread::default()).collect(),
            ways: Vec::new(),
            workers: vec![0; plan.workers],
            connections: 1000,
        }
    }

    fn at(&mut self, time: u64, event: Event) {
        self.numbers += 1;
        self.events.push(Reverse((time, self.numbers, event)));
    }

    fn ask(&mut self, client: usize, time: u64) {
        if self.ways.len() as u64 >= self.plan.requests {
            return;
        }
        let thread = client % self.plan.threads;
        let key = 1 + self.chance.below(8).saturating_sub(5);
        let own = self.chance.below(10) == 0;
        let number = self.ways.len() as u64;
        self.ways.push(Way { client, thread, key, own, arrived: time, ..Way::default() });
        self.at(time, Event::Ready(thread, Ready::Asked(number)));
    }

    fn step(&mut self, most: u64) -> u64 {
        3 * US + self.chance.below(most * US)
    }

    fn go(&mut self) {
        for client in 0..self.plan.clients {
            let time = 1_000_000 + self.chance.below(3_000_000);
            self.ask(client, time);
        }
        while let Some(Reverse((now, _, event))) = self.events.pop() {
            match event {
                Event::Ready(thread, ready) => {
                    self.threads[thread].ready.push_back(ready);
                    if !std::mem::replace(&mut self.threads[thread].runs, true) {
                        let time = now.max(self.threads[thread].free_at);
                        self.at(time, Event::Run(thread));
                    }
                }
                Event::Run(thread) => self.run(thread, now),
                Event::Arrives(number) => self.serve(number, now),
            }
        }
    }

    fn run(&mut self, thread: usize, now: u64) {
        let batch: Vec<Ready> = self.threads[thread].ready.drain(..).collect();
        let mut time = now;
        if self.plan.reads_first {
            for ready in &batch {
                time += self.step(20);
                self.read(*ready, time);
            }
        }
        for ready in batch {
            time += self.step(30);
            if !self.plan.reads_first {
                self.read(ready, time);
                time += self.step(10);
            }
            self.act(ready, time);
        }
        let own = &mut self.threads[thread];
        (own.free_at, own.runs) = (time, false);
    }

    fn read(&mut self, ready: Ready, time: u64) {
        match ready {
            Ready::Asked(number) => self.ways[number as usize].read = time,
            Ready::Answered(number) => self.ways[number as usize].answered = time,
            Ready::Kept(_) | Ready::Connected(_) => {}
        }
    }

    fn act(&mut self, ready: Ready, time: u64) {
        if let Ready::Asked(number) = ready
            && self.plan.unruly > 0
            && self.chance.below(self.plan.unruly) == 0
        {
            let (later, thread) = (time + self.chance.below(20_000 * US), self.ways[number as usize].thread);
            return self.at(later, Event::Ready(thread, Ready::Kept(number)));
        }
        match ready {
            Ready::Asked(number) | Ready::Kept(number) if self.ways[number as usize].own => {
                self.answer(number, time)
            }
            Ready::Asked(number) | Ready::Kept(number) => {
                let thread = self.ways[number as usize].thread;
                let kept = if self.plan.keeps { self.threads[thread].idle.pop() } else { None };
                let way = &mut self.ways[number as usize];
                if let Some(kept) = kept {
                    way.upstream = kept;
                    return self.send(number, time);
                }
                self.connections += 1;
                (way.upstream, way.connected) = (self.connections, time);
                let there = time + 5 * US + self.chance.below(300 * US);
                self.at(there, Event::Ready(thread, Ready::Connected(number)));
            }
            Ready::Connected(number) => self.send(number, time),
            Ready::Answered(number) => self.answer(number, time),
        }
    }

    fn send(&mut self, number: u64, time: u64) {
        self.ways[number as usize].sent = time;
        let there = time + self.step(30);
        self.at(there, Event::Arrives(number));
    }

    /// The application takes it when a process is free, and asks for a few things.
    fn serve(&mut self, number: u64, now: u64) {
        let worker = (0..self.workers.len()).min_by_key(|worker| self.workers[*worker]).unwrap();
        let taken = now.max(self.workers[worker]) + self.step(20);
        let mut time = taken;
        let mut asks = Vec::new();
        for _ in 0..1 + self.chance.below(3) {
            let begin = time + self.step(100);
            time = begin + 50 * US + self.chance.below(2_000 * US);
            asks.push([begin, time]);
        }
        let replied = time + self.step(100);
        self.workers[worker] = replied + self.step(50);
        let way = &mut self.ways[number as usize];
        (way.reached, way.worker, way.taken, way.asks, way.replied) = (now, worker, taken, asks, replied);
        let (thread, there) = (way.thread, replied + self.step(30));
        self.at(there, Event::Ready(thread, Ready::Answered(number)));
    }

    fn answer(&mut self, number: u64, time: u64) {
        let way = &mut self.ways[number as usize];
        way.over = time;
        let (client, thread, upstream) = (way.client, way.thread, way.upstream);
        if upstream != 0 && self.plan.keeps {
            self.threads[thread].idle.push(upstream);
        }
        let next = time + 20 * US + self.chance.below(1_500 * US);
        self.ask(client, next);
    }

    /// What Weir would be told of all of it.
    fn sides(&self) -> Vec<Side> {
        let mut sides = Vec::new();
        for (number, way) in self.ways.iter().enumerate() {
            let position = number as u32;
            let tid = PROXY + way.thread as u32;
            let side = |what: &str, role, connection: u64, who: (u32, u32), times: [u64; 4], key, wire| {
                let [time, first, answered, ended] = times;
                let (pid, tid) = who;
                let begun = Begun {
                    connection: ConnectionId(connection),
                    role,
                    pid,
                    tid,
                    time,
                    first,
                    wall: first,
                    connected: 0,
                    position,
                    wire,
                    key,
                    ids: Ids::default(),
                };
                Side { begun, answered, ended, by: tid, status: 200, name: format!("{what} {number}") }
            };
            let (front, upstream) = (way.client as u64 + 1, way.upstream);
            let times = [way.read, way.arrived, way.over, way.over];
            sides.push(side("in", Role::Server, front, (PROXY, tid), times, way.key, 0));
            if way.own {
                continue;
            }
            let times = [way.sent, way.sent, way.answered, way.answered];
            let mut out = side("out", Role::Client, upstream, (PROXY, tid), times, way.key, upstream);
            out.begun.connected = way.connected;
            sides.push(out);
            let worker = (100 + way.worker as u32, 100 + way.worker as u32);
            let times = [way.taken, way.reached, way.replied, way.replied];
            sides.push(side("served", Role::Server, upstream + 500_000, worker, times, way.key, upstream));
            for (nth, [begin, end]) in way.asks.iter().enumerate() {
                let connection = 900_000 + 10 * way.worker as u64 + nth as u64;
                sides.push(side("ask", Role::Client, connection, worker, [*begin, *begin, *end, *end], 0, 0));
            }
        }
        sides
    }
}

/// Joins that are wrong, and the share of traces that are whole.
fn judge(plan: Plan, seed: u64) -> (u64, f64, Joiner) {
    let mut world = World::new(plan, seed);
    world.go();
    let sides = world.sides();
    let mut joiner = Joiner::new(Config::default());
    let out = run(&mut joiner, told(&sides));
    assert_eq!(out.len(), sides.len());
    let mut names: HashMap<(i64, u32), &str> = HashMap::new();
    for request in &out {
        if let Some(place) = request.place {
            assert!(names.insert((place.trace, place.span), &request.name).is_none());
        }
    }
    let number = |name: &str| name.split(' ').next_back().unwrap().to_owned();
    let (mut wrong, mut joined) = (0, HashMap::<String, usize>::new());
    for request in &out {
        let Some((parent, _)) = request.place.and_then(|place| place.parent) else { continue };
        let parent = names[&(request.place.unwrap().trace, parent)];
        let kinds = (request.name.split(' ').next().unwrap(), parent.split(' ').next().unwrap());
        let fits = matches!(kinds, ("out", "in") | ("served", "out") | ("ask", "served"));
        wrong += u64::from(number(parent) != number(&request.name) || !fits);
        *joined.entry(number(&request.name)).or_default() += 1;
    }
    let is_whole = |(number, way): (usize, &Way)| {
        let joins = joined.get(&number.to_string()).copied().unwrap_or(0);
        joins == if way.own { 0 } else { 2 + way.asks.len() }
    };
    let whole = world.ways.iter().enumerate().filter(|way| is_whole(*way)).count();
    (wrong, whole as f64 / world.ways.len() as f64, joiner)
}

#[test]
fn whatever_chance_gives() {
    let (mut wrong, mut least) = (0, 1.0f64);
    for reads_first in [false, true] {
        for keeps in [true, false] {
            for (threads, clients, workers) in [(1, 1, 1), (1, 4, 2), (1, 32, 8), (2, 32, 64), (4, 64, 4)] {
                for seed in 0..2 {
                    let plan =
                        Plan { reads_first, threads, keeps, clients, workers, requests: 1500, unruly: 0 };
                    let (these, whole, joiner) = judge(plan, seed);
                    println!("{plan:?} {seed}: {these} wrong, {whole:.4} whole, {:?}", joiner.counters());
                    wrong += these;
                    least = least.min(whole);
                }
            }
        }
    }
    assert_eq!(wrong, 0);
    assert!(least >= 0.99, "{least}");
}

/// A proxy that does not keep to the order now and then, which nobody sees: what may be wrong is taken back or not joined.
#[test]
fn who_keeps_no_order_gets_few_joins() {
    let (mut wrong, mut asked, mut whole) = (0, 0, 0.0);
    for reads_first in [false, true] {
        for keeps in [true, false] {
            for seed in 0..3 {
                let requests = 3000;
                let plan =
                    Plan { reads_first, threads: 1, keeps, clients: 32, workers: 16, requests, unruly: 300 };
                let (these, share, joiner) = judge(plan, seed);
                println!("{plan:?} {seed}: {these} wrong, {share:.4} whole, {:?}", joiner.counters());
                (wrong, asked, whole) = (wrong + these, asked + requests, whole + share / 12.0);
            }
        }
    }
    println!("{wrong} wrong of {asked}, {whole:.4} whole");
    assert_eq!(wrong, 0, "of {asked}");
    assert!(whole >= 0.9, "{whole}");
}
