//! Which trace a span belongs to: what the request's own header says (W3C Trace Context), else one of its own.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use model::trace::TraceParent;
use model::{Request, Value, names};

/// A span's place among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) id: [u8; 16],
    /// The span that the header names.
    pub(crate) parent: Option<[u8; 8]>,
    /// The flags of the header.
    pub(crate) flags: u8,
    /// The span's own id.
    pub(crate) span: [u8; 8],
    /// What the trace's randomness had to reach for this span to be kept: [`crate::sampling`].
    pub(crate) threshold: u64,
}

/// Makes ids that nobody else makes: random keys, and a number for each.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    keys: RandomState,
    next: u64,
}

impl Ids {
    /// The trace of a request.
    pub(crate) fn trace(&mut self, request: &Request) -> Trace {
        let span = self.id().to_be_bytes();
        let header = match request.attributes.get(names::TRACEPARENT) {
            Some(Value::Text(text)) => TraceParent::parse(text.as_bytes()),
            _ => None,
        };
        let Some(TraceParent { trace: id, span: parent, flags }) = header else {
            let id = u128::from(self.id()) << 64 | u128::from(self.id());
            return Trace { id: id.to_be_bytes(), parent: None, flags: 0, span, threshold: 0 };
        };
        Trace { id, parent: Some(parent), flags, span, threshold: 0 }
    }

    /// Never 0, which is no id.
    fn id(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.keys.hash_one(self.next).max(1)
    }
}

impl Trace {
    /// The 56 bits of the id that are random by the rules of the specification.
    pub(crate) fn randomness(&self) -> u64 {
        let id = u128::from_be_bytes(self.id);
        id as u64 & ((1 << 56) - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ() {
        let (mut one, mut other) = (Ids::default(), Ids::default());
        let ids: HashSet<u64> = (0..10_000).flat_map(|_| [one.id(), other.id()]).collect();
        assert_eq!(ids.len(), 20_000);
    }
}
