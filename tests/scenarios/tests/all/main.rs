//! Scenarios: each compares what the agent shows with what was done.

#![allow(clippy::unwrap_used)] // helpers are tests too

mod agent;
mod apart;
mod budget;
mod command;
mod connections;
mod dns;
mod dns_clients;
mod errors;
mod exactness;
mod hosts;
mod life;
mod mdns;
mod mysql;
mod namespaces;
mod otlp;
mod postgresql;
mod proxied;
mod redis;
mod remote;
mod saturation;
mod sdks;
mod shapes;
mod top;
mod traces;
mod tunnels;
mod up;
mod upgrade;
