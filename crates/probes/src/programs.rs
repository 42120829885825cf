//! The programs and maps that are loaded, as the kernel accounts for them.
//!
//! All is asked by our own descriptors: to look for programs by their ids takes more rights.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libbpf_rs::{MapCore, Object, libbpf_sys};

use crate::backend::{Backend, Purpose};
use crate::units::Unit;
use crate::{Capture, Error, system_error};

/// One loaded program.
#[derive(Debug, Clone)]
pub struct ProgramStatistics {
    /// Its name.
    pub name: String,
    /// The kernel's number for it.
    pub id: u32,
    /// What it is there for.
    pub purposes: Vec<Purpose>,
    /// The way in which it serves that.
    pub backend: Option<Backend>,
    /// The units that need it. None: it cannot be switched off.
    pub units: Vec<Unit>,
    /// It runs where its hook is.
    pub attached: bool,
    /// Instructions that the verifier went through; 0 where the kernel does not tell (before 5.16).
    pub verified_instructions: u32,
    /// Its size as it runs: bytes.
    pub compiled: u32,
    /// Its size as the kernel keeps it besides: bytes.
    pub translated: u32,
    /// Runs; counted only while `kernel.bpf_stats_enabled` is 1, or [`CountRuns`] lives.
    pub runs: u64,
    /// Nanoseconds in all runs; as above.
    pub run_time: u64,
    /// Runs that did not happen because it was already running on that processor.
    pub missed_runs: u64,
}

/// One map, or several of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapStatistics {
    /// Its name.
    pub name: String,
    /// How many there are.
    pub count: u32,
    /// Memory of all of them, as the kernel reckons it: bytes.
    pub bytes: u64,
}

/// As long as it lives, runs of all programs are counted, and the time that they take.
#[derive(Debug)]
pub struct CountRuns(#[allow(dead_code, reason = "to hold it is the purpose")] OwnedFd);

impl CountRuns {
    /// Begins.
    ///
    /// # Errors
    ///
    /// Without CAP_SYS_ADMIN, and before 5.8.
    pub fn begin() -> io::Result<CountRuns> {
        // SAFETY: takes no pointers.
        let descriptor = unsafe { libbpf_sys::bpf_enable_stats(libbpf_sys::BPF_STATS_RUN_TIME) };
        if descriptor < 0 {
            return Err(io::Error::from_raw_os_error(-descriptor));
        }
        // SAFETY: it was opened just now, for us alone.
        Ok(CountRuns(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }
}

impl Capture {
    /// The loaded programs. Empty figures stand for what the kernel does not tell.
    pub fn programs(&self) -> Vec<ProgramStatistics> {
        let programs = self.loaded.objects.iter().flat_map(Object::progs);
        programs
            .filter(|program| program.autoload())
            .filter_map(|program| {
                let own = self.loaded.programs.iter().find(|own| program.name() == own.name.as_str())?;
                let info = program_info(program.as_fd()).unwrap_or_default();
                Some(ProgramStatistics {
                    name: own.name.clone(),
                    id: info.id,
                    purposes: own.serves.iter().map(|(purpose, _)| *purpose).collect(),
                    backend: own.serves.first().map(|(_, backend)| *backend),
                    units: own.units(),
                    attached: own.link.is_some(),
                    verified_instructions: info.verified_insns,
                    compiled: info.jited_prog_len,
                    translated: info.xlated_prog_len,
                    runs: info.run_cnt,
                    run_time: info.run_time_ns,
                    missed_runs: info.recursion_misses,
                })
            })
            .collect()
    }

    /// The maps that the programs use, those of one name together, the largest first.
    ///
    /// # Errors
    ///
    /// When `/proc` does not tell of them.
    pub fn maps(&self) -> Result<Vec<MapStatistics>, Error> {
        let mut seen = HashSet::new();
        let mut found: Vec<MapStatistics> = Vec::new();
        let mut add = |name: String, descriptor: BorrowedFd<'_>| {
            let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", descriptor.as_raw_fd()))
                .map_err(system_error("asking for the size of a map"))?;
            // Objects share some.
            if !figure(&text, "map_id").is_some_and(|id| seen.insert(id)) {
                return Ok(());
            }
            let bytes = figure(&text, "memlock").unwrap_or(0);
            match found.iter_mut().find(|map| map.name == name) {
                Some(map) => (map.count, map.bytes) = (map.count + 1, map.bytes + bytes),
                None => found.push(MapStatistics { name, count: 1, bytes }),
            }
            Ok(())
        };
        for ring in self.loaded.ring_maps() {
            add("events".into(), ring.as_fd())?;
        }
        for map in self.loaded.objects.iter().flat_map(Object::maps) {
            add(map.name().to_string_lossy().into_owned(), map.as_fd())?;
        }
        found.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.name.cmp(&other.name)));
        Ok(found)
    }
}

fn program_info(program: BorrowedFd<'_>) -> io::Result<libbpf_sys::bpf_prog_info> {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut length = size_of::<libbpf_sys::bpf_prog_info>() as u32;
    let place = std::ptr::from_mut(&mut info).cast();
    // SAFETY: `place` has room for `length` bytes, and asks for no lists: all pointers in it are null.
    let result = unsafe { libbpf_sys::bpf_obj_get_info_by_fd(program.as_raw_fd(), place, &mut length) };
    if result == 0 { Ok(info) } else { Err(io::Error::from_raw_os_error(-result)) }
}

/// The number in the line `name:` of a text.
fn figure(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_by_their_whole_name() {
        let text = "pos:\t0\nmap_type:\t27\nmemlock:\t4198400\nmap_id:\t17\n";
        assert_eq!(figure(text, "memlock"), Some(4_198_400));
        assert_eq!(figure(text, "map_id"), Some(17));
        for name in ["map", "id", "frozen"] {
            assert_eq!(figure(text, name), None, "{name}");
        }
    }
}
