//! What was counted within the last while: rings of slots, each of which has a part of it.

use model::{Nanos, Request};

use crate::Exponential;

pub(super) const SECOND: Nanos = 1_000_000_000;

/// A stretch of time that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Window {
    /// The last ten seconds.
    #[default]
    Seconds,
    /// The last minute.
    Minute,
    /// The last five minutes.
    Minutes,
    /// Since it began.
    Total,
}

impl Window {
    /// All of them, from the shortest to the longest.
    pub const ALL: [Window; 4] = [Window::Seconds, Window::Minute, Window::Minutes, Window::Total];

    /// `10 s`, `1 min`, `5 min` or `total`.
    pub fn as_str(self) -> &'static str {
        match self {
            Window::Seconds => "10 s",
            Window::Minute => "1 min",
            Window::Minutes => "5 min",
            Window::Total => "total",
        }
    }

    /// What a slot has of it, in seconds, and how many slots there are: one more than fit, because the last one is still
    /// being filled. Nothing of the total.
    fn slots(self) -> (u64, u64) {
        match self {
            Window::Seconds => (1, 11),
            Window::Minute => (5, 13),
            Window::Minutes => (30, 11),
            Window::Total => (1, 0),
        }
    }

    /// When that which is counted at `now` began: up to a slot more than the window's length ago, and not before `began`.
    pub fn since(self, now: Nanos, began: Nanos) -> Nanos {
        let (width, slots) = self.slots();
        match self {
            Window::Total => began,
            _ => ((now / (width * SECOND)).saturating_sub(slots - 1) * width * SECOND).max(began),
        }
    }
}

/// What is counted of requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// How many there were.
    pub requests: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Those of them that waited because the caller wished so: their time is no latency.
    pub waits: u64,
    /// Bytes of requests.
    pub request_bytes: u64,
    /// Bytes of responses.
    pub response_bytes: u64,
    /// The shortest and the longest, in nanoseconds.
    range: (u64, u64),
    durations: Exponential,
}

impl Default for Figures {
    fn default() -> Self {
        Figures {
            requests: 0,
            errors: 0,
            waits: 0,
            request_bytes: 0,
            response_bytes: 0,
            range: (u64::MAX, 0),
            durations: Exponential::default(),
        }
    }
}

impl Figures {
    pub(super) fn record(&mut self, request: &Request) {
        self.requests += 1;
        self.errors += u64::from(request.error.is_some());
        self.request_bytes = self.request_bytes.saturating_add(request.request_bytes);
        self.response_bytes = self.response_bytes.saturating_add(request.response_bytes);
        if request.waiting {
            self.waits += 1;
            return;
        }
        self.range = (self.range.0.min(request.duration), self.range.1.max(request.duration));
        self.durations.record(request.duration as f64);
    }

    /// Adds what `other` has.
    pub fn merge(&mut self, other: &Figures) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.waits += other.waits;
        self.request_bytes = self.request_bytes.saturating_add(other.request_bytes);
        self.response_bytes = self.response_bytes.saturating_add(other.response_bytes);
        self.range = (self.range.0.min(other.range.0), self.range.1.max(other.range.1));
        self.durations.merge(&other.durations);
    }

    /// The duration that this part of all does not exceed: nanoseconds. See [`Exponential::quantile`] for how exact it is.
    pub fn quantile(&self, part: f64) -> Option<Nanos> {
        let found = self.durations.quantile(part)?;
        Some((found as u64).clamp(self.range.0, self.range.1))
    }

    /// The longest: nanoseconds.
    pub fn longest(&self) -> Option<Nanos> {
        (self.requests > self.waits).then_some(self.range.1)
    }

    fn clear(&mut self) {
        let mut durations = std::mem::take(&mut self.durations);
        durations.clear();
        *self = Figures { durations, ..Figures::default() };
    }
}

/// A ring of slots.
#[derive(Debug)]
struct Ring {
    window: Window,
    /// Made as they are needed: what comes once takes little. Each has the number of its stretch of time.
    slots: Vec<(u64, Figures)>,
}

impl Ring {
    fn new(window: Window) -> Ring {
        Ring { window, slots: Vec::new() }
    }

    fn add(&mut self, second: u64, figures: &Figures) {
        let (width, most) = self.window.slots();
        let number = second / width;
        let oldest = self.slots.iter().enumerate().min_by_key(|(_, (number, _))| *number);
        let oldest = oldest.map(|(place, (number, _))| (place, *number));
        let is_full = self.slots.len() as u64 >= most;
        let place = match (self.slots.iter().position(|(other, _)| *other == number), oldest) {
            (Some(place), _) => place,
            // What has gone by makes room, so that there are never more than the window has.
            (None, Some((place, old))) if is_full || old + most <= number => {
                self.slots[place].0 = number;
                self.slots[place].1.clear();
                place
            }
            _ => {
                self.slots.push((number, Figures::default()));
                self.slots.len() - 1
            }
        };
        self.slots[place].1.merge(figures);
    }

    fn sum(&self, second: u64, into: &mut Figures) {
        let (width, most) = self.window.slots();
        let now = second / width;
        let counts = |number: u64| number <= now && number + most > now;
        self.slots.iter().filter(|(number, _)| counts(*number)).for_each(|(_, figures)| into.merge(figures));
    }
}

/// How requests of one kind went, by the time at which they came.
///
/// To count one is to count it once: a second's are added to the rings when another second's come.
#[derive(Debug)]
pub(super) struct Course {
    second: u64,
    current: Figures,
    rings: [Ring; 3],
    total: Figures,
}

impl Default for Course {
    fn default() -> Self {
        let rings = [Window::Seconds, Window::Minute, Window::Minutes].map(Ring::new);
        Course { second: 0, current: Figures::default(), rings, total: Figures::default() }
    }
}

impl Course {
    pub(super) fn record(&mut self, request: &Request, now: Nanos) {
        let second = now / SECOND;
        if second != self.second {
            self.settle();
            self.second = second;
        }
        self.current.record(request);
    }

    #[cold]
    fn settle(&mut self) {
        if self.current.requests > 0 {
            self.rings.iter_mut().for_each(|ring| ring.add(self.second, &self.current));
            self.total.merge(&self.current);
            self.current.clear();
        }
    }

    /// Adds what `window` has at `now`.
    pub(super) fn sum(&self, window: Window, now: Nanos, into: &mut Figures) {
        let second = now / SECOND;
        let (width, most) = window.slots();
        match self.rings.iter().find(|ring| ring.window == window) {
            Some(ring) => ring.sum(second, into),
            None => into.merge(&self.total),
        }
        if window == Window::Total || self.second / width + most > second / width {
            into.merge(&self.current);
        }
    }

    /// How many there were since it began.
    pub(super) fn requests(&self) -> u64 {
        self.total.requests + self.current.requests
    }

    #[cfg(test)]
    pub(super) fn slots(&self) -> [usize; 3] {
        [0, 1, 2].map(|ring: usize| self.rings[ring].slots.len())
    }
}
