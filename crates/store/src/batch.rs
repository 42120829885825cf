//! Batches in the form of their tables. Columns that have no value in any row are left out in memory and in the log.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::Schema;
use schema::Table;

use crate::error::Error;

/// Most rows of a batch.
pub(crate) const MOST_ROWS: usize = 1 << 20;

/// Takes a batch whose columns are some of the table's, in any order. Columns that the table does not have are not taken.
pub(crate) fn fit(table: Table, batch: &RecordBatch) -> Result<Arc<RecordBatch>, Error> {
    let rows = batch.num_rows();
    if rows > MOST_ROWS {
        return Err(Error::Unfit(format!("{rows} rows are more than {MOST_ROWS}")));
    }
    let (mut fields, mut columns): (Vec<_>, Vec<ArrayRef>) = Default::default();
    let schema = table.arrow();
    for (place, column) in table.columns().iter().enumerate() {
        let Some(found) = batch.column_by_name(column.name) else {
            if column.optional {
                continue;
            }
            return Err(Error::Unfit(format!("column `{}` of `{table}` is missing", column.name)));
        };
        if *found.data_type() != column.kind.arrow() {
            return Err(Error::Unfit(format!("column `{}` of `{table}` has another type", column.name)));
        }
        if !column.optional && found.null_count() > 0 {
            return Err(Error::Unfit(format!("column `{}` of `{table}` lacks values", column.name)));
        }
        if found.null_count() < rows || rows == 0 {
            fields.push(Arc::clone(&schema.fields()[place]));
            columns.push(Arc::clone(found));
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(Arc::new(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?))
}
