//! The offsets of one connector.

use super::codec::{decode_offset, encode_key, encode_offset, normalize};
use super::{OffsetEntry, OffsetStore};
use crate::error::StoreResult;
use async_trait::async_trait;
use bytes::Bytes;
use connect_api::OffsetStorageReader;
use connect_api::data::Map;
use std::sync::Arc;

/// Reads and changes the stored offsets of one connector.
///
/// It is what tasks get as their [`OffsetStorageReader`], and what lists, alters and resets the
/// offsets of a stopped connector.
#[derive(Clone)]
pub struct ConnectorOffsets {
    connector: Arc<str>,
    store: Arc<dyn OffsetStore>,
}

impl ConnectorOffsets {
    /// The offsets of `connector` in a store that was started.
    pub fn new(connector: impl Into<Arc<str>>, store: Arc<dyn OffsetStore>) -> Self {
        Self {
            connector: connector.into(),
            store,
        }
    }

    /// All partitions with their offsets, everything included that was written before the call.
    pub async fn list(&self) -> StoreResult<Vec<(Map, Map)>> {
        // A look-up without keys makes a store that others write to read to its end.
        self.store.get(&[]).await?;
        let partitions = self.store.connector_partitions(&self.connector).await?;
        let keys: Vec<Bytes> = partitions.iter().map(|stored| stored.key.clone()).collect();
        let values = self.store.get(&keys).await?;
        let mut offsets = Vec::with_capacity(partitions.len());
        for (stored, value) in partitions.into_iter().zip(values) {
            if let Some(offset) = self.decode(&stored.key, value) {
                offsets.push((stored.partition, offset));
            }
        }
        Ok(offsets)
    }

    /// What a partition or an offset of a request looks like after it was stored and read back:
    /// what a connector is shown before its offsets are altered. An error says what cannot be stored.
    pub fn normalize(map: &Map) -> connect_api::Result<Map> {
        normalize(map)
    }

    /// Writes offsets; `None` removes the one of that partition. Only for a connector without tasks.
    ///
    /// An offset that is stored already is changed under the very key it was written with, whatever
    /// the order of its fields; new ones get keys in the order of a Java hash map.
    pub async fn alter(&self, offsets: &[(Option<Map>, Option<Map>)]) -> StoreResult<()> {
        self.store.get(&[]).await?;
        let stored = self.store.connector_partitions(&self.connector).await?;
        let mut entries = Vec::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            let partition = partition.as_ref().map(normalize).transpose()?;
            let offset = offset.as_ref().map(normalize).transpose()?;
            let value = encode_offset(offset.as_ref())?;
            let mut keys: Vec<Bytes> = stored
                .iter()
                .filter(|stored| Some(&stored.partition) == partition.as_ref())
                .map(|stored| stored.key.clone())
                .collect();
            if keys.is_empty() {
                keys.push(encode_key(&self.connector, partition.as_ref())?);
            }
            entries.extend(keys.into_iter().map(|key| OffsetEntry {
                key,
                value: value.clone(),
            }));
        }
        self.store.set(entries).await?;
        Ok(())
    }

    /// Removes all offsets of the connector, each under the very key it was written with. Only for a
    /// connector without tasks.
    pub async fn reset(&self) -> StoreResult<()> {
        self.store.get(&[]).await?;
        let entries: Vec<OffsetEntry> = self
            .store
            .connector_partitions(&self.connector)
            .await?
            .into_iter()
            .map(|stored| OffsetEntry {
                key: stored.key,
                value: None,
            })
            .collect();
        if entries.is_empty() {
            return Ok(());
        }
        self.store.set(entries).await
    }

    fn decode(&self, key: &Bytes, value: Option<Bytes>) -> Option<Map> {
        decode_offset(&value?).unwrap_or_else(|error| {
            tracing::error!(
                connector = &*self.connector,
                key = %String::from_utf8_lossy(key),
                "the stored offset cannot be read and counts as absent, so that the connector may \
                 read data again: {error}"
            );
            None
        })
    }
}

#[async_trait]
impl OffsetStorageReader for ConnectorOffsets {
    async fn offsets(&self, partitions: &[Map]) -> connect_api::Result<Vec<Option<Map>>> {
        let keys = partitions
            .iter()
            .map(|partition| encode_key(&self.connector, Some(partition)))
            .collect::<connect_api::Result<Vec<_>>>()?;
        let values = self.store.get(&keys).await?;
        Ok(keys
            .iter()
            .zip(values)
            .map(|(key, value)| self.decode(key, value))
            .collect())
    }
}
