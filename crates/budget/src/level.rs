//! How much is left out.

use std::fmt;

/// What kind of thing is left out. Each stage leaves out what those before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing.
    Nothing,
    /// What is captured beyond the least, and attributes that no metric has.
    Details,
    /// Spans of requests that were fast and went well.
    FastSpans,
    /// Connections.
    Connections,
}

/// How much is left out: the stages, and within the last one how small a share of connections is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

/// The last level that keeps connections: one in 1,024.
const LEAST_SHARE: u8 = 12;

impl Level {
    /// All is kept.
    pub const NOTHING: Level = Level(0);
    /// All connections are left out.
    pub const ALL: Level = Level(LEAST_SHARE + 1);

    /// The stage that this level is of.
    pub fn stage(self) -> Stage {
        match self.0 {
            0 => Stage::Nothing,
            1 => Stage::Details,
            2 => Stage::FastSpans,
            _ => Stage::Connections,
        }
    }

    /// How often the number of connections is halved; `None` where none is kept.
    pub fn halvings(self) -> Option<u32> {
        (self.0 <= LEAST_SHARE).then(|| u32::from(self.0.saturating_sub(2)))
    }

    /// The level at which `stage` begins.
    pub(crate) fn first_of(stage: Stage) -> Level {
        Level(stage as u8)
    }

    /// So many steps further.
    pub(crate) fn further(self, steps: u32) -> Level {
        let steps = u8::try_from(steps).unwrap_or(u8::MAX);
        Level(self.0.saturating_add(steps).min(Self::ALL.0))
    }

    /// One step back.
    pub(crate) fn back(self) -> Level {
        Level(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.stage(), self.halvings()) {
            (Stage::Nothing, _) => f.write_str("nothing is left out"),
            (Stage::Details, _) => {
                f.write_str("attributes that no metric has are left out; metrics stay exact")
            }
            (Stage::FastSpans, _) => f.write_str(
                "spans of fast successful requests are left out, and attributes; metrics stay exact",
            ),
            (Stage::Connections, Some(halvings)) => {
                write!(f, "1 of {} connections is kept, the others are left out", 1u64 << halvings)
            }
            (Stage::Connections, None) => f.write_str("all connections are left out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_go_from_nothing_to_all() {
        let mut level = Level::NOTHING;
        let mut told = Vec::new();
        loop {
            told.push((level.stage(), level.halvings()));
            if level == Level::ALL {
                break;
            }
            assert_eq!(level.further(1).back(), level);
            level = level.further(1);
        }
        assert_eq!(told[0], (Stage::Nothing, Some(0)));
        assert_eq!(told[1], (Stage::Details, Some(0)));
        assert_eq!(told[2], (Stage::FastSpans, Some(0)));
        assert_eq!(told[3], (Stage::Connections, Some(1)));
        assert_eq!(told[12], (Stage::Connections, Some(10)));
        assert_eq!(told[13], (Stage::Connections, None));
        assert_eq!(told.len(), 14);
        for stage in [Stage::Nothing, Stage::Details, Stage::FastSpans, Stage::Connections] {
            assert_eq!(Level::first_of(stage).stage(), stage);
        }
        assert_eq!((Level::ALL.further(u32::MAX), Level::NOTHING.back()), (Level::ALL, Level::NOTHING));
        assert!(Level::first_of(Stage::Connections).to_string().starts_with("1 of 2 connections is kept"));
    }
}
