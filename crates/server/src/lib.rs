//! What takes in and answers: OTLP, agents, the API.

mod intake;

pub use intake::{Intake, Taken};
