//! Spans of time by numbers.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Spans that were met lately.
const LATELY: usize = 256;

/// The spans that were met.
pub(crate) struct Spans {
    every: u64,
    /// 2^64 parts of a span, rounded down: to multiply by it is faster than to divide.
    reciprocal: u64,
    /// How many spans after 1970 each is.
    numbers: Vec<i64>,
    places: HashMap<i64, u32, RandomState>,
    /// Number and place, each where it follows from the number: times come in any order, but from few spans.
    lately: Box<[(i64, u32); LATELY]>,
}

impl Spans {
    /// Spans of so many nanoseconds.
    pub(crate) fn new(every: i64) -> Self {
        let every = every.max(1) as u64;
        Spans {
            every,
            reciprocal: u64::MAX / every,
            numbers: Vec::new(),
            places: HashMap::default(),
            lately: Box::new([(i64::MIN, 0); LATELY]),
        }
    }

    /// How many spans after 1970 that of a time is.
    #[inline]
    fn number(&self, time: i64) -> i64 {
        let Ok(time) = u64::try_from(time) else { return time.div_euclid(self.every as i64) };
        let near = ((u128::from(time) * u128::from(self.reciprocal)) >> 64) as u64;
        // It is the number, or 1 too small.
        (near + u64::from(time - near * self.every >= self.every)) as i64
    }

    /// The place of the span in which a time lies.
    #[inline]
    pub(crate) fn of_time(&mut self, time: i64) -> u32 {
        let number = self.number(time);
        match self.lately[number as usize % LATELY] {
            (same, place) if same == number && number != i64::MIN => place,
            _ => self.of_number(number),
        }
    }

    /// The place of a span that another one has met.
    pub(crate) fn of_number(&mut self, number: i64) -> u32 {
        let next = self.numbers.len() as u32;
        let place = *self.places.entry(number).or_insert_with(|| {
            self.numbers.push(number);
            next
        });
        self.lately[number as usize % LATELY] = (number, place);
        place
    }

    pub(crate) fn numbers(&self) -> &[i64] {
        &self.numbers
    }

    /// When the span at a place begins.
    pub(crate) fn begin(&self, place: u32) -> i64 {
        self.numbers.get(place as usize).map_or(0, |number| number.saturating_mul(self.every as i64))
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn memory(&self) -> usize {
        self.numbers.len() * 40 + LATELY * size_of::<(i64, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_lies_in_its_span() {
        let times = [0, 9, 10, -1, -10, -11, 5, i64::MAX, i64::MIN, i64::MAX - 1, 1_700_000_000_123_456_789];
        for every in [1, 2, 3, 7, 10, 1 << 20, 60_000_000_000, i64::MAX - 1, i64::MAX] {
            let mut spans = Spans::new(every);
            let near = (1..50).flat_map(|number| {
                let begin = every.saturating_mul(number * number);
                [begin.saturating_sub(1), begin, begin.saturating_add(1)]
            });
            for time in times.into_iter().chain(near).chain(times) {
                let place = spans.of_time(time);
                assert_eq!(spans.numbers()[place as usize], time.div_euclid(every), "{time} by {every}");
            }
        }
        let mut spans = Spans::new(10);
        let places = [25, -1, 29].map(|time| spans.of_time(time));
        assert_eq!((places, spans.len()), ([0, 1, 0], 2));
        assert_eq!((spans.begin(0), spans.begin(1)), (20, -10));
    }
}
