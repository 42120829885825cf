//! What may stand before the first message of a client, whatever it speaks: the header of a proxy.

use model::{Endpoint, Nanos, Text};
use protocols::proxied::{self, Beginning, Header};
use streams::{Arrival, Piece};

/// How far the beginning of a client's bytes is known.
#[derive(Debug, Default)]
pub(crate) enum Front {
    /// It is behind, or not to be seen.
    #[default]
    Passed,
    /// So far it is these bytes, if any: they may become a header. Boxed, because they are nearly always absent.
    Open(Option<Box<Kept>>),
    /// A header was read, of which so many bytes are still to go by.
    Passing(u64),
}

/// Bytes that are not decided yet: [`proxied::MOST_NEEDED`] at most.
#[derive(Debug)]
pub(crate) struct Kept {
    bytes: Vec<u8>,
    /// When the first of them was seen.
    first: Nanos,
}

/// The client behind the proxy.
#[derive(Debug)]
pub(crate) struct Behind {
    pub(crate) address: Text,
    /// A Unix socket has none.
    pub(crate) port: Option<u16>,
}

impl Front {
    /// Takes from what a client sent what belongs to a header, and passes on the rest. When the header has been read,
    /// and it names a client, that is returned.
    pub(crate) fn take<'a>(
        &mut self,
        arrival: Arrival<'a>,
        mut pass: impl FnMut(Arrival<'_>),
    ) -> Option<Box<Behind>> {
        match std::mem::take(self) {
            Front::Passed => pass(arrival),
            Front::Passing(left) => self.pass_over(left, arrival, &mut pass),
            Front::Open(kept) => return self.read(kept, arrival, &mut pass),
        }
        None
    }

    fn read<'a>(
        &mut self,
        kept: Option<Box<Kept>>,
        arrival: Arrival<'a>,
        pass: &mut impl FnMut(Arrival<'_>),
    ) -> Option<Box<Behind>> {
        let give_back = |kept: Option<Box<Kept>>, pass: &mut dyn FnMut(Arrival<'_>)| {
            if let Some(kept) = kept {
                pass(Arrival { piece: Piece::Bytes(&kept.bytes), time: kept.first, ..arrival });
            }
        };
        let Piece::Bytes(bytes) = arrival.piece else {
            give_back(kept, pass);
            pass(arrival);
            return None;
        };
        let before = kept.as_ref().map_or(0, |kept| kept.bytes.len());
        let (beginning, kept) = match kept {
            None => (proxied::read(bytes), None),
            Some(mut kept) => {
                let more = bytes.len().min(proxied::MOST_NEEDED.saturating_sub(before));
                kept.bytes.extend_from_slice(&bytes[..more]);
                (proxied::read(&kept.bytes), Some(kept))
            }
        };
        match beginning {
            Beginning::NeedMore => {
                let new = || Box::new(Kept { bytes: bytes.to_vec(), first: arrival.time });
                *self = Front::Open(Some(kept.unwrap_or_else(new)));
                None
            }
            Beginning::Other => {
                let kept = kept.map(|mut kept| {
                    kept.bytes.truncate(before);
                    kept
                });
                give_back(kept, pass);
                pass(arrival);
                None
            }
            Beginning::Header(Header { length, client }) => {
                self.pass_over(length.saturating_sub(before) as u64, arrival, pass);
                client.map(|client| Box::new(Behind::from(client)))
            }
        }
    }

    /// Bytes of a header may be missing without harm.
    fn pass_over(&mut self, left: u64, arrival: Arrival<'_>, pass: &mut impl FnMut(Arrival<'_>)) {
        let rest = match arrival.piece {
            Piece::Bytes(bytes) => {
                let begin = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                Piece::Bytes(&bytes[begin..])
            }
            Piece::Hidden(length) => Piece::Hidden(length.saturating_sub(left)),
            Piece::Lost(length) => Piece::Lost(length.saturating_sub(left)),
        };
        let left = left.saturating_sub(length(arrival.piece));
        if left > 0 {
            *self = Front::Passing(left);
        }
        if length(rest) > 0 {
            pass(Arrival { piece: rest, ..arrival });
        }
    }
}

fn length(piece: Piece<'_>) -> u64 {
    match piece {
        Piece::Bytes(bytes) => bytes.len() as u64,
        Piece::Hidden(length) | Piece::Lost(length) => length,
    }
}

impl From<Endpoint> for Behind {
    fn from(client: Endpoint) -> Self {
        let port = client.port();
        let address = match client {
            Endpoint::Ip(address) => model::Text::from(address.ip().to_string()),
            Endpoint::Unix(path) => path,
        };
        Behind { address, port }
    }
}
