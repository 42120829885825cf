//! Connections of which one end is read for both: see [`crate::pair`].

use model::{ConnectionId, Direction, Role};
use streams::distance;

use connections::Other;

use super::Analyzer;
use crate::connection::{Connection, Effects, Phase};
use crate::finish::Twin;
use crate::pair::Lead;
use crate::switch::Earlier;

impl Analyzer {
    /// Has the other end of a client's connection follow, where it is followed here too, and both are at the same place.
    pub(super) fn pair(&mut self, id: ConnectionId) {
        let Some(connection) = self.table.get(id) else { return };
        let Some([sent, received]) = connection.quiet_at() else { return };
        let protocol = connection.protocol;
        // That both directions' positions agree says more than addresses do, which several may have.
        let (Other::Certain(follower) | Other::Likely(follower)) = self.other_end(connection) else { return };
        let Some(other) = self.table.touch(follower, 0) else { return };
        if other.role != Role::Server
            || other.protocol != protocol
            || other.quiet_at() != Some([received, sent])
        {
            return;
        }
        other.follow(id);
        self.held -= std::mem::take(&mut other.accounted);
        self.instructions.push((follower, other.budgets()));
        if let Some(connection) = self.table.touch(id, 0) {
            connection.leads = Some(Box::new(Lead::new(follower, [sent, received])));
        }
        self.counters.paired += 1;
    }

    /// Finds out when what a leader finished happened at its follower's end. Returns the follower, where there is one, and whether it is
    /// closed.
    pub(super) fn owe(&mut self, id: ConnectionId, earlier: &[Earlier]) -> Option<(ConnectionId, bool)> {
        let connection = self.table.touch(id, 0)?;
        let lead = connection.leads.as_mut()?;
        let follower = lead.follower;
        let finished = &self.context.finished;
        let all = || earlier.iter().flat_map(|earlier| &earlier.finished).chain(finished);
        self.places.clear();
        self.places.extend(all().map(|exchange| lead.places(exchange)));
        let Some(Phase::Following(follow)) = self.table.touch(follower, 0).map(|other| &mut other.phase)
        else {
            if let Some(connection) = self.table.touch(id, 0) {
                connection.leads = None;
            }
            return None;
        };
        self.twins.clear();
        for (exchange, places) in all().zip(&self.places) {
            let halves = if earlier.is_empty() { follow.halves(exchange, *places) } else { None };
            if halves.is_none() {
                follow.wait_for(exchange.clone(), *places);
            }
            self.twins.push(halves);
        }
        if !earlier.is_empty() {
            self.twins.clear();
        }
        Some((follower, follow.is_closed))
    }

    /// The follower, as far as it is needed for its records.
    pub(super) fn twin(&mut self, follower: ConnectionId) -> Option<Twin> {
        self.find_peer_service(follower);
        let connection = self.table.touch(follower, 0)?;
        let ends = connection.kept_ends()?;
        Some(Twin::new(connection, ends))
    }

    /// What is left to do for a follower once its leader's records were made. `over`: the leader speaks something else now, or is left
    /// alone by that name.
    pub(super) fn hand_on(
        &mut self,
        (leader, follower): (ConnectionId, ConnectionId),
        unparsed: u64,
        over: Option<Option<&'static str>>,
    ) {
        let connection = self.table.touch(follower, 0);
        let Some(Phase::Following(follow)) = connection.map(|connection| &mut connection.phase) else {
            return;
        };
        let is_closed = follow.is_closed;
        self.context.unparsed = unparsed;
        follow.tell(&mut self.context.finished, is_closed || over.is_some());
        self.tell((follower, follower), None, None);
        if is_closed && !self.still_follows(follower) {
            return self.remove(follower);
        }
        let Some(left_alone) = over else { return };
        if let Some(connection) = self.table.touch(leader, 0) {
            connection.leads = None;
        }
        match (left_alone, self.table.touch(follower, 0)) {
            (Some(label), Some(connection)) => {
                let mut effects = Effects::default();
                connection.leave_alone(label, &mut effects);
                self.settle(follower, effects);
            }
            _ => self.let_go(follower),
        }
    }

    /// A follower is closed, but its leader has not read all that it said.
    pub(super) fn still_follows(&mut self, id: ConnectionId) -> bool {
        let Some(connection) = self.table.get(id) else { return false };
        let Phase::Following(follow) = &connection.phase else { return false };
        let leader = self
            .table
            .get(follow.leader)
            .filter(|leader| leader.leads.as_ref().is_some_and(|lead| lead.follower == id));
        let waits = leader.is_some_and(|leader| {
            let said = connection.position(Direction::Sent).zip(leader.position(Direction::Received));
            leader.oldest_pending().is_some()
                || leader.oldest_unread().is_some()
                || said.is_some_and(|(said, heard)| distance(heard, said) > 0)
        });
        self.tell_all(id, waits);
        waits
    }

    /// The leader will finish nothing more.
    pub(super) fn leader_ended(&mut self, leader: &Connection) {
        let Some(lead) = &leader.leads else { return };
        let is_closed = self.tell_all(lead.follower, false);
        if is_closed {
            self.remove(lead.follower);
        }
    }

    /// Nobody reads the leader any more, though it may go on.
    pub(super) fn leader_forgotten(&mut self, leader: &Connection) {
        if let Some(lead) = &leader.leads {
            self.tell_all(lead.follower, false);
            self.let_go(lead.follower);
        }
    }

    /// Tells what a follower is still owed, whether its own bytes were seen or not. `stays`: it is closed, and will be owed more.
    /// True when it is closed.
    fn tell_all(&mut self, id: ConnectionId, stays: bool) -> bool {
        let Some(connection) = self.table.touch(id, 0) else { return false };
        let Phase::Following(follow) = &mut connection.phase else { return false };
        follow.tell(&mut self.context.finished, true);
        follow.is_closed |= stays;
        let is_closed = follow.is_closed;
        self.tell((id, id), None, None);
        is_closed
    }

    /// A follower is to be read itself, from where it is then.
    fn let_go(&mut self, id: ConnectionId) {
        let Some(connection) = self.table.remove(id) else { return };
        self.ask_for(id);
        self.gone(&connection);
    }
}
