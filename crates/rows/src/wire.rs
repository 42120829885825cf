//! A batch as it goes from an agent to a server: who sent it and which of its batches it is, the table, and the rows as a stream of
//! Arrow's IPC format with dictionaries, compressed by zstd.
//!
//! The head is 8 bytes `weirrow1`; the sender, the batch's number (u64 each, little-endian); the length of the table's name (u8) and
//! the name. Whatever lies on a sender's disk for however long keeps the number that it is known by: so it is stored once.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Schema};
use schema::Table;
use thiserror::Error;

/// Where servers take batches.
pub const PATH: &str = "/api/v1/agent/batches";
/// What a batch is to HTTP.
pub const MEDIA: &str = "application/vnd.weir.rows";
const BEGINNING: &[u8; 8] = b"weirrow1";
/// zstd's level: as fast as the network, and half the size.
const LEVEL: i32 = 1;
/// What zstd may look back by: 8 MiB.
const WINDOW: u32 = 23;
/// Bytes that are unpacked at a time.
const PIECE: u64 = 64 << 10;

/// A batch, and by what it is known.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The sender.
    pub source: u64,
    /// The number of its batch; numbers rise.
    pub sequence: u64,
    /// The table.
    pub table: Table,
    /// The rows.
    pub batch: RecordBatch,
}

/// Why bytes are no batch.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Wrong {
    /// They begin otherwise, or end too early.
    #[error("this is no batch of rows")]
    Beginning,
    /// The table is none.
    #[error("there is no table `{0}` that agents fill")]
    Table(String),
    /// They are more than may be, unpacked.
    #[error("a batch has {0} bytes at most")]
    TooLarge(usize),
    /// They are not packed as they should be.
    #[error("it is not whole: {0}")]
    Packed(String),
    /// The rows cannot be read.
    #[error("its rows cannot be read: {0}")]
    Rows(String),
}

/// Writes a batch. Columns that are empty are left out.
///
/// # Errors
///
/// None that rows could bring about.
pub fn encode(source: u64, sequence: u64, table: Table, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let name = table.name().as_bytes();
    let mut bytes = Vec::with_capacity(64 + batch.get_array_memory_size() / 8);
    bytes.extend_from_slice(BEGINNING);
    bytes.extend_from_slice(&source.to_le_bytes());
    bytes.extend_from_slice(&sequence.to_le_bytes());
    // Names of tables are short.
    bytes.push(name.len() as u8);
    bytes.extend_from_slice(name);
    let batch = without_empty(batch)?;
    let packer = zstd::stream::write::Encoder::new(bytes, LEVEL)?;
    let mut writer = StreamWriter::try_new(packer, &batch.schema())?;
    writer.write(&batch)?;
    writer.finish()?;
    Ok(writer.into_inner()?.finish()?)
}

fn without_empty(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let filled = |column: &ArrayRef| column.null_count() < batch.num_rows();
    let places: Vec<usize> = (0..batch.num_columns()).filter(|place| filled(batch.column(*place))).collect();
    batch.project(&places)
}

/// Reads a batch of `most` bytes at most, whatever the bytes are.
///
/// # Errors
///
/// When they are no batch.
pub fn decode(bytes: &[u8], most: usize) -> Result<Sent, Wrong> {
    let rest = bytes.strip_prefix(BEGINNING).ok_or(Wrong::Beginning)?;
    let (source, rest) = number(rest)?;
    let (sequence, rest) = number(rest)?;
    let (length, rest) = rest.split_first().ok_or(Wrong::Beginning)?;
    let (name, packed) = rest.split_at_checked(usize::from(*length)).ok_or(Wrong::Beginning)?;
    let name = String::from_utf8_lossy(name);
    // Edges are made of requests.
    let table = Table::named(&name).filter(|table| *table != Table::Edges);
    let table = table.ok_or_else(|| Wrong::Table(name.chars().take(32).collect()))?;
    let stream = unpack(packed, most)?;
    // Arrow's reader asserts, here and there, what a sender may lie about; nothing of it is kept when it does.
    let read = catch_unwind(AssertUnwindSafe(|| read(stream, table)));
    let batch = read.map_err(|_| Wrong::Rows("they contradict themselves".into()))?;
    Ok(Sent { source, sequence, table, batch: batch.map_err(|error| Wrong::Rows(error.to_string()))? })
}

fn number(bytes: &[u8]) -> Result<(u64, &[u8]), Wrong> {
    let (number, rest) = bytes.split_first_chunk().ok_or(Wrong::Beginning)?;
    Ok((u64::from_le_bytes(*number), rest))
}

fn unpack(packed: &[u8], most: usize) -> Result<Vec<u8>, Wrong> {
    let wrong = |error: std::io::Error| Wrong::Packed(error.to_string());
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(wrong)?;
    decoder.window_log_max(WINDOW).map_err(wrong)?;
    let mut stream = Vec::new();
    while decoder.by_ref().take(PIECE).read_to_end(&mut stream).map_err(wrong)? > 0 {
        if stream.len() > most {
            return Err(Wrong::TooLarge(most));
        }
    }
    Ok(stream)
}

/// One batch, of columns of its own memory.
fn read(stream: Vec<u8>, table: Table) -> Result<RecordBatch, ArrowError> {
    let length = stream.len();
    let (mut rest, mut decoder) = (Buffer::from_vec(stream), StreamDecoder::new());
    let mut found = None;
    while let Some(batch) = decoder.decode(&mut rest)? {
        if found.replace(batch).is_some() {
            return Err(ArrowError::IpcError("there is more than one batch".into()));
        }
    }
    decoder.finish()?;
    let batch = found.ok_or_else(|| ArrowError::IpcError("there is no batch".into()))?;
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    let mut room = 2 * length;
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        // A later agent may know columns that this table does not have.
        let Some((_, known)) = table.column(field.name()) else { continue };
        if *field.data_type() != known.kind.arrow() {
            return Err(ArrowError::SchemaError(format!("column `{}` has another type", field.name())));
        }
        columns.push(copy(column, &mut room)?);
        fields.push(Arc::clone(field));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// The same array in memory of its own: all of a stream's would be kept, and counted, for each of its columns. Parts that lie
/// over one another would take more than they came in, and do not.
fn copy(array: &ArrayRef, room: &mut usize) -> Result<ArrayRef, ArrowError> {
    let mut take = |buffer: &Buffer| {
        *room = room.checked_sub(buffer.len()).ok_or_else(|| ArrowError::IpcError("parts overlap".into()))?;
        Ok::<_, ArrowError>(Buffer::from_slice_ref(buffer.as_slice()))
    };
    fn copied(
        data: &arrow_data::ArrayData,
        take: &mut impl FnMut(&Buffer) -> Result<Buffer, ArrowError>,
    ) -> Result<arrow_data::ArrayData, ArrowError> {
        let buffers = data.buffers().iter().map(&mut *take).collect::<Result<_, _>>()?;
        let children = data.child_data().iter().map(|child| copied(child, take)).collect::<Result<_, _>>()?;
        let nulls = data.nulls().map(|nulls| take(nulls.buffer())).transpose()?;
        let builder = data.clone().into_builder().buffers(buffers).child_data(children);
        builder.nulls(None).null_bit_buffer(nulls).build()
    }
    // What has an offset would be cut in the wrong place; nothing that comes from a stream has one.
    if array.offset() != 0 || matches!(array.data_type(), DataType::Null) {
        return Err(ArrowError::IpcError("a column begins elsewhere".into()));
    }
    Ok(make_array(copied(&array.to_data(), &mut take)?))
}

#[cfg(test)]
mod tests {
    use schema::Rows;

    use super::*;

    fn batch(rows: usize) -> RecordBatch {
        let place = |name| Table::Logs.column(name).unwrap().0;
        let mut batch = Rows::new(Table::Logs);
        for row in 0..rows {
            batch.number(place("time"), row as i64);
            if row % 3 > 0 {
                batch.text(place("service.name"), ["shop", "web"][row % 2]);
            }
            batch.text(place("body"), &format!("line {row}"));
            batch.map(place("attributes"), [("k", "v"), ("n", &*row.to_string())]);
            batch.bytes(place("trace_id"), &[row as u8; 16]);
            batch.end().unwrap();
        }
        batch.finish().unwrap()
    }

    #[test]
    fn what_is_sent_arrives() {
        for rows in [0, 1, 1000] {
            let batch = batch(rows);
            let bytes = encode(7, 9, Table::Logs, &batch).unwrap();
            let sent = decode(&bytes, 1 << 20).unwrap();
            assert_eq!((sent.source, sent.sequence, sent.table), (7, 9, Table::Logs));
            assert_eq!(sent.batch, without_empty(&batch).unwrap());
            assert!(rows < 1000 || bytes.len() < 20_000, "{}", bytes.len());
        }
        let sent = decode(&encode(7, 9, Table::Logs, &batch(1000)).unwrap(), 1 << 20).unwrap();
        let memory = sent.batch.get_array_memory_size();
        assert!(memory < 120_000, "each column has its own memory, once: {memory}");
    }

    #[test]
    fn what_is_none_is_refused() {
        let good = encode(7, 9, Table::Logs, &batch(100)).unwrap();
        assert_eq!(decode(b"", 1 << 20).unwrap_err(), Wrong::Beginning);
        for end in 0..good.len() {
            assert!(decode(&good[..end], 1 << 20).is_err(), "{end}");
        }
        assert!(matches!(decode(&good, 1000), Err(Wrong::TooLarge(1000))));
        let edges = encode(7, 9, Table::Edges, &Rows::new(Table::Edges).finish().unwrap()).unwrap();
        assert!(matches!(decode(&edges, 1 << 20), Err(Wrong::Table(_))));
        let other = encode(7, 9, Table::Spans, &batch(3)).unwrap();
        assert!(decode(&other, 1 << 20).is_ok(), "what its table lacks is for the store to tell");
    }

    #[test]
    fn no_bytes_do_harm() {
        // Behind the packing every byte is changed in turn.
        let good = encode(7, 9, Table::Logs, &batch(5)).unwrap();
        let head = good.len() - packed(&good).len();
        let stream = unpack(packed(&good), 1 << 20).unwrap();
        for place in 0..stream.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = stream.clone();
                changed[place] = value;
                let mut bytes = good[..head].to_vec();
                bytes.extend(zstd::bulk::compress(&changed, 1).unwrap());
                if let Ok(sent) = decode(&bytes, 1 << 20) {
                    assert!(sent.batch.get_array_memory_size() < 1 << 20, "{place}");
                }
            }
        }
    }

    fn packed(bytes: &[u8]) -> &[u8] {
        &bytes[8 + 8 + 8 + 1 + Table::Logs.name().len()..]
    }
}
