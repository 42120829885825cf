//! What a connection does as one of the two ends of a pair.

use model::event::Chunk;
use model::{ConnectionId, Direction, Endpoint, Role};
use protocols::{Context, Conversation};
use streams::{Arrival, Piece};

use super::{Follow, PAIRED_AFTER};
use crate::connection::{Connection, Phase};
use crate::front::Front;

impl Connection {
    /// Notes when bytes went by, where the other end is told the same. What was lost has no time.
    pub(crate) fn mark(&mut self, direction: Direction, arrival: &Arrival<'_>, context: &mut Context) {
        let length = match arrival.piece {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::Hidden(length) => length,
            Piece::Lost(_) => return,
        };
        let end = arrival.position.wrapping_add(length as u32);
        if let Some(lead) = &mut self.leads {
            lead.marks[direction.index()].note(arrival.position, end, arrival.time);
        } else if let Phase::Following(follow) = &mut self.phase {
            follow.marks[direction.index()].note(arrival.position, end, arrival.time);
            if follow.is_owed() {
                follow.tell(&mut context.finished, false);
            }
        }
    }

    /// Takes a chunk where this end follows and nothing is unusual, which costs little; else false, and it is a chunk as any other.
    pub(crate) fn passes_by(&mut self, chunk: &Chunk<'_>, context: &mut Context) -> bool {
        let Phase::Following(follow) = &mut self.phase else { return false };
        let direction = chunk.direction.index();
        if self.ends_at.is_some() || !self.sequences[direction].pass_by(chunk) {
            return false;
        }
        if chunk.tid != 0 {
            self.movers[direction] = (chunk.pid, chunk.tid);
        }
        let end = chunk.position.wrapping_add(chunk.length);
        follow.marks[direction].note(chunk.position, end, chunk.time);
        if follow.is_owed() {
            follow.tell(&mut context.finished, false);
        }
        true
    }

    /// Another exchange, or several, finished; true when it is time to ask whether the other end could follow.
    pub(crate) fn is_ripe(&mut self, finished: usize) -> bool {
        if self.leads.is_some() || self.role != Role::Client {
            return false;
        }
        let left = usize::from(self.until_paired).checked_sub(finished);
        self.until_paired = left.map_or(PAIRED_AFTER, |left| left as u16);
        left.is_none()
    }

    /// Where either direction stands, when no message is on its way and none is waited for.
    pub(crate) fn quiet_at(&self) -> Option<[u32; 2]> {
        let Phase::Talking { conversation, .. } = &self.phase else { return None };
        let is_quiet = conversation.oldest_pending().is_none()
            && self.unread.iter().all(|unread| unread.bytes.is_empty() && !unread.is_astray())
            && !self.is_waiting()
            && matches!(self.front, Front::Passed)
            && self.ends_at.is_none()
            && !self.closed
            && self.ended == [false; 2]
            && matches!(self.open.local, Endpoint::Ip(_))
            && !self.datagrams;
        let [sent, received] = &self.sequences;
        is_quiet.then_some([sent.position()?, received.position()?])
    }

    /// How far a direction was seen.
    pub(crate) fn position(&self, direction: Direction) -> Option<u32> {
        self.sequences[direction.index()].position()
    }

    /// From now on its other end is read instead.
    pub(crate) fn follow(&mut self, leader: ConnectionId) {
        self.phase = Phase::Following(Box::new(Follow::new(leader)));
        self.unread = Default::default();
        self.tails = [false; 2];
    }
}
