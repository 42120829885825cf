use model::Party;

use super::codes::{self, Opcode};
use super::message::{Header, Message, Records};
use super::name;
use crate::{CERTAIN, LIKELY};

/// How surely `datagram` is what `party` sends in DNS.
///
/// [`CERTAIN`] for a whole message that is well-formed to its end and has a known type of question; [`LIKELY`] where the
/// end was not captured, the type has no name, or it might be a link-local neighbour's question (LLMNR), of
/// which the form is the same.
pub fn detect(party: Party, datagram: &[u8]) -> u8 {
    sureness(party, datagram, datagram.len())
}

/// The same of a message of which `length` is known, and the end may be missing.
pub(super) fn sureness(party: Party, bytes: &[u8], length: usize) -> u8 {
    let Ok(message) = Message::read(bytes) else { return 0 };
    let header = message.header;
    let speaks = if header.is_response() { Party::Server } else { Party::Client };
    if speaks != party || header.has(Header::RESERVED) || is_other(&message) {
        return 0;
    }
    let Ok(records) = message.records(message.question) else { return 0 };
    // What is behind the last record is none of ours.
    if !records.cut && records.end != length {
        return 0;
    }
    let known = message.question.is_none_or(|question| codes::type_name(question.kind).is_some());
    let surest = if known && !records.cut { CERTAIN } else { LIKELY };
    let sure = match party {
        Party::Client => query(&message, &records),
        Party::Server => response(&message, &records),
    };
    sure.min(surest)
}

/// A question that is none of DNS.
fn is_other(message: &Message<'_>) -> bool {
    let Some(question) = message.question else { return false };
    codes::class_name(question.class).is_none() || name::is_netbios(message.bytes, Header::LENGTH)
}

fn query(message: &Message<'_>, records: &Records) -> u8 {
    let header = message.header;
    let Some(question) = message.question else { return 0 };
    if header.rcode() != 0 || header.has(Header::RECURSION_AVAILABLE) {
        return 0;
    }
    let [questions, answers, authority, additional] = header.counts;
    // Of multicast, a query may have several questions, and tells the answers that are known already.
    let fits = match header.opcode {
        Opcode::Query if header.is_multicast() => !header.has(Header::AUTHORITATIVE),
        Opcode::Query => {
            let empty = answers == 0 && (authority == 0 || question.kind == codes::IXFR && authority == 1);
            let flags = header.has(Header::AUTHORITATIVE) || header.has(Header::TRUNCATED);
            // OPT, and TSIG or SIG(0).
            questions == 1 && empty && additional <= 2 && !flags
        }
        Opcode::Notify => questions == 1 && answers <= 1 && additional <= 2,
        Opcode::Update => questions == 1 && question.kind == codes::SOA,
        Opcode::InverseQuery | Opcode::Status | Opcode::Stateful => false,
    };
    match fits {
        false => 0,
        true if may_be_link_local(message, records) => LIKELY,
        true => CERTAIN,
    }
}

fn response(message: &Message<'_>, records: &Records) -> u8 {
    let header = message.header;
    let [questions, answers, authority, additional] = header.counts;
    let empty = answers == 0 && authority == 0 && additional == 0;
    match (header.opcode, message.question) {
        (Opcode::InverseQuery | Opcode::Status | Opcode::Stateful, _) => 0,
        (Opcode::Query, Some(_)) if may_be_link_local(message, records) => 0,
        (_, Some(_)) if questions == 1 => CERTAIN,
        (_, Some(_)) => 0,
        // Multicast answers do not repeat their question. The flag is a must, but Avahi leaves it out where it answers by
        // unicast.
        (Opcode::Query, None) if header.is_multicast() && answers > 0 => {
            if header.has(Header::AUTHORITATIVE) { CERTAIN } else { LIKELY }
        }
        (Opcode::Query, None) if header.is_multicast() => 0,
        // Only a server that cannot or will not read the question leaves it out.
        (Opcode::Update, None) if empty => LIKELY,
        (_, None) if empty && header.rcode() != 0 => LIKELY,
        (_, None) => 0,
    }
}

/// Link-local name resolution (RFC 4795, 2.1.1) has the form of DNS. It asks for names of one label, and has
/// none of the flags and records of a DNS server: one that does not recur is an authority, or leads to one.
fn may_be_link_local(message: &Message<'_>, records: &Records) -> bool {
    let header = message.header;
    let flags = Header::RECURSION_DESIRED | Header::RECURSION_AVAILABLE | Header::AUTHORITATIVE;
    let bare = !header.has(flags) && header.counts[2] == 0 && records.payload.is_none();
    bare && header.id != 0
        && header.rcode() == 0
        && message.question.is_some_and(|question| question.name.labels == 1)
}

#[cfg(test)]
mod tests;
