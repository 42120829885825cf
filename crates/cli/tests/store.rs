//! `weir store` as a person and a script meet it.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

use std::fs::File;
use std::io::Read;
use std::os::fd::FromRawFd;
use std::path::Path;
use std::process::{Command, Stdio};

use schema::{Rows, Table};
use store::{Config, Origin, Store};

/// Exit code, standard output, standard error.
fn weir(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_weir")).arg("store").args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Two files of lines, and a line in the log.
fn filled(folder: &Path) -> Store {
    let (store, _) = Store::open(folder, Config::default()).unwrap();
    for sequence in 0..3 {
        let mut rows = Rows::new(Table::Logs);
        rows.number(0, 1_700_000_000_000_000_000 + sequence as i64);
        rows.text(Table::Logs.column("body").unwrap().0, &format!("line {sequence}"));
        rows.end().unwrap();
        store.append(Origin { source: 1, sequence }, Table::Logs, &rows.finish().unwrap()).unwrap();
        if sequence < 2 {
            store.flush().unwrap();
        }
    }
    store
}

#[test]
fn a_store_is_looked_into_and_exported_while_it_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let store = filled(folder.path());
    let (code, out, said) = weir(&["inspect", path, "--json"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let line = out.lines().find(|line| line.contains(r#""table":"logs""#)).unwrap();
    assert!(
        line.contains(r#""files":2"#) && line.contains(r#""rows":2"#) && line.contains(r#""logged":1"#),
        "{line}"
    );
    let (code, out, _) = weir(&["export", path, "--table", "logs"]);
    assert_eq!(code, Some(0));
    assert_eq!(out.lines().count(), 3, "{out}");
    assert!(out.contains(r#"{"time":"2023-11-14T22:13:20.000000002Z","body":"line 2"}"#), "{out}");
    let (_, out, _) = weir(&["export", path, "--table", "logs", "--format", "csv"]);
    assert!(out.starts_with("time,service.name,") && out.contains(",line 1,"), "{out}");
    let target = folder.path().join("all.parquet");
    let (code, ..) =
        weir(&["export", path, "--table", "logs", "--format", "parquet", "-o", target.to_str().unwrap()]);
    assert_eq!(code, Some(0));
    let bytes = std::fs::read(&target).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let (code, _, said) = weir(&["compact", path]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!("another process has this store open (process {})", std::process::id())),
        "{said}"
    );
    drop(store);
}

#[test]
fn damage_is_found_and_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    drop(filled(folder.path()));
    let (code, out, _) = weir(&["check", path]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("no damage: 2 files") && out.contains("3 rows"), "{out}");
    let file = folder.path().join("logs-00000000.parquet");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (code, _, said) = weir(&["check", path]);
    assert_eq!(code, Some(1));
    assert!(said.contains("damaged: logs-00000000.parquet: the block at byte 0"), "{said}");
    assert!(said.contains("weir store repair"), "{said}");
    let (code, out, said) = weir(&["repair", path]);
    assert_eq!((code, out.as_str()), (Some(0), "repaired; rows lost: 1\n"), "{said}");
    assert!(folder.path().join("damaged-logs-00000000.parquet").exists());
    assert_eq!(weir(&["check", path]).0, Some(0));
    let (code, out, _) = weir(&["compact", path]);
    assert_eq!((code, out.as_str()), (Some(0), "files: 1, before: 1\n"));
    assert_eq!(weir(&["export", path, "--table", "logs"]).1.lines().count(), 2);
}

#[test]
fn mistakes_are_explained() {
    for (arguments, told) in [
        (&["inspect", "/nowhere/at/all"][..], "/nowhere/at/all"),
        (&["compact", "/nowhere/at/all"], "/nowhere/at/all"),
        (&["export", "/", "--table", "request"], "did you mean `requests`?"),
    ] {
        let (code, _, said) = weir(arguments);
        assert!(code != Some(0) && said.contains(told), "{said}");
    }
    assert!(!Path::new("/nowhere").exists());
}

#[test]
fn columns_tell_what_they_take() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    drop(filled(folder.path()));
    let (code, out, said) = weir(&["inspect", path, "--columns", "logs"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(out.starts_with("COLUMN") && out.lines().any(|line| line.starts_with("body ")), "{out}");
    let (_, out, _) = weir(&["inspect", path, "--columns", "logs", "--json"]);
    let values = |name: &str| {
        let line = out.lines().find(|line| line.contains(&format!("\"column\":\"{name}\""))).unwrap();
        let (_, values) = line.rsplit_once("\"values\":").unwrap();
        values.trim_end_matches('}').parse::<u64>().unwrap()
    };
    assert!(values("body") > 0 && values("time") > 0, "{out}");
    assert_eq!(out.lines().count(), Table::Logs.columns().len());
    let (code, _, said) = weir(&["inspect", path, "--columns", "loggs"]);
    assert!(code == Some(2) && said.contains("did you mean `logs`?"), "{said}");
}

/// What is said on a terminal.
fn on_a_terminal(arguments: &[&str]) -> String {
    let (mut terminal, mut end) = (0, 0);
    // SAFETY: both are places for descriptors; nothing is asked of the terminal's name, modes or size.
    let opened = unsafe {
        libc::openpty(&mut terminal, &mut end, std::ptr::null_mut(), std::ptr::null(), std::ptr::null())
    };
    assert_eq!(opened, 0);
    // SAFETY: both were just opened and nobody else has them.
    let (mut terminal, end) = unsafe { (File::from_raw_fd(terminal), File::from_raw_fd(end)) };
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    let status = command.arg("store").args(arguments).stdout(Stdio::null()).stderr(end).status().unwrap();
    assert!(status.success());
    drop(command);
    let mut said = [0; 4096];
    let length = terminal.read(&mut said).unwrap();
    String::from_utf8_lossy(&said[..length]).into_owned()
}

#[test]
fn long_work_tells_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    drop(filled(folder.path()));
    for work in ["check", "repair"] {
        let said = on_a_terminal(&[work, path]);
        assert!(said.starts_with('\r') && said.contains(" % of "), "{said:?}");
    }
    assert_eq!(weir(&["check", path]).2, "", "not in a file");
    let (_, out, said) = weir(&["compact", path]);
    assert_eq!((out.as_str(), said.as_str()), ("files: 1, before: 2\n", "3 files merged\n"));
}
