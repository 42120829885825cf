//! `weir up`: agent, server and store in one process.

pub mod command;
mod glance;
