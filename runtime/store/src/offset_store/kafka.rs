//! Offsets on a compacted topic, shared by the workers of a cluster.

use super::index::OffsetIndex;
use super::{OffsetEntry, OffsetStore, StoredPartition};
use crate::error::StoreResult;
use async_trait::async_trait;
use bytes::Bytes;
use connect_kafka::log::{CompactedLog, LogRecord};
use futures::future::try_join_all;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a look-up waits for the end of the topic. A reader of committed offsets waits for the
/// transactions that are open; what a dead task has left open ends with its `transaction.timeout.ms`,
/// a minute by default, and brokers look for such transactions every ten seconds.
const READ_TIMEOUT: Duration = Duration::from_secs(150);

/// Keeps offsets on an offsets topic (`KafkaOffsetBackingStore`): the one of the worker, or one that a
/// connector names with `offsets.storage.topic`.
pub struct KafkaOffsetStore {
    log: Arc<dyn CompactedLog>,
    index: Arc<Mutex<OffsetIndex>>,
}

fn lock(index: &Mutex<OffsetIndex>) -> MutexGuard<'_, OffsetIndex> {
    // Nothing panics while it is held.
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

impl KafkaOffsetStore {
    /// A store on a log of the offsets topic, which the store starts and stops.
    pub fn new(log: Arc<dyn CompactedLog>) -> Self {
        Self {
            log,
            index: Arc::default(),
        }
    }
}

#[async_trait]
impl OffsetStore for KafkaOffsetStore {
    async fn start(&self) -> StoreResult<()> {
        let index = Arc::clone(&self.index);
        let on_record = move |record: LogRecord| {
            if let Some(key) = record.key {
                lock(&index).insert(key, record.value, &record.topic);
            }
        };
        Ok(self.log.start(Box::new(on_record)).await?)
    }

    async fn stop(&self) {
        self.log.stop().await;
    }

    async fn get(&self, keys: &[Bytes]) -> StoreResult<Vec<Option<Bytes>>> {
        self.log.read_to_end(READ_TIMEOUT).await?;
        Ok(lock(&self.index).get(keys))
    }

    async fn set(&self, entries: Vec<OffsetEntry>) -> StoreResult<()> {
        let acks: Vec<_> = entries
            .into_iter()
            .map(|entry| self.log.send(Some(entry.key), entry.value))
            .collect();
        try_join_all(acks).await?;
        Ok(())
    }

    async fn connector_partitions(&self, connector: &str) -> StoreResult<Vec<StoredPartition>> {
        Ok(lock(&self.index).connector_partitions(connector))
    }
}
