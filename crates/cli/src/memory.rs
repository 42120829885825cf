//! What the allocator keeps of memory that was given back. After a large block was freed, glibc takes the next ones like it from its
//! arenas, up to 32 MB each, and hardly ever gives these back: a server that merges files took 1.4 times the memory that it needed.

/// Blocks from so many bytes on are the system's again as soon as they are freed; at most so many arenas, where that is said.
pub(crate) fn give_back(from_bytes: i32, arenas: Option<i32>) {
    // SAFETY: has no preconditions; without effect where the allocator does not know them.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, from_bytes);
        if let Some(arenas) = arenas {
            libc::mallopt(libc::M_ARENA_MAX, arenas);
        }
    }
}
