//! The server's figures about itself. Who runs it sets them; here is what there is.

use crate::metric::{counter, gauge};
use crate::{Buckets, Kind, Label, Metric, Unit};

const SOURCE: Label =
    Label::closed("source", "who brings it: `agents` on other hosts, or OTLP's `spans`, `metrics`, `logs`");

/// What runs.
pub static INFO: Metric = gauge(
    "weir.server.info",
    "Always 1; its label says what runs",
    Unit::Number(""),
    &[Label::closed("version", "Weir's version")],
);
/// Rows that came in.
pub static INGEST_ROWS: Metric = counter(
    "weir.server.ingest.rows",
    "Rows that came over the network and are durable; those that were sent again are counted again",
    Unit::Number("row"),
    &[SOURCE],
);
/// Items that were left out.
pub static INGEST_REJECTED: Metric = counter(
    "weir.server.ingest.rejected",
    "Spans, points and lines of messages that were taken which made no sense or were too many, and so are lost",
    Unit::Number("item"),
    &[SOURCE],
);
/// Messages that were not taken.
pub static INGEST_REFUSED: Metric = counter(
    "weir.server.ingest.refused",
    "Messages that were not taken",
    Unit::Number("message"),
    &[
        SOURCE,
        Label::closed(
            "reason",
            "`busy`: there was no room, or the disk was in trouble, and they are to be sent again; `unfit`: they will never be taken, \
             and are lost",
        ),
    ],
);
/// Rows that the store took.
pub static STORE_ROWS: Metric =
    counter("weir.store.rows", "Rows that were made durable, whoever brought them", Unit::Number("row"), &[]);
/// Batches that the store did not take.
pub static STORE_REFUSED: Metric = counter(
    "weir.store.refused",
    "Batches that the store did not take, which are to be sent again",
    Unit::Number("batch"),
    &[Label::closed("reason", "`busy`: too much waited; `disk`: the disk failed")],
);
/// Batches that came again.
pub static STORE_REPEATED: Metric = counter(
    "weir.store.repeated",
    "Batches that had been stored before, and were not again",
    Unit::Number("batch"),
    &[],
);
/// What is not kept any more.
pub static STORE_DROPPED: Metric = counter(
    "weir.store.dropped",
    "Rows that are not kept any more, counted for as long as the store exists",
    Unit::Number("row"),
    &[
        Label::closed("table", "the table"),
        Label::closed(
            "reason",
            "`age`; `size`: the table took too much room; `damaged`: they could not be read when the store was repaired",
        ),
    ],
);
/// Is the disk in trouble?
pub static STORE_TROUBLE: Metric = gauge(
    "weir.store.trouble",
    "Whether the store's disk is in trouble: 1 if it is, else 0",
    Unit::Number(""),
    &[],
);
/// What files take.
pub static STORE_BYTES: Metric = gauge(
    "weir.store.bytes",
    "What the store's files take, without the log",
    Unit::Bytes,
    &[Label::closed("table", "the table")],
);
/// What waits for a file.
pub static STORE_MEMORY: Metric =
    gauge("weir.store.memory", "Rows that are in memory and the log only", Unit::Bytes, &[]);
/// Questions by how they ended.
pub static QUERIES: Metric = counter(
    "weir.server.queries",
    "Questions to the store, of which an answer of the API may need several",
    Unit::Number("query"),
    &[Label::closed(
        "outcome",
        "`answered`; `cancelled`: whoever asked went away or had waited too long; `refused`: it makes no sense, takes too much, or too many waited; \
         `failed`",
    )],
);
/// Questions at this moment.
pub static QUERIES_RUNNING: Metric = gauge(
    "weir.server.queries.running",
    "Questions that the store is working on",
    Unit::Number("query"),
    &[],
);
/// How long questions took.
pub static QUERY_DURATION: Metric = Metric {
    name: "weir.server.query.duration",
    help: "How long questions to the store took, however they ended; exports with the time that their reader took",
    unit: Unit::Seconds,
    kind: Kind::Histogram(&Buckets::DURATIONS),
    labels: &[],
};
/// Connections at this moment.
pub static CONNECTIONS: Metric =
    gauge("weir.server.connections", "Connections that are open", Unit::Number("connection"), &[]);
/// Connections so far.
pub static CONNECTIONS_TAKEN: Metric =
    counter("weir.server.connections.taken", "Connections that were taken", Unit::Number("connection"), &[]);
/// Connections that were closed.
pub static CONNECTIONS_CLOSED: Metric = counter(
    "weir.server.connections.closed",
    "Connections that were closed, and bodies that were given up",
    Unit::Number("connection"),
    &[Label::closed(
        "cause",
        "`too many`; `too slow`: the other end did not go on; `tls`: it was not agreed on; `body`: it was too large or too slow",
    )],
);
/// Requests that were not let in.
pub static REFUSED: Metric = counter(
    "weir.server.refused",
    "Requests that were not let in",
    Unit::Number("request"),
    &[Label::closed(
        "reason",
        "`unauthenticated`: no valid token; `forbidden`: a token for something else; `foreign`: for another host, or by another site's \
         page; `too many` wrong tokens",
    )],
);

/// All of them, in the order of the page.
pub static METRICS: &[&Metric] = &[
    &INFO,
    &INGEST_ROWS,
    &INGEST_REJECTED,
    &INGEST_REFUSED,
    &STORE_ROWS,
    &STORE_REFUSED,
    &STORE_REPEATED,
    &STORE_DROPPED,
    &STORE_TROUBLE,
    &STORE_BYTES,
    &STORE_MEMORY,
    &QUERIES,
    &QUERIES_RUNNING,
    &QUERY_DURATION,
    &CONNECTIONS,
    &CONNECTIONS_TAKEN,
    &CONNECTIONS_CLOSED,
    &REFUSED,
];
