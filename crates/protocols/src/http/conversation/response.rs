//! A response: its head, and what follows of it.

use model::Party;

use super::{Answer, Body, Chunks, Conversation, Method, Phase, ResponseHead, head, unfinished};
use crate::http::line::{self, NEXT, blank};
use crate::{Context, Half, Input, Step};

impl Conversation {
    pub(super) fn response_head(&mut self, input: Input<'_>, context: &mut Context) -> Step {
        let bytes = input.bytes;
        let mut known = self.scanned[Party::Server.index()];
        let mut at = 0;
        let mut answer = match self.answering.take() {
            Some(answer) => answer,
            None => {
                at = blank(bytes);
                let Some((line, length)) = line::line(&bytes[at..], known.saturating_sub(at)) else {
                    return unfinished(at, head::may_begin_response(&bytes[at..]));
                };
                let Some(head) = ResponseHead::begin(line) else { return Step::Lost };
                if self.guess.is_some() {
                    self.confirm(head.status, input.first, context);
                }
                (at, known) = (at + length, 0);
                // What was not seen was answered before, if the server had its turn.
                self.unseen &= !input.run_start;
                let half = Half {
                    bytes: length as u64,
                    first: input.first,
                    last: input.last,
                    position: input.position,
                };
                Answer { head, half, ..Answer::default() }
            }
        };
        let begun = at;
        while let Some((line, length)) = line::line(&bytes[at..], known) {
            (at, known) = (at + length, 0);
            if line.is_empty() {
                answer.half.bytes += (at - begun) as u64;
                answer.half.last = input.last;
                answer.headed = true;
                return self.response_headed(answer, at, input, context);
            }
            answer.head.field(line);
        }
        answer.half.bytes += (at - begun) as u64;
        answer.half.last = input.last;
        self.answering = Some(answer);
        if at > 0 { Step::Read(at) } else { Step::NeedMore }
    }

    /// The response's head was read; its body comes next.
    fn response_headed(
        &mut self,
        mut answer: Answer,
        read: usize,
        input: Input<'_>,
        context: &mut Context,
    ) -> Step {
        let status = answer.head.status;
        if status < 200 && status != 101 {
            self.interim = self.interim.saturating_add(answer.half.bytes);
            return Step::Read(read);
        }
        answer.half.bytes = answer.half.bytes.saturating_add(std::mem::take(&mut self.interim));
        let method = self.asked_by(&answer).map(|asked| asked.head.method);
        if status == 101 || (method == Some(Method::Connect) && status < 300) {
            return self.switches(answer, read, input, context);
        }
        let Some(body) = answer.head.framing.of_response(status, method) else {
            // Its bytes are looked through again.
            answer.half.bytes = answer.half.bytes.saturating_sub(read as u64);
            self.answering = Some(answer);
            return Step::Lost;
        };
        if answer.head.event_stream && method.is_some() && body != Body::None {
            self.answer(answer, context);
            return self.response_body(None, body, read, input);
        }
        match body {
            Body::None => {
                self.answer(answer, context);
                Step::Read(read)
            }
            Body::Length(length) if length <= (input.bytes.len() - read) as u64 && method.is_some() => {
                answer.half.bytes += length;
                self.answer(answer, context);
                Step::Read(read + length as usize)
            }
            _ if method.is_none() => {
                self.answering = Some(answer);
                self.phases[Party::Server.index()] = Phase::Deferred(body);
                Step::Read(read)
            }
            _ => self.response_body(Some(answer), body, read, input),
        }
    }

    /// The body that follows `read` bytes, of a response that is finished with it, or was before.
    fn response_body(
        &mut self,
        mut answer: Option<Answer>,
        body: Body,
        read: usize,
        input: Input<'_>,
    ) -> Step {
        let phase = &mut self.phases[Party::Server.index()];
        let step = match body {
            Body::None => Step::Read(read),
            Body::Chunked => {
                *phase = Phase::Chunked(Chunks::First);
                // It goes on in another call: how it ends may be beyond what is captured.
                self.drifts |= answer.is_some() && !input.bytes.ends_with(b"\r\n\r\n");
                Step::Read(read)
            }
            Body::UntilClose => {
                *phase = Phase::Rest;
                Step::SkipRest(read)
            }
            Body::Length(skip) => {
                *phase = Phase::Body;
                self.passing[Party::Server.index()] = skip;
                Step::Skip { read, skip }
            }
        };
        if let Some(answer) = &mut answer {
            answer.half.last = input.last;
        }
        self.answering = answer;
        step
    }

    /// The bytes behind the head of a response whose request was not seen when its head was read.
    pub(super) fn deferred(&mut self, body: Body, input: Input<'_>, context: &mut Context) -> Step {
        let method =
            self.answering.as_ref().and_then(|answer| self.asked_by(answer)).map(|asked| asked.head.method);
        if method.is_none() && input.bytes.len() < NEXT.len() && NEXT.starts_with(input.bytes) {
            return Step::NeedMore;
        }
        self.phases[Party::Server.index()] = Phase::Head;
        let Some(answer) = self.answering.take() else { return Step::Lost };
        if method == Some(Method::Connect) && answer.head.status < 300 {
            return self.switches(answer, 0, input, context);
        }
        // Without its request, the next response in its place shows that it was for HEAD.
        if method == Some(Method::Head) || (method.is_none() && input.bytes.starts_with(NEXT)) {
            self.answer(answer, context);
            return self.response_head(input, context);
        }
        match self.response_body(Some(answer), body, 0, input) {
            Step::Read(0) => self.chunk(Party::Server, Chunks::First, input, context),
            step => step,
        }
    }
}
