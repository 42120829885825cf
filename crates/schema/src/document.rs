//! The tables as documentation.

use std::fmt::Write;

use crate::histogram::STORED_BITS;
use crate::{TOGETHER, Table, VERSION};

/// A section for each table.
pub fn document() -> String {
    let mut text = format!(
        "The schema has version {VERSION}. Buckets and counts are bytes in the files: for each bucket with values in it, how far it is from the one before and how many values, both as LEB128 (until version 2 they were maps). Bucket 0 to {} is a number of nanoseconds; each doubling above has {} buckets.\n",
        (1 << (STORED_BITS + 1)) - 1,
        1 << STORED_BITS
    );
    for table in Table::ALL {
        let [first, second] = table.sorted_by();
        let by: Vec<String> = table.put_together_by().iter().map(|name| format!("`{name}`")).collect();
        let together = if by.is_empty() {
            String::new()
        } else {
            format!(" (of {TOGETHER} at a time those are put together that have the same {})", by.join(", "))
        };
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "\n### `{table}`\n\n{}. Rows of a file are sorted by `{first}`, then `{second}`{together}.\n\n| column | is | tells |\n|---|---|---|\n",
            table.help()
        );
        for column in table.columns() {
            let kind = column.kind.title();
            let optional = if column.optional { "" } else { ", always" };
            let keyed = if column.keyed { ", with a filter" } else { "" };
            let _ = writeln!(text, "| `{}` | {kind}{optional}{keyed} | {} |", column.name, column.help);
        }
    }
    text
}
