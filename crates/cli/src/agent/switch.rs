//! Kernel programs switched off and on while the agent runs.

use probes::Unit;

use super::{Agent, Sink, read_clocks};

/// Drains until what was seen before is read, at most: what another unit tells may come as fast as it is read.
const DRAINS: usize = 16;

impl Agent {
    /// Switches a unit. What was told until now is passed on first.
    ///
    /// # Errors
    ///
    /// When its programs cannot be attached: all is as before then.
    pub fn switch(&mut self, unit: Unit, on: bool, sink: &impl Sink) -> Result<(), probes::Error> {
        let was_on = self.capture.units().any(|(own, on)| own == unit && on);
        self.capture.switch(unit, on)?;
        if was_on == on {
            return Ok(());
        }
        // What the rings hold was seen before; they are not filled any more with what is off.
        for _ in 0..DRAINS {
            self.drain(sink);
            if self.last_read == 0 {
                break;
            }
        }
        match unit {
            // Half an exchange was seen, and nothing tells how much of each connection is missing: they begin anew.
            Unit::Bytes | Unit::Udp if !on => {
                self.analyzer.forget_all(unit == Unit::Udp, read_clocks().monotonic);
                for (connection, instruction) in self.analyzer.take_instructions() {
                    self.capture.instruct(connection, instruction);
                }
            }
            Unit::Bytes | Unit::Udp => {}
            Unit::Connections => {
                if let Some(tcp) = &mut self.tcp {
                    tcp.is_on = on;
                    tcp.look_again();
                }
            }
        }
        Ok(())
    }
}
