//! The memory of a query: what all its threads hold together.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Error;

/// What a query may hold, and what it holds.
pub(crate) struct Meter {
    limit: usize,
    used: AtomicUsize,
}

/// What one of its parts holds. It is given back when this goes.
pub(crate) struct Held<'a> {
    meter: &'a Meter,
    bytes: usize,
}

impl Meter {
    pub(crate) fn new(limit: usize) -> Self {
        Meter { limit, used: AtomicUsize::new(0) }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn held(&self) -> Held<'_> {
        Held { meter: self, bytes: 0 }
    }
}

impl Held<'_> {
    /// Holds so many bytes from now on.
    pub(crate) fn set(&mut self, bytes: usize) -> Result<(), Error> {
        let before = std::mem::replace(&mut self.bytes, bytes);
        let used = &self.meter.used;
        let now = match bytes.checked_sub(before) {
            Some(more) => used.fetch_add(more, Ordering::Relaxed).saturating_add(more),
            None => used.fetch_sub(before - bytes, Ordering::Relaxed).saturating_sub(before - bytes),
        };
        if now > self.meter.limit && bytes > before {
            return Err(Error::TooMuch { limit: self.meter.limit });
        }
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.meter.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_together_stay_below_the_limit() {
        let meter = Meter::new(100);
        let (mut one, mut other) = (meter.held(), meter.held());
        one.set(60).unwrap();
        other.set(40).unwrap();
        assert!(matches!(one.set(61), Err(Error::TooMuch { limit: 100 })));
        one.set(10).unwrap();
        other.set(90).unwrap();
        drop(one);
        other.set(100).unwrap();
        assert!(matches!(other.set(101), Err(Error::TooMuch { .. })));
        drop(other);
        assert_eq!(meter.used.load(Ordering::Relaxed), 0);
    }
}
