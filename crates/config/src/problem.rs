//! What is wrong with what was set, and where.

use std::fmt;
use std::sync::Arc;

/// Most problems that are told at once: the first ones usually explain the rest.
const MOST: usize = 20;

/// A place in a file; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file or the variable, where it has one.
    pub origin: Option<Arc<str>>,
    /// Where in the file.
    pub place: Option<Place>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Problem {
    /// A problem at a place of a text whose name is not known yet.
    pub(crate) fn at(place: Place, message: impl Into<String>) -> Self {
        Problem { origin: None, place: Some(place), message: message.into() }
    }

    /// A problem of a whole file or variable.
    pub(crate) fn of(origin: &str, message: impl Into<String>) -> Self {
        Problem { origin: Some(origin.into()), place: None, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}:")?;
        }
        if let Some(place) = &self.place {
            write!(f, "{place}:")?;
        }
        let space = if self.origin.is_some() || self.place.is_some() { " " } else { "" };
        write!(f, "{space}{}", self.message)
    }
}

/// All that is wrong, in the order in which it was found; shown one a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    told: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// Takes one more; beyond a bound they are only counted.
    pub(crate) fn push(&mut self, problem: Problem) {
        if !self.is_full() {
            self.told.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// True when more would only be counted, so that nothing needs to be found out about them.
    pub(crate) fn is_full(&self) -> bool {
        self.told.len() >= MOST
    }

    pub(crate) fn append(&mut self, other: Problems) {
        other.told.into_iter().for_each(|problem| self.push(problem));
        self.more += other.more;
    }

    /// Says which file or variable those are of that do not know it yet.
    pub(crate) fn named(mut self, origin: &str) -> Self {
        let origin: Arc<str> = origin.into();
        for problem in &mut self.told {
            problem.origin.get_or_insert_with(|| origin.clone());
        }
        self
    }

    /// True when nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// How many there are, those that are not told included.
    pub fn len(&self) -> usize {
        self.told.len() + self.more
    }

    /// Those that are told.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.told.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Problems { told: vec![problem], more: 0 }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.told.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
