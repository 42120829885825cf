//! Buckets that add up: each doubling is cut into equal parts. A bucket's number follows from a value's bits alone, the same
//! everywhere, so histograms of any files can be added, and fine ones become coarse ones by leaving bits out.

mod counts;

pub use counts::Counts;

/// Bits of a value behind its first one that tell the bucket, in what is stored: 16 buckets a doubling, each at most 6.25 % wide.
pub const STORED_BITS: u32 = 4;
/// The same while a query counts rows: 128 buckets a doubling, at most 0.8 % wide.
pub const EXACT_BITS: u32 = 7;

/// The bucket of `value`; what is negative counts as 0.
#[inline]
pub fn bucket(value: i64, bits: u32) -> u32 {
    let value = value.max(0) as u64;
    let length = u64::BITS - value.leading_zeros();
    if length <= bits {
        return value as u32;
    }
    let shift = length - bits - 1;
    // The first bit is always set: it is left out, and the number of the doubling stands before the rest.
    ((shift + 1) << bits) | ((value >> shift) as u32 & ((1 << bits) - 1))
}

/// The least value of a bucket, and the least one above it.
pub fn bounds(bucket: u32, bits: u32) -> (i64, i64) {
    let low = |bucket: u32| -> i64 {
        let doubling = bucket >> bits;
        if doubling == 0 {
            return i64::from(bucket);
        }
        let rest = u128::from((1 << bits) | (bucket & ((1 << bits) - 1)));
        rest.checked_shl((doubling - 1).min(64)).and_then(|low| i64::try_from(low).ok()).unwrap_or(i64::MAX)
    };
    (low(bucket), low(bucket.saturating_add(1)))
}

/// What is told of values in `bucket`: its middle.
pub fn middle(bucket: u32, bits: u32) -> f64 {
    let (low, high) = bounds(bucket, bits);
    if high - low <= 1 { low as f64 } else { (low as f64 + high as f64) / 2.0 }
}

/// The bucket of the greatest value there is.
const fn last(bits: u32) -> u32 {
    ((63 - bits) << bits) | ((1 << bits) - 1)
}

/// Counts by buckets of [`STORED_BITS`] as they are stored: for each bucket that is not empty how far it is from the one before, and its
/// count, as numbers of seven bits a byte, the least first (LEB128).
pub fn pack(buckets: impl IntoIterator<Item = (u32, u64)>, out: &mut Vec<u8>) {
    let mut before = 0;
    let mut put = |mut number: u64| {
        while number >= 0x80 {
            out.push(number as u8 | 0x80);
            number >>= 7;
        }
        out.push(number as u8);
    };
    for (bucket, count) in buckets {
        // Those that do not rise have no place here.
        let Some(step) = bucket.checked_sub(before) else { continue };
        before = bucket;
        put(u64::from(step));
        put(count);
    }
}

/// What [`pack`] made. Of bytes that were made otherwise the rest is left out from where they make no sense.
pub fn unpack(packed: &[u8]) -> impl Iterator<Item = (u32, u64)> {
    let (mut rest, mut before) = (packed, 0u32);
    std::iter::from_fn(move || {
        let step = number(&mut rest)?;
        let count = number(&mut rest)?;
        let bucket =
            u64::from(before).checked_add(step).filter(|bucket| *bucket <= u64::from(last(STORED_BITS)))?;
        before = bucket as u32;
        Some((before, count))
    })
}

#[inline]
fn number(rest: &mut &[u8]) -> Option<u64> {
    let (first, after) = rest.split_first()?;
    if *first < 0x80 {
        *rest = after;
        return Some(u64::from(*first));
    }
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_in_its_bucket() {
        for bits in [STORED_BITS, EXACT_BITS] {
            let powers = (0..62).flat_map(|power| [(1i64 << power) - 1, 1 << power, (1 << power) + 1]);
            for value in powers.chain([0, i64::MAX, 1_234_567_890]) {
                let found = bucket(value, bits);
                let (low, high) = bounds(found, bits);
                assert!(low <= value && (value < high || high == i64::MAX), "{value}: {low} to {high}");
                assert!(
                    (high - low) as f64 <= (value.max(1) as f64 / (1 << bits) as f64).max(1.0),
                    "{value}"
                );
            }
        }
        assert_eq!(bucket(-5, 4), 0);
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        assert_eq!(last(STORED_BITS), bucket(i64::MAX, STORED_BITS));
        let cases: [&[(u32, u64)]; 4] = [
            &[],
            &[(0, 1)],
            &[(3, 127), (4, 128), (300, 1), (301, u64::MAX), (last(STORED_BITS), 5)],
            &[(100, 1), (100, 2), (230, 16_384)],
        ];
        for buckets in cases {
            let mut packed = Vec::new();
            pack(buckets.iter().copied(), &mut packed);
            assert_eq!(unpack(&packed).collect::<Vec<_>>(), buckets);
        }
        let mut packed = Vec::new();
        pack([(5, 1), (4, 1), (6, 1)], &mut packed);
        assert_eq!(unpack(&packed).collect::<Vec<_>>(), [(5, 1), (6, 1)], "what does not rise is left out");
    }

    #[test]
    fn bytes_of_any_kind_are_few_buckets_or_none() {
        let cut: &[u8] = &[5, 1, 7];
        assert_eq!(unpack(cut).collect::<Vec<_>>(), [(5, 1)]);
        for bytes in [&[0xff; 40][..], &[0x80], &[0xff, 0xff, 0xff, 0x7f, 1], &[0x80; 11], &[1]] {
            assert_eq!(unpack(bytes).count(), 0, "{bytes:?}");
        }
        let mut seed = 1u64;
        for _ in 0..10_000 {
            let bytes: Vec<u8> = (0..40)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (seed >> 56) as u8
                })
                .collect();
            assert!(unpack(&bytes).all(|(bucket, _)| bucket <= last(STORED_BITS)));
        }
    }

    #[test]
    fn buckets_rise_and_become_coarse() {
        let mut last = 0;
        for value in 0..100_000 {
            let fine = bucket(value, EXACT_BITS);
            assert!(fine == last || fine == last + 1, "{value}");
            last = fine;
        }
    }
}
