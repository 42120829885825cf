//! What the API takes to answer over a full store while rows come in: `api_ms.*` (the 95th percentile), `server_memory_mb`.
//!
//! `weir server` is started on a store of `--store-rows` requests, whose last ones are of now. A sender gives it 20,000 rows/s as agents do,
//! in batches of 8,192, each acknowledged when it is durable. Meanwhile questions are asked one after the other, in turns.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use schema::Table;

use crate::report::Report;
use crate::server::Server;
use crate::storage::generator::{BATCH, Generator, Shape};

/// Rows a second that come in.
const RATE: f64 = 20_000.0;
/// Each question is asked so often in a round.
const ASKED: u32 = 20;

/// Sends rows at the rate until it is told to stop.
fn send(url: &str, stop: &AtomicBool, sent: &AtomicU64) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as i64;
    let mut generator = Generator::new(Shape { start: now, an_hour: RATE * 3600.0, ..Shape::default() });
    let agent = ureq::Agent::new_with_defaults();
    let (began, mut number) = (Instant::now(), 0u64);
    while !stop.load(Ordering::Relaxed) {
        let due = (number * BATCH as u64) as f64 / RATE;
        if let Some(wait) = Duration::from_secs_f64(due).checked_sub(began.elapsed()) {
            std::thread::sleep(wait);
        }
        number += 1;
        let (_, batch) = generator.batch()?;
        let body = rows::wire::encode(0xbe, number, Table::Requests, &batch)?;
        agent
            .post(format!("{url}/agent/batches"))
            .header("Content-Type", rows::wire::MEDIA)
            .send(&body[..])
            .context("a batch")?;
        sent.fetch_add(BATCH as u64, Ordering::Relaxed);
    }
    Ok(())
}

/// Over a store of so many rows.
pub(crate) fn measure(report: &mut Report, rows: u64, rounds: u32) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    eprintln!("api: {rows} rows");
    let trace = crate::storage::keep(&folder.path().join("store"), rows, 50)?;
    let server = Server::start(folder.path(), 0)?;
    let questions = [
        ("topology", "topology?from=-1h".to_owned()),
        ("requests", "requests?from=-1h&limit=100".into()),
        (
            "requests_filtered",
            "requests?from=-1h&limit=100&filter=service%20%3D%20service-07%20and%20duration%20%3E%2050ms"
                .into(),
        ),
        ("trace", format!("traces/{trace}")),
        ("services", "services?from=-1h".into()),
        ("heat_map", "heatmap?from=-1h&filter=service%20%3D%20service-03".into()),
    ];
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let sending = scope.spawn(|| send(&server.url, &stop, &sent));
        let asked = ask(&server.url, &questions, rounds, report);
        stop.store(true, Ordering::Relaxed);
        sending.join().map_err(|_| anyhow::anyhow!("the sender"))??;
        asked
    })?;
    report.note("server_memory_mb", "MB", server.end()?.memory_mb);
    Ok(())
}

fn ask(url: &str, questions: &[(&str, String)], rounds: u32, report: &mut Report) -> anyhow::Result<()> {
    let agent = ureq::Agent::new_with_defaults();
    // Rows have come in by then.
    std::thread::sleep(Duration::from_secs(5));
    for round in 0..rounds {
        eprintln!("api: round {} of {rounds}", round + 1);
        let mut times: Vec<Vec<f64>> = vec![Vec::new(); questions.len()];
        for _ in 0..ASKED {
            for ((name, path), times) in questions.iter().zip(&mut times) {
                let began = Instant::now();
                let mut answer =
                    agent.get(format!("{url}/{path}")).call().with_context(|| (*name).to_owned())?;
                let text = answer.body_mut().with_config().limit(64 << 20).read_to_string()?;
                times.push(began.elapsed().as_secs_f64() * 1e3);
                ensure!(text.len() > 300, "{name}: {text}");
            }
        }
        for ((name, _), times) in questions.iter().zip(&mut times) {
            times.sort_by(f64::total_cmp);
            let place = times.len() * 95 / 100;
            report.note(&format!("api_ms.{name}"), "ms", times[place.min(times.len() - 1)]);
        }
    }
    Ok(())
}
