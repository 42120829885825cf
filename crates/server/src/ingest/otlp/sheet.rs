//! A table's rows as they are made of a message, within a bound, and what was not taken of it.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use schema::{Rows, Table};

use super::attributes::{Attributes, Resource};

/// Bytes that the rows of a message may take. A resource's attributes are told once in a message, and stand in each of its
/// rows: what is small as a message may be large as rows.
const MOST_BYTES: usize = 64 << 20;
/// What a row takes at least. So there are no more of them than a batch may have.
const LEAST: usize = 96;

/// What became of a message.
#[derive(Debug)]
pub struct Converted {
    /// What is to be stored.
    pub batch: RecordBatch,
    /// Items that are not among it because they make no sense, or there was no room for them.
    pub rejected: u64,
    /// Why, or what else there is to be said to the sender.
    pub message: Option<&'static str>,
}

/// Where the columns are that all of them have.
pub(super) struct Common {
    pub(super) time: usize,
    pub(super) service: usize,
    pub(super) host: usize,
    pub(super) attributes: usize,
}

/// The place of a column. A test sees to it that there are those that are asked for.
pub(super) fn place(table: Table, name: &str) -> usize {
    table.column(name).map_or(usize::MAX, |(place, _)| place)
}

pub(super) struct Sheet {
    pub(super) rows: Rows,
    common: Common,
    bytes: usize,
    rejected: u64,
    message: Option<&'static str>,
}

impl Sheet {
    pub(super) fn new(table: Table) -> Self {
        let common = Common {
            time: place(table, "time"),
            service: place(table, model::names::SERVICE_NAME),
            host: place(table, model::names::HOST_NAME),
            attributes: place(table, "attributes"),
        };
        Sheet { rows: Rows::new(table), common, bytes: 0, rejected: 0, message: None }
    }

    /// Leaves an item out.
    pub(super) fn reject(&mut self, why: &'static str) {
        self.rejected += 1;
        self.message.get_or_insert(why);
    }

    /// Ends a row with what all have. `bytes` is what its own columns take.
    pub(super) fn end(
        &mut self,
        time: i64,
        resource: &Resource<'_>,
        attributes: &Attributes<'_>,
    ) -> Result<(), ArrowError> {
        self.rows.number(self.common.time, time);
        if let Some(service) = &resource.service {
            self.rows.text(self.common.service, service);
        }
        if let Some(host) = &resource.host {
            self.rows.text(self.common.host, host);
        }
        if !attributes.is_empty() {
            self.rows.map(self.common.attributes, attributes.iter());
        }
        self.rows.end()
    }

    /// Whether there is room for a row whose own texts take so many bytes; it is left out otherwise.
    pub(super) fn admits(&mut self, texts: usize, attributes: &Attributes<'_>) -> bool {
        let bytes = LEAST + texts + attributes.bytes();
        let fits = self.bytes + bytes <= MOST_BYTES;
        if fits {
            self.bytes += bytes;
            if attributes.is_cut() {
                self.message
                    .get_or_insert("only the first 128 attributes of each item and resource are kept");
            }
        } else {
            self.reject("the message comes to more than 64 MiB as rows: send fewer items at a time");
        }
        fits
    }

    pub(super) fn finish(mut self) -> Result<Converted, ArrowError> {
        Ok(Converted { batch: self.rows.finish()?, rejected: self.rejected, message: self.message })
    }
}

/// A time as columns have it: before the year 2262.
pub(super) fn time(nanoseconds: u64) -> Option<i64> {
    i64::try_from(nanoseconds).ok().filter(|time| *time > 0)
}

/// An id of `N` bytes that are not all zero.
pub(super) fn id<const N: usize>(bytes: &[u8]) -> Option<&[u8; N]> {
    bytes.try_into().ok().filter(|id: &&[u8; N]| id.iter().any(|byte| *byte != 0))
}
