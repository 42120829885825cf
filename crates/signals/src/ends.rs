//! What an end of a request or a connection is called in a label.

use model::Called;
use model::request::Peer;

use crate::labels::Cell;

/// The service; else the address, so that both ends are always given.
pub fn end(peer: &Peer) -> Cell<'_> {
    match peer.called() {
        Called::Name(name) => Cell::text(name),
        Called::Address(address) => Cell::Address(address),
    }
}
