//! What can go wrong.

use std::io;

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;
use thiserror::Error;

/// Why something was not done.
#[derive(Debug, Error)]
pub enum Error {
    /// The disk did not do as it was told.
    #[error("{what}: {cause}")]
    Io {
        /// What was tried, and with which file.
        what: String,
        /// What the system said. Not called the source, which would be told a second time where all causes are.
        cause: io::Error,
    },
    /// Another process has the store.
    #[error("another process has this store open{holder}; one at a time can use it")]
    Locked {
        /// Which one, as far as it is known: ` (process 812)`.
        holder: String,
    },
    /// A folder has nothing of a store.
    #[error("{folder}: there is no store in this folder")]
    NoStore {
        /// The folder.
        folder: String,
    },
    /// What is stored is not what was written.
    #[error("{0}")]
    Damaged(String),
    /// A file was written by a later version.
    #[error("{name} has the format of version {found}; this program knows versions up to {known}")]
    TooNew {
        /// The file.
        name: String,
        /// Its version.
        found: u32,
        /// The latest version that is known.
        known: u32,
    },
    /// More waits to be written than may wait: send it again later.
    #[error("the store is behind: {waiting} bytes wait to be written; send it again later")]
    Busy {
        /// How much waits.
        waiting: usize,
    },
    /// A batch is not of the table's form, or too large.
    #[error("this batch cannot be stored: {0}")]
    Unfit(String),
    /// A batch's number is so old that nobody knows any more whether it was stored.
    #[error("batch {sequence} of source {source_id:016x} is too old: {last} was stored already")]
    TooOld {
        /// The sender.
        source_id: u64,
        /// The batch's number.
        sequence: u64,
        /// The greatest number that was stored.
        last: u64,
    },
    /// The batch was not made durable, because an earlier write with it failed.
    #[error("not stored: {0}")]
    NotStored(String),
    /// The store was closed meanwhile.
    #[error("the store is closed")]
    Closed,
    /// The question makes no sense.
    #[error(transparent)]
    Invalid(#[from] schema::query::Invalid),
    /// The answer would take more memory than a query may have.
    #[error(
        "the answer needs more than {limit} bytes of memory: ask for fewer groups, a shorter time or a lower limit"
    )]
    TooMuch {
        /// What a query may have.
        limit: usize,
    },
    /// The one who asked is gone.
    #[error("cancelled")]
    Cancelled,
    /// Columns could not be worked with.
    #[error(transparent)]
    Arrow(ArrowError),
    /// A file of columns could not be read or written.
    #[error(transparent)]
    Parquet(ParquetError),
}

/// Our own checks speak through the libraries that read files: they are told in their own words. What the system says of a file that
/// is written comes the same way.
impl From<ParquetError> for Error {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(error) => match error.downcast::<io::Error>() {
                Ok(cause) if !is_of_check(&cause) => Error::Io { what: "writing rows".into(), cause: *cause },
                Ok(cause) => Error::Damaged(cause.to_string()),
                Err(error) => Error::Damaged(error.to_string()),
            },
            other => Error::Parquet(other),
        }
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::ParquetError(text) => {
                Error::Damaged(text.strip_prefix("External: ").unwrap_or(&text).to_owned())
            }
            other => Error::Arrow(other),
        }
    }
}

/// Whether it is from reading a file that is checked: then it has our words, and no number of the system.
fn is_of_check(error: &io::Error) -> bool {
    error.raw_os_error().is_none() && error.kind() != io::ErrorKind::StorageFull
}

/// Adds what was tried to the system's error.
pub(crate) trait Tried<T> {
    fn tried(self, what: &str, name: &str) -> Result<T, Error>;
}

impl<T> Tried<T> for io::Result<T> {
    fn tried(self, what: &str, name: &str) -> Result<T, Error> {
        self.map_err(|cause| Error::Io { what: format!("{what} {name}"), cause })
    }
}
