//! From readings to what is left out.
//!
//! CPU time is a credit: it grows at the pace of the limit, or a little below, up to what a short burst may take, and what is used is
//! taken from it. So a burst costs nothing that anybody would notice, and what lasts is held. When the credit is gone, more is
//! left out at once, by as much as was used too much. What is left out comes back when there would be room for it, by what was used
//! meanwhile, and later each time that this proved wrong.

use std::collections::VecDeque;

use crate::level::{Level, Stage};

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;
/// The part of the CPU limit that is aimed at.
const AIM: f64 = 0.85;
/// Seconds of the limit that a burst may take, and that may be owed.
const BURST: f64 = 1.0;
const DEBT: f64 = 10.0;
/// By how much less is aimed at for each second that is owed, and the least.
const PAY_BACK: f64 = 0.08;
const LEAST_AIM: f64 = 0.3;
/// What was used lately is what was used in this time.
const RECENT: u64 = SECOND;
/// So long a change takes until it shows, and so long is looked before there is another.
const SETTLE: u64 = SECOND / 5;
/// The same for memory, which is given back in a while.
const MEMORY_SETTLES: u64 = SECOND;
/// Parts of the memory limit from which on more is left out, and below which something may come back.
const MEMORY_HIGH: f64 = 0.92;
const MEMORY_LOW: f64 = 0.80;
/// For how long there has to be room before something comes back, and how long that becomes.
const HOLD: u64 = 5 * SECOND;
const LONGEST_HOLD: u64 = 160 * SECOND;
/// After this time without another change, coming back is thought to have been right.
const PROVEN: u64 = 60 * SECOND;
/// Less than this part of what was used before says that the load has gone, when it lasts as long as the hold or this.
const GONE: f64 = 0.25;
const GONE_FOR: u64 = 20 * SECOND;
/// By how much what comes back may cost more than is expected.
const MARGIN: f64 = 1.25;

/// What may be used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Processors, such as 0.1.
    pub cpu: f64,
    /// Bytes.
    pub memory: u64,
}

/// What was used until a moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// The moment: nanoseconds of a clock that only grows.
    pub at: u64,
    /// CPU time of the process so far, nanoseconds.
    pub process: u64,
    /// Run time of the kernel programs so far, nanoseconds.
    pub programs: u64,
    /// Bytes in use now.
    pub memory: u64,
}

impl Reading {
    fn used(&self) -> u64 {
        self.process.saturating_add(self.programs)
    }
}

/// Why more is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// CPU time.
    Cpu,
    /// Memory.
    Memory,
}

/// What is left out has changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// What was left out until now.
    pub from: Level,
    /// What is from now on.
    pub to: Level,
    /// Why it is more; `None` where it is less.
    pub cause: Option<Cause>,
    /// Processors that were used lately.
    pub cpu: f64,
    /// Bytes in use.
    pub memory: u64,
}

/// Says what is left out.
#[derive(Debug)]
pub struct Controller {
    limits: Limits,
    level: Level,
    /// Those of the last second, but for those before the last change.
    recent: VecDeque<Reading>,
    /// CPU time that may still be used, nanoseconds; below 0 where too much was.
    credit: f64,
    /// When it was last changed, and when it last became less.
    changed: u64,
    came_back: Option<u64>,
    /// Since when there is room, and the most that was used since then.
    calm: Option<u64>,
    peak: f64,
    /// Since when a part of that time has lasted, and the most that was used in it.
    part: u64,
    peak_of_part: f64,
    hold: u64,
    exhausted: bool,
    /// About what was used within the last second: for those who look.
    shown: f64,
}

impl Controller {
    /// Begins with nothing left out.
    pub fn new(limits: Limits, now: Reading) -> Controller {
        Controller {
            limits,
            level: Level::NOTHING,
            recent: VecDeque::from([now]),
            credit: limits.cpu * BURST * SECOND as f64,
            changed: now.at,
            came_back: None,
            calm: None,
            peak: 0.0,
            part: now.at,
            peak_of_part: 0.0,
            hold: HOLD,
            exhausted: false,
            shown: 0.0,
        }
    }

    /// What may be used.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What is left out.
    pub fn level(&self) -> Level {
        self.level
    }

    /// All connections are left out, and it is still too much.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Processors that were used lately.
    pub fn cpu(&self) -> f64 {
        self.shown
    }

    /// Takes a reading; several a second. Says what changes by it.
    pub fn take(&mut self, now: Reading) -> Option<Change> {
        let last = self.recent.back().copied().unwrap_or(now);
        let passed = now.at.saturating_sub(last.at);
        if passed == 0 {
            return None;
        }
        let used = now.used().saturating_sub(last.used()) as f64;
        let (limit, second) = (self.limits.cpu, SECOND as f64);
        self.shown += (used / passed as f64 - self.shown) * (passed as f64 / second).min(1.0);
        self.credit += limit * AIM * passed as f64 - used;
        self.credit = self.credit.clamp(-DEBT * limit * second, limit * BURST * second);
        self.recent.push_back(now);
        while self.recent.get(1).is_some_and(|next| next.at + RECENT <= now.at) {
            self.recent.pop_front();
        }
        let owed = (-self.credit / (limit * second)).max(0.0);
        let aim = limit * (AIM - PAY_BACK * owed).max(LEAST_AIM);
        let (span, cpu) = self.since_it_is_above(aim);
        let excess = cpu / aim.max(f64::MIN_POSITIVE);
        let too_much_cpu = self.credit <= 0.0 && span >= SETTLE && excess > 1.0;
        let settled = now.at.saturating_sub(self.changed) >= MEMORY_SETTLES;
        let too_much_memory = settled && now.memory as f64 > self.limits.memory as f64 * MEMORY_HIGH;
        let (to, cause) = match () {
            () if too_much_cpu => (self.less_cpu(excess), Cause::Cpu),
            // The stages before this one save next to no memory.
            () if too_much_memory => {
                (self.level.further(1).max(Level::first_of(Stage::Connections)), Cause::Memory)
            }
            () => {
                self.exhausted &= excess > 1.0;
                return self.come_back(now, cpu, excess);
            }
        };
        self.calm = None;
        self.exhausted = to == self.level;
        if self.exhausted {
            return None;
        }
        if let Some(at) = self.came_back.take() {
            let proved_wrong = now.at.saturating_sub(at) < PROVEN;
            self.hold = if proved_wrong { (2 * self.hold).min(LONGEST_HOLD) } else { HOLD };
        }
        Some(self.change(to, Some(cause), now, cpu))
    }

    /// What was used since the first of the recent readings, and the time since then.
    fn lately(&self) -> (u64, f64) {
        match (self.recent.front(), self.recent.back()) {
            (Some(first), Some(last)) => between(first, last),
            _ => (0, 0.0),
        }
    }

    /// The same since it began to be too much: a load that has just set in is not to be taken for a part of what it is.
    fn since_it_is_above(&self, aim: f64) -> (u64, f64) {
        let readings = || self.recent.iter().rev();
        let above =
            readings().skip(1).zip(readings()).take_while(|(one, next)| between(one, next).1 > aim).count();
        match (readings().nth(above), self.recent.back()) {
            (Some(first), Some(last)) if last.at.saturating_sub(first.at) >= SETTLE => between(first, last),
            _ => self.lately(),
        }
    }

    /// So much too much is used: what would bring it down at once. Twice as much is halved by half of the connections; less may
    /// be saved by what metrics do not need.
    fn less_cpu(&self, excess: f64) -> Level {
        let halvings = excess.log2().ceil().max(1.0) as u32;
        let before = Level::first_of(Stage::FastSpans);
        if excess < 2.0 && self.level < before {
            self.level.further(1)
        } else {
            self.level.max(before).further(halvings)
        }
    }

    fn come_back(&mut self, now: Reading, cpu: f64, excess: f64) -> Option<Change> {
        let room = excess * MARGIN * cost(self.level) <= 1.0
            && self.credit > 0.0
            && now.memory as f64 <= self.limits.memory as f64 * MEMORY_LOW;
        if self.level == Level::NOTHING || !room {
            self.calm = None;
            return None;
        }
        if self.calm.is_none() {
            (self.peak, self.part, self.peak_of_part) = (0.0, now.at, 0.0);
        }
        let calm = *self.calm.get_or_insert(now.at);
        self.peak = self.peak.max(excess);
        if !self.load_has_gone(now.at, excess) && now.at.saturating_sub(calm) < self.hold {
            return None;
        }
        // Connections take what they took in proportion, or less.
        let mut left = 1.0 / (self.peak * MARGIN).max(1e-6);
        let mut to = self.level;
        while to > Level::NOTHING && left >= cost(to) {
            left /= cost(to);
            to = to.back();
            if self.level == Level::ALL {
                break; // what connections take is not known
            }
        }
        self.calm = None;
        if to == self.level {
            return None;
        }
        self.came_back = Some(now.at);
        Some(self.change(to, None, now, cpu))
    }

    /// Much less is used than before, and has been for a while. What proved wrong under that load says nothing then.
    fn load_has_gone(&mut self, now: u64, excess: f64) -> bool {
        self.peak_of_part = self.peak_of_part.max(excess);
        if now.saturating_sub(self.part) < self.hold.min(GONE_FOR) {
            return false;
        }
        let most = std::mem::replace(&mut self.peak_of_part, 0.0);
        self.part = now;
        let gone = most < self.peak * GONE;
        if gone {
            (self.peak, self.hold) = (most, HOLD);
        }
        gone
    }

    fn change(&mut self, to: Level, cause: Option<Cause>, now: Reading, cpu: f64) -> Change {
        let change = Change { from: self.level, to, cause, cpu, memory: now.memory };
        self.level = to;
        self.changed = now.at;
        self.recent.clear();
        self.recent.push_back(now);
        change
    }
}

/// The time between two readings, and processors that were used in it.
fn between(first: &Reading, last: &Reading) -> (u64, f64) {
    let span = last.at.saturating_sub(first.at);
    (span, last.used().saturating_sub(first.used()) as f64 / span.max(1) as f64)
}

/// How many times as much may be used one step back from a level.
fn cost(level: Level) -> f64 {
    match level.stage() {
        Stage::Connections if level != Level::ALL => 2.0,
        _ => 1.2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = SECOND / 1000;
    const LIMITS: Limits = Limits { cpu: 0.1, memory: 100_000_000 };

    /// A controller, and what is used by now.
    struct Run(Controller, Reading);

    impl Run {
        fn new() -> Run {
            let now = Reading { at: SECOND, memory: 10_000_000, ..Reading::default() };
            Run(Controller::new(LIMITS, now), now)
        }

        /// Uses so many processors for so long, and returns the changes.
        fn uses(&mut self, cpu: f64, milliseconds: u64) -> Vec<(Level, u64)> {
            let mut changes = Vec::new();
            let began = self.1.at;
            for _ in 0..milliseconds / 100 {
                self.1.at += 100 * MS;
                self.1.process += (cpu * 60.0 * MS as f64) as u64;
                self.1.programs += (cpu * 40.0 * MS as f64) as u64;
                if let Some(change) = self.0.take(self.1) {
                    assert_eq!(change.to, self.0.level());
                    changes.push((change.to, (self.1.at - began) / MS));
                }
            }
            changes
        }
    }

    #[test]
    fn a_jump_is_answered_in_proportion_and_at_once() {
        for (cpu, level) in [(0.12, 1), (0.25, 2 + 2), (0.5, 2 + 3), (0.9, 2 + 4), (20.0, 2 + 7)] {
            let mut run = Run::new();
            assert_eq!(run.uses(0.01, 20_000), []);
            let changes = run.uses(cpu, 3_000);
            let (first, after) = changes[0];
            assert_eq!(first, Level::NOTHING.further(level), "{cpu}");
            assert!(after <= (250.0 / cpu) as u64 + 300 || cpu < 0.2, "{cpu}: after {after} ms");
        }
    }

    #[test]
    fn a_burst_is_let_pass() {
        let mut run = Run::new();
        for _ in 0..10 {
            assert_eq!(run.uses(0.9, 100), []);
            assert_eq!(run.uses(0.005, 2_000), []);
        }
    }

    #[test]
    fn what_is_within_the_limit_goes_on_for_ever() {
        let mut run = Run::new();
        assert_eq!(run.uses(0.08, 600_000), []);
    }

    #[test]
    fn all_comes_back_when_the_load_is_gone() {
        let mut run = Run::new();
        run.uses(5.0, 2_000);
        assert_eq!(run.0.level(), Level::ALL);
        assert!(run.0.is_exhausted());
        let changes = run.uses(0.004, 60_000);
        assert_eq!(run.0.level(), Level::NOTHING, "{changes:?}");
        assert!(changes.is_sorted_by(|one, next| one.0 > next.0) && !run.0.is_exhausted());
        assert!(changes.windows(2).all(|two| two[1].1 - two[0].1 >= HOLD / MS), "{changes:?}");
    }

    #[test]
    fn what_proved_wrong_is_tried_later_each_time() {
        let mut run = Run::new();
        run.uses(0.12, 4_000);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let mut waited = 0;
            while run.0.level() > Level::NOTHING {
                run.uses(0.02, 1_000);
                waited += 1;
            }
            waits.push(waited);
            assert_eq!(run.0.level(), Level::NOTHING);
            assert_eq!(run.uses(0.12, 10_000)[0].0, Level::NOTHING.further(1));
        }
        assert!(waits.is_sorted() && waits[0] <= 25 && waits[7] >= 160, "{waits:?}");
    }

    #[test]
    fn a_load_that_has_gone_is_waited_for_less_than_one_that_stays() {
        let mut run = Run::new();
        run.uses(0.12, 4_000);
        // It seems that there is room, and each time there is not.
        for _ in 0..6 {
            while run.0.level() > Level::NOTHING {
                run.uses(0.03, 1_000);
            }
            run.uses(0.12, 4_000);
        }
        assert_eq!(run.0.hold, LONGEST_HOLD);
        run.uses(0.03, 30_000);
        assert!(run.0.level() > Level::NOTHING);
        run.uses(0.004, 2 * GONE_FOR / MS);
        assert_eq!(run.0.level(), Level::NOTHING);
    }

    #[test]
    fn memory_is_held_by_leaving_out_connections() {
        let mut run = Run::new();
        run.1.memory = 93_000_000;
        let changes = run.uses(0.01, 3_000);
        assert_eq!(changes[0].0, Level::first_of(Stage::Connections));
        assert_eq!(changes.len(), 3, "one step a second: {changes:?}");
        run.1.memory = 85_000_000;
        assert_eq!(run.uses(0.01, 60_000), [], "neither too much nor room");
        run.1.memory = 70_000_000;
        run.uses(0.01, 60_000);
        assert_eq!(run.0.level(), Level::NOTHING);
    }

    #[test]
    fn no_connection_and_still_too_much_is_said_and_does_not_oscillate() {
        let mut run = Run::new();
        let changes = run.uses(0.3, 600_000);
        assert!(run.0.is_exhausted() && run.0.level() == Level::ALL, "{changes:?}");
        assert!(changes.is_sorted_by(|one, next| one.0 < next.0), "{changes:?}");
    }

    #[test]
    fn clocks_that_stand_still_or_go_back_change_nothing() {
        let mut run = Run::new();
        run.uses(0.01, 1_000);
        assert_eq!(run.0.take(run.1), None);
        assert_eq!(run.0.take(Reading { at: 0, process: 0, ..run.1 }), None);
        assert_eq!(run.0.take(Reading { at: run.1.at + MS, process: 0, ..run.1 }), None);
    }
}
