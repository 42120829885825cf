//! What a finished exchange tells.

use model::names::{
    HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE,
    NETWORK_PROTOCOL_VERSION, SERVER_ADDRESS, TRACEPARENT, URL_PATH, URL_QUERY,
};
use model::request::Incomplete;
use model::{Attributes, Party, Text};

use super::head::{RequestHead, ResponseHead};
use super::method::Method;
use crate::{Context, CutBy, Exchange, Half, Outcome};

/// A request that waits for its response, or for its own end.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) head: RequestHead,
    pub(super) half: Half,
    /// Its body went by, or will not be seen to.
    pub(super) whole: bool,
    /// Part of it was not seen.
    pub(super) torn: bool,
    /// It was cut by its sender.
    pub(super) cut: Option<CutBy>,
    /// Its response, where that was whole before the request.
    pub(super) answer: Option<Answer>,
}

/// A response, whole or on its way.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Answer {
    pub(super) head: ResponseHead,
    pub(super) half: Half,
    /// Part of it was not seen.
    pub(super) torn: bool,
    /// It was cut.
    pub(super) cut: Option<(Party, CutBy)>,
    /// True once the last line of its head was read.
    pub(super) headed: bool,
}

/// The exchange of a request and its response; `missing` tells why there is no response: cut by a party, or
/// not seen.
pub(super) fn exchange(asked: Asked, answer: Result<Answer, Option<(Party, CutBy)>>, context: &mut Context) {
    let (answer, missing) = match answer {
        Ok(answer) => (Some(answer), None),
        Err(missing) => (None, missing),
    };
    let status = answer.as_ref().map(|answer| answer.head.status);
    let cut = missing.or(answer.and_then(|answer| answer.cut)).or(asked.cut.map(|how| (Party::Client, how)));
    let incomplete = match answer {
        _ if asked.torn => Some(Incomplete::Request),
        Some(answer) if answer.torn => Some(Incomplete::Response),
        None if missing.is_none() => Some(Incomplete::Response),
        _ => None,
    };
    let head = asked.head;
    let mut attributes = Attributes::default();
    attributes.word(HTTP_REQUEST_METHOD, head.method.as_str());
    let shown = head.method.as_str();
    if let Some(original) = head.original {
        attributes.text(HTTP_REQUEST_METHOD_ORIGINAL, &*original);
    }
    if let Some(status) = status {
        attributes.int(HTTP_RESPONSE_STATUS_CODE, status);
    }
    let mut name = Text::const_new(shown);
    if head.method != Method::Connect {
        let route = context.routes.template(context.server, &head.target.path, status != Some(404));
        name.reserve(route.len() + 1);
        name.push_str(" ");
        name.push_str(route);
        attributes.text(HTTP_ROUTE, route.clone());
        if !context.settings.lean {
            attributes.text(URL_PATH, head.target.path);
        }
    }
    if let Some(query) = head.target.query.filter(|_| !context.settings.lean) {
        attributes.text(URL_QUERY, query);
    }
    attributes.word(NETWORK_PROTOCOL_VERSION, if head.version == 0 { "1.0" } else { "1.1" });
    if let Some(host) = head.target.host.filter(|host| !host.is_empty()) {
        attributes.text(SERVER_ADDRESS, host);
    }
    if let Some(traceparent) = head.traceparent {
        attributes.text(TRACEPARENT, traceparent);
    }
    context.finished.push(Exchange {
        name,
        request: asked.half,
        response: answer.map(|answer| answer.half).unwrap_or_default(),
        outcome: outcome(status, cut),
        attributes,
        waiting: head.waits || answer.is_some_and(|answer| answer.head.event_stream),
        incomplete,
    });
}

/// A status that tells of an error says more than the cut that often follows it.
fn outcome(status: Option<u16>, cut: Option<(Party, CutBy)>) -> Outcome {
    match (status, cut) {
        (Some(status @ 500..), _) => Outcome::Error(digits(status)),
        (Some(status @ 400..=499), _) => Outcome::ErrorForClient(digits(status)),
        (_, Some((party, how))) => Outcome::Cut(party, how),
        _ => Outcome::Ok,
    }
}

fn digits(status: u16) -> Text {
    let digit = |power: u16| char::from(b'0' + (status / power % 10) as u8);
    [digit(100), digit(10), digit(1)].into_iter().collect()
}
