//! The budget as `weir doctor` shows it: what is in force, what follows from it, and what an agent that runs here leaves out.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use config::Settings;

use super::budget::Budget;
use crate::units::{Count, Size};

/// How long an agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of a page that are looked at.
const MOST: u64 = 64 << 20;

/// The section `Budget`.
///
/// # Errors
///
/// When the budget that is set cannot work.
pub fn describe(settings: &Settings) -> anyhow::Result<String> {
    let Budget { limits, sizes, server_queue } = Budget::of(settings)?;
    let mut out = String::from("\nBudget\n");
    // Writing to a string does not fail.
    let mut line = |name: &str, value: String| _ = writeln!(out, "  {name:<21} {value}");
    line("CPU time", format!("{:.2} of {} processors", limits.cpu, probes::processors()));
    line("memory", Size(limits.memory).to_string());
    line("rings", format!("{} together", Size(settings.capture_ring().map_or(sizes.rings, |ring| ring.0))));
    line("connections", format!("{} that are read", Count(sizes.connections)));
    line("TCP connections", format!("{} with the kernel's figures", Count(sizes.tcp)));
    line("series", format!("{} of each metric", Count(sizes.series.min(settings.metrics_max_series()))));
    line("messages", format!("{} that are not whole", Size(sizes.held)));
    line("queues", format!("{} that wait to be sent", Size(sizes.queues + server_queue)));
    line("an agent here", present(settings.metrics_listen()));
    Ok(out)
}

/// What an agent that runs here leaves out now, by its own metrics.
fn present(listens: SocketAddr) -> String {
    let page = fetch(reachable(listens)).unwrap_or_default();
    let figure = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse::<f64>().ok()
    };
    let (Some(stage), Some(share)) = (figure("weir_agent_budget_stage"), figure("weir_agent_budget_share"))
    else {
        return format!("none answers at {listens}");
    };
    if stage == 0.0 {
        return "leaves out nothing".into();
    }
    format!("is at stage {stage}, {:.1}% of connections are kept (docs/budget.md)", share * 100.0)
}

/// Where something that listens there is reached from here.
fn reachable(listens: SocketAddr) -> SocketAddr {
    let here = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(here, listens.port())
}

fn fetch(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut page = Vec::new();
    stream.take(MOST).read_to_end(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::options::tests::settings;

    /// Somebody who answers once with these metrics.
    fn agent(page: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("its address");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(format!("HTTP/1.0 200 OK\r\n\r\n{page}").as_bytes());
        });
        address
    }

    #[test]
    fn what_an_agent_leaves_out_is_read_from_its_metrics() {
        let page = "weir_agent_budget_stage 3\nweir_agent_budget_share 0.125\n";
        assert_eq!(present(agent(page)), "is at stage 3, 12.5% of connections are kept (docs/budget.md)");
        let page = "weir_agent_budget_stage 0\nweir_agent_budget_share 1\n";
        assert_eq!(present(agent(page)), "leaves out nothing");
        assert!(present(agent("something_else 1\n")).starts_with("none answers"));
    }

    #[test]
    fn sizes_follow_from_the_budget() {
        let text = describe(&settings("{budget: {max_cpu: 0.25}, metrics: {listen: '127.0.0.1:9'}}"));
        let text = text.expect("it can work");
        assert!(text.contains("CPU time              0.25 of "), "{text}");
        assert!(text.contains("memory                128 MB\n"), "{text}");
        assert!(text.contains("an agent here         none answers at 127.0.0.1:9\n"), "{text}");
        assert!(describe(&settings("budget: {max_memory: 1MB}")).is_err());
    }
}
