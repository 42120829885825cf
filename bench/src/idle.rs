//! What the agent uses while nothing happens: its CPU time beside open connections that say nothing.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::agent::Agent;
use crate::report::Report;

const CONNECTIONS: usize = 1000;
/// All that is open is looked at every 10 seconds: twice within this time.
const TIME: Duration = Duration::from_secs(20);

/// Notes `agent_cpu_percent.idle`: of one processor, of `weir agent` with metrics of requests and connections.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut open = Vec::new();
    for number in 0..CONNECTIONS {
        let client = TcpStream::connect(address).with_context(|| format!("connection {number}"))?;
        open.push((client, listener.accept()?.0));
    }
    let agent = Agent::with_metrics_only(None)?;
    agent.settle()?;
    let (cpu, began) = (agent.cpu()?, Instant::now());
    std::thread::sleep(TIME);
    let used = (agent.cpu()? - cpu) as f64 / began.elapsed().as_nanos() as f64;
    drop(open);
    agent.stop()?;
    report.note("agent_cpu_percent.idle", "%", 100.0 * used);
    Ok(())
}
