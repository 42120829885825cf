//! The agent beside the load, and what it and its programs use.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use scenario_tests::process::cpu_time;
use scenario_tests::servers::on_cpu;
use scenario_tests::weir::{Keep, Run, Weir, binary};

/// A running agent; its records are made and thrown away.
pub(crate) struct Agent(Weir);

/// What the kernel accounts for the programs that a process holds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Programs {
    /// Nanoseconds in all runs, counted while statistics are on.
    pub(crate) run_time: u64,
    /// Runs that did not happen.
    pub(crate) missed: u64,
}

impl Agent {
    /// Starts it for the servers on `ports`, on a processor if one is given.
    pub(crate) fn start(port: u16, cpu: Option<usize>) -> anyhow::Result<Agent> {
        let program = binary().to_str().context("the path of weir is not text")?;
        let mut command: Command = on_cpu(program, cpu);
        command.args(["requests", "--json", "--port", &port.to_string()]);
        Ok(Agent(Weir::start(&mut command, Keep::Nothing)?))
    }

    /// Starts the one that makes metrics of all requests of the host, and shows none.
    pub(crate) fn with_metrics_only(cpu: Option<usize>) -> anyhow::Result<Agent> {
        let program = binary().to_str().context("the path of weir is not text")?;
        let mut command: Command = on_cpu(program, cpu);
        // What a request costs is asked for, not what is left out.
        command.args(["agent", "--listen", "127.0.0.1:0", "--max-cpu", "100%", "--max-memory", "1GB"]);
        Ok(Agent(Weir::start(&mut command, Keep::Nothing)?))
    }

    /// Starts one that keeps the events of the server on `port` in a file.
    pub(crate) fn recording(port: u16, file: &Path) -> anyhow::Result<Agent> {
        let mut command = Command::new(binary());
        command.args(["dev", "capture", "--port", &port.to_string()]).arg(file);
        Ok(Agent(Weir::start(&mut command, Keep::Nothing)?))
    }

    /// CPU time so far: nanoseconds.
    pub(crate) fn cpu(&self) -> anyhow::Result<u64> {
        cpu_time(self.0.pid()).context("reading the agent's CPU time")
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// What its programs have done so far.
    pub(crate) fn programs(&self) -> Programs {
        let mut programs = Programs::default();
        for text in descriptors(self.0.pid()).iter().filter(|text| text.contains("prog_id:")) {
            programs.run_time += figure(text, "run_time_ns");
            programs.missed += figure(text, "recursion_misses");
        }
        programs
    }

    /// Waits until it has worked off what there is: until it uses next to no CPU.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut before = self.cpu()?;
        while began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(150));
            let now = self.cpu()?;
            if now - before < 5_000_000 {
                return Ok(());
            }
            before = now;
        }
        Ok(())
    }

    /// Ends it.
    pub(crate) fn stop(self) -> anyhow::Result<Run> {
        self.0.stop().context("ending the agent")
    }
}

/// The text of every descriptor's `fdinfo`, without repetitions of one program or map.
fn descriptors(pid: u32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten().flatten();
    let mut texts: Vec<String> = entries.filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect();
    let key = |text: &String| (figure(text, "prog_id"), figure(text, "map_id"), figure(text, "link_id"));
    // A link's text names its program too.
    texts.retain(|text| key(text) != (0, 0, 0) && figure(text, "link_id") == 0);
    texts.sort_by_key(key);
    texts.dedup_by_key(|text| key(text));
    texts
}

/// The number in the line `name:` of a text; 0 where there is none.
fn figure(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}
