//! The way to one receiver: a connection that is kept, and requests on it, one after the other.

mod connection;
mod tls;

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response};
use tokio::time::timeout;

use crate::config::Way;
use crate::payload::Payload;
use crate::retry::Outcome;
use connection::{Connection, Failure};

pub use connection::cause;
pub use tls::TlsError;

/// Longest answer that is read.
pub const ANSWER_BYTES: usize = 64 * 1024;

/// What is said to a receiver, and what its answers mean.
pub trait Speak: Send + Sync + 'static {
    /// It is spoken to by HTTP/2, else by HTTP/1.1.
    fn http2(&self) -> bool;

    /// A message as a request.
    ///
    /// # Errors
    ///
    /// When it is none that HTTP allows.
    fn request(&self, way: &Way, payload: &Payload) -> Result<Request<Full<Bytes>>, hyper::http::Error>;

    /// What an answer means; an error where it broke off.
    fn outcome(&self, response: Response<Incoming>) -> impl Future<Output = Result<Outcome, String>> + Send;
}

/// A receiver, as it is spoken to.
pub struct Client<S> {
    way: Arc<Way>,
    speak: S,
    headers: HeaderMap,
    tls: Option<tls::Connector>,
    connection: Option<Connection>,
}

/// Why a way cannot be spoken to as it is set.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A header is none. Its value may be a secret, and is not told.
    #[error("the header {0:?} is none that HTTP allows")]
    Header(String),
    /// Certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl<S: Speak> Client<S> {
    /// Reads the certificates; nothing is connected yet.
    pub fn new(way: Arc<Way>, speak: S, version: &str) -> Result<Self, ClientError> {
        let mut headers = HeaderMap::new();
        let agent = HeaderValue::try_from(format!("weir/{version}"));
        headers.extend(agent.ok().map(|agent| (hyper::header::USER_AGENT, agent)));
        for (name, value) in &way.headers {
            let pair = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
            let (header, mut value) = pair.ok_or_else(|| ClientError::Header(name.clone()))?;
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        let tls = match way.endpoint.tls() {
            true => Some(tls::Connector::new(&way, speak.http2())?),
            false => None,
        };
        Ok(Client { way, speak, headers, tls, connection: None })
    }

    /// Sends a payload, within the time that is set for it.
    pub async fn send(&mut self, payload: &Payload) -> Outcome {
        let patience = self.way.timeout;
        let outcome = match timeout(patience, self.exchange(payload)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                // The answer may still come, and would then be taken for that to a later request.
                self.connection = None;
                Outcome::later(format!("no answer within {patience:?}"))
            }
        };
        if matches!(outcome, Outcome::Later { .. }) && self.connection.as_ref().is_some_and(|c| !c.is_open())
        {
            self.connection = None;
        }
        outcome
    }

    async fn exchange(&mut self, payload: &Payload) -> Outcome {
        let answered = match self.answer(payload).await {
            // A receiver may close a connection that was idle in the very moment in which it is used again.
            Err(Failure { reused: true, .. }) => self.answer(payload).await,
            answered => answered,
        };
        let outcome = match answered {
            Ok(response) => self.speak.outcome(response).await,
            Err(failure) => Err(failure.why),
        };
        outcome.unwrap_or_else(|why| {
            self.connection = None;
            Outcome::later(why)
        })
    }

    /// The answer's head.
    async fn answer(&mut self, payload: &Payload) -> Result<Response<Incoming>, Failure> {
        let reused = self.connection.as_ref().is_some_and(Connection::is_open);
        if !reused {
            let connection = Connection::open(&self.way, self.speak.http2(), self.tls.as_ref()).await;
            self.connection = Some(connection.map_err(|why| Failure { why, reused: false })?);
        }
        let request =
            self.request(payload).map_err(|error| Failure { why: error.to_string(), reused: false })?;
        let Some(connection) = &mut self.connection else {
            return Err(Failure { why: "no connection".into(), reused: false });
        };
        let answer = connection.send(request).await;
        answer.map_err(|why| {
            self.connection = None;
            Failure { why, reused }
        })
    }

    fn request(&self, payload: &Payload) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let mut request = self.speak.request(&self.way, payload)?;
        // What is set comes last: it may replace ours, but for what frames the message.
        for (name, value) in &self.headers {
            request.headers_mut().entry(name.clone()).or_insert_with(|| value.clone());
        }
        Ok(request)
    }
}

/// As much of a receiver's text as a line can show.
pub fn shown(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
