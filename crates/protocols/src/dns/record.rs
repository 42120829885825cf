//! What a finished exchange tells.

use core::net::IpAddr;

use model::names::{
    DNS_ANSWERS, DNS_QUESTION_NAME, DNS_QUESTION_TYPE, WEIR_DNS_ANSWER_COUNT, WEIR_DNS_ANSWER_TTL,
    WEIR_DNS_QUESTION_CLASS, WEIR_DNS_REQUEST_RESEND_COUNT, WEIR_DNS_REQUEST_UDP_PAYLOAD_SIZE,
    WEIR_DNS_RESPONSE_CODE, WEIR_DNS_RESPONSE_TRUNCATED,
};
use model::request::Incomplete;
use model::{Attributes, Text, Value};

use super::codes::{self, Opcode};
use super::message::Key;
use crate::{Context, Exchange, Half, Outcome};

/// A query that waits for its answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) id: u16,
    pub(super) opcode: Opcode,
    pub(super) question: Key,
    pub(super) name: Text,
    /// The largest datagram that the client takes.
    pub(super) payload: Option<u16>,
    pub(super) half: Half,
    /// Times that it was sent again.
    pub(super) resent: u16,
    /// Asked of everybody: it may well be that nobody answers.
    pub(super) multicast: bool,
    /// Part of it was not seen.
    pub(super) torn: bool,
    /// Bytes of the server were lost since: the answer may have been among them.
    pub(super) missed: bool,
    /// What came so far of an answer in several messages.
    pub(super) transfer: Option<Box<Answer>>,
}

/// A response.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) id: u16,
    pub(super) opcode: Opcode,
    pub(super) question: Option<Key>,
    pub(super) code: u16,
    /// Records of the answer.
    pub(super) count: u32,
    pub(super) addresses: Text,
    pub(super) ttl: Option<u32>,
    pub(super) soas: u32,
    pub(super) truncated: bool,
    /// Not all records were looked at.
    pub(super) partly: bool,
    /// It came as a datagram, and nothing follows.
    pub(super) datagram: bool,
    pub(super) half: Half,
    /// Part of it was not seen.
    pub(super) torn: bool,
}

/// The exchange of a query with its answer; `outcome` where there is no whole one.
pub(super) fn exchange(
    asked: Asked,
    answer: Option<Answer>,
    outcome: Option<Outcome>,
    context: &mut Context,
) {
    let name = match asked.opcode {
        Opcode::Query => codes::type_name(asked.question.kind).unwrap_or("OTHER"),
        other => other.name(),
    };
    let mut attributes = Attributes::default();
    if !asked.name.is_empty() {
        attributes.text(DNS_QUESTION_NAME, asked.name);
        attributes.text(DNS_QUESTION_TYPE, codes::type_text(asked.question.kind));
        if asked.question.class != codes::IN {
            attributes.text(WEIR_DNS_QUESTION_CLASS, codes::class_text(asked.question.class));
        }
    }
    if asked.resent > 0 {
        attributes.int(WEIR_DNS_REQUEST_RESEND_COUNT, asked.resent);
    }
    let torn = asked.missed && answer.is_none() || answer.as_ref().is_some_and(|answer| answer.torn);
    let incomplete = match (asked.torn, torn) {
        (true, _) => Some(Incomplete::Request),
        (_, true) => Some(Incomplete::Response),
        _ => None,
    };
    let response = answer.as_ref().map(|answer| answer.half).unwrap_or_default();
    let mut error = None;
    if let Some(answer) = answer {
        let code = codes::rcode_text(answer.code);
        error = (answer.code != 0).then(|| code.clone());
        attributes.text(WEIR_DNS_RESPONSE_CODE, code);
        answered(answer, asked.payload, &mut attributes);
    }
    let outcome = match (error, outcome) {
        (Some(error), _) => Outcome::Error(error),
        (None, outcome) => outcome.unwrap_or(Outcome::Ok),
    };
    context.finished.push(Exchange {
        name: Text::const_new(name),
        request: asked.half,
        response,
        outcome,
        attributes,
        waiting: false,
        incomplete,
    });
}

fn answered(answer: Answer, payload: Option<u16>, attributes: &mut Attributes) {
    attributes.int(WEIR_DNS_ANSWER_COUNT, answer.count);
    if !answer.addresses.is_empty() {
        attributes.text(DNS_ANSWERS, answer.addresses);
        if let Some(ttl) = answer.ttl {
            attributes.int(WEIR_DNS_ANSWER_TTL, ttl);
        }
    }
    if answer.truncated {
        attributes.word(WEIR_DNS_RESPONSE_TRUNCATED, "true");
        if let Some(payload) = payload {
            attributes.int(WEIR_DNS_REQUEST_UDP_PAYLOAD_SIZE, payload);
        }
    }
}

/// What an answer says about addresses: by this a later stage names the peers that are reached at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved<'a> {
    /// The name that was asked for, as sent.
    pub name: &'a str,
    /// For how long this may be remembered: seconds.
    pub ttl: u32,
    addresses: &'a str,
}

impl Resolved<'_> {
    /// The addresses, at least one.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.split(',').filter_map(|address| address.parse().ok())
    }
}

/// Reads from an exchange's attributes which name was resolved to which addresses; `None` where it was not.
pub fn resolved(attributes: &Attributes) -> Option<Resolved<'_>> {
    match (
        attributes.get(DNS_QUESTION_NAME)?,
        attributes.get(DNS_ANSWERS)?,
        attributes.get(WEIR_DNS_ANSWER_TTL)?,
    ) {
        (Value::Text(name), Value::Text(addresses), Value::Int(ttl)) => {
            Some(Resolved { name, addresses, ttl: u32::try_from(*ttl).unwrap_or(0) })
        }
        _ => None,
    }
}
