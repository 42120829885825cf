//! The tables of a store, each with its columns, defined once: the form of files, the documentation, ClickHouse's tables and
//! the types of the API follow from here. Beside them what a store can be asked ([`query`]), as plain values, so that any engine
//! can answer it.

mod clickhouse;
mod column;
mod document;
pub mod histogram;
pub mod query;
mod rows;
mod tables;

pub use clickhouse::ddl;
pub use column::{Coding, Column, Kind};
pub use document::document;
pub use rows::Rows;
pub use tables::{TOGETHER, Table, VERSION};
