//! HTTP load on a schedule, with a note of every request.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::http::{Client, get};
use crate::record::Counts;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Requests a second.
    pub rate: u32,
    /// How many in all; rounded up to whole turns.
    pub requests: u32,
    /// Connections, all of which get requests in a turn before the first answer is read.
    pub connections: usize,
    /// Requests that are written to a connection at once.
    pub depth: usize,
    /// Paths, taken in turn.
    pub paths: &'static [&'static str],
}

/// What was sent and answered.
#[derive(Debug, Default)]
pub struct Sent {
    /// How often each `GET path status` was.
    pub counts: Counts,
    /// How many in all.
    pub requests: u64,
    /// From the write of a request to the end of its answer.
    pub durations: Vec<Duration>,
    /// How long it took.
    pub took: Duration,
}

/// Sends a plan's requests.
///
/// # Errors
///
/// When a connection fails.
pub fn run(address: SocketAddr, plan: &Plan) -> io::Result<Sent> {
    let mut clients = Vec::new();
    for _ in 0..plan.connections {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        clients.push(Client::new(stream));
    }
    let mut sent = Sent::default();
    let began = Instant::now();
    let per_turn = (plan.connections * plan.depth) as u32;
    let mut next_path = 0;
    let mut asked = vec![(Vec::new(), began); plan.connections];
    for turn in 0..plan.requests.div_ceil(per_turn) {
        let due = Duration::from_secs_f64(f64::from(turn * per_turn) / f64::from(plan.rate));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        for (client, (paths, at)) in clients.iter_mut().zip(&mut asked) {
            let mut bytes = Vec::new();
            for _ in 0..plan.depth {
                let path = plan.paths[next_path % plan.paths.len()];
                next_path += 1;
                paths.push(path);
                bytes.extend_from_slice(&get(path));
            }
            *at = Instant::now();
            client.send(&bytes)?;
        }
        for (client, (paths, at)) in clients.iter_mut().zip(&mut asked) {
            for path in paths.drain(..) {
                let answer = client.receive()?;
                sent.durations.push(at.elapsed());
                *sent.counts.entry(format!("GET {path} {}", answer.status)).or_default() += 1;
                sent.requests += 1;
            }
        }
    }
    sent.took = began.elapsed();
    Ok(sent)
}

/// The middle one.
pub fn median(durations: &mut [f64]) -> f64 {
    durations.sort_by(f64::total_cmp);
    durations.get(durations.len() / 2).copied().unwrap_or(f64::NAN)
}
