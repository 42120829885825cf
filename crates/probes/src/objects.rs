//! Opening and loading the compiled objects.

use std::os::fd::AsFd;
use std::sync::Mutex;

use libbpf_rs::{MapCore, Object, ObjectBuilder, OpenObject, PrintLevel};

use crate::backend::ObjectFile;
use crate::{Error, kernel_error};

/// The bytes of an object that `build.rs` compiled.
macro_rules! object {
    ($name:literal) => {{
        #[repr(align(8))]
        struct Aligned<T: ?Sized>(T);
        static OBJECT: &Aligned<[u8]> =
            &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".bpf.o")));
        &OBJECT.0
    }};
}

/// An object's bytes, and the name under which the kernel lists its maps.
pub(crate) fn find(file: ObjectFile) -> (&'static [u8], &'static str) {
    match file {
        ObjectFile::Socket => (object!("socket"), "weir_socket"),
        ObjectFile::Udp => (object!("udp"), "weir_udp"),
        ObjectFile::UdpKprobe => (object!("udp_kprobe"), "weir_udp_kprobe"),
        ObjectFile::UdpSyscalls => (object!("udp_syscalls"), "weir_udp_syscalls"),
        ObjectFile::Process => (object!("process"), "weir_process"),
        ObjectFile::Kprobe => (object!("kprobe"), "weir_kprobe"),
        ObjectFile::Syscalls => (object!("syscalls"), "weir_syscalls"),
    }
}

/// The last words of libbpf, which say more than its error numbers.
static WORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn remember(_: PrintLevel, text: String) {
    if let Ok(mut words) = WORDS.lock() {
        if words.len() >= 256 {
            words.remove(0);
        }
        words.push(text.trim_end().to_owned());
    }
}

/// What stands behind an error: the line in which the verifier or libbpf says why, where there is one.
pub(crate) fn reason(error: &libbpf_rs::Error) -> String {
    let words = WORDS.lock().map(|mut words| std::mem::take(&mut *words)).unwrap_or_default();
    let text = words.join("\n");
    let told = text
        .lines()
        .rev()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("processed ") && !line.contains("-- END PROG"))
        .find(|line| {
            [
                "unknown func",
                "not allowed",
                "invalid",
                "must be",
                "type=",
                "failed to find",
                "cannot",
                "permitted",
                "Too large",
            ]
            .iter()
            .any(|word| line.contains(word))
        });
    match told {
        Some(line) => format!("{error} ({line})"),
        None => error.to_string(),
    }
}

/// Opens an object. Nothing is loaded by default: the caller names the programs.
pub(crate) fn open(bytes: &[u8], name: &str, programs: &[&str]) -> Result<OpenObject, Error> {
    libbpf_rs::set_print(Some((PrintLevel::Warn, remember)));
    let mut builder = ObjectBuilder::default();
    let builder = builder.name(name).map_err(kernel_error("naming an object"))?;
    let mut object = builder.open_memory(bytes).map_err(kernel_error("opening a program object"))?;
    for mut program in object.progs_mut() {
        let wanted = programs.iter().any(|name| program.name() == *name);
        program.set_autoload(wanted);
    }
    Ok(object)
}

/// Sets the read-only variables of an object that is not loaded yet.
pub(crate) fn set_constants(object: &mut OpenObject, value: &[u8]) -> Result<(), Error> {
    for mut map in object.maps_mut() {
        if map.name().to_string_lossy().ends_with(".rodata") {
            let length = map.initial_value().map_or(0, <[u8]>::len);
            let mut whole = value.to_vec();
            whole.resize(length, 0);
            return map.set_initial_value(&whole).map_err(kernel_error("setting constants"));
        }
    }
    Ok(())
}

/// Sets a map's size before loading.
pub(crate) fn set_size(object: &mut OpenObject, map_name: &str, entries: u32) -> Result<(), Error> {
    for mut map in object.maps_mut() {
        if map.name() == map_name {
            return map.set_max_entries(entries).map_err(kernel_error("sizing a map"));
        }
    }
    Ok(())
}

/// Lets an object that is not loaded yet use a map of one that is.
pub(crate) fn share(from: &Object, to: &mut OpenObject, map_name: &str) -> Result<(), Error> {
    let theirs = from.maps().find(|map| map.name() == map_name);
    let ours = to.maps_mut().find(|map| map.name() == map_name);
    match (theirs, ours) {
        (Some(theirs), Some(mut ours)) => {
            ours.reuse_fd(theirs.as_fd()).map_err(kernel_error("sharing a map"))
        }
        _ => Ok(()),
    }
}
