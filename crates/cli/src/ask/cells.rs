//! Figures as people read them.

use server::api::Figures;

use crate::units::{Count, Duration};

/// Seconds: `1.42 ms`.
pub(super) fn seconds(seconds: f64) -> String {
    Duration((seconds.max(0.0) * 1e9) as u64).to_string()
}

/// The same, or nothing.
pub(super) fn maybe(value: Option<f64>) -> String {
    value.map(seconds).unwrap_or_default()
}

/// A rate: `310 /s`.
pub(super) fn rate(rate: f64) -> String {
    match rate {
        rate if rate <= 0.0 => String::new(),
        rate if rate >= 100.0 => format!("{} /s", Count(rate.round() as u64)),
        rate if rate >= 10.0 => format!("{rate:.1} /s"),
        rate => format!("{rate:.2} /s"),
    }
}

/// A part of a whole: `2.1 %`; nothing where it is none.
pub(super) fn part(part: f64) -> String {
    match part * 100.0 {
        percent if percent <= 0.0 => String::new(),
        percent if percent < 0.01 => "< 0.01 %".into(),
        percent if percent < 10.0 => format!("{percent:.2} %"),
        percent => format!("{percent:.1} %"),
    }
}

/// Rate, errors and percentiles.
pub(super) fn figures(figures: &Figures) -> [String; 5] {
    [
        rate(figures.rate),
        part(figures.error_ratio),
        maybe(figures.p50),
        maybe(figures.p95),
        maybe(figures.p99),
    ]
}

/// The time of day: `08:00:00.123`, in UTC as the server tells it.
pub(super) fn of_day(time: &str) -> String {
    let of_day = time.split_once('T').map_or(time, |(_, of_day)| of_day).trim_end_matches('Z');
    of_day.chars().take("08:00:00.123".len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(
            [rate(0.0), rate(0.123), rate(31.04), rate(31_040.0)],
            ["", "0.12 /s", "31.0 /s", "31,040 /s"]
        );
        assert_eq!([part(0.0), part(0.00001), part(0.0123), part(0.5)], ["", "< 0.01 %", "1.23 %", "50.0 %"]);
        assert_eq!(of_day("2026-11-20T08:00:00.123456789Z"), "08:00:00.123");
        assert_eq!([seconds(0.00142), maybe(None)], ["1.4 ms", ""]);
    }
}
