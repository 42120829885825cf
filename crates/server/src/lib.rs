//! What takes in and answers: OTLP, agents, the API.

pub mod api;
pub mod auth;
mod etag;
pub mod ingest;
mod intake;
pub mod listen;
mod metrics;
mod network;
mod page;
pub mod problem;
mod running;

pub use intake::{Intake, Taken};
pub use running::{Config, Server};
