//! Connections of datagrams: each chunk is a message, and none waits for another.

use model::event::{Chunk, Instruction};
use model::{Direction, Nanos, Party, Role};
use protocols::{Context, Conversation, Input, Step, proxied};

use crate::connection::{Connection, Effects, Phase};
use crate::detect::{self, Found};
use crate::groups;

/// Without a datagram for so long, and with nothing outstanding, two addresses are forgotten.
const IDLE: Nanos = 60 * 1_000_000_000;

impl Connection {
    /// Who moved a datagram, and when: whatever it says.
    pub(crate) fn moved(&mut self, chunk: &Chunk<'_>) {
        if chunk.pid != 0 {
            self.movers[chunk.direction.index()] = (chunk.pid, chunk.tid);
        }
        self.last_datagram = self.last_datagram.max(chunk.time);
    }

    /// The group that was asked here is answered, on other addresses. False where that is no answer in this protocol.
    pub(crate) fn answer(&mut self, chunk: &Chunk<'_>, context: &mut Context) -> bool {
        let Phase::Talking { conversation, .. } = &mut self.phase else { return false };
        let is_answer = |protocol: protocols::Protocol| protocol.detect(Party::Server, chunk.payload) > 0;
        if chunk.payload.is_empty() || !self.protocol.is_some_and(is_answer) {
            return false;
        }
        conversation.step(Party::Server, input(chunk), context);
        if !context.finished.is_empty() {
            self.steady();
        }
        true
    }

    /// What a datagram says on its own addresses.
    pub(crate) fn datagram(&mut self, chunk: &Chunk<'_>, context: &mut Context) -> Effects {
        // Which client a proxy's header names is not told: between a proxy and its server queries of many are under way.
        let chunk = &Chunk { payload: proxied::datagram(chunk.payload), ..*chunk };
        let mut effects = Effects::default();
        let direction = chunk.direction;
        if let Phase::Detecting { runs } = self.phase {
            self.detect_datagram(chunk, runs, &mut effects);
        }
        match &mut self.phase {
            Phase::Talking { own, conversation } => {
                let party = detect::speaker(*own, direction);
                if !chunk.payload.is_empty() && conversation.step(party, input(chunk), context) == Step::Lost
                {
                    self.stumble(&mut effects);
                }
                if !context.finished.is_empty() {
                    self.steady();
                }
            }
            Phase::LeftAlone if effects.left_alone.is_none() => {
                // The instruction was overwritten by another connection's before the kernel side saw it.
                effects.instruction = Some(Instruction::Ignore);
            }
            Phase::LeftAlone | Phase::Following(_) | Phase::Detecting { .. } => {}
        }
        effects
    }

    /// Asks the protocols; a few datagrams decide.
    fn detect_datagram(&mut self, chunk: &Chunk<'_>, looked_at: u8, effects: &mut Effects) {
        let (sent, received): (&[u8], &[u8]) = match chunk.direction {
            Direction::Sent => (chunk.payload, &[]),
            Direction::Received => (&[], chunk.payload),
        };
        let mut found = detect::detect(self.role, sent, received, true);
        if found.is_none() && groups::role(&self.open).is_some() {
            // Who is heard in a group also answers, and tells what nobody asked for.
            found = detect::detect(Role::Unknown, sent, received, true)
                .map(|found| Found { own: found.own.other(), ..found });
        }
        let Some(found) = found else {
            self.phase = Phase::Detecting { runs: looked_at + 1 };
            if looked_at >= detect::RUNS {
                self.leave_alone("unknown", effects);
            }
            return;
        };
        self.role = match found.own {
            model::Party::Client => Role::Client,
            model::Party::Server => Role::Server,
        };
        if let Some(conversation) = found.protocol.conversation() {
            self.protocol = Some(found.protocol);
            self.phase = Phase::Talking { own: found.own, conversation };
        }
    }

    /// Nothing is outstanding, and nothing came for long.
    pub(crate) fn is_done(&self, now: Nanos) -> bool {
        self.datagrams && now.saturating_sub(self.last_datagram) > IDLE && self.oldest_pending().is_none()
    }
}

fn input<'a>(chunk: &Chunk<'a>) -> Input<'a> {
    let (first, last) = (chunk.time, chunk.time);
    Input { bytes: chunk.payload, first, last, position: chunk.position, run_start: true, datagram: true }
}
