//! What there is to see, in a sentence.

use schema::Table;
use schema::query::{Ask, Filter};

use super::ask::Api;
use super::figures::Figures;
use super::params::Asked;
use super::topology::{Kind, graph};
use crate::problem::Problem;

/// What there is to see.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Glance {
    /// Services that an agent sees.
    pub services: usize,
    /// Databases among whoever answers.
    pub databases: usize,
    /// Caches among whoever answers.
    pub caches: usize,
    /// Requests a second.
    pub rate: f64,
    /// What takes longest: who answers, what, and 95 of 100 take no longer, in seconds.
    pub slowest: Option<(String, String, f64)>,
}

/// An operation has to have been asked so often.
const LEAST: u64 = 5;

impl Api {
    /// What there is to see of the last seconds: `-10s`.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn glance(&self, from: &str) -> Result<Glance, Problem> {
        let asked = Asked { from: Some(from.to_owned()), ..Asked::default() };
        let span = asked.span()?;
        let operations = Ask::Groups {
            by: vec!["server".into(), "name".into()],
            every: None,
            measures: Figures::measures(Table::Requests),
            order: Some(3),
            limit: 1000,
        };
        let patient =
            Filter::Not(Box::new(Filter::is(model::names::WEIR_WAITING, schema::query::Value::Flag(true))));
        let (whole, operations) = tokio::try_join!(
            graph(self, Table::Requests, span, Filter::All),
            self.groups_as(Table::Requests, span, patient, operations),
        )?;
        let (nodes, edges, _) = whole;
        let of = |kind| nodes.iter().filter(|node| node.kind == kind).count();
        let slowest = operations.groups.iter().find_map(|group| {
            let figures = Figures::of(&group.measures, span.seconds());
            let [server, name] = group.keys.as_slice() else { return None };
            let text = |cell| super::ask::text(Some(cell));
            (figures.count >= LEAST).then_some((text(server)?, text(name)?, figures.p95?))
        });
        Ok(Glance {
            services: of(Kind::Service),
            databases: of(Kind::Database),
            caches: of(Kind::Cache),
            rate: edges.iter().map(|edge| edge.figures.rate).sum(),
            slowest,
        })
    }
}
