//! A server as it is set.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use config::Settings;
use schema::Table;
use server::Server;
use server::auth::{Act, Audit, Auth, Loopback};
use server::listen::{Bound, Protection, Tls, TlsFiles, bind};
use store::{Retention, Store};

use crate::say::say;

/// Begins to listen, opens the store, and answers.
pub(crate) fn open(settings: &Settings) -> anyhow::Result<Server> {
    let audit =
        Arc::new(Audit::new(settings.server_state_directory(), "server", Arc::new(|line: &str| say(line))));
    let protection = protection(settings, &audit)?;
    let bound = |addresses: Vec<SocketAddr>, option: &str| -> anyhow::Result<Vec<Bound>> {
        addresses.into_iter().map(|address| Ok(bind(address, option, &protection)?)).collect()
    };
    // Before the store, so that an address which is taken is said at once.
    let config = server::Config {
        auth: Arc::new(auth(settings, &audit)?),
        api: bound(settings.server_listen(), "--server-listen")?,
        otlp_grpc: bound(settings.server_otlp_grpc(), "--otlp-grpc")?,
        otlp_http: bound(settings.server_otlp_http(), "--otlp-http")?,
        limits: server::api::Limits::default(),
        otlp: server::ingest::otlp::Limits::default(),
        version: env!("CARGO_PKG_VERSION"),
    };
    let folder = folder(settings);
    let store = Arc::new(store(&folder, settings)?);
    audit.note_retention(&format!("{}, {}", settings.server_keep(), settings.server_keep_bytes()));
    Server::start(store, config).context("starting the server")
}

/// Where the store is.
pub(crate) fn folder(settings: &Settings) -> PathBuf {
    let within = || Path::new(&settings.server_state_directory()).join("store");
    settings.server_store().map_or_else(within, PathBuf::from)
}

fn store(folder: &Path, settings: &Settings) -> anyhow::Result<Store> {
    let name = folder.display();
    std::fs::create_dir_all(folder).with_context(|| format!("making the folder {name}"))?;
    let config = store::Config { retention: retention(settings), ..store::Config::default() };
    let (store, opening) =
        Store::open(folder, config).with_context(|| format!("opening the store {name}"))?;
    for damaged in &opening.damaged {
        say(format_args!("damaged: {damaged}; `weir store check {name}` tells more"));
    }
    Ok(store)
}

/// What goes, and when.
fn retention(settings: &Settings) -> Vec<Retention> {
    let keep = Duration::from_nanos(settings.server_keep().0);
    let bytes = settings.server_keep_bytes().0;
    let of = |table, age: Duration, bytes| Retention { table, resolution: None, age: Some(age), bytes };
    let edges = |seconds, times| Retention {
        table: Table::Edges,
        resolution: Some(seconds),
        age: Some(keep.saturating_mul(times)),
        bytes: Some(bytes),
    };
    vec![
        of(Table::Requests, keep, Some(bytes)),
        of(Table::Spans, keep, Some(bytes / 2)),
        of(Table::Logs, keep, Some(bytes / 2)),
        of(Table::Connections, keep, Some(bytes / 2)),
        of(Table::Metrics, keep, Some(bytes / 2)),
        of(Table::Agents, keep, Some(bytes / 2)),
        of(Table::Entities, keep.saturating_mul(12), Some(bytes / 2)),
        edges(60, 3),
        edges(3600, 12),
    ]
}

/// Who may ask. Says what may surprise whoever has set it so.
fn auth(settings: &Settings, audit: &Arc<Audit>) -> anyhow::Result<Auth> {
    let config = server::auth::Config {
        folder: settings.server_state_directory().into(),
        loopback: if settings.server_loopback() == "token" { Loopback::Token } else { Loopback::Open },
        insecure: settings.server_insecure(),
        names: settings.server_names(),
    };
    let closed = config.loopback == Loopback::Token;
    let auth = Auth::new(config, audit.clone()).context("reading who may ask")?;
    let all = [settings.server_listen(), settings.server_otlp_grpc(), settings.server_otlp_http()].concat();
    let others: Vec<String> =
        all.iter().filter(|address| !address.ip().is_loopback()).map(ToString::to_string).collect();
    if settings.server_insecure() {
        say("caution: --insecure: whoever reaches the server may read and write everything");
        audit.note(&Act::StartedInsecure { listen: all.iter().map(ToString::to_string).collect() });
    } else if (closed || !others.is_empty()) && auth.valid_tokens() == 0 {
        let from = if closed { "nobody".to_owned() } else { format!("nobody at {}", others.join(", ")) };
        say(format_args!(
            "caution: there is no valid token yet, so that {from} may ask: `weir token create --help`"
        ));
    }
    Ok(auth)
}

fn protection(settings: &Settings, audit: &Arc<Audit>) -> anyhow::Result<Protection> {
    let tls = match (settings.server_tls_cert(), settings.server_tls_key()) {
        (Some(certificate), Some(key)) => {
            let client_ca = settings.server_tls_client_ca().map(PathBuf::from);
            let files = TlsFiles { certificate: certificate.into(), key: key.into(), client_ca };
            let audit = audit.clone();
            let told = move |read: Result<(), &server::listen::TlsError>| {
                audit.note(&Act::CertificatesRead { problem: read.err().map(ToString::to_string) });
            };
            Some(Arc::new(Tls::new(files, Arc::new(told))?))
        }
        (None, None) => None,
        _ => bail!("server.tls_cert and server.tls_key go together: set both, or none"),
    };
    Ok(match tls {
        tls if settings.server_insecure() => Protection::Insecure(tls),
        Some(tls) => Protection::Tls(tls),
        None => Protection::None,
    })
}

/// Where a browser finds it.
pub(crate) fn url(address: SocketAddr) -> String {
    let host = if address.ip().is_unspecified() { "localhost".into() } else { address.ip().to_string() };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let scheme = if address.ip().is_loopback() { "http" } else { "https" };
    format!("{scheme}://{host}:{}", address.port())
}
