//! The server's figures about itself, for Prometheus, at `/metrics`.

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use export::prometheus::Page;
use signals::server as metrics;
use signals::{Cell, Collect, Figures, Metric, Point, Source};

use crate::api::Api;
use crate::auth::Auth;
use crate::ingest::agents::Agents;
use crate::ingest::otlp::Otlp;
use crate::listen;

/// Where figures come from.
pub(crate) struct Sources {
    pub(crate) api: Arc<Api>,
    pub(crate) agents: Arc<Agents>,
    pub(crate) otlp: Arc<Otlp>,
    pub(crate) auth: Arc<Auth>,
    pub(crate) connections: Box<dyn Fn() -> listen::Counts + Send + Sync>,
}

impl Sources {
    /// `GET /metrics`.
    pub(crate) fn router(self) -> Router {
        let sources = Arc::new(self);
        Router::new().route("/metrics", get(move |headers: HeaderMap| async move { sources.page(&headers) }))
    }

    /// It is compressed as everything else is.
    fn page(&self, headers: &HeaderMap) -> Response {
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (mut page, own) = (Page::new(accept, ""), Own(self.figures()));
        let text: Vec<u8> = std::iter::from_fn(|| page.piece(&own)).flatten().collect();
        ([(CONTENT_TYPE, page.content_type())], text).into_response()
    }

    /// All of them, as they are now.
    fn figures(&self) -> Figures {
        let mut figures = Figures::new(metrics::METRICS, 0);
        let mut set = |metric: &'static Metric, cells: &[&str], count: u64| {
            let cells: Vec<Cell<'_>> = cells.iter().map(|cell| Cell::text(cell)).collect();
            figures.set(metric, &cells, Point::Count(count));
        };
        set(&metrics::INFO, &[self.api.version], 1);
        let agents = self.agents.counts();
        set(&metrics::INGEST_ROWS, &["agents"], agents.rows);
        set(&metrics::INGEST_REFUSED, &["agents", "busy"], agents.busy);
        set(&metrics::INGEST_REFUSED, &["agents", "unfit"], agents.refused);
        for (signal, counted) in self.otlp.counts() {
            set(&metrics::INGEST_ROWS, &[signal], counted.rows);
            set(&metrics::INGEST_REJECTED, &[signal], counted.rejected);
            set(&metrics::INGEST_REFUSED, &[signal, "busy"], counted.busy);
            set(&metrics::INGEST_REFUSED, &[signal, "unfit"], counted.refused);
        }
        let store = self.api.store();
        let stored = store.figures();
        set(&metrics::STORE_ROWS, &[], stored.rows);
        set(&metrics::STORE_REFUSED, &["busy"], stored.refused);
        set(&metrics::STORE_REFUSED, &["disk"], stored.failed);
        set(&metrics::STORE_REPEATED, &[], stored.repeated);
        set(&metrics::STORE_TROUBLE, &[], u64::from(store.trouble().is_some()));
        set(&metrics::STORE_MEMORY, &[], store.in_memory().1 as u64);
        let content = store.content();
        for table in schema::Table::ALL {
            let files = content.files.values().filter(|file| file.table == table);
            set(&metrics::STORE_BYTES, &[table.name()], files.map(|file| file.bytes).sum());
            let dropped = content.dropped.get(&table).cloned().unwrap_or_default();
            set(&metrics::STORE_DROPPED, &[table.name(), "age"], dropped.age);
            set(&metrics::STORE_DROPPED, &[table.name(), "size"], dropped.size);
            set(&metrics::STORE_DROPPED, &[table.name(), "damaged"], dropped.damaged);
        }
        let queries = self.api.queries();
        queries.ended().iter().for_each(|(outcome, count)| set(&metrics::QUERIES, &[outcome], *count));
        set(&metrics::QUERIES_RUNNING, &[], queries.running());
        let connections = (self.connections)();
        set(&metrics::CONNECTIONS, &[], connections.open);
        set(&metrics::CONNECTIONS_TAKEN, &[], connections.taken);
        set(&metrics::CONNECTIONS_CLOSED, &["too many"], connections.too_many);
        set(&metrics::CONNECTIONS_CLOSED, &["too slow"], connections.too_slow);
        set(&metrics::CONNECTIONS_CLOSED, &["tls"], connections.tls);
        set(&metrics::CONNECTIONS_CLOSED, &["body"], connections.bodies);
        let refused = self.auth.refused();
        set(&metrics::REFUSED, &["unauthenticated"], refused.unauthenticated);
        set(&metrics::REFUSED, &["forbidden"], refused.forbidden);
        set(&metrics::REFUSED, &["foreign"], refused.foreign);
        set(&metrics::REFUSED, &["too many"], refused.too_many);
        let durations = Point::Histogram(Box::new(queries.durations()));
        figures.set(&metrics::QUERY_DURATION, &[], durations);
        figures
    }
}

/// The figures, which nobody else has.
struct Own(Figures);

impl Source for Own {
    fn look<R>(&self, look: impl FnOnce(&[&dyn Collect]) -> R) -> R {
        look(&[&self.0])
    }
}
