//! What only a start needs.

use std::fs;
use std::ops::Range;

/// Loading the programs goes through megabytes of our code that is not needed again. What of it is, comes back from the page cache
/// when it is run next; the rest is not in this process's memory any more, for which there is a limit. Where that cannot be done nothing
/// is lost.
pub(super) fn give_back_code() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let Some(code) = code_around(&maps, give_back_code as *const () as usize) else { return };
    // SAFETY: a mapping of our own file that nobody can write to: its pages are read from there again (madvise(2)).
    unsafe { libc::madvise(code.start as *mut libc::c_void, code.len(), libc::MADV_DONTNEED) };
}

/// The mapping of a file in which `address` is, if it is code and private (proc_pid_maps(5)).
fn code_around(maps: &str, address: usize) -> Option<Range<usize>> {
    maps.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        let place = number(start)?..number(end)?;
        let is_code = words.next() == Some("r-xp") && words.nth(3).is_some_and(|file| file.starts_with('/'));
        (is_code && place.contains(&address)).then_some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_files_code_is_given_back() {
        let maps = "1000-2000 r--p 00000000 fe:00 7 /usr/bin/weir\n\
                    2000-4000 r-xp 00001000 fe:00 7 /usr/bin/weir\n\
                    4000-5000 rwxp 00003000 fe:00 7 /usr/bin/weir\n\
                    5000-6000 r-xp 00000000 00:00 0 [vdso]\n";
        let found = [0x1fff, 0x2000, 0x3fff, 0x4000, 0x5000].map(|address| code_around(maps, address));
        assert_eq!(found, [None, Some(0x2000..0x4000), Some(0x2000..0x4000), None, None]);
        give_back_code();
        let own = fs::read_to_string("/proc/self/maps").expect("there is one");
        assert!(code_around(&own, give_back_code as *const () as usize).is_some(), "{own}");
    }
}
