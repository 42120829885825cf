//! What an agent tells a store of itself, every ten seconds.

use std::time::{Duration, Instant};

use budget::Stage;
use probes::Purpose;
use rows::Heartbeat;

use super::budget::{self as kept, Keeper};
use super::{Agent, figures, read_clocks};

/// How often.
const EVERY: Duration = Duration::from_secs(10);

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Heart {
    beat: Option<Instant>,
    events: u64,
    lost: u64,
    cpu: f64,
}

/// The stage's word.
fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Nothing => "nothing",
        Stage::Details => "details",
        Stage::FastSpans => "fast spans",
        Stage::Connections => "connections",
    }
}

impl Heart {
    /// What is to be told now, if it is time to.
    pub(super) fn beat(&mut self, agent: &Agent, keeper: &Keeper) -> Option<Heartbeat> {
        let since = self.beat.map(|beat| beat.elapsed());
        if since.is_some_and(|since| since < EVERY) {
            return None;
        }
        self.beat = Some(Instant::now());
        let losses = agent.capture().losses();
        let counters = agent.analyzer().counters();
        let report = agent.capture().report();
        let kept = keeper.figures(agent);
        let analysis = [
            ("connection not known", counters.orphan_chunks),
            ("forgotten while waiting", counters.forgotten_waiting),
        ];
        let causes = losses.lost().into_iter().chain(losses.gaps()).chain(analysis);
        let causes: Vec<_> = causes.filter(|(_, count)| *count > 0).collect();
        let events: u64 = agent.events().iter().map(|(_, count)| count).sum();
        let lost: u64 = causes.iter().map(|(_, count)| count).sum();
        let cpu = figures::cpu_time() + kept.programs as f64 / 1e9;
        let mut attributes = vec![
            ("stage", word(kept.stage).to_owned()),
            ("memory.bytes", (kept::own(&kept.memory) + kept.memory.kernel(kept.sockets)).to_string()),
            ("memory.limit.bytes", kept.limits.memory.to_string()),
            ("cpu.limit", format!("{:.3}", kept.limits.cpu)),
            ("requests", counters.requests.to_string()),
            ("connections", agent.analyzer().connections().to_string()),
        ];
        // Of the first time nobody knows how long it was.
        if let Some(since) = since {
            attributes.push(("cpu", format!("{:.4}", (cpu - self.cpu) / since.as_secs_f64())));
        }
        for (name, purpose) in [("sees.sent.by", Purpose::TcpSent), ("sees.received.by", Purpose::Received)] {
            attributes.extend(report.chosen(purpose).map(|backend| (name, backend.as_str().to_owned())));
        }
        if !causes.is_empty() {
            let told: Vec<_> = causes.iter().map(|(cause, count)| format!("{cause} {count}")).collect();
            attributes.push(("lost.by.cause", told.join(", ")));
        }
        let beat = Heartbeat {
            time: read_clocks().wall,
            events: events.saturating_sub(std::mem::replace(&mut self.events, events)),
            lost: lost.saturating_sub(std::mem::replace(&mut self.lost, lost)),
            sampled: Some((kept.share * 100.0).round() as u8),
            attributes,
        };
        self.cpu = cpu;
        Some(beat)
    }
}
