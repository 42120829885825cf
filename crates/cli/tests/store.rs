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
    // More than one bit, which could be put right.
    bytes[100] ^= 3;
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

/// Standard error of an export whose reader goes after the first bytes, and its exit code.
fn with_a_reader_that_goes(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    let command = command.arg("store").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_export_ends_quietly_when_nobody_reads_and_leaves_no_half_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let path = store.to_str().unwrap();
    drop(filled(&store));
    for format in ["json", "csv", "parquet"] {
        let found = with_a_reader_that_goes(&["export", path, "--table", "logs", "--format", format]);
        assert_eq!(found, (Some(0), String::new()), "{format}");
    }
    let target = folder.path().join("all.parquet");
    // Files may have 1 KiB, which is not enough for this one.
    let script =
        "trap '' XFSZ; ulimit -f 1; exec \"$0\" store export \"$1\" --table logs --format parquet -o \"$2\"";
    let mut command = Command::new("bash");
    command.args(["-c", script, env!("CARGO_BIN_EXE_weir"), path, target.to_str().unwrap()]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(1) && said.contains("all.parquet: writing rows: File too large"),
        "{said}"
    );
    let names = || {
        let names = std::fs::read_dir(folder.path()).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(names(), ["store"]);
    let export = ["export", path, "--table", "logs", "--format", "parquet", "-o", target.to_str().unwrap()];
    // What another one did not finish is in nobody's way.
    std::fs::write(folder.path().join("all.parquet.part"), "half of it").unwrap();
    assert_eq!(weir(&export).0, Some(0));
    assert_eq!(names().len(), 2, "{:?}", names());
    let (code, _, said) = weir(&export);
    assert!(code == Some(1) && said.contains("is there already"), "{said}");
}

#[test]
fn an_export_says_what_the_log_has_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    drop(filled(folder.path()));
    let mut logs = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let log = logs.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("log-")).unwrap();
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let (code, out, said) = weir(&["export", path, "--table", "logs"]);
    assert_eq!((code, out.lines().count()), (Some(1), 2), "{said}");
    assert!(said.contains("the last batch") && said.contains("weir store repair"), "{said}");
}

#[test]
fn a_damaged_manifest_takes_nothing_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    drop(filled(folder.path()));
    assert_eq!(weir(&["compact", path]).0, Some(0));
    std::fs::write(folder.path().join("manifest"), "").unwrap();
    let (code, out, said) = weir(&["export", path, "--table", "logs"]);
    assert!(code == Some(1) && out.is_empty() && said.contains("manifest"), "{said}");
    for work in ["check", "compact"] {
        let (code, _, said) = weir(&[work, path]);
        assert!(code == Some(1) && said.contains("weir store repair"), "{work}: {said}");
        assert!(!said.contains("harmless"), "{work}: {said}");
    }
    assert_eq!(weir(&["repair", path]).1, "repaired; rows lost: 0\n");
    assert_eq!(weir(&["export", path, "--table", "logs"]).1.lines().count(), 3);
}

#[test]
fn a_folder_of_something_else_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("sales-2024.parquet"), "of others").unwrap();
    for work in ["inspect", "check", "repair", "compact", "export"] {
        let (code, _, said) = weir(&[work, path]);
        let told = said == format!("weir: {path}: there is no store in this folder\n");
        assert!(code == Some(1) && told, "{work}: {said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let (_, _, said) = weir(&["check", "/nowhere"]);
    assert_eq!(said.matches("os error").count(), 1, "{said}");
}
