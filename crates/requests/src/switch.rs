//! Connections that begin to speak something else on the way: through a proxy's tunnel, or after an upgrade.

use model::{Direction, Nanos};
use protocols::{Context, Exchange, Protocol};

use crate::connection::{Connection, Effects, Phase};
use crate::detect;

/// How often that may be: tunnels through a few proxies. A peer could go on for ever.
const MOST: u8 = 8;

/// What was finished in a protocol that is not spoken any more.
#[derive(Debug)]
pub(crate) struct Earlier {
    pub(crate) protocol: Protocol,
    pub(crate) finished: Vec<Exchange>,
    pub(crate) unparsed: u64,
}

impl Connection {
    /// Looks at what follows as at the beginning of a connection: what either direction holds unread, and what will come. The
    /// last of it came in `direction` at `now`.
    #[cold]
    pub(crate) fn look_again(
        &mut self,
        (direction, now): (Direction, Nanos),
        label: &'static str,
        context: &mut Context,
        effects: &mut Effects,
    ) {
        if let Some(protocol) = self.protocol {
            let finished = std::mem::take(&mut context.finished);
            let unparsed = std::mem::take(&mut context.unparsed);
            effects.earlier.push(Earlier { protocol, finished, unparsed });
        }
        if self.switches >= MOST {
            return self.leave_alone(label, effects);
        }
        self.switches += 1;
        // What has a gap before it need not be the beginning of anything.
        self.open.from_start = !self.unread.iter().any(|unread| unread.is_astray());
        self.unread.iter_mut().for_each(|unread| unread.anew());
        let [spoke, other] = [direction, direction.other()].map(|direction| {
            let has_any = self.unread[direction.index()].has_any();
            has_any.then_some(direction)
        });
        self.speaker = spoke.or(other);
        self.phase = Phase::Detecting { runs: u8::from(spoke.is_some()) + u8::from(other.is_some()) };
        if self.tails != self.tails() {
            self.tails = self.tails();
            effects.instruction = Some(self.budgets());
        }
        let [sent, received] = &self.unread;
        if let Some(found) = detect::detect(self.role, &sent.bytes, &received.bytes, false) {
            self.begin(found, (direction, &[]), now, context, effects);
        }
    }
}
