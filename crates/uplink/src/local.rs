//! Into a store of the same process.

use std::thread::sleep;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use schema::Table;

use crate::counts::Cause;

/// How long a batch waits for a store that is behind.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is tried meanwhile.
const AGAIN: Duration = Duration::from_millis(20);

/// What a store says to a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has it.
    Taken,
    /// It is behind: later.
    Later(String),
    /// It never will.
    Never(String),
}

/// Hands a batch over to a store.
pub type Take = Box<dyn FnMut(Table, &RecordBatch) -> Answer + Send>;

pub(crate) struct Local {
    take: Take,
    /// It was too late for the last one: the next ones are tried once each, until there is room again.
    is_behind: bool,
}

impl Local {
    pub(crate) fn new(take: Take) -> Self {
        Local { take, is_behind: false }
    }

    pub(crate) fn send(&mut self, table: Table, batch: &RecordBatch) -> Result<(), (Cause, String)> {
        let began = Instant::now();
        loop {
            match (self.take)(table, batch) {
                Answer::Taken => {
                    self.is_behind = false;
                    return Ok(());
                }
                Answer::Never(why) => return Err((Cause::Refused, why)),
                Answer::Later(why) if self.is_behind || began.elapsed() >= PATIENCE => {
                    self.is_behind = true;
                    return Err((Cause::Full, why));
                }
                Answer::Later(_) => sleep(AGAIN),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use schema::Rows;

    use super::*;
    use crate::{Counts, Uplink};

    fn batch() -> RecordBatch {
        let mut rows = Rows::new(Table::Logs);
        rows.end().unwrap();
        rows.finish().unwrap()
    }

    #[test]
    fn who_is_behind_is_waited_for_and_then_not() {
        let mut answers =
            vec![Answer::Later("x".into()), Answer::Taken, Answer::Never("no".into())].into_iter();
        let counts = Arc::<Counts>::default();
        let take = move |_, _: &RecordBatch| answers.next().unwrap_or(Answer::Later("full".into()));
        let mut uplink = Uplink::local(Box::new(take), counts.clone());
        uplink.send(Table::Logs, &batch());
        assert_eq!((counts.sent(), counts.problem()), (1, None));
        uplink.send(Table::Logs, &batch());
        assert_eq!((counts.lost(Cause::Refused), counts.problem()), (1, Some("no".into())));
        let began = Instant::now();
        for _ in 0..100 {
            uplink.send(Table::Logs, &batch());
        }
        assert!(began.elapsed() >= PATIENCE && began.elapsed() < 2 * PATIENCE, "{:?}", began.elapsed());
        assert_eq!((counts.lost(Cause::Full), counts.sent()), (100, 1));
    }
}
