//! What an agent tells of itself, as rows of `agents`.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use model::names;
use schema::{Rows, Table};

use crate::{number, place};

/// Who an agent is, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// The host's name.
    pub name: String,
    /// The host's id; empty where it has none.
    pub id: String,
    /// The agent's version.
    pub version: String,
    /// The kernel's release.
    pub kernel: String,
    /// The zone that it is in; empty where none is told.
    pub zone: String,
}

/// That an agent is there, and how it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heartbeat {
    /// When: nanoseconds since 1970-01-01 UTC.
    pub time: u64,
    /// Kernel events since the one before.
    pub events: u64,
    /// Those that were lost since then.
    pub lost: u64,
    /// Of 100 connections so many are watched.
    pub sampled: Option<u8>,
    /// All else, by its name.
    pub attributes: Vec<(&'static str, String)>,
}

/// Gathers heartbeats.
pub struct Agents {
    rows: Rows,
    host: Host,
}

impl Agents {
    /// Of this agent.
    pub fn new(host: &Host) -> Self {
        Agents { rows: Rows::new(Table::Agents), host: host.clone() }
    }

    /// Adds one.
    ///
    /// # Errors
    ///
    /// None that a heartbeat could bring about.
    pub fn push(&mut self, heartbeat: &Heartbeat) -> Result<(), ArrowError> {
        let at = |name| place(Table::Agents, name);
        let rows = &mut self.rows;
        rows.number(at("time"), number(heartbeat.time));
        let words = [
            (names::HOST_NAME, &self.host.name),
            (names::HOST_ID, &self.host.id),
            (names::SERVICE_VERSION, &self.host.version),
            ("kernel", &self.host.kernel),
        ];
        for (name, value) in words.into_iter().filter(|(_, value)| !value.is_empty()) {
            rows.text(at(name), value);
        }
        rows.number(at("events"), number(heartbeat.events));
        rows.number(at("lost"), number(heartbeat.lost));
        if let Some(sampled) = heartbeat.sampled {
            rows.number(at("sampled"), sampled.into());
        }
        let zone = (names::CLOUD_AVAILABILITY_ZONE, self.host.zone.as_str());
        let attributes = heartbeat.attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let mut attributes =
            attributes.chain([zone].into_iter().filter(|(_, zone)| !zone.is_empty())).peekable();
        if attributes.peek().is_some() {
            rows.map(at("attributes"), attributes);
        }
        rows.end()
    }

    /// All of them as a batch; there are none afterwards.
    ///
    /// # Errors
    ///
    /// None that heartbeats could bring about.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        self.rows.finish()
    }
}
