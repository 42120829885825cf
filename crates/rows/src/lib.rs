//! What the agent tells as rows of the store's tables: values in, batches out.

mod requests;
mod trace;

pub use requests::Requests;
