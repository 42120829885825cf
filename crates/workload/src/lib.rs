//! Which service a process belongs to.
//!
//! Names are decided by one list of rules over a few [`Facts`] of a process; the first that matches
//! wins, and it is kept beside the name as a [`Rule`]:
//!
//! 1. configuration;
//! 2. `OTEL_SERVICE_NAME`, then `service.name` in `OTEL_RESOURCE_ATTRIBUTES`;
//! 3. the container, by what its runtime calls it ([`ContainerNames`]), else by its short id;
//! 4. the systemd unit;
//! 5. the script, module or jar that an interpreter runs;
//! 6. the executable's base name;
//! 7. the command.
//!
//! [`name()`] is pure; [`Facts::read`] is the only thing here that reads `/proc`, and [`Processes`] keeps
//! what was learnt, for as long as records of a process may come.

mod cgroup;
mod config;
mod containers;
mod facts;
mod interpreter;
mod listeners;
mod name;
mod processes;
mod program;
mod readings;
mod sockets;
mod unix_sockets;

pub use cgroup::Container;
pub use config::{Config, Glob, Matcher};
pub use containers::{ContainerNames, Docker, NoNames};
pub use facts::{Environment, Facts};
pub use listeners::Listeners;
pub use name::{Named, Rule, name, name_with};
pub use processes::{Limits, Process, Processes, Source};
pub use sockets::socket_owners;
pub use unix_sockets::UnixSockets;
