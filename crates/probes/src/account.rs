//! What the programs take of the processors, which the applications pay.
//!
//! The kernel counts it only when asked to, and to count costs about as much as the shortest of the programs. So it is asked for a
//! tenth of the time, and that is taken for the rest. Where somebody else has it counted anyway, all of it is known.

use std::os::fd::{AsFd, AsRawFd};

use libbpf_rs::{Object, libbpf_sys};

use crate::{CountRuns, rights};

/// Looks in a round, of which one is counted.
const ROUND: u32 = 10;
/// The same while nothing is busy.
const QUIET_ROUND: u32 = 50;

/// Run time of all programs, as far as it was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Counted {
    pub(crate) runs: u64,
    /// Nanoseconds.
    pub(crate) time: u64,
}

/// The account of the programs' run time.
#[derive(Debug, Default)]
pub struct Account {
    /// The kernel counts as long as this is open.
    counting: Option<CountRuns>,
    /// It does so anyway.
    always: bool,
    /// What there was when it was last asked for.
    last: Counted,
    looked: Option<u64>,
    /// Looks since a round began, and the runs that had been counted by then.
    looks: u32,
    runs: u64,
    estimate: Estimate,
}

/// What is made of it.
#[derive(Debug, Default)]
struct Estimate {
    total: f64,
    /// Processors.
    rate: f64,
}

impl Estimate {
    fn add(&mut self, passed: u64, counted: Option<u64>) {
        if let Some(time) = counted {
            self.rate = time as f64 / passed.max(1) as f64;
        }
        self.total += self.rate * passed as f64;
    }
}

impl Account {
    /// Nanoseconds until now, about. `read` asks the kernel for what was counted, `busy` tells that it may be much.
    pub(crate) fn look(&mut self, now: u64, busy: bool, read: impl Fn() -> Counted) -> u64 {
        let passed = now.saturating_sub(self.looked.replace(now).unwrap_or(now));
        let before = self.last;
        let known = self.counting.is_some() || self.always;
        if known {
            self.last = read();
        }
        if self.always && self.counting.is_none() && self.last.runs == before.runs {
            // Whoever had it counted may have stopped, or nothing ran: the next look tells which. Until then it is as before.
            self.estimate.add(passed, None);
            self.always = false;
            self.count_next(self.last);
            return self.estimate.total as u64;
        }
        self.estimate.add(passed, known.then(|| self.last.time.saturating_sub(before.time)));
        if self.counting.take().is_some() {
            // What ran until the kernel was told to stop is no sign of somebody else.
            self.last = read();
        }
        self.looks += 1;
        if self.looks >= if busy { ROUND } else { QUIET_ROUND } {
            self.count_next(read());
        }
        self.estimate.total as u64
    }

    /// Has the time until the next look counted: what was known does not hold any more, or not for sure. `counted` is what there is.
    pub(crate) fn count_next(&mut self, counted: Counted) {
        let unasked = self.counting.is_none() && counted.runs > self.last.runs;
        self.always = if self.always { counted.runs > self.runs } else { unasked };
        self.last = counted;
        (self.looks, self.runs) = (0, counted.runs);
        if !self.always {
            self.counting = start_counting();
        }
    }
}

/// `None` where the kernel cannot count (before 5.8), or we may not have it do so. The right to it is held, and raised for this moment.
fn start_counting() -> Option<CountRuns> {
    rights::with_raised(rights::SYS_ADMIN, CountRuns::begin).ok()
}

/// What was counted of these programs.
pub(crate) fn counted(objects: &[Object]) -> Counted {
    let mut sum = Counted::default();
    let programs = objects.iter().flat_map(Object::progs).filter(|program| program.autoload());
    for program in programs {
        let mut info = libbpf_sys::bpf_prog_info::default();
        let mut length = size_of_val(&info) as u32;
        let fd = program.as_fd().as_raw_fd();
        // SAFETY: `info` has room for `length` bytes, and asks for nothing that would be written elsewhere.
        let failed = unsafe { libbpf_sys::bpf_prog_get_info_by_fd(fd, &raw mut info, &raw mut length) };
        if failed == 0 {
            sum.runs += info.run_cnt;
            sum.time += info.run_time_ns;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: u64 = 100_000_000;

    #[test]
    fn what_was_counted_in_a_part_of_the_time_stands_for_all_of_it() {
        let mut estimate = Estimate::default();
        estimate.add(TICK, None);
        assert_eq!(estimate.total, 0.0);
        estimate.add(TICK, Some(TICK / 10));
        for _ in 0..9 {
            estimate.add(TICK, None);
        }
        assert!((estimate.total / TICK as f64 - 1.0).abs() < 1e-9, "{estimate:?}");
        estimate.add(TICK, Some(0));
        estimate.add(TICK, None);
        assert!((estimate.total / TICK as f64 - 1.0).abs() < 1e-9, "{estimate:?}");
    }

    #[test]
    fn what_others_have_counted_is_taken_as_it_is() {
        let mut account = Account::default();
        let counted = std::cell::Cell::new(Counted::default());
        let (mut now, mut before) = (1, (0, 0));
        for step in 1..=100 {
            now += TICK;
            counted.set(Counted { runs: 10 * step, time: counted.get().time + step * 10_000 });
            let told = account.look(now, true, || counted.get());
            if step > u64::from(ROUND) {
                assert_eq!(told - before.0, counted.get().time - before.1, "step {step}");
            }
            before = (told, counted.get().time);
        }
    }

    #[test]
    fn when_others_stop_what_runs_on_is_not_taken_for_nothing() {
        const EACH: u64 = 1_000_000;
        let mut account = Account { always: true, ..Account::default() };
        let counted = std::cell::Cell::new(Counted::default());
        let mut now = 1;
        let mut look = |account: &mut Account, is_counted: bool| {
            now += TICK;
            let more = if is_counted { 1 } else { 0 };
            let last = counted.get();
            counted.set(Counted { runs: last.runs + 10 * more, time: last.time + EACH * more });
            account.look(now, false, || counted.get())
        };
        look(&mut account, true);
        let before = look(&mut account, true);
        // All of it ran on, and nobody counts but when asked to.
        assert_eq!(look(&mut account, false) - before, EACH);
        assert!(!account.always);
        assert_eq!(look(&mut account, true) - before, 2 * EACH);
        for _ in 0..10 {
            look(&mut account, false);
        }
        assert_eq!(look(&mut account, false) - before, 13 * EACH);
    }

    #[test]
    fn the_kernel_is_asked_seldom() {
        for (busy, most) in [(true, 110 * 3 / 10), (false, 10)] {
            let asked = std::cell::Cell::new(0);
            let mut account = Account::default();
            for step in 1..=100 {
                account.look(step * TICK, busy, || {
                    asked.set(asked.get() + 1);
                    Counted::default()
                });
            }
            assert!(asked.get() > 0 && asked.get() <= most, "{busy}: {}", asked.get());
        }
    }
}
