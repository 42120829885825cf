//! Sums of connections, out of the kernel's map.
//!
//! A sum belongs to an epoch, and nothing is added to one whose epoch is over. So what is read is complete, and can be removed.

use std::net::{IpAddr, Ipv6Addr};

use libbpf_rs::{MapCore, MapFlags};
use model::sums::{BUCKETS, Spread, Sums, Totals};
use model::tcp::Moment;

use crate::decode::{role, tcp};
use crate::shared::{read, weir_spread, weir_sums, weir_sums_key, weir_sums_limits};

const EPOCH_SHIFT: u32 = weir_sums_limits::WEIR_SUMS_EPOCH_SHIFT.0;
const ALL_BOUNDS: usize = weir_sums_limits::WEIR_SUMS_BOUNDS.0 as usize;
const KEY: usize = size_of::<weir_sums_key>();
/// A program that looked at the clock before an epoch's end has long added by then: nanoseconds.
const GRACE: u64 = 250_000_000;
/// Sums that are copied at a time.
const BATCH: u32 = 32;

const _: () = assert!(BUCKETS == weir_sums_limits::WEIR_SPREAD_BUCKETS.0 as usize);

/// The buckets' bounds as the programs look through them: those that there are, and then what no value exceeds.
pub(crate) fn bounds() -> [u32; ALL_BOUNDS] {
    let mut all = [u32::MAX; ALL_BOUNDS];
    all.iter_mut().zip(model::sums::bounds()).for_each(|(to, bound)| *to = *bound);
    all
}

/// How many of these are below each power of two.
pub(crate) fn starts() -> [u8; 32] {
    std::array::from_fn(|power| {
        let below = model::sums::bounds().partition_point(|bound| *bound < 1 << power);
        u8::try_from(below).unwrap_or(u8::MAX)
    })
}

/// Reads sums when they are complete.
#[derive(Debug, Default)]
pub(crate) struct SumsReader {
    /// Before this epoch all were read.
    next: u32,
}

impl SumsReader {
    /// Hands over the sums of the epochs that are over at `now`; false where these were read before.
    pub(crate) fn read(&mut self, map: &impl MapCore, now: u64, handle: impl FnMut(Sums)) -> bool {
        let current = (now.saturating_sub(GRACE) >> EPOCH_SHIFT) as u32;
        if current == self.next {
            return false;
        }
        self.next = current;
        take(map, current, handle);
        true
    }

    /// Hands over all of them.
    pub(crate) fn read_all(&mut self, map: &impl MapCore, handle: impl FnMut(Sums)) {
        take(map, u32::MAX, handle);
    }
}

/// Takes the sums of epochs before `until` out of the map.
fn take(map: &impl MapCore, until: u32, mut handle: impl FnMut(Sums)) {
    let Ok(entries) = map.lookup_batch(BATCH, MapFlags::ANY, MapFlags::ANY) else { return };
    let mut gone: Vec<u8> = Vec::new();
    for (key, value) in entries {
        let (Some(known), Some(value)) = (read::<weir_sums_key>(&key), read::<weir_sums>(&value)) else {
            continue;
        };
        if known.epoch < until {
            gone.extend_from_slice(&key);
            decode(&known, &value).into_iter().for_each(&mut handle);
        }
    }
    let number = (gone.len() / KEY) as u32;
    // Those that are not there any more are none of ours: nobody else removes them.
    if number > 0 && map.delete_batch(&gone, number, MapFlags::ANY, MapFlags::ANY).is_err() {
        gone.chunks_exact(KEY).for_each(|key| drop(map.delete(key)));
    }
}

/// `None` where it makes no sense.
fn decode(key: &weir_sums_key, value: &weir_sums) -> Option<Sums> {
    let address = |bytes: [u8; 16]| -> IpAddr { Ipv6Addr::from(bytes).to_canonical() };
    let moment = tcp::moment(key.moment, key.cause)?;
    Some(Sums {
        netns: key.netns,
        pid: key.process,
        client_pid: key.client,
        role: role(key.role),
        local: address(key.local),
        remote: address(key.remote),
        port: key.port,
        moment: matches!(moment, Moment::Closed(_) | Moment::Failed(_)).then_some(moment)?,
        totals: Box::new(Totals {
            number: value.number,
            left_out: value.left_out,
            sent: value.sent,
            received: value.received,
            segments_out: value.segments_out,
            segments_in: value.segments_in,
            retransmits: value.retransmits,
            connect: spread(&value.connect),
            rtt: spread(&value.rtt),
            lifetime: spread(&value.lifetime),
        }),
    })
}

fn spread(raw: &weir_spread) -> Spread {
    let count = raw.buckets.iter().map(|count| u64::from(*count)).sum();
    let least = if count > 0 { u64::from(!raw.least) } else { u64::MAX };
    Spread { count, sum: raw.sum, squares: raw.squares, least, most: raw.most.into(), buckets: raw.buckets }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `bucket_of` in `bpf/socket/sums.h` looks.
    fn bucket_of(value: u32) -> usize {
        let mut place = usize::from(starts()[value.ilog2() as usize]);
        let mut step = weir_sums_limits::WEIR_SUMS_WINDOW.0 as usize / 2;
        while step > 0 {
            place += if bounds()[place + step - 1] < value { step } else { 0 };
            step /= 2;
        }
        place
    }

    #[test]
    fn every_value_is_found_within_its_doubling() {
        let own = model::sums::bounds();
        for bound in own {
            for value in [bound - 1, *bound, bound + 1] {
                if value > 0 {
                    assert_eq!(bucket_of(value), own.partition_point(|bound| *bound < value), "{value}");
                }
            }
        }
        assert_eq!(bucket_of(1), 0);
    }

    fn key(moment: u8, cause: u8) -> weir_sums_key {
        weir_sums_key {
            netns: 3,
            process: 7,
            client: 8,
            local: std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped().octets(),
            remote: Ipv6Addr::LOCALHOST.octets(),
            port: 80,
            role: 2,
            moment,
            cause,
            ..weir_sums_key::default()
        }
    }

    #[test]
    fn sums_are_told_with_what_they_are_of() {
        let mut value = weir_sums { number: 2, ..weir_sums::default() };
        value.rtt.buckets[4] = 2;
        (value.rtt.sum, value.rtt.least, value.rtt.most) = (10, !4, 6);
        let sums = decode(&key(3, 2), &value).expect("it makes sense");
        assert_eq!((sums.netns, sums.pid, sums.client_pid, sums.port), (3, 7, 8, 80));
        assert_eq!((sums.local.to_string().as_str(), sums.remote.to_string().as_str()), ("127.0.0.1", "::1"));
        assert_eq!(sums.moment, Moment::Closed(model::tcp::Cause::RemoteFin));
        let rtt = &sums.totals.rtt;
        assert_eq!((rtt.count, rtt.sum, rtt.least, rtt.most), (2, 10, 4, 6));
        assert_eq!((sums.totals.connect.count, sums.totals.connect.least), (0, u64::MAX));
        for (moment, cause) in [(1, 2), (2, 2), (3, 99), (9, 1), (0, 0)] {
            assert!(decode(&key(moment, cause), &value).is_none(), "{moment} {cause}");
        }
    }
}
