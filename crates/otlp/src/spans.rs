//! Requests as spans.

use std::sync::Arc;

use model::request::{Peer, Process};
use model::{Endpoint, Request, Role, Value, names};
use rustc_hash::FxHashMap;

use crate::attributes::{self, boolean, int, shown, text};
use crate::trace::Trace;
use crate::{sampling, wire};

/// Kinds of spans.
const SERVER: u64 = 2;
const CLIENT: u64 = 3;
/// A span's attributes.
const ATTRIBUTES: u32 = 9;
/// The status of a span that failed.
const ERROR: u64 = 2;
/// Flags of a span: whether its parent is elsewhere is known, and it is.
const PARENT_KNOWN: u32 = 0x100;
const PARENT_REMOTE: u32 = 0x200;
/// The service of a process that is not known. The conventions have this name for it.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// Spans on their way into one message, by the process that they are of.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    groups: Vec<Group>,
    /// Places of groups by process id and service.
    places: FxHashMap<(u32, Arc<str>), usize>,
    count: u32,
    bytes: usize,
    /// Buffers of groups that were taken.
    spare: Vec<Vec<u8>>,
}

/// Buffers that are kept for later. Most messages are of a few processes.
const SPARE: usize = 8;

/// The spans of one process.
#[derive(Debug)]
struct Group {
    process: Option<Process>,
    service: Arc<str>,
    /// Fields `spans` of a message `ScopeSpans`.
    spans: Vec<u8>,
}

impl Batch {
    /// Adds a request's span. `sampled` says that not all spans are kept.
    pub(crate) fn add(&mut self, request: &Request, trace: &Trace, sampled: bool) {
        let place = self.place(request);
        let Some(group) = self.groups.get_mut(place) else { return };
        let before = group.spans.len();
        wire::message(&mut group.spans, 2, |out| span(request, trace, sampled, out));
        self.bytes += group.spans.len() - before;
        self.count += 1;
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Writes the message `ExportTraceServiceRequest` in place of what `out` holds, and tells how many spans it has; what is added
    /// from now on goes into another one.
    pub(crate) fn take(&mut self, host: &[(&'static str, String)], version: &str, out: &mut Vec<u8>) -> u32 {
        out.clear();
        for mut group in self.groups.drain(..) {
            wire::message(out, 1, |out| {
                wire::message(out, 1, |out| resource(&group, host, out));
                wire::message(out, 2, |out| {
                    attributes::scope(out, version);
                    out.extend_from_slice(&group.spans);
                });
            });
            if self.spare.len() < SPARE {
                group.spans.clear();
                self.spare.push(group.spans);
            }
        }
        self.places.clear();
        self.bytes = 0;
        std::mem::take(&mut self.count)
    }

    /// The place of the group of the request's process.
    fn place(&mut self, request: &Request) -> usize {
        let own = match request.role {
            Role::Server => &request.ends.server,
            Role::Client | Role::Unknown => &request.ends.client,
        };
        let process = request.ends.process.as_ref();
        let service = process.map(|process| &process.service).or(own.service.as_ref());
        let service = service.filter(|service| !service.is_empty());
        let service = service.cloned().unwrap_or_else(|| UNKNOWN_SERVICE.into());
        // No process has the id 0.
        let pid = process.map_or(0, |process| process.pid);
        let next = self.groups.len();
        let place = *self.places.entry((pid, service.clone())).or_insert(next);
        if place == next {
            let spans = self.spare.pop().unwrap_or_default();
            self.groups.push(Group { process: process.cloned(), service, spans });
        }
        place
    }
}

fn resource(group: &Group, host: &[(&'static str, String)], out: &mut Vec<u8>) {
    text(out, 1, names::SERVICE_NAME, &group.service);
    host.iter().for_each(|(key, value)| text(out, 1, key, value));
    if let Some(process) = &group.process {
        int(out, 1, names::PROCESS_PID, process.pid.into());
        text(out, 1, names::PROCESS_EXECUTABLE_NAME, &process.command);
    }
}

fn span(request: &Request, trace: &Trace, sampled: bool, out: &mut Vec<u8>) {
    wire::bytes(out, 1, &trace.id);
    wire::bytes(out, 2, &trace.span);
    if sampled {
        wire::message(out, 3, |out| sampling::trace_state(trace.threshold, out));
    }
    if let Some(parent) = &trace.parent {
        wire::bytes(out, 4, parent);
    }
    wire::bytes(out, 5, request.name.as_bytes());
    wire::uint(out, 6, if request.role == Role::Server { SERVER } else { CLIENT });
    wire::fixed64(out, 7, request.time);
    wire::fixed64(out, 8, request.time.saturating_add(request.duration));
    attributes(request, out);
    if request.error.is_some() {
        // Without a message: what there is to say stands among the attributes.
        wire::message(out, 15, |out| wire::uint(out, 3, ERROR));
    }
    // Who sent the header is elsewhere for the server. For the client it is the same process, or one that its caller knows.
    let parent = match (trace.parent, request.role) {
        (None, _) => 0,
        (Some(_), Role::Server) => PARENT_KNOWN | PARENT_REMOTE,
        (Some(_), Role::Client | Role::Unknown) => 0,
    };
    wire::fixed32(out, 16, u32::from(trace.flags) | parent);
}

fn attributes(request: &Request, out: &mut Vec<u8>) {
    let (mut address_told, mut client_told) = (false, false);
    for (key, value) in request.attributes.iter() {
        match *key {
            // It is in the span's ids.
            names::TRACEPARENT => continue,
            names::SERVER_ADDRESS => address_told = true,
            names::CLIENT_ADDRESS => client_told = true,
            _ => {}
        }
        match value {
            Value::Int(number) => int(out, ATTRIBUTES, key, *number),
            Value::Word(value) => text(out, ATTRIBUTES, key, value),
            Value::Text(value) => text(out, ATTRIBUTES, key, value),
        }
    }
    if let Some(error) = &request.error {
        text(out, ATTRIBUTES, names::ERROR_TYPE, error);
    }
    text(out, ATTRIBUTES, names::NETWORK_PROTOCOL_NAME, request.protocol);
    end(names::CLIENT, &request.ends.client, out);
    end(names::SERVER, &request.ends.server, out);
    if !address_told {
        address(names::SERVER_ADDRESS, &request.ends.server.endpoint, out);
    }
    port(names::SERVER_PORT, &request.ends.server.endpoint, out);
    let is_server = request.role == Role::Server;
    if is_server && !client_told {
        address(names::CLIENT_ADDRESS, &request.ends.client.endpoint, out);
    }
    let peer = if is_server { &request.ends.client.endpoint } else { &request.ends.server.endpoint };
    address(names::NETWORK_PEER_ADDRESS, peer, out);
    port(names::NETWORK_PEER_PORT, peer, out);
    size(names::WEIR_REQUEST_SIZE, request.request_bytes, out);
    size(names::WEIR_RESPONSE_SIZE, request.response_bytes, out);
    shown(out, ATTRIBUTES, names::WEIR_CONNECTION, &request.connection);
    // No process has thread 0: it was not told.
    if request.tid != 0 {
        int(out, ATTRIBUTES, names::THREAD_ID, request.tid.into());
    }
    if request.waiting {
        boolean(out, ATTRIBUTES, names::WEIR_WAITING, true);
    }
    if let Some(missing) = request.incomplete {
        text(out, ATTRIBUTES, names::WEIR_MISSING, missing.as_str());
    }
}

/// Both ends are always named, as in metrics.
fn end(key: &str, peer: &Peer, out: &mut Vec<u8>) {
    attributes::label(out, ATTRIBUTES, key, &signals::end(peer).into());
}

fn address(key: &str, endpoint: &Endpoint, out: &mut Vec<u8>) {
    match endpoint {
        Endpoint::Ip(address) => shown(out, ATTRIBUTES, key, &address.ip()),
        // An end that is not bound has no path.
        Endpoint::Unix(path) if path.is_empty() => {}
        Endpoint::Unix(path) => text(out, ATTRIBUTES, key, path),
    }
}

fn port(key: &str, endpoint: &Endpoint, out: &mut Vec<u8>) {
    if let Some(port) = endpoint.port() {
        int(out, ATTRIBUTES, key, port.into());
    }
}

fn size(key: &str, bytes: u64, out: &mut Vec<u8>) {
    int(out, ATTRIBUTES, key, i64::try_from(bytes).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests;
