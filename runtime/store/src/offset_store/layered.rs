//! The offsets of a connector that has an offsets topic of its own.

use super::{OffsetEntry, OffsetStore, StoredPartition};
use crate::error::StoreResult;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Offsets on a connector's own topic, with those of the worker behind them
/// (`ConnectorOffsetBackingStore` with both stores): what a connector with `offsets.storage.topic`
/// uses, so that it goes on where it stood before it got its own topic, and can be moved back.
///
/// Which stores a connector uses, as in Kafka:
///
/// | | exactly-once | otherwise |
/// |---|---|---|
/// | without `offsets.storage.topic`, or the same topic on the same cluster | its own store on the worker's topic | the worker's store (or its own) |
/// | with it | this, with its own store first | this |
///
/// Under exactly-once the connector's own store writes with the transactional producer of the task.
///
/// The worker's store is shared: whoever made it starts and stops it, this does so with the
/// connector's store only.
pub struct LayeredOffsetStore {
    connector_store: Arc<dyn OffsetStore>,
    worker_store: Arc<dyn OffsetStore>,
}

impl LayeredOffsetStore {
    /// The connector's store before that of the worker, which has been started.
    pub fn new(connector_store: Arc<dyn OffsetStore>, worker_store: Arc<dyn OffsetStore>) -> Self {
        Self {
            connector_store,
            worker_store,
        }
    }
}

#[async_trait]
impl OffsetStore for LayeredOffsetStore {
    async fn start(&self) -> StoreResult<()> {
        self.connector_store.start().await
    }

    async fn stop(&self) {
        self.connector_store.stop().await;
    }

    /// What the connector's store lacks is looked up in the worker's.
    async fn get(&self, keys: &[Bytes]) -> StoreResult<Vec<Option<Bytes>>> {
        let (own, shared) =
            futures::try_join!(self.connector_store.get(keys), self.worker_store.get(keys))?;
        Ok(own
            .into_iter()
            .zip(shared)
            .map(|(own, shared)| own.or(shared))
            .collect())
    }

    /// Removals reach the worker's store first: otherwise a removed offset would come back from there
    /// after a failure in between. Other entries are copied to it afterwards, as well as it goes.
    async fn set(&self, entries: Vec<OffsetEntry>) -> StoreResult<()> {
        let (removed, kept): (Vec<_>, Vec<_>) = entries
            .iter()
            .cloned()
            .partition(|entry| entry.value.is_none());
        if !removed.is_empty() {
            self.worker_store.set(removed).await?;
        }
        self.connector_store.set(entries).await?;
        if !kept.is_empty()
            && let Err(error) = self.worker_store.set(kept).await
        {
            tracing::warn!(
                "offsets were written to the connector's offsets topic, but not copied to that of \
                 the worker; the connector reads its own: {error}"
            );
        }
        Ok(())
    }

    async fn connector_partitions(&self, connector: &str) -> StoreResult<Vec<StoredPartition>> {
        let (own, shared) = futures::try_join!(
            self.connector_store.connector_partitions(connector),
            self.worker_store.connector_partitions(connector)
        )?;
        let by_key: BTreeMap<Bytes, StoredPartition> = shared
            .into_iter()
            .chain(own)
            .map(|stored| (stored.key.clone(), stored))
            .collect();
        Ok(by_key.into_values().collect())
    }
}
