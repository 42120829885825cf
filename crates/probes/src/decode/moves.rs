//! Several moves of a connection: each is a chunk without payload.

use std::mem::offset_of;

use model::event::{Chunk, Event};
use model::{ConnectionId, Direction};

use crate::shared::{self, weir_limits, weir_move, weir_moves};

const DIRECTION: u32 = weir_limits::WEIR_MOVE_DIRECTION.0;
/// As `enum weir_direction` numbers them.
const DIRECTIONS: [Direction; 2] = [Direction::Sent, Direction::Received];

/// A record, which is as long as it has moves.
pub(crate) fn read(record: &[u8]) -> Option<weir_moves> {
    let mut whole = [0; size_of::<weir_moves>()];
    let length = record.len().min(whole.len());
    whole[..length].copy_from_slice(&record[..length]);
    let raw = shared::read::<weir_moves>(&whole)?;
    let needed = offset_of!(weir_moves, moves) + usize::from(raw.count) * size_of::<weir_move>();
    (length >= needed).then_some(raw)
}

/// Hands all but the first `told` to `handle`; false when the record makes no sense.
pub(crate) fn moves(raw: &weir_moves, told: usize, handle: &mut impl FnMut(Event<'_>)) -> bool {
    let Some(moves) = raw.moves.get(..usize::from(raw.count)) else { return false };
    let mut positions = raw.position;
    for (place, one) in moves.iter().enumerate() {
        let direction = (one.length >> DIRECTION) as usize;
        let length = one.length & !(1 << DIRECTION);
        let begin = positions[direction];
        positions[direction] = begin.wrapping_add(length);
        if place < told {
            continue;
        }
        handle(Event::Chunk(Chunk {
            connection: ConnectionId(raw.connection),
            time: raw.time.saturating_add(u64::from(one.after)),
            direction: DIRECTIONS[direction],
            position: begin,
            previous_end: begin,
            length,
            pid: raw.pid,
            tid: raw.tid[direction],
            payload: &[],
        }));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::{bytes_of, weir_direction};

    /// Direction, time, position, length and thread.
    type Told = (Direction, u64, u32, u32, u32);

    fn told(raw: &weir_moves, skipped: usize) -> (bool, Vec<Told>) {
        let mut all = Vec::new();
        let sound = moves(raw, skipped, &mut |event| match event {
            Event::Chunk(c) => all.push((c.direction, c.time, c.position, c.length, c.tid)),
            other => panic!("{other:?}"),
        });
        (sound, all)
    }

    #[test]
    fn moves_of_a_direction_stand_one_behind_the_other() {
        let [sent, received] =
            [weir_direction::WEIR_SENT, weir_direction::WEIR_RECEIVED].map(|direction| direction.0);
        let mut raw = weir_moves {
            count: 4,
            time: 1_000,
            position: [70, u32::MAX - 4],
            tid: [7, 8],
            ..weir_moves::default()
        };
        let lengths = [(0, received, 5), (30, sent, 300), (70, received, 10), (u32::MAX, received, 1)];
        for (to, (after, direction, length)) in raw.moves.iter_mut().zip(lengths) {
            *to = weir_move { after, length: length | direction << DIRECTION };
        }
        let all = vec![
            (Direction::Received, 1_000, u32::MAX - 4, 5, 8),
            (Direction::Sent, 1_030, 70, 300, 7),
            (Direction::Received, 1_070, 0, 10, 8),
            (Direction::Received, 1_000 + u64::from(u32::MAX), 10, 1, 8),
        ];
        assert_eq!(told(&raw, 0), (true, all.clone()));
        assert_eq!(told(&raw, 2), (true, all[2..].to_vec()));
        let short = &bytes_of(&raw)[..offset_of!(weir_moves, moves) + 4 * 8];
        assert_eq!(told(&read(short).expect("it has what it says"), 0), (true, all));
        assert!(read(&short[..short.len() - 1]).is_none(), "one is cut");
        raw.count = raw.moves.len() as u16 + 1;
        assert_eq!(told(&raw, 0), (false, Vec::new()));
        assert!(read(bytes_of(&raw)).is_none(), "it has no room for as many");
    }
}
