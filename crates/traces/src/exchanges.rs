//! The exchanges that are known now, and which of them brought about which.

use model::begun::Begun;
use model::trace::Evidence;
use model::{Nanos, Request};

/// One of them. Its place may be another one's later, and then it is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ref {
    place: u32,
    turn: u32,
}

/// One side of an exchange.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) begun: Begun,
    /// When it was read, or decided upon.
    pub(crate) since: Nanos,
    /// Its record, from its end until it is told.
    pub(crate) request: Option<Box<Request>>,
    pub(crate) answered: Option<Nanos>,
    pub(crate) ended: Option<Nanos>,
    /// Its record was told, or will never come.
    pub(crate) told: bool,
    pub(crate) parent: Option<(Ref, Evidence)>,
    /// Somebody was told who its parent is.
    pub(crate) fixed: bool,
    first_child: Option<Ref>,
    siblings: [Option<Ref>; 2],
    depth: u8,
    /// The other side of the exchange is its child.
    pub(crate) paired: bool,
    /// Its thread read another request meanwhile.
    pub(crate) overlapped: bool,
    /// Whether it was passed on is not sure.
    pub(crate) doubtful: bool,
    /// What a trace of which it is the first goes by.
    pub(crate) id: i64,
    /// Its number in its trace, once that was told.
    pub(crate) number: Option<u32>,
    /// Of the first one: numbers that were given.
    pub(crate) numbers: u32,
}

impl Exchange {
    pub(crate) fn new(begun: Begun, since: Nanos, id: i64) -> Exchange {
        Exchange {
            begun,
            since,
            request: None,
            answered: None,
            ended: None,
            told: false,
            parent: None,
            fixed: false,
            first_child: None,
            siblings: [None; 2],
            depth: 0,
            paired: false,
            overlapped: false,
            doubtful: false,
            id,
            number: None,
            numbers: 0,
        }
    }

    /// Nobody was joined to it.
    pub(crate) fn is_alone(&self) -> bool {
        self.parent.is_none() && self.first_child.is_none() && self.numbers == 0
    }
}

/// Longer chains than this are taken for mistakes, or for loops of proxies.
const DEEPEST: u8 = 100;

/// All of them, in places that are used again.
#[derive(Debug, Default)]
pub(crate) struct Exchanges {
    places: Vec<(u32, Option<Exchange>)>,
    free: Vec<u32>,
}

impl Exchanges {
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(crate) fn insert(&mut self, exchange: Exchange) -> Ref {
        match self.free.pop() {
            Some(place) => {
                let (turn, slot) = &mut self.places[place as usize];
                *turn = turn.wrapping_add(1);
                *slot = Some(exchange);
                Ref { place, turn: *turn }
            }
            None => {
                self.places.push((0, Some(exchange)));
                Ref { place: self.places.len() as u32 - 1, turn: 0 }
            }
        }
    }

    pub(crate) fn get(&self, at: Ref) -> Option<&Exchange> {
        let (turn, slot) = self.places.get(at.place as usize)?;
        slot.as_ref().filter(|_| *turn == at.turn)
    }

    pub(crate) fn get_mut(&mut self, at: Ref) -> Option<&mut Exchange> {
        let (turn, slot) = self.places.get_mut(at.place as usize)?;
        slot.as_mut().filter(|_| *turn == at.turn)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ref, &Exchange)> {
        let all = (0..).zip(&self.places);
        all.filter_map(|(place, (turn, slot))| Some((Ref { place, turn: *turn }, slot.as_ref()?)))
    }

    /// Joins a child to its parent; false where that is not to be.
    pub(crate) fn join(&mut self, child: Ref, parent: Ref, evidence: Evidence) -> bool {
        let Some(found) = self.get(parent).filter(|parent| parent.depth < DEEPEST) else { return false };
        let (depth, next) = (found.depth + 1, found.first_child);
        let Some(exchange) = self.get_mut(child) else { return false };
        // Of one that is the first of its trace already, somebody was told.
        if exchange.parent.is_some() || exchange.numbers > 0 {
            return false;
        }
        exchange.parent = Some((parent, evidence));
        exchange.depth = depth;
        exchange.siblings = [None, next];
        if let Some(next) = next.and_then(|next| self.get_mut(next)) {
            next.siblings[0] = Some(child);
        }
        if let Some(found) = self.get_mut(parent) {
            found.first_child = Some(child);
        }
        true
    }

    /// Takes a child from its parent.
    pub(crate) fn part(&mut self, child: Ref) {
        let Some(exchange) = self.get_mut(child) else { return };
        let Some((parent, _)) = exchange.parent.take() else { return };
        let [previous, next] = std::mem::take(&mut exchange.siblings);
        if let Some(next) = next.and_then(|next| self.get_mut(next)) {
            next.siblings[0] = previous;
        }
        match previous.and_then(|previous| self.get_mut(previous)) {
            Some(previous) => previous.siblings[1] = next,
            None => {
                if let Some(parent) = self.get_mut(parent) {
                    parent.first_child = next;
                }
            }
        }
    }

    /// Those that it brought about and that are still known.
    pub(crate) fn children(&self, of: Ref) -> impl Iterator<Item = Ref> + '_ {
        let first = self.get(of).and_then(|exchange| exchange.first_child);
        std::iter::successors(first, |child| self.get(*child)?.siblings[1])
    }

    /// The first one of its trace.
    pub(crate) fn root(&self, of: Ref) -> Ref {
        let parent = |at: &Ref| Some(self.get(*at)?.parent?.0);
        std::iter::successors(Some(of), parent).last().unwrap_or(of)
    }

    /// Forgets what was told and brought nothing about that was not; and its parents, where they only waited for it. Returns what is
    /// forgotten.
    pub(crate) fn forget(&mut self, at: Ref, mut forgotten: impl FnMut(Ref, &Exchange)) {
        let mut at = Some(at);
        while let Some(place) = at {
            let Some(exchange) = self.get(place) else { return };
            if !exchange.told || exchange.first_child.is_some() {
                return;
            }
            at = exchange.parent.map(|(parent, _)| parent);
            self.part(place);
            let (_, slot) = &mut self.places[place.place as usize];
            if let Some(exchange) = slot.take() {
                forgotten(place, &exchange);
            }
            self.free.push(place.place);
        }
    }
}
