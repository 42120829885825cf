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
    /// False where this is surely none, which is so nearly always.
    #[inline]
    pub(crate) fn may_be_header(&self, arrival: &Arrival<'_>) -> bool {
        !matches!(self, Front::Open(None)) || matches!(arrival.piece, Piece::Bytes([b'P' | b'\r', ..]))
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\x64";

    /// What is passed on of these pieces.
    fn passed(pieces: &[Piece<'_>]) -> Vec<String> {
        let mut front = Front::Open(None);
        let mut list = Vec::new();
        for (piece, time) in pieces.iter().zip(1..) {
            let arrival = Arrival { piece: *piece, position: 0, time, pid: 1, tid: 1 };
            front.take(arrival, |rest| list.push(format!("{} {:?}", rest.time, rest.piece)));
        }
        list
    }

    #[test]
    fn a_header_may_have_gaps_behind_what_is_needed() {
        let (bytes, hidden, lost) = (Piece::Bytes(b"abc"), Piece::Hidden, Piece::Lost);
        let header = Piece::Bytes(HEADER);
        assert_eq!(passed(&[header, hidden(100), bytes]), ["3 Bytes([97, 98, 99])"]);
        assert_eq!(passed(&[header, lost(99), bytes]), ["3 Bytes([98, 99])"]);
        assert_eq!(passed(&[header, lost(40), hidden(70), bytes]), ["3 Hidden(10)", "4 Bytes([97, 98, 99])"]);
        assert_eq!(passed(&[header, lost(107)]), ["2 Lost(7)"]);
    }

    #[test]
    fn a_gap_before_it_is_understood_ends_it() {
        let half = Piece::Bytes(&HEADER[..5]);
        let given_back = "1 Bytes([13, 10, 13, 10, 0])";
        assert_eq!(passed(&[half, Piece::Lost(7)]), [given_back, "2 Lost(7)"]);
        assert_eq!(passed(&[Piece::Hidden(7), half]), ["1 Hidden(7)", "2 Bytes([13, 10, 13, 10, 0])"]);
        let other = Piece::Bytes(b"GET");
        assert_eq!(passed(&[half, other]), [given_back, "2 Bytes([71, 69, 84])"]);
    }
}
