//! Rows into a file.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use schema::{Coding, Kind, Table};

use super::Sums;
use super::sorted::times;
use crate::disk::{Disk, WriteFile};
use crate::error::{Error, Tried};
use crate::manifest::Meta;

/// Rows of a page: what is skipped or read as one. Tests have groups of several pages without thousands of rows.
pub(crate) const PAGE_ROWS: usize = if cfg!(test) { 50 } else { 8192 };
/// Bytes of a dictionary at most: what goes beyond is written as it is. A group's trace ids fit, if they occur twice.
const DICTIONARY: usize = 2 << 20;
/// Wrongly told to be there: 1 of so many that are looked for.
const FILTER_ERRORS: f64 = 0.01;

/// What a file says of itself, so that the manifest can be made anew from files alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) level: u8,
    /// The files whose rows it has; they are gone when this one counts.
    pub(crate) replaces: Vec<u64>,
    /// Log files before this one are not needed when this file counts; 0 where it was made of other files.
    pub(crate) log_from: u64,
}

/// Keys of what a file says of itself.
pub(crate) const KEYS: [&str; 4] = ["weir.version", "weir.level", "weir.replaces", "weir.log_from"];

impl Described {
    fn pairs(&self) -> Vec<KeyValue> {
        let replaces = self.replaces.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        let values =
            [schema::VERSION.to_string(), self.level.to_string(), replaces, self.log_from.to_string()];
        KEYS.iter().zip(values).map(|(key, value)| KeyValue::new((*key).to_owned(), value)).collect()
    }
}

/// Writes rows, which come sorted and part by part, into a file of this number, durably but for its name. The file's name must not
/// be in use. Where it fails nothing of it takes room, if the disk still removes files.
pub(crate) fn write(
    disk: &dyn Disk,
    (table, id): (Table, u64),
    rows: impl Iterator<Item = Result<RecordBatch, Error>>,
    described: &Described,
    row_group: usize,
) -> Result<Meta, Error> {
    let mut meta = Meta {
        id,
        table,
        from: i64::MAX,
        to: i64::MIN,
        rows: 0,
        bytes: 0,
        level: described.level,
        version: schema::VERSION,
        resolution: None,
    };
    let written = write_all(disk, &mut meta, rows, described, row_group);
    if let Err(error) = written {
        remove(disk, &meta);
        return Err(error);
    }
    Ok(meta)
}

/// Removes a file that does not count. What remains is found and removed at the next start.
pub(crate) fn remove(disk: &dyn Disk, meta: &Meta) {
    let _ = disk.remove(&meta.name());
    let _ = disk.remove(&meta.sums_name());
}

fn write_all(
    disk: &dyn Disk,
    meta: &mut Meta,
    rows: impl Iterator<Item = Result<RecordBatch, Error>>,
    described: &Described,
    row_group: usize,
) -> Result<(), Error> {
    let (table, name) = (meta.table, meta.name());
    let file = disk.create(&name).tried("making", &name)?;
    let mut counted = Counted { file, sums: Sums::default(), gathered: Vec::new() };
    let properties = properties(table, row_group, described);
    let mut rows = rows.peekable();
    let schema = match rows.peek() {
        Some(Ok(first)) => first.schema(),
        _ => table.arrow(),
    };
    let mut writer = ArrowWriter::try_new(&mut counted, schema, Some(properties))?;
    for part in rows {
        let part = part?;
        meta.rows += part.num_rows() as u64;
        meta.from = times(&part).iter().copied().fold(meta.from, i64::min);
        meta.to = times(&part).iter().copied().fold(meta.to, i64::max);
        writer.write(&part)?;
    }
    writer.close()?;
    counted.flush().tried("writing", &name)?;
    counted.file.sync().tried("making durable", &name)?;
    meta.bytes = counted.sums.length();
    let name = meta.sums_name();
    let mut file = disk.create(&name).tried("making", &name)?;
    file.write(&counted.sums.encode()).tried("writing", &name)?;
    file.sync().tried("making durable", &name)
}

fn properties(table: Table, row_group: usize, described: &Described) -> WriterProperties {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default());
    let mut builder = WriterProperties::builder()
        .set_created_by("weir".into())
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_max_row_group_row_count(Some(row_group))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_data_page_size_limit(1 << 20)
        .set_dictionary_page_size_limit(DICTIONARY)
        .set_dictionary_enabled(false)
        .set_compression(zstd)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        // All of a file's filters are read at once.
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_key_value_metadata(Some(described.pairs()));
    let paged = |name: &str| table.sorted_by().contains(&name) || table.put_together_by().contains(&name);
    for column in table.columns() {
        // The leaves of nested columns have names of their own; they are as the rest of the file.
        if column.kind == Kind::Map {
            continue;
        }
        let path = || ColumnPath::new(vec![column.name.to_owned()]);
        builder = match column.coding {
            Coding::Delta => builder.set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED),
            Coding::Split => builder.set_column_encoding(path(), Encoding::BYTE_STREAM_SPLIT),
            Coding::Dictionary => builder.set_column_dictionary_enabled(path(), true),
            Coding::Compressed => builder,
            Coding::Lengths => builder.set_column_encoding(path(), Encoding::DELTA_LENGTH_BYTE_ARRAY),
            Coding::Plain => builder.set_column_compression(path(), Compression::UNCOMPRESSED),
        };
        if matches!(column.kind, Kind::Text | Kind::Bytes(_) | Kind::Histogram) {
            // Bounds of what is all different exclude nothing.
            builder = builder.set_column_statistics_enabled(path(), EnabledStatistics::None);
        }
        if paged(column.name) || column.kind == Kind::Duration {
            builder = builder.set_column_statistics_enabled(path(), EnabledStatistics::Page);
        }
        if column.keyed {
            builder = builder
                .set_column_bloom_filter_enabled(path(), true)
                .set_column_bloom_filter_fpp(path(), FILTER_ERRORS)
                .set_column_bloom_filter_max_ndv(path(), row_group as u64);
        }
    }
    builder.build()
}

/// Bytes that are gathered before they are written.
const GATHERED: usize = 256 * 1024;

struct Counted {
    file: Box<dyn WriteFile>,
    sums: Sums,
    gathered: Vec<u8>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sums.take(bytes);
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= GATHERED {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.gathered.is_empty() {
            self.file.write(&self.gathered)?;
            self.gathered.clear();
        }
        Ok(())
    }
}
