//! To a server on another host: each batch is a message, which waits and is sent as [`delivery`] has it.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use arrow_array::RecordBatch;
use delivery::{
    ANSWER_BYTES, Client, ClientError, Compression, Endpoint, Kind, Outcome, Payload, Route, Speak, Spool,
    Tls, Way, deliver, of_http, shown,
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use rows::wire::{MEDIA, PATH};
use schema::Table;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::counts::Counts;

/// How long it may take at the end to send what waits.
const LAST_SENDS: Duration = Duration::from_secs(3);

/// A server, and how it is reached.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it is: `https://weir.example.com:7400`.
    pub endpoint: Endpoint,
    /// The token by which it knows agents; none where it wants none.
    pub token: Option<String>,
    /// How it is trusted, and how it trusts us.
    pub tls: Tls,
    /// Bytes that may wait in memory.
    pub queue: usize,
    /// Where more may wait.
    pub spool: Option<Spool>,
    /// Weir's version.
    pub version: &'static str,
}

/// Why a server cannot be sent to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not as it is set.
    #[error("{0}: {1}")]
    Client(Endpoint, ClientError),
    /// The token is none that a header can have. It is a secret, and not told.
    #[error("the token has characters that no token has")]
    Token,
    /// The folder of the spool cannot be used.
    #[error("the spool cannot be used: {0}")]
    Spool(io::Error),
    /// There is no thread, no way to wait for the network, or no random numbers.
    #[error("rows cannot be sent: {0}")]
    Start(#[from] io::Error),
}

impl Config {
    fn way(&self) -> Result<Way, Error> {
        let mut way = Way::new(self.endpoint.clone(), self.queue);
        if let Some(token) = &self.token {
            HeaderValue::try_from(token.as_str()).map_err(|_| Error::Token)?;
            way.headers.push((AUTHORIZATION.as_str().into(), format!("Bearer {token}")));
        }
        way.timeout = Duration::from_secs(30);
        way.tls = self.tls.clone();
        way.spool = self.spool.clone();
        Ok(way)
    }

    /// Sees whether the server can be spoken to as it is set, but for the spool, which another agent may still use.
    ///
    /// # Errors
    ///
    /// When certificates or the token cannot be used.
    pub fn check(&self) -> Result<(), Error> {
        self.client().map(drop)
    }

    fn client(&self) -> Result<Client<Batches>, Error> {
        let client = Client::new(Arc::new(self.way()?), Batches, self.version);
        client.map_err(|error| Error::Client(self.endpoint.clone(), error))
    }
}

/// What is said to a server.
struct Batches;

impl Speak for Batches {
    fn http2(&self) -> bool {
        false
    }

    fn request(&self, way: &Way, payload: &Payload) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        Request::post(way.endpoint.path(PATH))
            .header(HOST, way.endpoint.authority())
            .header(CONTENT_TYPE, MEDIA)
            .body(Full::new(payload.body.clone()))
    }

    async fn outcome(&self, response: Response<Incoming>) -> Result<Outcome, String> {
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            // Of what it says besides nothing matters; but where it is not read, the connection cannot be used again.
            let _ = Limited::new(body, ANSWER_BYTES).collect().await;
            return Ok(Outcome::Taken { rejected: 0, message: String::new() });
        }
        let body = Limited::new(body, ANSWER_BYTES).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let why = format!("HTTP status {}: {}", head.status.as_u16(), shown(&detail(&body)));
        let after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Ok(match head.status {
            // What is wrong with the token, or with the server, is put right some day; until then rows wait.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                Outcome::Later { after: None, why }
            }
            status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                // As 503, with the pause that it asks for.
                of_http(503, after, why)
            }
            status => of_http(status.as_u16(), after, why),
        })
    }
}

/// The `detail` of a problem document (RFC 9457); else all of a text.
fn detail(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let detail = problem.as_ref().and_then(|problem| problem.get("detail")?.as_str());
    detail.map_or_else(|| text.trim().to_owned(), str::to_owned)
}

/// The names of what is sent, by the places of tables.
const KINDS: &[&str] = &{
    let mut names = [""; Table::ALL.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = Table::ALL[place].name();
        place += 1;
    }
    names
};

pub(crate) struct Remote {
    route: Arc<Route>,
    source: u64,
    sequence: u64,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Remote {
    pub(crate) fn open(config: &Config, counts: &Counts) -> Result<Self, Error> {
        let (way, client) = (config.way()?, config.client()?);
        let route = Route::open(&way, Arc::new(delivery::Counts::new(KINDS))).map_err(Error::Spool)?;
        let route = Arc::new(route);
        counts.goes_by(Arc::clone(route.counts()));
        let source = getrandom::u64().map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        let delivered = Arc::clone(&route);
        let thread = std::thread::Builder::new().name("weir-uplink".into()).spawn(move || {
            runtime.block_on(async move {
                let delivering = tokio::spawn(deliver(Arc::clone(&delivered), client));
                // It is told, or nobody is there any more to tell it.
                let _ = stopped.await;
                delivered.close();
                let abort = delivering.abort_handle();
                if timeout(LAST_SENDS, delivering).await.is_err() {
                    abort.abort();
                }
                delivered.finish();
            });
        })?;
        Ok(Remote { route, source, sequence: 0, stop, thread })
    }

    pub(crate) fn send(&mut self, table: Table, batch: &RecordBatch) -> Result<(), String> {
        self.sequence += 1;
        let bytes = rows::wire::encode(self.source, self.sequence, table, batch);
        let body = Bytes::from(bytes.map_err(|error| error.to_string())?);
        // There are few tables, and no batch has so many rows.
        let (kind, items) = (Kind(table as u8), u32::try_from(batch.num_rows()).unwrap_or(u32::MAX));
        self.route.push(Payload { kind, compression: Compression::None, items, body });
        Ok(())
    }

    pub(crate) fn close(self) {
        // A thread that ended has nothing to be told.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
