//! What there is: connections, agents, entities.

use model::names;

use crate::Column;

pub(super) const CONNECTIONS: &[Column] = &[
    Column::time("time", "When it was opened").always(),
    Column::duration("duration", "For how long it was open").always(),
    Column::word(names::SERVICE_NAME, "The service at this end"),
    Column::word(names::HOST_NAME, "The host that this end is on"),
    Column::word("role", "`server`, `client` or `unknown`: this end").always(),
    Column::word(names::CLIENT, "The service that connected"),
    Column::word(names::SERVER, "The service that was connected to"),
    Column::word("weir.client.address", "The address of the end that connected"),
    Column::number("weir.client.port", "Its port"),
    Column::word("weir.server.address", "The address that was connected to"),
    Column::number("weir.server.port", "Its port"),
    Column::number(names::PROCESS_PID, "The process at this end"),
    Column::id(names::WEIR_CONNECTION, "Its id").always(),
    Column::word("reason", "How it ended, or why it failed"),
    Column::word(names::ERROR_TYPE, "How it failed; empty where it ended as connections do"),
    Column::duration("connect.duration", "From the first packet until it was open"),
    Column::duration("rtt", "The round-trip time at the end, smoothed"),
    Column::duration("rtt.min", "The least round-trip time"),
    Column::amount("sent.bytes", "Bytes sent"),
    Column::amount("received.bytes", "Bytes received"),
    Column::number("retransmits", "Packets sent again"),
    Column::number(
        "count",
        "How many connections it stands for: short ones that are alike are summed up; times are then means, `time` is when they were counted",
    )
    .since(2),
];

pub(super) const AGENTS: &[Column] = &[
    Column::time("time", "When it told so").always(),
    Column::word(names::HOST_NAME, "The host that it is on"),
    Column::word(names::HOST_ID, "The host's id"),
    Column::word(names::SERVICE_VERSION, "Its version"),
    Column::word("kernel", "The kernel's version"),
    Column::amount("events", "Kernel events since it told the time before"),
    Column::amount("lost", "Events since then that were lost"),
    Column::number("sampled", "The part of connections that it watches, to stay within its budget: of 100")
        .since(2),
    Column::map("attributes", "What else it told"),
];

pub(super) const ENTITIES: &[Column] = &[
    Column::time("time", "When it was first seen").always(),
    Column::time("end", "When it was last seen").always(),
    Column::word("kind", "`service`, `process`, `container` or `host`").always(),
    Column::word("name", "Its name").always(),
    Column::word("id", "Its id").always(),
    Column::word("parent", "The id of what it is part of"),
    Column::word(names::HOST_NAME, "The host that it is on"),
    Column::map("attributes", "What else is known"),
];
