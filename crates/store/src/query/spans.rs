//! Spans of time by numbers.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// The spans that were met.
pub(crate) struct Spans {
    every: i64,
    /// How many spans after 1970 each is.
    numbers: Vec<i64>,
    places: HashMap<i64, u32, RandomState>,
    /// When the span of the last time begins and ends, and its place: most times are in the span of the one before.
    last: (i64, i64, u32),
}

impl Spans {
    /// Spans of so many nanoseconds.
    pub(crate) fn new(every: i64) -> Self {
        Spans { every: every.max(1), numbers: Vec::new(), places: HashMap::default(), last: (0, 0, 0) }
    }

    /// The place of the span in which a time lies.
    #[inline]
    pub(crate) fn of_time(&mut self, time: i64) -> u32 {
        let (from, to, place) = self.last;
        if time >= from && time < to { place } else { self.find(time) }
    }

    #[cold]
    fn find(&mut self, time: i64) -> u32 {
        let number = time.div_euclid(self.every);
        let place = self.of_number(number);
        let from = number.saturating_mul(self.every);
        self.last = (from, from.saturating_add(self.every), place);
        place
    }

    /// The place of a span that another one has met.
    pub(crate) fn of_number(&mut self, number: i64) -> u32 {
        let next = self.numbers.len() as u32;
        *self.places.entry(number).or_insert_with(|| {
            self.numbers.push(number);
            next
        })
    }

    pub(crate) fn numbers(&self) -> &[i64] {
        &self.numbers
    }

    /// When the span at a place begins.
    pub(crate) fn begin(&self, place: u32) -> i64 {
        self.numbers.get(place as usize).map_or(0, |number| number.saturating_mul(self.every))
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn memory(&self) -> usize {
        self.numbers.len() * 40
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_lies_in_its_span() {
        let mut spans = Spans::new(10);
        let times = [0, 9, 10, -1, -10, -11, 5, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 9];
        for time in times.into_iter().chain(times) {
            let place = spans.of_time(time);
            assert_eq!(spans.numbers()[place as usize], time.div_euclid(10), "{time}");
        }
        assert_eq!(spans.len(), 7);
        assert_eq!((spans.begin(1), spans.begin(2)), (10, -10));
    }
}
