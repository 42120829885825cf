//! What others bring: OpenTelemetry's senders ([`otlp`]).

mod body;
pub mod otlp;
mod own;
mod room;

pub use own::Own;
