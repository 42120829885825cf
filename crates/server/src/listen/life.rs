//! What a connection is doing at a moment, and until when it may.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Limits;

/// A connection's state, which its requests, its answers and its socket tell of.
#[derive(Debug)]
pub(super) struct Life {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Requests that are being answered.
    answering: u32,
    /// Since when there was none, or nothing was written.
    idle_since: Instant,
    /// Something was asked for.
    asked: bool,
    /// Answers of which a part was handed out and no further one is wanted yet, since when, by their numbers.
    handed: HashMap<u64, Instant>,
    next: u64,
}

impl Default for Life {
    fn default() -> Self {
        let state =
            State { answering: 0, idle_since: Instant::now(), asked: false, handed: HashMap::new(), next: 0 };
        Life { state: Mutex::new(state) }
    }
}

/// A request, from its head to the end of its answer.
#[derive(Debug)]
pub(super) struct Exchange {
    life: Arc<Life>,
    number: u64,
}

impl Exchange {
    /// A part of the answer is on its way.
    pub(super) fn handed(&self) {
        self.life.lock().handed.insert(self.number, Instant::now());
    }

    /// It is taken, and more is wanted.
    pub(super) fn wanted(&self) {
        self.life.lock().handed.remove(&self.number);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.life.lock();
        state.handed.remove(&self.number);
        state.answering -= 1;
        state.idle_since = Instant::now();
    }
}

impl Life {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request begins to be answered.
    pub(super) fn begin(self: &Arc<Self>) -> Exchange {
        let mut state = self.lock();
        state.answering += 1;
        state.asked = true;
        let number = state.next;
        state.next += 1;
        Exchange { life: self.clone(), number }
    }

    /// Something was written to the socket.
    pub(super) fn wrote(&self) {
        self.lock().idle_since = Instant::now();
    }

    /// A request is being answered.
    pub(super) fn is_answering(&self) -> bool {
        self.lock().answering > 0
    }

    /// When to look again; none if it should have gone on by now.
    pub(super) fn deadline(&self, limits: &Limits, now: Instant) -> Option<Instant> {
        let state = self.lock();
        let deadline = if state.answering == 0 {
            state.idle_since + if state.asked { limits.idle } else { limits.head }
        } else {
            // How long an answer may take until it begins is for whoever makes it to say.
            state.handed.values().min().map_or(now, |since| *since) + limits.stall
        };
        (deadline > now).then_some(deadline)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn time_runs_only_against_who_does_not_go_on() {
        let limits = Limits::default();
        let life = Arc::new(Life::default());
        let in_a = |seconds| Instant::now() + Duration::from_secs(seconds);
        assert!(life.deadline(&limits, in_a(14)).is_some());
        assert_eq!(life.deadline(&limits, in_a(15)), None, "nothing was asked for");
        let exchange = life.begin();
        assert!(life.deadline(&limits, in_a(3600)).is_some(), "it is our turn");
        exchange.handed();
        assert!(life.deadline(&limits, in_a(59)).is_some());
        assert_eq!(life.deadline(&limits, in_a(60)), None, "the answer is not taken");
        exchange.wanted();
        assert!(life.deadline(&limits, in_a(3600)).is_some(), "there is nothing to send");
        drop(exchange);
        assert!(life.deadline(&limits, in_a(74)).is_some());
        assert_eq!(life.deadline(&limits, in_a(76)), None, "idle");
    }
}
