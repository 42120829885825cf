//! What protocols share for joining requests with their responses.

use std::collections::VecDeque;

use model::Nanos;

/// How much earlier than its request's first byte a response may be stamped.
///
/// A response is never sent before its request, but the two stamps are taken on different processors and
/// at different ends of a system call. It is kept below the time that a client needs from reading a
/// response to writing its next request, else a response whose request was not seen would be taken for
/// the answer to the next one, and so on without end.
const SLACK: Nanos = 2_000;

/// True when a response that began at `response` can answer a request that began at `request`.
pub(crate) fn can_answer(request: Nanos, response: Nanos) -> bool {
    request <= response.saturating_add(SLACK)
}

/// A first-in-first-out queue whose first place needs no allocation: nearly all conversations never have
/// more than one request outstanding, and there are many idle conversations.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    first: Option<T>,
    /// Empty unless `first` is there.
    rest: VecDeque<T>,
}

/// Places that are kept when a queue has run empty.
const KEPT: usize = 32;

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { first: None, rest: VecDeque::new() }
    }
}

impl<T> Queue<T> {
    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    pub(crate) fn front(&self) -> Option<&T> {
        self.first.as_ref()
    }

    pub(crate) fn front_mut(&mut self) -> Option<&mut T> {
        self.first.as_mut()
    }

    pub(crate) fn back(&self) -> Option<&T> {
        self.rest.back().or(self.first.as_ref())
    }

    pub(crate) fn back_mut(&mut self) -> Option<&mut T> {
        match self.rest.is_empty() {
            true => self.first.as_mut(),
            false => self.rest.back_mut(),
        }
    }

    pub(crate) fn get(&self, place: usize) -> Option<&T> {
        match place.checked_sub(1) {
            None => self.first.as_ref(),
            Some(place) => self.rest.get(place),
        }
    }

    pub(crate) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.first.iter_mut().chain(self.rest.iter_mut())
    }

    pub(crate) fn position(&self, is_it: impl FnMut(&T) -> bool) -> Option<usize> {
        self.first.iter().chain(self.rest.iter()).position(is_it)
    }

    /// Takes an item out of its place, for protocols that answer in any order.
    pub(crate) fn remove(&mut self, place: usize) -> Option<T> {
        match place.checked_sub(1) {
            None => self.pop(),
            Some(place) => {
                let item = self.rest.remove(place);
                self.give_back();
                item
            }
        }
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.first.is_none() {
            self.first = Some(item);
        } else {
            self.rest.push_back(item);
        }
    }

    /// Takes back what was pushed last.
    pub(crate) fn pop_back(&mut self) -> Option<T> {
        self.rest.pop_back().or_else(|| self.first.take())
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let item = self.first.take();
        if self.rest.is_empty() {
            return item;
        }
        self.first = self.rest.pop_front();
        self.give_back();
        item
    }

    fn give_back(&mut self) {
        if self.rest.is_empty() && self.rest.capacity() > KEPT {
            self.rest.shrink_to(KEPT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_back() {
        let mut queue = Queue::default();
        (0..3).for_each(|n| queue.push(n));
        assert_eq!(
            (queue.pop_back(), queue.pop(), queue.pop_back(), queue.pop_back()),
            (Some(2), Some(0), Some(1), None)
        );
    }

    #[test]
    fn first_in_first_out() {
        let mut queue = Queue::default();
        for round in 0..3 {
            (0..100).for_each(|n| queue.push(n));
            assert_eq!((queue.len(), queue.get(7)), (100, Some(&7)), "{round}");
            assert_eq!(queue.back_mut(), Some(&mut 99));
            assert_eq!(std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
            assert!(queue.rest.capacity() <= 2 * KEPT);
        }
    }

    #[test]
    fn out_of_order() {
        let mut queue = Queue::default();
        (0..4).for_each(|n| queue.push(n));
        assert_eq!((queue.position(|n| *n == 2), queue.remove(2)), (Some(2), Some(2)));
        assert_eq!((queue.remove(0), queue.remove(7)), (Some(0), None));
        assert_eq!(queue.iter_mut().map(|n| *n).collect::<Vec<_>>(), [1, 3]);
        (0..100).for_each(|n| queue.push(n));
        while queue.remove(1).is_some() {}
        assert!(queue.rest.capacity() <= 2 * KEPT);
    }
}
