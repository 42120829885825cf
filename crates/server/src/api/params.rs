//! What is said beside a path: the time and the filter.

use std::time::{SystemTime, UNIX_EPOCH};

use schema::Table;
use schema::query::Filter;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::problem::{Kind, Problem};

const SECOND: i64 = 1_000_000_000;
/// What is meant where nothing is said.
const USUAL: i64 = 15 * 60 * SECOND;

/// The time that is asked about, and which requests are meant.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// From when: RFC 3339, seconds since 1970, or before now: `-15m` (also `s`, `h`, `d`). 15 minutes before `to` where nothing is said.
    pub(super) from: Option<String>,
    /// Until when, in the same forms; `now` where nothing is said.
    pub(super) to: Option<String>,
    /// Which requests: `service = shop and duration > 50ms`; see docs/api.md.
    pub(super) filter: Option<String>,
}

/// A time: from and to in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) now: i64,
}

/// The time: nanoseconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

pub(super) fn wrong(parameter: &'static str, why: impl std::fmt::Display) -> Problem {
    Problem::new(Kind::InvalidRequest, format!("`{parameter}`: {why}")).with("parameter", parameter)
}

impl Asked {
    /// The time that is meant.
    pub(super) fn span(&self) -> Result<Span, Problem> {
        let now = now();
        let read =
            |name, text: &Option<String>| text.as_deref().map(|text| time(name, text, now)).transpose();
        let to = read("to", &self.to)?.unwrap_or(now);
        let from = read("from", &self.from)?.unwrap_or(to.saturating_sub(USUAL));
        if from >= to {
            return Err(wrong("to", "does not lie behind `from`"));
        }
        Ok(Span { from, to, now })
    }

    /// The rows of a table that are meant.
    pub(super) fn filter(&self, table: Table) -> Result<Filter, Problem> {
        filter("filter", self.filter.as_deref(), table)
    }

    /// The table with least rows that can tell: sums where the filter is about what those have.
    pub(super) fn summed(&self) -> Result<(Table, Filter), Problem> {
        let filter = self.filter(Table::Requests)?;
        let mut known = true;
        filter.fields(&mut |field| known &= field != "duration" && Table::Edges.field(field).is_some());
        Ok((if known { Table::Edges } else { Table::Requests }, filter))
    }
}

/// Reads a filter.
pub(super) fn filter(parameter: &'static str, text: Option<&str>, table: Table) -> Result<Filter, Problem> {
    Filter::parse(table, text.unwrap_or_default()).map_err(|invalid| wrong(parameter, invalid.why))
}

/// Names between commas.
pub(super) fn fields(
    parameter: &'static str,
    text: Option<&str>,
    usual: &[&str],
    table: Table,
) -> Result<Vec<String>, Problem> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(usual.iter().map(|field| (*field).to_owned()).collect());
    };
    let named = |name: &str| match table.field_named(name.trim()) {
        Some(field) => Ok(field.to_owned()),
        None => Err(wrong(parameter, format_args!("`{table}` has no field `{}`", name.trim()))),
    };
    text.split(',').map(named).collect()
}

/// A number within bounds.
pub(super) fn limit(given: Option<usize>, usual: usize, most: usize) -> Result<usize, Problem> {
    match given.unwrap_or(usual) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(wrong("limit", format_args!("is not between 1 and {most}"))),
    }
}

fn time(name: &'static str, text: &str, now: i64) -> Result<i64, Problem> {
    let text = text.trim();
    if text == "now" {
        return Ok(now);
    }
    if let Some(before) = text.strip_prefix('-')
        && let Some(length) = length(before)
    {
        return Ok(now.saturating_sub(length));
    }
    if let Ok(time) = chrono::DateTime::parse_from_rfc3339(text) {
        return time.timestamp_nanos_opt().ok_or_else(|| wrong(name, "lies too far away"));
    }
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..9e9).contains(&seconds) => Ok((seconds * 1e9) as i64),
        _ => Err(wrong(
            name,
            format_args!("`{text}` is no time, such as `-15m`, `2026-11-20T08:00:00Z` or seconds since 1970"),
        )),
    }
}

/// A length of time: `15m`.
pub(super) fn length(text: &str) -> Option<i64> {
    let begin = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(begin);
    let unit = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit)?.checked_mul(SECOND)
}

impl Span {
    /// The next longer one that consists of whole spans of sums, whose length goes by its own: so that they need not be made of the
    /// requests.
    pub(super) fn aligned(self) -> Span {
        let grain = match self.to.saturating_sub(self.from) / SECOND {
            0..300 => SECOND,
            300..900 => 10 * SECOND,
            900..172_800 => 60 * SECOND,
            _ => 3600 * SECOND,
        };
        self.by(grain)
    }

    /// The next longer one with ends at multiples of `grain`.
    pub(super) fn by(self, grain: i64) -> Span {
        let from = self.from.div_euclid(grain).saturating_mul(grain);
        let to = self.to.saturating_add(grain - 1).div_euclid(grain).saturating_mul(grain);
        Span { from, to, now: self.now }
    }

    /// The part of it that has passed: seconds.
    pub(super) fn seconds(self) -> f64 {
        ((self.to.min(self.now).saturating_sub(self.from)) as f64 / 1e9).max(1e-3)
    }

    /// A length for points of a series, so that there are `points` of them or fewer: nanoseconds.
    pub(super) fn step(self, points: i64) -> i64 {
        const STEPS: [i64; 14] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 3 * 3600, 86_400];
        let least = self.to.saturating_sub(self.from) / points.max(1);
        STEPS.into_iter().map(|step| step * SECOND).find(|step| *step >= least).unwrap_or(7 * 86_400 * SECOND)
    }

    pub(super) fn begin(self) -> String {
        rfc3339(self.from)
    }

    pub(super) fn end(self) -> String {
        rfc3339(self.to)
    }
}

/// Nanoseconds since 1970 as people and programs read them.
pub(super) fn rfc3339(time: i64) -> String {
    chrono::DateTime::from_timestamp_nanos(time).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000 * SECOND + 5;

    #[test]
    fn times_are_read_in_all_forms() {
        let cases = [
            ("now", NOW),
            ("-15m", NOW - 900 * SECOND),
            ("-2h", NOW - 7200 * SECOND),
            ("-7d", NOW - 7 * 86_400 * SECOND),
            ("1800000000", 1_800_000_000 * SECOND),
            ("1800000000.5", 1_800_000_000 * SECOND + 500_000_000),
            ("2026-11-20T08:00:00Z", 1_795_161_600 * SECOND),
            ("2026-11-20T10:00:00.25+02:00", 1_795_161_600 * SECOND + 250_000_000),
        ];
        for (text, expected) in cases {
            assert_eq!(time("from", text, NOW).ok(), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "-15", "-m", "15m", "1e30", "NaN", "-9999999999999999h", "2026-11-20"] {
            assert!(time("from", text, NOW).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_made_of_whole_sums() {
        let minutes = |minutes: i64| Span { from: NOW - minutes * 60 * SECOND, to: NOW, now: NOW };
        for (length, grain) in [(1, 1), (6, 10), (15, 60), (60, 60), (60 * 24 * 3, 3600)] {
            let span = minutes(length).aligned();
            assert_eq!((span.from % (grain * SECOND), span.to % (grain * SECOND)), (0, 0), "{length}");
            assert!(span.from <= NOW - length * 60 * SECOND && span.to >= NOW, "{length}");
        }
        let hour = minutes(60).aligned();
        assert!(
            hour.seconds() >= 3600.0 && hour.seconds() < 3661.0,
            "what is yet to come is no time: {}",
            hour.seconds()
        );
        assert_eq!(minutes(60).step(60), 60 * SECOND);
        assert_eq!(minutes(15).step(60), 20 * SECOND);
    }

    #[test]
    fn sums_are_asked_where_they_can_tell() {
        let asked = |text: &str| {
            Asked { filter: Some(text.into()), ..Asked::default() }.summed().map(|(table, _)| table)
        };
        assert_eq!(asked("server = shop and protocol = http").ok(), Some(Table::Edges));
        assert_eq!(asked("").ok(), Some(Table::Edges));
        assert_eq!(asked("status = error").ok(), Some(Table::Requests));
        assert_eq!(asked("duration > 1s").ok(), Some(Table::Requests));
        assert!(asked("nothing = 1").is_err());
    }
}
