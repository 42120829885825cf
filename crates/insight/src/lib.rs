//! What figures mean. Values in, verdicts out, each with what it is based on.

pub mod dependence;
pub mod graph;
