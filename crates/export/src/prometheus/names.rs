//! Prometheus' names, derived from OpenTelemetry's by its rules: dots become underscores, the unit and `total` are
//! suffixes.

use signals::{Kind, Metric, Unit};

/// The name of a metric's family in OpenMetrics: without the suffix of counters.
pub fn family(metric: &Metric) -> String {
    let mut name = label(metric.name);
    if let Some(unit) = unit(metric)
        && !name.ends_with(&format!("_{unit}"))
    {
        name.push('_');
        name.push_str(unit);
    }
    name
}

/// The name of a metric: as it is asked for, but for the suffixes of a histogram's series.
pub fn metric(metric: &Metric) -> String {
    let mut name = family(metric);
    if matches!(metric.kind, Kind::Counter) {
        name.push_str("_total");
    }
    name
}

/// The name of a label.
pub fn label(name: &str) -> String {
    name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect()
}

/// The unit that a name ends with.
pub fn unit(metric: &Metric) -> Option<&'static str> {
    match metric.unit {
        Unit::Seconds => Some("seconds"),
        Unit::Bytes => Some("bytes"),
        Unit::Number(_) => None,
    }
}
