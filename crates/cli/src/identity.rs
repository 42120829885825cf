//! Which host this is, as `host.id`: the same after a restart, under another name and at another address, and another one than
//! that of a copy of this host. docs/identity.md tells the reasons.

use std::ffi::CString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use config::Settings;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Sixteen bytes, as machine ids and boards have them.
type Id = [u8; 16];

/// What makes ids ours: machine ids are not to be told to others (machine-id(5)), and from these no way leads back.
const HOST: Id = 0x6e0d_2a4f_b157_4c7c_9d0c_3f1f_5a8e_7b42_u128.to_be_bytes();
/// The same for what is kept to compare with later.
const MACHINE: Id = 0x2b9c_61d8_0f3e_4a57_8e21_c4d7_7f60_93aa_u128.to_be_bytes();
const BOARD: Id = 0xd40f_5e17_96b2_4e8c_b3a8_125c_e97d_0b6f_u128.to_be_bytes();

/// The file in the state directory.
const RECORD: &str = "identity";
/// Longest file that is looked at.
const FILE_BYTES: u64 = 4096;
/// Boards whose makers forgot to number them.
const NOT_NUMBERED: &[u128] =
    &[0x0300_0200_0400_0500_0006_0007_0008_0009, 0x1234_5678_1234_5678_90ab_cdde_efaa_bbcc];

/// Which host this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `host.id`.
    pub id: String,
    /// Why it is that.
    pub origin: Origin,
    /// Why it may not last.
    pub caution: Option<String>,
}

/// Where an identity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is set.
    Settings,
    /// It was kept from an earlier start.
    Kept,
    /// It is made from the machine id and the board.
    MachineAndBoard,
    /// It is made from the machine id.
    Machine,
    /// It is made from the board.
    Board,
    /// Nothing here is one host's own: it was thrown.
    Random,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Settings => "set by agent.host_id",
            Origin::Kept => "kept from an earlier start",
            Origin::MachineAndBoard => "from the machine id and the board",
            Origin::Machine => "from the machine id",
            Origin::Board => "from the board",
            Origin::Random => "thrown: neither machine id nor board are known",
        })
    }
}

/// Where a system keeps the id that its installation got (machine-id(5)).
const MACHINE_ID: &str = "etc/machine-id";
/// The files of the first process: those of the host, also where Weir runs in a container that shares its processes.
const HOST_ROOT: &str = "proc/1/root";

/// What tells this host from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Host {
    machine: Option<Id>,
    board: Option<Id>,
}

impl Host {
    /// Looks below `root`, which is `/` outside of tests.
    pub fn look(root: &Path) -> Self {
        // In a container that shares the host's pid namespace, the first process's root is the host's. The container's own
        // machine id may be one that every container of its image has.
        let host = root.join(HOST_ROOT);
        let machine = [(&*host, MACHINE_ID), (root, MACHINE_ID), (root, "var/lib/dbus/machine-id")];
        let board = [(root, "sys/class/dmi/id/product_uuid"), (root, "sys/hypervisor/uuid")];
        let first = |places: &[(&Path, &str)]| {
            places.iter().find_map(|(folder, place)| id(&read(&folder.join(place)).ok()?))
        };
        Host { machine: first(&machine), board: first(&board).filter(is_numbered) }
    }

    /// What it makes of this host; `None` where nothing is known.
    fn id(&self) -> Option<(Id, Origin)> {
        Some(match (self.machine, self.board) {
            (Some(machine), Some(board)) => (derived(&machine, &HOST, &board), Origin::MachineAndBoard),
            // This is what systemd makes of the machine id for an application: sd_id128_get_machine_app_specific(3).
            (Some(machine), None) => (derived(&machine, &HOST, &[]), Origin::Machine),
            (None, Some(board)) => (derived(&board, &HOST, &[]), Origin::Board),
            (None, None) => return None,
        })
    }
}

/// The identity as it would be now; nothing is kept.
pub fn look(settings: &Settings) -> Option<Identity> {
    let directory = PathBuf::from(settings.agent_state_directory());
    if let Some(id) = settings.agent_host_id() {
        return Some(Identity { id, origin: Origin::Settings, caution: None });
    }
    found(&Host::look(Path::new("/")), &directory)
}

fn found(host: &Host, directory: &Path) -> Option<Identity> {
    let kept = Record::read(directory).filter(|record| record.is_of(host));
    let (id, origin) = kept.map(|record| (record.id, Origin::Kept)).or_else(|| host.id())?;
    let to_write = kept != Some(Record::of(id, host, kept.as_ref()));
    let caution =
        if to_write { may_write(directory).err().map(|e| not_kept(directory, &e, origin)) } else { None };
    Some(Identity { id: hex(&id), origin, caution })
}

/// Whether a file can be made in `directory`, or where that is to be made; nothing is.
fn may_write(directory: &Path) -> io::Result<()> {
    let place =
        directory.ancestors().find(|place| place.symlink_metadata().is_ok()).unwrap_or(Path::new("/"));
    if !fs::metadata(place)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let name = CString::new(place.as_os_str().as_bytes())?;
    // SAFETY: the name is a string with an end. With root's rights this still tells of file systems that are read only.
    match unsafe { libc::faccessat(libc::AT_FDCWD, name.as_ptr(), libc::W_OK | libc::X_OK, libc::AT_EACCESS) }
    {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn not_kept(directory: &Path, error: &io::Error, origin: Origin) -> String {
    let place = directory.join(RECORD);
    let then = match origin {
        Origin::Random => "the next start has another host.id",
        _ => "it is made anew each time",
    };
    format!("the identity of this host cannot be kept in {}: {error}; {then}", place.display())
}

/// The identity, kept for the next start.
pub fn settle(settings: &Settings) -> Identity {
    if let Some(id) = settings.agent_host_id() {
        return Identity { id, origin: Origin::Settings, caution: None };
    }
    keep(&Host::look(Path::new("/")), Path::new(&settings.agent_state_directory()), random)
}

/// Goes by what was kept where that may be of this host, and else keeps what this host makes.
fn keep(host: &Host, directory: &Path, random: impl Fn() -> Id) -> Identity {
    let kept = Record::read(directory).filter(|record| record.is_of(host));
    let (id, origin) = match &kept {
        Some(record) => (record.id, Origin::Kept),
        None => host.id().unwrap_or_else(|| (random(), Origin::Random)),
    };
    let record = Record::of(id, host, kept.as_ref());
    let written = if kept == Some(record) { Ok(()) } else { record.write(directory) };
    let caution = written.err().map(|error| not_kept(directory, &error, origin));
    Identity { id: hex(&id), origin, caution }
}

/// What was kept: the id, and marks of what it was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    id: Id,
    machine: Option<Id>,
    board: Option<Id>,
}

impl Record {
    /// What is known now; what was known before and cannot be read now, such as without root's rights, stays.
    fn of(id: Id, host: &Host, before: Option<&Record>) -> Self {
        let marks = marks(host);
        Record {
            id,
            machine: marks.0.or(before.and_then(|before| before.machine)),
            board: marks.1.or(before.and_then(|before| before.board)),
        }
    }

    /// False when it was certainly made on another host: its disk was copied.
    fn is_of(&self, host: &Host) -> bool {
        let fits = |kept: Option<Id>, now: Option<Id>| kept.is_none() || now.is_none() || kept == now;
        let (machine, board) = marks(host);
        fits(self.machine, machine) && fits(self.board, board)
    }

    /// Lines of a word and an id; what is not as it was written counts for nothing.
    fn read(directory: &Path) -> Option<Self> {
        let text = read(&directory.join(RECORD)).ok()?;
        let line = |word: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(' '));
            lines.find(|(name, _)| *name == word).and_then(|(_, value)| id(value))
        };
        Some(Record { id: line("id")?, machine: line("machine"), board: line("board") })
    }

    /// As a whole or not at all, whenever the machine stops.
    fn write(&self, directory: &Path) -> io::Result<()> {
        let mut text = format!("id {}\n", hex(&self.id));
        for (word, value) in [("machine", self.machine), ("board", self.board)] {
            text.extend(value.map(|value| format!("{word} {}\n", hex(&value))));
        }
        fs::create_dir_all(directory)?;
        let (new, place) = (directory.join(".identity.new"), directory.join(RECORD));
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
        fs::rename(new, place)
    }
}

fn marks(host: &Host) -> (Option<Id>, Option<Id>) {
    let mark = |of: Option<Id>, what: &Id| of.map(|id| derived(&id, what, &[]));
    (mark(host.machine, &MACHINE), mark(host.board, &BOARD))
}

/// The first half of HMAC-SHA256, marked as a random UUID, as systemd does it.
fn derived(key: &Id, application: &Id, more: &[u8]) -> Id {
    let mut id = Id::default();
    // Keys may have any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
        mac.update(application);
        mac.update(more);
        id.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
    }
    marked(id)
}

fn marked(mut id: Id) -> Id {
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

fn random() -> Id {
    let mut id = Id::default();
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut id));
    if read.is_err() {
        // Without any source of chance, the time and the process have to do.
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        id = derived(&time.as_nanos().to_be_bytes(), &HOST, &std::process::id().to_be_bytes());
    }
    marked(id)
}

fn read(path: &Path) -> io::Result<String> {
    // Who opens a pipe waits for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// 32 hexadecimal digits, with or without the dashes of a UUID. Images have `uninitialized` or nothing there, until they boot.
fn id(text: &str) -> Option<Id> {
    let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
    let fine = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u128::from_str_radix(&digits, 16).ok().filter(|id| fine && *id != 0 && *id != u128::MAX)?;
    Some(id.to_be_bytes())
}

fn is_numbered(board: &Id) -> bool {
    !NOT_NUMBERED.contains(&u128::from_be_bytes(*board))
}

fn hex(id: &Id) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
    const B: u128 = 0x4c4c_4544_004d_3510_804e_c4c0_4f4a_3132;

    fn host(machine: Option<u128>, board: Option<u128>) -> Host {
        Host { machine: machine.map(u128::to_be_bytes), board: board.map(u128::to_be_bytes) }
    }

    fn thrown() -> Id {
        marked([7; 16])
    }

    #[track_caller]
    fn settled(host: &Host, directory: &Path, origin: Origin) -> String {
        let identity = keep(host, directory, thrown);
        assert_eq!((identity.origin, &identity.caution), (origin, &None));
        identity.id
    }

    /// The figures are of HMAC-SHA256 as Python has it; the first is what `systemd-id128 machine-id --app-specific=` tells.
    #[test]
    fn ids_are_made_as_systemd_makes_them() {
        let id = |host: Host| host.id().map(|(id, _)| hex(&id));
        assert_eq!(id(host(Some(M), None)).as_deref(), Some("aabc048b7f084235a031f42a1eeee2bd"));
        assert_eq!(id(host(Some(M), Some(B))).as_deref(), Some("e0c8a3e51f1a468183d2f3cea26bca6c"));
        assert_eq!(id(host(None, None)), None);
    }

    #[test]
    fn a_host_keeps_its_id() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("made/when/needed");
        let first = settled(&host(Some(M), Some(B)), &folder, Origin::MachineAndBoard);
        // Without the right to read the board, or the machine id, or both.
        for (machine, board) in [(Some(M), Some(B)), (Some(M), None), (None, Some(B)), (None, None)] {
            assert_eq!(settled(&host(machine, board), &folder, Origin::Kept), first);
        }
        // Its disk in another board is another host, and so is its board under a system that was set up anew.
        let copy = settled(&host(Some(M), Some(B + 1)), &folder, Origin::MachineAndBoard);
        assert_ne!(copy, first);
        assert_eq!(settled(&host(Some(M), Some(B + 1)), &folder, Origin::Kept), copy);
        assert_ne!(settled(&host(Some(M + 1), Some(B + 1)), &folder, Origin::MachineAndBoard), copy);
    }

    #[test]
    fn what_becomes_known_later_is_remembered() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = settled(&host(Some(M), None), folder.path(), Origin::Machine);
        assert_eq!(settled(&host(Some(M), Some(B)), folder.path(), Origin::Kept), first);
        assert_ne!(settled(&host(Some(M), Some(B + 1)), folder.path(), Origin::MachineAndBoard), first);
    }

    #[test]
    fn a_host_without_marks_gets_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = settled(&host(None, None), folder.path(), Origin::Random);
        let again = keep(&host(None, None), folder.path(), || marked([8; 16]));
        assert_eq!((again.id, again.origin), (first, Origin::Kept));
        for damaged in ["", "id \n", "id xyz\n", "identity\n", "\u{0}\u{1}"] {
            fs::write(folder.path().join(RECORD), damaged).expect("a file");
            assert_eq!(keep(&host(None, None), folder.path(), thrown).origin, Origin::Random, "{damaged:?}");
        }
        let blocked = folder.path().join(RECORD);
        let identity = keep(&host(None, None), &blocked, thrown);
        let caution = identity.caution.expect("a caution");
        assert!(caution.contains("cannot be kept") && caution.contains("another host.id"), "{caution}");
        assert_ne!(random(), random());
    }

    /// What is told before anything is written is what would be told then.
    #[test]
    fn a_state_directory_that_cannot_be_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let known = host(Some(M), Some(B));
        let caution = |directory: &Path| found(&known, directory).expect("an identity").caution;
        assert_eq!(caution(&folder.path().join("made/when/needed")), None);
        assert!(!folder.path().join("made").exists(), "doctor makes nothing");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("a file");
        // No file can be made there, whoever asks.
        for unusable in [&file, &file.join("below"), Path::new("/proc/sys"), Path::new("/proc/sys/below")] {
            let said = caution(unusable).unwrap_or_else(|| panic!("{}", unusable.display()));
            assert!(said.contains("cannot be kept") && said.contains("made anew"), "{said}");
            assert!(keep(&known, unusable, thrown).caution.is_some());
        }
        // Nothing has to be written.
        settled(&known, folder.path(), Origin::MachineAndBoard);
        assert_eq!(caution(folder.path()), None);
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join(RECORD);
        let made = std::process::Command::new("mkfifo").arg(&place).status().expect("mkfifo");
        assert!(made.success());
        assert!(read(&place).is_err());
    }

    #[test]
    fn marks_are_looked_for_in_their_places() {
        let root = tempfile::tempdir().expect("a folder");
        let put = |place: &str, text: &str| {
            let path = root.path().join(place);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        assert_eq!(Host::look(root.path()), Host::default());
        put("var/lib/dbus/machine-id", "0123456789abcdef0123456789abcdef\n");
        for text in [
            "",
            "uninitialized\n",
            "00000000000000000000000000000000\n",
            "0123\n",
            "+123456789abcdef0123456789abcdef0\n",
        ] {
            put("etc/machine-id", text);
            assert_eq!(Host::look(root.path()), host(Some(M), None), "{text:?}");
        }
        put("etc/machine-id", "ffffffff0000000000000000ffffffff\n");
        assert_ne!(Host::look(root.path()), host(Some(M), None));
        put(&format!("{HOST_ROOT}/{MACHINE_ID}"), "0123456789abcdef0123456789abcdef\n");
        put("sys/class/dmi/id/product_uuid", "4C4C4544-004D-3510-804E-C4C04F4A3132\n");
        assert_eq!(Host::look(root.path()), host(Some(M), Some(B)));
        for text in [
            "03000200-0400-0500-0006-000700080009\n",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF\n",
            "Not Settable\n",
        ] {
            put("sys/class/dmi/id/product_uuid", text);
            assert_eq!(Host::look(root.path()), host(Some(M), None), "{text:?}");
        }
    }
}
