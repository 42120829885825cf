//! All processors' rings, read as one.
//!
//! Each ring is in order, nearly: a program takes the time shortly before it reserves its record. The rings are merged by
//! that time. What is younger than the moment when reading began stays for the next time, since an older record may
//! still be on its way into another ring.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::ring::Ring;
use crate::shared::{read, weir_record};

/// One or more rings.
pub(crate) struct Rings {
    rings: Vec<Ring>,
    /// By the time of their heads, oldest first; kept for its allocation.
    heads: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Rings {
    pub(crate) fn new(rings: Vec<Ring>) -> Self {
        let heads = BinaryHeap::with_capacity(rings.len());
        Rings { rings, heads }
    }

    /// Hands every record that is not younger than `until` to `handle`, oldest first, until `limit` bytes were read; returns
    /// how many were.
    pub(crate) fn drain(&mut self, limit: u64, until: u64, mut handle: impl FnMut(&[u8])) -> u64 {
        self.heads.clear();
        for (place, ring) in self.rings.iter_mut().enumerate() {
            ring.look();
            if let Some(time) = head_time(ring) {
                self.heads.push(Reverse((time, place)));
            }
        }
        let mut total = 0;
        while total < limit
            && let Some(Reverse((first, place))) = self.heads.pop()
            && first <= until
            && let Some(ring) = self.rings.get_mut(place)
        {
            let others = self.heads.peek().map_or(until, |Reverse((time, _))| until.min(*time));
            let (read, next) = take(ring, others.max(first), limit - total, &mut handle);
            total += read;
            if let Some(time) = next {
                self.heads.push(Reverse((time, place)));
            }
        }
        self.rings.iter_mut().for_each(Ring::release);
        total
    }

    /// Whether there is anything to read.
    pub(crate) fn have_some(&mut self) -> bool {
        self.rings.iter_mut().for_each(Ring::look);
        self.rings.iter_mut().any(|ring| ring.head().is_some())
    }
}

/// Takes records while they are not younger than `until`; returns how many bytes, and the time of the next one.
fn take(ring: &mut Ring, until: u64, limit: u64, handle: &mut impl FnMut(&[u8])) -> (u64, Option<u64>) {
    let mut total = 0;
    while let Some((record, taken)) = ring.head() {
        let time = time(record);
        if time > until || total >= limit {
            return (total, Some(time));
        }
        handle(record);
        ring.advance(taken);
        total += taken;
    }
    (total, None)
}

fn head_time(ring: &mut Ring) -> Option<u64> {
    ring.head().map(|(record, _)| time(record))
}

/// A record's time; one that is too short to have one is taken at once, and refused by who decodes it.
fn time(record: &[u8]) -> u64 {
    read::<weir_record>(record).map_or(0, |record| record.time)
}
