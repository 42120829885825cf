//! All rows of a table, for other programs.

use std::io::Write;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use schema::Table;
use schema::query::Cell;

use crate::error::Error;
use crate::query::Field;
use crate::reader::Reader;
use crate::segment;

impl Reader {
    /// All rows of a table, as values in the order of its columns; tells what is damaged and left out.
    ///
    /// # Errors
    ///
    /// When `take` fails.
    pub fn cells<E: From<Error>>(
        &self,
        table: Table,
        mut take: impl FnMut(&[Cell]) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let names: Vec<String> = table.columns().iter().map(|column| column.name.to_owned()).collect();
        let fields = Field::all(table, &names).map_err(Error::from)?;
        let mut cells = Vec::with_capacity(fields.len());
        self.rows(table, |batch: &RecordBatch| {
            let values: Vec<_> = fields.iter().map(|field| field.values(batch)).collect();
            for row in 0..batch.num_rows() {
                cells.clear();
                cells.extend(fields.iter().zip(&values).map(|(field, values)| field.cell(values, row)));
                take(&cells)?;
            }
            Ok(())
        })
    }

    /// All rows of a table as one file of Parquet; `told` gets how many more are written, again and again. Tells what is damaged and left
    /// out.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written.
    pub fn parquet(
        &self,
        table: Table,
        out: impl Write + Send,
        mut told: impl FnMut(u64),
    ) -> Result<Vec<String>, Error> {
        let zstd = Compression::ZSTD(ZstdLevel::default());
        let properties =
            WriterProperties::builder().set_created_by("weir".into()).set_compression(zstd).build();
        let mut writer = ArrowWriter::try_new(out, table.arrow(), Some(properties))?;
        let damaged = self.rows(table, |batch: &RecordBatch| {
            // It brings all columns back, which a batch leaves out where they are empty.
            let batches = [std::sync::Arc::new(batch.clone())];
            let sorted = segment::Sorted::new(table, &batches);
            sorted.parts(batch.num_rows()).try_for_each(|whole| Ok::<(), Error>(writer.write(&whole?)?))?;
            told(batch.num_rows() as u64);
            Ok::<(), Error>(())
        })?;
        writer.close()?;
        Ok(damaged)
    }
}
