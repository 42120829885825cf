//! Which values fields have, and what sets some requests apart from the others.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use schema::Table;
use schema::query::{Ask, Cell, Outcome, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Api, text};
use super::figures::About;
use super::params::{self, Asked, wrong};
use crate::problem::Problem;

/// Fields by which most requests are found.
const USUAL: &[&str] = &[
    "service.name",
    "role",
    "network.protocol.name",
    "name",
    "error.type",
    "client",
    "server",
    "http.response.status_code",
    "host.name",
];

/// Fields whose values say something to people: no ids, and no numbers that nobody chose.
const TELLING: &[&str] = &[
    "service.name",
    "host.name",
    "role",
    "network.protocol.name",
    "name",
    "error.type",
    "client",
    "server",
    "weir.client.address",
    "weir.server.address",
    "weir.server.port",
    "process.pid",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "url.path",
    "server.address",
    "network.protocol.version",
    "db.namespace",
    "db.operation.name",
    "db.collection.name",
    "db.query.summary",
    "db.query.text",
    "db.response.status_code",
    "dns.question.name",
    "dns.question.type",
    "weir.missing",
];

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The fields, with commas between; the usual ones where nothing is said.
    fields: Option<String>,
    /// So many values of each at most: 1 to 1000; 10 where nothing is said.
    limit: Option<usize>,
}

/// Values of fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Facets {
    /// The fields.
    pub facets: Vec<Facet>,
    /// How many requests match.
    pub matched: u64,
    /// Which time this is about.
    pub about: About,
}

/// A field's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Facet {
    /// The field.
    pub field: String,
    /// Its values, the most frequent first.
    pub values: Vec<FacetValue>,
    /// Requests with other values.
    pub others: u64,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FacetValue {
    /// The value; none for requests without one.
    pub value: Option<String>,
    /// Requests that have it.
    pub count: u64,
}

/// The values of fields, and how many requests have them.
#[utoipa::path(get, path = "/facets", tag = "requests", params(Asked, Wanted), responses((status = 200, body = Facets)))]
pub(super) async fn facets(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, QueryRejection>,
    wanted: Result<Params<Wanted>, QueryRejection>,
) -> Result<Json<Facets>, Problem> {
    let (Params(asked), Params(wanted)) = (asked?, wanted?);
    let span = asked.span()?;
    let ask = Ask::Facets {
        fields: params::fields("fields", wanted.fields.as_deref(), USUAL, Table::Requests)?,
        limit: params::limit(wanted.limit, 10, 1000)?,
    };
    let filter = asked.filter(Table::Requests)?;
    let query = Query { table: Table::Requests, from: Some(span.from), to: Some(span.to), filter, ask };
    let answer = api.ask(query).await?;
    let Outcome::Facets(facets) = answer.outcome else { return Err(Problem::internal()) };
    let facets = facets.into_iter().map(|facet| Facet {
        field: facet.field,
        values: facet
            .values
            .iter()
            .map(|(value, count)| FacetValue { value: text(Some(value)), count: *count })
            .collect(),
        others: facet.others,
    });
    Ok(Json(Facets {
        facets: facets.collect(),
        matched: answer.scanned.matched,
        about: api.about(span, answer.scanned.damaged).await?,
    }))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Selection {
    /// Which of the requests are compared with the others: a filter.
    selection: String,
}

/// What sets some requests apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Apart {
    /// Requests of the selection.
    pub selected: u64,
    /// The others.
    pub others: u64,
    /// The values, the greatest difference first.
    pub differences: Vec<Difference>,
    /// Which time this is about.
    pub about: About,
}

/// A value that is more frequent among the selected requests, or less.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// The field.
    pub field: String,
    /// The value; none for requests without one.
    pub value: Option<String>,
    /// Which part of the selected requests has it: 0 to 1.
    pub selected: f64,
    /// Which part of the others.
    pub others: f64,
}

/// What the requests of a selection have in common that the others have not.
#[utoipa::path(get, path = "/apart", tag = "requests", params(Asked, Selection, Wanted), responses((status = 200, body = Apart)))]
pub(super) async fn apart(
    State(api): State<Arc<Api>>,
    asked: Result<Params<Asked>, QueryRejection>,
    selection: Result<Params<Selection>, QueryRejection>,
    wanted: Result<Params<Wanted>, QueryRejection>,
) -> Result<Json<Apart>, Problem> {
    let (Params(asked), Params(selection), Params(wanted)) = (asked?, selection?, wanted?);
    if selection.selection.trim().is_empty() {
        return Err(wrong("selection", "is empty: which requests are to be compared with the others?"));
    }
    let span = asked.span()?;
    let ask = Ask::Apart {
        selection: params::filter("selection", Some(&selection.selection), Table::Requests)?,
        fields: params::fields("fields", wanted.fields.as_deref(), TELLING, Table::Requests)?,
        limit: params::limit(wanted.limit, 10, 1000)?,
    };
    let filter = asked.filter(Table::Requests)?;
    let query = Query { table: Table::Requests, from: Some(span.from), to: Some(span.to), filter, ask };
    let answer = api.ask(query).await?;
    let Outcome::Apart { rows: [selected, others], differences } = answer.outcome else {
        return Err(Problem::internal());
    };
    let told = |value: &Cell| text(Some(value));
    let differences = differences.into_iter().map(|difference| Difference {
        value: told(&difference.value),
        field: difference.field,
        selected: difference.selected,
        others: difference.others,
    });
    Ok(Json(Apart {
        selected,
        others,
        differences: differences.collect(),
        about: api.about(span, answer.scanned.damaged).await?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_requests() {
        for field in USUAL.iter().chain(TELLING) {
            assert!(Table::Requests.column(field).is_some(), "{field}");
        }
    }
}
