//! The kernel programs that are loaded, as a table and as lines of JSON.

use std::fmt::Write;
use std::time::Duration;

use probes::{Capture, Error, MapStatistics, ProgramStatistics, Unit};

use crate::units::{Count, Size};

/// What is loaded at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    kernel: String,
    programs: Vec<ProgramStatistics>,
    maps: Vec<MapStatistics>,
    units: Vec<(Unit, bool)>,
}

impl Programs {
    /// As it is now.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell.
    pub(crate) fn of(capture: &Capture) -> Result<Programs, Error> {
        Ok(Programs {
            kernel: capture.report().host.release.clone(),
            programs: capture.programs(),
            maps: capture.maps()?,
            units: capture.units().collect(),
        })
    }

    /// What a program or a unit of this name belongs to.
    ///
    /// # Errors
    ///
    /// When there is none, or it cannot be switched; the text says what can.
    pub(crate) fn unit(&self, name: &str) -> Result<Unit, String> {
        if let Some((unit, _)) = self.units.iter().find(|(unit, _)| unit.as_str() == name) {
            return Ok(*unit);
        }
        let names: Vec<&str> = self.units.iter().map(|(unit, _)| unit.as_str()).collect();
        let units = names.join(", ");
        let Some(program) = self.programs.iter().find(|program| program.name == name) else {
            return Err(format!("there is no unit or program {name}; units are {units}"));
        };
        match program.units.as_slice() {
            [] => Err(format!(
                "{name} cannot be switched off: without it a process that takes over another's id would go by its name"
            )),
            [one] => Ok(*one),
            several => {
                let several: Vec<&str> = several.iter().map(|unit| unit.as_str()).collect();
                Err(format!("{name} runs as long as any of these is on; name them: {}", several.join(", ")))
            }
        }
    }

    /// What `unit` has to say now that it was switched.
    pub(crate) fn switched(&self, unit: Unit, on: bool) -> String {
        let name = unit.as_str();
        if on {
            return format!("{name} is on\n");
        }
        let own = |program: &&ProgramStatistics| program.units.contains(&unit) && program.attached;
        let stays: Vec<&str> =
            self.programs.iter().filter(own).map(|program| program.name.as_str()).collect();
        let mut text = format!("{name} is off: not seen are {}\n", unit.missing());
        if !stays.is_empty() {
            let _ = writeln!(text, "still attached, since others need it: {}", stays.join(", "));
        }
        text
    }

    /// Bytes of a program and what the kernel keeps of it.
    fn size(program: &ProgramStatistics) -> u64 {
        u64::from(program.compiled) + u64::from(program.translated)
    }

    /// As a table, or as JSON.
    pub(crate) fn shown(&self, json: bool, before: Option<(&Programs, Duration)>) -> String {
        if json { self.json(before) } else { self.table(before) }
    }

    /// For people. With `before`, runs are those since then, which was so long ago.
    fn table(&self, before: Option<(&Programs, Duration)>) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<22} {:<17} {:<10} {:<5} {:>9} {:>8} {:>9} {:>8} {:>6}",
            "program", "unit", "way", "state", "verified", "size", "runs", "time/run", "CPU"
        );
        for program in &self.programs {
            let (runs, time) = self.ran(program, before.map(|(before, _)| before));
            let each = time.checked_div(runs).map_or_else(|| "-".into(), |each| format!("{each} ns"));
            let share = before.map_or_else(
                || "-".into(),
                |(_, lasted)| format!("{:.2}%", 100.0 * time as f64 / lasted.as_nanos().max(1) as f64),
            );
            let _ = writeln!(
                text,
                "{:<22} {:<17} {:<10} {:<5} {:>9} {:>8} {:>9} {:>8} {:>6}",
                program.name,
                units(program),
                program.backend.map_or("", |backend| backend.as_str()),
                if program.attached { "on" } else { "off" },
                program.verified_instructions,
                Size(Programs::size(program)).to_string(),
                Count(runs).to_string(),
                each,
                share,
            );
        }
        let _ = writeln!(text, "\n{:<22} {:>5} {:>9}", "map", "count", "memory");
        for map in &self.maps {
            let _ = writeln!(text, "{:<22} {:>5} {:>9}", map.name, map.count, Size(map.bytes).to_string());
        }
        for (unit, _) in self.units.iter().filter(|(_, on)| !on) {
            let _ = writeln!(text, "\n{} is off: not seen are {}", unit.as_str(), unit.missing());
        }
        text
    }

    /// For programs: one object a line.
    fn json(&self, before: Option<(&Programs, Duration)>) -> String {
        let mut text = String::new();
        let kernel = &self.kernel;
        for program in &self.programs {
            let (runs, time) = self.ran(program, before.map(|(before, _)| before));
            let purposes: Vec<String> =
                program.purposes.iter().map(|purpose| format!("\"{}\"", purpose.as_str())).collect();
            let units: Vec<String> =
                program.units.iter().map(|unit| format!("\"{}\"", unit.as_str())).collect();
            // Nothing here needs to be escaped: all texts are Weir's own.
            let _ = write!(
                text,
                "{{\"program\":\"{}\",\"id\":{},\"kernel\":\"{kernel}\",\"purposes\":[{}],\"units\":[{}],\"way\":\"{}\",\"attached\":{},\
                 \"verified_instructions\":{},\"compiled_bytes\":{},\"translated_bytes\":{},\"runs\":{runs},\"run_time_ns\":{time},\
                 \"missed_runs\":{}",
                program.name,
                program.id,
                purposes.join(","),
                units.join(","),
                program.backend.map_or("", |backend| backend.as_str()),
                program.attached,
                program.verified_instructions,
                program.compiled,
                program.translated,
                program.missed_runs,
            );
            if let Some((_, lasted)) = before {
                let _ = write!(text, ",\"sampled_seconds\":{:.3}", lasted.as_secs_f64());
            }
            text.push_str("}\n");
        }
        for map in &self.maps {
            let MapStatistics { name, count, bytes } = map;
            let _ = writeln!(
                text,
                "{{\"map\":\"{name}\",\"kernel\":\"{kernel}\",\"count\":{count},\"bytes\":{bytes}}}"
            );
        }
        text
    }

    /// Runs of a program and their time, since `before` if there is one.
    fn ran(&self, program: &ProgramStatistics, before: Option<&Programs>) -> (u64, u64) {
        let earlier = before.and_then(|before| before.programs.iter().find(|other| other.id == program.id));
        earlier.map_or((program.runs, program.run_time), |earlier| {
            (program.runs.saturating_sub(earlier.runs), program.run_time.saturating_sub(earlier.run_time))
        })
    }
}

fn units(program: &ProgramStatistics) -> String {
    let names: Vec<&str> = program.units.iter().map(|unit| unit.as_str()).collect();
    if names.is_empty() { "-".into() } else { names.join(",") }
}
