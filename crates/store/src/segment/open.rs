//! Files of rows that are open.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

use super::checked::BLOCK;
use super::{CheckedFile, Described, Sums};
use crate::disk::{Disk, ReadFile, read_all};
use crate::error::{Error, Tried};
use crate::manifest::{Meta, sums_name};
use crate::segment::write::KEYS;

/// A file of rows. When it is not needed any more, it is removed as the last one who reads it is done.
pub(crate) struct Segment {
    pub(crate) meta: Meta,
    disk: Arc<dyn Disk>,
    obsolete: AtomicBool,
    opened: Mutex<Option<Arc<Opened>>>,
}

/// Bytes at the end of a file that its description nearly always fits in.
const DESCRIPTION: u64 = 48 * 1024;

/// Bytes of checksums that are read beyond those of the file as it is: it may have been cut.
const MOST_BEYOND: u64 = 1 << 20;

/// A file and its description.
pub(crate) struct Opened {
    pub(crate) file: CheckedFile,
    /// Without what is told of pages.
    pub(crate) metadata: ArrowReaderMetadata,
    /// With it, once somebody has asked: most files of a store are known not to have what is looked for without a look at their pages,
    /// of which there are thousands.
    indexed: Mutex<Option<ArrowReaderMetadata>>,
}

impl Segment {
    pub(crate) fn new(meta: Meta, disk: Arc<dyn Disk>) -> Arc<Self> {
        Arc::new(Segment { meta, disk, obsolete: AtomicBool::new(false), opened: Mutex::new(None) })
    }

    /// The file goes with the last one who has it.
    pub(crate) fn remove_later(&self) {
        self.obsolete.store(true, Ordering::Release);
    }

    /// Opens it, or gives what is open.
    pub(crate) fn open(self: &Arc<Self>, cache: &Cache) -> Result<Arc<Opened>, Error> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*opened {
            return Ok(Arc::clone(opened));
        }
        let found = Arc::new(Opened::open(&*self.disk, &self.meta.name())?);
        // Where it is known of which time its rows are, that is to be true of the file that has the name.
        if let Some(other) = found.differs(&self.meta) {
            return Err(Error::Damaged(other));
        }
        *opened = Some(Arc::clone(&found));
        drop(opened);
        cache.note(self);
        Ok(found)
    }

    /// Says that it will be opened soon.
    pub(crate) fn read_ahead(&self) {
        // What goes wrong is met again when it is opened.
        if let Ok(sums) = self.disk.open(&self.meta.sums_name()) {
            sums.read_ahead(0, self.meta.bytes / BLOCK as u64 * 4 + 16);
        }
        if let Ok(file) = self.disk.open(&self.meta.name()) {
            // It is read with the whole of the first block.
            let start = self.meta.bytes.saturating_sub(DESCRIPTION) / BLOCK as u64 * BLOCK as u64;
            file.read_ahead(start, self.meta.bytes - start);
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn close(&self) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Its rows in order, so many at a time, as the file has them; only some columns where they are named.
    pub(crate) fn batches(
        self: &Arc<Self>,
        cache: &Cache,
        columns: Option<&[&str]>,
        rows: usize,
    ) -> Result<Batches, Error> {
        let opened = self.open(cache)?;
        let schema = opened.metadata.parquet_schema();
        let projection = columns.map_or_else(ProjectionMask::all, |columns| {
            let fields = schema.root_schema().get_fields().iter().enumerate();
            let wanted = fields.filter(|(_, field)| columns.contains(&field.name()));
            ProjectionMask::roots(schema, wanted.map(|(place, _)| place))
        });
        Ok(Batches { opened, projection, rows, group: 0, reader: None })
    }
}

/// The rows of a file, group by group.
pub(crate) struct Batches {
    opened: Arc<Opened>,
    projection: ProjectionMask,
    rows: usize,
    group: usize,
    reader: Option<ParquetRecordBatchReader>,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.reader.as_mut().and_then(Iterator::next) {
                return Some(batch.map_err(Error::from));
            }
            if self.group >= self.opened.metadata.metadata().num_row_groups() {
                return None;
            }
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
                self.opened.file.clone(),
                self.opened.metadata.clone(),
            );
            let builder = builder.with_row_groups(vec![self.group]).with_projection(self.projection.clone());
            self.group += 1;
            match builder.with_batch_size(self.rows).build() {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if self.obsolete.load(Ordering::Acquire) {
            super::remove(&*self.disk, &self.meta);
        }
    }
}

impl Opened {
    pub(crate) fn open(disk: &dyn Disk, name: &str) -> Result<Self, Error> {
        let file = disk.open(name).tried("opening", name)?;
        let sums = sums_name(name);
        let stored = disk.open(&sums).tried("opening", &sums)?;
        let fits = file.length().tried("reading", name)? / BLOCK as u64 * 4 + MOST_BEYOND;
        if stored.length().tried("reading", &sums)? > fits {
            return Err(Error::Damaged(format!("{sums}: it is much too long")));
        }
        let bytes = read_all(&*stored).tried("reading", &sums)?;
        let sums = Sums::decode(&bytes)
            .ok_or_else(|| Error::Damaged(format!("{sums}: it is not as it was written")))?;
        Self::of(file, sums, name)
    }

    /// The same of what is read already.
    pub(crate) fn of(file: Arc<dyn ReadFile>, sums: Sums, name: &str) -> Result<Self, Error> {
        let file = CheckedFile::new(file, Arc::new(sums), name);
        let metadata = ArrowReaderMetadata::try_new(Arc::new(describe(&file)?), ArrowReaderOptions::new())?;
        Ok(Opened { file, metadata, indexed: Mutex::default() })
    }

    /// Says so where it is not the file that the manifest means, but another one that has its name.
    pub(crate) fn differs(&self, meta: &Meta) -> Option<String> {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        let same = u64::try_from(rows) == Ok(meta.rows) && self.file.len() == meta.bytes;
        (!same).then(|| {
            let (name, bytes) = (meta.name(), self.file.len());
            format!("{name}: has {rows} rows in {bytes} bytes instead of {} in {}", meta.rows, meta.bytes)
        })
    }

    /// The description with what is told of pages.
    pub(crate) fn indexed(&self) -> Result<ArrowReaderMetadata, ParquetError> {
        let mut indexed = self.indexed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(indexed) = &*indexed {
            return Ok(indexed.clone());
        }
        let mut reader =
            ParquetMetaDataReader::new_with_metadata(ParquetMetaData::clone(self.metadata.metadata()))
                .with_page_index_policy(PageIndexPolicy::Optional);
        reader.read_page_indexes(&self.file)?;
        let found = ArrowReaderMetadata::try_new(Arc::new(reader.finish()?), ArrowReaderOptions::new())?;
        *indexed = Some(found.clone());
        Ok(found)
    }

    /// The description, with what is told of pages where only some rows are looked at.
    pub(crate) fn described(
        &self,
        selection: Option<&RowSelection>,
    ) -> Result<ArrowReaderMetadata, ParquetError> {
        if selection.is_some() { self.indexed() } else { Ok(self.metadata.clone()) }
    }

    /// The rows of one of its groups.
    pub(crate) fn rows(&self, table: schema::Table, group: usize) -> Result<Vec<Arc<RecordBatch>>, Error> {
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone());
        let reader = builder.with_row_groups(vec![group]).with_batch_size(64 * 1024).build()?;
        reader.map(|batch| crate::batch::fit(table, &batch?)).collect()
    }

    /// The version of the schema it was written with, and what it says of itself.
    pub(crate) fn says(&self) -> Option<(u32, Described)> {
        let pairs = self.metadata.metadata().file_metadata().key_value_metadata()?;
        let value = |key: &str| pairs.iter().find(|pair| pair.key == key)?.value.as_deref();
        let [version, level, replaces, log_from] = KEYS.map(value);
        let replaces =
            replaces?.split_whitespace().map(|id| id.parse().ok()).collect::<Option<Vec<u64>>>()?;
        let described =
            Described { level: level?.parse().ok()?, replaces, log_from: log_from?.parse().ok()? };
        Some((version?.parse().ok()?, described))
    }
}

/// What stands at the end of a file, but for what is told of pages: read at once where it is no longer than usual.
fn describe(file: &CheckedFile) -> Result<ParquetMetaData, ParquetError> {
    let mut reader = ParquetMetaDataReader::new();
    let mut read = |length: u64| {
        let bytes = file.get_bytes(file.len() - length, usize::try_from(length)?)?;
        reader.try_parse_sized(&bytes, file.len())
    };
    match read(file.len().min(DESCRIPTION)) {
        Err(ParquetError::NeedMoreData(length)) if length as u64 <= file.len() => read(length as u64)?,
        result => result?,
    }
    reader.finish()
}

/// Which files are open: so many at most, those that were opened last.
pub(crate) struct Cache {
    most: usize,
    open: Mutex<VecDeque<Weak<Segment>>>,
}

impl Cache {
    pub(crate) fn new(most: usize) -> Self {
        Cache { most: most.max(1), open: Mutex::default() }
    }

    fn note(&self, segment: &Arc<Segment>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.push_back(Arc::downgrade(segment));
        let closed = if open.len() > self.most { open.pop_front() } else { None };
        drop(open);
        if let Some(segment) = closed.and_then(|segment| segment.upgrade()) {
            segment.close();
        }
    }
}
