//! Requests, and what is summed up of them.

use model::names;

use crate::{Coding, Column};

pub(super) const REQUESTS: &[Column] = &[
    // Rows of a peer and a name are together, not those of a moment: most times are no small step from the one before.
    Column::time("time", "First byte of the request, as this side saw it").coded(Coding::Split).always(),
    Column::duration("duration", "From the first byte of the request to the last of the response").always(),
    Column::word(names::SERVICE_NAME, "The service on whose side it was seen"),
    Column::word(names::HOST_NAME, "The host on which it was seen"),
    Column::word("role", "`server` or `client`: the side on which it was seen").always(),
    Column::word(names::NETWORK_PROTOCOL_NAME, "`http`, `redis`, ...").always(),
    Column::word("name", "What was asked, of low cardinality: `GET /users/{id}`").always(),
    Column::word(names::ERROR_TYPE, "How it failed: a status code, an error's name, `timeout`, `reset`"),
    Column::word(names::CLIENT, "The service that asked"),
    Column::word(names::SERVER, "The service that answered"),
    Column::word("weir.client.address", "The address of the end that asked"),
    Column::number("weir.client.port", "Its port"),
    Column::word("weir.server.address", "The address of the end that answered, or its path"),
    Column::number("weir.server.port", "Its port"),
    Column::number(names::PROCESS_PID, "The process on this side"),
    Column::word(names::PROCESS_EXECUTABLE_NAME, "Its command"),
    Column::number(names::THREAD_ID, "The thread that handled the request"),
    Column::id(names::WEIR_CONNECTION, "By which the requests of a connection's end belong together"),
    Column::amount(names::WEIR_REQUEST_SIZE, "The request on the wire: bytes"),
    Column::amount(names::WEIR_RESPONSE_SIZE, "The response on the wire: bytes"),
    Column::flag(names::WEIR_WAITING, "The time is the caller's wish to wait; empty for no"),
    Column::word(names::WEIR_MISSING, "What of the exchange was not seen"),
    Column::id(names::WEIR_TRACE, "The trace that it was joined to").coded(Coding::Split),
    Column::number(names::WEIR_SPAN, "Its number within that trace; the first one's is 0").since(2),
    Column::number(names::WEIR_PARENT, "The number of the request that brought it about").since(2),
    Column::word(names::WEIR_EVIDENCE, "How that is known: `sequence`, `thread`, ...").since(2),
    Column::amount(names::WEIR_SEQUENCE, "The TCP sequence number of the request's first byte").since(2),
    // A trace has several requests.
    Column::bytes("trace_id", 16, "The trace that the caller named (W3C)").coded(Coding::Dictionary).keyed(),
    Column::bytes("parent_span_id", 8, "The span that the caller named (W3C)"),
    // Nearly always it is 1: that takes no room.
    Column::number("trace_flags", "The flags that the caller named, where they are not 1: sampled (W3C)")
        .since(3),
    Column::word(names::HTTP_REQUEST_METHOD, "The method; `_OTHER` for an unknown one"),
    Column::number(names::HTTP_RESPONSE_STATUS_CODE, "The status code"),
    Column::word(names::HTTP_ROUTE, "The route"),
    Column::text(names::URL_PATH, "The path as sent"),
    Column::text(names::URL_QUERY, "The query, its values replaced"),
    Column::word(names::NETWORK_PROTOCOL_VERSION, "The protocol's version"),
    Column::word(names::SERVER_ADDRESS, "The host's name in the request"),
    Column::word(names::DB_SYSTEM_NAME, "Which database it is"),
    Column::word(names::DB_NAMESPACE, "The database"),
    Column::word(names::DB_OPERATION_NAME, "The command"),
    Column::word(names::DB_COLLECTION_NAME, "The table"),
    Column::word(names::DB_QUERY_SUMMARY, "Operations and their tables"),
    Column::text(names::DB_QUERY_TEXT, "The statement, its literals replaced"),
    Column::number(names::DB_RESPONSE_RETURNED_ROWS, "Rows of the result"),
    Column::number(names::DB_RESPONSE_AFFECTED_ROWS, "Rows that were changed"),
    Column::word(names::DB_RESPONSE_STATUS_CODE, "The server's error code"),
    Column::word(names::DNS_QUESTION_NAME, "The name that was asked for"),
    Column::word(names::DNS_QUESTION_TYPE, "The type that was asked for"),
    Column::text(names::DNS_ANSWERS, "The addresses that it led to"),
    Column::word(names::WEIR_DNS_RESPONSE_CODE, "`NOERROR`, `NXDOMAIN`, ..."),
    Column::map("attributes", "All that has no column of its own"),
];

pub(super) const EDGES: &[Column] = &[
    Column::time("time", "When the span of time begins").always(),
    Column::number("resolution", "How long it is: seconds").always(),
    Column::word(names::CLIENT, "The service that asked"),
    Column::word(names::SERVER, "The service that answered"),
    Column::word(names::NETWORK_PROTOCOL_NAME, "`http`, `redis`, ...").always(),
    Column::word("role", "`server` or `client`: the side on which they were seen").always(),
    Column::word(names::HOST_NAME, "The host on which they were seen"),
    Column::amount("count", "Requests").always(),
    Column::amount("errors", "Those that failed").always(),
    Column::amount("duration.sum", "Their durations together: ns").always(),
    Column::histogram("duration", "Their durations, by buckets").always(),
    Column::amount(names::WEIR_REQUEST_SIZE, "Their requests on the wire together: bytes").always(),
    Column::amount(names::WEIR_RESPONSE_SIZE, "Their responses on the wire together: bytes").always(),
];
