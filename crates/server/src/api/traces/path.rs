//! Where the time of a trace went.

use super::tree::Span;
use crate::api::figures::seconds_of;

/// The time of a span while nothing that it brought about was under way: nanoseconds.
pub(super) fn own(spans: &[Span], at: usize, children: &[usize]) -> i64 {
    let span = &spans[at];
    let (mut covered, mut until) = (0, span.begin);
    // They are in the order of their beginnings.
    for child in children {
        let from = spans[*child].begin.clamp(until, span.end().max(until));
        let to = spans[*child].end().clamp(from, span.end().max(from));
        covered += to - from;
        until = until.max(to);
    }
    (span.length - covered).max(0)
}

/// Tells each span how much of the root's time is due to it: going back from the end, the time belongs to whatever ended last before.
pub(super) fn mark(spans: &mut [Span], root: usize, children: &[Vec<usize>]) {
    let mut waiting = vec![(root, spans[root].begin, spans[root].end())];
    while let Some((at, from, to)) = waiting.pop() {
        let (mut until, mut own) = (to, 0);
        let mut last: Vec<usize> = children[at].clone();
        last.sort_by_key(|child| std::cmp::Reverse(spans[*child].end()));
        for child in last {
            let begin = spans[child].begin.max(from);
            let end = spans[child].end().min(until);
            // What ran beside another one that took longer did not matter.
            if begin >= end {
                continue;
            }
            own += until - end;
            waiting.push((child, begin, end));
            until = begin;
        }
        own += (until - from).max(0);
        spans[at].critical = seconds_of(own as f64);
    }
}
