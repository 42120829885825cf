//! Names of attributes, defined once. OpenTelemetry's semantic conventions where they have one.

/// An attribute's name.
pub type Key = &'static str;

/// `http.request.method`: the method; `_OTHER` for an unknown one.
pub const HTTP_REQUEST_METHOD: Key = "http.request.method";
/// `http.request.method_original`: an unknown method as sent.
pub const HTTP_REQUEST_METHOD_ORIGINAL: Key = "http.request.method_original";
/// `http.response.status_code`.
pub const HTTP_RESPONSE_STATUS_CODE: Key = "http.response.status_code";
/// `http.route`: a path template of low cardinality, never the raw path.
pub const HTTP_ROUTE: Key = "http.route";
/// `url.path`: the path as sent, without the query.
pub const URL_PATH: Key = "url.path";
/// `url.query`: the query, its values replaced by `?` unless configured otherwise.
pub const URL_QUERY: Key = "url.query";
/// `url.scheme`.
pub const URL_SCHEME: Key = "url.scheme";
/// `server.address`: here the `Host` header's name.
pub const SERVER_ADDRESS: Key = "server.address";
/// `client.address`: the client behind a proxy, as the proxy says: an IP address or a Unix socket's path.
pub const CLIENT_ADDRESS: Key = "client.address";
/// `client.port`: its port.
pub const CLIENT_PORT: Key = "client.port";
/// `user_agent.original`.
pub const USER_AGENT_ORIGINAL: Key = "user_agent.original";
/// `network.protocol.version`.
pub const NETWORK_PROTOCOL_VERSION: Key = "network.protocol.version";
/// `db.system.name`: which database it is.
pub const DB_SYSTEM_NAME: Key = "db.system.name";
/// `db.operation.name`: the command.
pub const DB_OPERATION_NAME: Key = "db.operation.name";
/// `db.namespace`: the database.
pub const DB_NAMESPACE: Key = "db.namespace";
/// `db.query.text`: the statement, its literals replaced by `?` unless configured otherwise.
pub const DB_QUERY_TEXT: Key = "db.query.text";
/// `db.query.summary`: the statement's operations and their tables, of low cardinality.
pub const DB_QUERY_SUMMARY: Key = "db.query.summary";
/// `db.collection.name`: the table, where a statement is about a single one.
pub const DB_COLLECTION_NAME: Key = "db.collection.name";
/// `db.response.returned_rows`: rows of the result.
pub const DB_RESPONSE_RETURNED_ROWS: Key = "db.response.returned_rows";
/// `weir.db.response.affected_rows`: rows that a statement changed, as the server counts them. The conventions have no
/// name for it.
pub const DB_RESPONSE_AFFECTED_ROWS: Key = "weir.db.response.affected_rows";
/// `db.response.status_code`: the server's error code.
pub const DB_RESPONSE_STATUS_CODE: Key = "db.response.status_code";
/// `dns.question.name`: the name that was asked for, as sent, without the last dot; `.` for the root. Bytes that are no
/// printable ASCII are written `\DDD`.
pub const DNS_QUESTION_NAME: Key = "dns.question.name";
/// `dns.question.type`: the type that was asked for: `A`, `MX`; `TYPE1234` where it has no name.
pub const DNS_QUESTION_TYPE: Key = "dns.question.type";
/// `dns.answers`: the addresses that the name was resolved to, aliases followed; the first 16, with commas between.
pub const DNS_ANSWERS: Key = "dns.answers";
/// `weir.dns.answer.count`: records of the answer.
pub const WEIR_DNS_ANSWER_COUNT: Key = "weir.dns.answer.count";
/// `weir.dns.answer.ttl`: for how long the addresses may be remembered, aliases included: seconds.
pub const WEIR_DNS_ANSWER_TTL: Key = "weir.dns.answer.ttl";
/// `weir.dns.question.class`: the class that was asked for, where it is not `IN`.
pub const WEIR_DNS_QUESTION_CLASS: Key = "weir.dns.question.class";
/// `weir.dns.request.resend_count`: how often the same query was sent again before it was answered.
pub const WEIR_DNS_REQUEST_RESEND_COUNT: Key = "weir.dns.request.resend_count";
/// `weir.dns.request.udp_payload_size`: the largest datagram that the client takes; told of truncated answers: bytes.
pub const WEIR_DNS_REQUEST_UDP_PAYLOAD_SIZE: Key = "weir.dns.request.udp_payload_size";
/// `weir.dns.response.code`: `NOERROR`, `NXDOMAIN`, ...
pub const WEIR_DNS_RESPONSE_CODE: Key = "weir.dns.response.code";
/// `weir.dns.response.truncated`: `true` where the answer did not fit into its datagram.
pub const WEIR_DNS_RESPONSE_TRUNCATED: Key = "weir.dns.response.truncated";
/// `traceparent`: the W3C trace context as sent.
pub const TRACEPARENT: Key = "traceparent";
/// `error.type`: how it failed.
pub const ERROR_TYPE: Key = "error.type";
/// `server.port`.
pub const SERVER_PORT: Key = "server.port";
/// `network.protocol.name`: the protocol.
pub const NETWORK_PROTOCOL_NAME: Key = "network.protocol.name";
/// `network.peer.address`: the other end's address, or its path.
pub const NETWORK_PEER_ADDRESS: Key = "network.peer.address";
/// `network.peer.port`: the other end's port.
pub const NETWORK_PEER_PORT: Key = "network.peer.port";
/// `client`: the service that asks. The conventions have no name for both ends of a call.
pub const CLIENT: Key = "client";
/// `server`: the service that answers.
pub const SERVER: Key = "server";
/// `thread.id`: the thread that handled a request.
pub const THREAD_ID: Key = "thread.id";
/// `weir.request.size`: the request on the wire, headers included: bytes.
pub const WEIR_REQUEST_SIZE: Key = "weir.request.size";
/// `weir.response.size`: the response on the wire: bytes.
pub const WEIR_RESPONSE_SIZE: Key = "weir.response.size";
/// `weir.connection`: by which the requests of a connection's end belong together.
pub const WEIR_CONNECTION: Key = "weir.connection";
/// `weir.trace`: the trace that a request was joined to: [`crate::trace::Place`].
pub const WEIR_TRACE: Key = "weir.trace";
/// `weir.span`: its number within that trace.
pub const WEIR_SPAN: Key = "weir.span";
/// `weir.parent`: the number of the request that brought it about.
pub const WEIR_PARENT: Key = "weir.parent";
/// `weir.evidence`: by what it was joined to that one.
pub const WEIR_EVIDENCE: Key = "weir.evidence";
/// `weir.sequence`: the TCP sequence number of the request's first byte, which both ends of a connection know.
pub const WEIR_SEQUENCE: Key = "weir.sequence";
/// `weir.waiting`: the time is the caller's wish to wait.
pub const WEIR_WAITING: Key = "weir.waiting";
/// `weir.missing`: what was not seen.
pub const WEIR_MISSING: Key = "weir.missing";
/// `service.name`: a resource's.
pub const SERVICE_NAME: Key = "service.name";
/// `service.version`: a resource's.
pub const SERVICE_VERSION: Key = "service.version";
/// `service.instance.id`: a resource's.
pub const SERVICE_INSTANCE_ID: Key = "service.instance.id";
/// `cloud.availability_zone`: where a host is.
pub const CLOUD_AVAILABILITY_ZONE: Key = "cloud.availability_zone";
/// `host.id`: docs/identity.md.
pub const HOST_ID: Key = "host.id";
/// `host.name`.
pub const HOST_NAME: Key = "host.name";
/// `os.type`.
pub const OS_TYPE: Key = "os.type";
/// `process.pid`: in the initial namespace.
pub const PROCESS_PID: Key = "process.pid";
/// `process.executable.name`: as the kernel tells it, 15 bytes at most.
pub const PROCESS_EXECUTABLE_NAME: Key = "process.executable.name";
