//! Services, processes and the host, as they are seen at work, as rows of `entities`.
//!
//! What goes on is told again now and then with a later end: of the rows of one id the latest end counts.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use model::names;
use model::request::Process;
use schema::{Rows, Table};

use crate::{Host, number, place};

/// Processes and services that are kept at a time; what goes beyond is not told until there is room.
const MOST: usize = 10_000;
/// What was not seen for so long is forgotten; told again it is something new.
const LINGERS: u64 = 3_600_000_000_000;

/// What was seen, from when on, until when.
#[derive(Debug, Clone, Copy)]
struct Seen {
    first: u64,
    last: u64,
    /// The end that was told.
    told: u64,
}

/// Notes who is at work on a host, and tells it.
pub struct Entities {
    host: Host,
    began: u64,
    services: HashMap<Arc<str>, Seen>,
    /// By id, command and service: an id is used again.
    processes: HashMap<(u32, Arc<str>, Arc<str>), Seen>,
}

impl Entities {
    /// Of this host, which is seen from `began` on: nanoseconds since 1970-01-01 UTC.
    pub fn new(host: &Host, began: u64) -> Self {
        Entities { host: host.clone(), began, services: HashMap::new(), processes: HashMap::new() }
    }

    /// Notes that a process was at work from `first` to `last`. False when there is no room for it.
    pub fn note(&mut self, process: &Process, first: u64, last: u64) -> bool {
        let key = (process.pid, process.command.clone(), process.service.clone());
        note(&mut self.processes, key, first, last)
            && note(&mut self.services, process.service.clone(), first, last)
    }

    /// Those that were seen since the last time, and the host, as a batch.
    ///
    /// # Errors
    ///
    /// None that entities could bring about.
    pub fn take(&mut self, now: u64) -> Result<RecordBatch, ArrowError> {
        let mut writer = Writer { rows: Rows::new(Table::Entities), host: &self.host.name };
        let host = if self.host.id.is_empty() { &self.host.name } else { &self.host.id };
        writer.add("host", &self.host.name, host, None, self.began, now)?;
        for (service, seen) in self.services.iter_mut().filter(|(_, seen)| seen.last > seen.told) {
            // On however many hosts it runs it is one service.
            writer.add("service", service, service, None, seen.first, seen.last)?;
            seen.told = seen.last;
        }
        for ((pid, command, service), seen) in
            self.processes.iter_mut().filter(|(_, seen)| seen.last > seen.told)
        {
            let id = format!("{host}/{pid}");
            writer.attributes([(names::PROCESS_PID, &*pid.to_string()), (names::SERVICE_NAME, service)]);
            writer.add("process", command, &id, Some(host), seen.first, seen.last)?;
            seen.told = seen.last;
        }
        let lingers = |seen: &Seen| now.saturating_sub(seen.last) < LINGERS;
        self.services.retain(|_, seen| lingers(seen));
        self.processes.retain(|_, seen| lingers(seen));
        writer.rows.finish()
    }
}

fn note<K: std::hash::Hash + Eq>(known: &mut HashMap<K, Seen>, key: K, first: u64, last: u64) -> bool {
    let has_room = known.len() < MOST;
    match known.get_mut(&key) {
        Some(seen) => {
            seen.first = seen.first.min(first);
            seen.last = seen.last.max(last);
        }
        None if has_room => drop(known.insert(key, Seen { first, last, told: 0 })),
        None => return false,
    }
    true
}

struct Writer<'a> {
    rows: Rows,
    host: &'a str,
}

impl Writer<'_> {
    fn attributes<'a>(&mut self, attributes: [(&'a str, &'a str); 2]) {
        self.rows.map(place(Table::Entities, "attributes"), attributes);
    }

    fn add(
        &mut self,
        kind: &str,
        name: &str,
        id: &str,
        parent: Option<&str>,
        first: u64,
        last: u64,
    ) -> Result<(), ArrowError> {
        let at = |name| place(Table::Entities, name);
        self.rows.number(at("time"), number(first));
        self.rows.number(at("end"), number(last));
        for (column, value) in [("kind", kind), ("name", name), ("id", id), (names::HOST_NAME, self.host)] {
            self.rows.text(at(column), value);
        }
        if let Some(parent) = parent {
            self.rows.text(at("parent"), parent);
        }
        self.rows.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, service: &str) -> Process {
        Process { pid, command: "python3".into(), service: service.into() }
    }

    #[test]
    fn what_goes_on_is_told_again() {
        let host = Host { name: "h1".into(), id: "id1".into(), ..Host::default() };
        let mut entities = Entities::new(&host, 1);
        for _ in 0..100 {
            assert!(entities.note(&process(7, "shop"), 10, 20));
        }
        assert!(entities.note(&process(8, "shop"), 5, 15));
        // The host, the service, two processes.
        assert_eq!(entities.take(30).unwrap().num_rows(), 4);
        assert_eq!(entities.take(40).unwrap().num_rows(), 1, "nothing new but the host's end");
        entities.note(&process(7, "shop"), 50, 60);
        assert_eq!(entities.take(70).unwrap().num_rows(), 3);
        entities.take(60 + LINGERS).unwrap();
        assert!(entities.services.is_empty() && entities.processes.is_empty());
    }

    #[test]
    fn there_is_a_bound() {
        let mut entities = Entities::new(&Host::default(), 1);
        let noted = (0..20_000).filter(|pid| entities.note(&process(*pid, "x"), 1, 2)).count();
        assert_eq!(noted, MOST);
        assert!(entities.note(&process(3, "x"), 1, 3), "who is known is known");
    }
}
