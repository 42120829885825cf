//! Messages for tests.

/// A message behind its length, as over TCP.
pub(super) fn with_length(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

pub(super) fn name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// Header fields and what follows.
pub(super) fn message(id: u16, flags: u16, counts: [u16; 4], body: &[&[u8]]) -> Vec<u8> {
    let mut bytes =
        [[id, flags].as_slice(), &counts].concat().iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<_>>();
    body.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

pub(super) fn question(of: &str, kind: u16) -> Vec<u8> {
    [name(of).as_slice(), &kind.to_be_bytes(), &[0, 1]].concat()
}

/// As a stub resolver asks.
pub(super) fn query(id: u16, of: &str, kind: u16) -> Vec<u8> {
    message(id, 0x0100, [1, 0, 0, 0], &[&question(of, kind)])
}

pub(super) fn record(of: &str, kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16).to_be_bytes();
    [name(of).as_slice(), &kind.to_be_bytes(), &[0, 1], &ttl.to_be_bytes(), &length, data].concat()
}

/// 192.0.2.`last`
pub(super) fn a(of: &str, ttl: u32, last: u8) -> Vec<u8> {
    record(of, 1, ttl, &[192, 0, 2, last])
}

pub(super) fn cname(of: &str, ttl: u32, to: &str) -> Vec<u8> {
    record(of, 5, ttl, &name(to))
}

/// The answer of a recursive server to a query that was made here.
pub(super) fn answer(query: &[u8], code: u16, records: &[Vec<u8>]) -> Vec<u8> {
    with_flags(query, 0x8180 | code, records)
}

pub(super) fn with_flags(query: &[u8], flags: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let id = u16::from_be_bytes([query[0], query[1]]);
    message(id, flags, [1, records.len() as u16, 0, 0], &[&query[12..], &records.concat()])
}

/// An OPT record: payload size, and the upper bits of the response code.
pub(super) fn opt(payload: u16, extended: u8) -> Vec<u8> {
    [&[0, 0, 41], payload.to_be_bytes().as_slice(), &[extended, 0, 0, 0, 0, 0]].concat()
}
