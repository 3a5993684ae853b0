//! Source tasks: from an outside system to Kafka.

use crate::clock::Clock;
use crate::config::ConfigMap;
use crate::converter::PlainType;
use crate::data::{Map, Value};
use crate::error::Result;
use crate::plugin_metrics::PluginMetrics;
use crate::record::{RecordMetadata, SourceRecord, Topic};
use crate::transaction::TransactionContext;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;

/// What [`SourceTask::poll`] returns.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SourceBatch {
    /// Records in any shape.
    Rows(Vec<SourceRecord>),
    /// Records whose bytes are their value. The runtime turns them into rows where a converter or a
    /// transform looks inside, so that a task may always return them.
    Bytes(SourceBytes),
}

impl SourceBatch {
    /// A batch without records.
    pub const fn empty() -> Self {
        Self::Rows(Vec::new())
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        match self {
            Self::Rows(records) => records.len(),
            Self::Bytes(batch) => batch.values.len(),
        }
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Records of one topic and one source partition, without keys or headers.
#[derive(Clone, Debug)]
pub struct SourceBytes {
    /// The topic of all records.
    pub topic: Topic,
    /// The source partition of all records.
    pub source_partition: Option<Arc<Map>>,
    /// The schema of the values: `STRING` (then every value is valid UTF-8) or `BYTES`, not optional.
    pub value_type: PlainType,
    /// The values; slices of one buffer, if the task read them so.
    pub values: Vec<Bytes>,
    /// The source offset of each record.
    pub source_offsets: SourceOffsets,
    /// The timestamp of all records, in milliseconds since the epoch.
    pub timestamp: Option<i64>,
}

/// The source offsets of a [`SourceBytes`] batch; one for each value.
#[derive(Clone, Debug)]
pub enum SourceOffsets {
    /// Offsets of one 64-bit field, for example `{"position": 42}`.
    Int64 {
        /// The name of the field.
        field: Arc<str>,
        /// Its values.
        values: Vec<i64>,
    },
    /// Any offsets.
    Maps(Vec<Option<Arc<Map>>>),
}

impl SourceOffsets {
    /// The offset of the record at `index`, as it will be stored.
    pub fn get(&self, index: usize) -> Option<Arc<Map>> {
        match self {
            Self::Int64 { field, values } => {
                let value = *values.get(index)?;
                let mut map = Map::new();
                map.insert(Value::string(&**field), Value::Int64(value));
                Some(Arc::new(map))
            }
            Self::Maps(maps) => maps.get(index)?.clone(),
        }
    }
}

/// A record that Kafka acknowledged, or that was dropped on the way.
#[derive(Clone, Debug)]
pub struct AckedRecord {
    /// The record as the task returned it, after transforms.
    pub record: SourceRecord,
    /// Where it is stored; `None` if a transform dropped it, `errors.tolerance` skipped it, or its
    /// transaction was aborted.
    pub metadata: Option<RecordMetadata>,
}

/// Reads records from an outside system.
///
/// One owner drives a task: no two calls overlap, and the task is never shared. The order of calls is
///
/// ```text
/// start → ( poll | committed(acknowledged records) | commit )* → stop
/// ```
///
/// - With exactly-once support `committed` comes once the transaction of the records is committed.
/// - `stop` comes last, after the final commit of offsets, also after an error.
/// - No `poll` is made while the task is paused, or while more bytes than the runtime's bound wait for
///   acknowledgement.
#[async_trait]
pub trait SourceTask: Send {
    /// Begins the task with its configuration. It looks up where to go on with
    /// [`SourceTaskContext::offset_storage_reader`]. An error fails the task.
    async fn start(&mut self, context: SourceTaskContext, config: &ConfigMap) -> Result<()>;

    /// Returns the next records. It waits for them, but returns an empty batch now and then (a second
    /// is a good bound), so that the runtime can commit; the runtime polls again at once.
    ///
    /// The runtime may drop the future to stop or pause the task: nothing that was read and not yet
    /// returned may be lost by that (cancel safety).
    ///
    /// After a [`Retriable`](crate::ErrorKind::Retriable) error it is called again; any other error
    /// fails the task.
    async fn poll(&mut self) -> Result<SourceBatch>;

    /// Whether [`SourceTask::committed`] is to be called; the runtime then keeps each record until it
    /// is acknowledged.
    fn wants_acknowledgements(&self) -> bool {
        false
    }

    /// These records are stored in Kafka (or were dropped); in the order of acknowledgement. Errors
    /// are logged.
    async fn committed(&mut self, _records: &[AckedRecord]) -> Result<()> {
        Ok(())
    }

    /// The offsets of all records that `committed` told of are stored, or there was nothing to store.
    /// Called after each round of commits. Errors are logged.
    async fn commit(&mut self) -> Result<()> {
        Ok(())
    }

    /// Ends the task. Errors are logged.
    async fn stop(&mut self) -> Result<()>;
}

/// Reads the stored offsets of the connector that a task belongs to.
#[async_trait]
pub trait OffsetStorageReader: Send + Sync {
    /// For each source partition the offset stored last; `None` where there is none. Partitions are
    /// compared by their serialized bytes, so the order of their entries counts. Integers come back as
    /// 64-bit ones and fractions as doubles.
    async fn offsets(&self, partitions: &[Map]) -> Result<Vec<Option<Map>>>;
}

/// What a source task can ask of the runtime.
#[derive(Clone)]
#[non_exhaustive]
pub struct SourceTaskContext {
    clock: Arc<dyn Clock>,
    offset_storage_reader: Arc<dyn OffsetStorageReader>,
    plugin_metrics: PluginMetrics,
    transaction_context: Option<TransactionContext>,
}

impl SourceTaskContext {
    /// A context; the runtime (or a test) makes one for each task.
    pub fn new(clock: Arc<dyn Clock>, offset_storage_reader: Arc<dyn OffsetStorageReader>) -> Self {
        Self {
            clock,
            offset_storage_reader,
            plugin_metrics: PluginMetrics::default(),
            transaction_context: None,
        }
    }

    /// The same with metrics that somebody reads.
    #[must_use]
    pub fn with_plugin_metrics(mut self, plugin_metrics: PluginMetrics) -> Self {
        self.plugin_metrics = plugin_metrics;
        self
    }

    /// The same context for a task that chooses the ends of its transactions.
    #[must_use]
    pub fn with_transaction_context(mut self, context: TransactionContext) -> Self {
        self.transaction_context = Some(context);
        self
    }

    /// The time to live by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Where the task may show metrics of its own.
    pub fn plugin_metrics(&self) -> &PluginMetrics {
        &self.plugin_metrics
    }

    /// The stored offsets of the connector.
    pub fn offset_storage_reader(&self) -> &Arc<dyn OffsetStorageReader> {
        &self.offset_storage_reader
    }

    /// Where the task chooses the ends of its transactions; `None` unless the worker has exactly-once
    /// support and the connector the setting `transaction.boundary=connector`.
    pub fn transaction_context(&self) -> Option<&TransactionContext> {
        self.transaction_context.as_ref()
    }

    /// The stored offset of one source partition.
    pub async fn offset(&self, partition: &Map) -> Result<Option<Map>> {
        let offsets = self
            .offset_storage_reader
            .offsets(std::slice::from_ref(partition))
            .await?;
        Ok(offsets.into_iter().next().flatten())
    }
}
