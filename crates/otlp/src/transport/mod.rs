//! The way to one receiver: a connection that is kept, and requests on it, one after the other.

mod connection;
mod grpc;
mod http;
mod tls;

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response};
use tokio::time::timeout;

use crate::config::{Destination, Protocol};
use crate::payload::Payload;
use crate::retry::Outcome;
use connection::{Connection, Failure};

pub use tls::TlsError;

/// Longest answer that is read.
const ANSWER_BYTES: usize = 64 * 1024;

/// A receiver, as it is spoken to.
pub(crate) struct Client {
    destination: Arc<Destination>,
    headers: HeaderMap,
    tls: Option<tls::Connector>,
    connection: Option<Connection>,
}

/// Why a destination cannot be spoken to as it is set.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A header is none. Its value may be a secret, and is not told.
    #[error("the header {0:?} is none that HTTP allows")]
    Header(String),
    /// Certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Client {
    /// Reads the certificates; nothing is connected yet.
    pub(crate) fn new(destination: Arc<Destination>, version: &str) -> Result<Client, ClientError> {
        let mut headers = HeaderMap::new();
        let agent = HeaderValue::try_from(format!("weir/{version}"));
        headers.extend(agent.ok().map(|agent| (hyper::header::USER_AGENT, agent)));
        for (name, value) in &destination.headers {
            let pair = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
            let (header, mut value) = pair.ok_or_else(|| ClientError::Header(name.clone()))?;
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        let tls = match destination.endpoint.tls() {
            true => Some(tls::Connector::new(&destination)?),
            false => None,
        };
        Ok(Client { destination, headers, tls, connection: None })
    }

    /// Sends a payload, within the time that is set for it.
    pub(crate) async fn send(&mut self, payload: &Payload) -> Outcome {
        let patience = self.destination.timeout;
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
            Ok(response) => match self.destination.protocol {
                Protocol::Grpc => grpc::outcome(response).await,
                Protocol::Http => http::outcome(response).await,
            },
            Err(failure) => Err(failure.why),
        };
        outcome.unwrap_or_else(|why| {
            self.connection = None;
            Outcome::later(why)
        })
    }

    /// The answer's head.
    async fn answer(&mut self, payload: &Payload) -> Result<Response<hyper::body::Incoming>, Failure> {
        let reused = self.connection.as_ref().is_some_and(Connection::is_open);
        if !reused {
            let connection = Connection::open(&self.destination, self.tls.as_ref()).await;
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
        let mut request = match self.destination.protocol {
            Protocol::Grpc => grpc::request(&self.destination, payload)?,
            Protocol::Http => http::request(&self.destination, payload)?,
        };
        // What is set comes last: it may replace ours, but for what frames the message.
        for (name, value) in &self.headers {
            request.headers_mut().entry(name.clone()).or_insert_with(|| value.clone());
        }
        Ok(request)
    }
}
