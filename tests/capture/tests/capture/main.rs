//! Capture at the socket layer, compared byte for byte with what was moved. Needs root; see `capture_tests`.

// Helpers are tests too; and a single range is what is meant where one stands.
#![allow(clippy::unwrap_used, clippy::single_range_in_vec_init)]

mod compare;
mod connections;
mod ends;
mod facts;
mod instructions;
mod movers;
mod moves;
mod order;
mod partial;
mod processes;
mod shares;
mod sums;
mod talk;
mod threads;
mod udp;
mod unix;
mod waiting;
