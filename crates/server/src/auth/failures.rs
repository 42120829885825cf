//! How many tokens that are none somebody may show before he is told to wait.
//!
//! Nobody guesses one of 2^256 numbers; what this bounds is the noise. So a token that is right is taken at any time: a
//! sender with an old token must not keep others behind the same address out.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::network::network;

/// So many at once.
const BURST: u32 = 10;
/// And then one each.
const EACH: Duration = Duration::from_secs(6);
/// Places: 4,096 networks are known at a time, in about 200 KB.
const SETS: usize = 1024;
const WAYS: usize = 4;

/// Failures by network. A network that finds no place takes that of the one which has been good for longest.
#[derive(Debug)]
pub(super) struct Failures {
    // Nobody can choose addresses that share a set.
    keys: RandomState,
    sets: Mutex<Vec<[Option<Place>; WAYS]>>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    network: IpAddr,
    /// When all of its failures are forgotten: each adds [`EACH`].
    forgotten: Instant,
}

impl Failures {
    pub(super) fn new() -> Self {
        Failures { keys: RandomState::new(), sets: Mutex::new(vec![[None; WAYS]; SETS]) }
    }

    /// A failure at this moment. `Err` is how long to wait before the next one.
    pub(super) fn note(&self, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        let network = network(peer);
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let chosen = (self.keys.hash_one(network) % SETS as u64) as usize;
        let Some(set) = sets.get_mut(chosen) else { return Ok(()) };
        let own = set.iter().position(|place| place.is_some_and(|place| place.network == network));
        let place = own.unwrap_or_else(|| {
            let oldest = |index: &usize| set[*index].map(|place| place.forgotten);
            (0..WAYS).min_by_key(oldest).unwrap_or(0)
        });
        let since = own.and_then(|own| set[own]).map_or(now, |place| place.forgotten.max(now));
        let forgotten = since + EACH;
        if let Some(wait) =
            forgotten.checked_duration_since(now + EACH * BURST).filter(|wait| !wait.is_zero())
        {
            return Err(wait);
        }
        set[place] = Some(Place { network, forgotten });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    #[test]
    fn ten_at_once_and_then_one_in_six_seconds() {
        let failures = Failures::new();
        let now = Instant::now();
        for _ in 0..10 {
            assert_eq!(failures.note(ip("10.0.0.1"), now), Ok(()));
        }
        assert_eq!(failures.note(ip("10.0.0.1"), now), Err(EACH));
        assert_eq!(failures.note(ip("::ffff:10.0.0.1"), now), Err(EACH), "the same address");
        assert_eq!(failures.note(ip("10.0.0.2"), now), Ok(()), "another");
        assert_eq!(failures.note(ip("10.0.0.1"), now + EACH), Ok(()));
        assert_eq!(failures.note(ip("10.0.0.1"), now + EACH + EACH / 2), Err(EACH / 2));
        // After a minute all is forgotten.
        for _ in 0..10 {
            assert_eq!(failures.note(ip("10.0.0.1"), now + EACH * 20), Ok(()));
        }
    }

    #[test]
    fn an_ipv6_network_is_one() {
        let failures = Failures::new();
        let now = Instant::now();
        let refused = (0..1000_u128).filter(|host| {
            let address = std::net::Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | host);
            failures.note(address.into(), now).is_err()
        });
        assert_eq!(refused.count(), 990);
    }

    #[test]
    fn it_does_not_grow() {
        let failures = Failures::new();
        let now = Instant::now();
        for host in 0..100_000 {
            let _ = failures.note(std::net::Ipv4Addr::from_bits(host).into(), now);
        }
        assert_eq!(failures.sets.lock().expect("a lock").len(), SETS);
    }
}
