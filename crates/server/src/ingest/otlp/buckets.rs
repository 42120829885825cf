//! Histograms of others in the buckets of the store, which add up whatever they were made of.
//!
//! The store's buckets are of whole numbers: a value counts in billionths of its metric's unit, so that what is measured in seconds
//! counts in nanoseconds, as all durations do. A bucket that spans several of the store's is shared out among them evenly, as
//! PromQL's `histogram_quantile` takes it.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{ExponentialHistogramDataPoint, HistogramDataPoint};
use schema::histogram::{STORED_BITS, bounds, bucket};

/// Parts of a unit.
const PARTS: f64 = 1e9;

/// Counts by the store's buckets: as many as there are numbers of 63 bits at most, 16 for each doubling.
#[derive(Debug, Default)]
pub(super) struct Shared(BTreeMap<u32, u64>);

/// A value as a whole number. What is negative counts as nothing, what is too large as the largest one.
fn parts(value: f64) -> i64 {
    (value * PARTS) as i64
}

impl Shared {
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        self.0.iter().map(|(bucket, count)| (*bucket, *count))
    }

    fn add(&mut self, bucket: u32, count: u64) {
        if count > 0 {
            let place = self.0.entry(bucket).or_default();
            *place = place.saturating_add(count);
        }
    }

    /// Shares out values between two bounds.
    fn share(&mut self, low: f64, high: f64, count: u64) {
        if count == 0 {
            return;
        }
        let (low, high) = (parts(low).max(0), parts(high).max(0));
        let (first, last) = (bucket(low, STORED_BITS), bucket(high, STORED_BITS));
        if high <= low || first == last {
            return self.add(bucket(high, STORED_BITS), count);
        }
        let (whole, mut given) = ((high - low) as f64, 0);
        for place in first..=last {
            let (_, end) = bounds(place, STORED_BITS);
            let part = (end.min(high) - low) as f64 / whole;
            // What was given so far is rounded, not each part: so all of it is given in the end.
            let until =
                if place == last { count } else { ((count as f64 * part) as u64).clamp(given, count) };
            self.add(place, until - given);
            given = until;
        }
    }
}

/// A histogram with bounds. `None` where these make no sense.
pub(super) fn explicit(point: &HistogramDataPoint) -> Option<Shared> {
    let (bounds, counts) = (&point.explicit_bounds, &point.bucket_counts);
    let mut shared = Shared::default();
    if counts.is_empty() && bounds.is_empty() {
        return Some(shared);
    }
    let rising = bounds.is_sorted_by(|one, next| one < next) && bounds.iter().all(|bound| !bound.is_nan());
    if counts.len() != bounds.len() + 1 || !rising {
        return None;
    }
    let least = point.min.filter(|least| least.is_finite());
    let most = point.max.filter(|most| most.is_finite());
    for (place, count) in counts.iter().enumerate() {
        let low = place.checked_sub(1).and_then(|before| bounds.get(before).copied());
        let high = bounds.get(place).copied();
        // The first and the last one have an open end, which ends with the least and the greatest value where these are told.
        let low = low.unwrap_or(0.0).max(least.unwrap_or(0.0));
        let high = match (high, most) {
            (Some(high), Some(most)) => high.min(most),
            (Some(high), None) => high,
            (None, Some(most)) => most,
            (None, None) => low,
        };
        shared.share(low, high, *count);
    }
    Some(shared)
}

/// A histogram whose bounds are powers.
pub(super) fn exponential(point: &ExponentialHistogramDataPoint) -> Shared {
    let mut shared = Shared::default();
    let negative = point.negative.iter().flat_map(|buckets| &buckets.bucket_counts);
    let below = negative.fold(point.zero_count, |sum, count| sum.saturating_add(*count));
    shared.add(0, below);
    let base = (-f64::from(point.scale)).exp2();
    if let Some(Buckets { offset, bucket_counts }) = &point.positive {
        let bound = |place: f64| ((f64::from(*offset) + place) * base).exp2();
        for (place, count) in bucket_counts.iter().enumerate() {
            shared.share(bound(place as f64), bound(place as f64 + 1.0), *count);
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(shared: &Shared) -> u64 {
        shared.iter().map(|(_, count)| count).sum()
    }

    fn percentile(shared: &Shared, percent: f64) -> f64 {
        let mut counts = schema::histogram::Counts::default();
        shared.iter().for_each(|(bucket, count)| counts.add(bucket, count));
        counts.percentile(percent, STORED_BITS).unwrap() / PARTS
    }

    fn histogram(bounds: &[f64], counts: &[u64]) -> HistogramDataPoint {
        HistogramDataPoint {
            explicit_bounds: bounds.to_vec(),
            bucket_counts: counts.to_vec(),
            ..HistogramDataPoint::default()
        }
    }

    #[test]
    fn bounds_are_kept_to() {
        let shared = explicit(&histogram(&[0.1, 0.2, 0.4], &[10, 100, 1000, 7])).unwrap();
        assert_eq!(total(&shared), 1117);
        let median = percentile(&shared, 50.0);
        assert!((0.28..0.30).contains(&median), "{median}");
        assert!(percentile(&shared, 100.0) < 0.43);
        let mut open = histogram(&[0.1], &[1, 1]);
        (open.min, open.max) = (Some(0.05), Some(8.0));
        let shared = explicit(&open).unwrap();
        assert!(percentile(&shared, 1.0) > 0.04 && percentile(&shared, 100.0) > 0.09);
    }

    #[test]
    fn what_makes_no_sense_is_refused_or_bounded() {
        for (bounds, counts) in [
            (&[1.0, 1.0][..], &[1, 1, 1][..]),
            (&[2.0, 1.0], &[1, 1, 1]),
            (&[f64::NAN], &[1, 1]),
            (&[1.0], &[1]),
            (&[], &[1, 2]),
        ] {
            assert!(explicit(&histogram(bounds, counts)).is_none(), "{bounds:?} {counts:?}");
        }
        assert_eq!(total(&explicit(&histogram(&[], &[5])).unwrap()), 5);
        let wild = explicit(&histogram(&[f64::NEG_INFINITY, f64::INFINITY], &[1, u64::MAX, 1])).unwrap();
        assert!(wild.iter().count() < 1100);
        for scale in [i32::MIN, -11, 0, 20, i32::MAX] {
            for offset in [i32::MIN, -1, 0, i32::MAX] {
                let buckets = Buckets { offset, bucket_counts: vec![3; 1000] };
                let point = ExponentialHistogramDataPoint {
                    scale,
                    positive: Some(buckets.clone()),
                    negative: Some(buckets),
                    zero_count: u64::MAX,
                    ..ExponentialHistogramDataPoint::default()
                };
                let shared = exponential(&point);
                let positive: u64 =
                    shared.iter().filter(|(bucket, _)| *bucket > 0).map(|(_, count)| count).sum();
                assert!(positive <= 3000 && shared.iter().count() <= 1025, "{scale} {offset}");
            }
        }
    }

    #[test]
    fn powers_are_where_they_belong() {
        // Base 2: 1 to 2 s, 2 to 4 s, 4 to 8 s.
        let buckets = Buckets { offset: 0, bucket_counts: vec![10, 20, 10] };
        let point = ExponentialHistogramDataPoint {
            scale: 0,
            positive: Some(buckets),
            zero_count: 2,
            ..ExponentialHistogramDataPoint::default()
        };
        let shared = exponential(&point);
        assert_eq!(total(&shared), 42);
        let median = percentile(&shared, 50.0);
        assert!((2.8..3.1).contains(&median), "{median}");
        assert!(percentile(&shared, 100.0) < 8.3);
    }
}
