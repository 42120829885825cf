//! Messages whose end cannot be seen.
//!
//! Of a long message only the beginning is captured. Where its length is known that is enough. The end of a chunked
//! body is not to be found once a chunk's head is missing, and a head that was cut does not tell whether a body
//! follows. Such a message is *adrift*: it goes on until its turn is over, and all bytes until then are part of it,
//! shown or not.
//!
//! * A response is over when the server begins another message after the client went on, or with the connection; or when
//!   the last that was seen of it is how a chunked body ends, and nothing more came for a while.
//! * A request is over when its response is. Where that came early the client may still be sending, and its next request follows in the
//!   same turn. That is told only if it stands alone behind the end of a body, and is answered before the client says
//!   more: then nothing else can be what was answered.
//!
//! So its size and the time of its last byte are right in the end, though they are told late. Its bytes are never taken
//! for messages. Where a pipelined response may be hidden behind it, nothing can be told of its end: it is lost.

use memchr::memmem;
use model::{Nanos, Party};

use super::{Answer, Asked, Body, Chunks, Conversation, Method, Phase, RequestHead, can_answer};
use crate::http::line;
use crate::http::resync::{self, Begins};
use crate::{Context, CutBy, Half, Input, Step};

/// A response that seems to be over is, if nothing more came for so long.
const SILENCE: Nanos = 200_000_000;
/// A response that went on until its connection was broken had its last byte within this time before.
const BROKEN_WITHIN: Nanos = 100_000_000;

/// How a chunked body without trailer fields ends (RFC 9112, 7.1). A chunk's data may end so too, by chance.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// The last bytes that were seen of a message, as far as nothing is missing between them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shore {
    bytes: [u8; LAST_CHUNK.len()],
    length: usize,
    /// They end with trailer fields behind the last chunk.
    trailers: bool,
}

impl Shore {
    /// These came next.
    fn saw(&mut self, bytes: &[u8]) {
        for byte in &bytes[bytes.len().saturating_sub(LAST_CHUNK.len())..] {
            self.bytes.rotate_left(1);
            self.bytes[LAST_CHUNK.len() - 1] = *byte;
        }
        self.length = LAST_CHUNK.len().min(self.length.saturating_add(bytes.len()));
        self.trailers = bytes.ends_with(b"\r\n\r\n") && memmem::rfind(bytes, b"\r\n0\r\n").is_some();
    }

    /// Whether the body seems to be over; `None` where its end was not seen.
    fn is_over(&self) -> Option<bool> {
        let seen = &self.bytes[LAST_CHUNK.len() - self.length..];
        // Behind a gap there may be less than the whole of it.
        (self.length > 0).then(|| self.trailers || seen == LAST_CHUNK || seen == &LAST_CHUNK[2..])
    }
}

/// A body that was not passed over at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The client waits to be told to go on: nothing of it was sent yet.
    Whole(Body),
    /// So many bytes are to come; those before are missing.
    Part(u64),
}

impl Conversation {
    /// True where `party` is within a message that goes on although bytes of it are missing.
    pub(super) fn goes_on(&self, party: Party) -> bool {
        match (party, self.phases[party.index()]) {
            (Party::Client, Phase::Head) => self.asking.is_some(),
            (Party::Server, Phase::Head) => {
                self.answering.as_ref().is_some_and(|answer| {
                    let method = self.asked_by(answer).map(|asked| asked.head.method);
                    // What follows these is no body, or has no end.
                    let head = answer.head;
                    head.status >= 200
                        && !head.event_stream
                        && method.is_some_and(|method| method != Method::Connect)
                }) && !self.hides_others()
            }
            (Party::Client, Phase::Chunked(_) | Phase::Adrift) => true,
            (Party::Server, Phase::Chunked(_) | Phase::Adrift) => !self.hides_others(),
            _ => false,
        }
    }

    /// More is outstanding than the response that is under way: what is missing may be the next response.
    fn hides_others(&self) -> bool {
        let first = self.pending.front().is_some_and(|asked| asked.answer.is_some());
        self.unseen || self.pending.len() > usize::from(first) + usize::from(self.answering.is_some())
    }

    /// Bytes of the client are missing where a request would begin. What was outstanding was answered then, and a
    /// response that is adrift was over at some place that is not known any more.
    pub(super) fn went_on_unseen(&mut self, at: Nanos, context: &mut Context) {
        if self.missed {
            self.flush_missed(context);
        }
        self.unseen = true;
        if self.phases[Party::Server.index()] == Phase::Adrift {
            self.lose(Party::Server, at, context);
        }
    }

    /// Bytes of the server are missing where a response would begin: it may be that to the request that is adrift, and
    /// what came after it no longer part of that.
    pub(super) fn answered_unseen(&mut self, context: &mut Context) {
        if self.phases[Party::Client.index()] == Phase::Adrift && self.uploading {
            if let Some(asked) = self.pending.back_mut() {
                asked.torn = true;
            }
            self.uploaded(context);
        }
    }

    /// Bytes are missing of what `party` is saying: `missing`, with the `kept` ones that nobody read.
    pub(super) fn drift(
        &mut self,
        party: Party,
        missing: Option<u64>,
        kept: u64,
        at: Nanos,
        context: &mut Context,
    ) {
        // Of a head, what stood in the rest of it is not known; of a chunked body, only its length matters.
        let torn = missing.is_none() || self.phases[party.index()] == Phase::Head;
        if party == Party::Client
            && let Some(asked) = self.stop_asking()
        {
            self.ask(asked, context);
        }
        self.phases[party.index()] = Phase::Adrift;
        self.shores[party.index()] = Shore::default();
        match party {
            Party::Server => self.drifts = true,
            Party::Client => self.guess = None,
        }
        self.touch(party, missing.unwrap_or(kept), at);
        match party {
            Party::Client if self.uploading => {
                if let Some(asked) = self.pending.back_mut() {
                    asked.torn |= torn;
                    if asked.answer.is_some() {
                        self.uploaded(context);
                    }
                }
            }
            Party::Client => {}
            Party::Server => {
                if let Some(answer) = &mut self.answering {
                    answer.torn |= torn;
                }
            }
        }
        self.overtaken |= party == Party::Client && !self.uploading;
    }

    /// More bytes of a party that is adrift. True when a message begins with them.
    pub(super) fn ashore(&mut self, party: Party, input: Input<'_>, context: &mut Context) -> bool {
        // A server that waited in vain for another request says so before it closes.
        let over = self.is_over_ashore() || input.bytes.starts_with(b"HTTP/1.1 408 ");
        let alone = party == Party::Server && over;
        let begins = (input.run_start && self.may_begin(party)) || alone;
        if begins && resync::begins(party, input.bytes) == Begins::Surely {
            self.message_ends(party, context);
            return true;
        }
        if party == Party::Server && self.hides_others() {
            self.lose(party, input.first, context);
            return false;
        }
        self.touch(party, input.bytes.len() as u64, input.last);
        if party == Party::Client && !self.uploading {
            self.overtaken = true;
            let over = self.shores[party.index()].is_over() == Some(true);
            self.guess = over.then(|| self.guessed(input, context)).flatten();
        }
        self.shores[party.index()].saw(input.bytes);
        false
    }

    fn is_over_ashore(&self) -> bool {
        self.shores[Party::Server.index()].is_over() == Some(true)
    }

    /// These bytes, as a request that has no body and no more to it.
    fn guessed(&self, input: Input<'_>, context: &Context) -> Option<Box<Asked>> {
        if resync::begins(Party::Client, input.bytes) != Begins::Surely {
            return None;
        }
        let (line, mut at) = line::line(input.bytes, 0)?;
        let mut head = RequestHead::begin(line, context.settings)?;
        loop {
            let (line, length) = line::line(&input.bytes[at..], 0)?;
            at += length;
            if line.is_empty() {
                break;
            }
            // What ends a body would be read as a field here.
            if !line.contains(&b':') {
                return None;
            }
            head.field(line);
        }
        let fits = at == input.bytes.len()
            && head.method != Method::Connect
            && head.framing.of_request() == Some(Body::None);
        let half = Half { bytes: at as u64, first: input.first, last: input.last, position: input.position };
        fits.then(|| Box::new(Asked { head, half, whole: true, ..Asked::default() }))
    }

    /// A response with `status` begins, at `at`: it can only be that to what seemed to be a request.
    pub(super) fn confirm(&mut self, status: u16, at: Nanos, context: &mut Context) {
        // Nobody asked for that one, see `ashore`.
        if self.pending.len() > 0 || status == 408 {
            return;
        }
        if let Some(asked) = self.guess.take().filter(|asked| can_answer(asked.half.first, at)) {
            self.phases[Party::Client.index()] = Phase::Head;
            self.unseen = false;
            self.ask(*asked, context);
        }
    }

    /// The response that is adrift seemed to be over a while ago.
    pub(super) fn is_over(&self, now: Nanos) -> bool {
        self.phases[Party::Server.index()] == Phase::Adrift
            && self.is_over_ashore()
            && self.answering.as_ref().is_some_and(|answer| answer.half.last.saturating_add(SILENCE) <= now)
    }

    /// The connection ended at `at`, with this response adrift.
    pub(super) fn cut_adrift(&self, answer: &mut Answer, at: Nanos) {
        let broken = !matches!(self.ended[0], Some((_, CutBy::Close | CutBy::Forgotten)));
        let forgotten = matches!(self.ended[0], Some((_, CutBy::Forgotten)));
        let silent = answer.half.last.saturating_add(BROKEN_WITHIN) <= at;
        match self.shores[Party::Server.index()].is_over() {
            Some(true) => {}
            // Of a head that was cut it is not known whether its body has chunks.
            Some(false) if !answer.torn && !forgotten => answer.cut = self.ended[0],
            None if broken && !silent => answer.cut = self.ended[0],
            // It may have been over long before: nobody would have told.
            _ => answer.torn = true,
        }
    }

    /// The other party's turn was such that `party`, who is adrift, may begin another message after it.
    fn may_begin(&self, party: Party) -> bool {
        match party {
            Party::Client => !self.uploading || self.missed || self.is_answered(),
            // While the client is still sending the request, its sending more does not mean that it goes on.
            Party::Server => !self.uploading || self.pending.len() > 1,
        }
    }

    /// The final response to the request whose body comes next has begun.
    pub(super) fn is_answered(&self) -> bool {
        self.pending.back().is_some_and(|asked| asked.answer.is_some())
            || (self.pending.len() == 1
                && self.answering.as_ref().is_some_and(|answer| answer.head.status >= 200))
    }

    /// The request that is adrift ends with its response.
    pub(super) fn answered_adrift(&mut self) -> bool {
        let ends =
            self.phases[Party::Client.index()] == Phase::Adrift && self.uploading && self.pending.len() == 1;
        if ends {
            self.uploading = false;
        }
        ends
    }

    /// The bytes behind the head of a request that asked whether to send its body.
    pub(super) fn awaited(&mut self, body: Awaited, input: Input<'_>, context: &mut Context) -> Step {
        let client = Party::Client.index();
        // Refused (417) or answered for good without it: the client need not send it (RFC 9110, 10.1.1).
        if matches!(body, Awaited::Whole(_)) && input.run_start && self.is_answered() {
            match resync::begins(Party::Client, input.bytes) {
                Begins::Surely => {
                    self.message_ends(Party::Client, context);
                    return self.request_head(input, context);
                }
                Begins::Perhaps => return Step::NeedMore,
                Begins::No => {}
            }
        }
        let length = match body {
            Awaited::Part(length) | Awaited::Whole(Body::Length(length)) => length,
            Awaited::Whole(_) => {
                self.phases[client] = Phase::Chunked(Chunks::First);
                return self.chunk(Party::Client, Chunks::First, input, context);
            }
        };
        self.passing[client] = length;
        self.phases[client] = Phase::Body;
        Step::Skip { read: 0, skip: length }
    }

    /// `missing` bytes of such a body, or beyond it, are not there.
    pub(super) fn part_missing(
        &mut self,
        body: Awaited,
        missing: Option<u64>,
        at: Nanos,
        context: &mut Context,
    ) {
        let left = match body {
            // It is not known whether there is a body at all.
            Awaited::Whole(_) if self.is_answered() => None,
            Awaited::Whole(Body::Chunked) => {
                self.phases[Party::Client.index()] = Phase::Chunked(Chunks::First);
                return self.drift(Party::Client, missing, 0, at, context);
            }
            Awaited::Whole(Body::Length(length)) | Awaited::Part(length) => Some(length),
            Awaited::Whole(_) => None,
        };
        let (Some(left), Some(missing)) = (left, missing) else {
            return self.lose(Party::Client, at, context);
        };
        self.touch(Party::Client, left.min(missing), at);
        if left > missing {
            self.phases[Party::Client.index()] = Phase::Awaited(Awaited::Part(left - missing));
            return;
        }
        self.message_ends(Party::Client, context);
        if missing > left {
            context.unparsed += 1;
        }
    }
}
