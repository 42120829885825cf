//! A request as one line of JSON.
//!
//! Times are RFC 3339 in UTC with nanoseconds, durations seconds, sizes bytes; keys without a value are
//! left out. Written by hand, because every request of a host may pass here: nothing is allocated but
//! the room in `out`, and numbers are made from integers, so that a duration reads as it was measured.

use std::sync::Arc;

use model::request::{Ends, Peer, Process};
use model::trace::Place;
use model::{Attributes, Endpoint, Request, Value};

use crate::escape;
use crate::time::{self, Times};

/// A power of two: what is written of who spoke with whom is kept for so many, since one request of a connection follows the other.
const KEPT: usize = 256;

/// Writes requests.
#[derive(Debug)]
pub struct Lines {
    kept: Vec<Option<Kept>>,
    times: Times,
}

/// What is the same in all lines with these ends.
#[derive(Debug)]
struct Kept {
    ends: Arc<Ends>,
    text: Vec<u8>,
    /// Where the thread stands in `text`, if it stands anywhere.
    thread: Option<usize>,
}

impl Default for Lines {
    fn default() -> Self {
        Lines { kept: (0..KEPT).map(|_| None).collect(), times: Times::default() }
    }
}

impl Lines {
    /// Appends `request` and a line feed to `out`.
    pub fn write(&mut self, request: &Request, out: &mut Vec<u8>) {
        begin(request, &mut self.times, out);
        self.ends(request, out);
        rest(request, out);
    }

    fn ends(&mut self, request: &Request, out: &mut Vec<u8>) {
        // They are far apart in memory, so that the lowest bits are all the same.
        let place = (Arc::as_ptr(&request.ends) as usize >> 5) % KEPT;
        let place = &mut self.kept[place];
        let kept = match place {
            Some(kept) if Arc::ptr_eq(&kept.ends, &request.ends) => kept,
            _ => place.insert(Kept::new(&request.ends)),
        };
        let (before, behind) = kept.text.split_at(kept.thread.unwrap_or(kept.text.len()));
        out.extend_from_slice(before);
        if kept.thread.is_some() {
            thread(request.tid, out);
        }
        out.extend_from_slice(behind);
    }
}

impl Kept {
    fn new(ends: &Arc<Ends>) -> Self {
        let mut text = Vec::new();
        peer(b",\"client\":{", &ends.client, &mut text);
        peer(b",\"server\":{", &ends.server, &mut text);
        let thread = ends.process.as_ref().map(|process| self::process(process, &mut text));
        Kept { ends: Arc::clone(ends), text, thread }
    }
}

fn begin(request: &Request, times: &mut Times, out: &mut Vec<u8>) {
    out.reserve(768);
    out.extend_from_slice(b"{\"time\":\"");
    times.rfc3339(request.time, out);
    out.extend_from_slice(b"\",\"duration\":");
    time::seconds(request.duration, out);
    out.extend_from_slice(b",\"role\":\"");
    out.extend_from_slice(request.role.as_str().as_bytes());
    out.extend_from_slice(b"\",\"protocol\":");
    escape::word(request.protocol, out);
    out.extend_from_slice(b",\"name\":");
    escape::string(&request.name, out);
    match &request.error {
        None => out.extend_from_slice(b",\"status\":\"ok\""),
        Some(error) => {
            out.extend_from_slice(b",\"status\":\"error\",\"error\":");
            escape::string(error, out);
        }
    }
}

fn rest(request: &Request, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"request\":{\"bytes\":");
    integer(request.request_bytes, out);
    out.extend_from_slice(b"},\"response\":{\"bytes\":");
    integer(request.response_bytes, out);
    out.push(b'}');
    attributes(&request.attributes, out);
    out.extend_from_slice(b",\"connection\":\"");
    hexadecimal(request.connection.0, out);
    out.extend_from_slice(if request.waiting { b"\",\"waiting\":true" } else { b"\",\"waiting\":false" });
    if let Some(incomplete) = request.incomplete {
        out.extend_from_slice(b",\"incomplete\":\"");
        out.extend_from_slice(incomplete.as_str().as_bytes());
        out.push(b'"');
    }
    if let Some(place) = &request.place {
        trace(place, out);
    }
    out.extend_from_slice(b"}\n");
}

fn trace(place: &Place, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"trace\":{\"id\":\"");
    hexadecimal(place.trace.cast_unsigned(), out);
    out.extend_from_slice(b"\",\"span\":");
    integer(place.span, out);
    if let Some((parent, evidence)) = place.parent {
        out.extend_from_slice(b",\"parent\":");
        integer(parent, out);
        out.extend_from_slice(b",\"evidence\":\"");
        out.extend_from_slice(evidence.as_str().as_bytes());
        out.push(b'"');
    }
    out.push(b'}');
}

pub(crate) fn peer(begin: &[u8], peer: &Peer, out: &mut Vec<u8>) {
    out.extend_from_slice(begin);
    let begun = out.len();
    match &peer.endpoint {
        Endpoint::Ip(address) => {
            out.extend_from_slice(b"\"address\":\"");
            ip(address.ip(), out);
            out.extend_from_slice(b"\",\"port\":");
            integer(address.port(), out);
        }
        // An end that is not bound has no path: most clients.
        Endpoint::Unix(path) if path.is_empty() => {}
        Endpoint::Unix(path) => {
            out.extend_from_slice(b"\"address\":");
            escape::string(path, out);
        }
    }
    if let Some(service) = &peer.service {
        if out.len() > begun {
            out.push(b',');
        }
        out.extend_from_slice(b"\"service\":");
        escape::string(service, out);
    }
    out.push(b'}');
}

/// Returns where its thread would stand.
pub(crate) fn process(process: &Process, out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(b",\"process\":{\"pid\":");
    integer(process.pid, out);
    let thread = out.len();
    out.extend_from_slice(b",\"command\":");
    escape::string(&process.command, out);
    out.extend_from_slice(b",\"service\":");
    escape::string(&process.service, out);
    out.push(b'}');
    thread
}

fn thread(tid: u32, out: &mut Vec<u8>) {
    // No process has thread 0: it was not told.
    if tid != 0 {
        out.extend_from_slice(b",\"tid\":");
        integer(tid, out);
    }
}

fn attributes(attributes: &Attributes, out: &mut Vec<u8>) {
    let mut separator: &[u8] = b",\"attributes\":{";
    for (key, value) in attributes.iter() {
        out.extend_from_slice(separator);
        separator = b",";
        escape::word(key, out);
        out.push(b':');
        match value {
            Value::Int(number) => integer(*number, out),
            Value::Word(word) => escape::word(word, out),
            Value::Text(text) => escape::string(text, out),
        }
    }
    if !attributes.is_empty() {
        out.push(b'}');
    }
}

pub(crate) fn integer(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn ip(address: std::net::IpAddr, out: &mut Vec<u8>) {
    match address {
        std::net::IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            integer(a, out);
            for octet in [b, c, d] {
                out.push(b'.');
                integer(octet, out);
            }
        }
        std::net::IpAddr::V6(address) => {
            use std::io::Write;
            // Writing to a `Vec` cannot fail, and an address has nothing to escape.
            let _ = write!(out, "{address}");
        }
    }
}

pub(crate) fn hexadecimal(number: u64, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 16];
    for (place, byte) in number.to_be_bytes().into_iter().enumerate() {
        text[2 * place] = DIGITS[usize::from(byte >> 4)];
        text[2 * place + 1] = DIGITS[usize::from(byte & 15)];
    }
    out.extend_from_slice(&text);
}
