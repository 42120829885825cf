use model::{Nanos, Party, trace};

use super::body::{self, Body, Chunk, Chunks};
use super::head::{self, RequestHead, ResponseHead};
use super::line::{self, blank};
use super::method::Method;
use super::record::{self, Answer, Asked};
use super::resync;
use crate::pairing::{Queue, can_answer};
use crate::{Context, CutBy, Half, Input, Outstanding, Step};
use adrift::{Awaited, Shore};

/// Requests without a response that are remembered; older ones are dropped and counted.
const MOST_PENDING: usize = 1024;
/// Responses without a request that are held, in case their requests are shown late.
const MOST_EARLY: usize = 8;

/// HTTP/1 on one connection.
///
/// A response that comes while no request is outstanding is held: it answers the next request if that
/// began no later (and a little slack). Else its request was not seen, and it is counted as unparsed.
#[derive(Debug, Default)]
pub struct Conversation {
    phases: [Phase; 2],
    /// How many bytes at the head of a direction are known to hold no whole line.
    scanned: [usize; 2],
    /// The request of whose head a part was read: seldom there, so that it takes no place in idle conversations.
    asking: Option<Box<Asked>>,
    /// The request whose body is being read is the last one here.
    uploading: bool,
    pending: Queue<Asked>,
    /// The response that is being read; none while the body of one that is finished already goes by.
    answering: Option<Answer>,
    early: Queue<Answer>,
    /// Responses to come whose requests were dropped.
    owed: u64,
    /// Bytes of interim responses, which count for the final one.
    interim: u64,
    /// How many bytes of each party go by, to be counted when they did.
    passing: [u64; 2],
    /// Responses may have been missed: what is outstanding when the client goes on was answered.
    missed: bool,
    /// Who ended, and how, in order.
    ended: [Option<(Party, CutBy)>; 2],
    /// [`Step::Lost`] was returned for the head of this direction: nothing begins there.
    refused: [bool; 2],
    /// A request was not seen: its response may be hidden behind the one that is under way.
    unseen: bool,
    /// What the client sends may belong to the body of a request of which nothing more is known.
    blind: bool,
    /// A response was adrift, or may soon be: the ends of what the server sends are wanted.
    drifts: bool,
    /// The last bytes that were seen of what is adrift.
    shores: [Shore; 2],
    /// Uploads go on behind their responses: the ends of what the client sends are wanted.
    overtaken: bool,
    /// What may be a request behind such an upload: it is one if it is answered.
    guess: Option<Box<Asked>>,
    /// The connection was left for WebSocket.
    socket: bool,
}

/// What comes next in a direction.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A head, or the rest of one.
    #[default]
    Head,
    /// The rest of a body of known length, passed over.
    Body,
    /// A chunked body.
    Chunked(Chunks),
    /// A message whose end cannot be seen, because bytes of its framing are missing: see `adrift`.
    Adrift,
    /// A body that the client holds back until it is told to go on, or what is missing of it.
    Awaited(Awaited),
    /// A response's body, if it has one: that depends on its request, which was not seen yet.
    Deferred(Body),
    /// Nothing that is read.
    Rest,
    /// Something else, or HTTP again: see `tunnel`.
    Other,
}

impl crate::Conversation for Conversation {
    fn step(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Step {
        let step = match (self.phases[party.index()], party) {
            (Phase::Head, Party::Client) => self.request_head(input, context),
            (Phase::Head, Party::Server) => self.response_head(input, context),
            (Phase::Chunked(at), _) => self.chunk(party, at, input, context),
            (Phase::Awaited(body), _) => self.awaited(body, input, context),
            (Phase::Deferred(body), _) => self.deferred(body, input, context),
            (Phase::Other, _) => Step::LookAgain(0),
            // Passed over by now; a driver that does not is told that nothing is known.
            (Phase::Body | Phase::Adrift | Phase::Rest, _) => Step::Lost,
        };
        // Behind a CONNECT that is not answered nothing was looked through: whole heads may be there.
        let looked = step == Step::NeedMore && !(party == Party::Client && self.tunnel_is_asked_for());
        self.scanned[party.index()] = if looked { input.bytes.len() } else { 0 };
        if step == Step::Lost {
            self.lose(party, input.first, context);
            self.refused[party.index()] = true;
        }
        step
    }

    fn skipped(&mut self, party: Party, last: Nanos, context: &mut Context) {
        let passed = std::mem::take(&mut self.passing[party.index()]);
        self.touch(party, passed, last);
        if self.phases[party.index()] == Phase::Body {
            self.message_ends(party, context);
        }
    }

    fn gap(&mut self, party: Party, length: Option<u64>, at: Nanos, context: &mut Context) {
        let kept = std::mem::take(&mut self.scanned[party.index()]) as u64;
        let missing = length.map(|length| length.saturating_add(kept));
        if let Phase::Awaited(body) = self.phases[party.index()] {
            return self.part_missing(body, missing, at, context);
        }
        if self.missing_at_tunnel(party, at, context) {
            return;
        }
        match party {
            Party::Client if self.asking.is_none() && !self.uploading => self.went_on_unseen(at, context),
            Party::Server if self.answering.is_none() => self.answered_unseen(context),
            _ => {}
        }
        if self.goes_on(party) {
            return self.drift(party, missing, kept, at, context);
        }
        if self.phases[party.index()] == Phase::Head && self.asking_nothing(party) {
            // Whatever stood here had a head.
            context.unparsed += 1;
        }
        self.lose(party, at, context);
    }

    fn resync(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> Option<usize> {
        self.scanned[party.index()] = 0;
        let refused = std::mem::take(&mut self.refused[party.index()]);
        match self.phases[party.index()] {
            Phase::Adrift => return self.ashore(party, input, context).then_some(0),
            Phase::Awaited(_) | Phase::Other => return Some(0),
            _ if party == Party::Client && self.tunnel_is_asked_for() => return input.run_start.then_some(0),
            _ => {}
        }
        if self.phases[party.index()] != Phase::Head || !self.asking_nothing(party) {
            self.lose(party, input.first, context);
        }
        let inside = match party {
            Party::Client => !self.blind,
            // What is outstanding has a body, as a rule, and its head may be what is missing.
            Party::Server => false,
        };
        // Of several that are outstanding it is not known how many were answered in what is missing.
        if party == Party::Server && self.missed && self.pending.len() > 1 {
            return None;
        }
        resync::find(party, input, refused, inside)
    }

    fn end(&mut self, party: Party, how: CutBy, passed: u64, at: Nanos, context: &mut Context) {
        let place = usize::from(self.ended[0].is_some());
        self.ended[place] = Some((party, how));
        match party {
            Party::Client => self.client_ends(how, context),
            Party::Server => self.server_ends(how, passed, at, context),
        }
        if place == 1 || how != CutBy::Close {
            self.drain(at, context);
        }
        self.phases[party.index()] = Phase::Rest;
    }

    /// Ends a response that was adrift and has been silent since it seemed to be over.
    fn expire(&mut self, now: Nanos, context: &mut Context) {
        if self.is_over(now) {
            self.message_ends(Party::Server, context);
        }
    }

    fn wants_tails(&self, party: Party) -> bool {
        if party == Party::Server { self.drifts } else { self.overtaken }
    }

    /// Until a CONNECT is answered.
    fn holds(&self, party: Party) -> bool {
        party == Party::Client && self.tunnel_is_asked_for()
    }

    fn outstanding(&self) -> Option<Outstanding> {
        let asked = self.pending.front()?;
        let RequestHead { method, target, ids, .. } = &asked.head;
        let key = trace::key(method.as_str(), &target.path);
        Some(Outstanding { key, ids: *ids, ..Outstanding::from(&asked.half) })
    }

    fn oldest_pending(&self) -> Option<Nanos> {
        self.pending.front().or(self.asking.as_deref()).map(|asked| asked.half.first)
    }

    /// Inside a chunked body: the message goes on, and only its trailer fields may be missed.
    fn may_miss(&self, party: Party) -> bool {
        matches!(self.phases[party.index()], Phase::Chunked(_) | Phase::Adrift) && self.goes_on(party)
    }

    fn left_as(&self) -> &'static str {
        if self.socket { "websocket" } else { "upgraded" }
    }
}

impl Conversation {
    fn asking_nothing(&self, party: Party) -> bool {
        match party {
            Party::Client => self.asking.is_none(),
            Party::Server => self.answering.is_none(),
        }
    }

    /// The request of whose head a part was read.
    fn stop_asking(&mut self) -> Option<Asked> {
        self.asking.take().map(|asked| *asked)
    }

    fn request_head(&mut self, input: Input<'_>, context: &mut Context) -> Step {
        let bytes = input.bytes;
        let mut known = self.scanned[Party::Client.index()];
        let mut at = 0;
        let mut asked = match self.stop_asking() {
            Some(asked) => asked,
            None => {
                if self.tunnel_is_asked_for() {
                    return self.before_tunnel(input, context);
                }
                at = blank(bytes);
                let Some((line, length)) = line::line(&bytes[at..], known.saturating_sub(at)) else {
                    return unfinished(at, head::may_begin_request(&bytes[at..], known.saturating_sub(at)));
                };
                let Some(head) = RequestHead::begin(line, context.settings) else { return Step::Lost };
                if input.run_start && self.missed {
                    self.flush_missed(context);
                }
                (at, known) = (at + length, 0);
                let half = Half {
                    bytes: length as u64,
                    first: input.first,
                    last: input.last,
                    position: input.position,
                };
                Asked { head, half, ..Asked::default() }
            }
        };
        let begun = at;
        while let Some((line, length)) = line::line(&bytes[at..], known) {
            (at, known) = (at + length, 0);
            if line.is_empty() {
                asked.half.bytes += (at - begun) as u64;
                asked.half.last = input.last;
                return self.request_headed(asked, at, input, context);
            }
            asked.head.field(line);
        }
        asked.half.bytes += (at - begun) as u64;
        asked.half.last = input.last;
        self.asking = Some(Box::new(asked));
        if at > 0 { Step::Read(at) } else { Step::NeedMore }
    }

    /// The request's head was read; its body comes next.
    fn request_headed(
        &mut self,
        mut asked: Asked,
        read: usize,
        input: Input<'_>,
        context: &mut Context,
    ) -> Step {
        // CONNECT has no body, whatever it says (RFC 9110, 9.3.6).
        let tunnels = asked.head.method == Method::Connect;
        let Some(body) = (if tunnels { Some(Body::None) } else { asked.head.framing.of_request() }) else {
            // Its bytes are looked through again.
            asked.half.bytes = asked.half.bytes.saturating_sub(read as u64);
            self.asking = Some(Box::new(asked));
            return Step::Lost;
        };
        let rest = (input.bytes.len() - read) as u64;
        if asked.head.expects && rest == 0 && body != Body::None {
            self.phases[Party::Client.index()] = Phase::Awaited(Awaited::Whole(body));
            self.ask(asked, context);
            return Step::Read(read);
        }
        match body {
            Body::Length(length) if length > rest => {
                self.passing[Party::Client.index()] = length;
                self.phases[Party::Client.index()] = Phase::Body;
                self.ask(asked, context);
                Step::Skip { read, skip: length }
            }
            Body::Chunked => {
                self.phases[Party::Client.index()] = Phase::Chunked(Chunks::First);
                self.ask(asked, context);
                Step::Read(read)
            }
            Body::None | Body::UntilClose => {
                asked.whole = true;
                self.ask(asked, context);
                Step::Read(read)
            }
            Body::Length(length) => {
                asked.half.bytes += length;
                asked.whole = true;
                self.ask(asked, context);
                Step::Read(read + length as usize)
            }
        }
    }

    fn chunk(&mut self, party: Party, at: Chunks, input: Input<'_>, context: &mut Context) -> Step {
        let (read, phase, step) = match body::chunk(at, input.bytes, self.scanned[party.index()]) {
            Chunk::NeedMore => return Step::NeedMore,
            Chunk::Lost => return Step::Lost,
            Chunk::Read(read, next) => (read as u64, next, Step::Read(read)),
            Chunk::Data(read, skip) if skip <= (input.bytes.len() - read) as u64 => {
                (read as u64 + skip, Chunks::Next, Step::Read(read + skip as usize))
            }
            Chunk::Data(read, skip) => {
                self.passing[party.index()] = skip;
                (read as u64, Chunks::Next, Step::Skip { read, skip })
            }
            Chunk::End(read) => {
                self.touch(party, read as u64, input.last);
                self.message_ends(party, context);
                return Step::Read(read);
            }
        };
        self.touch(party, read, input.last);
        self.phases[party.index()] = Phase::Chunked(phase);
        step
    }

    /// Adds `read` bytes to the message that `party` is sending.
    fn touch(&mut self, party: Party, read: u64, last: Nanos) {
        let half = match party {
            Party::Client if self.uploading => self.pending.back_mut().map(|asked| &mut asked.half),
            Party::Client => None,
            Party::Server => self.answering.as_mut().map(|answer| &mut answer.half),
        };
        if let Some(half) = half {
            half.bytes = half.bytes.saturating_add(read);
            half.last = last;
        }
    }

    /// A body is over.
    fn message_ends(&mut self, party: Party, context: &mut Context) {
        self.phases[party.index()] = Phase::Head;
        match party {
            Party::Client => self.uploaded(context),
            Party::Server => {
                if let Some(answer) = self.answering.take() {
                    self.answer(answer, context);
                }
            }
        }
    }
}

/// What to do with a start line of which `read` bytes were empty lines, and the rest has no end yet.
fn unfinished(read: usize, plausible: bool) -> Step {
    match read {
        _ if !plausible => Step::Lost,
        0 => Step::NeedMore,
        read => Step::Read(read),
    }
}

mod adrift;
mod matching;
mod response;
#[cfg(test)]
mod tests;
mod tunnel;
