//! Numbers of a few bits as Parquet packs them: runs of the same one, and stretches in which each takes its bits.

use arrow_buffer::{BooleanBuffer, Buffer};

/// Bits, one after the other.
#[derive(Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    length: usize,
}

impl Bits {
    pub(crate) fn new(capacity: usize) -> Self {
        Bits { words: Vec::with_capacity(capacity.div_ceil(64)), length: 0 }
    }

    #[inline]
    pub(crate) fn push(&mut self, bit: bool) {
        let place = self.length % 64;
        if place == 0 {
            self.words.push(u64::from(bit));
        } else if let Some(last) = self.words.last_mut() {
            *last |= u64::from(bit) << place;
        }
        self.length += 1;
    }

    /// The last `count` bits of a word, up to 64.
    fn push_word(&mut self, word: u64, count: usize) {
        let word = if count < 64 { word & ((1 << count) - 1) } else { word };
        let place = self.length % 64;
        if place == 0 {
            self.words.push(word);
        } else {
            if let Some(last) = self.words.last_mut() {
                *last |= word << place;
            }
            if place + count > 64 {
                self.words.push(word >> (64 - place));
            }
        }
        self.length += count;
    }

    pub(crate) fn repeat(&mut self, bit: bool, count: usize) {
        let end = self.length + count;
        while self.length < end && !self.length.is_multiple_of(64) {
            self.push(bit);
        }
        let whole = (end - self.length) / 64;
        self.words.extend(std::iter::repeat_n(if bit { u64::MAX } else { 0 }, whole));
        self.length += 64 * whole;
        (self.length..end).for_each(|_| self.push(bit));
    }

    pub(crate) fn get(&self, place: usize) -> bool {
        self.words.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// No bit is set.
    pub(crate) fn is_none(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(crate) fn finish(self) -> BooleanBuffer {
        BooleanBuffer::new(Buffer::from_vec(self.words), 0, self.length)
    }
}

/// Pushes for each of `count` numbers of `width` bits whether it is wanted. None where the bytes are not what they should be.
pub(crate) fn wanted(
    mut bytes: &[u8],
    width: usize,
    count: usize,
    is_wanted: impl Fn(u32) -> bool,
    into: &mut Bits,
) -> Option<()> {
    if width > 32 {
        return None;
    }
    let mut left = count;
    while left > 0 {
        let header = varint(&mut bytes)?;
        let length = usize::try_from(header >> 1).ok().filter(|length| *length > 0)?;
        if header & 1 == 0 {
            let (value, rest) = bytes.split_at_checked(width.div_ceil(8))?;
            let number = value.iter().rev().fold(0u32, |number, byte| number << 8 | u32::from(*byte));
            let now = length.min(left);
            into.repeat(is_wanted(number), now);
            (bytes, left) = (rest, left - now);
        } else {
            // The last ones may be left out where nobody needs them.
            let size = length.checked_mul(width)?.min(bytes.len());
            let (packed, rest) = bytes.split_at(size);
            let now = length.checked_mul(8)?.min(left);
            unpack(packed, width, now, &is_wanted, into)?;
            (bytes, left) = (rest, left - now);
        }
    }
    Some(())
}

/// Numbers that are unpacked at a time, the most bytes that they take, and what may be looked at behind those.
const BLOCK: usize = 64;
const MOST: usize = BLOCK * 32 / 8;
const BEHIND: usize = 8;

fn unpack(
    packed: &[u8],
    width: usize,
    count: usize,
    is_wanted: &impl Fn(u32) -> bool,
    into: &mut Bits,
) -> Option<()> {
    if packed.len() * 8 < count * width {
        return None;
    }
    let mut bytes = [0; MOST + BEHIND];
    let mut left = count;
    for place in 0..count.div_ceil(BLOCK) {
        let rest = &packed[(place * BLOCK * width / 8).min(packed.len())..];
        let length = rest.len().min(BLOCK * width / 8);
        bytes[..length].copy_from_slice(&rest[..length]);
        let now = left.min(BLOCK);
        into.push_word(block(&bytes, width, is_wanted), now);
        left -= now;
    }
    Some(())
}

/// Which of a block's numbers are wanted. With the width known the loop has neither shifts nor places to work out.
fn block(bytes: &[u8; MOST + BEHIND], width: usize, is_wanted: &impl Fn(u32) -> bool) -> u64 {
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                $($width => block_of::<$width>(bytes, is_wanted),)*
                _ => numbers(bytes, width, is_wanted),
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}

fn block_of<const WIDTH: usize>(bytes: &[u8; MOST + BEHIND], is_wanted: &impl Fn(u32) -> bool) -> u64 {
    numbers(bytes, WIDTH, is_wanted)
}

#[inline(always)]
fn numbers(bytes: &[u8; MOST + BEHIND], width: usize, is_wanted: &impl Fn(u32) -> bool) -> u64 {
    let mask = (1u64 << width) - 1;
    let mut found = 0;
    for place in 0..BLOCK {
        let bit = place * width;
        let Some(eight) = bytes.get(bit / 8..).and_then(|rest| rest.first_chunk::<8>()) else { break };
        let number = (u64::from_le_bytes(*eight) >> (bit % 8) & mask) as u32;
        found |= u64::from(is_wanted(number)) << place;
    }
    found
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8], width: usize, count: usize, number: u32) -> Option<Vec<bool>> {
        let mut bits = Bits::new(count);
        wanted(bytes, width, count, |found| found == number, &mut bits)?;
        Some(bits.finish().iter().collect())
    }

    #[test]
    fn runs_and_stretches_are_told_apart() {
        // 3 times 5 as a run; then 0 to 7 with three bits each; then a run of 70 times 1.
        let bytes = [6, 5, 3, 0b1000_1000, 0b1100_0110, 0b1111_1010, 140, 1, 1];
        let numbers: Vec<u32> = [5; 3].into_iter().chain(0..8).chain([1; 70]).collect();
        for number in 0..8 {
            let expected: Vec<bool> = numbers.iter().map(|found| *found == number).collect();
            assert_eq!(found(&bytes, 3, 81, number), Some(expected), "{number}");
            let part: Vec<bool> = numbers[..7].iter().map(|found| *found == number).collect();
            assert_eq!(found(&bytes, 3, 7, number), Some(part), "{number}");
        }
        assert_eq!(found(&bytes, 3, 82, 1), None);
        for length in 0..bytes.len() {
            assert_eq!(found(&bytes[..length], 3, 81, 1), None, "{length}");
        }
    }

    #[test]
    fn numbers_of_any_width_are_unpacked() {
        for width in 1..=32usize {
            // More than a block, behind some of a run, so that words are not filled evenly.
            let numbers: Vec<u64> = (0..200u64)
                .map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - width))
                .map(|number| if number % 3 == 0 { 1 } else { number })
                .collect();
            let mut bytes = vec![10];
            bytes.extend(&1u32.to_le_bytes()[..width.div_ceil(8)]);
            bytes.push(25 << 1 | 1);
            let mut packed = vec![0u8; 25 * width];
            for (place, number) in numbers.iter().enumerate() {
                for bit in (0..width).filter(|bit| number >> bit & 1 == 1) {
                    packed[(place * width + bit) / 8] |= 1 << ((place * width + bit) % 8);
                }
            }
            bytes.extend(packed);
            for count in [5, 6, 64, 69, 70, 133, 204, 205] {
                let all = std::iter::repeat_n(1, 5).chain(numbers.iter().copied());
                let expected: Vec<bool> = all.take(count).map(|number| number == 1).collect();
                assert_eq!(found(&bytes, width, count, 1), Some(expected), "{count} of {width} bits");
            }
            assert_eq!(found(&bytes, width, 206, 1), None);
        }
    }

    #[test]
    fn no_bytes_are_taken_for_numbers_that_are_not_there() {
        assert_eq!(found(&[], 3, 0, 1), Some(vec![]));
        assert_eq!(found(&[0, 1], 1, 1, 1), None);
        assert_eq!(found(&[2], 0, 1, 0), Some(vec![true]));
        assert_eq!(found(&[3], 0, 8, 0), Some(vec![true; 8]));
        assert_eq!(found(&[2, 0, 0, 0, 0, 0], 33, 1, 0), None);
        assert_eq!(found(&[0xff; 20], 8, 1, 0), None);
        assert_eq!(found(&[0x80; 20], 8, 1, 0), None);
        let wide = [2, 0x78, 0x56, 0x34, 0x12];
        assert_eq!(found(&wide, 32, 1, 0x1234_5678), Some(vec![true]));
    }

    #[test]
    fn bits_are_repeated_across_words() {
        for (before, count) in [(0, 64), (1, 63), (63, 2), (5, 200), (64, 0), (100, 27)] {
            let mut bits = Bits::new(0);
            bits.repeat(true, before);
            bits.repeat(false, count);
            bits.push(true);
            assert_eq!(bits.length, before + count + 1);
            assert!((0..before).all(|place| bits.get(place)) && bits.get(before + count));
            assert_eq!(bits.finish().count_set_bits(), before + 1);
        }
    }
}
