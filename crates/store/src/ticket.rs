//! By which whoever brought a batch learns that it is durable, be it a thread that waits or asynchronous code.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::Error;

/// Tells when a batch is durable: [`Ticket::wait`] for a thread, `.await` for asynchronous code on whatever runtime.
#[derive(Debug)]
pub struct Ticket(Arc<Shared>);

/// The other end of it. When it is dropped without a word, the store was closed.
#[derive(Debug)]
pub(crate) struct Teller(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Debug, Default)]
struct State {
    answer: Option<Result<(), Error>>,
    waker: Option<Waker>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // It is whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, answer: Result<(), Error>) {
        let mut state = self.state();
        let waker = state.waker.take();
        state.answer.get_or_insert(answer);
        drop(state);
        self.told.notify_one();
        waker.into_iter().for_each(Waker::wake);
    }
}

/// A ticket, and what tells.
pub(crate) fn ticket() -> (Teller, Ticket) {
    let shared = Arc::<Shared>::default();
    (Teller(Arc::clone(&shared)), Ticket(shared))
}

impl Teller {
    /// Says how it went.
    pub(crate) fn tell(self, told: Result<(), String>) {
        self.0.tell(told.map_err(Error::NotStored));
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        // What was told before stays.
        self.0.tell(Err(Error::Closed));
    }
}

impl Ticket {
    /// Waits until it is durable. Not for asynchronous code, whose thread would be held up.
    ///
    /// # Errors
    ///
    /// When it will never be.
    pub fn wait(self) -> Result<(), Error> {
        let mut state = self.0.state();
        loop {
            if let Some(answer) = state.answer.take() {
                return answer;
            }
            state = self.0.told.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Future for Ticket {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.state();
        if let Some(answer) = state.answer.take() {
            return Poll::Ready(answer);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_waits_is_told_however_he_waits() {
        let (teller, waits) = ticket();
        let thread = std::thread::spawn(move || waits.wait());
        teller.tell(Ok(()));
        assert!(thread.join().unwrap().is_ok());

        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let (teller, mut waits) = ticket();
        assert!(Pin::new(&mut waits).poll(&mut context).is_pending());
        assert!(Pin::new(&mut waits).poll(&mut context).is_pending());
        teller.tell(Err("full".into()));
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        let told = Pin::new(&mut waits).poll(&mut context);
        assert!(matches!(told, Poll::Ready(Err(Error::NotStored(why))) if why == "full"));
    }

    #[test]
    fn a_store_that_closes_keeps_nobody_waiting() {
        let (teller, waits) = ticket();
        drop(teller);
        assert!(matches!(waits.wait(), Err(Error::Closed)));
    }
}
