//! What takes in and answers: OTLP, agents, the API.

mod intake;
pub mod problem;

pub use intake::{Intake, Taken};
