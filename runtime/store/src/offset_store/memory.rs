//! Offsets in memory, gone with the process.

use super::index::OffsetIndex;
use super::{OffsetEntry, OffsetStore, StoredPartition};
use crate::error::StoreResult;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps offsets in memory (`MemoryOffsetBackingStore`).
#[derive(Debug, Default)]
pub struct MemoryOffsetStore {
    index: Mutex<OffsetIndex>,
}

impl MemoryOffsetStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, OffsetIndex> {
        // Nothing panics while it is held.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl OffsetStore for MemoryOffsetStore {
    async fn start(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn stop(&self) {}

    async fn get(&self, keys: &[Bytes]) -> StoreResult<Vec<Option<Bytes>>> {
        Ok(self.lock().get(keys))
    }

    async fn set(&self, entries: Vec<OffsetEntry>) -> StoreResult<()> {
        let mut index = self.lock();
        for OffsetEntry { key, value } in entries {
            index.insert(key, value, "memory");
        }
        Ok(())
    }

    async fn connector_partitions(&self, connector: &str) -> StoreResult<Vec<StoredPartition>> {
        Ok(self.lock().connector_partitions(connector))
    }
}
