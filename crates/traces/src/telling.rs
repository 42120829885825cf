//! What is told of a finished request: its place, once that is certain.

use model::Request;
use model::trace::{Evidence, Place};

use crate::exchanges::Ref;
use crate::joiner::Joiner;

impl Joiner {
    /// An exchange is over: where its trace is too, all of that can be told.
    pub(crate) fn tell_ended(&mut self, at: Ref, out: &mut Vec<Request>) {
        let root = self.exchanges.root(at);
        if self.exchanges.get(root).is_none_or(|root| root.ended.is_none()) {
            return;
        }
        // Parents before their children, so that the first has the number 0.
        let mut all = vec![root];
        let mut looked_at = 0;
        while let Some(&next) = all.get(looked_at) {
            all.extend(self.exchanges.children(next));
            looked_at += 1;
        }
        for at in &all {
            self.tell(*at, out);
        }
        all.into_iter().rev().for_each(|at| self.forget(at));
    }

    /// Tells what has waited for long enough.
    pub(crate) fn tell_overdue(&mut self, out: &mut Vec<Request>) {
        while let Some(&(due, at)) = self.waiting.front()
            && due <= self.now
        {
            self.waiting.pop_front();
            let root = self.exchanges.root(at);
            let is_over = self.exchanges.get(root).is_some_and(|root| root.ended.is_some());
            if self.tell(at, out) {
                self.counters.early += u64::from(!is_over);
                self.forget(at);
            }
        }
    }

    /// Tells one, if it is over and was not told.
    fn tell(&mut self, at: Ref, out: &mut Vec<Request>) -> bool {
        let Some(exchange) = self.exchanges.get_mut(at) else { return false };
        let Some(mut request) = exchange.request.take() else { return false };
        exchange.told = true;
        let (parent, is_alone) = (exchange.parent, exchange.is_alone());
        let is_paired = exchange.paired || parent.is_some_and(|(_, by)| by == Evidence::Sequence);
        if is_paired {
            // The other side is known already.
            request.sequence = None;
        }
        if !is_alone {
            let root = self.exchanges.root(at);
            let trace = self.exchanges.get(root).map_or(0, |root| root.id);
            self.number(root, root);
            let parent = parent.map(|(parent, evidence)| (self.number(parent, root), evidence));
            let span = self.number(at, root);
            request.place = Some(Place { trace, span, parent });
            if let Some((_, evidence)) = parent {
                self.counters.joined[evidence as usize] += 1;
            }
            self.fix(at);
        }
        out.push(*request);
        true
    }

    /// The number of an exchange in the trace of `root`.
    fn number(&mut self, at: Ref, root: Ref) -> u32 {
        if let Some(number) = self.exchanges.get(at).and_then(|exchange| exchange.number) {
            return number;
        }
        let Some(first) = self.exchanges.get_mut(root) else { return 0 };
        let number = first.numbers;
        first.numbers += 1;
        if let Some(exchange) = self.exchanges.get_mut(at) {
            exchange.number = Some(number);
        }
        number
    }

    /// Somebody knows of it: what it hangs on stays as it is.
    fn fix(&mut self, at: Ref) {
        let mut next = Some(at);
        while let Some(exchange) = next.and_then(|at| self.exchanges.get_mut(at)).filter(|one| !one.fixed) {
            exchange.fixed = true;
            next = exchange.parent.map(|(parent, _)| parent);
        }
    }
}
