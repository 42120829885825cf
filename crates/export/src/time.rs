//! Times and durations as decimal text, from integers alone.

const SECOND: u64 = 1_000_000_000;

/// Appends nanoseconds since 1970-01-01 UTC as `2026-11-20T08:00:00.123456789Z`.
pub fn rfc3339(nanoseconds: u64, out: &mut Vec<u8>) {
    Times::default().rfc3339(nanoseconds, out);
}

/// Writes times that nearly always are of the second of the one before.
#[derive(Debug)]
pub(crate) struct Times {
    second: u64,
    text: [u8; 30],
}

impl Default for Times {
    fn default() -> Self {
        Times { second: 0, text: *b"1970-01-01T00:00:00.000000000Z" }
    }
}

impl Times {
    /// As [`rfc3339`].
    pub(crate) fn rfc3339(&mut self, nanoseconds: u64, out: &mut Vec<u8>) {
        let second = nanoseconds / SECOND;
        if self.second != second {
            self.second = second;
            self.begin(second);
        }
        digits(nanoseconds % SECOND, &mut self.text[20..29]);
        out.extend_from_slice(&self.text);
    }

    fn begin(&mut self, second: u64) {
        let (year, month, day) = date(second / 86_400);
        let of_day = second % 86_400;
        let text = &mut self.text;
        digits(year, &mut text[0..4]);
        digits(month, &mut text[5..7]);
        digits(day, &mut text[8..10]);
        digits(of_day / 3600, &mut text[11..13]);
        digits(of_day / 60 % 60, &mut text[14..16]);
        digits(of_day % 60, &mut text[17..19]);
    }
}

/// Appends nanoseconds as seconds, with no more digits than are needed: `0.000213`, `2`.
pub fn seconds(nanoseconds: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(nanoseconds / SECOND).as_bytes());
    let fraction = nanoseconds % SECOND;
    if fraction == 0 {
        return;
    }
    let mut text = *b".000000000";
    digits(fraction, &mut text[1..]);
    let end = text.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    out.extend_from_slice(&text[..end]);
}

fn digits(mut number: u64, text: &mut [u8]) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`: years begin in
/// March, so that the day that leap years add comes last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339() {
        let cases = [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400 * SECOND, "2000-02-29T00:00:00.000000000Z"),
            (1_795_161_600 * SECOND + 123_456_789, "2026-11-20T08:00:00.123456789Z"),
            (1_798_761_599 * SECOND + 1, "2026-12-31T23:59:59.000000001Z"),
            (4_107_542_400 * SECOND, "2100-03-01T00:00:00.000000000Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551615Z"),
        ];
        for (nanoseconds, expected) in cases {
            let mut out = Vec::new();
            rfc3339(nanoseconds, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn a_time_does_not_depend_on_the_one_before() {
        let mut times = Times::default();
        let (mut together, mut apart) = (Vec::new(), Vec::new());
        for nanoseconds in [5, SECOND + 999_999_999, SECOND + 7, 86_400 * SECOND, SECOND, 0] {
            times.rfc3339(nanoseconds, &mut together);
            rfc3339(nanoseconds, &mut apart);
            assert_eq!(together, apart);
        }
    }

    #[test]
    fn durations_are_exact() {
        let cases = [
            (0, "0"),
            (1, "0.000000001"),
            (213_000, "0.000213"),
            (100_000_000, "0.1"),
            (SECOND, "1"),
            (10 * SECOND + 10, "10.00000001"),
            (u64::MAX, "18446744073.709551615"),
        ];
        for (nanoseconds, expected) in cases {
            let mut out = Vec::new();
            seconds(nanoseconds, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
