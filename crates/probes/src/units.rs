//! What can be switched off and on while it runs.
//!
//! A unit is what can be missing without anything else being told wrongly. Bytes sent alone would be questions without answers, so
//! all bytes of streams go together. Process life is in no unit: an id would keep the name of an earlier process.

use crate::backend::Purpose;
use crate::loaded::LoadedProgram;
use crate::{Capture, Error, kernel_error};
use libbpf_rs::MapCore;

/// Programs that are switched together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Bytes that TCP and Unix sockets move.
    Bytes,
    /// Datagrams.
    Udp,
    /// What the kernel counts of TCP connections, and what listens.
    Connections,
}

impl Unit {
    /// All of them.
    pub const ALL: [Unit; 3] = [Unit::Bytes, Unit::Udp, Unit::Connections];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Bytes => "bytes",
            Unit::Udp => "udp",
            Unit::Connections => "connections",
        }
    }

    /// What is not seen while it is off.
    pub fn missing(self) -> &'static str {
        match self {
            Unit::Bytes => "requests over TCP and Unix sockets",
            Unit::Udp => "requests over UDP, and so names that DNS tells",
            Unit::Connections => "how TCP connections fare, and what listens",
        }
    }

    /// The unit that a purpose belongs to.
    pub(crate) fn of(purpose: Purpose) -> Option<Unit> {
        match purpose {
            // Bytes without the beginnings and ends of their connections would be told wrongly.
            Purpose::TcpSent | Purpose::Received | Purpose::UnixSpliced | Purpose::ConnectionLife => {
                Some(Unit::Bytes)
            }
            Purpose::Datagrams => Some(Unit::Udp),
            Purpose::ConnectionFacts => Some(Unit::Connections),
            Purpose::ProcessLife => None,
        }
    }
}

impl LoadedProgram {
    /// The units that need it: it runs as long as one of them is on.
    pub(crate) fn units(&self) -> Vec<Unit> {
        Unit::ALL
            .into_iter()
            .filter(|unit| self.serves.iter().any(|(purpose, _)| Unit::of(*purpose) == Some(*unit)))
            .collect()
    }
}

impl Capture {
    /// The units that there are here, and whether each is on.
    pub fn units(&self) -> impl Iterator<Item = (Unit, bool)> {
        let is_here = |unit: &Unit| self.loaded.programs.iter().any(|program| program.units().contains(unit));
        Unit::ALL.into_iter().filter(is_here).map(|unit| (unit, !self.off.contains(&unit)))
    }

    /// Attaches or detaches the programs of a unit. Those that another unit needs stay as they are.
    ///
    /// What was told before a unit went off has to be forgotten by whoever followed it: nothing tells how much was missed.
    ///
    /// # Errors
    ///
    /// When programs cannot be attached: then all is as before.
    pub fn switch(&mut self, unit: Unit, on: bool) -> Result<(), Error> {
        let before = self.off.clone();
        self.off.retain(|off| *off != unit);
        if !on {
            self.off.push(unit);
        } else if unit == Unit::Bytes && before.contains(&unit) && self.loaded.state_in_hash {
            self.forget_states()?;
        }
        let off = self.off.clone();
        let wanted = |purpose| Unit::of(purpose).is_none_or(|unit| !off.contains(&unit));
        self.loaded.attach_where(wanted).inspect_err(|_| self.off = before)
    }

    /// Where sockets' state does not go with the socket, it may be that of an earlier one by now.
    fn forget_states(&self) -> Result<(), Error> {
        let Some(map) = self.loaded.map("connections_by_address") else { return Ok(()) };
        let keys: Vec<Vec<u8>> = map.keys().collect();
        for key in keys {
            match map.delete(&key) {
                Err(error) if error.kind() != libbpf_rs::ErrorKind::NotFound => {
                    return Err(kernel_error("forgetting sockets' states")(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_process_life_belongs_to_a_unit() {
        for purpose in Purpose::ALL {
            assert_eq!(Unit::of(purpose).is_none(), purpose == Purpose::ProcessLife, "{purpose:?}");
        }
        for unit in Unit::ALL {
            assert!(Purpose::ALL.into_iter().any(|purpose| Unit::of(purpose) == Some(unit)), "{unit:?}");
        }
    }
}
