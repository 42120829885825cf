use super::*;

const D: &Buckets = &Buckets::DURATIONS;

fn of(values: &[u64]) -> Histogram {
    let mut histogram = Histogram::default();
    values.iter().for_each(|value| histogram.record(D, *value));
    histogram
}

/// Bounds of a bucket of an exponential histogram.
fn bounds(scale: i8, index: i32) -> (f64, f64) {
    let base = 2f64.powf(2f64.powi(-i32::from(scale)));
    (base.powi(index), base.powi(index + 1))
}

#[test]
fn explicit_buckets_are_exact_at_their_bounds() {
    let cases: &[(u64, usize)] = &[
        (0, 0),
        (4_999_999, 0),
        (5_000_000, 0),
        (5_000_001, 1),
        (10_000_000, 1),
        (100_000_000, 5),
        (100_000_001, 6),
        (10_000_000_000, 13),
        (10_000_000_001, 14),
        (u64::MAX, 14),
    ];
    for (value, place) in cases {
        let histogram = of(&[*value]);
        assert_eq!(histogram.explicit(D).len(), 15);
        assert_eq!(histogram.explicit(D).iter().position(|count| *count == 1), Some(*place), "{value} ns");
    }
}

#[test]
fn bounds_within_a_doubling_are_the_doubles_below_them() {
    for (eighth, bits) in EIGHTHS.iter().enumerate() {
        let bound = f64::from_bits(1023 << 52 | bits);
        let next = f64::from_bits((1023 << 52 | bits) + 1);
        let power = |value: f64| (0..3).fold(value, |value, _| value * value) / 2f64.powi(eighth as i32);
        assert!(power(bound) <= 1.0 + 1e-14 && power(next) >= 1.0 - 1e-14, "2^({eighth}/8)");
        assert_eq!(finest_index(bound), eighth as i32 - 1, "{bound} is the end of its bucket");
        assert_eq!(finest_index(next), eighth as i32, "{next} is behind it");
    }
}

#[test]
fn every_value_lies_within_its_exponential_bucket() {
    let mut value = 1u64;
    while value < 1 << 50 {
        for value in [value, value + 1, value.next_power_of_two()] {
            let histogram = of(&[value]);
            let exponential = histogram.exponential();
            let (index, count) = exponential.buckets().next().expect("a bucket");
            let (low, high) = bounds(exponential.scale(), index);
            let seconds = value as f64 * 1e-9;
            assert!(
                low < seconds * (1.0 + 1e-12) && seconds <= high * (1.0 + 1e-12),
                "{value} ns in {low}..{high}"
            );
            assert_eq!((count, exponential.scale()), (1, 3));
        }
        value = value * 5 / 3 + 1;
    }
}

#[test]
fn wide_ranges_become_coarser_and_lose_nothing() {
    let values: Vec<u64> = (0..60).map(|power| 1u64 << power).chain([0, 0, 3, 5_000]).collect();
    let histogram = of(&values);
    let exponential = histogram.exponential();
    assert!(exponential.scale() < FINEST && exponential.counts.len() <= MOST_BUCKETS, "{exponential:?}");
    assert_eq!(exponential.zeros(), 2);
    let counted: u64 = exponential.buckets().map(|(_, count)| count).sum();
    assert_eq!(counted + exponential.zeros(), histogram.count());
    // As if it had been so coarse from the beginning.
    for (index, count) in exponential.buckets() {
        let there = |value: &&u64| {
            **value > 0 && finest_index(**value as f64 * 1e-9) >> (FINEST - exponential.scale()) == index
        };
        assert_eq!(values.iter().filter(there).count() as u64, count, "bucket {index}");
    }
    // In whatever order they come.
    let reversed: Vec<u64> = values.iter().rev().copied().collect();
    let other = of(&reversed);
    assert!(other.exponential().buckets().eq(exponential.buckets()));
}

#[test]
fn moments_are_those_of_the_values() {
    let histogram = of(&[2_000_000_000, 4_000_000_000, 4_000_000_000, 6_000_000_000]);
    assert_eq!(histogram.sum(D), 16.0);
    assert_eq!(histogram.mean(D), Some(4.0));
    assert!(histogram.deviation(D).is_some_and(|deviation| (deviation - 2f64.sqrt()).abs() < 1e-9));
    assert_eq!(histogram.range(D), Some((2.0, 6.0)));
    assert_eq!((of(&[]).mean(D), of(&[]).deviation(D), of(&[]).range(D)), (None, None, None));
    let same = of(&[1_234_567; 1000]);
    assert!(same.deviation(D).is_some_and(|deviation| deviation < 1e-10), "{:?}", same.deviation(D));
}

#[test]
fn the_greatest_values_do_no_harm() {
    let histogram = of(&[u64::MAX; 5]);
    assert_eq!(
        (histogram.count(), histogram.range(D).map(|(low, _)| low)),
        (5, Some(u64::MAX as f64 * 1e-9))
    );
    assert!(histogram.deviation(D).is_some_and(f64::is_finite));
}

fn spread(values: impl IntoIterator<Item = u64>) -> Exponential {
    let mut spread = Exponential::default();
    values.into_iter().for_each(|value| spread.record(value as f64));
    spread
}

#[test]
fn what_is_merged_is_as_if_it_had_been_counted_together() {
    let narrow = || (1..500u64).map(|value| 1_000_000 + value * 977);
    let wide = || (0..50).map(|power| 1u64 << power).chain([0, 0]);
    for (one, other) in [(spread(narrow()), spread(wide())), (spread(wide()), spread(narrow()))] {
        let mut merged = one;
        merged.merge(&other);
        let together = spread(narrow().chain(wide()));
        assert_eq!((merged.scale(), merged.zeros()), (together.scale(), 2));
        assert!(merged.buckets().eq(together.buckets()));
        merged.clear();
        assert_eq!((merged.scale(), merged.zeros(), merged.buckets().count()), (FINEST, 0, 0));
        assert_eq!(merged.quantile(0.5), None);
    }
}

#[test]
fn quantiles_are_within_half_a_bucket() {
    let mut values: Vec<u64> = Vec::new();
    let mut value = 1_u64;
    for _ in 0..10_000 {
        value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        values.push(1_000 + (value >> 33) % 1_000_000);
    }
    let spread = spread(values.iter().copied());
    values.sort_unstable();
    for percent in [1, 10, 50, 90, 95, 99, 100] {
        let exact = values[values.len() * percent / 100 - 1] as f64;
        let found = spread.quantile(percent as f64 / 100.0).expect("values");
        assert!((found / exact - 1.0).abs() <= 0.045, "{percent} %: {found}, not {exact}");
    }
    assert_eq!(self::spread([0, 0, 0, 8]).quantile(0.75), Some(0.0));
    assert_eq!(self::spread([]).quantile(0.5), None);
}

/// Each bucket of a spread lies within one bucket of both forms.
#[test]
fn a_spread_is_counted_as_its_values_would_be() {
    let near = |bound: &u32| [*bound, bound.saturating_add(1), bound.saturating_sub(1).max(1)];
    let values: Vec<u32> =
        model::sums::bounds().iter().flat_map(near).filter(|value| *value <= 64_000_000).collect();
    for bounds in [&[50_000, 250_000, 1_000_000][..], &[5_000_000, 10_000_000_000, 60_000_000_000]] {
        let buckets = Buckets { bounds, per_unit: 1e9 };
        let (mut one_by_one, mut merged) = (Histogram::default(), Histogram::default());
        for chunk in values.chunks(100) {
            let mut spread = Spread::default();
            chunk.iter().for_each(|value| spread.add(*value));
            merged.merge_spread(&buckets, &spread);
        }
        values.iter().for_each(|value| one_by_one.record(&buckets, u64::from(*value) * 1000));
        assert_eq!(merged.explicit(&buckets), one_by_one.explicit(&buckets));
        let told = |histogram: &Histogram| {
            let numbers = (histogram.count(), histogram.range(&buckets), histogram.deviation(&buckets));
            (numbers, histogram.exponential().scale(), histogram.exponential().buckets().collect::<Vec<_>>())
        };
        assert_eq!(told(&merged), told(&one_by_one));
    }
    let mut none = Histogram::default();
    none.merge_spread(D, &Spread::default());
    assert_eq!((none.count(), none.range(D)), (0, None));
}
