//! Protocol parsers: bytes in, exchanges out.
//!
//! One folder per protocol, each the same inside: `detect` (is this it?), a reader of one message, and a
//! [`Conversation`] that joins requests with their responses. [`contract`] says what a protocol must do;
//! [`registry`] is the one list of them.
//!
//! Everything here is pure: no I/O, no clock, no threads, no knowledge of the kernel. Input is hostile: a
//! parser returns [`Step::Lost`] or resynchronises; it never panics, loops or grows without bound.

pub mod contract;
pub mod dns;
#[doc(hidden)]
pub mod harness;
pub mod http;
pub mod mysql;
mod pairing;
pub mod postgresql;
pub mod proxied;
pub mod redis;
pub mod registry;
pub mod sql;
mod text;
pub mod tls;

#[cfg(test)]
mod detection_tests;

pub use contract::{
    CERTAIN, Context, Conversation, CutBy, Exchange, Half, Input, LIKELY, Outcome, Outstanding, Settings,
    Step,
};
pub use registry::{AnyConversation, Protocol};
