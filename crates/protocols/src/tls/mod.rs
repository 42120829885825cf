//! TLS, recognised so that it is left alone: what it carries cannot be read on the wire.
//!
//! Source: RFC 8446, 5.1 (records) and 4 (handshake messages); the same layout since SSL 3.0.

mod detect;

pub use detect::detect;
