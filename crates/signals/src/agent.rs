//! The agent's figures about itself. Who runs it sets them; here is what there is.

use crate::metric::{counter, gauge};
use crate::{Label, Metric, Unit};

const PROGRAM: &[Label] = &[Label::closed("program", "the kernel program's name")];
const PROTOCOL: &[Label] = &[Label::closed("network.protocol.name", "the protocol")];
const DESTINATION: Label = Label::closed("destination", "the receiver's address");
const SIGNAL: Label = Label::closed("signal", "`spans` or `metrics`");
const OF_METRIC: &[Label] = &[Label::closed("metric", "the metric's name, as OpenTelemetry writes it")];

/// What runs, and how it sees.
pub static INFO: Metric = gauge(
    "weir.agent.info",
    "Always 1; its labels say what runs and how it sees traffic",
    Unit::Number(""),
    &[
        Label::closed("version", "Weir's version"),
        Label::closed("kernel", "the kernel's release"),
        Label::closed("sent", "how bytes sent are seen"),
        Label::closed("received", "how bytes received are seen"),
    ],
);
/// Events from the kernel.
pub static EVENTS: Metric = counter(
    "weir.agent.events",
    "Events that came from the kernel programs",
    Unit::Number("event"),
    &[Label::closed("kind", "what was told: `open`, `owner`, `chunk`, `end`, `exec`, `exit`")],
);
/// Losses by cause.
pub static LOST: Metric = counter(
    "weir.agent.lost",
    "Events that were lost; where this grows, counts of requests are too low",
    Unit::Number("event"),
    &[
        Label::closed("queue", "where: `kernel` on the way from the programs, `analysis` after that"),
        Label::closed("cause", "why"),
    ],
);
/// Bytes that were not seen.
pub static LOST_BYTES: Metric = counter(
    "weir.agent.lost.bytes",
    "Bytes of connections that are read which were to be seen and were not",
    Unit::Bytes,
    &[Label::closed("cause", "why")],
);
/// Requests.
pub static REQUESTS: Metric =
    counter("weir.agent.requests", "Requests that were seen, on either side", Unit::Number("request"), &[]);
/// Messages that were not understood.
pub static PARSE_ERRORS: Metric = counter(
    "weir.agent.parse.errors",
    "Messages that made no sense, or whose beginning was missing",
    Unit::Number("message"),
    PROTOCOL,
);
/// Connections now.
pub static CONNECTIONS: Metric =
    gauge("weir.agent.connections", "Connections that are followed", Unit::Number("connection"), &[]);
/// Connections left alone.
pub static LEFT_ALONE: Metric = counter(
    "weir.agent.connections.left.alone",
    "Connections that were not looked into any further",
    Unit::Number("connection"),
    &[Label::closed("reason", "what they are taken for: `tls`, `upgraded`, `unknown`, ...")],
);
/// Connections forgotten.
pub static FORGOTTEN: Metric = counter(
    "weir.agent.connections.forgotten",
    "Connections that were forgotten because there were too many, or because they were idle",
    Unit::Number("connection"),
    &[],
);
/// Connections read once.
pub static PAIRED: Metric = counter(
    "weir.agent.connections.paired",
    "Connections with both ends on this host of which one end was read for both from some moment on",
    Unit::Number("connection"),
    &[],
);
/// Ends of TCP connections by how they were told.
pub static ENDS: Metric = counter(
    "weir.agent.connections.ended",
    "Ends of TCP connections, and connects that failed, which began since all that are open were last looked at: by how they were told",
    Unit::Number("connection"),
    &[Label::closed(
        "way",
        "`summed` in the kernel; `one by one` where there was no room for a sum, which is as exact and costs more",
    )],
);
/// CPU time.
pub static CPU_TIME: Metric = counter(
    "weir.agent.cpu.time",
    "CPU time that the agent's process has used, without the kernel programs",
    Unit::Seconds,
    &[],
);
/// Memory.
pub static MEMORY: Metric = gauge(
    "weir.agent.memory",
    "Memory in use",
    Unit::Bytes,
    &[Label::closed(
        "kind",
        "whose: `resident` is the process's, `maps` the kernel's for its programs, `rings` among those",
    )],
);
/// CPU time of the programs.
pub static BPF_CPU_TIME: Metric = counter(
    "weir.agent.bpf.cpu.time",
    "CPU time that all kernel programs have used, which applications pay; counted for a tenth of the time, and taken for the rest",
    Unit::Seconds,
    &[],
);
/// What is left out.
pub static BUDGET_STAGE: Metric = gauge(
    "weir.agent.budget.stage",
    "What is left out for the budget: 0 nothing, 1 attributes that no metric has, 2 also spans of fast successful requests, \
     3 also connections",
    Unit::Number(""),
    &[],
);
/// The share of connections that is kept.
pub static BUDGET_SHARE: Metric = gauge(
    "weir.agent.budget.share",
    "The share of connections whose requests are seen, from 0 to 1; where it is below 1, counts of requests are too low",
    Unit::Number(""),
    &[],
);
/// Limits.
pub static BUDGET_CPU_LIMIT: Metric =
    gauge("weir.agent.budget.cpu.limit", "Processors that may be used", Unit::Number("processor"), &[]);
/// The same of memory.
pub static BUDGET_MEMORY_LIMIT: Metric =
    gauge("weir.agent.budget.memory.limit", "Memory that may be used", Unit::Bytes, &[]);
/// Processors in use.
pub static BUDGET_CPU: Metric = gauge(
    "weir.agent.budget.cpu",
    "Processors that were used within the last second, by the process and the kernel programs",
    Unit::Number("processor"),
    &[],
);
/// Nothing more can be left out.
pub static BUDGET_EXHAUSTED: Metric = gauge(
    "weir.agent.budget.exhausted",
    "Whether all connections are left out and more is used than may be: 1 or 0",
    Unit::Number(""),
    &[],
);
/// What was left out.
pub static BUDGET_LEFT_OUT: Metric = counter(
    "weir.agent.budget.left.out",
    "What was left out for the budget",
    Unit::Number(""),
    &[Label::closed(
        "what",
        "`connections opened` while they are left out, `connections given up` that were seen before, \
         `requests given up` that waited in these for an answer",
    )],
);
/// Changes of what is left out.
pub static BUDGET_CHANGES: Metric = counter(
    "weir.agent.budget.changes",
    "Changes of what is left out",
    Unit::Number("change"),
    &[Label::closed("cause", "`cpu` or `memory` where more was left out, `room` where less")],
);
/// Whether units are on.
pub static BPF_ON: Metric = gauge(
    "weir.agent.bpf.on",
    "Whether kernel programs are on: 1, or 0 where they were switched off, so that what they tell is missing from all other metrics",
    Unit::Number(""),
    &[Label::closed("unit", "what is switched together: `bytes`, `udp` or `connections`")],
);
/// Run time of programs.
pub static BPF_RUN_TIME: Metric = counter(
    "weir.agent.bpf.run.time",
    "Time in which a kernel program ran; the kernel counts it only while `kernel.bpf_stats_enabled` is 1",
    Unit::Seconds,
    PROGRAM,
);
/// Runs of programs.
pub static BPF_RUNS: Metric = counter(
    "weir.agent.bpf.runs",
    "Runs of a kernel program; the kernel counts them only while `kernel.bpf_stats_enabled` is 1",
    Unit::Number("run"),
    PROGRAM,
);
/// Settings read again.
pub static RELOADS: Metric = counter(
    "weir.agent.config.reloads",
    "How often settings were read again",
    Unit::Number("reload"),
    &[Label::closed("result", "`success`, or `failure`: then all is as before")],
);
/// Whether the last time was a success.
pub static RELOAD_SUCCESS: Metric = gauge(
    "weir.agent.config.last.reload.success",
    "Whether the settings that were read last are in force: 1, or 0 where something was wrong with them",
    Unit::Number(""),
    &[],
);
/// When that was.
pub static RELOAD_TIME: Metric = gauge(
    "weir.agent.config.last.reload.time",
    "When the settings in force were read: seconds since 1970",
    Unit::Seconds,
    &[],
);
/// Series now.
pub static SERIES: Metric =
    gauge("weir.agent.series", "Series of a metric that there are", Unit::Number("series"), OF_METRIC);
/// Updates without room.
pub static SERIES_OVERFLOWED: Metric = counter(
    "weir.agent.series.overflowed",
    "Values that went into a series `other`, because there was no room for one of their own",
    Unit::Number("value"),
    OF_METRIC,
);
/// Series that expired.
pub static SERIES_EXPIRED: Metric = counter(
    "weir.agent.series.expired",
    "Series that were forgotten because nothing was added to them for long",
    Unit::Number("series"),
    OF_METRIC,
);
/// Take-overs.
pub static TAKEOVERS: Metric = counter(
    "weir.agent.takeovers",
    "How often an agent went on with what an earlier one had counted",
    Unit::Number("take-over"),
    &[Label::closed(
        "outcome",
        "`complete`, or `broken off`: the earlier agent ended before it had handed everything over",
    )],
);
/// How long the last one took.
pub static TAKEOVER_TIME: Metric = gauge(
    "weir.agent.takeover.duration",
    "Of the last take-over: from the wish to take over until the new agent gave metrics out",
    Unit::Seconds,
    &[],
);
/// Connections to the endpoint that were closed.
pub static HTTP_CLOSED: Metric = counter(
    "weir.agent.http.closed",
    "Connections to this endpoint that were closed to make room, or because they took too long",
    Unit::Number("connection"),
    &[Label::closed("cause", "`too many` or `too slow`")],
);
/// Spans by what was decided on them.
pub static SPANS: Metric = counter(
    "weir.agent.spans",
    "Requests by whether they became spans; metrics are made of all of them",
    Unit::Number("span"),
    &[Label::closed(
        "decision",
        "`kept by rate`, `kept as an error`, `kept as slow`, `left out` or `left out for the budget`",
    )],
);
/// Spans that were lost before they were made.
pub static SPANS_LOST: Metric = counter(
    "weir.agent.spans.lost",
    "Spans that were to be sent, but whose requests came faster than they could be written",
    Unit::Number("span"),
    &[],
);
/// What receivers took.
pub static OTLP_SENT: Metric = counter(
    "weir.agent.otlp.sent",
    "Spans and points of metrics that a receiver has taken",
    Unit::Number("item"),
    &[DESTINATION, SIGNAL],
);
/// What they did not get.
pub static OTLP_DROPPED: Metric = counter(
    "weir.agent.otlp.dropped",
    "Spans and points of metrics that a receiver did not get",
    Unit::Number("item"),
    &[
        DESTINATION,
        SIGNAL,
        Label::closed(
            "cause",
            "`queue full`, `spool full`, `spool failed`, `damaged` (on disk), `rejected` (of a message that was taken), \
             `refused` (with its message), `shutdown`",
        ),
    ],
);
/// Attempts that were in vain.
pub static OTLP_RETRIES: Metric = counter(
    "weir.agent.otlp.retries",
    "Attempts to send a message after which it has to be sent again",
    Unit::Number("attempt"),
    &[DESTINATION],
);
/// What waits.
pub static OTLP_QUEUE: Metric = gauge(
    "weir.agent.otlp.queue.size",
    "What waits to be sent, as it will be sent",
    Unit::Bytes,
    &[DESTINATION, Label::closed("place", "`memory` or `disk`")],
);

/// All of them, in the order of the page.
pub static METRICS: &[&Metric] = &[
    &INFO,
    &EVENTS,
    &LOST,
    &LOST_BYTES,
    &REQUESTS,
    &PARSE_ERRORS,
    &CONNECTIONS,
    &LEFT_ALONE,
    &FORGOTTEN,
    &PAIRED,
    &ENDS,
    &CPU_TIME,
    &MEMORY,
    &BPF_ON,
    &BPF_CPU_TIME,
    &BPF_RUN_TIME,
    &BPF_RUNS,
    &RELOADS,
    &RELOAD_SUCCESS,
    &RELOAD_TIME,
    &BUDGET_STAGE,
    &BUDGET_SHARE,
    &BUDGET_CPU,
    &BUDGET_CPU_LIMIT,
    &BUDGET_MEMORY_LIMIT,
    &BUDGET_EXHAUSTED,
    &BUDGET_LEFT_OUT,
    &BUDGET_CHANGES,
    &TAKEOVERS,
    &TAKEOVER_TIME,
    &SERIES,
    &SERIES_OVERFLOWED,
    &SERIES_EXPIRED,
    &HTTP_CLOSED,
    &SPANS,
    &SPANS_LOST,
    &OTLP_SENT,
    &OTLP_DROPPED,
    &OTLP_RETRIES,
    &OTLP_QUEUE,
];
