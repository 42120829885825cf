//! The consumer's end of a BPF ring buffer.
//!
//! libbpf's own consumer calls back through a function pointer and stores its position after every record; here
//! records are handed to a closure that is known at compile time, borrowed, and the position is stored by batch.
//! Layout and protocol: `kernel/bpf/ringbuf.c`.

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
            return Err(system_error("mapping the ring")(std::io::Error::last_os_error()));
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
            return Err(system_error("mapping the ring")(error));
        }
        Ok(Ring { consumer, producer, page, size })
    }

    /// Hands every record that is there to `handle`, at most `limit` bytes of them; returns how many bytes.
    pub(crate) fn drain(&mut self, limit: u64, mut handle: impl FnMut(&[u8])) -> u64 {
        // SAFETY: both pages hold a 64-bit position at their beginning for as long as they are mapped.
        let (consumed, produced) =
            unsafe { (&*self.consumer.cast::<AtomicU64>(), &*self.producer.cast::<AtomicU64>()) };
        let start = consumed.load(Ordering::Relaxed);
        let mut position = start;
        let mut released = start;
        'more: while position - start < limit {
            let end = produced.load(Ordering::Acquire);
            if position >= end {
                break;
            }
            while position < end && position - start < limit {
                let Some((record, taken)) = self.record(position) else { break 'more };
                if let Some(record) = record {
                    handle(record);
                }
                position += taken;
                if position - released >= RELEASE_EVERY {
                    consumed.store(position, Ordering::Release);
                    released = position;
                }
            }
        }
        consumed.store(position, Ordering::Release);
        position - start
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
