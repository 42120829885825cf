//! The objects that the chosen ways need: loaded with their maps shared, and attached.

use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use libbpf_rs::{Link, MapCore, MapFlags, MapHandle, MapType, Object, num_possible_cpus};

use crate::backend::{Backend, Hook, ITERATOR, ObjectFile, Purpose, Way};
use crate::host::KernelTypes;
use crate::ring::Ring;
use crate::shared::{
    bytes_of, kprobe_rodata, socket_rodata, syscalls_rodata, udp_kprobe_rodata, udp_rodata,
    udp_syscalls_rodata, weir_sums_limits,
};
use crate::{Config, Error, kernel_error, objects, sums};

/// Objects and their links; links go first.
pub(crate) struct Loaded {
    pub(crate) programs: Vec<LoadedProgram>,
    pub(crate) objects: Vec<Object>,
    rings: Vec<MapHandle>,
    pub(crate) state_in_hash: bool,
}

/// A program that was loaded, and its link while it is attached.
pub(crate) struct LoadedProgram {
    pub(crate) name: String,
    /// What it is there for, and the way in which it serves that.
    pub(crate) serves: Vec<(Purpose, Backend)>,
    pub(crate) link: Option<Link>,
}

/// Below this a ring could not hold a few of the largest records.
const LEAST_RING: u32 = 128 * 1024;

/// What all objects are told alike.
struct Settings {
    budget: u32,
    young_budget: u32,
    /// Where TCP sockets' state is: programs that share the map must agree, and those with plain pointers have no choice.
    state_in_hash: bool,
    hash_entries: u32,
    /// Sums at a time; 0 where none are wanted.
    sums: u32,
    serves_tcp_sent: bool,
    serves_received: bool,
    tells_facts: bool,
    tells_reads: bool,
}

impl Settings {
    fn new(config: &Config, ways: &[&'static Way], types: &KernelTypes) -> Self {
        let by_calls =
            |purpose| ways.iter().any(|way| way.purpose == purpose && way.object == ObjectFile::Syscalls);
        Settings {
            budget: config.budget,
            young_budget: config.young_budget,
            // sk_storage came to tracing programs with this function (5.11).
            state_in_hash: !types.has_function("bpf_sk_storage_get_tracing")
                || ways.iter().any(|way| way.object.needs_hash()),
            hash_entries: config.hash_entries,
            sums: if config.facts { config.sums } else { 0 },
            serves_tcp_sent: by_calls(Purpose::TcpSent),
            serves_received: by_calls(Purpose::Received),
            tells_facts: ways.iter().any(|way| way.purpose == Purpose::ConnectionFacts),
            tells_reads: config.reads,
        }
    }

    /// The read-only variables of an object: those that all have, and what some have beside them.
    fn constants(&self, file: ObjectFile) -> Vec<u8> {
        // Datagrams have no runs, and the last resort has few sizes of records: the next is the largest.
        let young_budget = match file {
            ObjectFile::Udp | ObjectFile::UdpKprobe | ObjectFile::UdpSyscalls | ObjectFile::Syscalls => {
                self.budget
            }
            _ => self.young_budget,
        };
        macro_rules! rodata {
            ($object:ident $(, $own:ident: $value:expr)*) => {
                bytes_of(&$object {
                    state_in_hash: u32::from(self.state_in_hash),
                    default_budget: self.budget,
                    young_budget,
                    tells_facts: u32::from(self.tells_facts),
                    tells_reads: u32::from(self.tells_reads),
                    $($own: $value),*
                })
                .to_vec()
            };
        }
        match file {
            ObjectFile::Socket => {
                rodata!(socket_rodata, sums_starts: sums::starts(), sums_bounds: sums::bounds())
            }
            ObjectFile::Udp => rodata!(udp_rodata),
            ObjectFile::UdpKprobe => rodata!(udp_kprobe_rodata),
            ObjectFile::UdpSyscalls => rodata!(udp_syscalls_rodata),
            ObjectFile::Kprobe => rodata!(kprobe_rodata),
            ObjectFile::Syscalls => rodata!(
                syscalls_rodata,
                serves_tcp_sent: u32::from(self.serves_tcp_sent),
                serves_received: u32::from(self.serves_received)
            ),
            ObjectFile::Process => Vec::new(),
        }
    }
}

impl Loaded {
    pub(crate) fn new(config: &Config, ways: &[&'static Way], types: &KernelTypes) -> Result<Loaded, Error> {
        let settings = Settings::new(config, ways, types);
        let rings = make_rings(config.ring_bytes)?;
        let state_in_hash = settings.state_in_hash;
        let mut loaded = Loaded { programs: Vec::new(), objects: Vec::new(), rings, state_in_hash };
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
        loaded.hand_out_rings()?;
        loaded.note_programs(ways, types);
        loaded.attach_where(|_| true)?;
        Ok(loaded)
    }

    fn load_object(&self, settings: &Settings, file: ObjectFile, programs: &[&str]) -> Result<Object, Error> {
        let (bytes, name) = objects::find(file);
        let mut open = objects::open(bytes, name, programs)?;
        objects::set_constants(&mut open, &settings.constants(file))?;
        objects::set_size(&mut open, "rings", possible_processors()? as u32)?;
        if settings.state_in_hash {
            objects::set_size(&mut open, "connections_by_address", settings.hash_entries)?;
        }
        if settings.sums > 0 {
            objects::set_size(&mut open, "sums", settings.sums)?;
            objects::set_size(&mut open, "handshakes", weir_sums_limits::WEIR_HANDSHAKES.0)?;
        }
        if let Some(first) = self.objects.first() {
            for map in ["rings", "losses", "connections", "connections_by_address", "instructions"] {
                objects::share(first, &mut open, map)?;
            }
        }
        open.load().map_err(kernel_error("loading"))
    }

    fn note_programs(&mut self, ways: &[&'static Way], types: &KernelTypes) {
        for program in self.objects.iter().flat_map(Object::progs).filter(|program| program.autoload()) {
            let name = program.name().to_string_lossy().into_owned();
            let has = |way: &&&Way| {
                let extra = |(hook, extra): &(Hook, &str)| *extra == name && hook.exists(types);
                way.programs.contains(&name.as_str()) || way.extras.iter().any(extra)
            };
            let serves = ways.iter().filter(has).map(|way| (way.purpose, way.backend)).collect();
            self.programs.push(LoadedProgram { name, serves, link: None });
        }
    }

    /// Attaches the programs that serve a purpose which is wanted, and detaches the others.
    ///
    /// # Errors
    ///
    /// When one cannot be attached; those that were not attached before are not afterwards.
    pub(crate) fn attach_where(&mut self, wanted: impl Fn(Purpose) -> bool) -> Result<(), Error> {
        let mut fresh = Vec::new();
        for (place, program) in self.programs.iter_mut().enumerate() {
            let is_wanted = program.serves.iter().any(|(purpose, _)| wanted(*purpose));
            if is_wanted == program.link.is_some() {
                continue;
            }
            program.link = None;
            if is_wanted {
                let found = self.objects.iter().flat_map(Object::progs_mut);
                let own = found.into_iter().find(|own| own.autoload() && own.name() == program.name.as_str());
                match own.map(|own| own.attach()) {
                    Some(Ok(link)) => program.link = Some(link),
                    failed => {
                        fresh.into_iter().for_each(|place: usize| self.programs[place].link = None);
                        let missing = Error::Kernel { doing: "attaching", reason: "no such program".into() };
                        let refused = |failed: Result<_, _>| failed.map_err(kernel_error("attaching")).err();
                        return Err(failed.and_then(refused).unwrap_or(missing));
                    }
                }
                fresh.push(place);
            }
        }
        Ok(())
    }

    /// Of the program that finds connections, where it is attached.
    pub(crate) fn iterator(&self) -> Option<&Link> {
        self.programs.iter().find(|program| program.name == ITERATOR)?.link.as_ref()
    }

    /// The rings, as maps.
    pub(crate) fn ring_maps(&self) -> &[MapHandle] {
        &self.rings
    }

    /// Every processor gets a ring; those that came online later share one.
    fn hand_out_rings(&self) -> Result<(), Error> {
        let Some(map) = self.map("rings") else { return Ok(()) };
        for (processor, ring) in (0..possible_processors()?).zip(self.rings.iter().cycle()) {
            let descriptor = ring.as_fd().as_raw_fd();
            map.update(&(processor as u32).to_ne_bytes(), &descriptor.to_ne_bytes(), MapFlags::ANY)
                .map_err(kernel_error("giving a processor its ring"))?;
        }
        Ok(())
    }

    /// The consumer's ends of the rings.
    pub(crate) fn map_rings(&self) -> Result<Vec<Ring>, Error> {
        self.rings.iter().map(|ring| Ring::new(ring.as_fd(), ring.max_entries() as usize)).collect()
    }

    /// Waits until a ring has something new, `time` at most.
    pub(crate) fn wait(&self, time: Duration) {
        let mut rings: Vec<libc::pollfd> = self
            .rings
            .iter()
            .map(|ring| libc::pollfd { fd: ring.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 })
            .collect();
        // SAFETY: they are as many as is said. Whatever it returns, the rings are looked at then.
        unsafe {
            libc::poll(rings.as_mut_ptr(), rings.len() as libc::nfds_t, time.as_millis() as libc::c_int)
        };
    }

    /// Size of one ring.
    pub(crate) fn ring_bytes(&self) -> u64 {
        self.rings.first().map_or(0, |ring| u64::from(ring.max_entries()))
    }

    pub(crate) fn map(&self, name: &str) -> Option<libbpf_rs::Map<'_>> {
        self.objects.first()?.maps().find(|map| map.name() == name)
    }
}

/// One ring for each processor that is online, of `bytes` together.
fn make_rings(bytes: u32) -> Result<Vec<MapHandle>, Error> {
    let each = (bytes / processors() as u32).max(LEAST_RING).next_power_of_two();
    let options = libbpf_rs::libbpf_sys::bpf_map_create_opts {
        sz: size_of::<libbpf_rs::libbpf_sys::bpf_map_create_opts>() as libbpf_rs::libbpf_sys::size_t,
        ..Default::default()
    };
    (0..processors())
        .map(|_| MapHandle::create(MapType::RingBuf, Some("events"), 0, 0, each, &options))
        .collect::<Result<_, _>>()
        .map_err(kernel_error("making a ring"))
}

fn possible_processors() -> Result<usize, Error> {
    num_possible_cpus().map_err(kernel_error("counting processors"))
}

/// Processors that are online, at least one.
pub fn processors() -> usize {
    // SAFETY: has no preconditions.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).unwrap_or(1).max(1)
}
