//! Rows of several hosts, put together.
