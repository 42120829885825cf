//! Time as the kernel side stamps it, and its way to wall-clock time.

use serde::{Deserialize, Serialize};

/// Nanoseconds of `CLOCK_MONOTONIC`, the clock of `bpf_ktime_get_ns`.
pub type Nanos = u64;

/// One reading of both clocks, from which any monotonic time becomes wall-clock time.
///
/// It is taken anew from time to time, because the wall clock may be stepped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClockReading {
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub monotonic: Nanos,
    /// `CLOCK_REALTIME`, nanoseconds since 1970-01-01 UTC.
    pub wall: u64,
}

impl ClockReading {
    /// Nanoseconds since 1970-01-01 UTC at the monotonic time `at`.
    pub fn wall_at(&self, at: Nanos) -> u64 {
        self.wall.wrapping_add(at).wrapping_sub(self.monotonic)
    }
}
