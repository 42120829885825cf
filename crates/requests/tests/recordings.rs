//! Events of real servers, recorded by `scripts/record`, give the requests in the golden file beside them.
//! `UPDATE_GOLDEN=1` writes those files anew.

#![allow(clippy::unwrap_used)] // helpers are tests too

mod replaying;

use std::fs;
use std::path::Path;

use export::json::Lines;
use replaying::{protocol, recordings};

/// What `weir dev replay --json` prints.
fn replay(path: &Path) -> String {
    let (mut lines, mut text) = (Lines::default(), Vec::new());
    for request in replaying::replay(path, replaying::all).0 {
        lines.write(&request, &mut text);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn recordings_give_their_golden_requests() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut checked = 0;
    for path in recordings() {
        let golden = path.with_extension("jsonl");
        let seen = replay(&path);
        if update {
            fs::write(&golden, &seen).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        for (number, (seen, expected)) in seen.lines().zip(expected.lines()).enumerate() {
            assert_eq!(seen, expected, "{}:{}", golden.display(), number + 1);
        }
        assert_eq!(seen.lines().count(), expected.lines().count(), "{}", golden.display());
        assert!(!seen.contains("secret"), "{}: a value is shown", path.display());
        // Nobody else takes these connections.
        let is_own = |line: &str| {
            protocol(&path).is_some_and(|protocol| line.contains(&format!("\"protocol\":\"{protocol}\"")))
        };
        assert!(seen.lines().all(is_own), "{}", path.display());
        checked += 1;
    }
    assert!(checked >= 5, "only {checked} recordings");
}

/// A file that is cut anywhere, as by a full disk, still gives what is whole in it.
#[test]
fn a_cut_recording_gives_its_beginning() {
    let path = recordings().into_iter().find(|path| path.ends_with("nginx_curl.events")).unwrap();
    let whole = replay(&path);
    let bytes = fs::read(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.events");
    for part in 1..10 {
        fs::write(&cut, &bytes[..bytes.len() * part / 10]).unwrap();
        let seen = replay(&cut);
        assert!(whole.starts_with(&seen), "cut at {part} tenths");
    }
}
