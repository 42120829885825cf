//! `weir store check`, `repair` and `compact`.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use store::{Config, Progress, Store};

use crate::say::{answer, say};
use crate::units::{Count, Size};

pub(super) fn check(folder: &Path) -> anyhow::Result<()> {
    let mut meter = Meter::new();
    let checked = store::check(folder, |progress| meter.tell(progress))?;
    meter.end();
    for leftover in &checked.leftovers {
        say(format_args!("left by a crash, harmless: {leftover}"));
    }
    for damaged in &checked.damaged {
        say(format_args!("damaged: {damaged}"));
    }
    let (files, bytes, rows) = (checked.files, Size(checked.bytes), Count(checked.rows));
    match checked.damaged.len() {
        0 => Ok(answer(&format!("no damage: {files} files, {bytes}, {rows} rows\n"))?),
        damages => {
            let folder = folder.display();
            bail!("{damages} damages; `weir store repair {folder}` saves what can be read")
        }
    }
}

pub(super) fn repair(folder: &Path) -> anyhow::Result<()> {
    let mut meter = Meter::new();
    let repaired = store::repair(folder, |progress| meter.tell(progress))?;
    meter.end();
    for done in &repaired.done {
        say(done);
    }
    let told = match (repaired.done.is_empty(), repaired.lost_rows) {
        (true, _) => "nothing was damaged\n".to_owned(),
        (false, lost) => format!("repaired; rows lost: {}\n", Count(lost)),
    };
    Ok(answer(&told)?)
}

pub(super) fn compact(folder: &Path) -> anyhow::Result<()> {
    // A mistyped name is not to become a store.
    store::Reader::open(folder, Config::default())?;
    let (store, opening) = Store::open(folder, Config::default())?;
    for damaged in &opening.damaged {
        say(format_args!("caution: {damaged}"));
    }
    let before = store.content().files.len();
    store.flush()?;
    store.compact(|merged| say(format_args!("{merged} files merged")))?;
    let after = store.content().files.len();
    Ok(answer(&format!("files: {after}, before: {before}\n"))?)
}

/// Tells on a terminal how far it is.
struct Meter {
    last: Option<Instant>,
    shown: bool,
}

/// How often it is told.
const TOLD_EVERY: Duration = Duration::from_millis(200);

impl Meter {
    fn new() -> Self {
        Meter { last: None, shown: std::io::stderr().is_terminal() }
    }

    fn tell(&mut self, progress: Progress) {
        if !self.shown || self.last.is_some_and(|last| last.elapsed() < TOLD_EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        let percent = progress.done * 100 / progress.of.max(1);
        // Nobody may look.
        let _ = write!(std::io::stderr(), "\r{percent:>3} % of {}", Size(progress.of));
    }

    fn end(&self) {
        if self.last.is_some() {
            say("");
        }
    }
}
