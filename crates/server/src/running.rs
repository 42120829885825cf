//! The server with its thread pool: from its addresses to its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use store::Store;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;

use crate::Intake;
use crate::api::{self, Api, Limits};

/// How long answers that are under way have, at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Where and how a server answers.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the API and the page are; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// What is allowed to whoever asks.
    pub limits: Limits,
    /// The program's version.
    pub version: &'static str,
}

/// A running server. Dropping it ends it.
pub struct Server {
    intake: Arc<Intake>,
    address: SocketAddr,
    end: watch::Sender<bool>,
    runtime: Option<Runtime>,
}

impl Server {
    /// Begins to answer from a store.
    ///
    /// # Errors
    ///
    /// When an address is not to be had.
    pub fn start(store: Arc<Store>, config: &Config) -> io::Result<Server> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("server")
            .worker_threads(std::thread::available_parallelism().map_or(1, usize::from).min(4))
            .enable_all()
            .build()?;
        let intake = Arc::new(Intake::new(store));
        let api = Arc::new(Api::new(Arc::clone(&intake), config.limits, config.version));
        let router = Router::new().merge(api::router(api)).layer(CompressionLayer::new());
        let listener = runtime.block_on(tokio::net::TcpListener::bind(config.listen))?;
        let address = listener.local_addr()?;
        let (end, mut ended) = watch::channel(false);
        runtime.spawn(async move {
            let ended = async move {
                // Whoever could tell is gone: that is the end as well.
                let _ = ended.wait_for(|ended| *ended).await;
            };
            axum::serve(listener, router).with_graceful_shutdown(ended).await
        });
        Ok(Server { intake, address, end, runtime: Some(runtime) })
    }

    /// Where rows go.
    pub fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    /// Where the API is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.send_replace(true);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(LAST_ANSWERS);
        }
    }
}
