//! What many TCP connections came to, where nobody asks for the single one.

use std::net::IpAddr;
use std::sync::LazyLock;

use crate::Role;
use crate::request::Peer;
use crate::tcp::Moment;

/// Connections that are alike, and have ended: who had them, as the kernel side tells it, and what they came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    /// Inode number of the network namespace.
    pub netns: u32,
    /// The process that had them, where that was seen; else 0.
    pub pid: u32,
    /// Of a server's: the process at the other end, where that is of this host; else 0.
    pub client_pid: u32,
    /// The side that `pid` is on.
    pub role: Role,
    /// This side's address.
    pub local: IpAddr,
    /// The peer's. Of a server's clients with public addresses it is some public address.
    pub remote: IpAddr,
    /// The server's port.
    pub port: u16,
    /// How they ended: closed, or failed.
    pub moment: Moment,
    /// What they came to.
    pub totals: Box<Totals>,
}

/// The same with who is at both ends, as it is counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Summed {
    /// The side that was seen.
    pub role: Role,
    /// Who connected. Ports of clients are not told: 0.
    pub client: Peer,
    /// Who accepted.
    pub server: Peer,
    /// How they ended: closed, or failed.
    pub moment: Moment,
    /// What they came to.
    pub totals: Box<Totals>,
}

/// What connections came to from their beginning to their end.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Totals {
    /// How many they were.
    pub number: u64,
    /// Those of them whose bytes are left out for now.
    pub left_out: u64,
    /// Bytes that were sent, each counted once.
    pub sent: u64,
    /// Bytes that were received.
    pub received: u64,
    /// Segments sent.
    pub segments_out: u64,
    /// Segments received.
    pub segments_in: u64,
    /// Segments that were sent again.
    pub retransmits: u64,
    /// From a client's SYN to established.
    pub connect: Spread,
    /// Smoothed round-trip times at the end.
    pub rtt: Spread,
    /// From the beginning to the end.
    pub lifetime: Spread,
}

/// Values in microseconds, summed up.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// How many there were.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The sum of their squares.
    pub squares: u64,
    /// The least of them; where there are none the greatest number there is.
    pub least: u64,
    /// The greatest of them.
    pub most: u64,
    /// How many lie in each bucket: see [`bounds`].
    pub buckets: [u32; BUCKETS],
}

/// Most buckets.
pub const BUCKETS: usize = 216;

impl Default for Spread {
    fn default() -> Self {
        Spread { count: 0, sum: 0, squares: 0, least: u64::MAX, most: 0, buckets: [0; BUCKETS] }
    }
}

impl Spread {
    /// Adds a value.
    pub fn add(&mut self, micros: u32) {
        self.count += 1;
        self.sum += u64::from(micros);
        self.squares = self.squares.saturating_add(u64::from(micros) * u64::from(micros));
        self.least = self.least.min(micros.into());
        self.most = self.most.max(micros.into());
        let place = bounds().partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get_mut(place) {
            *bucket += 1;
        }
    }

    /// The buckets that have any values: their upper bounds, which belong to them, and how many there are.
    pub fn filled(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let filled = bounds().iter().copied().zip(self.buckets);
        filled.filter(|(_, count)| *count > 0)
    }
}

/// The buckets' upper bounds, microseconds, rising: [`BUCKETS`] at most. Among them are all bounds that are eighths of a doubling of a second, and
/// all that are 1, 2.5, 5 or 6 times a power of ten. So each bucket lies within one bucket of any histogram that has such bounds.
pub fn bounds() -> &'static [u32] {
    static BOUNDS: LazyLock<Vec<u32>> = LazyLock::new(|| {
        // A microsecond is a little more than 2^-20 s, and what lasts longer than 64 s is not summed up.
        let eighths = (-160..=48).map(|eighths| (1e6 * (f64::from(eighths) / 8.0).exp2()).floor() as u32);
        let powers = (0..8).map(|power| 10_u32.pow(power));
        let round = powers.flat_map(|power| [power, power * 5 / 2, power * 5, power * 6]);
        let mut bounds: Vec<u32> =
            eighths.chain(round).filter(|bound| (1..=64_000_000).contains(bound)).collect();
        bounds.sort_unstable();
        bounds.dedup();
        bounds
    });
    &BOUNDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_bounds_than_buckets() {
        let bounds = bounds();
        assert!(bounds.len() <= BUCKETS, "{}", bounds.len());
        assert_eq!(bounds[..4], [1, 2, 3, 4]);
        assert_eq!(bounds.last(), Some(&64_000_000));
        assert!(bounds.is_sorted_by(|one, next| one < next));
        for bound in [50, 250_000, 1_000_000, 60_000_000, 500_000, 2_000_000, 15_625] {
            assert!(bounds.contains(&bound), "{bound}");
        }
    }

    #[test]
    fn values_lie_below_their_bounds() {
        let mut spread = Spread::default();
        for micros in [1, 50, 51, 64_000_000] {
            spread.add(micros);
        }
        let filled: Vec<(u32, u32)> = spread.filled().collect();
        assert_eq!(filled[..2], [(1, 1), (50, 1)]);
        assert!(filled[2].0 > 50 && filled[2].0 < 56 && filled[3] == (64_000_000, 1), "{filled:?}");
        assert_eq!((spread.count, spread.sum, spread.least, spread.most), (4, 64_000_102, 1, 64_000_000));
    }
}
