//! The controller against a model of a host: what it lets be used, in any ten seconds.

use crate::{Controller, Level, Limits, Reading, Stage};

const SECOND: f64 = 1e9;
const TICK: f64 = 0.1;

/// What observing costs: so many processors whatever is left out, and so many for all connections. Each stage before the last
/// saves a tenth.
#[derive(Clone, Copy)]
struct Load {
    fixed: f64,
    variable: f64,
}

impl Load {
    fn costs(self, level: Level, connections: u32) -> f64 {
        let stages = match level.stage() {
            Stage::Nothing => 1.0,
            Stage::Details => 0.9,
            Stage::FastSpans | Stage::Connections => 0.8,
        };
        let share = level.halvings().map_or(0.0, |halvings| {
            // A few connections cannot be halved for ever.
            (f64::from(connections) / f64::from(1 << halvings)).floor() / f64::from(connections)
        });
        // Nobody has more than one processor for it.
        (self.fixed + self.variable * stages * share).min(1.2)
    }
}

/// Runs through loads of so many seconds each; returns the most that was used in ten seconds, as a part of the limit, and the
/// changes of level.
fn run(limit: f64, loads: &[(f64, Load)], connections: u32) -> (f64, Vec<(f64, Level)>) {
    let limits = Limits { cpu: limit, memory: 1 << 40 };
    let mut now = Reading { at: 1_000_000_000, ..Reading::default() };
    let mut controller = Controller::new(limits, now);
    let mut used = Vec::new();
    let mut changes = Vec::new();
    for (seconds, load) in loads {
        for _ in 0..(seconds / TICK) as usize {
            let cpu = load.costs(controller.level(), connections);
            now.at += (TICK * SECOND) as u64;
            now.process += (cpu * TICK * SECOND) as u64;
            used.push(cpu * TICK);
            if let Some(change) = controller.take(now) {
                changes.push((used.len() as f64 * TICK, change.to));
            }
        }
    }
    let window = (10.0 / TICK) as usize;
    let most = used.windows(window).map(|window| window.iter().sum::<f64>()).fold(0.0, f64::max);
    (most / 10.0 / limit, changes)
}

#[test]
fn any_ten_seconds_stay_within_the_promise() {
    let idle = (30.0, Load { fixed: 0.004, variable: 0.0 });
    for limit in [0.05, 0.1, 0.2, 1.0] {
        for variable in [0.05, 0.11, 0.15, 0.3, 0.8, 1.2, 10.0] {
            for fixed in [0.004, 0.02] {
                for connections in [1, 3, 50, 100_000] {
                    let busy = (100.0, Load { fixed, variable });
                    let (most, changes) = run(limit, &[idle, busy, idle, busy], connections);
                    let case = format!("{limit} {fixed} {variable} {connections}");
                    assert!(most <= 1.2, "{case}: {most} of the limit: {changes:?}");
                }
            }
        }
    }
}

#[test]
fn a_steady_load_is_not_answered_with_a_dance() {
    for variable in [0.11, 0.15, 0.3, 0.8, 10.0] {
        let (_, changes) = run(0.1, &[(1_000.0, Load { fixed: 0.01, variable })], 1_000);
        assert!(changes.len() <= 12, "{variable}: {changes:?}");
        assert!(changes.iter().filter(|(at, _)| *at > 300.0).count() <= 4, "{variable}: {changes:?}");
    }
}

#[test]
fn what_there_is_room_for_is_kept() {
    let (_, changes) = run(0.1, &[(120.0, Load { fixed: 0.01, variable: 0.8 })], 100_000);
    let level = changes.last().expect("it was too much").1;
    // 0.8 x 0.8 in all: an eighth of it has room.
    assert_eq!(level.halvings(), Some(4), "{changes:?}");
}
