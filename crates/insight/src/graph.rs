//! Who asks whom, as a graph.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who asks whom; whether the asker needs the answer is told with each edge.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    callees: BTreeMap<String, BTreeMap<String, bool>>,
    callers: BTreeMap<String, BTreeMap<String, bool>>,
}

/// Somebody who feels it when a service fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// Who.
    pub name: String,
    /// Calls between the two: 1 for who asks the service itself.
    pub distance: usize,
    /// Whom it asks, on the shortest way.
    pub through: String,
    /// All along some way each one needs the answer.
    pub strong: bool,
}

impl Graph {
    /// Adds an edge; `strong` where the client needs the server.
    pub fn add(&mut self, client: &str, server: &str, strong: bool) {
        for (map, from, to) in [(&mut self.callees, client, server), (&mut self.callers, server, client)] {
            *map.entry(from.to_owned()).or_default().entry(to.to_owned()).or_default() |= strong;
        }
    }

    /// How many ask it.
    pub fn fan_in(&self, name: &str) -> usize {
        self.callers.get(name).map_or(0, BTreeMap::len)
    }

    /// How many it asks.
    pub fn fan_out(&self, name: &str) -> usize {
        self.callees.get(name).map_or(0, BTreeMap::len)
    }

    /// Whoever asks it, or asks somebody who does; the nearest first.
    pub fn blast_radius(&self, name: &str) -> Vec<Affected> {
        let strong: BTreeSet<&str> = self.walk(name, true).into_iter().map(|(name, ..)| name).collect();
        self.walk(name, false)
            .into_iter()
            .map(|(name, distance, through)| Affected {
                name: name.to_owned(),
                distance,
                through: through.to_owned(),
                strong: strong.contains(name),
            })
            .collect()
    }

    fn walk<'a>(&'a self, name: &'a str, only_strong: bool) -> Vec<(&'a str, usize, &'a str)> {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::from([name]));
        let mut waiting = VecDeque::from([(name, 0)]);
        while let Some((at, distance)) = waiting.pop_front() {
            for (caller, strong) in self.callers.get(at).into_iter().flatten() {
                if (*strong || !only_strong) && seen.insert(caller) {
                    found.push((caller.as_str(), distance + 1, at));
                    waiting.push_back((caller, distance + 1));
                }
            }
        }
        found
    }

    /// Those who ask one another in a circle: each such group, in order.
    pub fn cycles(&self) -> Vec<Vec<String>> {
        let mut groups: Vec<Vec<String>> = self
            .components()
            .into_iter()
            .filter(|group| group.len() > 1 || self.asks_itself(group))
            .collect();
        groups.iter_mut().for_each(|group| group.sort());
        groups.sort();
        groups
    }

    fn asks_itself(&self, group: &[String]) -> bool {
        group
            .first()
            .is_some_and(|name| self.callees.get(name).is_some_and(|callees| callees.contains_key(name)))
    }

    /// Strongly connected components (Tarjan 1972), without recursion: a chain may be long.
    fn components(&self) -> Vec<Vec<String>> {
        #[derive(Clone, Copy, Default)]
        struct State {
            index: Option<usize>,
            low: usize,
            on_stack: bool,
        }
        let names: Vec<&str> = self.callees.keys().map(String::as_str).collect();
        let place: BTreeMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (*name, at)).collect();
        // Who asks nobody is in no circle.
        let callees = |at: usize| -> Vec<usize> {
            self.callees[names[at]].keys().filter_map(|name| place.get(name.as_str()).copied()).collect()
        };
        let mut states = vec![State::default(); names.len()];
        let (mut next, mut stack, mut found) = (0, Vec::new(), Vec::new());
        for root in 0..names.len() {
            if states[root].index.is_some() {
                continue;
            }
            let mut way = vec![(root, callees(root), 0)];
            while let Some((at, others, done)) = way.last_mut() {
                let at = *at;
                if *done == 0 && states[at].index.is_none() {
                    states[at] = State { index: Some(next), low: next, on_stack: true };
                    stack.push(at);
                    next += 1;
                }
                if let Some(other) = others.get(*done).copied() {
                    *done += 1;
                    match states[other].index {
                        None => way.push((other, callees(other), 0)),
                        Some(index) if states[other].on_stack => states[at].low = states[at].low.min(index),
                        Some(_) => {}
                    }
                    continue;
                }
                way.pop();
                if let Some((parent, ..)) = way.last() {
                    states[*parent].low = states[*parent].low.min(states[at].low);
                }
                if Some(states[at].low) == states[at].index {
                    let mut group = Vec::new();
                    while let Some(member) = stack.pop() {
                        states[member].on_stack = false;
                        group.push(names[member].to_owned());
                        if member == at {
                            break;
                        }
                    }
                    found.push(group);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str, bool)]) -> Graph {
        let mut graph = Graph::default();
        edges.iter().for_each(|(client, server, strong)| graph.add(client, server, *strong));
        graph
    }

    #[test]
    fn who_is_affected_and_how_far_away() {
        let graph = graph(&[
            ("web", "shop", true),
            ("shop", "db", true),
            ("cron", "shop", false),
            ("report", "db", false),
            ("web", "static", true),
            ("shop", "db", false),
        ]);
        let shown: Vec<_> = graph
            .blast_radius("db")
            .into_iter()
            .map(|affected| (affected.name, affected.distance, affected.through, affected.strong))
            .collect();
        let expected = [
            ("report", 1, "db", false),
            ("shop", 1, "db", true),
            ("cron", 2, "shop", false),
            ("web", 2, "shop", true),
        ];
        let expected =
            expected.map(|(name, distance, through, strong)| (name.into(), distance, through.into(), strong));
        assert_eq!(shown, expected);
        assert_eq!((graph.fan_in("shop"), graph.fan_out("shop"), graph.fan_in("web")), (2, 1, 0));
        assert_eq!(graph.blast_radius("nobody"), []);
    }

    #[test]
    fn circles_are_found() {
        let graph = graph(&[
            ("a", "b", true),
            ("b", "c", true),
            ("c", "a", true),
            ("c", "d", true),
            ("d", "e", true),
            ("f", "f", false),
            ("g", "f", false),
        ]);
        assert_eq!(graph.cycles(), [vec!["a", "b", "c"], vec!["f"]]);
        assert_eq!(graph.blast_radius("a").len(), 2, "a circle ends");
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let mut graph = Graph::default();
        (0..100_000).for_each(|at| graph.add(&format!("{at:06}"), &format!("{:06}", at + 1), true));
        assert_eq!(graph.cycles(), Vec::<Vec<String>>::new());
        assert_eq!(graph.blast_radius("100000").len(), 100_000);
    }
}
