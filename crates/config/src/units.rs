//! Durations, sizes and percentages, as people write and read them.

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
    /// It has no unit, where one is needed.
    NoUnit {
        /// The whole text.
        given: String,
        /// The units that are known.
        known: &'static str,
    },
    /// The unit is none that is known.
    Unit {
        /// The unit as it was given.
        given: String,
        /// Those that are known.
        known: &'static str,
    },
    /// It is more than can be counted.
    TooLarge(String),
    /// It is no CPU time.
    NoCpu(String),
}

impl std::error::Error for UnitError {}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnitError::Number(given) => write!(f, "'{given}' does not begin with a number"),
            UnitError::NoUnit { given, known } => write!(f, "'{given}' has no unit, such as {known}"),
            UnitError::Unit { given, known } => write!(f, "unknown unit '{given}'; known are {known}"),
            UnitError::TooLarge(given) => write!(f, "'{given}' is too large"),
            UnitError::NoCpu(text) => write!(
                f,
                "'{text}' is neither a part of the host's CPU time, such as 5%, nor a number of processors, such as 0.5"
            ),
        }
    }
}

/// Reads a duration: a number with `ns`, `us` (or `µs`), `ms`, `s`, `m`, `h` or `d`; a bare number is seconds.
///
/// # Errors
///
/// When it is no such text, or more than 584 years.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    const KNOWN: &str = "ns, us, ms, s, m (or min), h and d";
    let scale = |unit: &str| {
        Some(match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "" | "s" => SECOND,
            "m" | "min" => 60 * SECOND,
            "h" => 3600 * SECOND,
            "d" => 86_400 * SECOND,
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
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + part.len() == 0 || part.contains('.') {
        return Err(UnitError::Number(text.to_owned()));
    }
    let unit = unit.trim_start();
    let scale = scale(unit).ok_or_else(|| match unit {
        "" => UnitError::NoUnit { given: text.to_owned(), known },
        _ => UnitError::Unit { given: unit.to_owned(), known },
    })?;
    let too_large = || UnitError::TooLarge(text.to_owned());
    // In whole numbers, so that what is printed exactly is read as the same again.
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().map_err(|_| too_large())? };
    let part = &part[..part.len().min(MOST_DECIMALS)];
    let parts = 10_u128.pow(part.len() as u32);
    let decimals = if part.is_empty() { 0 } else { part.parse::<u128>().map_err(|_| too_large())? };
    let scale = u128::from(scale);
    let value = u128::from(whole) * scale + (decimals * scale + parts / 2) / parts;
    u64::try_from(value).map_err(|_| too_large())
}

/// More of them change nothing: a unit is less than 10^13 of the smallest.
const MOST_DECIMALS: usize = 18;

/// A value in a unit of which it is a whole number, so that what is read from it is the same value.
fn exact(value: u64, units: &[(u64, &str)]) -> String {
    let unit = units.iter().filter(|(scale, _)| value >= *scale && value.is_multiple_of(*scale));
    // The shortest; of two such the decimal one, which is what people mean by 256kB.
    let length = |scale: u64| (value / scale).checked_ilog10().unwrap_or(0);
    let binary = |scale: u64| scale > 1 && scale.is_power_of_two();
    let best = unit.min_by_key(|(scale, _)| (length(*scale), binary(*scale), value / scale));
    let (scale, name) = best.copied().unwrap_or((1, ""));
    format!("{}{name}", value / scale)
}

impl Duration {
    /// As it can be read again, without loss: `90s`, `1500us`.
    pub fn exact(self) -> String {
        const UNITS: &[(u64, &str)] = &[
            (1, "ns"),
            (1_000, "us"),
            (1_000_000, "ms"),
            (SECOND, "s"),
            (60 * SECOND, "m"),
            (3600 * SECOND, "h"),
        ];
        if self.0 == 0 { "0s".to_owned() } else { exact(self.0, UNITS) }
    }
}

impl Size {
    /// As it can be read again, without loss: `8MiB`, `256kB`, `1001B`.
    pub fn exact(self) -> String {
        const UNITS: &[(u64, &str)] = &[
            (1, "B"),
            (1_000, "kB"),
            (1_000_000, "MB"),
            (1_000_000_000, "GB"),
            (1 << 10, "KiB"),
            (1 << 20, "MiB"),
            (1 << 30, "GiB"),
        ];
        if self.0 == 0 { "0B".to_owned() } else { exact(self.0, UNITS) }
    }
}

/// A part of a whole, in hundredths of a percent: `12.5%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(pub u64);

impl Percent {
    /// The part of one.
    pub fn part(self) -> f64 {
        self.0 as f64 / 10_000.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 100, self.0 % 100);
        match (part, part % 10) {
            (0, _) => write!(f, "{whole}%"),
            (_, 0) => write!(f, "{whole}.{}%", part / 10),
            _ => write!(f, "{whole}.{part:02}%"),
        }
    }
}

/// Reads a percentage, which has to have its sign: `10` may be meant as a part of one hundred or as ten times the whole.
///
/// # Errors
///
/// When it is no such text, or too large.
pub fn parse_percent(text: &str) -> Result<Percent, UnitError> {
    let scale = |unit: &str| (unit == "%").then_some(100);
    scaled(text, scale, "%").map(Percent)
}

/// CPU time that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cpu {
    /// A part of what all processors of the host have.
    Part(Percent),
    /// So many thousandths of one processor.
    Processors(u64),
}

impl Cpu {
    /// Processors, on a host that has so many.
    pub fn of(self, processors: usize) -> f64 {
        match self {
            Cpu::Part(percent) => percent.part() * processors as f64,
            Cpu::Processors(thousandths) => thousandths as f64 / 1000.0,
        }
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cpu::Part(percent) => percent.fmt(f),
            Cpu::Processors(thousandths) => {
                let (whole, part) = (thousandths / 1000, format!("{:03}", thousandths % 1000));
                match part.trim_end_matches('0') {
                    "" => write!(f, "{whole}"),
                    part => write!(f, "{whole}.{part}"),
                }
            }
        }
    }
}

/// Reads `5%` (of the host) or `0.5` (processors).
///
/// # Errors
///
/// What is wrong with it.
pub fn parse_cpu(text: &str) -> Result<Cpu, UnitError> {
    let cpu = match text.trim_end().ends_with('%') {
        true => parse_percent(text).map(Cpu::Part),
        false => scaled(text, |unit| unit.is_empty().then_some(1000), "%").map(Cpu::Processors),
    };
    cpu.map_err(|_| UnitError::NoCpu(text.to_owned()))
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
            (".5s", SECOND / 2),
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
    fn exact_texts_are_read_as_the_same() {
        let mut value = 1_u64;
        for _ in 0..5_000 {
            // Any numbers will do; those with many zeros at the end have larger units.
            value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            for value in
                [value, value >> 20 << 10, value % 100_000 * 1_000_000, value % 100 * 3600 * SECOND, 0]
            {
                assert_eq!(parse_duration(&Duration(value).exact()), Ok(Duration(value)));
                assert_eq!(parse_size(&Size(value).exact()), Ok(Size(value)));
                let percent = Percent(value / 100);
                assert_eq!(parse_percent(&percent.to_string()), Ok(percent));
            }
        }
        let sizes = [(8 << 20, "8MiB"), (256_000, "256kB"), (1001, "1001B"), (1 << 30, "1GiB"), (0, "0B")];
        for (bytes, text) in sizes {
            assert_eq!(Size(bytes).exact(), text);
        }
        assert_eq!(Duration(90 * SECOND).exact(), "90s");
        assert_eq!(Percent(1250).to_string(), "12.5%");
    }

    #[test]
    fn a_percentage_has_its_sign() {
        for (text, expected) in [("10%", 1000), ("0.05 %", 5), ("200%", 20_000)] {
            assert_eq!(parse_percent(text), Ok(Percent(expected)), "{text}");
        }
        assert_eq!(parse_percent("10").unwrap_err().to_string(), "'10' has no unit, such as %");
        assert!(parse_percent("ten").is_err());
    }

    #[test]
    fn cpu_time_is_a_part_of_the_host_or_processors() {
        let cases = [
            ("5%", "5%", 0.4),
            ("12.5 %", "12.5%", 1.0),
            ("0.5", "0.5", 0.5),
            ("2", "2", 2.0),
            ("1.250", "1.25", 1.25),
            ("0.001", "0.001", 0.001),
        ];
        for (text, shown, processors) in cases {
            let cpu = parse_cpu(text).expect(text);
            assert_eq!((cpu.to_string().as_str(), cpu.of(8)), (shown, processors), "{text}");
            assert_eq!(parse_cpu(shown), Ok(cpu), "{text}");
        }
        for text in ["", "%", "half", "-1", "1e3", "0.5 cores", "inf", "1.2.3", "."] {
            let told = parse_cpu(text).unwrap_err().to_string();
            assert!(told.contains("such as 5%") && told.contains(text), "{text}: {told}");
        }
    }

    #[test]
    fn mistakes_are_explained() {
        let cases = [
            ("", "'' does not begin with a number"),
            ("ms", "'ms' does not begin with a number"),
            ("-1s", "'-1s' does not begin with a number"),
            ("1.2.3s", "'1.2.3s' does not begin with a number"),
            ("1w", "unknown unit 'w'; known are ns, us, ms, s, m (or min), h and d"),
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
