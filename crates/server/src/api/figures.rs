//! What answers have in common.

use schema::Table;
use schema::query::Measure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which time an answer is about, and how much of what happened it is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct About {
    /// From this time on: RFC 3339. It may lie a little before what was asked for: figures are summed up by whole seconds, tens of
    /// seconds or minutes.
    pub from: String,
    /// Before this time.
    pub to: String,
    /// How long that is, as far as it has passed: what rates are by.
    pub seconds: f64,
    /// How much was seen.
    pub coverage: Coverage,
    /// What could not be read of the store because it is damaged: rows are missing from the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<String>,
}

/// How much of what happened was seen.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Coverage {
    /// Agents that told of themselves in this time.
    pub agents: u64,
    /// Kernel events that they took in.
    pub events: u64,
    /// Kernel events that were lost: what they would have told is missing.
    pub lost: u64,
    /// The part of the events that was lost: 0 to 1.
    pub lost_ratio: f64,
    /// The least part of connections that an agent watched, to stay within its budget: 1 is all.
    pub sampled: f64,
}

/// Figures of requests.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// Requests.
    pub count: u64,
    /// Requests a second.
    pub rate: f64,
    /// Those that failed.
    pub errors: u64,
    /// Their part: 0 to 1.
    pub error_ratio: f64,
    /// Half of the requests took no longer: seconds. None where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    /// 95 of 100 took no longer: seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
    /// 99 of 100 took no longer: seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    /// All durations together: seconds.
    pub total: f64,
}

impl Figures {
    /// What is asked of the store for them.
    pub(super) fn measures(table: Table) -> Vec<Measure> {
        let percentile = |percent| Measure::Percentile { field: "duration".into(), percent };
        // A sum is the one thing that a histogram has no exact answer to.
        let sum = if table == Table::Edges { "duration.sum" } else { "duration" };
        vec![
            Measure::Count,
            Measure::Errors,
            percentile(50.0),
            percentile(95.0),
            percentile(99.0),
            Measure::Sum(sum.into()),
        ]
    }

    /// From the answers to [`Figures::measures`], over so many seconds.
    pub(super) fn of(measures: &[Option<f64>], seconds: f64) -> Figures {
        let at = |place: usize| measures.get(place).copied().flatten();
        let count = at(0).unwrap_or_default();
        let errors = at(1).unwrap_or_default();
        Figures {
            count: count as u64,
            rate: per(count, seconds),
            errors: errors as u64,
            error_ratio: per(errors, count),
            p50: at(2).map(seconds_of),
            p95: at(3).map(seconds_of),
            p99: at(4).map(seconds_of),
            total: at(5).map_or(0.0, seconds_of),
        }
    }
}

/// Nanoseconds as seconds.
pub(super) fn seconds_of(nanoseconds: f64) -> f64 {
    nanoseconds / 1e9
}

/// A part of a whole; 0 of nothing.
pub(super) fn per(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_what_was_measured() {
        let measures = [Some(30.0), Some(3.0), Some(1e6), Some(5e6), None, Some(60e6)];
        let figures = Figures::of(&measures, 10.0);
        assert_eq!(
            figures,
            Figures {
                count: 30,
                rate: 3.0,
                errors: 3,
                error_ratio: 0.1,
                p50: Some(0.001),
                p95: Some(0.005),
                p99: None,
                total: 0.06
            }
        );
        assert_eq!(Figures::of(&[], 0.0), Figures::default());
        assert_eq!(Figures::measures(Table::Edges).len(), measures.len());
    }
}
