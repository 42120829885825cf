//! Spans and metrics on their way to receivers of OpenTelemetry's protocol.
//!
//! [`Exporter::offer`] decides which requests become spans ([`Sampling`]) and hands them to a thread, which writes them as
//! messages, as it does with the series of a [`signals::Source`]. Messages wait compressed for each destination, and are
//! sent, by [`delivery`].
//!
//! What a message looks like must not be known outside of here, nor must anything here know where requests come from.

mod answer;
mod attributes;
mod config;
mod exporter;
mod figures;
mod metrics;
mod sampling;
mod signal;
mod spans;
mod speak;
#[cfg(test)]
mod testing;
mod trace;
mod wire;

pub use config::{Config, Destination, Histograms, Protocol, Sampling};
pub use delivery::{ClientError, Compression, Endpoint, EndpointError, Spool, Tls, TlsError};
pub use exporter::{Ended, Error, Exporter};
