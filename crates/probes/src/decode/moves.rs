//! Several moves of one direction: each is a chunk without payload.

use model::event::{Chunk, Event};
use model::{ConnectionId, Direction};

use crate::shared::{weir_direction, weir_moves};

/// Hands all but the first `told` to `handle`; false when the record makes no sense.
pub(crate) fn moves(raw: &weir_moves, told: usize, handle: &mut impl FnMut(Event<'_>)) -> bool {
    let Some(moves) = raw.moves.get(..usize::from(raw.count)) else { return false };
    let sent = raw.direction == weir_direction::WEIR_SENT.0 as u8;
    let direction = if sent { Direction::Sent } else { Direction::Received };
    let mut position = raw.position;
    for (place, one) in moves.iter().enumerate() {
        let begin = position;
        position = begin.wrapping_add(one.length);
        if place < told {
            continue;
        }
        handle(Event::Chunk(Chunk {
            connection: ConnectionId(raw.connection),
            time: raw.time.saturating_add(u64::from(one.after)),
            direction,
            position: begin,
            previous_end: begin,
            length: one.length,
            pid: raw.pid,
            tid: raw.tid,
            payload: &[],
        }));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::weir_move;

    fn told(raw: &weir_moves, skipped: usize) -> (bool, Vec<(u64, u32, u32)>) {
        let mut all = Vec::new();
        let sound = moves(raw, skipped, &mut |event| match event {
            Event::Chunk(c) => all.push((c.time, c.position, c.length)),
            other => panic!("{other:?}"),
        });
        (sound, all)
    }

    #[test]
    fn moves_stand_one_behind_the_other() {
        let mut raw = weir_moves { count: 3, time: 1_000, position: u32::MAX - 4, ..weir_moves::default() };
        let lengths = [(0, 5), (70, 10), (u32::MAX, 1)];
        for (to, (after, length)) in raw.moves.iter_mut().zip(lengths) {
            *to = weir_move { after, length };
        }
        let all = vec![(1_000, u32::MAX - 4, 5), (1_070, 0, 10), (1_000 + u64::from(u32::MAX), 10, 1)];
        assert_eq!(told(&raw, 0), (true, all.clone()));
        assert_eq!(told(&raw, 2), (true, all[2..].to_vec()));
        raw.count = 12;
        assert_eq!(told(&raw, 0), (false, Vec::new()));
    }
}
