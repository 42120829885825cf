//! The earlier agent's part: it hands over, or goes on as if nothing had been.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use model::Nanos;
use model::time::ClockReading;
use signals::Carried;

use super::wire::{self, FromNew, FromOld};
use crate::agent::meter::{Meter, State};
use crate::agent::{Agent, Sink, read_clocks};
use crate::say::say;

/// How long the new agent may prepare itself: the kernel's verifier takes a while on slow machines.
const PREPARATION: Duration = Duration::from_secs(600);
/// How long an answer of it may take after that.
const ANSWER: Duration = Duration::from_secs(5);
/// The look at all connections is waited for no longer.
const LOOK: Duration = Duration::from_millis(150);
/// The instant is sought within this time: long enough for a gap between ends.
const WINDOW: Nanos = 20_000_000;
/// What happened within it may be read so much later.
const LATE: Duration = Duration::from_millis(200);
/// What is found out so long after it ended is still told: that nothing more follows on some ends is waited for, for 200 ms.
const LINGER: Duration = Duration::from_millis(300);

/// There is one take-over at a time: who has this is it.
#[derive(Debug)]
pub(in crate::agent) struct Claim(Arc<AtomicBool>);

impl Claim {
    /// `None` where somebody else has it.
    pub(in crate::agent) fn take(place: &Arc<AtomicBool>) -> Option<Claim> {
        let taken = place.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire);
        taken.is_ok().then(|| Claim(place.clone()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A new agent that wants to take over.
#[derive(Debug)]
pub(in crate::agent) struct Wish {
    pub(in crate::agent) stream: UnixStream,
    pub(in crate::agent) claim: Claim,
}

/// What the thread that speaks with it has heard.
#[derive(Debug)]
enum Heard {
    Begin { attached: Nanos, process: u32 },
    Taken,
    Gone(String),
}

/// What it is to say.
enum Say {
    Instant(Nanos),
    Hand { state: Arc<State>, first: ClockReading, files: Vec<OwnedFd>, has_metrics: bool },
    Missed(u64),
}

/// Somebody who is about to take over.
#[derive(Debug)]
struct Session {
    heard: Receiver<Heard>,
    say: SyncSender<Say>,
    /// Closed when this process has ended: then the new one has receivers and spools to itself.
    _open: UnixStream,
    _claim: Claim,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The new one prepares itself.
    Preparing,
    /// All connections are being looked at.
    Looking { since: Instant },
    /// The instant is sought from then on.
    Measuring { from: Nanos, since: Instant },
    /// It is chosen.
    Lingering { instant: Nanos, since: Instant },
    /// All is handed over.
    Handed { instant: Nanos },
}

/// The listening sockets: of metrics, and for control.
pub(in crate::agent) struct Listeners {
    pub(in crate::agent) metrics: Option<OwnedFd>,
    pub(in crate::agent) control: Option<OwnedFd>,
}

/// A take-over, if there is one.
#[derive(Debug, Default)]
pub(in crate::agent) struct Giving {
    session: Option<Session>,
    phase: Option<Phase>,
    attached: Nanos,
    process: u32,
}

impl Giving {
    /// Goes on with it. `renew` writes the figures anew, `listeners` are asked for when they are handed over. Returns the new agent's
    /// process once that has taken over: then it is time to end.
    pub(in crate::agent) fn go_on(
        &mut self,
        wish: Option<Wish>,
        agent: &mut Agent,
        meter: &Meter,
        renew: impl FnOnce(&Agent),
        listeners: impl FnOnce() -> Listeners,
    ) -> Option<u32> {
        if let Some(wish) = wish {
            self.begin(wish);
        }
        let session = self.session.as_ref()?;
        match session.heard.try_recv() {
            Ok(Heard::Begin { attached, process }) => {
                (self.attached, self.process) = (attached, process);
                agent.pause_sums();
                if let Some(tcp) = &mut agent.tcp {
                    tcp.look_again();
                }
                self.phase = Some(Phase::Looking { since: Instant::now() });
                return None;
            }
            Ok(Heard::Taken) => {
                if let Some(Phase::Handed { instant }) = self.phase {
                    self.end(instant, agent, meter);
                    return Some(self.process);
                }
            }
            Ok(Heard::Gone(why)) => {
                self.give_up(agent, meter);
                say(format_args!("take-over: the new agent is gone, and all is as before: {why}"));
                return None;
            }
            Err(_) => {}
        }
        self.next_phase(agent, meter, renew, listeners);
        None
    }

    fn begin(&mut self, wish: Wish) {
        let (tell, heard) = sync_channel(4);
        let (say, to_say) = sync_channel(4);
        let Ok(open) = wish.stream.try_clone() else { return };
        let talk = move || {
            super::super::step_back(&[]);
            let why = talk(&wish.stream, &tell, &to_say);
            // Nobody listens any more where this agent ends.
            let _ = tell.try_send(Heard::Gone(why));
        };
        // Without a thread it is dropped, which the new one notices.
        if std::thread::Builder::new().name("weir-takeover".into()).spawn(talk).is_ok() {
            self.session = Some(Session { heard, say, _open: open, _claim: wish.claim });
            self.phase = Some(Phase::Preparing);
        }
    }

    fn next_phase(
        &mut self,
        agent: &mut Agent,
        meter: &Meter,
        renew: impl FnOnce(&Agent),
        listeners: impl FnOnce() -> Listeners,
    ) {
        match self.phase {
            Some(Phase::Looking { since })
                if agent.tcp.as_ref().is_none_or(|tcp| !tcp.is_looking()) || since.elapsed() > LOOK =>
            {
                agent.tell_last_sums(meter);
                let from = read_clocks().monotonic;
                agent.told.hold(from, true, self.process);
                self.phase = Some(Phase::Measuring { from, since: Instant::now() });
            }
            Some(Phase::Measuring { from, since })
                if agent.known_until >= from + WINDOW || since.elapsed() > LATE =>
            {
                let instant = agent.told.quiet_instant(from, from + WINDOW);
                pass_on(agent.told.before(instant), meter);
                self.say(Say::Instant(instant));
                self.phase = Some(Phase::Lingering { instant, since: Instant::now() });
            }
            Some(Phase::Lingering { instant, since }) if since.elapsed() > LINGER => {
                agent.drain_all(meter);
                // What is counted here from now on would not be handed over.
                agent.told.hold_all();
                renew(agent);
                let Listeners { metrics, control } = listeners();
                let has_metrics = metrics.is_some();
                let files = metrics.into_iter().chain(control).collect();
                self.say(Say::Hand { state: meter.state(), first: meter.first(), files, has_metrics });
                self.phase = Some(Phase::Handed { instant });
            }
            _ => {}
        }
    }

    fn end(&mut self, instant: Nanos, agent: &mut Agent, meter: &Meter) {
        agent.drain_all(meter);
        let lost = agent.told.take_lost();
        let held = agent.told.missed(instant, self.attached);
        let under_way = agent.analyzer.under_way(self.attached, read_clocks().monotonic);
        self.say(Say::Missed(lost + held + under_way));
    }

    /// Tells what was held back: somebody has to.
    pub(in crate::agent) fn give_up(&mut self, agent: &mut Agent, meter: &Meter) {
        if self.session.take().is_some() {
            self.phase = None;
            let _ = agent.capture.sum_up(true);
            pass_on(agent.told.all(), meter);
        }
    }

    fn say(&self, what: Say) {
        if let Some(session) = &self.session {
            // Where nobody listens, it is noticed by what is heard.
            let _ = session.say.try_send(what);
        }
    }
}

fn pass_on((requests, connections): (Vec<model::Request>, Vec<model::tcp::Connection>), meter: &Meter) {
    meter.write(requests);
    meter.connections(connections);
}

/// Speaks with the new agent until it is gone, or this one ends; says why.
fn talk(stream: &UnixStream, tell: &SyncSender<Heard>, say: &Receiver<Say>) -> String {
    let told = || -> std::io::Result<()> {
        stream.set_write_timeout(Some(ANSWER))?;
        stream.set_read_timeout(Some(PREPARATION))?;
        let FromNew::Begin { attached, process } = wire::receive(stream)?.0 else { return Ok(()) };
        stream.set_read_timeout(Some(ANSWER))?;
        let _ = tell.try_send(Heard::Begin { attached, process });
        while let Ok(what) = say.recv() {
            match what {
                Say::Instant(instant) => wire::send(stream, &FromOld::Instant(instant), &[])?,
                Say::Hand { state, first, files, has_metrics } => {
                    let carried = Carried::of(&*state);
                    wire::send(stream, &FromOld::Handed { carried, first, has_metrics }, &files)?;
                    let FromNew::Taken = wire::receive(stream)?.0 else { return Ok(()) };
                    let _ = tell.try_send(Heard::Taken);
                }
                Say::Missed(missed) => wire::send(stream, &FromOld::Missed(missed), &[])?,
            }
        }
        Ok(())
    };
    match told() {
        Ok(()) => "it does not keep to what was agreed".to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => "it has ended".to_owned(),
        Err(error) => error.to_string(),
    }
}
