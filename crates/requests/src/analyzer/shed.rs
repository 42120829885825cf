//! What is given up where a host cannot afford it.

use model::event::Open;
use model::{ConnectionId, Nanos};

use super::Analyzer;

impl Analyzer {
    /// Leaves out attributes that no metric has, from now on, or not any more.
    pub fn set_lean(&mut self, lean: bool) {
        self.context.settings.lean = lean;
    }

    /// Gives up the connections that are not kept: the kernel side tells nothing of them any more, and tells of them anew when it
    /// does again.
    pub fn give_up(&mut self, now: Nanos, keeps: impl Fn(&Open) -> bool) {
        let gone: Vec<ConnectionId> =
            self.table.iter().filter(|(_, c)| !keeps(&c.open)).map(|(id, _)| id).collect();
        for id in gone {
            let Some(connection) = self.table.remove(id) else { continue };
            self.counters.left_out += 1;
            self.counters.left_out_waiting += u64::from(connection.oldest_pending().is_some());
            // It notes which TCP connections bytes went by in meanwhile, and tells of these by itself.
            if !connection.is_left_alone() {
                self.ask_for(id);
            }
            self.drop_state(connection, now);
        }
        self.table.compact();
    }
}
