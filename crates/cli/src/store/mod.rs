//! `weir store`: looks into a store's folder, checks and repairs it, and gets rows out of it.

mod check;
pub mod command;
mod export;
mod inspect;
