//! All that the store asks of a disk. A folder of files with plain names; nothing else of it does I/O, so that a test can
//! put a disk in its place that fails as disks do.

mod real;
#[cfg(test)]
pub(crate) mod simulated;

use std::io;
use std::sync::Arc;

pub use real::RealDisk;

/// A folder of files.
pub trait Disk: Send + Sync {
    /// Makes a file, empty also where there was one.
    ///
    /// # Errors
    ///
    /// As the system tells.
    fn create(&self, name: &str) -> io::Result<Box<dyn WriteFile>>;
    /// Opens a file to write behind its first `length` bytes; what comes after them is cut off.
    ///
    /// # Errors
    ///
    /// As the system tells.
    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn WriteFile>>;
    /// Opens a file to read.
    ///
    /// # Errors
    ///
    /// As the system tells.
    fn open(&self, name: &str) -> io::Result<Arc<dyn ReadFile>>;
    /// The names of all files, in order.
    ///
    /// # Errors
    ///
    /// As the system tells.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Gives a file another name, in place of the file that had it.
    ///
    /// # Errors
    ///
    /// As the system tells.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    ///
    /// As the system tells.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes durable which files there are, and how they are called.
    ///
    /// # Errors
    ///
    /// As the system tells.
    fn sync_names(&self) -> io::Result<()>;
}

/// A file that is written from front to back.
pub trait WriteFile: Send {
    /// Writes all of `bytes`.
    ///
    /// # Errors
    ///
    /// As the system tells; part of it may be written then.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes durable what was written.
    ///
    /// # Errors
    ///
    /// As the system tells; nobody knows what is durable then, and to ask again tells nothing.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that is read.
pub trait ReadFile: Send + Sync {
    /// How long it is.
    ///
    /// # Errors
    ///
    /// As the system tells.
    fn length(&self) -> io::Result<u64>;
    /// Fills `bytes` from the place `at` on.
    ///
    /// # Errors
    ///
    /// As the system tells, or when the file ends before.
    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()>;
    /// So many bytes from the place `at` on will be read soon: who can may fetch them meanwhile.
    fn read_ahead(&self, _at: u64, _length: u64) {}
}

/// All of a file.
pub(crate) fn read_all(file: &dyn ReadFile) -> io::Result<Vec<u8>> {
    let length = usize::try_from(file.length()?).map_err(io::Error::other)?;
    let mut bytes = Vec::new();
    // A damaged file may be said to have any length.
    bytes.try_reserve_exact(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.resize(length, 0);
    file.read(0, &mut bytes)?;
    Ok(bytes)
}
