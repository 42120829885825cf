//! What the programs take of the processors, which the applications pay.
//!
//! The kernel counts it only when asked to, and to count costs about as much as the shortest of the programs. So it is asked for a
//! tenth of the time, and that is taken for the rest. Where somebody else has it counted anyway, all of it is known.

use std::os::fd::{AsFd, AsRawFd};

use libbpf_rs::{Object, libbpf_sys};

use crate::{CountRuns, rights};

/// Looks in a round, of which one is counted.
const ROUND: u32 = 10;
/// Rounds of which one is counted while nearly nothing is used.
const QUIET_ROUNDS: u32 = 5;
/// The part of a processor that is nearly nothing.
const QUIET: f64 = 0.005;

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
    last: Option<(u64, Counted)>,
    looks: u32,
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
    /// Nanoseconds until now, about. Call it in equal intervals, some 100 ms long.
    pub(crate) fn look(&mut self, now: u64, counted: Counted) -> u64 {
        let (before, last) = self.last.replace((now, counted)).unwrap_or((now, counted));
        // What was counted though nobody here asked for it is counted all the time, but perhaps where that begins or ends.
        let known = self.counting.is_some() || counted.runs > last.runs;
        self.estimate.add(now.saturating_sub(before), known.then(|| counted.time.saturating_sub(last.time)));
        let round = if self.estimate.rate < QUIET { ROUND * QUIET_ROUNDS } else { ROUND };
        self.counting = if self.looks.is_multiple_of(round) { start_counting() } else { None };
        self.looks = if self.looks >= round { 1 } else { self.looks + 1 };
        self.estimate.total as u64
    }

    /// What was known does not hold any more: the time until the next look is counted.
    pub fn begin_anew(&mut self) {
        self.counting = start_counting();
        self.looks = 1;
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
        let mut counted = Counted::default();
        let mut now = 1;
        account.look(now, counted);
        let mut told = 0;
        for step in 1..=100 {
            now += TICK;
            counted.runs += 10;
            counted.time += step * 10_000;
            told = account.look(now, counted);
        }
        assert_eq!(told, counted.time);
    }
}
