//! Durations and sizes, as people write and read them.

use std::fmt;

/// Nanoseconds, shown with two or three digits and a unit: `213 µs`, `1.2 ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub u64);

/// Bytes, shown with two or three digits and a decimal unit: `112 B`, `5.1 kB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A count, its thousands set apart: `12,345`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

/// Why a text is no duration or size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitError {
    /// It does not begin with a number.
    Number(String),
    /// The unit is none that is known.
    Unit {
        /// The unit as it was given.
        given: String,
        /// Those that are known.
        known: &'static str,
    },
    /// It is more than can be counted.
    TooLarge(String),
}

impl std::error::Error for UnitError {}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnitError::Number(given) => write!(f, "'{given}' does not begin with a number, as in 1.5ms"),
            UnitError::Unit { given, known } => write!(f, "unknown unit '{given}'; known are {known}"),
            UnitError::TooLarge(given) => write!(f, "'{given}' is too large"),
        }
    }
}

/// Reads a duration: a number with `ns`, `us` (or `µs`), `ms`, `s`, `m` or `h`; a bare number is seconds.
///
/// # Errors
///
/// When it is no such text, or more than 584 years.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    const KNOWN: &str = "ns, us, ms, s, m and h";
    let scale = |unit: &str| {
        Some(match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "" | "s" => SECOND,
            "m" | "min" => 60 * SECOND,
            "h" => 3600 * SECOND,
            _ => return None,
        })
    };
    scaled(text, scale, KNOWN).map(Duration)
}

/// Reads a size: a number with `B`, `kB`, `MB`, `GB` (powers of 1000) or `KiB`, `MiB`, `GiB` (of 1024); a
/// bare number is bytes.
///
/// # Errors
///
/// When it is no such text, or more than 2^64 bytes.
pub fn parse_size(text: &str) -> Result<Size, UnitError> {
    const KNOWN: &str = "B, kB, MB, GB, KiB, MiB and GiB";
    let scale = |unit: &str| {
        Some(match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" => 1_000,
            "m" | "mb" => 1_000_000,
            "g" | "gb" => 1_000_000_000,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            _ => return None,
        })
    };
    scaled(text, scale, KNOWN).map(Size)
}

const SECOND: u64 = 1_000_000_000;

fn scaled(text: &str, scale: impl Fn(&str) -> Option<u64>, known: &'static str) -> Result<u64, UnitError> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().map_err(|_| UnitError::Number(text.to_owned()))?;
    let unit = unit.trim_start();
    let scale = scale(unit).ok_or_else(|| UnitError::Unit { given: unit.to_owned(), known })?;
    let value = (number * scale as f64).round();
    if value >= u64::MAX as f64 {
        return Err(UnitError::TooLarge(text.to_owned()));
    }
    Ok(value as u64)
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: &[(u64, &str)] = &[
            (1, "ns"),
            (1_000, "µs"),
            (1_000_000, "ms"),
            (SECOND, "s"),
            (60 * SECOND, "min"),
            (3600 * SECOND, "h"),
        ];
        short(self.0, UNITS, f)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: &[(u64, &str)] =
            &[(1, "B"), (1_000, "kB"), (1_000_000, "MB"), (1_000_000_000, "GB"), (1_000_000_000_000, "TB")];
        short(self.0, UNITS, f)
    }
}

/// One decimal below ten, none from there on, in the largest unit of which there is at least one.
fn short(value: u64, units: &[(u64, &str)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let value = u128::from(value);
    let mut units = units.iter().map(|(scale, unit)| (u128::from(*scale), unit)).peekable();
    while let Some((scale, unit)) = units.next() {
        let whole = (value + scale / 2) / scale;
        // What rounds up to one of the next unit is written in that.
        if units.peek().is_some_and(|(next, _)| whole * scale >= *next) {
            continue;
        }
        let tenths = (value * 10 + scale / 2) / scale;
        if scale == 1 || tenths >= 100 {
            return write!(f, "{whole} {unit}");
        }
        return write!(f, "{}.{} {unit}", tenths / 10, tenths % 10);
    }
    Ok(())
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.char_indices() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let cases = [
            ("1ms", 1_000_000),
            ("1.5ms", 1_500_000),
            ("0.1 us", 100),
            ("10µs", 10_000),
            ("10μs", 10_000),
            ("7ns", 7),
            ("2", 2 * SECOND),
            ("0.25", SECOND / 4),
            ("2s", 2 * SECOND),
            ("3m", 180 * SECOND),
            ("1h", 3600 * SECOND),
            ("0", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_duration(text), Ok(Duration(expected)), "{text}");
        }
    }

    #[test]
    fn mistakes_are_explained() {
        let cases = [
            ("", "'' does not begin with a number, as in 1.5ms"),
            ("ms", "'ms' does not begin with a number, as in 1.5ms"),
            ("-1s", "'-1s' does not begin with a number, as in 1.5ms"),
            ("1.2.3s", "'1.2.3s' does not begin with a number, as in 1.5ms"),
            ("1d", "unknown unit 'd'; known are ns, us, ms, s, m and h"),
            ("999999999h", "'999999999h' is too large"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_duration(text).unwrap_err().to_string(), expected, "{text}");
        }
        assert!(parse_size("1 mile").unwrap_err().to_string().starts_with("unknown unit 'mile'"));
    }

    #[test]
    fn sizes_are_read() {
        for (text, expected) in [("112", 112), ("5kB", 5000), ("1.5 MiB", 1_572_864), ("2G", 2_000_000_000)] {
            assert_eq!(parse_size(text), Ok(Size(expected)), "{text}");
        }
    }

    #[test]
    fn durations_are_short() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.0 µs"),
            (9_949, "9.9 µs"),
            (9_950, "10 µs"),
            (213_456, "213 µs"),
            (999_499, "999 µs"),
            (999_500, "1.0 ms"),
            (1_234_567, "1.2 ms"),
            (59_499_999_999, "59 s"),
            (59_500_000_000, "1.0 min"),
            (90 * SECOND, "1.5 min"),
            (7200 * SECOND, "2.0 h"),
            (u64::MAX, "5124096 h"),
        ];
        for (nanoseconds, expected) in cases {
            assert_eq!(Duration(nanoseconds).to_string(), expected);
        }
    }

    #[test]
    fn sizes_are_short() {
        let cases =
            [(0, "0 B"), (112, "112 B"), (5120, "5.1 kB"), (999_999, "1.0 MB"), (u64::MAX, "18446744 TB")];
        for (bytes, expected) in cases {
            assert_eq!(Size(bytes).to_string(), expected);
        }
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        for (count, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(Count(count).to_string(), expected);
        }
    }
}
