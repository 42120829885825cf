//! The consumer's end of a BPF ring buffer.
//!
//! libbpf's own consumer calls back through a function pointer and stores its position after every record; here
//! records are borrowed where they lie, looked at before they are taken (`rings` merges by time), and the position is stored by
//! batch. Layout and protocol: `kernel/bpf/ringbuf.c`.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::{Error, system_error};

const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
const HEADER: usize = 8;
/// Bytes after which the producers are told what was read.
const RELEASE_EVERY: u64 = 64 * 1024;

/// A mapped ring. One reader at a time, which `&mut self` ensures.
pub(crate) struct Ring {
    consumer: *mut libc::c_void,
    producer: *mut libc::c_void,
    page: usize,
    size: usize,
    /// How far it was read.
    position: u64,
    /// How far the producers were told that it was read.
    released: u64,
    /// How far it was filled when last looked at.
    end: u64,
}

// SAFETY: the mappings belong to this value alone and may be used from any thread.
unsafe impl Send for Ring {}

impl Ring {
    /// Maps the ring of `map`, which holds `size` bytes (a power of two).
    pub(crate) fn new(map: BorrowedFd<'_>, size: usize) -> Result<Self, Error> {
        let page = page_size();
        let fd = map.as_raw_fd();
        // SAFETY: a new mapping of a valid descriptor; the kernel checks its bounds.
        let consumer = unsafe {
            libc::mmap(ptr::null_mut(), page, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, fd, 0)
        };
        if consumer == libc::MAP_FAILED {
            return Err(system_error("mapping a ring")(std::io::Error::last_os_error()));
        }
        // SAFETY: as above; the data follows the producer's page and is mapped twice, so that no record is cut.
        let producer = unsafe {
            libc::mmap(
                ptr::null_mut(),
                page + 2 * size,
                libc::PROT_READ,
                libc::MAP_SHARED,
                fd,
                page as libc::off_t,
            )
        };
        if producer == libc::MAP_FAILED {
            let error = std::io::Error::last_os_error();
            // SAFETY: unmaps exactly what was mapped above.
            unsafe { libc::munmap(consumer, page) };
            return Err(system_error("mapping a ring")(error));
        }
        Ok(Ring { consumer, producer, page, size, position: 0, released: 0, end: 0 })
    }

    /// Notes how far it is filled now: [`Ring::head`] goes no further.
    pub(crate) fn look(&mut self) {
        // SAFETY: the page holds a 64-bit position at its beginning for as long as it is mapped.
        self.end = unsafe { &*self.producer.cast::<AtomicU64>() }.load(Ordering::Acquire);
    }

    /// The first record that was not read, and the bytes that it takes; `None` where it is not there or not whole yet.
    pub(crate) fn head(&mut self) -> Option<(&[u8], u64)> {
        while self.position < self.end {
            match self.record(self.position)? {
                (Some(_), _) => break,
                (None, taken) => self.advance(taken),
            }
        }
        if self.position >= self.end {
            return None;
        }
        let (record, taken) = self.record(self.position)?;
        Some((record?, taken))
    }

    /// The head, which takes so many bytes, was read.
    pub(crate) fn advance(&mut self, taken: u64) {
        self.position += taken;
        if self.position - self.released >= RELEASE_EVERY {
            self.release();
        }
    }

    /// Gives what was read back to the producers.
    pub(crate) fn release(&mut self) {
        if self.position != self.released {
            // SAFETY: as in `look`; this page is writable.
            unsafe { &*self.consumer.cast::<AtomicU64>() }.store(self.position, Ordering::Release);
            self.released = self.position;
        }
    }

    /// The record at `position` (none if it was discarded) and the bytes that it takes; `None` while it is being written.
    fn record(&self, position: u64) -> Option<(Option<&[u8]>, u64)> {
        let offset = (position as usize) & (self.size - 1);
        // SAFETY: `offset` is inside the data area, which is mapped twice in a row, so that the header and all of a
        // record's bytes (at most `size`) are inside the mapping. Records are 8-byte aligned.
        unsafe {
            let header = self.producer.cast::<u8>().add(self.page + offset);
            let word = (*header.cast::<AtomicU32>()).load(Ordering::Acquire);
            if word & BUSY != 0 {
                return None;
            }
            let length = (word & !(BUSY | DISCARDED)) as usize;
            let taken = (length + HEADER + 7) & !7;
            if word & DISCARDED != 0 {
                return Some((None, taken as u64));
            }
            Some((Some(std::slice::from_raw_parts(header.add(HEADER), length)), taken as u64))
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly what `new` mapped.
        unsafe {
            libc::munmap(self.consumer, self.page);
            libc::munmap(self.producer, self.page + 2 * self.size);
        }
    }
}

pub(crate) fn page_size() -> usize {
    // SAFETY: has no preconditions.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}
