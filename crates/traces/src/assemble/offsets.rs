//! By how much hosts' clocks differ.

use std::collections::HashMap;

use super::{Link, Part};

/// The difference of each part's clock from that of its tree's first one.
pub(super) fn offsets(parts: &[Part<'_>], parents: &[Option<(usize, Link)>]) -> Vec<i64> {
    let between = bounds(parts, parents);
    let difference = |client: &Part<'_>, server: &Part<'_>| {
        let (least, most) =
            hosts(client, server).and_then(|hosts| between.get(&hosts).copied()).unwrap_or_default();
        // A difference that shows nowhere is none. Else in the middle of what all exchanges allow; where they allow nothing, a clock was set
        // meanwhile, and the middle is the best guess still.
        if least <= 0 && most >= 0 { 0 } else { least.midpoint(most) }
    };
    let mut offsets: Vec<Option<i64>> = vec![None; parts.len()];
    for first in 0..parts.len() {
        // Up to one whose offset is known, or that is the first; then back down.
        let mut path = vec![first];
        while let Some(&at) = path.last()
            && offsets[at].is_none()
            && let Some((parent, _)) = parents[at]
        {
            path.push(parent);
        }
        let mut offset = path.last().and_then(|top| offsets[*top]).unwrap_or(0);
        for (nth, at) in path.iter().enumerate().rev() {
            if let Some(above) = path.get(nth + 1) {
                offset = offset.saturating_add(difference(&parts[*above], &parts[*at]));
            }
            offset = *offsets[*at].get_or_insert(offset);
        }
    }
    offsets.into_iter().map(Option::unwrap_or_default).collect()
}

/// Two different hosts. What a program calls its host is not what an agent calls it.
fn hosts<'a>(client: &Part<'a>, server: &Part<'a>) -> Option<(&'a str, &'a str)> {
    let are_requests = client.span.is_none() && server.span.is_none();
    let hosts = client.host.zip(server.host).filter(|_| are_requests)?;
    (hosts.0 != hosts.1).then_some(hosts)
}

/// Of two hosts, every exchange between them tells within which bounds the difference lies: the server's side is within the client's.
fn bounds<'a>(
    parts: &[Part<'a>],
    parents: &[Option<(usize, Link)>],
) -> HashMap<(&'a str, &'a str), (i64, i64)> {
    let mut between: HashMap<(&str, &str), (i64, i64)> = HashMap::new();
    for (part, parent) in parts.iter().zip(parents) {
        let Some((parent, _)) = parent else { continue };
        let client = &parts[*parent];
        let Some(hosts) = hosts(client, part) else { continue };
        let least = client.begin.saturating_sub(part.begin);
        let most = least.saturating_add(client.length.saturating_sub(part.length).max(0));
        let bounds = between.entry(hosts).or_insert((i64::MIN, i64::MAX));
        *bounds = (bounds.0.max(least), bounds.1.min(most));
    }
    between
}
