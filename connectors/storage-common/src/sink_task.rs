//! The sink task of every object store.

use crate::partitioner::Partitioner;
use crate::record::RecordRef;
use crate::settings::{NullValues, SinkSettings};
use crate::store::ObjectStore;
use crate::topic_partition_writer::{TopicPartitionWriter, WriterContext};
use crate::upload::{UploadContext, UploadLimits};
use async_trait::async_trait;
use connect_api::config::ConfigMap;
use connect_api::{
    ConnectError, ErrorKind, Form, Offsets, Result, SinkBatch, SinkTask, SinkTaskContext,
    TopicPartition,
};
use std::sync::Arc;
use std::time::Duration;

/// What is special about one kind of store: its settings and its client.
#[async_trait]
pub trait StoreConnection: Send {
    /// Reads the configuration of a task and makes the client. It checks again what validation
    /// checked, because a task may be started from a configuration that was stored before; an error
    /// fails the task. Nothing is asked of the store yet.
    async fn open(
        &mut self,
        context: &SinkTaskContext,
        config: &ConfigMap,
    ) -> Result<(SinkSettings, Arc<dyn ObjectStore>)>;
}

/// Writes records to the objects of a store.
///
/// Files are rotated and named for each Kafka partition; `pre_commit` returns what is durable. When an
/// upload fails though it was tried again, the partition is read again from the first offset that is
/// not durable, after a pause, into files of the same names.
pub struct ObjectStoreSinkTask<C> {
    connection: C,
    started: Option<Started>,
}

struct Started {
    context: SinkTaskContext,
    settings: SinkSettings,
    writer_context: Arc<WriterContext>,
    writers: Vec<Writer>,
    takes_bytes: bool,
    last: usize,
}

struct Writer {
    inner: TopicPartitionWriter,
    /// After a failure: where to begin again, and when.
    retry: Option<Retry>,
}

#[derive(Clone, Copy)]
struct Retry {
    offset: i64,
    at: Duration,
}

/// `pre_commit` waits this long for uploads that are nearly done, so that a task that stops or loses
/// partitions need not repeat them.
const COMMIT_WAIT: Duration = Duration::from_secs(3);

impl<C: StoreConnection> ObjectStoreSinkTask<C> {
    /// A task, not yet started.
    pub fn new(connection: C) -> Self {
        Self {
            connection,
            started: None,
        }
    }

    fn started(&mut self) -> Result<&mut Started> {
        self.started
            .as_mut()
            .ok_or_else(|| ConnectError::fatal("The sink task is used before it was started"))
    }
}

#[async_trait]
impl<C: StoreConnection> SinkTask for ObjectStoreSinkTask<C> {
    fn accepts(&self) -> &'static [Form] {
        match &self.started {
            Some(started) if started.takes_bytes => &[Form::Rows, Form::Bytes],
            _ => &[Form::Rows],
        }
    }

    async fn start(&mut self, context: SinkTaskContext, config: &ConfigMap) -> Result<()> {
        let (settings, store) = self.connection.open(&context, config).await?;
        settings
            .upload
            .retry
            .run(&**context.clock(), "The check of the store", || {
                store.check()
            })
            .await
            // A task that could not reach its store says so at once.
            .map_err(|error| match error.kind() {
                ErrorKind::Retriable { .. } => error.with_kind(ErrorKind::Fatal),
                _ => error,
            })?;
        let upload = Arc::new(UploadContext {
            store,
            settings: settings.upload,
            limits: UploadLimits::new(settings.upload.part_bytes),
            clock: context.clock().clone(),
        });
        let writer_context = Arc::new(WriterContext {
            naming: settings.naming.clone(),
            rotation: settings.rotation.clone(),
            formats: settings.formats.clone(),
            max_open_files: settings.max_open_files,
            max_files_scan: settings.max_files_scan,
            schema_compatibility: settings.schema_compatibility,
            upload,
            clock: context.clock().clone(),
            reporter: context.errant_record_reporter().cloned(),
        });
        let takes_bytes = settings.formats.takes_bytes() && !settings.partitioner.reads_values();
        self.started = Some(Started {
            context,
            settings,
            writer_context,
            writers: Vec::new(),
            takes_bytes,
            last: 0,
        });
        Ok(())
    }

    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let started = self.started()?;
        for partition in partitions {
            started.add_writer(partition.clone());
        }
        Ok(())
    }

    async fn put(&mut self, batch: &SinkBatch) -> Result<()> {
        self.started()?.put(batch).await
    }

    async fn pre_commit(&mut self, _current: &Offsets) -> Result<Offsets> {
        let Some(started) = &mut self.started else {
            return Ok(Offsets::new());
        };
        let waits: Vec<_> = started
            .writers
            .iter()
            .map(|writer| writer.inner.wait_for_commits())
            .collect();
        let clock = started.context.clock().clone();
        tokio::select! {
            biased;
            _ = futures::future::join_all(waits) => {}
            () = clock.sleep(COMMIT_WAIT) => {}
        }
        Ok(started
            .writers
            .iter()
            .filter_map(|writer| {
                let offset = writer.inner.durable_offset()?;
                Some((writer.inner.partition().clone(), offset))
            })
            .collect())
    }

    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        if let Some(started) = &mut self.started {
            started
                .close(|partition| partitions.contains(partition))
                .await;
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        if let Some(mut started) = self.started.take() {
            started.close(|_| true).await;
        }
        Ok(())
    }
}

impl Started {
    fn add_writer(&mut self, partition: TopicPartition) -> usize {
        if let Some(index) = self.find(&partition.topic, partition.partition) {
            return index;
        }
        let partitioner: Box<dyn Partitioner> = self.settings.partitioner.new_partitioner();
        self.writers.push(Writer {
            inner: TopicPartitionWriter::new(partition, self.writer_context.clone(), partitioner),
            retry: None,
        });
        self.writers.len() - 1
    }

    fn find(&self, topic: &connect_api::Topic, partition: i32) -> Option<usize> {
        let is_it = |writer: &Writer| {
            let of = writer.inner.partition();
            of.partition == partition && (Arc::ptr_eq(&of.topic, topic) || of.topic == *topic)
        };
        // Records of a partition come in runs.
        if self.writers.get(self.last).is_some_and(is_it) {
            return Some(self.last);
        }
        self.writers.iter().position(is_it)
    }

    async fn put(&mut self, batch: &SinkBatch) -> Result<()> {
        self.look_after_failures().await?;
        let now_ms = self.context.clock().now_ms();
        match batch {
            SinkBatch::Rows(records) => {
                for record in records {
                    self.put_record(RecordRef::Row(record), now_ms).await?;
                }
            }
            SinkBatch::Bytes(batch) => {
                for record in &batch.records {
                    self.put_record(RecordRef::Bytes(record, batch.value_type), now_ms)
                        .await?;
                }
            }
            _ => {
                return Err(ConnectError::fatal(
                    "The sink task takes batches of rows and of bytes only",
                ));
            }
        }
        for index in 0..self.writers.len() {
            if self.writers[index].retry.is_none() {
                self.writers[index].inner.idle(now_ms).await?;
            }
        }
        self.free_memory().await?;
        self.look_after_failures().await?;
        self.ask_for_next_put();
        Ok(())
    }

    /// Commits the partitions with the oldest open files until all open files are within the bound.
    async fn free_memory(&mut self) -> Result<()> {
        let Some(max_bytes) = self.settings.max_buffered_bytes else {
            return Ok(());
        };
        loop {
            let held = self
                .writers
                .iter()
                .map(|writer| writer.inner.num_bytes_held());
            if held.sum::<usize>() <= max_bytes {
                return Ok(());
            }
            let oldest = self
                .writers
                .iter_mut()
                .filter(|writer| writer.retry.is_none())
                .filter_map(|writer| Some((writer.inner.oldest_file()?, writer)))
                .min_by_key(|(opened_at, _)| *opened_at);
            match oldest {
                Some((_, writer)) => writer.inner.free_memory().await?,
                None => return Ok(()),
            }
        }
    }

    async fn put_record(&mut self, record: RecordRef<'_>, now_ms: i64) -> Result<()> {
        let index = match self.find(record.topic(), record.partition()) {
            Some(index) => index,
            // The runtime opens partitions first; a record that comes all the same is not lost.
            None => self.add_writer(TopicPartition {
                topic: record.topic().clone(),
                partition: record.partition(),
            }),
        };
        self.last = index;
        let is_null = record.has_null_value();
        let writer = &mut self.writers[index];
        if writer.retry.is_some() {
            // It comes again once the partition is read again.
            return Ok(());
        }
        if let Some(next_offset) = writer.inner.next_offset()
            && record.offset() < next_offset
        {
            tracing::warn!(
                partition = %writer.inner.partition(),
                offset = record.offset(),
                next_offset,
                "The partition is read again: files that are not complete begin anew"
            );
            writer.inner.reset().await;
        }
        if is_null && !self.takes_null(record)? {
            self.writers[index].inner.skip(record);
            return Ok(());
        }
        self.writers[index].inner.write(record, now_ms).await
    }

    /// Whether a record without a value is written.
    fn takes_null(&self, record: RecordRef<'_>) -> Result<bool> {
        match self.settings.null_values {
            NullValues::Fail => Err(ConnectError::fatal(format!(
                "Null valued records are not writeable with current behavior.on.null.values \
                 'settings. Record {record} has a null value; behavior.on.null.values=ignore leaves \
                 such records out"
            ))),
            NullValues::Ignore { report } => {
                if report && let Some(reporter) = self.context.errant_record_reporter() {
                    let error = ConnectError::data("Skipping null value record.");
                    // The runtime waits for the report itself.
                    drop(reporter.report(&record.origin(), error)?);
                }
                Ok(false)
            }
            NullValues::Write => Ok(true),
        }
    }

    /// Begins partitions anew whose uploads failed, and reads on where the pause is over.
    async fn look_after_failures(&mut self) -> Result<()> {
        let now = self.context.clock().monotonic();
        for writer in &mut self.writers {
            if let Some(retry) = writer.retry {
                if retry.at <= now {
                    writer.retry = None;
                    self.context.resume([writer.inner.partition().clone()]);
                } else {
                    self.context.offset(Offsets::from([(
                        writer.inner.partition().clone(),
                        retry.offset,
                    )]));
                }
                continue;
            }
            let Some(error) = writer.inner.failure() else {
                continue;
            };
            let ErrorKind::Retriable { after } = error.kind() else {
                return Err(error);
            };
            let Some(offset) = writer.inner.replay_offset() else {
                return Err(error);
            };
            let pause = after.unwrap_or(self.settings.retry_backoff);
            tracing::error!(
                partition = %writer.inner.partition(),
                offset,
                retry_in_ms = pause.as_millis(),
                reason = %error,
                "Records could not be written: the partition will be read again"
            );
            writer.inner.reset().await;
            writer.retry = Some(Retry {
                offset,
                at: now.saturating_add(pause),
            });
            let partition = writer.inner.partition().clone();
            self.context.pause([partition.clone()]);
            self.context.offset(Offsets::from([(partition, offset)]));
        }
        Ok(())
    }

    /// The next `put` is needed when a pause is over or a scheduled rotation is due.
    fn ask_for_next_put(&self) {
        let clock = self.context.clock();
        let (now, now_ms) = (clock.monotonic(), clock.now_ms());
        let next = self
            .writers
            .iter()
            .filter_map(|writer| match writer.retry {
                Some(retry) => Some(retry.at.saturating_sub(now)),
                None => writer.inner.next_scheduled_ms().map(|at_ms| {
                    let ms = at_ms.saturating_sub(now_ms).max(0);
                    Duration::from_millis(ms.unsigned_abs())
                }),
            })
            .min();
        if let Some(next) = next {
            // Zero would count as unset.
            self.context.timeout(next.max(Duration::from_millis(1)));
        }
    }

    async fn close(&mut self, is_closed: impl Fn(&TopicPartition) -> bool) {
        let (closed, open) = std::mem::take(&mut self.writers)
            .into_iter()
            .partition::<Vec<_>, _>(|writer| is_closed(writer.inner.partition()));
        self.writers = open;
        self.last = 0;
        futures::future::join_all(closed.into_iter().map(|mut writer| async move {
            writer.inner.reset().await;
        }))
        .await;
    }
}

#[cfg(test)]
mod tests;
