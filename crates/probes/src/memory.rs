//! What a process that loaded programs has of the kernel's memory.

use std::fs;

/// `BPF_MAP_TYPE_SK_STORAGE`: its elements belong to sockets and are not in the map's account.
const SK_STORAGE: u64 = 24;
/// What the kernel puts around such an element (`struct bpf_sk_storage_elem`, and what the socket has to find it), about.
const ELEMENT_EXTRA: u64 = 64;

/// Memory of maps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of all maps, rings among them.
    pub maps: u64,
    /// Those of them that are rings.
    pub rings: u64,
    /// Bytes for each socket that has a state.
    pub socket: u64,
    /// Bytes of them that the process has mapped, so that its resident memory has them too; rings are mapped twice over.
    pub mapped: u64,
}

/// `BPF_MAP_TYPE_RINGBUF`.
const RING: u64 = 27;

impl Memory {
    /// What a process has now. The rings have to be mapped.
    pub fn of(process: u32) -> Memory {
        let entries = fs::read_dir(format!("/proc/{process}/fdinfo")).into_iter().flatten().flatten();
        let texts: Vec<String> = entries.filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect();
        let mapped = fs::read_to_string(format!("/proc/{process}/smaps")).unwrap_or_default();
        Memory { mapped: resident_maps(&mapped), ..Memory::of_texts(texts) }
    }

    fn of_texts(mut texts: Vec<String>) -> Memory {
        texts.retain(|text| figure(text, "map_id") > 0);
        texts.sort_by_key(|text| figure(text, "map_id"));
        texts.dedup_by_key(|text| figure(text, "map_id"));
        let mut memory = Memory::default();
        for text in &texts {
            let size = figure(text, "memlock");
            memory.maps += size;
            match figure(text, "map_type") {
                RING => memory.rings += size,
                SK_STORAGE => memory.socket += figure(text, "value_size") + ELEMENT_EXTRA,
                _ => {}
            }
        }
        memory
    }

    /// All of it in the kernel, where so many sockets have a state.
    pub fn kernel(&self, sockets: u64) -> u64 {
        self.maps + sockets * self.socket
    }
}

/// The number in the line `name:` of a text; 0 where there is none.
fn figure(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Resident bytes of mappings of maps.
fn resident_maps(smaps: &str) -> u64 {
    let mut of_map = false;
    let mut total = 0;
    for line in smaps.lines() {
        if line.split(' ').next().is_some_and(|first| first.contains('-') && !first.ends_with(':')) {
            of_map = line.contains("bpf-map");
        } else if of_map && line.starts_with("Rss:") {
            total += figure(line, "Rss") * 1024;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_count_once_and_sockets_by_their_number() {
        let map = |id: u64, kind: u64, value: u64, bytes: u64| {
            format!("pos:\t0\nmap_type:\t{kind}\nvalue_size:\t{value}\nmemlock:\t{bytes}\nmap_id:\t{id}\n")
        };
        let other = "pos:\t0\nflags:\t02\nprog_id:\t7\nmemlock:\t4096\n".to_owned();
        let texts =
            vec![map(3, 2, 8, 8192), map(1, 27, 0, 65_536), map(3, 2, 8, 8192), other, map(2, 24, 72, 480)];
        let memory = Memory::of_texts(texts);
        assert_eq!(memory, Memory { maps: 74_208, rings: 65_536, socket: 136, mapped: 0 });
        assert_eq!(memory.kernel(1000), 74_208 + 136_000);
    }

    #[test]
    fn mapped_rings_are_found() {
        let smaps = "7f00-7f10 r--s 0 00:0e 1 anon_inode:bpf-map\nSize: 64 kB\nRss:    60 kB\nVmFlags: rd\n\
                     7f20-7f30 rw-p 0 00:00 0 [heap]\nRss:   100 kB\n\
                     7f40-7f50 rw-s 0 00:0e 1 anon_inode:bpf-map\nRss:     4 kB\n";
        assert_eq!(resident_maps(smaps), 64 * 1024);
    }
}
