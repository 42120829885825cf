//! What takes in and answers: OTLP, agents, the API.

pub mod api;
mod intake;
pub mod problem;

pub use intake::{Intake, Taken};
