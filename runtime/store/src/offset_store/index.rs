//! What has been read of an offset store.

use super::StoredPartition;
use super::codec::decode_key;
use bytes::Bytes;
use connect_api::data::Map;
use std::collections::{BTreeMap, HashMap};

/// Values by key, and the partitions of each connector.
#[derive(Debug, Default)]
pub(super) struct OffsetIndex {
    values: HashMap<Bytes, Bytes>,
    partitions: BTreeMap<String, BTreeMap<Bytes, Map>>,
}

impl OffsetIndex {
    pub(super) fn get(&self, keys: &[Bytes]) -> Vec<Option<Bytes>> {
        keys.iter()
            .map(|key| self.values.get(key).cloned())
            .collect()
    }

    /// Takes in an entry that was read from or written to `place`, which the log names.
    pub(super) fn insert(&mut self, key: Bytes, value: Option<Bytes>, place: &str) {
        match decode_key(&key) {
            Ok((connector, Some(partition))) if value.is_some() => {
                self.partitions
                    .entry(connector)
                    .or_default()
                    .insert(key.clone(), partition);
            }
            Ok((connector, Some(_))) => {
                if let Some(partitions) = self.partitions.get_mut(&connector) {
                    partitions.remove(&key);
                    if partitions.is_empty() {
                        self.partitions.remove(&connector);
                    }
                }
            }
            Ok((_, None)) => {}
            Err(reason) => tracing::warn!(
                place,
                key = %String::from_utf8_lossy(&key),
                "an offset is stored under a key that no connector of ours reads: {reason}"
            ),
        }
        match value {
            Some(value) => self.values.insert(key, value),
            None => self.values.remove(&key),
        };
    }

    pub(super) fn connector_partitions(&self, connector: &str) -> Vec<StoredPartition> {
        self.partitions
            .get(connector)
            .into_iter()
            .flatten()
            .map(|(key, partition)| StoredPartition {
                key: key.clone(),
                partition: partition.clone(),
            })
            .collect()
    }

    /// Keys and values, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.values.iter()
    }
}
