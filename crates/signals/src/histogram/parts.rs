//! A histogram taken to pieces, to be sent elsewhere, and put together again.

use serde::{Deserialize, Serialize};

use super::{Buckets, Exponential, FINEST, Histogram, MOST_BUCKETS};

/// The coarsest resolution that any values lead to.
const COARSEST: i8 = -10;
/// Indices of buckets are less than this: a double has 2^11 doublings of 8 buckets.
const MOST_INDEX: i32 = 1 << 15;
/// No count has come so far: one that has makes no sense.
const MOST: u64 = 1 << 62;

/// The pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    count: u64,
    sum: u128,
    squares: u128,
    min: u64,
    max: u64,
    bounds: Vec<u64>,
    explicit: Vec<u64>,
    scale: i8,
    zeros: u64,
    buckets: Vec<(i32, u64)>,
}

impl Histogram {
    /// Takes it to pieces.
    pub(crate) fn parts(&self, buckets: &Buckets) -> Parts {
        Parts {
            count: self.count,
            sum: self.sum,
            squares: self.squares,
            min: self.min,
            max: self.max,
            bounds: buckets.bounds.to_vec(),
            explicit: self.explicit(buckets).to_vec(),
            scale: self.exponential.scale,
            zeros: self.exponential.zeros,
            buckets: self.exponential.buckets().collect(),
        }
    }

    /// Puts it together. `None` where the pieces are those of other buckets, or make no sense.
    pub(crate) fn of_parts(parts: &Parts, buckets: &Buckets) -> Option<Histogram> {
        let fits = parts.bounds == buckets.bounds && parts.explicit.len() == buckets.bounds.len() + 1;
        let is_known = (COARSEST..=FINEST).contains(&parts.scale) && parts.buckets.len() <= MOST_BUCKETS;
        let are_near = parts.buckets.iter().all(|(index, _)| (-MOST_INDEX..MOST_INDEX).contains(index));
        let counts = parts.buckets.iter().map(|(_, count)| count).chain(&parts.explicit);
        let are_few = counts.chain([&parts.count, &parts.zeros]).all(|count| *count < MOST);
        if !fits || !is_known || !are_near || !are_few {
            return None;
        }
        let mut histogram = Histogram {
            count: parts.count,
            sum: parts.sum,
            squares: parts.squares,
            min: parts.min,
            max: parts.max,
            exponential: Exponential { scale: parts.scale, zeros: parts.zeros, ..Exponential::default() },
            ..Histogram::default()
        };
        histogram.explicit.iter_mut().zip(&parts.explicit).for_each(|(own, count)| *own = *count);
        for (index, values) in &parts.buckets {
            // Room for one may have been made at the cost of resolution.
            let index = index >> (parts.scale - histogram.exponential.scale).clamp(0, 15);
            histogram.exponential.add_at(index, *values);
        }
        Some(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl Iterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        values.for_each(|value| histogram.record(&Buckets::DURATIONS, value));
        histogram
    }

    #[test]
    fn what_is_put_together_is_what_was_taken_apart() {
        for histogram in [
            histogram(std::iter::empty()),
            histogram([0, 1, 7_000_000].into_iter()),
            // More doublings than the finest resolution has room for.
            histogram((0..60).map(|shift| 1 << shift)),
            histogram((1..5000).map(|number| number * number)),
        ] {
            let parts = histogram.parts(&Buckets::DURATIONS);
            let again = Histogram::of_parts(&parts, &Buckets::DURATIONS).expect("it fits");
            assert_eq!(again.parts(&Buckets::DURATIONS), parts);
            let told = |histogram: &Histogram| histogram.exponential().quantile(0.9);
            assert_eq!(told(&again), told(&histogram));
            assert_eq!(Histogram::of_parts(&parts, &Buckets::SIZES), None);
        }
    }

    #[test]
    fn two_become_one() {
        let (one, other) = (histogram((0..100).map(|n| n * 1000)), histogram((0..50).map(|n| n << 30)));
        let mut both = one.clone();
        both.merge(&other);
        let all = histogram((0..100).map(|n| n * 1000).chain((0..50).map(|n| n << 30)));
        assert_eq!((both.count(), both.range(&Buckets::DURATIONS)), (150, all.range(&Buckets::DURATIONS)));
        assert_eq!(both.explicit(&Buckets::DURATIONS), all.explicit(&Buckets::DURATIONS));
        assert_eq!(both.sum(&Buckets::DURATIONS), all.sum(&Buckets::DURATIONS));
        let values = |histogram: &Histogram| histogram.exponential().buckets().map(|(_, n)| n).sum::<u64>();
        assert_eq!(values(&both) + both.exponential().zeros(), 150);
    }

    #[test]
    fn pieces_that_make_no_sense_are_refused() {
        let good = histogram(1..1000).parts(&Buckets::DURATIONS);
        for wrong in [
            Parts { scale: 4, ..good.clone() },
            Parts { scale: -11, ..good.clone() },
            Parts { explicit: vec![1], ..good.clone() },
            Parts { buckets: vec![(i32::MAX, 1), (i32::MIN, 1)], ..good.clone() },
            Parts { buckets: vec![(0, 1); MOST_BUCKETS + 1], ..good.clone() },
        ] {
            assert_eq!(Histogram::of_parts(&wrong, &Buckets::DURATIONS), None, "{wrong:?}");
        }
        // What is only unlikely does no harm.
        let far = Parts { buckets: vec![(MOST_INDEX - 1, 1), (-MOST_INDEX, 1)], ..good };
        assert!(Histogram::of_parts(&far, &Buckets::DURATIONS).is_some());
    }
}
