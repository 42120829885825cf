//! What the entries of keys that hold lists of maps may say.

use crate::kind::{Field, Kind};

/// What an entry of `services` may say.
pub(crate) const SERVICE: &[Field] = &[
    field("name", true, "The service's name."),
    field("command", false, "Fits the command, as `ps -o comm` shows it: 15 bytes at most."),
    field("executable", false, "Fits the whole path of the program file."),
    field(
        "argument",
        false,
        "Fits an argument: of an interpreter one up to its script, of other programs the name by which it was called.",
    ),
    field("cgroup", false, "Fits a whole path of its cgroups."),
    field("unit", false, "Fits its systemd unit, without `.service`."),
];

const fn field(name: &'static str, required: bool, help: &'static str) -> Field {
    Field { name, kind: Kind::Text, required, help, secret: false }
}

/// What an entry of `otlp` may say.
pub(crate) const OTLP: &[Field] = &[
    Field {
        kind: Kind::Url,
        ..field("endpoint", true, "Where it is: with HTTP, `/v1/traces` and `/v1/metrics` are put behind it.")
    },
    optional(
        "protocol",
        Kind::Choice(&["http", "grpc"]),
        "How it is spoken to: `http` (protocol buffers, the default) or `grpc`.",
    ),
    optional(
        "signals",
        Kind::List { of: &SIGNALS, most: 2 },
        "What it gets, of `spans` and `metrics`: both, by default.",
    ),
    optional(
        "compression",
        Kind::Choice(&["gzip", "zstd", "none"]),
        "`gzip` (the default), `zstd` or `none`.",
    ),
    Field {
        secret: true,
        ..optional("headers", Kind::Table { most: 32 }, "Headers of every request. They are never printed.")
    },
    optional("timeout", duration(1_000_000, 600), "How long a request may take: `10s` by default."),
    optional(
        "tls_ca",
        Kind::Path,
        "A file (PEM) with the authorities whose certificates it may show, instead of the system's.",
    ),
    optional(
        "tls_cert",
        Kind::Path,
        "A file (PEM) with the certificate that Weir shows, and with those that vouch for it.",
    ),
    optional("tls_key", Kind::Path, "A file (PEM) with the key of that."),
    optional(
        "tls_insecure",
        Kind::Boolean,
        "Take any certificate: whoever is on the way can read and change everything.",
    ),
    optional("interval", duration(1_000_000_000, 3600), "How often it gets metrics: `1m` by default."),
    optional(
        "histograms",
        Kind::Choice(&["exponential", "explicit"]),
        "`exponential` (the default), or `explicit` for receivers that do not take those.",
    ),
    optional(
        "queue",
        Kind::Size { least: 1 << 20, most: 4 << 30 },
        "How much may wait in memory, as it is sent: `16MiB` by default.",
    ),
    optional(
        "spool",
        Kind::Path,
        "A folder for what finds no room there and for what waits at the end. One destination's only.",
    ),
    optional(
        "spool_size",
        Kind::Size { least: 1 << 20, most: u64::MAX },
        "How much may wait in it: `1GiB` by default.",
    ),
];

/// What a destination may get.
static SIGNALS: Kind = Kind::Choice(&["spans", "metrics"]);

const fn optional(name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field { kind, ..field(name, false, help) }
}

/// A duration up to so many seconds.
const fn duration(least: u64, most: u64) -> Kind {
    Kind::Duration { least, most: most * 1_000_000_000 }
}
