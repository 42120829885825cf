//! What the agent tells as rows of the store's tables: values in, batches out.

mod places;
mod requests;

pub use places::{EndPlaces, Places};
pub use requests::Requests;
