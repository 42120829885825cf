//! The agent's memory with many open connections, its kernel maps included.

use std::net::TcpStream;

use anyhow::Context as _;
use probes::Memory;
use scenario_tests::http::{Client, get};
use scenario_tests::process::status_figure;
use scenario_tests::servers::{Nginx, NginxOptions};

use crate::agent::Agent;
use crate::report::Report;

const MIB: f64 = 1024.0 * 1024.0;
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
    let memory = Memory::of(agent.pid());
    let maps = memory.kernel(2 * connections as u64);
    drop(open);
    let run = agent.stop()?;
    anyhow::ensure!(run.shown() >= 2 * connections as u64, "not all was seen: {}", run.summary);
    let own = resident.saturating_sub(memory.mapped) as f64 / MIB;
    report.note(&format!("agent_memory_mb.connections_{connections}"), "MiB", own + maps as f64 / MIB);
    report.note("agent_memory_mb.resident", "MiB", own);
    report.note("agent_memory_mb.maps", "MiB", maps as f64 / MIB);
    Ok(())
}
