//! What the agent tells as rows of the store's tables: values in, batches out; and how these go over the network ([`wire`]).

mod agents;
mod connections;
mod entities;
mod places;
mod requests;
pub mod wire;

pub use agents::{Agents, Heartbeat, Host};
pub use connections::Connections;
pub use entities::Entities;
pub use places::{EndPlaces, Places};
pub use requests::Requests;

use std::fmt::Write;

use model::request::Peer;
use model::{Called, Endpoint};
use schema::{Rows, Table};

/// Numbers of the kernel and of the wire are never that large.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The place of a column. Tests look whether those that are asked for are there.
fn place(table: Table, name: &str) -> usize {
    table.column(name).map_or(usize::MAX, |(place, _)| place)
}

/// Writes who is at an end; `text` is kept for its room.
fn end(rows: &mut Rows, text: &mut String, peer: &Peer, at: &EndPlaces) {
    match peer.called() {
        Called::Name(name) => rows.text(at.service, name),
        Called::Address(address) => {
            text.clear();
            // Writing to a String does not fail.
            let _ = write!(text, "{address}");
            rows.text(at.service, text);
        }
    }
    match &peer.endpoint {
        Endpoint::Ip(address) => {
            text.clear();
            // Writing to a String does not fail.
            let _ = write!(text, "{}", address.ip());
            rows.text(at.address, text);
            // Ports of clients are not told where connections were summed up.
            if address.port() != 0 {
                rows.number(at.port, i64::from(address.port()));
            }
        }
        // An end that is not bound has no path.
        Endpoint::Unix(path) if path.is_empty() => {}
        Endpoint::Unix(path) => rows.text(at.address, path),
    }
}
