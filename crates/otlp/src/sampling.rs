//! Which spans are kept.
//!
//! By OpenTelemetry's consistent probability sampling: the last 56 bits of a trace's id are its randomness, and a span is kept
//! where that reaches a threshold. So all hosts that sample at the same rate keep the same traces, and one that samples at a
//! higher rate keeps those too. The threshold travels with the span (`ot=th:` in its trace state): from it follows how many
//! spans the one stands for. Errors and slow ones are kept whatever the rate, and stand for themselves.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use model::Request;

use crate::config::Sampling;
use crate::trace::Trace;

/// As many values as the randomness may have.
const ALL: u64 = 1 << 56;

/// Decides, and counts its decisions. What it goes by may change at any time.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    threshold: AtomicU64,
    errors: AtomicBool,
    slow: AtomicU64,
    /// Nothing is kept by rate for now.
    sparing: AtomicBool,
    counts: [AtomicU64; 5],
}

/// Why a span is kept, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Rate,
    Error,
    Slow,
    Left,
    Spared,
}

impl Decision {
    pub(crate) const ALL: [Decision; 5] =
        [Decision::Rate, Decision::Error, Decision::Slow, Decision::Left, Decision::Spared];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Decision::Rate => "kept by rate",
            Decision::Error => "kept as an error",
            Decision::Slow => "kept as slow",
            Decision::Left => "left out",
            Decision::Spared => "left out for the budget",
        }
    }
}

impl Sampler {
    pub(crate) fn new(config: Sampling) -> Sampler {
        let sampler = Sampler::default();
        sampler.set(config);
        sampler
    }

    /// Goes by this from now on.
    pub(crate) fn set(&self, config: Sampling) {
        // A rate is known to a ten-thousandth, so nothing is lost on the way through a float.
        let left = (1.0 - config.rate.clamp(0.0, 1.0)) * ALL as f64;
        self.threshold.store((left.round() as u64).min(ALL), Ordering::Relaxed);
        self.errors.store(config.errors, Ordering::Relaxed);
        self.slow.store(config.slow.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Keeps nothing by rate from now on, or does again. What says `errors` and `slow` holds on.
    pub(crate) fn spare(&self, spares: bool) {
        self.sparing.store(spares, Ordering::Relaxed);
    }

    /// Decides on a request's span; of one that is kept, sets the threshold.
    pub(crate) fn keeps(&self, request: &Request, trace: &mut Trace) -> bool {
        let threshold = self.threshold.load(Ordering::Relaxed);
        let spares = self.sparing.load(Ordering::Relaxed);
        let decision = match () {
            // Without sampling there is nothing to tell apart.
            () if threshold == 0 && !spares => Decision::Rate,
            () if request.error.is_some() && self.errors.load(Ordering::Relaxed) => Decision::Error,
            // Who waits because it wishes so is not slow.
            () if request.duration >= self.slow.load(Ordering::Relaxed) && !request.waiting => Decision::Slow,
            () if spares => Decision::Spared,
            () if trace.randomness() >= threshold => Decision::Rate,
            () => Decision::Left,
        };
        trace.threshold = if decision == Decision::Rate { threshold } else { 0 };
        self.counts[decision as usize].fetch_add(1, Ordering::Relaxed);
        !matches!(decision, Decision::Left | Decision::Spared)
    }

    /// True where some spans are left out, so that those that are kept have to say what they stand for.
    pub(crate) fn samples(&self) -> bool {
        self.threshold.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn count(&self, decision: Decision) -> u64 {
        self.counts[decision as usize].load(Ordering::Relaxed)
    }
}

/// Appends a threshold as a trace state has it: 14 hexadecimal digits, without zeros at the end.
pub(crate) fn trace_state(threshold: u64, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"ot=th:");
    let mut shift = 56;
    loop {
        shift -= 4;
        out.push(DIGITS[(threshold >> shift & 15) as usize]);
        if shift == 0 || threshold & ((1 << shift) - 1) == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::request;
    use crate::trace::Ids;

    fn sampler(rate: f64) -> Sampler {
        Sampler::new(Sampling { rate, errors: true, slow: Some(1_000_000_000) })
    }

    #[test]
    fn errors_and_slow_ones_are_kept_whatever_the_rate() {
        let sampler = sampler(0.0);
        let mut ids = Ids::default();
        let mut keeps = |request: &Request| {
            let mut trace = ids.trace(request);
            (sampler.keeps(request, &mut trace), trace.threshold)
        };
        assert!(!keeps(&request()).0);
        assert_eq!(keeps(&Request { error: Some("503".into()), ..request() }), (true, 0));
        assert_eq!(keeps(&Request { duration: 1_000_000_000, ..request() }), (true, 0));
        assert!(!keeps(&Request { duration: 999_999_999, ..request() }).0);
        assert!(!keeps(&Request { duration: 9_000_000_000, waiting: true, ..request() }).0);
        assert_eq!(Decision::ALL.map(|decision| sampler.count(decision)), [0, 1, 1, 3, 0]);
    }

    #[test]
    fn a_rate_is_kept_and_tells_what_it_stands_for() {
        let (tenth, half) = (sampler(0.1), sampler(0.5));
        let mut ids = Ids::default();
        let mut kept = 0;
        for _ in 0..20_000 {
            let request = request();
            let mut trace = ids.trace(&request);
            if tenth.keeps(&request, &mut trace) {
                kept += 1;
                let weight = ALL as f64 / (ALL - trace.threshold) as f64;
                assert!((weight - 10.0).abs() < 1e-9, "{weight}");
                assert!(half.keeps(&request, &mut trace), "what a tenth keeps, a half keeps too");
            }
        }
        assert!((1_800..2_200).contains(&kept), "{kept}");
    }

    #[test]
    fn to_spare_leaves_errors_and_slow_ones() {
        for rate in [1.0, 0.5] {
            let sampler = sampler(rate);
            let mut ids = Ids::default();
            let mut keeps = |request: &Request| {
                let mut trace = ids.trace(request);
                trace.id = [0xff; 16];
                sampler.keeps(request, &mut trace)
            };
            assert!(keeps(&request()));
            sampler.spare(true);
            assert!(!keeps(&request()));
            assert!(keeps(&Request { error: Some("503".into()), ..request() }));
            assert!(keeps(&Request { duration: 1_000_000_000, ..request() }));
            sampler.spare(false);
            assert!(keeps(&request()));
            assert_eq!(Decision::ALL.map(|decision| sampler.count(decision)), [2, 1, 1, 0, 1], "{rate}");
        }
    }

    #[test]
    fn all_is_kept_without_sampling() {
        let sampler = sampler(1.0);
        let mut trace = Ids::default().trace(&request());
        trace.id = [0; 16];
        assert!(!sampler.samples() && sampler.keeps(&request(), &mut trace));
    }

    #[test]
    fn thresholds_are_written_as_the_specification_has_them() {
        for (rate, expected) in
            [(1.0, "ot=th:0"), (0.5, "ot=th:8"), (0.25, "ot=th:c"), (0.1, "ot=th:e6666666666668")]
        {
            let mut out = Vec::new();
            trace_state(sampler(rate).threshold.load(Ordering::Relaxed), &mut out);
            assert_eq!(String::from_utf8(out).expect("text"), expected);
        }
    }
}
