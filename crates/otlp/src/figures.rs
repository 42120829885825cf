//! What the exporter tells about itself.

use std::sync::atomic::Ordering;

use delivery::Cause;
use signals::agent as metrics;
use signals::{Cell, Figures, Metric, Point};

use crate::exporter::Exporter;
use crate::sampling::Decision;
use crate::signal::Signal;

impl Exporter {
    /// Adds its figures, as they are now.
    pub fn figures(&self, figures: &mut Figures) {
        let mut set = |metric: &'static Metric, cells: &[&str], value: u64| {
            let cells: Vec<Cell<'_>> = cells.iter().map(|cell| Cell::text(cell)).collect();
            figures.set(metric, &cells, Point::Count(value));
        };
        let shared = self.shared();
        for decision in Decision::ALL {
            set(&metrics::SPANS, &[decision.as_str()], shared.sampler.count(decision));
        }
        set(&metrics::SPANS_LOST, &[], shared.lost.load(Ordering::Relaxed));
        for (name, counts) in &shared.counts {
            for signal in Signal::ALL {
                set(&metrics::OTLP_SENT, &[name, signal.as_str()], counts.sent(signal.kind()));
                for cause in Cause::ALL {
                    let dropped = counts.dropped(signal.kind(), cause);
                    set(&metrics::OTLP_DROPPED, &[name, signal.as_str(), cause.as_str()], dropped);
                }
            }
            set(&metrics::OTLP_RETRIES, &[name], counts.retries());
            let (in_memory, on_disk) = counts.waiting();
            set(&metrics::OTLP_QUEUE, &[name, "memory"], in_memory);
            set(&metrics::OTLP_QUEUE, &[name, "disk"], on_disk);
        }
    }

    /// What is wrong with each destination at present.
    pub fn problems(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        self.shared().counts.iter().map(|(name, counts)| (name.as_str(), counts.problem()))
    }
}
