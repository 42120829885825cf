-- Made from the tables in `crates/schema`; a test fails where this file differs from them.

-- One exchange as one of its two sides saw it.
CREATE TABLE IF NOT EXISTS weir_requests
(
    `time` DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'First byte of the request, as this side saw it',
    `duration` Int64 CODEC(T64, ZSTD(1)) COMMENT 'From the first byte of the request to the last of the response',
    `service.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service on whose side it was seen',
    `host.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The host on which it was seen',
    `role` LowCardinality(String) CODEC(ZSTD(1)) COMMENT '`server` or `client`: the side on which it was seen',
    `network.protocol.name` LowCardinality(String) CODEC(ZSTD(1)) COMMENT '`http`, `redis`, ...',
    `name` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What was asked, of low cardinality: `GET /users/{id}`',
    `error.type` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'How it failed: a status code, an error\'s name, `timeout`, `reset`',
    `client` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service that asked',
    `server` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service that answered',
    `weir.client.address` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The address of the end that asked',
    `weir.client.port` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Its port',
    `weir.server.address` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The address of the end that answered, or its path',
    `weir.server.port` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Its port',
    `process.pid` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The process on this side',
    `process.executable.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'Its command',
    `thread.id` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The thread that handled the request',
    `weir.connection` Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'By which the requests of a connection\'s end belong together',
    `weir.request.size` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The request on the wire: bytes',
    `weir.response.size` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The response on the wire: bytes',
    `weir.waiting` Nullable(Bool) CODEC(ZSTD(1)) COMMENT 'The time is the caller\'s wish to wait; empty for no',
    `weir.missing` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'What of the exchange was not seen',
    `weir.trace` Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'The trace that it was joined to',
    `weir.span` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Its number within that trace; the first one\'s is 0',
    `weir.parent` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The number of the request that brought it about',
    `weir.evidence` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'How that is known: `sequence`, `thread`, ...',
    `weir.sequence` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The TCP sequence number of the request\'s first byte',
    `trace_id` Nullable(FixedString(16)) CODEC(ZSTD(1)) COMMENT 'The trace that the caller named (W3C)',
    `parent_span_id` Nullable(FixedString(8)) CODEC(ZSTD(1)) COMMENT 'The span that the caller named (W3C)',
    `trace_flags` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The flags that the caller named, where they are not 1: sampled (W3C)',
    `http.request.method` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The method; `_OTHER` for an unknown one',
    `http.response.status_code` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The status code',
    `http.route` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The route',
    `url.path` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The path as sent',
    `url.query` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The query, its values replaced',
    `network.protocol.version` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The protocol\'s version',
    `server.address` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The host\'s name in the request',
    `db.system.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'Which database it is',
    `db.namespace` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The database',
    `db.operation.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The command',
    `db.collection.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The table',
    `db.query.summary` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'Operations and their tables',
    `db.query.text` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The statement, its literals replaced',
    `db.response.returned_rows` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Rows of the result',
    `weir.db.response.affected_rows` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Rows that were changed',
    `db.response.status_code` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The server\'s error code',
    `dns.question.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The name that was asked for',
    `dns.question.type` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The type that was asked for',
    `dns.answers` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The addresses that it led to',
    `weir.dns.response.code` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT '`NOERROR`, `NXDOMAIN`, ...',
    `attributes` Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'All that has no column of its own',
    INDEX `trace_id_filter` `trace_id` TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(`time`)
ORDER BY (`service.name`, `time`)
SETTINGS allow_nullable_key = 1;

-- A span that another program sent.
CREATE TABLE IF NOT EXISTS weir_spans
(
    `time` DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'When it began',
    `duration` Int64 CODEC(T64, ZSTD(1)) COMMENT 'How long it took',
    `service.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service that made it',
    `host.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The host that it was made on',
    `name` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What was done',
    `kind` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT '`server`, `client`, `internal`, `producer` or `consumer`',
    `error.type` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'How it failed; `error` where nothing more is told',
    `scope` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The instrumentation that made it',
    `trace_id` FixedString(16) CODEC(ZSTD(1)) COMMENT 'Its trace',
    `span_id` FixedString(8) CODEC(ZSTD(1)) COMMENT 'Its id',
    `parent_span_id` Nullable(FixedString(8)) CODEC(ZSTD(1)) COMMENT 'The span that it belongs to',
    `attributes` Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'Its attributes and its resource\'s',
    INDEX `trace_id_filter` `trace_id` TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(`time`)
ORDER BY (`service.name`, `time`)
SETTINGS allow_nullable_key = 1;

-- A TCP connection that ended, as one of its ends saw it.
CREATE TABLE IF NOT EXISTS weir_connections
(
    `time` DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'When it was opened',
    `duration` Int64 CODEC(T64, ZSTD(1)) COMMENT 'For how long it was open',
    `service.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service at this end',
    `host.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The host that this end is on',
    `role` LowCardinality(String) CODEC(ZSTD(1)) COMMENT '`server`, `client` or `unknown`: this end',
    `client` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service that connected',
    `server` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service that was connected to',
    `weir.client.address` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The address of the end that connected',
    `weir.client.port` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Its port',
    `weir.server.address` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The address that was connected to',
    `weir.server.port` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Its port',
    `process.pid` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The process at this end',
    `weir.connection` UInt64 CODEC(ZSTD(1)) COMMENT 'Its id',
    `reason` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'How it ended, or why it failed',
    `error.type` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'How it failed; empty where it ended as connections do',
    `connect.duration` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'From the first packet until it was open',
    `rtt` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The round-trip time at the end, smoothed',
    `rtt.min` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The least round-trip time',
    `sent.bytes` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Bytes sent',
    `received.bytes` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Bytes received',
    `retransmits` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Packets sent again',
    `count` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'How many connections it stands for: short ones that are alike are summed up; times are then means, `time` is when they were counted'
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(`time`)
ORDER BY (`service.name`, `time`)
SETTINGS allow_nullable_key = 1;

-- The requests of a client to a server within a span of time, as one side saw them; made from `requests` (spans of a minute and of an hour as those are written to files, shorter ones when they are asked for).
CREATE TABLE IF NOT EXISTS weir_edges
(
    `time` DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'When the span of time begins',
    `resolution` Int64 CODEC(T64, ZSTD(1)) COMMENT 'How long it is: seconds',
    `client` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service that asked',
    `server` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service that answered',
    `network.protocol.name` LowCardinality(String) CODEC(ZSTD(1)) COMMENT '`http`, `redis`, ...',
    `role` LowCardinality(String) CODEC(ZSTD(1)) COMMENT '`server` or `client`: the side on which they were seen',
    `host.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The host on which they were seen',
    `count` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Requests',
    `errors` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Those that failed',
    `duration.sum` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Their durations together: ns',
    `duration` Map(Int32, Int64) CODEC(ZSTD(1)) COMMENT 'Their durations, by buckets',
    `weir.request.size` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Their requests on the wire together: bytes',
    `weir.response.size` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Their responses on the wire together: bytes'
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(`time`)
ORDER BY (`server`, `time`)
SETTINGS allow_nullable_key = 1;

-- A point of a metric.
CREATE TABLE IF NOT EXISTS weir_metrics
(
    `time` DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'When it was so',
    `metric` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The metric\'s name',
    `service.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service that it is about',
    `host.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The host that it is about',
    `kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT '`counter`, `gauge` or `histogram`',
    `unit` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The unit of its values',
    `value` Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'The value; of a histogram the sum',
    `count` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'How many values a histogram has',
    `buckets` Map(Int32, Int64) CODEC(ZSTD(1)) COMMENT 'A histogram\'s buckets',
    `attributes` Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'What its series is told apart by'
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(`time`)
ORDER BY (`metric`, `time`)
SETTINGS allow_nullable_key = 1;

-- A line of a log.
CREATE TABLE IF NOT EXISTS weir_logs
(
    `time` DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'When it was written',
    `service.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service that wrote it',
    `host.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The host that it was written on',
    `severity` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT '`trace`, `debug`, `info`, `warn`, `error` or `fatal`',
    `body` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The line',
    `trace_id` Nullable(FixedString(16)) CODEC(ZSTD(1)) COMMENT 'The trace that it belongs to',
    `span_id` Nullable(FixedString(8)) CODEC(ZSTD(1)) COMMENT 'The span that it belongs to',
    `attributes` Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'Its attributes and its resource\'s',
    INDEX `trace_id_filter` `trace_id` TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(`time`)
ORDER BY (`service.name`, `time`)
SETTINGS allow_nullable_key = 1;

-- A stack and how often it was met; nothing writes them yet.
CREATE TABLE IF NOT EXISTS weir_profiles
(
    `time` DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'When it was met',
    `service.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The service that it was met in',
    `host.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The host that it was met on',
    `kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What was sampled: `cpu`, ...',
    `stack` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The frames, outermost first, with `;` between',
    `value` Int64 CODEC(T64, ZSTD(1)) COMMENT 'How much of it'
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(`time`)
ORDER BY (`service.name`, `time`)
SETTINGS allow_nullable_key = 1;

-- What an agent told of itself.
CREATE TABLE IF NOT EXISTS weir_agents
(
    `time` DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'When it told so',
    `host.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The host that it is on',
    `host.id` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The host\'s id',
    `service.version` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'Its version',
    `kernel` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The kernel\'s version',
    `events` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Kernel events since it told the time before',
    `lost` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'Events since then that were lost',
    `sampled` Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'The part of connections that it watches, to stay within its budget: of 100',
    `attributes` Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'What else it told'
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(`time`)
ORDER BY (`host.name`, `time`)
SETTINGS allow_nullable_key = 1;

-- A service, process, container or host, and when it was there.
CREATE TABLE IF NOT EXISTS weir_entities
(
    `time` DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'When it was first seen',
    `end` DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'When it was last seen',
    `kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT '`service`, `process`, `container` or `host`',
    `name` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Its name',
    `id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Its id',
    `parent` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The id of what it is part of',
    `host.name` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The host that it is on',
    `attributes` Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'What else is known'
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(`time`)
ORDER BY (`name`, `time`)
SETTINGS allow_nullable_key = 1;
