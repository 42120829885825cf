//! `weir up`, `weir agent` and `weir server` as tests start them, and their answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::free_port;
use crate::prometheus::fetch;
use crate::record::Counts;
use crate::weir::binary;

/// An address of loopback that was free a moment ago.
///
/// # Panics
///
/// When there is none.
#[allow(clippy::unwrap_used)] // of a test
pub fn free() -> String {
    SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().unwrap())).to_string()
}

/// A command with addresses and folders of its own, and a budget that leaves nothing out.
pub fn weir(command: &str, api: &str, folder: &Path) -> Command {
    let mut weir = Command::new(binary());
    weir.arg(command).env("WEIR_METRICS_LISTEN", "127.0.0.1:0");
    weir.env("WEIR_AGENT_CONTROL", folder.join("control")).env("WEIR_AGENT_STATE_DIRECTORY", folder);
    weir.env("WEIR_BUDGET_MAX_CPU", "100%").env("WEIR_BUDGET_MAX_MEMORY", "1GB");
    if command != "agent" {
        weir.env("WEIR_SERVER_LISTEN", api).env("WEIR_SERVER_STATE_DIRECTORY", folder);
        weir.env("WEIR_SERVER_OTLP_GRPC", "127.0.0.1:0").env("WEIR_SERVER_OTLP_HTTP", "127.0.0.1:0");
    }
    weir
}

/// Asks as a user does, about the last ten minutes.
///
/// # Panics
///
/// When it is refused.
#[allow(clippy::unwrap_used)] // of a test
pub fn ask(api: &str, arguments: &[&str]) -> Value {
    let output = Command::new(binary())
        .args(arguments)
        .args(["--json", "--from", "10m", "--url", &format!("http://{api}")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// How many requests match, by some fields.
///
/// # Panics
///
/// When it is refused.
#[allow(clippy::unwrap_used)] // of a test
pub fn counts(api: &str, filter: &str, fields: &str) -> Counts {
    let answer = ask(api, &["query", filter, "--by", fields, "--limit", "1000"]);
    let key = |key: &Value| key.as_str().unwrap_or_default().to_owned();
    let keys = |operation: &Value| -> String {
        operation["keys"].as_array().unwrap().iter().map(key).collect::<Vec<_>>().join(" ")
    };
    let operations = answer["operations"].as_array().unwrap();
    operations
        .iter()
        .map(|operation| (keys(operation), operation["figures"]["count"].as_u64().unwrap()))
        .collect()
}

/// A filter of what this test and its load ask of servers; others of this host ask servers of the same names too.
///
/// # Panics
///
/// When this program has no name.
#[allow(clippy::unwrap_used)] // of a test
pub fn of_tests(servers: &str) -> String {
    let own = std::env::current_exe().unwrap();
    let own = own.file_name().unwrap().to_string_lossy();
    format!(r#"server in ({servers}) and client in (redis-benchmark, "{own}")"#)
}

/// What a path of the API answers.
///
/// # Panics
///
/// When it answers no JSON.
#[allow(clippy::unwrap_used)] // of a test
pub fn get(api: &str, path: &str) -> Value {
    let page = fetch(api.parse().unwrap(), path, "Host: localhost\r\n").unwrap();
    serde_json::from_slice(&page.body).unwrap()
}

/// The agents that a server knows.
///
/// # Panics
///
/// When they are not told.
#[allow(clippy::unwrap_used)] // of a test
pub fn agents(api: &str) -> Vec<Value> {
    get(api, "/api/v1/agents")["agents"].as_array().unwrap().clone()
}

/// Looks until there is something, for twenty seconds.
pub fn until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        let found = look();
        if found.is_some() || began.elapsed() > Duration::from_secs(20) {
            return found;
        }
        sleep(Duration::from_millis(200));
    }
}
