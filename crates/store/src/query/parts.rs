//! Answers in parts.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use schema::query::Part;

use super::Cancel;
use crate::error::Error;

/// Parts that may wait for who asked: a slow one makes the query slow, not its memory large.
const WAITING: usize = 2;

/// Takes a part of an answer; fails when nobody wants it any more.
pub(crate) type Tell<'a> = dyn Fn(Part) -> Result<(), Error> + Sync + 'a;

/// An answer in parts, as they are found. When this goes, the query is cancelled. While it lives, it has the files that it is about,
/// and the store's lock.
#[derive(Debug)]
pub struct Parts {
    /// None when the last part was told.
    parts: Option<Receiver<Result<Part, Error>>>,
    cancel: Cancel,
    thread: Option<JoinHandle<()>>,
}

impl Parts {
    /// `answer` is called by a thread of its own.
    pub(crate) fn start(
        answer: impl FnOnce(&Cancel, &Tell<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let (sender, parts) = sync_channel(WAITING);
        let cancel = Cancel::default();
        let own = cancel.clone();
        let thread = std::thread::Builder::new().name("store-query".into()).spawn(move || {
            let told = answer(&own, &|part| sender.send(Ok(part)).map_err(|_| Error::Cancelled));
            if let Err(error) = told {
                // Who is gone needs no error.
                let _ = sender.send(Err(error));
            }
        });
        let thread = thread.map_err(|cause| Error::Io { what: "starting a thread".into(), cause })?;
        Ok(Parts { parts: Some(parts), cancel, thread: Some(thread) })
    }
}

impl Iterator for Parts {
    type Item = Result<Part, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let part = self.parts.as_ref()?.recv();
        let part = part.unwrap_or_else(|_| Err(Error::Damaged("the query's thread failed".into())));
        if matches!(part, Err(_) | Ok(Part::Scanned(_))) {
            self.parts = None;
        }
        Some(part)
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.cancel.cancel();
        // What waits to be sent is not sent then.
        self.parts = None;
        if let Some(thread) = self.thread.take() {
            // It has told what went wrong.
            let _ = thread.join();
        }
    }
}
