//! The joiner of traces, between the analysis and whoever takes the requests.

use model::begun::{Finished, Note};
use model::{Nanos, Request};
use requests::Analyzer;
use traces::{Counters, Joiner};

/// The joiner, and room that is used again.
#[derive(Debug)]
pub(super) struct Joining {
    joiner: Joiner,
    notes: Vec<Note>,
    finished: Vec<Finished>,
    /// Of the last batch.
    room: Vec<Request>,
}

impl Default for Joining {
    fn default() -> Self {
        Joining {
            joiner: Joiner::new(traces::Config::default()),
            notes: Vec::new(),
            finished: Vec::new(),
            room: Vec::new(),
        }
    }
}

impl Joining {
    /// Takes a batch of finished requests, and gives those whose places are known by now. All that happened until `known_until`
    /// was told.
    pub(super) fn join(
        &mut self,
        analyzer: &mut Analyzer,
        mut batch: Vec<Request>,
        known_until: Nanos,
    ) -> Vec<Request> {
        let mut out = std::mem::take(&mut self.room);
        analyzer.take_notes(&mut self.notes, &mut self.finished);
        self.notes.drain(..).for_each(|note| self.joiner.note(note));
        for (request, finished) in batch.drain(..).zip(self.finished.drain(..)) {
            self.joiner.finished(request, finished, &mut out);
        }
        self.room = batch;
        self.joiner.advance(known_until, &mut out);
        out
    }

    /// All that waits.
    pub(super) fn end(&mut self) -> Vec<Request> {
        let mut out = Vec::new();
        self.joiner.end(&mut out);
        out
    }

    pub(super) fn counters(&self) -> &Counters {
        self.joiner.counters()
    }
}
