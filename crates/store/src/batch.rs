//! Batches in the form of their tables. Columns that have no value in any row are left out in memory and in the log.

use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, BinaryArray, MapArray, RecordBatch, RecordBatchOptions};
use arrow_schema::Schema;
use schema::histogram::pack;
use schema::{Kind, Table};

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
        let Some(found) = batch.column_by_name(column.name).map(|found| of_today(column.kind, found)) else {
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
            columns.push(found);
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(Arc::new(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?))
}

/// What earlier versions of the schema had otherwise.
pub(crate) fn of_today(kind: Kind, column: &ArrayRef) -> ArrayRef {
    match column.as_map_opt() {
        Some(maps) if kind == Kind::Histogram => Arc::new(packed(maps)),
        _ => Arc::clone(column),
    }
}

/// Histograms were maps until version 2.
fn packed(maps: &MapArray) -> BinaryArray {
    let keys = maps.keys().as_primitive_opt::<Int32Type>();
    let values = maps.values().as_primitive_opt::<Int64Type>();
    let (Some(keys), Some(values)) = (keys, values) else { return BinaryArray::new_null(maps.len()) };
    let mut packed = Vec::new();
    let mut rows = BinaryBuilder::with_capacity(maps.len(), values.len() * 2);
    for row in 0..maps.len() {
        if maps.is_null(row) {
            rows.append_null();
            continue;
        }
        let entries = maps.value_offsets()[row] as usize..maps.value_offsets()[row + 1] as usize;
        let bucket = |place: usize| (keys.value(place).max(0) as u32, values.value(place).max(0) as u64);
        packed.clear();
        pack(entries.map(bucket), &mut packed);
        rows.append_value(&packed);
    }
    rows.finish()
}
