//! Which connections are seen, where a host cannot afford to see all of them.

use model::event::Open;
use model::{ConnectionId, Endpoint};

use crate::shared::weir_limits;

pub(crate) const PLACES: u32 = weir_limits::WEIR_PLACES.0;

/// A share of all connections. Each is kept or left out whole, by what both of its ends know; whoever belongs to a share belongs to
/// every larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Places below this are left out.
    pub(crate) left_out: u32,
}

impl Share {
    /// All of them.
    pub const ALL: Share = Share { left_out: 0 };
    /// None.
    pub const NONE: Share = Share { left_out: PLACES };

    /// All, halved so many times.
    pub fn halved(times: u32) -> Share {
        Share { left_out: PLACES - PLACES.checked_shr(times).unwrap_or(0).max(1) }
    }

    /// The part that is kept, from 0 to 1.
    pub fn kept(self) -> f64 {
        f64::from(PLACES - self.left_out) / f64::from(PLACES)
    }

    /// Whether a connection belongs to it.
    pub fn keeps(self, open: &Open) -> bool {
        match (&open.local, &open.remote) {
            (Endpoint::Ip(local), Endpoint::Ip(remote)) => self.keeps_ports(local.port(), remote.port()),
            _ => {
                let ConnectionId(peer) = open.peer.unwrap_or(ConnectionId(0));
                self.keeps_sum(open.connection.0.wrapping_add(peer) as u32)
            }
        }
    }

    /// The same of one between two ports.
    pub fn keeps_ports(self, one: u16, other: u16) -> bool {
        self.keeps_sum(u32::from(one) + u32::from(other))
    }

    /// As `is_left_out` in `bpf/socket/state.h` has it.
    fn keeps_sum(self, sum: u32) -> bool {
        place(sum) >= self.left_out
    }
}

/// A connection's place among [`PLACES`], by the sum of its ports: as `place_of` in `bpf/socket/state.h` has it.
pub(crate) fn place(sum: u32) -> u32 {
    sum.wrapping_mul(0x9e37_79b1) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_about_as_large_as_it_says() {
        // As clients' ports are given out: one after the other, of one parity first.
        for (times, parity) in [(1, 0), (1, 1), (3, 0), (6, 1), (10, 0)] {
            let share = Share::halved(times);
            let ports = (32_768..61_000).filter(|port| port % 2 == parity);
            let (kept, all) = ports
                .fold((0, 0), |(kept, all), port| (kept + u32::from(share.keeps_ports(port, 6379)), all + 1));
            let part = f64::from(kept) / f64::from(all);
            assert!((part / share.kept() - 1.0).abs() < 0.1, "1/2^{times}: {part}");
        }
    }

    #[test]
    fn a_smaller_share_is_part_of_a_larger_one_and_both_ends_agree() {
        for port in 1..=u16::MAX {
            let kept: Vec<bool> = (0..12).map(|times| Share::halved(times).keeps_ports(port, 443)).collect();
            assert!(kept.is_sorted_by(|more, less| more >= less), "{port}: {kept:?}");
            assert_eq!(kept[1], Share::halved(1).keeps_ports(443, port));
            assert!(Share::ALL.keeps_ports(port, 443) && !Share::NONE.keeps_ports(port, 443));
        }
        assert_eq!((Share::ALL.kept(), Share::halved(3).kept(), Share::NONE.kept()), (1.0, 0.125, 0.0));
        assert!(Share::halved(16).kept() > 0.0 && Share::halved(99).kept() > 0.0);
    }
}
