//! What is said at the end of `weir requests`: how much was seen, and what was not.

use std::borrow::Cow;
use std::fmt;

use crate::units::{Count, Duration, Size};

/// A label and how often it was counted.
pub type Tally = (Cow<'static, str>, u64);

/// Counts of one run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// How long it ran: nanoseconds.
    pub duration: u64,
    /// Requests that were shown.
    pub shown: u64,
    /// Requests that were seen, shown or not.
    pub seen: u64,
    /// Events that were lost, by cause.
    pub lost: Vec<Tally>,
    /// Events of connections that spoke while Weir began, before they were announced.
    pub early: u64,
    /// Bytes that were to be shown and were not, within connections that are read.
    pub lost_bytes: u64,
    /// Bytes with messages in them that are beyond what is captured of a run.
    pub uncaptured_bytes: u64,
    /// Messages that could not be understood, by protocol.
    pub unparsed: Vec<Tally>,
    /// Connections that were not looked into, by label (`tls`, `unknown`).
    pub left_alone: Vec<Tally>,
    /// Remote addresses whose name was forgotten.
    pub forgotten_names: u64,
}

impl fmt::Display for Summary {
    /// Lines without a count are left out, but for that of losses: their absence is worth a word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = if self.seen == 1 { "request" } else { "requests" };
        write!(f, "{} {requests} in {}", Count(self.seen), Duration(self.duration))?;
        if self.shown != self.seen {
            write!(f, ", {} shown", Count(self.shown))?;
        }
        if total(&self.lost) == 0 && self.lost_bytes == 0 && self.uncaptured_bytes == 0 {
            write!(f, "\nnothing lost")?;
        }
        tallies(f, "event", "lost", &self.lost)?;
        match self.early {
            0 => {}
            1 => write!(f, "\n1 event left out of connections that spoke at the start")?,
            many => write!(f, "\n{} events left out of connections that spoke at the start", Count(many))?,
        }
        if self.lost_bytes > 0 {
            write!(f, "\n{} missing within connections", Size(self.lost_bytes))?;
        }
        if self.uncaptured_bytes > 0 {
            write!(f, "\n{} of messages beyond what is captured", Size(self.uncaptured_bytes))?;
        }
        tallies(f, "message", "not understood", &self.unparsed)?;
        tallies(f, "connection", "left alone", &self.left_alone)?;
        match self.forgotten_names {
            0 => Ok(()),
            1 => write!(f, "\nthe name of 1 remote address forgotten"),
            many => write!(f, "\nthe names of {} remote addresses forgotten", Count(many)),
        }
    }
}

pub(crate) fn total(tallies: &[Tally]) -> u64 {
    tallies.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
}

/// `12 messages not understood: http 9, redis 3`
pub(crate) fn tallies(f: &mut fmt::Formatter<'_>, what: &str, how: &str, tallies: &[Tally]) -> fmt::Result {
    let total = total(tallies);
    if total == 0 {
        return Ok(());
    }
    let plural = if total == 1 { "" } else { "s" };
    write!(f, "\n{} {what}{plural} {how}", Count(total))?;
    let counted = tallies.iter().filter(|(_, count)| *count > 0);
    for (place, (label, count)) in counted.enumerate() {
        write!(f, "{}{label} {}", if place == 0 { ": " } else { ", " }, Count(*count))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_was_not_seen() {
        let summary = Summary {
            duration: 12_300_000_000,
            shown: 1204,
            seen: 5310,
            lost: vec![("ring full".into(), 2), ("memory".into(), 0), ("too many streams".into(), 1)],
            early: 45,
            lost_bytes: 4_400,
            uncaptured_bytes: 70_000,
            unparsed: vec![("http".into(), 9), ("redis".into(), 3)],
            left_alone: vec![("tls".into(), 4), ("unknown".into(), 1)],
            forgotten_names: 8192,
        };
        let expected = "\
5,310 requests in 12 s, 1,204 shown
3 events lost: ring full 2, too many streams 1
45 events left out of connections that spoke at the start
4.4 kB missing within connections
70 kB of messages beyond what is captured
12 messages not understood: http 9, redis 3
5 connections left alone: tls 4, unknown 1
the names of 8,192 remote addresses forgotten";
        assert_eq!(summary.to_string(), expected);
    }

    #[test]
    fn a_quiet_run_is_quiet() {
        let summary = Summary {
            duration: 1_500_000_000,
            shown: 1,
            seen: 1,
            lost: vec![("ring".into(), 0)],
            ..Summary::default()
        };
        assert_eq!(summary.to_string(), "1 request in 1.5 s\nnothing lost");
    }

    #[test]
    fn bytes_that_are_missing_are_not_nothing() {
        let summary = Summary { lost_bytes: 12, ..Summary::default() };
        assert_eq!(summary.to_string(), "0 requests in 0 ns\n12 B missing within connections");
    }

    #[test]
    fn one_is_not_many() {
        let summary = Summary { left_alone: vec![("tls".into(), 1)], ..Summary::default() };
        assert_eq!(summary.to_string(), "0 requests in 0 ns\nnothing lost\n1 connection left alone: tls 1");
    }
}
