//! Moves that the programs hold until they can tell several at once: which connection has which slot, and what waits there for
//! long. The counterpart of `bpf/socket/moves.h`.
//!
//! The map is in our memory. What a program writes there meanwhile is not looked at: only what was the same at two looks is
//! told, and the programs may tell it once more, which does no harm.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use model::ConnectionId;
use model::event::Event;
use rustc_hash::FxHashMap;

use crate::Error;
use crate::decode;
use crate::ring::{Access, Mapping};
use crate::shared::{read, weir_limits, weir_moves};

const SLOTS: u16 = weir_limits::WEIR_SLOTS.0 as u16;
const BYTES: usize = size_of::<weir_moves>();
const WORDS: usize = BYTES / 8;
/// The word of an element that has its kind, count and generation.
const HEAD: usize = 0;
/// The word that has its connection.
const CONNECTION: usize = 2;
/// How often they are looked at, and so for how long a move waits at least: nanoseconds.
const EVERY: u64 = 20_000_000;
/// A program that saw a slot as its connection's has long written to it by then: nanoseconds.
const REST: u64 = 1_000_000_000;

/// Who has which slot.
pub(crate) struct HeldMoves {
    memory: Mapping,
    slots: FxHashMap<ConnectionId, u16>,
    /// What was seen at the last look; by slot, from slot 1 on.
    seen: Vec<Seen>,
    free: Vec<u16>,
    /// Those that were given back, and when.
    resting: VecDeque<(u64, u16)>,
    looked_at: u64,
    /// Some were not told at the last look.
    waits: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    head: u64,
    /// So many of them were told from here.
    told: u16,
}

impl HeldMoves {
    pub(crate) fn new(map: BorrowedFd<'_>) -> Result<Self, Error> {
        Ok(HeldMoves {
            memory: Mapping::new(map, 0, usize::from(SLOTS) * BYTES, Access::Write)?,
            slots: FxHashMap::default(),
            seen: Vec::new(),
            free: Vec::new(),
            resting: VecDeque::new(),
            looked_at: 0,
            waits: false,
        })
    }

    /// The slot of a connection, a new one where it has none; `None` where there is no other.
    pub(crate) fn hold(&mut self, connection: ConnectionId, now: u64) -> Option<u16> {
        if let Some(slot) = self.slots.get(&connection) {
            return Some(*slot);
        }
        let slot = self.unused(now)?;
        // Of a generation of its own, and empty, before it is anybody's.
        let head = word(&self.memory, slot, HEAD);
        let generation = (head.load(Ordering::Relaxed) >> 32).wrapping_add(1);
        head.store(generation << 32, Ordering::Relaxed);
        word(&self.memory, slot, CONNECTION).store(connection.0, Ordering::Release);
        self.slots.insert(connection, slot);
        Some(slot)
    }

    fn unused(&mut self, now: u64) -> Option<u16> {
        while let Some((since, slot)) = self.resting.front()
            && now.saturating_sub(*since) >= REST
        {
            self.free.push(*slot);
            self.resting.pop_front();
        }
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        let slot = u16::try_from(self.seen.len()).ok()?.checked_add(1).filter(|slot| *slot < SLOTS)?;
        self.seen.push(Seen::default());
        Some(slot)
    }

    /// Nothing of a connection is held any more.
    pub(crate) fn release(&mut self, connection: ConnectionId, now: u64) {
        let Some(slot) = self.slots.remove(&connection) else { return };
        word(&self.memory, slot, CONNECTION).store(0, Ordering::Relaxed);
        self.resting.push_back((now, slot));
    }

    /// Hands what waited since the last look to `handle`, if it is time to look.
    pub(crate) fn look(&mut self, now: u64, handle: &mut impl FnMut(Event<'_>)) {
        if now.saturating_sub(self.looked_at) >= EVERY {
            self.looked_at = now;
            self.take(false, handle);
        }
    }

    /// Hands all that there is by now to `handle`.
    pub(crate) fn take_all(&mut self, handle: &mut impl FnMut(Event<'_>)) {
        self.take(true, handle);
    }

    /// There will be something to hand over soon.
    pub(crate) fn wait(&self) -> bool {
        self.waits
    }

    fn take(&mut self, all: bool, handle: &mut impl FnMut(Event<'_>)) {
        self.waits = false;
        for (connection, slot) in &self.slots {
            let head = word(&self.memory, *slot, HEAD).load(Ordering::Acquire);
            let Some(seen) = self.seen.get_mut(usize::from(*slot) - 1) else { continue };
            let is_settled = head == seen.head;
            if head >> 32 != seen.head >> 32 {
                seen.told = 0;
            }
            seen.head = head;
            if count(head) <= seen.told {
                continue;
            }
            if !(is_settled || all) {
                self.waits = true;
                continue;
            }
            let moves = element(&self.memory, *slot);
            let after = word(&self.memory, *slot, HEAD).load(Ordering::Acquire);
            if after == head && moves.connection == connection.0 {
                decode::moves::moves(&moves, usize::from(seen.told), handle);
                seen.told = count(head);
            }
        }
    }
}

/// How many moves there are, by an element's first word.
fn count(head: u64) -> u16 {
    (head >> 16) as u16
}

fn word(memory: &Mapping, slot: u16, place: usize) -> &AtomicU64 {
    // SAFETY: inside the mapping (`Mapping::at`), aligned, accessed by words only, and borrowed no longer than the mapping.
    unsafe { memory.at::<AtomicU64>(usize::from(slot) * BYTES + place * 8).as_ref() }
}

/// A copy of what is there, of which parts may be older than others.
fn element(memory: &Mapping, slot: u16) -> weir_moves {
    let mut bytes = [0; BYTES];
    for (place, to) in bytes.as_chunks_mut::<8>().0.iter_mut().enumerate().take(WORDS) {
        *to = word(memory, slot, place).load(Ordering::Relaxed).to_ne_bytes();
    }
    read::<weir_moves>(&bytes).unwrap_or_default()
}
