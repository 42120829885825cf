//! Finds out what a connection speaks, from the first bytes of each direction.

use model::{Direction, Party, Role};
use protocols::{CERTAIN, Protocol};

/// Bytes that are kept of a run while the protocol is not known.
pub(crate) const PREFIX: usize = 16 * 1024;
/// Runs of bytes after which it is given up: in the middle of a connection the first few may be the middle of
/// a message.
pub(crate) const RUNS: u8 = 8;

/// What a connection speaks, and who is who.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) protocol: Protocol,
    /// The party on this socket's side: the one that speaks in [`Direction::Sent`].
    pub(crate) own: Party,
}

/// Asks every protocol of datagrams, or of streams. `sent` and `received` are the heads of the directions, empty where nothing was
/// said.
pub(crate) fn detect(role: Role, sent: &[u8], received: &[u8], datagrams: bool) -> Option<Found> {
    let owns: &[Party] = match role {
        Role::Client => &[Party::Client],
        Role::Server => &[Party::Server],
        Role::Unknown => &[Party::Client, Party::Server],
    };
    let mut best: Option<(u32, Found)> = None;
    for &protocol in Protocol::ALL.iter().filter(|protocol| protocol.in_datagrams() == datagrams) {
        for &own in owns {
            let ask = |party, prefix: &[u8]| match prefix {
                [] => 0,
                prefix => u32::from(protocol.detect(party, prefix)),
            };
            let sureness = ask(own, sent) + ask(own.other(), received);
            if sureness >= u32::from(CERTAIN) && best.is_none_or(|(other, _)| sureness > other) {
                best = Some((sureness, Found { protocol, own }));
            }
        }
    }
    best.map(|(_, found)| found)
}

/// Which party speaks in `direction` when `own` is this socket's.
pub(crate) fn speaker(own: Party, direction: Direction) -> Party {
    match direction {
        Direction::Sent => own,
        Direction::Received => own.other(),
    }
}
