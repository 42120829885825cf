//! All metrics there are: what the documentation is made of, and what tests hold to the rules.

use crate::{Metric, agent, connections, requests, server};

/// Groups of metrics, each with what it is about.
pub fn groups() -> [(&'static str, &'static [&'static Metric]); 4] {
    [
        ("Requests", requests::METRICS),
        ("TCP connections", connections::METRICS),
        ("The agent itself", agent::METRICS),
        ("The server itself", server::METRICS),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Kind, Unit};

    #[test]
    fn definitions_keep_to_the_rules() {
        let mut names = BTreeSet::new();
        for metric in groups().into_iter().flat_map(|(_, metrics)| metrics) {
            let name = metric.name;
            assert!(names.insert(name), "{name} is there twice");
            let is_part = |part: &str| !part.is_empty() && part.chars().all(|char| char.is_ascii_lowercase());
            assert!(name.split(['.', '_']).all(is_part), "{name}");
            assert!(!metric.help.ends_with('.') && metric.help.starts_with(char::is_uppercase), "{name}");
            assert!(!metric.help.contains(['\\', '"', '\n']), "{name}: formats would need escapes");
            let labels: BTreeSet<&str> = metric.labels.iter().map(|label| label.name).collect();
            assert_eq!(labels.len(), metric.labels.len(), "{name} has a label twice");
            assert!(metric.labels.iter().all(|label| !label.help.is_empty()), "{name}");
            if let Kind::Histogram(buckets) = metric.kind {
                assert!(buckets.bounds.is_sorted() && buckets.bounds.len() <= 15, "{name}");
                assert!(matches!(metric.unit, Unit::Seconds | Unit::Bytes), "{name}");
            }
        }
    }
}
