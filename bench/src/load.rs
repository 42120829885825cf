//! Servers under load, and what a turn of it took.

use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use scenario_tests::process::{Process, cpu_time};
use scenario_tests::servers::{Nginx, NginxOptions, Redis, on_cpu};

/// What is loaded, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// nginx with wrk: 20 keep-alive connections, a small answer.
    Http,
    /// redis-benchmark, SET then GET, 20 connections, one command at a time.
    RedisP1,
    /// The same, 16 commands at a time.
    RedisP16,
}

impl Workload {
    /// All, in the order of the report.
    pub(crate) const ALL: [Workload; 3] = [Workload::Http, Workload::RedisP1, Workload::RedisP16];

    /// The last part of a figure's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Workload::Http => "http",
            Workload::RedisP1 => "redis_p1",
            Workload::RedisP16 => "redis_p16",
        }
    }
}

/// A server, and how to load it.
pub(crate) struct Load {
    workload: Workload,
    server: Server,
    client_cpu: Option<usize>,
    seconds: u64,
    /// Requests of each command, for clients that take a number.
    number: u64,
}

enum Server {
    Nginx(Nginx),
    Redis(Redis),
}

/// What a turn took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    /// Requests by the client's count.
    pub(crate) requests: u64,
    /// Requests a second by the client's clock.
    pub(crate) throughput: f64,
    /// The server's CPU time for all of them: nanoseconds.
    pub(crate) server_cpu: u64,
}

impl Load {
    /// Starts the server, and finds out how many requests take so many seconds.
    pub(crate) fn start(
        workload: Workload,
        server_cpu: Option<usize>,
        client_cpu: Option<usize>,
        seconds: u64,
    ) -> anyhow::Result<Load> {
        let server = match workload {
            Workload::Http => {
                Server::Nginx(Nginx::start(NginxOptions { cpu: server_cpu, ..Default::default() })?)
            }
            _ => Server::Redis(Redis::start(server_cpu)?),
        };
        let mut load = Load { workload, server, client_cpu, seconds, number: 20_000 };
        let trial = load.turn().context("a first turn")?;
        if workload != Workload::Http {
            // Two commands share the time.
            load.number = ((trial.throughput * seconds as f64 / 2.0) as u64).max(20_000);
        }
        Ok(load)
    }

    /// The server's port.
    pub(crate) fn port(&self) -> u16 {
        match &self.server {
            Server::Nginx(nginx) => nginx.port(),
            Server::Redis(redis) => redis.port(),
        }
    }

    /// Sends a turn's requests.
    pub(crate) fn turn(&mut self) -> anyhow::Result<Turn> {
        let pid = match &self.server {
            Server::Nginx(nginx) => nginx.pid(),
            Server::Redis(redis) => redis.pid(),
        };
        let before = cpu_time(pid)?;
        let (requests, throughput) = match self.workload {
            Workload::Http => self.wrk()?,
            Workload::RedisP1 => self.redis_benchmark(1)?,
            Workload::RedisP16 => self.redis_benchmark(16)?,
        };
        Ok(Turn { requests, throughput, server_cpu: cpu_time(pid)? - before })
    }

    fn wrk(&self) -> anyhow::Result<(u64, f64)> {
        let mut wrk = on_cpu("wrk", self.client_cpu);
        wrk.args(["-t1", "-c20", &format!("-d{}s", self.seconds)]);
        let text = output(wrk.arg(format!("http://127.0.0.1:{}/ok", self.port())))?;
        let mut lines = text.lines().map(str::trim);
        let requests = lines.find_map(|line| line.split_once(" requests in ")?.0.parse().ok());
        let throughput =
            text.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
        match (requests, throughput) {
            (Some(requests), Some(throughput)) => Ok((requests, throughput)),
            _ => bail!("wrk said: {text}"),
        }
    }

    fn redis_benchmark(&self, depth: u32) -> anyhow::Result<(u64, f64)> {
        let mut client = on_cpu("redis-benchmark", self.client_cpu);
        client.args(["-p", &self.port().to_string(), "-n", &self.number.to_string()]);
        let text = output(client.args(["-P", &depth.to_string(), "-c", "20", "-t", "set,get", "--csv"]))?;
        // "SET","123456.78",...
        let rates: Vec<f64> =
            text.lines().filter_map(|line| line.split(',').nth(1)?.trim_matches('"').parse().ok()).collect();
        ensure!(rates.len() == 2, "redis-benchmark said: {text}");
        let took: f64 = rates.iter().map(|rate| self.number as f64 / rate).sum();
        Ok((2 * self.number, 2.0 * self.number as f64 / took))
    }
}

/// Runs a client to its end; it is ended too if we are.
fn output(command: &mut Command) -> anyhow::Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let (output, _) = Process::start(command)?.output()?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}
