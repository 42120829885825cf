//! Metrics of connections that another process began.

use model::Nanos;

use super::definitions::{CONNECT, DROPS, LIFETIME, LIFETIMES, OPENED, RETRANSMITS, ROUND_TRIPS, RTT};
use super::{BYTES, CLOSED, ConnectionMetrics, FAILED, PACKETS, RESETS};
use crate::Metric;
use crate::carry::Resumed;

impl ConnectionMetrics {
    /// Goes on with a series of `metric`; false where there is nothing of the kind here. What is looked at anew (how many there are,
    /// what listens) is not gone on with.
    pub(crate) fn resume(&mut self, metric: &Metric, carried: &Resumed<'_>, now: Nanos) -> bool {
        let is = |other: &Metric| std::ptr::eq(other, metric);
        let numbers = match metric {
            _ if is(&CLOSED) => &mut self.closed,
            _ if is(&FAILED) => &mut self.failed,
            _ if is(&RESETS) => &mut self.resets,
            _ if is(&BYTES) => &mut self.bytes,
            _ if is(&PACKETS) => &mut self.packets,
            // The kernel's own count.
            _ if is(&DROPS) => return true,
            _ => return self.resume_edge(metric, carried, now),
        };
        carried.add_count(numbers, now)
    }

    fn resume_edge(&mut self, metric: &Metric, carried: &Resumed<'_>, now: Nanos) -> bool {
        let is = |other: &Metric| std::ptr::eq(other, metric);
        if ![&OPENED, &RETRANSMITS, &CONNECT, &RTT, &LIFETIME].into_iter().any(is) {
            return false;
        }
        let buckets = if is(&LIFETIME) { &LIFETIMES } else { &ROUND_TRIPS };
        let Some(edge) = self.edges.resume(carried.cells, carried.began, now) else { return false };
        match (carried.count(), carried.values(buckets)) {
            (Some(count), _) if is(&OPENED) => edge.opened = edge.opened.saturating_add(count),
            (Some(count), _) if is(&RETRANSMITS) => edge.retransmits = edge.retransmits.saturating_add(count),
            (_, Some(values)) if is(&CONNECT) => edge.connect.merge(&values),
            (_, Some(values)) if is(&RTT) => edge.rtt.merge(&values),
            (_, Some(values)) if is(&LIFETIME) => edge.lifetime.merge(&values),
            _ => return false,
        }
        true
    }
}
