//! Which name led to which address: by this the other end of a connection is called where nobody on this host knows it.
//!
//! What DNS answered is somebody else's word. So it names only addresses at which no process of this host was found, and
//! never loopback; and it holds only in the network namespace in which it was asked, since another may use the same addresses
//! or ask other servers. What a server of this host answered to others teaches nothing: anybody may ask it anything.
//!
//! Several names may lead to one address. A process means the one that it asked for itself; of those that did not ask,
//! nothing is known, and the latest is taken.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use model::Nanos;
use protocols::dns::Resolved;

const SECOND: Nanos = 1_000_000_000;
/// How long an answer holds, however short its time to live, since it was given or last used: programs keep addresses for
/// longer than they may.
const LEAST: Nanos = 3600 * SECOND;
/// The longest that is believed.
const MOST: Nanos = 24 * LEAST;
/// Addresses of a generation; there are two.
const ADDRESSES: usize = 8192;
/// Processes that are told apart at one address.
const ASKERS: usize = 4;
/// The longest name of a host (RFC 1035, 2.3.4), written out.
const LONGEST_NAME: usize = 253;

/// Who asked, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker {
    /// The network namespace.
    pub(crate) netns: u32,
    /// The process; 0 where unknown.
    pub(crate) pid: u32,
}

/// What was asked for, by the addresses in the answers.
///
/// Two generations: what is asked for or used again in the older one moves to the younger, and when that is full it
/// becomes the older one. Hashes have a secret seed, since addresses come from anybody.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    young: Generation,
    old: Generation,
}

/// By namespace and address. The latest answer is the last; never empty.
type Generation = HashMap<(u32, IpAddr), Vec<Answer>>;

#[derive(Debug)]
struct Answer {
    pid: u32,
    name: Arc<str>,
    until: Nanos,
}

impl Lookups {
    /// A process was told at `now` to which addresses a name leads. Returns how many addresses had to be forgotten for it
    /// though their names would have held.
    pub(crate) fn learn(&mut self, asker: Asker, resolved: &Resolved<'_>, now: Nanos) -> u64 {
        if resolved.name == "." || resolved.name.len() > LONGEST_NAME {
            return 0;
        }
        let mut forgotten = 0;
        let mut name: Option<Arc<str>> = None;
        for address in resolved.addresses().map(|address| address.to_canonical()).filter(can_be_remote) {
            forgotten += self.make_room(now);
            let place = (asker.netns, address);
            let earlier = self.old.remove(&place);
            let answers = self.young.entry(place).or_insert_with(|| earlier.unwrap_or_default());
            let same = |answer: &&Answer| answer.name.eq_ignore_ascii_case(resolved.name);
            let known = answers.iter().find(same).map(|answer| answer.name.clone());
            let new = || resolved.name.to_ascii_lowercase().into();
            let name = name.get_or_insert_with(|| known.unwrap_or_else(new)).clone();
            match answers.iter().position(|answer| answer.pid == asker.pid) {
                Some(earlier) => {
                    answers.remove(earlier);
                }
                None if answers.len() >= ASKERS => {
                    answers.remove(0);
                }
                None => {}
            }
            let holds = (u64::from(resolved.ttl) * SECOND).clamp(LEAST, MOST);
            answers.push(Answer { pid: asker.pid, name, until: now.saturating_add(holds) });
        }
        forgotten
    }

    /// The name of `address` for a process that has a connection to it at `now`.
    pub(crate) fn name(&mut self, asker: Asker, address: IpAddr, now: Nanos) -> Option<Arc<str>> {
        // Each connection asks, and a hash is not free.
        if self.young.is_empty() && self.old.is_empty() {
            return None;
        }
        let place = (asker.netns, address.to_canonical());
        // What is in use stays, unless that would cost another its place.
        if !self.old.is_empty()
            && self.young.len() < ADDRESSES
            && let Some(answers) = self.old.remove(&place)
        {
            self.young.insert(place, answers);
        }
        let answers = match self.young.get_mut(&place) {
            Some(answers) => answers,
            None => self.old.get_mut(&place)?,
        };
        let holds = |answer: &Answer| answer.until > now;
        let own = answers.iter().position(|answer| answer.pid == asker.pid && holds(answer));
        let place = own.or_else(|| answers.iter().rposition(holds))?;
        let answer = answers.get_mut(place)?;
        answer.until = answer.until.max(now.saturating_add(LEAST));
        Some(answer.name.clone())
    }

    fn make_room(&mut self, now: Nanos) -> u64 {
        if self.young.len() < ADDRESSES {
            return 0;
        }
        let old = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        let holds = |answers: &&Vec<Answer>| answers.iter().any(|answer| answer.until > now);
        old.values().filter(holds).count() as u64
    }
}

/// No address that is this host's own in every namespace, nor one that is nobody's or many's.
fn can_be_remote(address: &IpAddr) -> bool {
    let everybody = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || everybody)
}

#[cfg(test)]
mod tests;
