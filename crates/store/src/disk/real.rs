//! A folder of the file system.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, ReadFile, WriteFile};
use crate::error::{Error, Tried};

/// The file that says who has the store. It stays; what counts is the lock on it.
const LOCK: &str = "lock";

/// A folder of the file system, locked against other processes.
#[derive(Debug)]
pub struct RealDisk {
    folder: PathBuf,
    /// Held for as long as this lives; the system releases it also when the process dies.
    _lock: Option<File>,
}

impl RealDisk {
    /// Makes the folder where there is none, and locks it.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or another process has it.
    pub fn lock(folder: &Path) -> Result<Self, Error> {
        let name = folder.display().to_string();
        std::fs::create_dir_all(folder).tried("making the folder", &name)?;
        let path = folder.join(LOCK);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .tried("opening", &path.display().to_string())?;
        // SAFETY: the descriptor is that of an open file.
        if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } != 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::WouldBlock {
                return Err(error).tried("locking", &path.display().to_string());
            }
            let mut text = String::new();
            // What it says is a courtesy only.
            let _ = Read::take(&file, 32).read_to_string(&mut text);
            let holder = text.trim().parse::<u32>().map(|id| format!(" (process {id})")).unwrap_or_default();
            return Err(Error::Locked { holder });
        }
        let note = || -> io::Result<()> {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(std::process::id().to_string().as_bytes())
        };
        // On a full disk the lock holds all the same.
        let _ = { note }();
        Ok(RealDisk { folder: folder.to_owned(), _lock: Some(file) })
    }

    /// A folder that is there, to look into it. What is written there meanwhile may be missed.
    ///
    /// # Errors
    ///
    /// When there is no such folder.
    pub fn look(folder: &Path) -> Result<Self, Error> {
        std::fs::read_dir(folder).tried("reading the folder", &folder.display().to_string())?;
        Ok(RealDisk { folder: folder.to_owned(), _lock: None })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Disk for RealDisk {
    fn create(&self, name: &str) -> io::Result<Box<dyn WriteFile>> {
        let file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.path(name))?;
        Ok(Box::new(Written(file)))
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn WriteFile>> {
        let mut file = OpenOptions::new().write(true).open(self.path(name))?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Box::new(Written(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn ReadFile>> {
        Ok(Arc::new(Reading(File::open(self.path(name))?)))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            // What is not ours may have any name.
            if let Ok(name) = entry.file_name().into_string()
                && entry.file_type()?.is_file()
                && name != LOCK
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

struct Written(File);

impl WriteFile for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

struct Reading(File);

impl ReadFile for Reading {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(bytes, at)
    }

    fn read_ahead(&self, at: u64, length: u64) {
        let (Ok(at), Ok(length)) = (libc::off_t::try_from(at), libc::off_t::try_from(length)) else { return };
        // SAFETY: the descriptor is that of an open file; it is advice only.
        unsafe { libc::posix_fadvise(self.0.as_raw_fd(), at, length, libc::POSIX_FADV_WILLNEED) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::read_all;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = RealDisk::lock(folder.path()).unwrap();
        let told = RealDisk::lock(folder.path()).unwrap_err().to_string();
        assert!(told.contains(&format!("process {}", std::process::id())), "{told}");
        drop(first);
        RealDisk::lock(folder.path()).unwrap();
    }

    #[test]
    fn files_are_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let disk = RealDisk::lock(folder.path()).unwrap();
        disk.create("a").unwrap().write(b"one two").unwrap();
        let mut file = disk.append("a", 4).unwrap();
        file.write(b"2").unwrap();
        file.sync().unwrap();
        disk.rename("a", "b").unwrap();
        disk.sync_names().unwrap();
        assert_eq!(disk.list().unwrap(), ["b"]);
        assert_eq!(read_all(&*disk.open("b").unwrap()).unwrap(), b"one 2");
        disk.remove("b").unwrap();
        assert!(disk.open("b").is_err());
    }
}
