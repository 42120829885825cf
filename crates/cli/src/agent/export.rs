//! Export by OpenTelemetry's protocol, as it is set, and what is said of it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use config::{Rule, Settings, units};
use model::names;
use model::time::ClockReading;
use otlp::{Compression, Destination, Ended, Endpoint, Exporter, Histograms, Protocol, Sampling, Spool, Tls};
use probes::rights;

use super::meter::State;
use super::read_clocks;
use crate::identity;
use crate::say::say;

/// The same destination's troubles are not told more often.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Bytes of a spool whose size is not set.
const SPOOL_BYTES: u64 = 1 << 30;

/// Sees whether [`start`] would succeed now, but for spools, which another agent may still use.
///
/// # Errors
///
/// When a destination cannot be spoken to as it is set.
pub(super) fn check(settings: &Settings) -> anyhow::Result<()> {
    let destinations: Result<Vec<_>, _> = settings.otlp().iter().map(destination).collect();
    Ok(Exporter::check(&otlp::Config { destinations: destinations?, ..otlp::Config::default() })?)
}

/// Any destination is set to get spans.
pub(super) fn wants_spans(settings: &Settings) -> bool {
    let gets_spans = |rule: &Rule| destination(rule).is_ok_and(|destination| destination.spans);
    settings.otlp().iter().any(gets_spans)
}

/// Begins to export, where anything is set to be. No more than `queues` bytes wait in memory for all destinations together. Beginnings
/// are told by the reading `first`.
///
/// # Errors
///
/// When a destination cannot be spoken to as it is set.
pub(super) fn start(
    settings: &Settings,
    state: Arc<State>,
    first: ClockReading,
    queues: u64,
) -> anyhow::Result<Option<Exporter>> {
    let destinations: Result<Vec<_>, _> = settings.otlp().iter().map(destination).collect();
    let mut destinations = destinations?;
    if destinations.is_empty() {
        return Ok(None);
    }
    let each = usize::try_from(queues).unwrap_or(usize::MAX) / destinations.len();
    destinations.iter_mut().for_each(|destination| destination.queue = destination.queue.min(each));
    let config = otlp::Config { destinations, ..config(settings) };
    // Its thread has the rights of the one that starts it; of those it needs one, for keys that only their owner may read.
    let started = std::thread::scope(|scope| {
        let starting = scope.spawn(|| {
            super::step_back(&[rights::DAC_READ_SEARCH]);
            Exporter::start(config, state, read_clocks, first)
        });
        starting.join().map_err(|_| anyhow::anyhow!("the exporter did not start"))
    });
    Ok(Some(started??))
}

/// All but the destinations.
fn config(settings: &Settings) -> otlp::Config {
    let identity = identity::settle(settings);
    if let Some(caution) = identity.caution {
        say(format_args!("caution: {caution}"));
    }
    let mut host = vec![(names::HOST_ID, identity.id), (names::OS_TYPE, "linux".to_owned())];
    host.extend(host_name().map(|name| (names::HOST_NAME, name)));
    let version = env!("CARGO_PKG_VERSION");
    otlp::Config { sampling: sampling(settings), host, version, ..otlp::Config::default() }
}

pub(super) fn sampling(settings: &Settings) -> Sampling {
    Sampling {
        // Hundredths of a percent.
        rate: settings.sampling_rate().0 as f64 / 10_000.0,
        errors: settings.sampling_keep_errors(),
        slow: Some(settings.sampling_slow().0),
    }
}

/// A destination as the crate `otlp` wants it. What is not set is as it is there.
fn destination(rule: &Rule) -> anyhow::Result<Destination> {
    let text = rule.get("endpoint").unwrap_or_default();
    let endpoint: Endpoint = text.parse().context("otlp: endpoint")?;
    let protocol = if rule.get("protocol") == Some("grpc") { Protocol::Grpc } else { Protocol::Http };
    let mut destination = Destination::new(endpoint, protocol);
    if let Some(signals) = rule.texts("signals") {
        let has = |name: &str| signals.iter().any(|own| own == name);
        (destination.spans, destination.metrics) = (has("spans"), has("metrics"));
        anyhow::ensure!(!signals.is_empty(), "otlp: {text}: signals: neither spans nor metrics");
    }
    destination.compression = match rule.get("compression") {
        Some("none") => Compression::None,
        Some("zstd") => Compression::Zstd,
        Some("gzip") => Compression::Gzip,
        _ => destination.compression,
    };
    destination.histograms = match rule.get("histograms") {
        Some("explicit") => Histograms::Explicit,
        _ => destination.histograms,
    };
    destination.headers = rule.value("headers").unwrap_or_default();
    let file = |name: &str| rule.get(name).map(|path| Path::new(path).to_owned());
    let insecure = rule.value("tls_insecure").unwrap_or(false);
    destination.tls = Tls { ca: file("tls_ca"), cert: file("tls_cert"), key: file("tls_key"), insecure };
    let time = |name: &str| rule.value(name).map(|time: units::Duration| Duration::from_nanos(time.0));
    destination.timeout = time("timeout").unwrap_or(destination.timeout);
    destination.interval = time("interval").unwrap_or(destination.interval);
    let size = |name: &str| rule.value(name).map(|size: units::Size| size.0);
    let queue = size("queue").and_then(|queue| usize::try_from(queue).ok());
    destination.queue = queue.unwrap_or(destination.queue);
    let size = size("spool_size").unwrap_or(SPOOL_BYTES);
    destination.spool = file("spool").map(|folder| Spool { folder, size });
    Ok(destination)
}

fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Says how destinations fare, when that changes.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    told: Vec<(Option<String>, Option<Instant>)>,
}

impl Troubles {
    pub(super) fn tell(&mut self, exporter: &Exporter) {
        for (place, (name, problem)) in exporter.problems().enumerate() {
            if self.told.len() <= place {
                self.told.push((None, None));
            }
            let (told, when) = &mut self.told[place];
            if *told == problem || when.is_some_and(|when| when.elapsed() < TELL_EVERY && problem.is_some()) {
                continue;
            }
            match &problem {
                Some(problem) => say(format_args!("otlp: {name} {problem}")),
                None => say(format_args!("otlp: {name} takes what is sent again")),
            }
            (*told, *when) = (problem, Some(Instant::now()));
        }
    }
}

/// What is said of it at the end.
pub(super) fn summary(ended: Ended) -> String {
    let Ended { sent, dropped, on_disk } = ended;
    let (sent, dropped) = (units::Count(sent), units::Count(dropped));
    let waits = match on_disk {
        0 => String::new(),
        bytes => format!(", {} wait on disk", units::Size(bytes)),
    };
    format!("otlp: {sent} spans and points sent, {dropped} dropped{waits}")
}

#[cfg(test)]
mod tests {
    use config::KEYS;

    use super::*;
    use crate::options::tests::settings;

    fn destinations(text: &str) -> Vec<Destination> {
        settings(text).otlp().iter().map(|rule| destination(rule).expect("a destination")).collect()
    }

    #[test]
    fn an_address_is_enough() {
        let found = destinations("otlp: [{endpoint: 'http://collector:4318'}]");
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            (one.endpoint.to_string().as_str(), one.protocol),
            ("http://collector:4318", Protocol::Http)
        );
        assert!(one.spans && one.metrics && one.headers.is_empty() && one.spool.is_none());
        // As the keys' texts tell.
        let field = |name: &str| {
            let key = KEYS.iter().find(|key| key.path == "otlp").expect("the key");
            let config::Kind::Records { fields, .. } = key.kind else { panic!("no records") };
            fields.iter().find(|field| field.name == name).expect("the field").help
        };
        let default = |name: &str, value: String| {
            assert!(
                field(name).contains(&format!("`{value}` by default")),
                "{name}: {value}: {}",
                field(name)
            );
        };
        default("timeout", units::Duration(one.timeout.as_nanos() as u64).exact());
        default("interval", units::Duration(one.interval.as_nanos() as u64).exact());
        default("queue", units::Size(one.queue as u64).exact());
        default("spool_size", units::Size(SPOOL_BYTES).exact());
        assert!(
            one.compression == Compression::Gzip && field("compression").contains("`gzip` (the default)")
        );
    }

    #[test]
    fn every_field_counts() {
        let found = destinations(
            "otlp:
  - {endpoint: 'https://a', protocol: grpc, signals: [metrics], compression: zstd, histograms: explicit, timeout: 2s,
     headers: {x: y}, interval: 5s, queue: 2MiB, spool: /s, spool_size: 3MiB, tls_ca: /ca, tls_cert: /cert, tls_key: /key,
     tls_insecure: true}
  - {endpoint: 'http://b', signals: [spans], compression: none}",
        );
        let [one, other] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((one.protocol, one.compression), (Protocol::Grpc, Compression::Zstd));
        assert_eq!((one.spans, one.metrics, one.histograms), (false, true, Histograms::Explicit));
        assert_eq!((one.timeout, one.interval), (Duration::from_secs(2), Duration::from_secs(5)));
        assert_eq!((one.headers[0].0.as_str(), one.queue), ("x", 2 << 20));
        let spool = one.spool.as_ref().expect("a spool");
        assert_eq!((spool.folder.as_path(), spool.size), (Path::new("/s"), 3 << 20));
        assert!(one.tls.insecure && one.tls.ca.is_some() && one.tls.cert.is_some() && one.tls.key.is_some());
        assert!(!format!("{one:?}").contains('y'), "headers are not shown");
        assert_eq!((other.spans, other.metrics, other.compression), (true, false, Compression::None));
    }

    #[test]
    fn sampling_is_as_it_is_set() {
        let default = sampling(&Settings::defaults(KEYS));
        assert_eq!(default, Sampling::default());
        let set = sampling(&settings("sampling: {rate: 0.5%, keep_errors: false, slow: 20ms}"));
        assert_eq!(set, Sampling { rate: 0.005, errors: false, slow: Some(20_000_000) });
    }
}
