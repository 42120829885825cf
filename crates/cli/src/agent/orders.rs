//! What the agent does when it is told to by its socket.

use std::time::Instant;

use tokio::sync::oneshot;

use super::control::{Answer, Control, Order, Ordered};
use super::programs::Programs;
use super::{Agent, Sink};
use crate::say::say;

/// Samples that run at the same time.
const MOST_SAMPLES: usize = 8;

/// Orders that take a while.
#[derive(Debug, Default)]
pub(super) struct Orders {
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    before: Programs,
    began: Instant,
    ends: Instant,
    json: bool,
    answer: oneshot::Sender<Answer>,
}

impl Orders {
    /// Does what waits; true when the agent is not as before.
    pub(super) fn obey(&mut self, control: &Control, agent: &mut Agent, sink: &impl Sink) -> bool {
        let mut changed = false;
        while let Some(Ordered { order, answer }) = control.next() {
            let told = match order {
                Order::Switch { name, on } => {
                    changed = true;
                    switch(agent, sink, &name, on)
                }
                Order::Programs { json, sample: None } => Programs::of(agent.capture())
                    .map_err(|error| error.to_string())
                    .map(|now| now.shown(json, None)),
                Order::Programs { json, sample: Some(lasts) } => match Programs::of(agent.capture()) {
                    Ok(before) if self.samples.len() < MOST_SAMPLES => {
                        let began = Instant::now();
                        self.samples.push(Sample { before, began, ends: began + lasts, json, answer });
                        continue;
                    }
                    Ok(_) => Err("too many samples run".into()),
                    Err(error) => Err(error.to_string()),
                },
            };
            // Whoever asked may be gone.
            let _ = answer.send(told);
        }
        self.end_samples(agent);
        changed
    }

    fn end_samples(&mut self, agent: &Agent) {
        let now = Instant::now();
        for sample in self.samples.extract_if(.., |sample| sample.ends <= now) {
            let Sample { before, began, json, answer, .. } = sample;
            let after = Programs::of(agent.capture()).map_err(|error| error.to_string());
            let told = after.map(|after| after.shown(json, Some((&before, began.elapsed()))));
            let _ = answer.send(told);
        }
    }
}

fn switch(agent: &mut Agent, sink: &impl Sink, name: &str, on: bool) -> Answer {
    let failed = |error: probes::Error| error.to_string();
    let unit = Programs::of(agent.capture()).map_err(failed)?.unit(name)?;
    agent.switch(unit, on, sink).map_err(failed)?;
    let told = Programs::of(agent.capture()).map_err(failed)?.switched(unit, on);
    say(format_args!("switched: {}", told.trim_end()));
    Ok(told)
}
