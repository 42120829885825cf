//! The comparison that most tests end with.

use std::ops::Range;

use capture_tests::observer::Told;
use capture_tests::stream::{Rebuilt, outline, rebuild};
use model::Direction;

/// What [`capture_tests::observer::Observer::config`] captures of a run of bytes.
pub(crate) const BUDGET: usize = 4096;

/// As [`reaches`], and there must be payload in exactly these ranges.
pub(crate) fn compare(
    told: &Told,
    direction: Direction,
    truth: &[u8],
    captured: &[Range<usize>],
) -> Result<(), String> {
    let rebuilt = reaches(told, direction, truth)?;
    if rebuilt.captured != captured {
        let what = format!("payload of {:?} instead of {captured:?}", rebuilt.captured);
        return Err(explained(told, direction, &what));
    }
    Ok(())
}

/// What was told of a direction must reach exactly to the end of `truth`, show no other bytes than these, and lack no
/// record in between.
pub(crate) fn reaches(told: &Told, direction: Direction, truth: &[u8]) -> Result<Rebuilt, String> {
    let chunks = &told.chunks[direction.index()];
    let Some(first) = chunks.first() else { return Err(format!("{direction:?}: no chunk")) };
    let rebuilt = rebuild(chunks, first.previous_end, truth).map_err(|w| format!("{direction:?}: {w}"))?;
    if rebuilt.end != truth.len() {
        let what = format!("reaches {} of {}", rebuilt.end, truth.len());
        return Err(explained(told, direction, &what));
    }
    if rebuilt.breaks > 0 {
        return Err(explained(told, direction, "a record is missing"));
    }
    Ok(rebuilt)
}

fn explained(told: &Told, direction: Direction, what: &str) -> String {
    let chunks = &told.chunks[direction.index()];
    format!("{direction:?}: {what}: {}", outline(chunks, chunks[0].previous_end))
}
