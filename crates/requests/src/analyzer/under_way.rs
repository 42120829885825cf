//! What is given up where somebody else goes on.

use model::{Direction, Nanos, Role};
use protocols::CutBy;

use super::Analyzer;
use crate::groups;

impl Analyzer {
    /// Forgets all connections; returns how many exchanges were under way that began before `began`, on either side. What only began
    /// to arrive counts as one.
    pub fn under_way(&mut self, began: Nanos, now: Nanos) -> u64 {
        let all: Vec<_> = self.table.iter().map(|(id, _)| id).collect();
        let mut under_way = 0;
        for id in all {
            let Some(mut connection) = self.table.remove(id) else { continue };
            // As where they are told: see `Analyzer::tell` and `finish`.
            let may_be_foreign =
                connection.datagrams && connection.role == Role::Server && connection.process.is_none();
            let is_told = !may_be_foreign && groups::role(&connection.open).is_none();
            let unread = connection.oldest_unread().filter(|first| *first < began);
            for direction in [Direction::Sent, Direction::Received] {
                connection.finish(direction, None, CutBy::Forgotten, now, &mut self.context);
            }
            let finished = self.context.finished.drain(..);
            let early = finished.filter(|exchange| exchange.request.first < began).count() as u64;
            self.context.unparsed = 0;
            if is_told {
                under_way += early + u64::from(unread.is_some());
            }
            self.gone(&connection);
        }
        under_way
    }
}
