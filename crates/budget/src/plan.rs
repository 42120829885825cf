//! How the memory is shared out, at the start.
//!
//! What grows with the traffic gets a part of what is left by that which does not. The parts were measured, and are rounded up;
//! what they leave out is held by the [`Controller`](crate::Controller).

/// What of a host counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// Processors: each has a ring of its own.
    pub processors: usize,
    /// The rings as they would be if memory were no matter, together: bytes.
    pub rings: u64,
}

/// How large everything may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// All rings together, bytes. Each is a power of two.
    pub rings: u64,
    /// TCP sockets that the kernel side follows, where their state is in a hash map.
    pub sockets: u64,
    /// Ends of connections that are read.
    pub connections: u64,
    /// Ends of TCP connections of which the kernel's figures are kept.
    pub tcp: u64,
    /// Kinds of connections that the kernel side sums up at a time.
    pub sums: u64,
    /// Bytes of messages that are not whole.
    pub held: u64,
    /// Series of each metric.
    pub series: u64,
    /// Bytes that wait to be sent, to all receivers together.
    pub queues: u64,
}

/// The memory is not enough for Weir to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLittle {
    /// The least that is, bytes.
    pub least: u64,
}

const MB: u64 = 1_000_000;
/// The process with nothing to do: program, libraries, tables of names, stacks.
const PROCESS: u64 = 15 * MB;
/// Maps that are always of the same size, and the programs.
const KERNEL: u64 = 6 * MB;
/// What is not shared out, of a thousand: what the allocator cannot use again, requests that are on their way.
const RESERVE: u64 = 120;
/// The ring of a processor, at least.
const LEAST_RING: u64 = 128 << 10;
/// What has to be left to be shared out.
const LEAST_REST: u64 = 4 * MB;
/// The part that rings may take: one of so many.
const RINGS: u64 = 8;

/// Bytes that the end of a connection takes which is read; with its place in the tables, which may be half empty.
const CONNECTION: u64 = 1_900;
/// The same of one of which figures are kept, and its state in the kernel.
const TCP: u64 = 800;
/// A socket's entry where the kernel's state is in a hash map.
const SOCKET: u64 = 144;
/// What the connections of a kind are summed up in, with its key and place.
const SUM: u64 = 2_900;
/// A series, and how many metrics have about as many as they may.
const SERIES: u64 = 1_200;
const FULL_METRICS: u64 = 8;

/// Shares out so many bytes.
///
/// # Errors
///
/// Where they are too few.
pub fn plan(memory: u64, host: Host) -> Result<Sizes, TooLittle> {
    let processors = host.processors.max(1) as u64;
    let rest = |rings: u64| -> Option<u64> {
        let reserved = memory / 1000 * RESERVE;
        memory.checked_sub(reserved)?.checked_sub(PROCESS + KERNEL + rings).filter(|rest| *rest >= LEAST_REST)
    };
    let most = (memory / RINGS).min(host.rings) / processors;
    let mut ring = if most.is_power_of_two() { most } else { most.next_power_of_two() / 2 }.max(LEAST_RING);
    while ring > LEAST_RING && rest(ring * processors).is_none() {
        ring /= 2;
    }
    let rings = ring * processors;
    let Some(rest) = rest(rings) else {
        let least = (PROCESS + KERNEL + LEAST_RING * processors + LEAST_REST) * 1000 / (1000 - RESERVE);
        // In whole megabytes, and no less than what is asked for next time.
        return Err(TooLittle { least: (least / MB + 1) * MB });
    };
    let part = |percent: u64| rest / 100 * percent;
    Ok(Sizes {
        rings,
        sockets: (part(10) / SOCKET).clamp(1 << 10, 1 << 16),
        connections: (part(40) / CONNECTION).min(200_000),
        tcp: (part(17) / TCP).min(100_000),
        sums: (part(3) / SUM).min(4_096),
        held: part(10).min(32 << 20),
        series: part(12) / (SERIES * FULL_METRICS),
        queues: part(8),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(processors: usize) -> Host {
        Host { processors, rings: (processors as u64 * (512 << 10)).max(8 << 20) }
    }

    #[test]
    fn memory_is_shared_out() {
        // processors, megabytes; rings (KiB of a processor), connections, TCP connections, sums, held (kB), series, queues (kB)
        let cases = [
            (2, 64, [2_048, 6_552, 6_614, 321, 3_112, 389, 2_490]),
            (2, 128, [4_096, 17_526, 17_690, 861, 8_325, 1_040, 6_660]),
            (2, 1_000, [4_096, 179_076, 100_000, 4_096, 33_554, 10_632, 68_048]),
            (1, 64, [4_096, 6_552, 6_614, 321, 3_112, 389, 2_490]),
            (16, 128, [512, 17_526, 17_690, 861, 8_325, 1_040, 6_660]),
            (128, 128, [128, 15_760, 15_908, 774, 7_486, 935, 5_989]),
            (128, 8_000, [512, 200_000, 100_000, 4_096, 33_554, 86_898, 556_151]),
        ];
        for (processors, megabytes, expected) in cases {
            let sizes = plan(megabytes * MB, host(processors)).expect("it is enough");
            let told = [
                sizes.rings / processors as u64 / 1024,
                sizes.connections,
                sizes.tcp,
                sizes.sums,
                sizes.held / 1000,
                sizes.series,
                sizes.queues / 1000,
            ];
            assert_eq!(told, expected, "{processors} processors, {megabytes} MB");
        }
    }

    #[test]
    fn what_is_shared_out_is_no_more_than_there_is() {
        for processors in [1, 2, 3, 7, 64, 500, 4096] {
            for megabytes in 1..3_000 {
                let memory = megabytes * MB;
                let Ok(sizes) = plan(memory, host(processors)) else { continue };
                let total = PROCESS
                    + KERNEL
                    + sizes.rings
                    + sizes.sockets.max(1 << 10) * SOCKET
                    + sizes.connections * CONNECTION
                    + sizes.tcp * TCP
                    + sizes.sums * SUM
                    + sizes.held
                    + sizes.series * SERIES * FULL_METRICS
                    + sizes.queues;
                assert!(total <= memory, "{processors} {megabytes}: {total}");
                let ring = sizes.rings / processors as u64;
                assert!(ring.is_power_of_two() && ring >= LEAST_RING, "{processors} {megabytes}: {ring}");
                assert!(
                    sizes.connections > 0
                        && sizes.tcp > 0
                        && sizes.sums > 0
                        && sizes.series > 0
                        && sizes.queues > 0
                );
            }
        }
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_least_that_would() {
        for processors in [1, 2, 16, 128, 4096] {
            for memory in [0, 1, MB, 20 * MB] {
                let TooLittle { least } = plan(memory, host(processors)).expect_err("too little");
                assert!(plan(least, host(processors)).is_ok(), "{processors}: {least}");
                assert!(
                    plan(least - 2 * MB, host(processors)).is_err(),
                    "{processors}: {least} is not the least"
                );
            }
        }
        assert_eq!(plan(MB, host(2)), Err(TooLittle { least: 29 * MB }));
    }
}
