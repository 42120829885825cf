//! Spans and metrics on their way to receivers of OpenTelemetry's protocol.
//!
//! [`Exporter::offer`] decides which requests become spans ([`Sampling`]) and hands them to a thread, which writes them as
//! messages, as it does with the series of a [`signals::Source`]. Messages wait compressed in a queue that is bounded by bytes,
//! for each destination, and beyond that on disk if that is wanted. Each is sent until it is taken, or until the receiver says
//! that it never will be. What is not sent is counted by cause.
//!
//! What a message looks like must not be known outside of here, nor must anything here know where requests come from.

mod answer;
mod attributes;
mod config;
mod counts;
mod deliver;
mod endpoint;
mod exporter;
mod figures;
mod metrics;
mod payload;
mod queue;
mod retry;
mod sampling;
mod spans;
mod spool;
#[cfg(test)]
mod testing;
mod trace;
mod transport;
mod wire;

pub use config::{Compression, Config, Destination, Histograms, Protocol, Sampling, Spool, Tls};
pub use endpoint::{Endpoint, EndpointError};
pub use exporter::{Ended, Error, Exporter};
pub use transport::{ClientError, TlsError};
