//! How many files may be open: programs, maps and rings are files to the process that holds them.

use crate::Error;
use crate::loaded::processors;

/// What is open at the same time while the ways are tried (about 50), sockets and what is read of processes, with room to spare.
const NEEDED: u64 = 96;
/// For each processor: its ring, and that it is waited for.
const NEEDED_PER_PROCESSOR: u64 = 2;

/// Makes sure that enough files may be open.
///
/// # Errors
///
/// When fewer may be. Without saying so, everything that is tried would fail, each in its own words.
pub(crate) fn provide() -> Result<(), Error> {
    let needed = NEEDED + NEEDED_PER_PROCESSOR * processors() as u64;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the result, and then a valid value.
    let read = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } == 0;
    if !read || limit.rlim_cur >= needed {
        return Ok(());
    }
    let raised = libc::rlimit { rlim_cur: needed.min(limit.rlim_max), ..limit };
    // SAFETY: as above.
    let is_raised = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raised) } == 0;
    let limit = if is_raised { raised.rlim_cur } else { limit.rlim_cur };
    if limit < needed { Err(Error::TooFewFiles { limit, needed }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_what_to_do() {
        let text = Error::TooFewFiles { limit: 20, needed: 100 }.to_string();
        for part in ["20", "100", "ulimit -n", "LimitNOFILE"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
