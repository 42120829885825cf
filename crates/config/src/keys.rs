//! Every key of Weir. A new one is an entry here; the reader of the file, the options, the variables, `weir config` and
//! docs/configuration.md follow from it.

use std::net::SocketAddr;

use crate::key::{Change, Default, Flag, Key};
use crate::kind::Kind;
use crate::records::{OTLP, SERVICE};
use crate::settings::Settings;
use crate::typed::{Rule, Typed, list, rules};
use crate::units::{Cpu, Duration, Percent, Size};

/// The sections of the file, in the order in which they are shown, with what they are about.
pub static SECTIONS: &[(&str, &str)] = &[
    ("agent", "The agent itself"),
    ("budget", "What `weir agent` may use of the host"),
    ("capture", "How the kernel side works"),
    ("metrics", "What `weir agent` offers to Prometheus"),
    ("sampling", "Which spans `weir agent` sends"),
    ("traces", "How requests are joined to traces"),
    ("privacy", "What may leave the parsers"),
    ("server", "Where `weir server` and `weir up` listen, and who may ask"),
    ("client", "Which server `weir services`, `topology`, `query` and `trace` ask"),
    ("names", "Where names of services come from"),
    ("", "Names given by hand, and receivers of OpenTelemetry"),
];

/// Each entry makes the key, and the method of [`Settings`] that gives its value.
macro_rules! keys {
    ($($name:ident: $type:ty = $by:path, $key:expr;)*) => {
        /// Every key, in the order of its section.
        pub static KEYS: &[Key] = &[$($key),*];

        /// The places of the keys in [`KEYS`].
        #[allow(non_camel_case_types)]
        enum Index { $($name),* }

        impl Settings {
            $(
                #[doc = concat!("The value of the key `", stringify!($name), "`, where the first `_` stands for the dot.")]
                pub fn $name(&self) -> $type {
                    $by(self.value_at(Index::$name as usize))
                }
            )*
        }
    };
}

keys! {
    agent_host_id: Option<String> = Typed::of, Key {
        path: "agent.host_id",
        kind: Kind::Text,
        default: Default::Auto("made from the machine id and the id of the board, see docs/identity.md"),
        help: "What tells this host from all others, as `host.id`. Set it where hosts have an identity of their own, such as \
            the instance id of a cloud.",
        example: "i-0abcdef1234567890",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    agent_zone: Option<String> = Typed::of, Key {
        path: "agent.zone",
        kind: Kind::Text,
        default: Default::Auto("none"),
        help: "The zone that this host is in, as `cloud.availability_zone`: a server then tells which calls cross zones.",
        example: "eu-central-1a",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    agent_state_directory: String = Typed::of, Key {
        path: "agent.state_directory",
        kind: Kind::Path,
        default: Default::Is("/var/lib/weir"),
        help: "The folder for the little that has to outlive a restart: the identity of this host.",
        example: "/srv/weir",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    agent_control: String = Typed::of, Key {
        path: "agent.control",
        kind: Kind::Path,
        default: Default::Is("/run/weir/agent.sock"),
        help: "The socket by which `weir programs` speaks to the agent. Only its owner may use it.",
        example: "/srv/weir/agent.sock",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    agent_seccomp: bool = Typed::of, Key {
        path: "agent.seccomp",
        kind: Kind::Boolean,
        default: Default::Is("true"),
        help: "Give up the system calls that a running agent does not need, see docs/deploy.md.",
        example: "false",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };

    agent_server: Option<String> = Typed::of, Key {
        path: "agent.server",
        kind: Kind::Text,
        default: Default::Auto("none: nothing is sent"),
        help: "The Weir server that keeps what `weir agent` sees: requests, connections, services and how the agent is, see docs/server.md.",
        example: "https://weir.example.com:7400",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    agent_token: Option<String> = Typed::of, Key {
        path: "agent.token",
        kind: Kind::Text,
        default: Default::Auto("none"),
        help: "The token by which the server knows agents: `weir token create --scope agent` makes one.",
        example: "weir_agent_...",
        change: Change::Restart,
        flag: Flag::None,
        secret: true,
    };
    agent_token_file: Option<String> = Typed::of, Key {
        path: "agent.token_file",
        kind: Kind::Path,
        default: Default::Auto("none"),
        help: "A file with that token, instead of the token itself.",
        example: "/etc/weir/token",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };
    agent_tls_ca: Option<String> = Typed::of, Key {
        path: "agent.tls_ca",
        kind: Kind::Path,
        default: Default::Auto("the authorities of this system"),
        help: "A file (PEM) with the authorities that may vouch for the server.",
        example: "/etc/weir/ca.pem",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };
    agent_tls_cert: Option<String> = Typed::of, Key {
        path: "agent.tls_cert",
        kind: Kind::Path,
        default: Default::Auto("none"),
        help: "A file (PEM) with the certificate that is shown to a server which wants to see one.",
        example: "/etc/weir/agent.pem",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };
    agent_tls_key: Option<String> = Typed::of, Key {
        path: "agent.tls_key",
        kind: Kind::Path,
        default: Default::Auto("none"),
        help: "A file (PEM) with its key.",
        example: "/etc/weir/agent.key",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };
    agent_spool: Option<String> = Typed::of, Key {
        path: "agent.spool",
        kind: Kind::Path,
        default: Default::Auto("the folder `spool` within agent.state_directory"),
        help: "The folder for what waits for the server where memory has no room for it, and over a restart.",
        example: "/srv/weir/spool",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    agent_spool_size: Size = Typed::of, Key {
        path: "agent.spool_size",
        kind: Kind::Size { least: 0, most: u64::MAX },
        default: Default::Is("1GiB"),
        help: "Most bytes in that folder; with 0 there is none, and what memory has no room for is lost.",
        example: "256MiB",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };

    budget_max_cpu: Option<Cpu> = Typed::of, Key {
        path: "budget.max_cpu",
        kind: Kind::Cpu,
        default: Default::Auto("10% of the host, and no more than one processor"),
        help: "CPU time that the agent may use over any ten seconds, the kernel programs included. What would be more is left out, \
            see docs/budget.md.",
        example: "5%",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    budget_max_memory: Size = Typed::of, Key {
        path: "budget.max_memory",
        kind: Kind::Size { least: 1, most: u64::MAX },
        default: Default::Is("128MB"),
        help: "Memory that the agent may use, the kernel maps included.",
        example: "64MB",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    capture_backend: Option<String> = Typed::of, Key {
        path: "capture.backend",
        kind: Kind::Choice(&["tracepoint", "trampoline", "kprobe", "syscalls"]),
        default: Default::Auto("the best that works"),
        help: "Use this way to see traffic, instead of the best that works.",
        example: "trampoline",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    // Each processor has a ring of its own, which the kernel wants in a power of two; a request's events do not fit into less.
    capture_ring: Option<Size> = Typed::of, Key {
        path: "capture.ring",
        kind: Kind::Size { least: 128 << 10, most: 1 << 30 },
        default: Default::Auto("8MiB, or 512KiB for each processor where that is more"),
        help: "Room for events on their way from the kernel, shared out among the processors. A processor's share is at least \
            128KiB, and a power of two.",
        example: "32MiB",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    capture_udp: bool = Typed::of, Key {
        path: "capture.udp",
        kind: Kind::Boolean,
        default: Default::Is("true"),
        help: "Watch UDP, and so DNS.",
        example: "false",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    metrics_listen: SocketAddr = Typed::of, Key {
        path: "metrics.listen",
        kind: Kind::Address,
        default: Default::Is("127.0.0.1:7401"),
        help: "Where metrics are offered; port 0 takes any that is free. Whoever reaches the port may read them.",
        example: "0.0.0.0:7401",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    metrics_max_series: u64 = Typed::of, Key {
        path: "metrics.max_series",
        kind: Kind::Number { least: 1, most: 100_000 },
        default: Default::Is("2000"),
        help: "Most series of each metric. What finds no room is counted in series `other`.",
        example: "10000",
        change: Change::Reload,
        flag: Flag::Word,
        secret: false,
    };
    metrics_series_idle: Duration = Typed::of, Key {
        path: "metrics.series_idle",
        kind: Kind::Duration { least: 1_000_000_000, most: 7 * 86_400 * 1_000_000_000 },
        default: Default::Is("15m"),
        help: "A series without an update for so long is forgotten.",
        example: "1h",
        change: Change::Reload,
        flag: Flag::Word,
        secret: false,
    };
    metrics_connections: bool = Typed::of, Key {
        path: "metrics.connections",
        kind: Kind::Boolean,
        default: Default::Is("true"),
        help: "Count TCP connections: how many there are and why they end, bytes, round-trip times, what listens.",
        example: "false",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    sampling_rate: Percent = Typed::of, Key {
        path: "sampling.rate",
        kind: Kind::Percent { least: 0, most: 10_000 },
        default: Default::Is("100%"),
        help: "The part of traces whose spans are sent. Metrics count all requests, whatever the rate.",
        example: "5%",
        change: Change::Reload,
        flag: Flag::Path,
        secret: false,
    };
    sampling_keep_errors: bool = Typed::of, Key {
        path: "sampling.keep_errors",
        kind: Kind::Boolean,
        default: Default::Is("true"),
        help: "Send spans of errors whatever the rate.",
        example: "false",
        change: Change::Reload,
        flag: Flag::Path,
        secret: false,
    };
    sampling_slow: Duration = Typed::of, Key {
        path: "sampling.slow",
        kind: Kind::Duration { least: 1_000, most: u64::MAX },
        default: Default::Is("1s"),
        help: "Send spans of requests that took so long whatever the rate.",
        example: "250ms",
        change: Change::Reload,
        flag: Flag::Path,
        secret: false,
    };
    traces_headers: bool = Typed::of, Key {
        path: "traces.headers",
        kind: Kind::Boolean,
        default: Default::Is("true"),
        help: "Believe what requests say in their headers (`traceparent`, `x-request-id` and the like) of which others they belong to.",
        example: "false",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };
    privacy_show_values: bool = Typed::of, Key {
        path: "privacy.show_values",
        kind: Kind::Boolean,
        default: Default::Is("false"),
        help: "Show Redis arguments, literals in SQL and URL query values instead of `?`. They may be secrets.",
        example: "true",
        change: Change::Reload,
        flag: Flag::Word,
        secret: false,
    };
    server_listen: Vec<SocketAddr> = list, Key {
        path: "server.listen",
        kind: Kind::List { of: &Kind::Address, most: 16 },
        default: Default::Is("127.0.0.1:7400"),
        help: "Where the API and the user interface are offered; port 0 takes any that is free. Other addresses than loopback need TLS and \
            tokens, see docs/security.md.",
        example: "[127.0.0.1:7400, 10.0.0.5:7400]",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };
    server_otlp_grpc: Vec<SocketAddr> = list, Key {
        path: "server.otlp_grpc",
        kind: Kind::List { of: &Kind::Address, most: 16 },
        default: Default::Is("127.0.0.1:4317"),
        help: "Where spans, metrics and logs are taken by OpenTelemetry's protocol over gRPC; `[]` for nowhere.",
        example: "[0.0.0.0:4317]",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    server_otlp_http: Vec<SocketAddr> = list, Key {
        path: "server.otlp_http",
        kind: Kind::List { of: &Kind::Address, most: 16 },
        default: Default::Is("127.0.0.1:4318"),
        help: "Where they are taken over HTTP; `[]` for nowhere.",
        example: "[0.0.0.0:4318]",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    server_tls_cert: Option<String> = Typed::of, Key {
        path: "server.tls_cert",
        kind: Kind::Path,
        default: Default::Auto("none"),
        help: "A file (PEM) with the certificate that is shown where other hosts can connect, and with those that vouch for it. It is read \
            again when it changes, and so are the other two.",
        example: "/etc/weir/server.pem",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    server_tls_key: Option<String> = Typed::of, Key {
        path: "server.tls_key",
        kind: Kind::Path,
        default: Default::Auto("none"),
        help: "A file (PEM) with the key of that.",
        example: "/etc/weir/server.key",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    server_tls_client_ca: Option<String> = Typed::of, Key {
        path: "server.tls_client_ca",
        kind: Kind::Path,
        default: Default::Auto("none"),
        help: "A file (PEM) with authorities: who connects from another host has to show a certificate of one of them, besides his token.",
        example: "/etc/weir/agents.pem",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    server_insecure: bool = Typed::of, Key {
        path: "server.insecure",
        kind: Kind::Boolean,
        default: Default::Is("false"),
        help: "Let in whoever reaches the server, from other hosts too, without TLS and without a token.",
        example: "true",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    server_names: Vec<String> = list, Key {
        path: "server.names",
        kind: Kind::List { of: &Kind::Text, most: 64 },
        default: Default::Is("[]"),
        help: "Names by which the server is asked without a token, besides `localhost`, names without a dot and addresses. Pages of other \
            sites cannot use them to have a browser ask.",
        example: "[weir.example.com]",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };
    server_loopback: String = Typed::of, Key {
        path: "server.loopback",
        kind: Kind::Choice(&["open", "token"]),
        default: Default::Is("open"),
        help: "Whether processes of this host may ask without a token: `open`, or `token` where not all of them may, or where one of them \
            passes on what others ask (a proxy).",
        example: "token",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };
    server_store: Option<String> = Typed::of, Key {
        path: "server.store",
        kind: Kind::Path,
        default: Default::Auto("the folder `store` within server.state_directory"),
        help: "The folder of the store; it is made where there is none.",
        example: "/srv/weir/store",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    server_keep: Duration = Typed::of, Key {
        path: "server.keep",
        kind: Kind::Duration { least: 60_000_000_000, most: u64::MAX },
        default: Default::Is("720h"),
        help: "For how long requests, spans, connections, metrics and logs are kept. Sums of requests by who asked whom are kept three times \
            as long by the minute, and twelve times as long by the hour.",
        example: "168h",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };
    server_keep_bytes: Size = Typed::of, Key {
        path: "server.keep_bytes",
        kind: Kind::Size { least: 1 << 20, most: u64::MAX },
        default: Default::Is("20GB"),
        help: "Room for the requests on the disk; where they take more, the oldest go. Spans and logs may each take half as much.",
        example: "100GB",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };
    server_state_directory: String = Typed::of, Key {
        path: "server.state_directory",
        kind: Kind::Path,
        default: Default::Is("/var/lib/weir"),
        help: "The folder for what tells who may ask, and for the record of what was changed about it (audit.jsonl).",
        example: "/srv/weir",
        change: Change::Restart,
        flag: Flag::Path,
        secret: false,
    };
    client_url: String = Typed::of, Key {
        path: "client.url",
        kind: Kind::Url,
        default: Default::Is("http://127.0.0.1:7400"),
        help: "Where the server is.",
        example: "https://weir.example.com:7400",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    client_token: Option<String> = Typed::of, Key {
        path: "client.token",
        kind: Kind::Text,
        default: Default::Auto("none"),
        help: "The token to ask with; needed where the server is another host. `weir token create --scope read` makes one there.",
        example: "weir_read_...",
        change: Change::Restart,
        flag: Flag::None,
        secret: true,
    };
    client_ca: Option<String> = Typed::of, Key {
        path: "client.ca",
        kind: Kind::Path,
        default: Default::Auto("the system's"),
        help: "A file (PEM) with the authorities that vouch for the server.",
        example: "/etc/weir/ca.pem",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    client_cert: Option<String> = Typed::of, Key {
        path: "client.cert",
        kind: Kind::Path,
        default: Default::Auto("none"),
        help: "A file (PEM) with the certificate that is shown to a server which wants to see one.",
        example: "/etc/weir/me.pem",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    client_key: Option<String> = Typed::of, Key {
        path: "client.key",
        kind: Kind::Path,
        default: Default::Auto("none"),
        help: "A file (PEM) with its key.",
        example: "/etc/weir/me.key",
        change: Change::Restart,
        flag: Flag::Word,
        secret: false,
    };
    names_docker_root: String = Typed::of, Key {
        path: "names.docker_root",
        kind: Kind::Path,
        default: Default::Is("/var/lib/docker"),
        help: "Docker's folder, which tells containers' names (`docker info` shows it as Docker Root Dir).",
        example: "/data/docker",
        change: Change::Restart,
        flag: Flag::None,
        secret: false,
    };
    services: Vec<Rule> = rules, Key {
        path: "services",
        kind: Kind::Records { fields: SERVICE, most: 1000, terse: false },
        default: Default::Is("[]"),
        help: "Names given to processes by hand. The first entry that fits names the process, before everything else that could; all \
            that an entry gives has to fit. `*` stands for any run of characters, `?` for one.",
        example: "\n  - name: shop\n    executable: /opt/shop/*\n  - name: batch\n    unit: nightly-*",
        change: Change::Reload,
        flag: Flag::None,
        secret: false,
    };
    otlp: Vec<Rule> = rules, Key {
        path: "otlp",
        kind: Kind::Records { fields: OTLP, most: 16, terse: true },
        default: Default::Is("[]"),
        help: "Receivers of spans and metrics by OpenTelemetry's protocol, see docs/otlp.md. Where nothing sets it, the variables \
            `OTEL_EXPORTER_OTLP_…` do.",
        example: "\n  - endpoint: https://otlp.example.com\n    headers: {authorization: Bearer 0123}\n    spool: /var/spool/weir\n  \
            - endpoint: http://127.0.0.1:4317\n    protocol: grpc\n    signals: [metrics]",
        change: Change::Reload,
        flag: Flag::None,
        secret: false,
    };
}
