//! Rows of one trace or several, of one host or several, put together as trees.
//!
//! Within a host the joiner has said who brought what about. Between hosts a server's row finds its client's by what both know: addresses, and the
//! TCP sequence number of the request's first byte. Hosts' clocks differ: by how much follows from the exchange itself, which lasts no longer
//! where it is served than where it was asked for.

use std::collections::HashMap;
use std::net::SocketAddr;

use model::trace::{Evidence, Place, TraceParent};
use model::{Endpoint, Request, Role, Value, names};

/// A row, and where it is from.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The host that saw it.
    pub host: &'a str,
    /// What it saw.
    pub request: &'a Request,
}

/// A row in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// The row that brought it about, by its place among those that were given, and how that is known.
    pub parent: Option<(usize, Evidence)>,
    /// What is to be added to the row's time so that it fits the others of its tree: nanoseconds.
    pub offset: i64,
}

/// More clients' sides at one place of the wire than this, and none is taken for the one.
const ALIKE: usize = 1;

/// Puts rows together: for each, who brought it about, and its clock's difference. Where a join is not certain there is none.
pub fn assemble(rows: &[Row<'_>]) -> Vec<Node> {
    let parents = parents(rows);
    let offsets = offsets(rows, &parents);
    parents.into_iter().zip(offsets).map(|(parent, offset)| Node { parent, offset }).collect()
}

/// A request's place on the wire.
type Wire = (SocketAddr, SocketAddr, u32);

fn wire(request: &Request) -> Option<Wire> {
    match (&request.ends.client.endpoint, &request.ends.server.endpoint) {
        (Endpoint::Ip(client), Endpoint::Ip(server)) => Some((*client, *server, request.sequence?)),
        _ => None,
    }
}

fn parents(rows: &[Row<'_>]) -> Vec<Option<(usize, Evidence)>> {
    let mut places: HashMap<(&str, i64, u32), usize> = HashMap::new();
    let mut wires: HashMap<Wire, Vec<usize>> = HashMap::new();
    let mut headers: HashMap<([u8; 16], [u8; 8]), Vec<usize>> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        if let Some(Place { trace, span, .. }) = row.request.place {
            places.insert((row.host, trace, span), at);
        }
        if row.request.role == Role::Client {
            if let Some(wire) = wire(row.request) {
                wires.entry(wire).or_default().push(at);
            }
            if let Some(parent) = traceparent(row.request) {
                headers.entry((parent.trace, parent.span)).or_default().push(at);
            }
        }
    }
    let parent = |row: &Row<'_>| {
        if let Some(Place { trace, parent: Some((parent, evidence)), .. }) = row.request.place {
            return Some((*places.get(&(row.host, trace, parent))?, evidence));
        }
        if row.request.role != Role::Server {
            return None;
        }
        let by_wire = wire(row.request).and_then(|wire| Some((wires.get(&wire)?, Evidence::Sequence)));
        let by_header = || {
            let parent = traceparent(row.request)?;
            Some((headers.get(&(parent.trace, parent.span))?, Evidence::Traceparent))
        };
        let (found, evidence) = by_wire.or_else(by_header)?;
        let fits: Vec<usize> = found.iter().copied().filter(|client| agrees(&rows[*client], row)).collect();
        (fits.len() == ALIKE).then(|| (fits[0], evidence))
    };
    rows.iter().map(parent).collect()
}

fn traceparent(request: &Request) -> Option<TraceParent> {
    match request.attributes.get(names::TRACEPARENT)? {
        Value::Text(text) => TraceParent::parse(text.as_bytes()),
        _ => None,
    }
}

/// Both sides asked for the same, on two hosts, and it lasted no longer where it was served.
fn agrees(client: &Row<'_>, server: &Row<'_>) -> bool {
    let (one, other) = (client.request, server.request);
    let same = |key| match (one.attributes.get(key), other.attributes.get(key)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    client.host != server.host
        && one.protocol == other.protocol
        && same(names::HTTP_REQUEST_METHOD)
        && same(names::URL_PATH)
        && one.duration >= other.duration
}

/// The difference of each row's clock from that of its tree's first row.
fn offsets(rows: &[Row<'_>], parents: &[Option<(usize, Evidence)>]) -> Vec<i64> {
    // Of two hosts, every exchange between them tells within which bounds the difference lies: the server's side is within the client's.
    let mut between: HashMap<(&str, &str), (i64, i64)> = HashMap::new();
    for (row, parent) in rows.iter().zip(parents) {
        let Some((parent, _)) = parent else { continue };
        let client = &rows[*parent];
        if client.host == row.host {
            continue;
        }
        let [began, begun] = [client, row].map(|row| i64::try_from(row.request.time).unwrap_or(i64::MAX));
        let spare = client.request.duration.saturating_sub(row.request.duration);
        let least = began.saturating_sub(begun);
        let most = least.saturating_add(i64::try_from(spare).unwrap_or(i64::MAX));
        let bounds = between.entry((client.host, row.host)).or_insert((i64::MIN, i64::MAX));
        *bounds = (bounds.0.max(least), bounds.1.min(most));
    }
    // In the middle of what all allow. Where they allow nothing, a clock was set meanwhile, and the middle is the best guess still.
    let difference = |client: &str, server: &str| {
        let (least, most) = between.get(&(client, server)).copied().unwrap_or_default();
        least.midpoint(most)
    };
    let mut offsets: Vec<Option<i64>> = vec![None; rows.len()];
    for first in 0..rows.len() {
        // Up to one whose offset is known, or that is the first; then back down. A chain that bites its tail ends where it was begun.
        let mut path = vec![first];
        while let Some(&at) = path.last()
            && offsets[at].is_none()
            && let Some((parent, _)) = parents[at]
            && path.len() <= rows.len()
        {
            path.push(parent);
        }
        let mut offset = path.last().and_then(|top| offsets[*top]).unwrap_or(0);
        for (nth, at) in path.iter().enumerate().rev() {
            if let Some(above) = path.get(nth + 1)
                && rows[*above].host != rows[*at].host
            {
                offset = offset.saturating_add(difference(rows[*above].host, rows[*at].host));
            }
            offset = *offsets[*at].get_or_insert(offset);
        }
    }
    offsets.into_iter().map(Option::unwrap_or_default).collect()
}
