//! What other programs send, and what is sampled.

use model::names;

use crate::Column;

pub(super) const SPANS: &[Column] = &[
    Column::time("time", "When it began").always(),
    Column::duration("duration", "How long it took").always(),
    Column::word(names::SERVICE_NAME, "The service that made it"),
    Column::word(names::HOST_NAME, "The host that it was made on"),
    Column::word("name", "What was done").always(),
    Column::word("kind", "`server`, `client`, `internal`, `producer` or `consumer`"),
    Column::word(names::ERROR_TYPE, "How it failed; `error` where nothing more is told"),
    Column::word("scope", "The instrumentation that made it"),
    Column::bytes("trace_id", 16, "Its trace").always().keyed(),
    Column::bytes("span_id", 8, "Its id").always(),
    Column::bytes("parent_span_id", 8, "The span that it belongs to"),
    Column::map("attributes", "Its attributes and its resource's"),
];

pub(super) const METRICS: &[Column] = &[
    Column::time("time", "When it was so").always(),
    Column::word("metric", "The metric's name").always(),
    Column::word(names::SERVICE_NAME, "The service that it is about"),
    Column::word(names::HOST_NAME, "The host that it is about"),
    Column::word("kind", "`counter`, `gauge` or `histogram`").always(),
    Column::word("unit", "The unit of its values"),
    Column::float("value", "The value; of a histogram the sum"),
    Column::amount("count", "How many values a histogram has"),
    Column::histogram("buckets", "A histogram's buckets"),
    Column::map("attributes", "What its series is told apart by"),
];

pub(super) const LOGS: &[Column] = &[
    Column::time("time", "When it was written").always(),
    Column::word(names::SERVICE_NAME, "The service that wrote it"),
    Column::word(names::HOST_NAME, "The host that it was written on"),
    Column::word("severity", "`trace`, `debug`, `info`, `warn`, `error` or `fatal`"),
    Column::text("body", "The line"),
    Column::bytes("trace_id", 16, "The trace that it belongs to").keyed(),
    Column::bytes("span_id", 8, "The span that it belongs to"),
    Column::map("attributes", "Its attributes and its resource's"),
];

pub(super) const PROFILES: &[Column] = &[
    Column::time("time", "When it was met").always(),
    Column::word(names::SERVICE_NAME, "The service that it was met in"),
    Column::word(names::HOST_NAME, "The host that it was met on"),
    Column::word("kind", "What was sampled: `cpu`, ...").always(),
    Column::word("stack", "The frames, outermost first, with `;` between").always(),
    Column::amount("value", "How much of it").always(),
];
