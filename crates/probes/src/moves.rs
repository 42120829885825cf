//! Moves that the programs hold until they can tell several at once: which connection has which slot, and what waits there for
//! long. The counterpart of `bpf/socket/moves.h`.
//!
//! The map is in our memory. What a program writes there meanwhile is not looked at: only what was the same at two looks is
//! told, and the programs may tell it once more, which does no harm.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use model::ConnectionId;
use model::event::Event;
use rustc_hash::FxHashMap;

use crate::Error;
use crate::decode;
use crate::ring::{Access, Mapping};
use crate::share;
use crate::shared::{read, weir_limits, weir_moves};

const SLOTS: usize = weir_limits::WEIR_SLOTS.0 as usize;
const BYTES: usize = size_of::<weir_moves>();
const WORDS: usize = BYTES / 8;
/// The word of an element that has its kind, count and generation.
const HEAD: usize = 0;
/// The word that has its connection.
const CONNECTION: usize = offset_of!(weir_moves, connection) / 8;
/// The one by which a socket knows that it noted there before.
const SOCKET: usize = offset_of!(weir_moves, socket) / 8;
/// How often they are looked at, and so for how long a move waits at least: nanoseconds.
const EVERY: u64 = 20_000_000;
/// A program that saw a slot as its connection's has long written to it by then: nanoseconds.
const REST: u64 = 1_000_000_000;

/// Who has which slot.
pub(crate) struct HeldMoves {
    memory: Mapping,
    slots: FxHashMap<ConnectionId, u16>,
    /// By slot.
    places: Vec<Place>,
    looked_at: u64,
    /// Some were not told at the last look.
    waits: bool,
}

/// A slot.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// As it was at the last look.
    head: u64,
    /// So many of its moves were told from here.
    told: u16,
    is_taken: bool,
    /// When it was given back; 0 where nobody has had it yet.
    free_since: u64,
}

impl Place {
    fn is_free(&self, now: u64) -> bool {
        !self.is_taken && (self.free_since == 0 || now.saturating_sub(self.free_since) >= REST)
    }
}

impl HeldMoves {
    pub(crate) fn new(map: BorrowedFd<'_>) -> Result<Self, Error> {
        Ok(HeldMoves {
            memory: Mapping::new(map, 0, SLOTS * BYTES, Access::Write)?,
            slots: FxHashMap::default(),
            places: vec![Place::default(); SLOTS],
            looked_at: 0,
            waits: false,
        })
    }

    /// The slot of a connection, a new one where it has none; `None` where there is no other. `ports` is the sum of its ports.
    pub(crate) fn hold(&mut self, connection: ConnectionId, ports: u32, now: u64) -> Option<u16> {
        if let Some(slot) = self.slots.get(&connection) {
            return Some(*slot);
        }
        let slot = self.free(preferred(ports), now)?;
        // Of a generation of its own, and empty, before it is anybody's.
        let head = word(&self.memory, slot, HEAD);
        let generation = (head.load(Ordering::Relaxed) >> 32).wrapping_add(1);
        head.store(generation << 32, Ordering::Relaxed);
        word(&self.memory, slot, SOCKET).store(0, Ordering::Relaxed);
        word(&self.memory, slot, CONNECTION).store(connection.0, Ordering::Release);
        self.slots.insert(connection, slot);
        self.places[usize::from(slot)].is_taken = true;
        Some(slot)
    }

    /// A free slot: `preferred`, or else the next one. There is no slot 0.
    fn free(&self, preferred: usize, now: u64) -> Option<u16> {
        let mut all = (preferred..SLOTS).chain(1..preferred).filter(|slot| *slot != 0);
        all.find(|slot| self.places[*slot].is_free(now)).and_then(|slot| u16::try_from(slot).ok())
    }

    /// Nothing of a connection is held any more.
    pub(crate) fn release(&mut self, connection: ConnectionId, now: u64) {
        let Some(slot) = self.slots.remove(&connection) else { return };
        word(&self.memory, slot, CONNECTION).store(!connection.0, Ordering::Relaxed);
        let place = &mut self.places[usize::from(slot)];
        (place.is_taken, place.free_since) = (false, now);
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
            let seen = &mut self.places[usize::from(*slot)];
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

/// Where the programs look for a connection with these ports before they look anywhere else: see `held_at` in `bpf/socket/moves.h`.
fn preferred(ports: u32) -> usize {
    share::place(ports) as usize / (share::PLACES as usize / SLOTS)
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
