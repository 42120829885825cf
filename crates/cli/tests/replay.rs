//! What real servers and clients said, as it is seen at the widths that terminals have.

use std::path::{Path, PathBuf};
use std::process::Command;

use weir_cli::text;

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../requests/tests/recordings");
    let entries = std::fs::read_dir(folder).expect("a folder of recordings");
    let mut found: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "events"));
    found.sort();
    found
}

fn table(recording: &Path, columns: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["dev", "replay"])
        .arg(recording)
        .env("COLUMNS", columns)
        .env("TZ", "UTC")
        .output()
        .expect("weir runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_recording_fits_every_width() {
    let recordings = recordings();
    assert!(recordings.len() >= 10, "{recordings:?}");
    for recording in &recordings {
        let records = std::fs::read_to_string(recording.with_extension("jsonl")).expect("what it gives");
        let records = records.lines().count();
        for columns in [40, 60, 80, 120, 200] {
            let table = table(recording, &columns.to_string());
            let wide = table.lines().find(|line| text::width(line) > columns);
            assert_eq!(wide, None, "{}: wider than {columns}", recording.display());
            assert_eq!(table.lines().count().saturating_sub(1), records, "{}", recording.display());
            // Of a protocol that is not known nothing is shown.
            let Some(header) = table.lines().next() else { continue };
            let at = header.find("REQUEST").expect("a column of requests");
            let at = text::width(&header[..at]);
            let blank = table.lines().find(|line| line.chars().nth(at).is_none_or(|char| char == ' '));
            assert_eq!(blank, None, "{}: a request is missing at {columns}", recording.display());
        }
    }
}

#[test]
fn a_width_that_makes_no_sense_is_none() {
    let recording = recordings().remove(0);
    let usual = table(&recording, "100");
    for columns in ["", "0", "-1", "many", "99999999999999999999", "1000000"] {
        assert_eq!(table(&recording, columns), usual, "{columns:?}");
    }
}

/// What a person sees of databases in 60 columns: statements, as far as they go.
#[test]
fn statements_in_sixty_columns() {
    let recordings = recordings();
    let recording = |name: &str| recordings.iter().find(|path| path.ends_with(name)).expect("a recording");
    let cases = [
        ("postgresql_asyncpg.events", "SELECT pg_sleep(?)"),
        ("postgresql_psql.events", "SELECT * FROM items WHERE…"),
        ("mysql_text.events", "SELECT * FROM nothing"),
        ("mysql_prepared.events", "INSERT INTO test_php"),
        ("redis_commands.events", "HGETALL "),
    ];
    for (name, expected) in cases {
        let table = table(recording(name), "60");
        assert!(table.contains(expected), "{name}: no {expected} in\n{table}");
    }
}
