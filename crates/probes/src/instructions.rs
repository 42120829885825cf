//! The way back: what user space learnt about a connection, written where the kernel programs look.
//!
//! A memory-mapped array, so that an instruction is one store and no system call. See `enum weir_order` in
//! `bpf/events/socket.h`.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use model::ConnectionId;

use crate::Error;
use crate::ring::{Access, Mapping};
use crate::shared::{weir_limits, weir_order};

const SLOTS: usize = weir_limits::WEIR_INSTRUCTIONS.0 as usize;

/// What the programs are told of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ignore,
    /// Once for each number, from 1 on.
    Announce(u16),
    /// Bytes to capture of a run that is sent, and of one that is received; and whether tails are wanted.
    Budget([u32; 2], [bool; 2]),
    /// Hold its moves in this slot.
    Moves(u16),
}

pub(crate) struct Instructions {
    words: Mapping,
}

impl Instructions {
    pub(crate) fn new(map: BorrowedFd<'_>) -> Result<Self, Error> {
        Ok(Instructions { words: Mapping::new(map, 0, SLOTS * 8, Access::Write)? })
    }

    pub(crate) fn give(&self, connection: ConnectionId, order: Order) {
        let (slot, word) = encode(connection, order);
        // SAFETY: inside the mapping (`Mapping::at`), which is page-aligned and accessed atomically only.
        let cell = unsafe { self.words.at::<AtomicU64>(slot * 8).as_ref() };
        cell.store(word, Ordering::Relaxed);
    }
}

/// The place and the word for an instruction: the counterpart of `told_to_ignore` in `bpf/socket/orders.h`.
fn encode(connection: ConnectionId, order: Order) -> (usize, u64) {
    let slot = (connection.0 >> 8) as usize & (SLOTS - 1);
    let tag = connection.0 >> 24 & 0xffff_ffff;
    let order = match order {
        Order::Ignore => weir_order::WEIR_ORDER_IGNORE.0,
        Order::Announce(number) => weir_order::WEIR_ORDER_ANNOUNCE.0 | u32::from(number),
        Order::Budget([sent, received], tails) => {
            let unit = weir_order::WEIR_ORDER_BUDGET_UNIT.0;
            let mask = weir_order::WEIR_ORDER_BUDGET_MASK.0;
            let tail = |wanted, order: weir_order| if wanted { order.0 } else { 0 };
            sent.div_ceil(unit).min(mask)
                | received.div_ceil(unit).min(mask) << weir_order::WEIR_ORDER_BUDGET_SHIFT.0
                | tail(tails[0], weir_order::WEIR_ORDER_TAIL_SENT)
                | tail(tails[1], weir_order::WEIR_ORDER_TAIL_RECEIVED)
        }
        Order::Moves(slot) => weir_order::WEIR_ORDER_MOVES.0 | u32::from(slot),
    };
    (slot, tag << 32 | u64::from(order))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_the_programs_read_them() {
        let connection = ConnectionId(0x0123_4567_89ab_cdef);
        assert_eq!(encode(connection, Order::Ignore), (0xabcd, 0x2345_6789_8000_0000));
        let budget = |sent, received, tails| Order::Budget([sent, received], tails);
        let (_, word) = encode(connection, budget(4096, 100, [false; 2]));
        assert_eq!(word & 0xffff_ffff, 256 | 7 << 12);
        let (_, word) = encode(connection, budget(u32::MAX, 0, [true, false]));
        assert_eq!(word & 0xffff_ffff, 0x100_0fff);
        let (_, word) = encode(connection, budget(0, 0, [false, true]));
        assert_eq!(word & 0xffff_ffff, 0x200_0000);
        assert_eq!(encode(connection, Order::Moves(0x7ff)).1 & 0xffff_ffff, 0x2000_07ff);
        assert_eq!(encode(connection, Order::Announce(0xfffe)).1 & 0xffff_ffff, 0x4000_fffe);
    }
}
