//! `weir token`: who may ask the server from other hosts.

pub mod command;
mod list;
