//! The server with its thread pool: from its listeners to its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use store::Store;
use tokio::runtime::Runtime;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::Intake;
use crate::api::{self, Api};
use crate::auth::{Auth, Scope};
use crate::ingest::agents::{self, Agents};
use crate::ingest::otlp::{self, Otlp};
use crate::listen::{self, Bound, Listeners};
use crate::metrics::Sources;
use crate::page;
use crate::problem::{Kind, Problem};

/// How long answers that are under way have, at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// How long threads that serve nobody any more have.
const LAST_WORK: Duration = Duration::from_millis(500);

/// Where and how a server answers.
#[derive(Debug)]
pub struct Config {
    /// Who may ask.
    pub auth: Arc<Auth>,
    /// Where the API and the page are.
    pub api: Vec<Bound>,
    /// Where OpenTelemetry's messages are taken by gRPC.
    pub otlp_grpc: Vec<Bound>,
    /// Where they are taken by HTTP.
    pub otlp_http: Vec<Bound>,
    /// What is allowed to whoever asks.
    pub limits: api::Limits,
    /// What may come of OpenTelemetry.
    pub otlp: otlp::Limits,
    /// The program's version.
    pub version: &'static str,
}

/// A running server. Dropping it ends it.
pub struct Server {
    intake: Arc<Intake>,
    api: Arc<Api>,
    addresses: Vec<SocketAddr>,
    listeners: Option<Listeners>,
    runtime: Option<Runtime>,
}

impl Server {
    /// Begins to answer from a store.
    ///
    /// # Errors
    ///
    /// When the system has no thread, socket or random number for it.
    pub fn start(store: Arc<Store>, config: Config) -> io::Result<Server> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("server")
            .worker_threads(std::thread::available_parallelism().map_or(1, usize::from).min(4))
            .enable_all()
            .build()?;
        let intake = Arc::new(Intake::new(store));
        let api = Arc::new(Api::new(Arc::clone(&intake), config.limits, config.version));
        let otlp = Otlp::new(Arc::clone(&intake), config.otlp)?;
        let mut listeners = Listeners::new(listen::Limits::default());
        let connections = Box::new(listeners.counter());
        let _inside = runtime.enter();
        let mut open = |bound: Vec<Bound>, router: Router| -> io::Result<Vec<SocketAddr>> {
            bound.into_iter().map(|bound| listeners.open(bound, router.clone())).collect()
        };
        let agents = Agents::new(Arc::clone(&intake), agents::Limits::default());
        let auth = config.auth;
        let metrics = Sources {
            api: Arc::clone(&api),
            agents: Arc::clone(&agents),
            otlp: Arc::clone(&otlp),
            auth: Arc::clone(&auth),
            connections,
        };
        let answers = auth
            .guard(whole(api::router(Arc::clone(&api))).merge(metrics.router()), Scope::Read)
            .merge(auth.guard(agents.router(), Scope::Agent));
        let addresses = open(config.api, page::beside(answers))?;
        open(config.otlp_grpc, auth.guard(otlp.grpc(), Scope::Write))?;
        open(config.otlp_http, auth.guard(otlp.http(), Scope::Write))?;
        drop(_inside);
        Ok(Server { intake, api, addresses, listeners: Some(listeners), runtime: Some(runtime) })
    }

    /// Where rows go.
    pub fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    /// What there is to see of the last seconds (`-10s`); `None` where the store does not answer. Waits for the answer.
    pub fn glance(&self, from: &str) -> Option<api::Glance> {
        self.runtime.as_ref()?.block_on(self.api.glance(from)).ok()
    }

    /// Where the API is.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// What is asked by people and programs alike: compressed, and with an answer whatever happens.
fn whole(router: Router) -> Router {
    let failed = |_: Box<dyn std::any::Any + Send>| {
        use axum::response::IntoResponse;
        Problem::internal().into_response()
    };
    router
        .fallback(|| async { Problem::new(Kind::NotFound, "the paths are in /api/v1/openapi.json") })
        .method_not_allowed_fallback(|| async {
            Problem::new(Kind::MethodNotAllowed, "this path is only read")
        })
        .layer(axum::middleware::from_fn(crate::etag::etag))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(failed))
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            if let Some(listeners) = self.listeners.take() {
                runtime.block_on(listeners.stop(LAST_ANSWERS));
            }
            runtime.shutdown_timeout(LAST_WORK);
        }
    }
}
