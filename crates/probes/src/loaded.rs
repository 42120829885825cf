//! The objects that the chosen ways need: loaded with their maps shared, and attached.

use std::os::fd::AsFd;

use libbpf_rs::{Link, MapCore, Object, Program};

use crate::backend::{ObjectFile, Purpose, Way};
use crate::host::KernelTypes;
use crate::shared::{bytes_of, kprobe_rodata, socket_rodata, syscalls_rodata};
use crate::{Config, Error, kernel_error, objects};

/// Objects and their links; links go first.
pub(crate) struct Loaded {
    links: Vec<Link>,
    pub(crate) objects: Vec<Object>,
    /// Names and ids of the programs.
    pub(crate) programs: Vec<(String, u32)>,
}

/// What all objects are told alike.
struct Settings {
    ring_bytes: u32,
    budget: u32,
    /// Where TCP sockets' state is: programs that share the map must agree, and those with plain pointers have no choice.
    state_in_hash: bool,
    hash_entries: u32,
    serves_tcp_sent: bool,
    serves_received: bool,
}

impl Settings {
    fn new(config: &Config, ways: &[&'static Way], types: &KernelTypes, ring_bytes: u32) -> Self {
        let by_calls =
            |purpose| ways.iter().any(|way| way.purpose == purpose && way.object == ObjectFile::Syscalls);
        Settings {
            ring_bytes,
            budget: config.budget,
            // sk_storage came to tracing programs with this function (5.11).
            state_in_hash: !types.has_function("bpf_sk_storage_get_tracing")
                || ways.iter().any(|way| way.object.needs_hash()),
            hash_entries: config.hash_entries,
            serves_tcp_sent: by_calls(Purpose::TcpSent),
            serves_received: by_calls(Purpose::Received),
        }
    }

    /// The read-only variables of an object.
    fn constants(&self, file: ObjectFile) -> Vec<u8> {
        let state_in_hash = u32::from(self.state_in_hash);
        let default_budget = self.budget;
        match file {
            ObjectFile::Socket => bytes_of(&socket_rodata { state_in_hash, default_budget }).to_vec(),
            ObjectFile::Kprobe => bytes_of(&kprobe_rodata { state_in_hash, default_budget }).to_vec(),
            ObjectFile::Syscalls => bytes_of(&syscalls_rodata {
                state_in_hash,
                default_budget,
                serves_tcp_sent: u32::from(self.serves_tcp_sent),
                serves_received: u32::from(self.serves_received),
            })
            .to_vec(),
            ObjectFile::Process => Vec::new(),
        }
    }
}

impl Loaded {
    pub(crate) fn new(
        config: &Config,
        ways: &[&'static Way],
        types: &KernelTypes,
        ring_bytes: u32,
    ) -> Result<Loaded, Error> {
        let settings = Settings::new(config, ways, types, ring_bytes);
        let mut loaded = Loaded { links: Vec::new(), objects: Vec::new(), programs: Vec::new() };
        for file in ObjectFile::ALL {
            let mut names: Vec<&str> = Vec::new();
            for way in ways.iter().filter(|way| way.object == file) {
                names.extend(way.programs);
                names.extend(way.extras.iter().filter(|(hook, _)| hook.exists(types)).map(|(_, name)| *name));
            }
            // The first is loaded even when none of its programs is wanted, for its maps.
            if names.is_empty() && !loaded.objects.is_empty() {
                continue;
            }
            let object = loaded.load_object(&settings, file, &names)?;
            loaded.objects.push(object);
        }
        loaded.attach()?;
        Ok(loaded)
    }

    fn load_object(&self, settings: &Settings, file: ObjectFile, programs: &[&str]) -> Result<Object, Error> {
        let (bytes, name) = objects::find(file);
        let mut open = objects::open(bytes, name, programs)?;
        objects::set_constants(&mut open, &settings.constants(file))?;
        objects::set_size(&mut open, "events", settings.ring_bytes)?;
        if settings.state_in_hash {
            objects::set_size(&mut open, "connections_by_address", settings.hash_entries)?;
        }
        if let Some(first) = self.objects.first() {
            for map in ["events", "losses", "connections", "connections_by_address", "instructions"] {
                objects::share(first, &mut open, map)?;
            }
        }
        open.load().map_err(kernel_error("loading"))
    }

    fn attach(&mut self) -> Result<(), Error> {
        for object in &self.objects {
            for program in object.progs_mut() {
                if !program.autoload() {
                    continue;
                }
                let id = Program::id_from_fd(program.as_fd()).map_err(kernel_error("naming a program"))?;
                self.programs.push((program.name().to_string_lossy().into_owned(), id));
                self.links.push(program.attach().map_err(kernel_error("attaching"))?);
            }
        }
        Ok(())
    }

    pub(crate) fn map(&self, name: &str) -> Option<libbpf_rs::Map<'_>> {
        self.objects.first()?.maps().find(|map| map.name() == name)
    }
}
