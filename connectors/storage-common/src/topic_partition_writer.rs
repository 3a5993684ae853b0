//! The writer of one Kafka partition: its open files, their rotation, and what is durable.

mod committer;

use crate::format::{Format, RecordWriter};
use crate::object_name::ObjectNaming;
use crate::partitioner::Partitioner;
use crate::record::RecordRef;
use crate::rotation::{Rotation, RotationCause, RotationSettings};
use crate::schema_compatibility::{self, Fit, SchemaCompatibility};
use crate::upload::{ObjectUploader, UploadContext};
use committer::Committer;
use connect_api::data::SchemaRef;
use connect_api::{Clock, ConnectError, ErrantRecordReporter, Result, TopicPartition};
use indexmap::IndexMap;
use std::sync::Arc;

/// What the writers of a task share.
pub struct WriterContext {
    /// How objects are named.
    pub naming: ObjectNaming,
    /// When files are committed.
    pub rotation: Arc<RotationSettings>,
    /// What files look like.
    pub format: Arc<dyn Format>,
    /// What happens when the schema of values changes.
    pub schema_compatibility: SchemaCompatibility,
    /// Where they go.
    pub upload: Arc<UploadContext>,
    /// The time to live by.
    pub clock: Arc<dyn Clock>,
    /// Where to report records that cannot be written.
    pub reporter: Option<Arc<dyn ErrantRecordReporter>>,
}

struct OpenFile {
    key: String,
    schema: Option<SchemaRef>,
    /// The last other schema that was held against it.
    checked: Option<(SchemaRef, Fit)>,
    writer: Box<dyn RecordWriter>,
    buffer: Vec<u8>,
    /// Exists once a chunk was handed over.
    uploader: Option<ObjectUploader>,
}

/// What a record asks for.
enum Step {
    /// It was taken, or skipped for good.
    Taken,
    /// The open files must be committed; then the record comes again.
    RotateBefore(RotationCause),
    /// It was taken, and the open files must be committed.
    RotateAfter(RotationCause),
    /// It was taken, and the buffer of the file at this index is full.
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
            partition,
            partitioner,
            files: IndexMap::new(),
            committer: Committer::default(),
            first_offset: None,
            next_offset: None,
            next_written_offset: 0,
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
        self.committer.durable_offset().or(self.first_offset)
    }

    /// Gives up everything that is not durable and leaves no upload behind.
    pub(crate) async fn reset(&mut self) {
        let committer = std::mem::take(&mut self.committer);
        let open: Vec<ObjectUploader> = self
            .files
            .drain(..)
            .filter_map(|(_, file)| file.uploader)
            .collect();
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
        let schema = record.value_schema();
        let found = self.files.get_index_of(&encoded_partition);
        if let Some(index) = found
            && self.files[index].schema.is_some() != schema.is_some()
        {
            return self.refuse(record, switched(record));
        }
        if let Some(cause) = self
            .rotation
            .before_record(&encoded_partition, timestamp_ms, now_ms)
        {
            return Ok(Step::RotateBefore(cause));
        }
        let mut is_projected = false;
        let index = match found {
            Some(index) => {
                match self.fit(index, schema) {
                    Ok(Fit::Same) => {}
                    Ok(Fit::Projected) => is_projected = true,
                    Ok(Fit::Rotates) => return Ok(Step::RotateBefore(RotationCause::Schema)),
                    Err(error) => return self.refuse(record, error),
                }
                index
            }
            None => match self.open_file(&encoded_partition, record) {
                Ok(index) => index,
                Err(error) => return self.refuse(record, error),
            },
        };
        let file = &mut self.files[index];
        let start = file.buffer.len();
        let written = match &file.schema {
            Some(schema) if is_projected => schema_compatibility::project(record, schema)
                .and_then(|row| file.writer.write(RecordRef::Row(&row), &mut file.buffer)),
            _ => file.writer.write(record, &mut file.buffer),
        };
        if let Err(error) = written {
            file.buffer.truncate(start);
            if found.is_none() {
                self.files.shift_remove_index(index);
            }
            return self.refuse(record, error);
        }
        let chunk_is_full = file.buffer.len() >= self.context.upload.settings.chunk_bytes();
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
        let compression = context.upload.settings.compression;
        let extension = format!("{}{}", context.format.extension(), compression.extension());
        let key = context.naming.object_key(
            &self.partition,
            encoded_partition,
            record.offset(),
            &extension,
        );
        let schema = record.value_schema();
        let file = OpenFile {
            key,
            writer: context.format.new_writer(&self.partition.topic, schema)?,
            schema: schema.cloned(),
            checked: None,
            buffer: Vec::new(),
            uploader: None,
        };
        Ok(self.files.insert_full(encoded_partition.clone(), file).0)
    }

    async fn send_chunk(&mut self, index: usize) -> Result<()> {
        let file = &mut self.files[index];
        let data = std::mem::take(&mut file.buffer);
        let permit = self.context.upload.limits.take_chunk(data.len()).await?;
        let uploader = file.uploader.get_or_insert_with(|| {
            ObjectUploader::start(
                self.context.upload.clone(),
                file.key.clone(),
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
        for index in 0..self.files.len() {
            let file = &mut self.files[index];
            file.writer.finish(&mut file.buffer)?;
            let permit = self.context.upload.limits.take_file().await?;
            if !self.files[index].buffer.is_empty() || self.files[index].uploader.is_none() {
                self.send_chunk(index).await?;
            }
            if let Some(uploader) = self.files[index].uploader.take() {
                uploader.finish();
                self.committer.complete(uploader, permit);
            }
        }
        self.files.clear();
        self.committer.end_group(self.next_written_offset);
        self.rotation.rotated();
        Ok(())
    }
}

fn switched(record: RecordRef<'_>) -> ConnectError {
    ConnectError::data(format!(
        "Switch between schema-based and schema-less data is not supported (record {record})"
    ))
    .with_class("org.apache.kafka.connect.errors.SchemaProjectorException")
}
