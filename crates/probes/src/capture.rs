//! A running capture: programs attached, rings mapped.

use std::os::fd::AsFd;
use std::time::Duration;

use libbpf_rs::{MapCore, MapFlags};
use model::ConnectionId;
use model::event::{Event, Instruction};
use model::sums::Sums;

use crate::account::{self, Account};
use crate::backend::{Attempt, Backend, Purpose, Report, WAYS, Way};
use crate::host::{self, Host, KernelTypes};
use crate::instructions::{Instructions, Order};
use crate::loaded::{Loaded, processors};
use crate::moves::HeldMoves;
use crate::rings::Rings;
use crate::share::Share;
use crate::shared::{bytes_of, socket_bss, weir_chunk, weir_loss};
use crate::sums::SumsReader;
use crate::survey::Survey;
use crate::units::Unit;
use crate::{Error, Losses, decode, files, kernel_error};

/// What the user may change.
#[derive(Debug, Clone)]
pub struct Config {
    /// Size of all processors' rings together, bytes; each is rounded up to a power of two. Default 8 MiB, or 512 KiB for each
    /// processor where that is more.
    pub ring_bytes: u32,
    /// Payload that is captured of a run of bytes in one direction, until user space says otherwise. Default 4 KiB.
    pub budget: u32,
    /// The same while a connection is young: for 50 ms from its first bytes on, as long as the ring is nearly empty. Default
    /// 64 KiB. System calls keep to `budget`.
    pub young_budget: u32,
    /// Only this way, for every purpose that it can serve.
    pub only: Option<Backend>,
    /// Watch UDP. Where functions cannot be hooked, this looks at TCP's packets too, if only for a moment.
    pub datagrams: bool,
    /// Tell the bytes that move, and so the requests in them.
    pub bytes: bool,
    /// Tell what the kernel counts of TCP connections ([`Event::Tcp`]) and what listens ([`Event::Listener`]).
    pub facts: bool,
    /// Of connections that begin and end between two looks ([`Capture::begin_survey`]) only sums are wanted ([`Capture::read_sums`]),
    /// by so many kinds at a time at most; [`Event::Tcp`] is told of the others. 0: of none.
    pub sums: u32,
    /// Tell when servers read what had arrived before ([`Event::Read`]).
    pub reads: bool,
    /// Observe this very process too; for tests.
    pub observe_self: bool,
    /// TCP sockets that can be followed where their state is in a hash map (kernel 5.10, kprobes).
    pub hash_entries: u32,
}

impl Default for Config {
    fn default() -> Self {
        let ring_bytes = (processors() as u32).saturating_mul(512 << 10).max(8 << 20);
        Config {
            ring_bytes,
            budget: 4096,
            young_budget: 65_520,
            only: None,
            datagrams: true,
            bytes: true,
            facts: false,
            sums: 0,
            reads: false,
            observe_self: false,
            hash_entries: 65_536,
        }
    }
}

impl Config {
    fn wants(&self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::TcpSent | Purpose::Received | Purpose::UnixSpliced | Purpose::ConnectionLife => {
                self.bytes
            }
            Purpose::Datagrams => self.bytes && self.datagrams,
            Purpose::ConnectionFacts => self.facts,
            Purpose::ProcessLife => true,
        }
    }
}

/// Programs attached, rings mapped. Everything is detached when this is dropped, or when the process ends in any way.
pub struct Capture {
    rings: Rings,
    instructions: Instructions,
    /// Where the programs hold back moves.
    moves: Option<HeldMoves>,
    pub(crate) loaded: Loaded,
    /// What is switched off.
    pub(crate) off: Vec<Unit>,
    report: Report,
    /// What the programs are told while they run.
    told: socket_bss,
    undecodable: u64,
    sums: SumsReader,
}

impl Capture {
    /// Finds out what this kernel allows, loads the best of it, and begins.
    ///
    /// # Errors
    ///
    /// [`Error::NoBackend`] where TCP cannot be seen in both directions, [`Error::TooFewFiles`]; they say why and what to do.
    pub fn start(config: &Config) -> Result<Capture, Error> {
        let host = Host::inspect();
        let mut report = Report { host, attempts: Vec::new(), foreign_proc: false };
        if !report.host.may_load_programs() || !report.host.has_btf {
            return Err(Error::NoBackend { report: Box::new(report) });
        }
        files::provide()?;
        let types = KernelTypes::load();
        if let Some(capture) = Capture::with_the_first_of_each(config, &types, &report) {
            return Ok(capture);
        }
        let chosen = choose_each(config, &types, &mut report);
        let serves = |purpose| chosen.iter().any(|way: &&Way| way.purpose == purpose);
        let lacks = |purpose| config.wants(purpose) && !serves(purpose);
        if lacks(Purpose::TcpSent) || lacks(Purpose::Received) || lacks(Purpose::ConnectionFacts) {
            return Err(Error::NoBackend { report: Box::new(report) });
        }
        Capture::begin(config, &chosen, &types, report)
    }

    /// The first way that there is of each purpose, all at once. Nearly always that works, and to try each alone before would have
    /// the kernel verify every program twice. `None` where it does not: then it has to be found out which does.
    fn with_the_first_of_each(config: &Config, types: &KernelTypes, report: &Report) -> Option<Capture> {
        let mut report = report.clone();
        let mut chosen = Vec::new();
        for purpose in purposes(config).filter(|purpose| *purpose != Purpose::UnixSpliced) {
            chosen.push(first(purpose, config, types, &mut report)?);
        }
        if purposes(config).any(|purpose| purpose == Purpose::UnixSpliced) && !shows_splices(&report) {
            // Small, the only one that may be missing, and where it is refused all trampolines are.
            match choose(Purpose::UnixSpliced, config, types, &mut report) {
                Some(way) => chosen.push(way),
                None if chosen.iter().any(|way| way.backend == Backend::Trampoline) => return None,
                None => {}
            }
        }
        Capture::begin(config, &chosen, types, report).ok()
    }

    /// Loads these ways, and sees that they fire.
    fn begin(
        config: &Config,
        chosen: &[&'static Way],
        types: &KernelTypes,
        report: Report,
    ) -> Result<Capture, Error> {
        let mut capture = Capture::load(config, chosen, types, report)?;
        let own = capture.fire(chosen)?;
        capture.report.foreign_proc = host::own_id_in_proc() != own;
        if !config.observe_self {
            capture.told.own_process = own;
        }
        // Only now: what was fired had to be told.
        capture.told.sums_wanted = u32::from(config.facts && config.sums > 0);
        capture.tell_programs()?;
        Ok(capture)
    }

    /// Hands what the rings hold to `handle`, oldest first, about `limit` bytes of it; returns how many bytes were read.
    pub fn drain(&mut self, limit: u64, mut handle: impl FnMut(Event<'_>)) -> u64 {
        let undecodable = &mut self.undecodable;
        let now = monotonic_now();
        let read = self.rings.drain(limit, now, |record| {
            if !decode::decode(record, &mut handle) {
                *undecodable += 1;
            }
        });
        if let Some(moves) = &mut self.moves {
            moves.look(now, &mut handle);
        }
        read
    }

    /// Whether the programs hold back something that a call of [`Capture::drain`] will tell soon.
    pub fn holds_back(&self) -> bool {
        self.moves.as_ref().is_some_and(HeldMoves::wait)
    }

    /// Hands what the programs still hold back of what moved ([`Instruction::Moves`]) to `handle`.
    pub fn drain_held(&mut self, mut handle: impl FnMut(Event<'_>)) {
        if let Some(moves) = &mut self.moves {
            moves.take_all(&mut handle);
        }
    }

    /// Waits until there are events, nearly always; at most for `time`.
    ///
    /// # Errors
    ///
    /// When the programs cannot be told to wake us.
    pub fn wait(&mut self, time: Duration) -> Result<(), Error> {
        self.told.asleep = 1;
        self.tell_programs()?;
        // What came before they heard it woke nobody.
        if !self.rings.have_some() {
            self.loaded.wait(time);
        }
        self.told.asleep = 0;
        self.tell_programs()
    }

    /// Begins to look at all TCP connections that are open, and at the sockets that listen, in those network namespaces that
    /// are `wanted`, by their inode numbers; at none without [`Config::facts`].
    pub fn begin_survey(&self, wanted: impl Fn(u32) -> bool) -> Survey {
        Survey::begin(self.loaded.iterator(), wanted)
    }

    /// Hands some of what there is to `handle`, which takes far less than a millisecond; false when there is no more.
    pub fn survey(&mut self, survey: &mut Survey, mut handle: impl FnMut(Event<'_>)) -> bool {
        let undecodable = &mut self.undecodable;
        survey.go_on(|record| {
            if !decode::decode(record, &mut handle) {
                *undecodable += 1;
            }
        })
    }

    /// Hands the sums that are complete to `handle`, of connections that ended within the last second and a half; each is told
    /// once. False, and it costs nothing, until there can be others: about every second.
    pub fn read_sums(&mut self, handle: impl FnMut(Sums)) -> bool {
        if self.told.sums_wanted == 0 {
            return false;
        }
        self.loaded.map("sums").is_some_and(|map| self.sums.read(&map, monotonic_now(), handle))
    }

    /// The same of all that there are by now. What ends at this very moment may be left behind.
    pub fn read_last_sums(&mut self, handle: impl FnMut(Sums)) {
        if self.told.sums_wanted != 0
            && let Some(map) = self.loaded.map("sums")
        {
            self.sums.read_all(&map, handle);
        }
    }

    /// Tells the kernel side what was learnt about a connection. It may be forgotten; say it again if need be.
    pub fn instruct(&mut self, connection: ConnectionId, instruction: Instruction) {
        let order = match instruction {
            Instruction::Ignore => Some(Order::Ignore),
            Instruction::Announce { wish } => Some(Order::Announce(wish)),
            Instruction::Budget { sent, received, tails } => Some(Order::Budget([sent, received], tails)),
            Instruction::Moves { ports } => {
                let slot =
                    self.moves.as_mut().and_then(|moves| moves.hold(connection, ports, monotonic_now()));
                // Where there is none they are told one by one.
                let order = slot.map_or(Order::Budget([0; 2], [false; 2]), Order::Moves);
                return self.instructions.give(connection, order);
            }
            Instruction::Release => None,
        };
        if let Some(order) = order {
            self.instructions.give(connection, order);
        }
        if let Some(moves) = &mut self.moves {
            moves.release(connection, monotonic_now());
        }
    }

    /// How many bytes of events the ring of one processor holds at most.
    pub fn ring_bytes(&self) -> u64 {
        self.loaded.ring_bytes()
    }

    /// What was tried at start, and what is in use.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// What the programs have taken of the processors until now, about: nanoseconds. Call it in equal intervals, some 100 ms
    /// long; `busy` where it may be much.
    pub fn run_time(&self, account: &mut Account, busy: bool) -> u64 {
        account.look(monotonic_now(), busy, || account::counted(&self.loaded.objects))
    }

    /// From now on they may take more or less than before.
    pub fn run_time_changes(&self, account: &mut Account) {
        account.count_next(account::counted(&self.loaded.objects));
    }

    /// What was lost since start.
    pub fn losses(&self) -> Losses {
        let count = |cause: weir_loss| -> u64 {
            let Some(map) = self.loaded.map("losses") else { return 0 };
            let Ok(Some(values)) = map.lookup_percpu(&cause.0.to_ne_bytes(), MapFlags::ANY) else { return 0 };
            values.iter().filter_map(|v| v.as_slice().try_into().ok()).map(u64::from_ne_bytes).sum()
        };
        Losses {
            ring_full_chunks: count(weir_loss::WEIR_LOSS_RING_FULL_CHUNK),
            ring_full_others: count(weir_loss::WEIR_LOSS_RING_FULL_OTHER),
            no_state: count(weir_loss::WEIR_LOSS_NO_STATE),
            unreadable: count(weir_loss::WEIR_LOSS_UNREADABLE),
            segments: count(weir_loss::WEIR_LOSS_SEGMENTS),
            datagrams: count(weir_loss::WEIR_LOSS_DATAGRAM),
            missed_runs: self.programs().iter().map(|p| p.missed_runs).sum(),
            undecodable: self.undecodable,
            unsummed: count(weir_loss::WEIR_LOSS_NO_SUM),
        }
    }

    fn load(
        config: &Config,
        ways: &[&'static Way],
        types: &KernelTypes,
        report: Report,
    ) -> Result<Capture, Error> {
        let loaded = Loaded::new(config, ways, types)?;
        let instructions = loaded.map("instructions").expect_map()?;
        let moves = loaded.map("held_moves").map(|map| HeldMoves::new(map.as_fd())).transpose()?;
        Ok(Capture {
            moves,
            rings: Rings::new(loaded.map_rings()?),
            instructions: Instructions::new(instructions.as_fd())?,
            loaded,
            off: Vec::new(),
            report,
            told: socket_bss { asleep: 0, own_process: 0, left_out: 0, sums_wanted: 0, one_by_one: 0 },
            undecodable: 0,
            sums: SumsReader::default(),
        })
    }

    /// Whether connections are summed up, where that is wanted at all. Else each is told at its end, as where there is no room for a sum.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it: all is as it was, then.
    pub fn sum_up(&mut self, does: bool) -> Result<(), Error> {
        self.told.one_by_one = u32::from(!does);
        self.tell_programs()
    }

    /// Leaves out all connections but those of this share. They come back as ones that were open before.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it: all is as it was, then.
    pub fn keep(&mut self, share: Share) -> Result<(), Error> {
        self.told.left_out = share.left_out;
        self.tell_programs()
    }

    fn tell_programs(&self) -> Result<(), Error> {
        for object in &self.loaded.objects {
            for map in object.maps().filter(|map| map.name().to_string_lossy().ends_with(".bss")) {
                let told = bytes_of(&self.told);
                let own = told.get(..map.value_size() as usize).unwrap_or(told);
                map.update(&0u32.to_ne_bytes(), own, MapFlags::ANY)
                    .map_err(kernel_error("telling the programs what to leave out"))?;
            }
        }
        Ok(())
    }
}

fn purposes(config: &Config) -> impl Iterator<Item = Purpose> {
    Purpose::ALL.into_iter().filter(|purpose| config.wants(*purpose))
}

/// What is received is shown by system calls, and so whatever is spliced.
fn shows_splices(report: &Report) -> bool {
    report.chosen(Purpose::Received) == Some(Backend::SystemCalls)
}

/// The ways to serve `purpose`, best first.
fn ways(purpose: Purpose, config: &Config) -> impl Iterator<Item = &'static Way> {
    let only = config.only.filter(|only| WAYS.iter().any(|w| w.purpose == purpose && w.backend == *only));
    WAYS.iter().filter(move |w| w.purpose == purpose && only.is_none_or(|only| only == w.backend))
}

fn lacking(way: &Way, types: &KernelTypes) -> Option<String> {
    way.needs.iter().find(|hook| !hook.exists(types)).map(|hook| format!("this kernel has no {hook}"))
}

/// The best way to serve `purpose` of which the kernel has all hooks, untried.
fn first(
    purpose: Purpose,
    config: &Config,
    types: &KernelTypes,
    report: &mut Report,
) -> Option<&'static Way> {
    ways(purpose, config).find(|way| {
        let failure = lacking(way, types);
        let exists = failure.is_none();
        report.attempts.push(Attempt { purpose, backend: way.backend, failure });
        exists
    })
}

/// Finds a way for each purpose, trying each.
fn choose_each(config: &Config, types: &KernelTypes, report: &mut Report) -> Vec<&'static Way> {
    let mut chosen = Vec::new();
    for purpose in purposes(config) {
        if purpose != Purpose::UnixSpliced || !shows_splices(report) {
            chosen.extend(choose(purpose, config, types, report));
        }
    }
    chosen
}

/// Tries the ways to serve `purpose`, and notes what became of each.
fn choose(
    purpose: Purpose,
    config: &Config,
    types: &KernelTypes,
    report: &mut Report,
) -> Option<&'static Way> {
    for way in ways(purpose, config) {
        let failure = lacking(way, types)
            .or_else(|| try_way(config, way, types, &report.host).err().map(|e| e.to_string()));
        let works = failure.is_none();
        report.attempts.push(Attempt { purpose, backend: way.backend, failure });
        if works {
            return Some(way);
        }
    }
    None
}

fn try_way(config: &Config, way: &'static Way, types: &KernelTypes, host: &Host) -> Result<(), Error> {
    let report = Report { host: host.clone(), attempts: Vec::new(), foreign_proc: false };
    let mut capture = Capture::load(config, &[way], types, report)?;
    capture.fire(&[way]).map(drop)
}

/// The clock by which records are stamped.
fn monotonic_now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the result; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// A map that the object is known to have.
trait ExpectMap<T> {
    fn expect_map(self) -> Result<T, Error>;
}

impl<T> ExpectMap<T> for Option<T> {
    fn expect_map(self) -> Result<T, Error> {
        self.ok_or(Error::Kernel { doing: "looking for a map", reason: "the object lacks it".into() })
    }
}

/// Size of a chunk's header in the ring, for those who reckon with the ring's size.
pub const CHUNK_HEADER_BYTES: usize = size_of::<weir_chunk>();
