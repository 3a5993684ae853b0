//! The writer of one Kafka partition: its open files, their rotation, and what is durable.

mod candidates;
mod committer;
mod open_file;

pub use open_file::FileFormats;

use crate::object_name::ObjectNaming;
use crate::partitioner::Partitioner;
use crate::record::RecordRef;
use crate::rotation::{Rotation, RotationCause, RotationSettings};
use crate::schema_compatibility::{self, Fit, SchemaCompatibility};
use crate::store::CompletedObject;
use crate::upload::{ObjectUploader, UploadContext};
use candidates::Candidates;
use committer::{Committer, FinishedObject, IfTaken};
use connect_api::data::SchemaRef;
use connect_api::{Clock, ConnectError, ErrantRecordReporter, Result, TopicPartition};
use indexmap::IndexMap;
use open_file::OpenFile;
use std::sync::Arc;
use std::time::Duration;

/// What the writers of a task share.
pub struct WriterContext {
    /// How objects are named.
    pub naming: ObjectNaming,
    /// When files are committed.
    pub rotation: Arc<RotationSettings>,
    /// What files look like.
    pub formats: FileFormats,
    /// `partitioner.max.open.files`, if there is such a bound.
    pub max_open_files: Option<usize>,
    /// `max.files.scan.limit`, where no object takes the place of another.
    pub max_files_scan: Option<usize>,
    /// What happens when the schema of values changes.
    pub schema_compatibility: SchemaCompatibility,
    /// Where they go.
    pub upload: Arc<UploadContext>,
    /// The time to live by.
    pub clock: Arc<dyn Clock>,
    /// Where to report records that cannot be written.
    pub reporter: Option<Arc<dyn ErrantRecordReporter>>,
}

/// What a record asks for.
enum Step {
    /// It was taken, or skipped for good.
    Taken,
    /// The open files must be committed; then the record comes again.
    RotateBefore(RotationCause),
    /// It was taken, and the open files must be committed.
    RotateAfter(RotationCause),
    /// It was taken, and a buffer of the file at this index is full.
    ChunkFull(usize),
}

/// Writes the records of one Kafka partition to objects.
///
/// Order of calls: `write` or `skip` for each record in offset order, `idle` when there is none;
/// `durable_offset` any time; `reset` to begin again from an earlier offset; `close` at last. An error
/// of `write` or `idle` leaves the writer fit only for `reset` and `close`.
pub(crate) struct TopicPartitionWriter {
    partition: TopicPartition,
    context: Arc<WriterContext>,
    partitioner: Box<dyn Partitioner>,
    rotation: Rotation,
    files: IndexMap<Arc<str>, OpenFile>,
    /// When the first of them was opened.
    opened_at: Duration,
    candidates: Candidates,
    committer: Committer,
    /// The first offset since the start or the last reset.
    first_offset: Option<i64>,
    /// The offset after the last record that was written or skipped.
    next_offset: Option<i64>,
    /// The offset after the last record that was written.
    next_written_offset: i64,
}

impl TopicPartitionWriter {
    pub(crate) fn new(
        partition: TopicPartition,
        context: Arc<WriterContext>,
        partitioner: Box<dyn Partitioner>,
    ) -> Self {
        Self {
            rotation: Rotation::new(context.rotation.clone(), context.clock.now_ms()),
            partitioner,
            files: IndexMap::new(),
            opened_at: Duration::ZERO,
            candidates: match context.max_files_scan {
                Some(limit) => Candidates::new(
                    limit,
                    context.naming.clone(),
                    partition.clone(),
                    context.extension(),
                ),
                None => Candidates::default(),
            },
            committer: Committer::new(context.upload.clone()),
            first_offset: None,
            next_offset: None,
            next_written_offset: 0,
            partition,
            context,
        }
    }

    pub(crate) fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The offset after the last record that was seen.
    pub(crate) fn next_offset(&self) -> Option<i64> {
        self.next_offset
    }

    /// Takes a record. It may wait for uploads if too much is on its way.
    pub(crate) async fn write(&mut self, record: RecordRef<'_>, now_ms: i64) -> Result<()> {
        loop {
            match self.step(record, now_ms)? {
                Step::Taken => return Ok(()),
                Step::RotateBefore(cause) => self.rotate(cause).await?,
                Step::RotateAfter(cause) => return self.rotate(cause).await,
                Step::ChunkFull(index) => return self.send_chunk(index).await,
            }
        }
    }

    /// Leaves a record out: its offset counts as done.
    pub(crate) fn skip(&mut self, record: RecordRef<'_>) {
        self.first_offset.get_or_insert(record.offset());
        self.next_offset = Some(record.offset() + 1);
    }

    /// Commits files whose time has come.
    pub(crate) async fn idle(&mut self, now_ms: i64) -> Result<()> {
        match self.rotation.idle(now_ms) {
            Some(cause) => self.rotate(cause).await,
            None => Ok(()),
        }
    }

    /// Commits the open files to free their memory.
    pub(crate) async fn free_memory(&mut self) -> Result<()> {
        self.rotate(RotationCause::Memory).await
    }

    /// How much memory the open files take, about.
    pub(crate) fn num_bytes_held(&self) -> usize {
        self.files.values().map(OpenFile::num_bytes_held).sum()
    }

    /// How many files are open.
    #[cfg(test)]
    pub(crate) fn num_files(&self) -> usize {
        self.files.len()
    }

    /// When the oldest open file was opened; `None` if there is none.
    pub(crate) fn oldest_file(&self) -> Option<Duration> {
        (!self.files.is_empty()).then_some(self.opened_at)
    }

    /// When [`idle`](Self::idle) will have something to do.
    pub(crate) fn next_scheduled_ms(&self) -> Option<i64> {
        self.rotation.next_scheduled_ms()
    }

    /// The failure of an upload in the background, if there was one.
    pub(crate) fn failure(&self) -> Option<ConnectError> {
        self.committer.failure()
    }

    /// Everything before it is durable; `None` as long as nothing is known.
    pub(crate) fn durable_offset(&self) -> Option<i64> {
        if self.files.is_empty() && self.committer.is_idle() {
            // What is not in objects was skipped.
            return self.next_offset;
        }
        self.committer.durable_offset()
    }

    /// Completes once every file that was rotated is durable, or one has failed.
    pub(crate) fn wait_for_commits(&self) -> impl Future<Output = ()> + Send + use<> {
        self.committer.wait()
    }

    /// The offset to read from again after a failure.
    pub(crate) fn replay_offset(&self) -> Option<i64> {
        let committer = &self.committer;
        committer
            .restart_offset()
            .or(committer.durable_offset())
            .or(self.first_offset)
    }

    /// Gives up everything that is not durable and leaves no upload behind.
    pub(crate) async fn reset(&mut self) {
        let anew = Committer::new(self.context.upload.clone());
        let committer = std::mem::replace(&mut self.committer, anew);
        let open: Vec<ObjectUploader> = self
            .files
            .drain(..)
            .flat_map(|(_, file)| file.objects)
            .filter_map(|object| object.uploader)
            .collect();
        self.candidates.take();
        let aborts = futures::future::join_all(open.into_iter().map(ObjectUploader::abort));
        futures::future::join(committer.abort(), aborts).await;
        self.rotation = Rotation::new(self.context.rotation.clone(), self.context.clock.now_ms());
        self.first_offset = None;
        self.next_offset = None;
    }

    fn step(&mut self, record: RecordRef<'_>, now_ms: i64) -> Result<Step> {
        self.first_offset.get_or_insert(record.offset());
        let (timestamp_ms, encoded_partition) = match self.encode_partition(record) {
            Ok(encoded) => encoded,
            Err(error) => return self.refuse(record, error),
        };
        if self.context.max_files_scan.is_some() {
            self.candidates.add(record.offset(), &encoded_partition);
        }
        let schema = record.value_schema();
        let is_tombstone = record.has_null_value();
        let found = self.files.get_index_of(&encoded_partition);
        if let Some(index) = found
            && (self.files[index].schema.is_some() != schema.is_some()
                || self.files[index].is_tombstone != is_tombstone)
        {
            return Ok(Step::RotateBefore(RotationCause::Schema));
        }
        if let Some(cause) = self
            .rotation
            .before_record(&encoded_partition, timestamp_ms, now_ms)
        {
            return Ok(Step::RotateBefore(cause));
        }
        let mut is_projected = false;
        let index = match found {
            Some(index) if !self.files[index].takes_key(&self.context.formats, record) => {
                return Ok(Step::RotateBefore(RotationCause::Schema));
            }
            Some(index) => {
                match self.fit(index, schema) {
                    Ok(Fit::Same) => {}
                    Ok(Fit::Projected) => is_projected = true,
                    Ok(Fit::Rotates) => return Ok(Step::RotateBefore(RotationCause::Schema)),
                    Err(error) => return self.refuse(record, error),
                }
                index
            }
            None if self
                .context
                .max_open_files
                .is_some_and(|max| self.files.len() >= max) =>
            {
                return Ok(Step::RotateBefore(RotationCause::MaxOpenFiles));
            }
            None => match self.open_file(&encoded_partition, record) {
                Ok(index) => index,
                Err(error) => return self.refuse(record, error),
            },
        };
        let file = &mut self.files[index];
        let written = match &file.schema {
            Some(schema) if is_projected => schema_compatibility::project(record, schema)
                .and_then(|row| file.write(RecordRef::Row(&row))),
            _ => file.write(record),
        };
        if let Err(error) = written {
            if found.is_none() {
                self.files.shift_remove_index(index);
            }
            return self.refuse(record, error);
        }
        let chunk_is_full = file.has_chunk(self.context.upload.settings.chunk_bytes());
        self.next_offset = Some(record.offset() + 1);
        self.next_written_offset = record.offset() + 1;
        Ok(match self.rotation.record_written(&encoded_partition) {
            Some(cause) => Step::RotateAfter(cause),
            None if chunk_is_full => Step::ChunkFull(index),
            None => Step::Taken,
        })
    }

    /// How a record of that schema goes with an open file. The answer for the last schema is kept.
    fn fit(&mut self, index: usize, schema: Option<&SchemaRef>) -> Result<Fit> {
        let file = &mut self.files[index];
        let (Some(own), Some(schema)) = (&file.schema, schema) else {
            return Ok(Fit::Same);
        };
        if Arc::ptr_eq(own, schema) {
            return Ok(Fit::Same);
        }
        if let Some((checked, fit)) = &file.checked
            && Arc::ptr_eq(checked, schema)
        {
            return Ok(*fit);
        }
        let fit = self.context.schema_compatibility.fit(schema, own)?;
        file.checked = Some((schema.clone(), fit));
        Ok(fit)
    }

    fn encode_partition(&mut self, record: RecordRef<'_>) -> Result<(Option<i64>, Arc<str>)> {
        let tombstone = &self.context.rotation.tombstone_partition;
        if let (Some(tombstone), true) = (tombstone, record.has_null_value()) {
            return Ok((record.timestamp(), tombstone.clone()));
        }
        let timestamp_ms = self.partitioner.timestamp(record, &*self.context.clock)?;
        let encoded_partition = self.partitioner.encode(record, timestamp_ms)?;
        Ok((timestamp_ms, encoded_partition))
    }

    /// Reports a record that is at fault, or fails if nobody wants reports.
    fn refuse(&mut self, record: RecordRef<'_>, error: ConnectError) -> Result<Step> {
        let is_data = error.kind() == connect_api::ErrorKind::Data;
        match &self.context.reporter {
            Some(reporter) if is_data => {
                // The runtime waits for the report itself.
                drop(reporter.report(&record.origin(), error)?);
                self.skip(record);
                Ok(Step::Taken)
            }
            _ => Err(error),
        }
    }

    fn open_file(&mut self, encoded_partition: &Arc<str>, record: RecordRef<'_>) -> Result<usize> {
        let context = &self.context;
        let file = OpenFile::open(
            &context.formats,
            &self.partition.topic,
            record,
            record.has_null_value(),
            context.upload.settings.compression.extension(),
            |extension| {
                let naming = &context.naming;
                naming.object_key(
                    &self.partition,
                    encoded_partition,
                    record.offset(),
                    extension,
                )
            },
        )?;
        if self.files.is_empty() {
            self.opened_at = context.clock.monotonic();
        }
        Ok(self.files.insert_full(encoded_partition.clone(), file).0)
    }

    async fn send_chunk(&mut self, index: usize) -> Result<()> {
        let chunk_bytes = self.context.upload.settings.chunk_bytes();
        for object in 0..self.files[index].objects.len() {
            if self.files[index].objects[object].buffer.len() >= chunk_bytes {
                self.send_buffer(index, object).await?;
            }
        }
        Ok(())
    }

    async fn send_buffer(&mut self, index: usize, object: usize) -> Result<()> {
        let object = &mut self.files[index].objects[object];
        let data = std::mem::take(&mut object.buffer);
        let permit = self.context.upload.limits.take_chunk(data.len()).await?;
        let uploader = object.uploader.get_or_insert_with(|| {
            ObjectUploader::start(
                self.context.upload.clone(),
                object.key.clone(),
                self.committer.failure_sink(),
            )
        });
        uploader.send(data, permit);
        Ok(())
    }

    /// Hands every open file over to be completed, in the order in which they were opened.
    async fn rotate(&mut self, cause: RotationCause) -> Result<()> {
        tracing::debug!(
            partition = %self.partition,
            num_files = self.files.len(),
            num_records = self.rotation.num_records(),
            %cause,
            "Starting commit and rotation"
        );
        let candidates = self
            .context
            .max_files_scan
            .map(|_| Arc::new(self.candidates.take()));
        for index in 0..self.files.len() {
            for object in 0..self.files[index].objects.len() {
                self.files[index].objects[object].finish()?;
                let permit = self.context.upload.limits.take_file().await?;
                let is_empty = self.files[index].objects[object].buffer.is_empty();
                if !is_empty || self.files[index].objects[object].uploader.is_none() {
                    self.send_buffer(index, object).await?;
                }
                let later = self.files.values().skip(index + 1);
                let next_start_offset = later.map(|file| file.start_offset).min();
                let file = &mut self.files[index];
                let object = &mut file.objects[object];
                let label = object.is_of_values().then(|| CompletedObject {
                    key: object.key.clone(),
                    start_offset: file.start_offset,
                    end_offset: file.end_offset,
                    num_records: file.num_records,
                });
                if let Some(uploader) = object.uploader.take() {
                    uploader.finish();
                    self.committer.complete(FinishedObject {
                        uploader,
                        permit,
                        label,
                        if_taken: candidates.clone().map(|candidates| IfTaken {
                            start_offset: file.start_offset,
                            next_start_offset,
                            candidates,
                        }),
                    });
                }
            }
        }
        self.files.clear();
        self.committer.end_group(self.next_written_offset);
        self.rotation.rotated();
        Ok(())
    }
}

impl WriterContext {
    /// What stands behind the offset in the name of an object of values.
    fn extension(&self) -> String {
        let compression = self.upload.settings.compression.extension();
        format!("{}{compression}", self.formats.value.extension())
    }
}
