//! One connection: TCP, TLS where it is wanted, and HTTP/1.1 or HTTP/2 on it.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::rt::{Read, Write};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::tls::Connector;
use crate::config::Way;

/// A receiver that was not heard of for so long is asked whether it is there; a firewall forgets connections that say nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) why: String,
    /// The connection was there before.
    pub(super) reused: bool,
}

/// An open connection.
pub(super) enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    pub(super) async fn open(way: &Way, http2: bool, tls: Option<&Connector>) -> Result<Self, String> {
        let endpoint = &way.endpoint;
        let address = (endpoint.host(), endpoint.port());
        let stream = TcpStream::connect(address).await.map_err(|error| format!("cannot connect: {error}"))?;
        // Messages are written as a whole: to wait for more to come only delays their ends.
        let _ = stream.set_nodelay(true);
        match tls {
            None => Connection::over(TokioIo::new(stream), http2).await,
            Some(tls) => {
                let stream = tls.connect(stream).await?;
                Connection::over(TokioIo::new(stream), http2).await
            }
        }
    }

    /// Begins HTTP. What moves the bytes runs beside, until the connection is dropped or closed.
    async fn over<S>(stream: S, http2: bool) -> Result<Self, String>
    where
        S: Read + Write + Send + Unpin + 'static,
    {
        let failed = |error: hyper::Error| format!("cannot speak HTTP: {}", cause(&error));
        match http2 {
            false => {
                let (sender, moving) = http1::handshake(stream).await.map_err(failed)?;
                // How it ends is told to whoever sends.
                tokio::spawn(async move { drop(moving.await) });
                Ok(Connection::Http1(sender))
            }
            true => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                builder.timer(TokioTimer::new()).keep_alive_interval(KEEP_ALIVE);
                let (sender, moving) = builder.handshake(stream).await.map_err(failed)?;
                tokio::spawn(async move { drop(moving.await) });
                Ok(Connection::Http2(sender))
            }
        }
    }

    pub(super) fn is_open(&self) -> bool {
        match self {
            Connection::Http1(sender) => !sender.is_closed(),
            Connection::Http2(sender) => !sender.is_closed(),
        }
    }

    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, String> {
        let answer = match self {
            Connection::Http1(sender) => match sender.ready().await {
                Ok(()) => sender.send_request(request).await,
                Err(error) => Err(error),
            },
            Connection::Http2(sender) => match sender.ready().await {
                Ok(()) => sender.send_request(request).await,
                Err(error) => Err(error),
            },
        };
        answer.map_err(|error| format!("no answer: {}", cause(&error)))
    }
}

/// An error with what is behind it.
pub fn cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        None => error.to_string(),
        Some(source) => format!("{error}: {}", cause(source)),
    }
}
