//! `weir server`: what agents and others send goes into the store, and questions are answered.

pub mod command;
mod opening;

pub(crate) use opening::{open, url};
