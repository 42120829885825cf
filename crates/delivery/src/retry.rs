//! What an answer means, as the OTLP specification has it: the receiver took the message, will take it later, or never.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, SystemTime};

/// The pause after the first failure; it doubles with each further one.
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause of our own choice: so long after a receiver came back may it take to be noticed.
const LONGEST: Duration = Duration::from_secs(10);
/// The longest pause that a receiver may ask for.
const MOST_ASKED: Duration = Duration::from_secs(3600);

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken, but for so many of its items; the receiver may say why.
    Taken {
        /// So many of its items were not.
        rejected: u64,
        /// What the receiver has to say.
        message: String,
    },
    /// It may be taken later: not before `after`, where the receiver says so.
    Later {
        /// The pause that the receiver wishes for.
        after: Option<Duration>,
        /// What happened.
        why: String,
    },
    /// It will never be taken.
    Never {
        /// What the receiver says.
        why: String,
    },
}

impl Outcome {
    /// It did not get as far as the receiver, or nobody knows.
    pub fn later(why: impl Into<String>) -> Outcome {
        Outcome::Later { after: None, why: why.into() }
    }
}

/// What an HTTP status means that is no success.
pub fn of_http(status: u16, retry_after: Option<&str>, why: String) -> Outcome {
    match status {
        429 | 502 | 503 | 504 => {
            // Who says "at once" again and again would be asked without a pause.
            let after = retry_after.and_then(asked).filter(|after| !after.is_zero());
            Outcome::Later { after, why }
        }
        _ => Outcome::Never { why },
    }
}

/// What a gRPC status means that is no success. `retry` is the delay of a `RetryInfo`, where there is one.
pub fn of_grpc(code: u32, retry: Option<Duration>, why: String) -> Outcome {
    const CANCELLED: u32 = 1;
    const DEADLINE_EXCEEDED: u32 = 4;
    const RESOURCE_EXHAUSTED: u32 = 8;
    const ABORTED: u32 = 10;
    const OUT_OF_RANGE: u32 = 11;
    const UNAVAILABLE: u32 = 14;
    const DATA_LOSS: u32 = 15;
    let after = retry.map(|retry| retry.min(MOST_ASKED)).filter(|retry| !retry.is_zero());
    match code {
        CANCELLED | DEADLINE_EXCEEDED | ABORTED | OUT_OF_RANGE | UNAVAILABLE | DATA_LOSS => {
            Outcome::Later { after, why }
        }
        // Only who says when to come back means that it will have room.
        RESOURCE_EXHAUSTED if retry.is_some() => Outcome::Later { after, why },
        _ => Outcome::Never { why },
    }
}

/// The header `Retry-After`: seconds, or a date.
fn asked(text: &str) -> Option<Duration> {
    let text = text.trim();
    let pause = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).unwrap_or_default(),
    };
    Some(pause.min(MOST_ASKED))
}

/// Pauses between attempts.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    random: RandomState,
}

impl Backoff {
    /// The pause after one more failure: doubled each time, and spread by half of it, so that many agents do not come back at
    /// once. What the receiver asks for is kept to at least.
    pub(crate) fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let random = self.random.hash_one(self.failures) as u32;
        let part = f64::from(random) / f64::from(u32::MAX);
        match asked {
            Some(asked) => asked + asked.min(LONGEST).mul_f64(part / 10.0),
            None => doubled.mul_f64(0.5 + part),
        }
    }

    /// It went well again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_statuses_mean_what_the_specification_says() {
        for status in 300..600 {
            let expected = matches!(status, 429 | 502 | 503 | 504);
            let found = matches!(of_http(status, None, String::new()), Outcome::Later { after: None, .. });
            assert_eq!(found, expected, "{status}");
        }
        let after = |text| match of_http(503, Some(text), String::new()) {
            Outcome::Later { after, .. } => after,
            _ => panic!("{text}"),
        };
        assert_eq!((after("7"), after("0"), after("soon")), (Some(Duration::from_secs(7)), None, None));
    }

    #[test]
    fn grpc_codes_mean_what_the_specification_says() {
        for code in 1..=20 {
            let expected = matches!(code, 1 | 4 | 10 | 11 | 14 | 15);
            let found = matches!(of_grpc(code, None, String::new()), Outcome::Later { after: None, .. });
            assert_eq!(found, expected, "{code}");
        }
        let second = Some(Duration::from_secs(1));
        assert!(matches!(of_grpc(8, second, String::new()), Outcome::Later { after, .. } if after == second));
        assert!(
            matches!(of_grpc(14, second, String::new()), Outcome::Later { after, .. } if after == second)
        );
        assert!(matches!(
            of_grpc(8, Some(Duration::ZERO), String::new()),
            Outcome::Later { after: None, .. }
        ));
        assert!(matches!(of_grpc(3, second, String::new()), Outcome::Never { .. }));
    }

    #[test]
    fn a_receiver_may_ask_for_a_pause() {
        let day = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
        let past = httpdate::fmt_http_date(SystemTime::now() - Duration::from_secs(90));
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked(" 0 "), Some(Duration::ZERO));
        assert_eq!(asked("999999999999"), Some(MOST_ASKED));
        assert!(
            asked(&day)
                .is_some_and(|pause| pause > Duration::from_secs(80) && pause <= Duration::from_secs(90))
        );
        assert_eq!(asked(&past), Some(Duration::ZERO));
        for wrong in ["", "soon", "-1", "1.5", "99999999999999999999999"] {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn pauses_grow_to_a_bound_and_what_is_asked_for_is_kept_to() {
        let mut backoff = Backoff::default();
        for failure in 0..40 {
            let whole = FIRST.saturating_mul(1 << failure.min(16)).min(LONGEST);
            let pause = backoff.pause(None);
            assert!(pause >= whole / 2 && pause <= whole.mul_f64(1.5), "{failure}: {pause:?}");
        }
        let asked = Duration::from_secs(30);
        let pause = backoff.pause(Some(asked));
        assert!(pause >= asked && pause <= Duration::from_secs(31), "{pause:?}");
        backoff.reset();
        assert!(backoff.pause(None) < Duration::from_secs(1));
    }
}
