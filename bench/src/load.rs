//! Servers under load, and what a turn of it took.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use scenario_tests::mariadb::MariaDb;
use scenario_tests::postgresql::Postgres;
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
    /// PostgreSQL with pgbench: 8 connections, a SELECT by key, its literal in its text.
    Postgres,
    /// MariaDB with mariadb-slap: 8 connections, a SELECT of a constant.
    Mysql,
}

impl Workload {
    /// All, in the order of the report.
    pub(crate) const ALL: [Workload; 5] =
        [Workload::Http, Workload::RedisP1, Workload::RedisP16, Workload::Postgres, Workload::Mysql];

    /// The last part of a figure's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Workload::Http => "http",
            Workload::RedisP1 => "redis_p1",
            Workload::RedisP16 => "redis_p16",
            Workload::Postgres => "postgres",
            Workload::Mysql => "mysql",
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
    Postgres(Postgres),
    MariaDb(MariaDb),
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

impl Turn {
    /// Both as one.
    pub(crate) fn and(self, other: Turn) -> Turn {
        let requests = self.requests + other.requests;
        let took = [self, other].map(|turn| turn.requests as f64 / turn.throughput).iter().sum::<f64>();
        Turn { requests, throughput: requests as f64 / took, server_cpu: self.server_cpu + other.server_cpu }
    }
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
            Workload::RedisP1 | Workload::RedisP16 => Server::Redis(Redis::start(server_cpu)?),
            Workload::Postgres => Server::Postgres(quiet_postgres()?),
            Workload::Mysql => Server::MariaDb(quiet_mariadb()?),
        };
        if let (Server::Postgres(_) | Server::MariaDb(_), Some(cpu)) = (&server, server_cpu) {
            stay(server.pid(), cpu)?;
        }
        let mut load = Load { workload, server, client_cpu, seconds, number: 20_000 };
        let trial = load.turn().context("a first turn")?;
        // redis-benchmark's two commands share the time.
        let commands = if matches!(load.server, Server::Redis(_)) { 2.0 } else { 1.0 };
        load.number = ((trial.throughput * seconds as f64 / commands) as u64).max(20_000);
        Ok(load)
    }

    /// The server's port.
    pub(crate) fn port(&self) -> u16 {
        match &self.server {
            Server::Nginx(nginx) => nginx.port(),
            Server::Redis(redis) => redis.port(),
            Server::Postgres(postgres) => postgres.port(),
            Server::MariaDb(mariadb) => mariadb.port(),
        }
    }

    /// Sends a turn's requests.
    pub(crate) fn turn(&mut self) -> anyhow::Result<Turn> {
        let before = self.server.cpu()?;
        let (requests, throughput) = match self.workload {
            Workload::Http => self.wrk()?,
            Workload::RedisP1 => self.redis_benchmark(1)?,
            Workload::RedisP16 => self.redis_benchmark(16)?,
            Workload::Postgres => self.pgbench()?,
            Workload::Mysql => self.mariadb_slap()?,
        };
        Ok(Turn { requests, throughput, server_cpu: self.server.cpu()? - before })
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

impl Load {
    fn pgbench(&self) -> anyhow::Result<(u64, f64)> {
        let mut client = on_cpu("pgbench", self.client_cpu);
        client.env("PGSSLMODE", "disable").args(["-h", "127.0.0.1", "-p", &self.port().to_string()]);
        client.args(["-U", "weir", "-n", "-S", "-M", "simple", "-c", "8", "-T", &self.seconds.to_string()]);
        let text = output(client.arg("shop"))?;
        let figure = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let done = figure("number of transactions actually processed: ").and_then(|done| done.parse().ok());
        let rate = figure("tps = ").and_then(|rate| rate.split(' ').next()?.parse().ok());
        match (done, rate) {
            (Some(done), Some(rate)) => Ok((done, rate)),
            _ => bail!("pgbench said: {text}"),
        }
    }

    fn mariadb_slap(&self) -> anyhow::Result<(u64, f64)> {
        let mut client = on_cpu("mariadb-slap", self.client_cpu);
        client.args(["--no-defaults", "-h", "127.0.0.1", "-u", "root", "-c", "8", "--query", "SELECT 1 + 1"]);
        client.arg(format!("--port={}", self.port())).arg(format!("--number-of-queries={}", self.number));
        let text = output(client.args(["--create-schema", "shop", "--skip-ssl"]))?;
        let line =
            text.lines().find_map(|line| line.split_once("Average number of seconds to run all queries: "));
        let took: Option<f64> = line.and_then(|(_, took)| took.split(' ').next()?.parse().ok());
        let took = took.with_context(|| format!("mariadb-slap said: {text}"))?;
        Ok((self.number, self.number as f64 / took))
    }
}

impl Server {
    fn pid(&self) -> u32 {
        match self {
            Server::Nginx(nginx) => nginx.pid(),
            Server::Redis(redis) => redis.pid(),
            Server::Postgres(postgres) => postgres.pid(),
            Server::MariaDb(mariadb) => mariadb.pid(),
        }
    }

    /// CPU time that it has used: nanoseconds. Of servers that end threads or processes with each connection, what those used
    /// too, in the kernel's ticks of 10 ms.
    fn cpu(&self) -> anyhow::Result<u64> {
        match self {
            Server::Nginx(_) | Server::Redis(_) => Ok(cpu_time(self.pid())?),
            Server::Postgres(_) | Server::MariaDb(_) => {
                // For what ends with the client's connections to have ended.
                std::thread::sleep(Duration::from_millis(200));
                let text = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
                let fields = text.rsplit_once(')').context("a process's figures")?.1;
                // utime, stime, cutime, cstime: see proc(5).
                let ticks: u64 = fields
                    .split_ascii_whitespace()
                    .skip(11)
                    .take(4)
                    .filter_map(|n| n.parse::<u64>().ok())
                    .sum();
                Ok(ticks * 10_000_000)
            }
        }
    }
}

/// Without the log that tests compare with.
fn quiet_postgres() -> anyhow::Result<Postgres> {
    let postgres = Postgres::start(false)?;
    let mut tables = Command::new("pgbench");
    tables.env("PGSSLMODE", "disable").args(["-h", "127.0.0.1", "-p", &postgres.port().to_string()]);
    output(tables.args(["-U", "weir", "-i", "-q", "shop"]))?;
    postgres.sql("postgres", "ALTER SYSTEM SET log_statement = 'none'")?;
    postgres.sql("postgres", "SELECT pg_reload_conf()")?;
    Ok(postgres)
}

fn quiet_mariadb() -> anyhow::Result<MariaDb> {
    let mariadb = MariaDb::start()?;
    let mut client = Command::new("mariadb");
    client.args(["--no-defaults", "-u", "root", "-e", "SET GLOBAL general_log = 0"]);
    output(client.arg(format!("--socket={}", mariadb.socket().display())))?;
    Ok(mariadb)
}

/// Keeps a process, and what it starts from now on, on a processor.
fn stay(pid: u32, cpu: usize) -> anyhow::Result<()> {
    let done = Command::new("taskset")
        .args(["-a", "-c", "-p", &cpu.to_string(), &pid.to_string()])
        .stdout(Stdio::null())
        .status()?;
    ensure!(done.success(), "taskset failed");
    Ok(())
}

/// Runs a client to its end; it is ended too if we are.
fn output(command: &mut Command) -> anyhow::Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let (output, _) = Process::start(command)?.output()?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}
