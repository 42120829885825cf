//! Who brought what about.

use std::collections::{HashMap, HashSet};

use model::trace::Evidence;

use super::{Link, Part, Place, Side, Wire};

/// By so much what was brought about may lie outside of who did, by clocks of two programs: nanoseconds.
const SKEW: i64 = 5_000_000_000;

/// What leads from an id to the places of those who have it.
pub(super) struct Index<'a> {
    parts: &'a [Part<'a>],
    spans: HashMap<&'a str, usize>,
    places: HashMap<(Option<&'a str>, i64, i64), usize>,
    /// Clients' sides.
    wires: HashMap<Wire<'a>, Vec<usize>>,
    /// Requests by the id of the span that asked.
    asked_by: HashMap<&'a str, Vec<usize>>,
    /// Requests that another one of the same id was brought about by: whoever was asked passed on the header as it was.
    passed_on: HashSet<usize>,
}

impl<'a> Index<'a> {
    pub(super) fn of(parts: &'a [Part<'a>]) -> Self {
        let mut index = Index {
            parts,
            spans: HashMap::new(),
            places: HashMap::new(),
            wires: HashMap::new(),
            asked_by: HashMap::new(),
            passed_on: HashSet::new(),
        };
        for (at, part) in parts.iter().enumerate() {
            match (part.span, part.asked_by) {
                (Some(id), _) => {
                    index.spans.insert(id, at);
                }
                (None, Some(id)) => index.asked_by.entry(id).or_default().push(at),
                (None, None) => {}
            }
            if let Some(Place { trace, number, .. }) = part.place {
                index.places.insert((part.host, trace, number), at);
            }
            if let Some(wire) = part.wire.filter(|_| part.side == Side::Client) {
                index.wires.entry(wire).or_default().push(at);
            }
        }
        let outer = |at: &usize| Some(index.parent(*at)?.0).filter(|outer| index.ask_alike(*at, *outer));
        let passed_on = index.asked_by.values().flatten().filter_map(outer).collect();
        Index { passed_on, ..index }
    }

    /// Who brought this one about, and how that is known.
    pub(super) fn parent(&self, at: usize) -> Option<(usize, Link)> {
        let part = &self.parts[at];
        let found = |(at, evidence)| (at, Link::Found(evidence));
        if part.span.is_some() {
            return self.seen(part).map(found).or_else(|| self.named(part).map(|at| (at, Link::Said)));
        }
        let named = || self.named(part).map(|at| (at, Evidence::Traceparent));
        let parent = match part.side {
            Side::Server => self.local(part).or_else(|| self.other_end(part)).or_else(named),
            Side::Client | Side::Neither => match self.local(part) {
                // What passes on a header as it was is not who wrote it.
                Some((outer, evidence)) if self.ask_alike(at, outer) => Some((outer, evidence)),
                // Its own program knows better than the thread that it was asked by.
                local => named().or(local),
            },
        };
        parent.map(found)
    }

    /// The span that is said to have asked.
    fn named(&self, part: &Part<'_>) -> Option<usize> {
        self.spans.get(part.asked_by?).copied()
    }

    /// What the joiner of the host said.
    fn local(&self, part: &Part<'_>) -> Option<(usize, Evidence)> {
        let place = part.place?;
        let (parent, evidence) = place.parent?;
        Some((*self.places.get(&(part.host, place.trace, parent))?, evidence))
    }

    /// Both are requests, and came with the same id.
    fn ask_alike(&self, one: usize, other: usize) -> bool {
        let id = |at: usize| self.parts[at].asked_by.filter(|_| self.parts[at].span.is_none());
        id(one).is_some() && id(one) == id(other)
    }

    /// A program that answers a request knows who asked, not that the request was seen on its way: the record of it that is next to the
    /// program comes between. There has to be one only: where it was asked again, the one that it began within.
    fn seen(&self, part: &Part<'_>) -> Option<(usize, Evidence)> {
        let seen = self.asked_by.get(part.asked_by.filter(|_| part.side == Side::Server)?)?;
        let begins_within = |at: usize, skew: i64| {
            let (begin, end) =
                (self.parts[at].begin, self.parts[at].begin.saturating_add(self.parts[at].length));
            !self.passed_on.contains(&at)
                && part.begin >= begin.saturating_sub(skew)
                && part.begin <= end.saturating_add(skew)
        };
        [0, SKEW].into_iter().find_map(|skew| {
            let mut these = seen.iter().copied().filter(|at| begins_within(*at, skew));
            these.next().filter(|_| these.next().is_none()).map(|at| (at, Evidence::Traceparent))
        })
    }

    /// The client's record of the same exchange, on another host: by its place on the wire, else by the header that went along. There has
    /// to be one only.
    fn other_end(&self, server: &Part<'_>) -> Option<(usize, Evidence)> {
        let by_wire = server.wire.and_then(|wire| Some((self.wires.get(&wire)?, Evidence::Sequence)));
        let by_header = || Some((self.asked_by.get(server.asked_by?)?, Evidence::Traceparent));
        let (others, evidence) = by_wire.or_else(by_header)?;
        let mut fitting = others.iter().copied().filter(|at| agrees(&self.parts[*at], server));
        fitting.next().filter(|_| fitting.next().is_none()).map(|at| (at, evidence))
    }
}

/// Both sides asked for the same, on two hosts, and it lasted no longer where it was served.
fn agrees(client: &Part<'_>, server: &Part<'_>) -> bool {
    let same =
        |(one, other): (&Option<&str>, &Option<&str>)| one.is_none() || other.is_none() || one == other;
    client.side == Side::Client
        && client.host != server.host
        && client.asked.iter().zip(&server.asked).all(same)
        && client.length >= server.length
}
