//! Which batches of a sender were stored, so that one that is sent again is not stored twice.

use serde::{Deserialize, Serialize};

/// The greatest number that was stored, and which of the 64 before it were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) last: u64,
    /// Bit `n` is set where `last - 1 - n` was stored.
    before: u64,
}

/// What is known of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    New,
    Stored,
    /// So old that nobody knows.
    TooOld,
}

impl Seen {
    pub(crate) fn first(sequence: u64) -> Self {
        Seen { last: sequence, before: 0 }
    }

    pub(crate) fn knows(self, sequence: u64) -> Known {
        match self.last.checked_sub(sequence) {
            None => Known::New,
            Some(0) => Known::Stored,
            Some(age @ 1..=64) if self.before >> (age - 1) & 1 == 1 => Known::Stored,
            Some(1..=64) => Known::New,
            Some(_) => Known::TooOld,
        }
    }

    pub(crate) fn add(&mut self, sequence: u64) {
        if sequence > self.last {
            let step = sequence - self.last;
            let shifted = self.before.checked_shl(u32::try_from(step).unwrap_or(64)).unwrap_or(0);
            self.before = if step <= 64 { shifted | 1 << (step - 1) } else { 0 };
            self.last = sequence;
        } else if let age @ 1..=64 = self.last - sequence {
            self.before |= 1 << (age - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_once_it_was_added() {
        let mut seen = Seen::first(10);
        for sequence in [12, 11, 75, 13, 200] {
            assert_eq!(seen.knows(sequence), Known::New, "{sequence}");
            seen.add(sequence);
            assert_eq!(seen.knows(sequence), Known::Stored, "{sequence}");
        }
        assert_eq!(seen.knows(199), Known::New);
        assert_eq!(seen.knows(75), Known::TooOld);
        let mut seen = Seen::first(0);
        (1..=64).for_each(|sequence| seen.add(sequence));
        (0..=64).for_each(|sequence| assert_eq!(seen.knows(sequence), Known::Stored, "{sequence}"));
        assert_eq!(seen.knows(65), Known::New);
        seen.add(u64::MAX);
        assert_eq!(seen.knows(64), Known::TooOld);
    }
}
