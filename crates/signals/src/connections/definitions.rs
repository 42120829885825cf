//! The metrics of TCP connections.

use crate::{Buckets, Kind, Label, Metric, Unit};

const CLIENT: Label =
    Label::closed("client", "who connects: the service, else the address; `internet` for public addresses");
const SERVER: Label = Label::closed("server", "who accepts, likewise");
const SERVER_PORT: Label = Label::open("server.port", "the port that is connected to");
const ROLE: Label = Label::closed(
    "weir.role",
    "the side that was seen: `client` or `server`, else `unknown`; a connection within this host is seen from both",
);
const DIRECTION: Label = Label::closed("network.io.direction", "`transmit` or `receive`, as the side saw it");

pub(super) const EDGE: &[Label] = &[CLIENT, SERVER, SERVER_PORT, ROLE];
pub(super) const EDGE_AND_REASON: &[Label] = &[
    CLIENT,
    SERVER,
    SERVER_PORT,
    ROLE,
    Label::closed(
        "reason",
        "why: `local_fin`, `remote_fin`, `local_reset`, `remote_reset`, `refused`, `timeout`, …",
    ),
];
pub(super) const EDGE_AND_DIRECTION: &[Label] = &[CLIENT, SERVER, SERVER_PORT, ROLE, DIRECTION];
pub(super) const LISTENER: &[Label] = &[
    Label::closed("server", "who listens: the service, where known"),
    Label::closed("server.address", "the address that is listened at"),
    Label::open("server.port", "the port"),
];

/// Round-trip times within a rack are some ten microseconds, across the world some hundred milliseconds: recorded in
/// nanoseconds, told in seconds.
pub(super) const ROUND_TRIPS: Buckets = Buckets {
    bounds: &[
        50_000,
        100_000,
        250_000,
        500_000,
        1_000_000,
        2_500_000,
        5_000_000,
        10_000_000,
        25_000_000,
        50_000_000,
        100_000_000,
        250_000_000,
        500_000_000,
        1_000_000_000,
    ],
    per_unit: 1e9,
};

/// From a request's to a day's.
pub(super) const LIFETIMES: Buckets = Buckets {
    bounds: &[
        1_000_000,
        10_000_000,
        100_000_000,
        1_000_000_000,
        10_000_000_000,
        60_000_000_000,
        600_000_000_000,
        3_600_000_000_000,
        86_400_000_000_000,
    ],
    per_unit: 1e9,
};

const fn counter(
    name: &'static str,
    help: &'static str,
    unit: &'static str,
    labels: &'static [Label],
) -> Metric {
    Metric { name, help, unit: Unit::Number(unit), kind: Kind::Counter, labels }
}

pub(super) static OPENED: Metric = counter(
    "weir.tcp.connections.opened",
    "Connections that were established, and were seen to be: counted at their end, or when all that are open are next looked at",
    "connection",
    EDGE,
);
pub(super) static CLOSED: Metric =
    counter("weir.tcp.connections.closed", "Connections that ended", "connection", EDGE_AND_REASON);
pub(super) static LIFETIME: Metric = Metric {
    name: "weir.tcp.connection.duration",
    help: "How long connections lasted that ended, of those that were seen from their beginning",
    unit: Unit::Seconds,
    kind: Kind::Histogram(&LIFETIMES),
    labels: EDGE,
};
pub(super) static ACTIVE: Metric = Metric {
    name: "weir.tcp.connections.active",
    help: "Connections that were open when all were last looked at, which is every 10 seconds",
    unit: Unit::Number("connection"),
    kind: Kind::Gauge,
    labels: EDGE,
};
pub(super) static CONNECT: Metric = Metric {
    name: "weir.tcp.connect.duration",
    help: "Time from a client's SYN to the established connection",
    unit: Unit::Seconds,
    kind: Kind::Histogram(&ROUND_TRIPS),
    labels: EDGE,
};
const fn recent(name: &'static str, help: &'static str) -> Metric {
    Metric { name, help, unit: Unit::Seconds, kind: Kind::Gauge, labels: EDGE }
}

pub(super) static CONNECT_MIN: Metric = recent(
    "weir.tcp.connect.duration.min",
    "The shortest connect of the 10 seconds before the last look at all that are open",
);
pub(super) static CONNECT_MAX: Metric =
    recent("weir.tcp.connect.duration.max", "The longest connect of these 10 seconds");
pub(super) static CONNECT_DEVIATION: Metric =
    recent("weir.tcp.connect.duration.deviation", "The standard deviation of connects of these 10 seconds");
pub(super) static RTT_MIN: Metric = recent(
    "weir.tcp.rtt.min",
    "The least smoothed round-trip time of the 10 seconds before the last look at all that are open",
);
pub(super) static RTT_MAX: Metric =
    recent("weir.tcp.rtt.max", "The greatest smoothed round-trip time of these 10 seconds");
pub(super) static RTT_DEVIATION: Metric =
    recent("weir.tcp.rtt.deviation", "The standard deviation of round-trip times of these 10 seconds");
pub(super) static FAILED: Metric =
    counter("weir.tcp.connect.failures", "Connects that came to nothing", "connection", EDGE_AND_REASON);
pub(super) static RTT: Metric = Metric {
    name: "weir.tcp.rtt",
    help: "Smoothed round-trip times, of each connection every 10 seconds and at its end",
    unit: Unit::Seconds,
    kind: Kind::Histogram(&ROUND_TRIPS),
    labels: EDGE,
};
pub(super) static RETRANSMITS: Metric =
    counter("weir.tcp.retransmits", "Segments that were sent again, SYNs included", "segment", EDGE);
pub(super) static RESETS: Metric = counter(
    "weir.tcp.resets",
    "Connections and connects that were ended by a reset, sent (`transmit`) or received",
    "connection",
    EDGE_AND_DIRECTION,
);
pub(super) static BYTES: Metric = Metric {
    name: "weir.tcp.bytes",
    help: "Payload, each byte counted once: by the kernel's own counts, every 10 seconds and at a connection's end",
    unit: Unit::Bytes,
    kind: Kind::Counter,
    labels: EDGE_AND_DIRECTION,
};
pub(super) static PACKETS: Metric = counter(
    "weir.tcp.packets",
    "Segments, those without payload and repeated ones included: counted like bytes",
    "packet",
    EDGE_AND_DIRECTION,
);
pub(super) static BACKLOG: Metric = Metric {
    name: "weir.tcp.listen.backlog",
    help: "Connections that waited to be accepted when this was last looked at, which is every 10 seconds",
    unit: Unit::Number("connection"),
    kind: Kind::Gauge,
    labels: LISTENER,
};
pub(super) static BACKLOG_LIMIT: Metric = Metric {
    name: "weir.tcp.listen.backlog.limit",
    help: "Connections that may wait to be accepted",
    unit: Unit::Number("connection"),
    kind: Kind::Gauge,
    labels: LISTENER,
};
pub(super) static DROPS: Metric = counter(
    "weir.tcp.listen.drops",
    "Connections that a listening socket turned away, since it listens",
    "connection",
    LISTENER,
);

/// All of them, in the order of the page.
pub static METRICS: &[&Metric] = &[
    &OPENED,
    &CLOSED,
    &ACTIVE,
    &LIFETIME,
    &CONNECT,
    &CONNECT_MIN,
    &CONNECT_MAX,
    &CONNECT_DEVIATION,
    &FAILED,
    &RTT,
    &RTT_MIN,
    &RTT_MAX,
    &RTT_DEVIATION,
    &RETRANSMITS,
    &RESETS,
    &BYTES,
    &PACKETS,
    &BACKLOG,
    &BACKLOG_LIMIT,
    &DROPS,
];
