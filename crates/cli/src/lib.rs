//! The commands of `weir`, and how they look in a terminal.

pub mod agent;
pub mod ask;
pub mod color;
pub mod configuration;
pub mod connections;
pub mod dev;
pub mod doctor;
pub mod identity;
mod line;
mod memory;
pub mod options;
pub mod output;
pub mod programs;
pub mod requests;
pub mod say;
pub mod server;
pub mod settings;
pub mod stop;
pub mod store;
pub mod text;
pub mod token;
pub mod top;
pub mod up;
mod who;

pub(crate) use config::nearest;
pub use config::units;
