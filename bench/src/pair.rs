//! The cost of moving bytes over a socket: a send and the receive that takes it, on one thread over loopback.
//!
//! The bytes are an HTTP exchange, because what Weir does not understand it soon leaves alone. The thread stays on one
//! processor and the agent on the other, and its CPU time is taken, not the clock's, so that what is measured is what the
//! programs add to the calls, not who else wanted the processor.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use libbpf_rs::{Link, Object, ObjectBuilder};

use crate::agent::Agent;
use crate::report::Report;

const REQUEST: &[u8] = b"GET /ok HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
static EMPTY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/empty.bpf.o"));

/// One round: bare, empty hooks, the agent; in this order or the other way round.
pub(crate) fn round(
    report: &mut Report,
    number: u32,
    time: Duration,
    cpus: [usize; 2],
) -> anyhow::Result<()> {
    stay_on(Some(cpus[0]))?;
    let measured = measure(number, time, cpus[1]);
    stay_on(None)?;
    let [bare, empty, weir] = measured?;
    for (name, value) in [("bare", bare), ("empty", empty), ("weir", weir)] {
        report.note(&format!("capture_ns.{name}"), "ns", value);
    }
    report.note("capture_ns.empty_added", "ns", empty - bare);
    report.note("capture_ns.weir_added", "ns", weir - bare);
    report.note("capture_ratio.weir_to_bare", "ratio", weir / bare);
    report.note("capture_ratio.weir_to_empty", "ratio", weir / empty);
    Ok(())
}

fn measure(number: u32, time: Duration, agent_cpu: usize) -> anyhow::Result<[f64; 3]> {
    let mut results = [0.0; 3];
    let order = if number.is_multiple_of(2) { [0, 1, 2] } else { [2, 1, 0] };
    for which in order {
        let connection = Connection::open()?;
        results[which] = match which {
            0 => connection.cost(time)?,
            1 => {
                let _hooks = empty_hooks()?;
                connection.cost(time)?
            }
            _ => {
                let agent = Agent::start(connection.port, Some(agent_cpu))?;
                let cost = connection.cost(time)?;
                agent.stop()?;
                cost
            }
        };
    }
    Ok(results)
}

fn empty_hooks() -> anyhow::Result<(Vec<Link>, Object)> {
    let mut builder = ObjectBuilder::default();
    let object = builder.open_memory(EMPTY)?.load().context("loading the empty hooks")?;
    let links = object.progs_mut().map(|program| program.attach()).collect::<Result<_, _>>();
    Ok((links.context("attaching the empty hooks")?, object))
}

struct Connection {
    client: TcpStream,
    server: TcpStream,
    port: u16,
}

impl Connection {
    fn open() -> anyhow::Result<Connection> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let client = TcpStream::connect(("127.0.0.1", port))?;
        let server = listener.accept()?.0;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        Ok(Connection { client, server, port })
    }

    /// Nanoseconds of a send and its receive, on average over `time`, after a tenth of it to warm up.
    fn cost(&self, time: Duration) -> anyhow::Result<f64> {
        self.exchange_for(time / 10)?;
        let (pairs, took) = self.exchange_for(time)?;
        Ok(took.as_nanos() as f64 / pairs as f64)
    }

    /// How many pairs there were in `time`, and the CPU time that they took.
    fn exchange_for(&self, time: Duration) -> anyhow::Result<(u64, Duration)> {
        let mut buffer = [0; 256];
        let mut pairs = 0;
        let (began, cpu) = (Instant::now(), thread_time());
        loop {
            for _ in 0..100 {
                (&self.client).write_all(REQUEST)?;
                (&self.server).read_exact(&mut buffer[..REQUEST.len()])?;
                (&self.server).write_all(RESPONSE)?;
                (&self.client).read_exact(&mut buffer[..RESPONSE.len()])?;
            }
            pairs += 200;
            if began.elapsed() >= time {
                return Ok((pairs, thread_time() - cpu));
            }
        }
    }
}

/// CPU time that this thread has used.
fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the result; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Keeps this thread on one processor, or lets it go.
fn stay_on(cpu: Option<usize>) -> std::io::Result<()> {
    // SAFETY: the set is a plain value; the call only reads it.
    let failed = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        match cpu {
            Some(cpu) => libc::CPU_SET(cpu, &mut set),
            None => (0..libc::CPU_SETSIZE as usize).for_each(|cpu| libc::CPU_SET(cpu, &mut set)),
        }
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set)
    };
    if failed == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}
