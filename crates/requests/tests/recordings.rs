//! Events of real servers, recorded by `scripts/record`, give the requests in the golden file beside them.
//! `UPDATE_GOLDEN=1` writes those files anew.

#![allow(clippy::unwrap_used)] // helpers are tests too

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use recording::{Entry, Reader};
use requests::{Analyzer, Config};
use workload::{Limits, Listeners, NoNames, Processes, Source, UnixSockets};

/// What `weir dev replay --json` prints.
fn replay(path: &Path) -> String {
    let mut reader = Reader::new(BufReader::new(File::open(path).unwrap())).unwrap();
    let processes =
        Processes::new(Source::Recorded, workload::Config::default(), Box::new(NoNames), Limits::default());
    let mut analyzer =
        Analyzer::new(Config::default(), processes, (Listeners::new(None), UnixSockets::new(None)));
    let mut lines = Vec::new();
    while let Some(entry) = reader.read().unwrap() {
        match entry {
            Entry::Clock(clock) => {
                analyzer.set_clock(clock);
                analyzer.tick(clock.monotonic);
            }
            Entry::Facts(facts) => analyzer.learn(*facts),
            Entry::Event(event) => analyzer.event(&event),
        }
        for request in analyzer.take_batch(Vec::new()) {
            export::json::write(&request, &mut lines);
        }
    }
    String::from_utf8(lines).unwrap()
}

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "events"));
    paths.sort();
    paths
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
        let name = path.file_stem().and_then(|name| name.to_str()?.split('_').next()).unwrap_or_default();
        let protocol = format!("\"protocol\":\"{}\"", if name == "nginx" { "http" } else { name });
        assert!(seen.lines().all(|line| line.contains(&protocol)), "{}", path.display());
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
