//! From a handler to the store and back: how many at a time, for how long, and what becomes of those whose caller is gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::names;
use schema::Table;
use schema::query::{Answer, Ask, Cell, Filter, Group, Measure, Outcome, Query};
use store::{Cancel, Error, Store};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::figures::{About, Coverage};
use super::params::Span;
use super::queries::Queries;
use super::topology::Zones;
use crate::Intake;
use crate::problem::{Kind, Problem};

/// Where an agent tells its zone.
const ZONE: &str = "attributes.cloud.availability_zone";

/// What is allowed to whoever asks.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Queries of the store at a time; each may have the memory that the store allows a query. Others wait.
    pub queries: usize,
    /// For how long an answer is worked on, and waited for.
    pub patience: Duration,
    /// Live views at a time.
    pub live: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { queries: 4, patience: Duration::from_secs(20), live: 64 }
    }
}

/// For how long it is remembered how much was lost in a time.
const REMEMBERED: Duration = Duration::from_secs(5);
/// Of how many times.
const MOST_REMEMBERED: usize = 64;
/// Groups that an answer is made from at most; a map with more edges shows nothing to anybody.
pub(super) const MOST_GROUPS: usize = 50_000;

/// What answers questions.
pub struct Api {
    pub(super) intake: Arc<Intake>,
    pub(super) limits: Limits,
    pub(crate) version: &'static str,
    pub(super) began: Instant,
    at_a_time: Semaphore,
    queries: Arc<Queries>,
    pub(super) live: Arc<Semaphore>,
    told: Mutex<HashMap<(i64, i64), (Instant, Told)>>,
}

/// What agents told of themselves in a time.
#[derive(Debug, Clone, Default)]
struct Told {
    coverage: Coverage,
    zones: Arc<Zones>,
}

/// Groups, and what could not be read of them.
pub(super) struct Groups {
    pub(super) groups: Vec<Group>,
    pub(super) left_out: usize,
    pub(super) damaged: Vec<String>,
}

/// A question that ends with whoever waits for its answer.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Api {
    /// Answers from what comes in there.
    pub fn new(intake: Arc<Intake>, limits: Limits, version: &'static str) -> Self {
        Api {
            intake,
            limits,
            version,
            began: Instant::now(),
            at_a_time: Semaphore::new(limits.queries),
            queries: Arc::default(),
            live: Arc::new(Semaphore::new(limits.live)),
            told: Mutex::default(),
        }
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        self.intake.store()
    }

    /// What became of questions to the store.
    pub(crate) fn queries(&self) -> &Arc<Queries> {
        &self.queries
    }

    /// Asks the store. Whoever does not wait for the answer any more cancels the question.
    pub(super) async fn ask(&self, query: Query) -> Result<Answer, Problem> {
        if let Err(invalid) = query.validate() {
            self.queries.count_refused();
            return Err(problem(Error::Invalid(invalid)));
        }
        let late =
            |_| Problem::new(Kind::TookTooLong, format!("longer than {} s", self.limits.patience.as_secs()));
        let Ok(permit) = timeout(self.limits.patience, self.at_a_time.acquire()).await else {
            self.queries.count_refused();
            return Err(busy());
        };
        let permit = permit.map_err(|_| Problem::internal())?;
        let cancel = CancelOnDrop(Cancel::default());
        let (store, asked) = (Arc::clone(self.store()), cancel.0.clone());
        let queries = Arc::clone(&self.queries);
        let answering = tokio::task::spawn_blocking(move || queries.count(|| store.query(&query, &asked)));
        let answer = timeout(self.limits.patience, answering).await.map_err(late)?;
        drop(permit);
        answer.map_err(|_| Problem::internal())?.map_err(problem)
    }

    /// Groups of rows in a time.
    pub(super) async fn groups(
        &self,
        table: Table,
        span: Span,
        filter: Filter,
        by: &[&str],
        measures: Vec<Measure>,
    ) -> Result<Groups, Problem> {
        let by = by.iter().map(|field| (*field).to_owned()).collect();
        self.groups_as(
            table,
            span,
            filter,
            Ask::Groups { by, every: None, measures, order: None, limit: MOST_GROUPS },
        )
        .await
    }

    /// The same, of any kind.
    pub(super) async fn groups_as(
        &self,
        table: Table,
        span: Span,
        filter: Filter,
        ask: Ask,
    ) -> Result<Groups, Problem> {
        let answer = self.ask(Query { table, from: Some(span.from), to: Some(span.to), filter, ask }).await?;
        match answer.outcome {
            Outcome::Groups { groups, left_out } => {
                Ok(Groups { groups, left_out, damaged: answer.scanned.damaged })
            }
            _ => Err(Problem::internal()),
        }
    }

    /// What an answer says of the time that it is about.
    pub(super) async fn about(&self, span: Span, damaged: Vec<String>) -> Result<About, Problem> {
        Ok(About {
            from: span.begin(),
            to: span.end(),
            seconds: span.seconds(),
            coverage: self.told(span).await?.coverage,
            damaged,
        })
    }

    /// The zones of hosts, by what their agents told in a time.
    pub(super) async fn zones(&self, span: Span) -> Result<Arc<Zones>, Problem> {
        Ok(self.told(span).await?.zones)
    }

    /// How much of what happened in a time was seen, and where.
    async fn told(&self, span: Span) -> Result<Told, Problem> {
        let key = (span.from / 10_000_000_000, span.to / 10_000_000_000);
        let known = self.remembered().get(&key).cloned();
        if let Some((_, told)) = known.filter(|(at, _)| at.elapsed() < REMEMBERED) {
            return Ok(told);
        }
        let measures =
            vec![Measure::Sum("events".into()), Measure::Sum("lost".into()), Measure::Min("sampled".into())];
        let found =
            self.groups(Table::Agents, span, Filter::All, &[names::HOST_NAME, ZONE], measures).await?;
        let mut zones = Zones::new();
        for group in &found.groups {
            let its = zones.entry(text(group.keys.first()).unwrap_or_default()).or_default();
            its.extend(text(group.keys.get(1)));
        }
        let sum = |place: usize| -> u64 {
            found.groups.iter().filter_map(|group| group.measures.get(place).copied().flatten()).sum::<f64>()
                as u64
        };
        let least = found.groups.iter().filter_map(|group| group.measures.get(2).copied().flatten());
        let (events, lost) = (sum(0), sum(1));
        let coverage = Coverage {
            agents: zones.len() as u64,
            events,
            lost,
            lost_ratio: if lost == 0 { 0.0 } else { lost as f64 / (events + lost) as f64 },
            sampled: least.fold(1.0, |least, percent| f64::min(least, percent / 100.0)),
        };
        let told = Told { coverage, zones: Arc::new(zones) };
        let mut remembered = self.remembered();
        remembered.retain(|_, (at, _)| at.elapsed() < REMEMBERED);
        if remembered.len() < MOST_REMEMBERED {
            remembered.insert(key, (Instant::now(), told.clone()));
        }
        Ok(told)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<(i64, i64), (Instant, Told)>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn busy() -> Problem {
    Problem::new(Kind::Unavailable, "too many questions wait already").retry_after(2)
}

/// What the store says, to whoever asked.
pub(super) fn problem(error: Error) -> Problem {
    match error {
        Error::Invalid(invalid) => {
            Problem::new(Kind::InvalidRequest, invalid.to_string()).with("parameter", invalid.part)
        }
        Error::TooMuch { .. } => Problem::new(Kind::InvalidRequest, error.to_string()),
        Error::Busy { .. } | Error::Closed => {
            Problem::new(Kind::Unavailable, error.to_string()).retry_after(1)
        }
        other => {
            eprintln!("weir: a question could not be answered: {other}");
            Problem::internal()
        }
    }
}

/// A cell as text; nothing where there is none.
pub(super) fn text(cell: Option<&Cell>) -> Option<String> {
    match cell {
        Some(Cell::Text(text)) => Some(text.clone()),
        Some(Cell::Number(number)) => Some(number.to_string()),
        Some(Cell::Flag(flag)) => Some(flag.to_string()),
        Some(Cell::Float(number)) => Some(number.to_string()),
        _ => None,
    }
}
