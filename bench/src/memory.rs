//! The agent's memory with many open connections, its kernel maps included.

use std::fs;
use std::net::TcpStream;

use anyhow::Context as _;
use scenario_tests::http::{Client, get};
use scenario_tests::process::status_figure;
use scenario_tests::servers::{Nginx, NginxOptions};

use crate::agent::{Agent, descriptors, figure};
use crate::report::Report;

const MIB: f64 = 1024.0 * 1024.0;
/// `BPF_MAP_TYPE_SK_STORAGE`: its elements belong to sockets and are not in the map's account.
const SK_STORAGE: u64 = 24;
/// What the kernel puts around such an element (`struct bpf_sk_storage_elem`), about.
const ELEMENT_EXTRA: u64 = 64;

/// Opens connections that ask once each and stay open, and looks at the agent. The figures:
/// `agent_memory_mb.connections_N` is resident memory and maps, where the ring's pages, which are mapped into the agent
/// too, count once.
pub(crate) fn measure(report: &mut Report, connections: usize) -> anyhow::Result<()> {
    let nginx = Nginx::start(NginxOptions::default())?;
    let agent = Agent::start(nginx.port(), None)?;
    let mut open = Vec::new();
    for number in 0..connections {
        let stream = TcpStream::connect(nginx.address())
            .with_context(|| format!("connection {number} of {connections}"))?;
        let mut client = Client::new(stream);
        client.send(&get("/ok"))?;
        client.receive()?;
        open.push(client);
    }
    agent.settle()?;
    let resident = status_figure(agent.pid(), "VmRSS").context("the agent's status")? * 1024;
    let mapped = ring_mapped(agent.pid());
    let maps: u64 = descriptors(agent.pid()).iter().map(|text| map_bytes(text, 2 * connections as u64)).sum();
    drop(open);
    let run = agent.stop()?;
    anyhow::ensure!(run.shown() >= 2 * connections as u64, "not all was seen: {}", run.summary);
    let own = resident.saturating_sub(mapped) as f64 / MIB;
    report.note(&format!("agent_memory_mb.connections_{connections}"), "MiB", own + maps as f64 / MIB);
    report.note("agent_memory_mb.resident", "MiB", own);
    report.note("agent_memory_mb.maps", "MiB", maps as f64 / MIB);
    Ok(())
}

fn map_bytes(text: &str, sockets: u64) -> u64 {
    if figure(text, "map_id") == 0 {
        return 0;
    }
    let elements = match figure(text, "map_type") {
        SK_STORAGE => sockets * (figure(text, "value_size") + ELEMENT_EXTRA),
        _ => 0,
    };
    figure(text, "memlock") + elements
}

/// Resident bytes of mappings of BPF maps.
fn ring_mapped(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap_or_default();
    let mut of_map = false;
    let mut total = 0;
    for line in text.lines() {
        if line.split(' ').next().is_some_and(|first| first.contains('-') && !first.ends_with(':')) {
            of_map = line.contains("bpf-map");
        } else if of_map && line.starts_with("Rss:") {
            total += figure(line, "Rss") * 1024;
        }
    }
    total
}
