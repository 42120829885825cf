//! What others bring: OpenTelemetry's senders ([`otlp`]), and agents ([`agents`]).

pub mod agents;
mod body;
pub mod otlp;
mod own;
mod room;

pub use own::Own;
