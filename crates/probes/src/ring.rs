//! The consumer's end of a BPF ring buffer.
//!
//! libbpf's own consumer calls back through a function pointer and stores its position after every record; here
//! records are borrowed where they lie, looked at before they are taken (`rings` merges by time), and the position is stored by
//! batch. Layout and protocol: `kernel/bpf/ringbuf.c`.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::{Error, system_error};

const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
const HEADER: usize = 8;
/// Bytes after which the producers are told what was read.
const RELEASE_EVERY: u64 = 64 * 1024;

/// A mapped ring. One reader at a time, which `&mut self` ensures.
pub(crate) struct Ring {
    /// How far the producers filled it.
    head: NonNull<AtomicU64>,
    /// How far the producers know that it was read.
    tail: NonNull<AtomicU64>,
    /// What a record's place is reckoned from.
    data: NonNull<u8>,
    /// Of the data, a power of two. A record that begins within it is whole.
    size: usize,
    /// How far it was read.
    position: u64,
    /// How far the producers were told that it was read.
    released: u64,
    /// How far it was filled when last looked at.
    end: u64,
    /// What the pointers point into.
    _mappings: [Mapping; 2],
}

// SAFETY: the pointers stay valid as long as the mappings, which any thread may use; only this value reads through them.
unsafe impl Send for Ring {}

impl Ring {
    /// Maps the ring of `map`, which holds `size` bytes (a power of two).
    pub(crate) fn new(map: BorrowedFd<'_>, size: usize) -> Result<Self, Error> {
        let page = page_size();
        let consumer = Mapping::new(map, 0, page, Access::Write)?;
        // The data follows the producers' page and is mapped twice, so that no record is cut.
        let producer = Mapping::new(map, page, page + 2 * size, Access::Read)?;
        Ok(Ring {
            head: producer.at(0),
            tail: consumer.at(0),
            data: producer.at(page),
            size,
            position: 0,
            released: 0,
            end: 0,
            _mappings: [consumer, producer],
        })
    }

    /// Notes how far it is filled now: [`Ring::head`] goes no further.
    pub(crate) fn look(&mut self) {
        // SAFETY: it points to a position for as long as the mapping is there.
        self.end = unsafe { self.head.as_ref() }.load(Ordering::Acquire);
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
            // SAFETY: as in `look`; this one is writable.
            unsafe { self.tail.as_ref() }.store(self.position, Ordering::Release);
            self.released = self.position;
        }
    }

    /// The record at `position` (none if it was discarded) and the bytes that it takes; `None` while it is being written.
    fn record(&self, position: u64) -> Option<(Option<&[u8]>, u64)> {
        let offset = (position as usize) & (self.size - 1);
        // SAFETY: `offset` is inside the data area, behind which there is room for the largest record, so that the header and all
        // of a record's bytes are inside the mapping. Records are 8-byte aligned.
        unsafe {
            let header = self.data.add(offset);
            let word = header.cast::<AtomicU32>().as_ref().load(Ordering::Acquire);
            if word & BUSY != 0 {
                return None;
            }
            let length = (word & !(BUSY | DISCARDED)) as usize;
            let taken = (length + HEADER + 7) & !7;
            if word & DISCARDED != 0 {
                return Some((None, taken as u64));
            }
            Some((Some(std::slice::from_raw_parts(header.add(HEADER).as_ptr(), length)), taken as u64))
        }
    }
}

/// Memory of a map, as long as this lives.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

#[derive(Clone, Copy)]
pub(crate) enum Access {
    Read,
    Write,
}

// SAFETY: memory that is mapped may be used from any thread; how, is up to who gets a pointer into it.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `length` bytes of `map`, from `offset` on, both in whole pages.
    pub(crate) fn new(
        map: BorrowedFd<'_>,
        offset: usize,
        length: usize,
        access: Access,
    ) -> Result<Self, Error> {
        let protection = match access {
            Access::Read => libc::PROT_READ,
            Access::Write => libc::PROT_READ | libc::PROT_WRITE,
        };
        let length = length.next_multiple_of(page_size());
        // SAFETY: a new mapping of a valid descriptor; the kernel checks its bounds.
        let start = unsafe {
            let fd = map.as_raw_fd();
            libc::mmap(ptr::null_mut(), length, protection, libc::MAP_SHARED, fd, offset as libc::off_t)
        };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(Mapping { start, length }),
            _ => Err(system_error("mapping a map of the kernel's")(std::io::Error::last_os_error())),
        }
    }

    /// What is `offset` bytes behind the beginning, which is inside.
    pub(crate) fn at<T>(&self, offset: usize) -> NonNull<T> {
        assert!(offset + size_of::<T>() <= self.length, "{offset} of {}", self.length);
        // SAFETY: inside the mapping, as was just looked at.
        unsafe { self.start.add(offset) }.cast()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly what `new` mapped.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

pub(crate) fn page_size() -> usize {
    // SAFETY: has no preconditions.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}
