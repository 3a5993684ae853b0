//! How far source connectors have read, kept under the partitions of their outside systems.

mod codec;
mod connector;
mod file;
mod index;
mod java_serialization;
mod kafka;
mod layered;
mod memory;
mod transactional;
mod writer;

use crate::error::StoreResult;
use async_trait::async_trait;
use bytes::Bytes;
use connect_api::data::Map;

pub use connector::ConnectorOffsets;
pub use file::FileOffsetStore;
pub use kafka::KafkaOffsetStore;
pub use layered::LayeredOffsetStore;
pub use memory::MemoryOffsetStore;
pub use transactional::TransactionalOffsetStore;
pub use writer::{OffsetFlush, OffsetWriter};

/// An entry to write: the serialized `["connector",{partition}]` and the serialized offset, `None` to
/// remove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetEntry {
    /// The key, compared byte by byte.
    pub key: Bytes,
    /// The offset.
    pub value: Option<Bytes>,
}

/// A partition of which an offset is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPartition {
    /// The key as it was written: what must be used to remove the entry, because another order of
    /// the same fields would be another key.
    pub key: Bytes,
    /// The partition in that key.
    pub partition: Map,
}

/// Keeps the offsets of source connectors as bytes (`OffsetBackingStore` of Kafka Connect).
///
/// [`ConnectorOffsets`] reads and changes the offsets of one connector through it, [`OffsetWriter`]
/// collects those of a running task.
///
/// # Contract
///
/// - [`start`](Self::start) comes first and reads everything that is stored; [`stop`](Self::stop)
///   comes last, after all writes returned. The others may be called from several tasks at a time.
/// - What [`set`](Self::set) has written is durable when it returns, and every later
///   [`get`](Self::get) sees it.
#[async_trait]
pub trait OffsetStore: Send + Sync {
    /// Reads all that is stored.
    async fn start(&self) -> StoreResult<()>;

    /// Stops reading and writing.
    async fn stop(&self);

    /// The values of keys, in the order of the keys; `None` where there is none. It sees everything
    /// that any worker had written before the call.
    async fn get(&self, keys: &[Bytes]) -> StoreResult<Vec<Option<Bytes>>>;

    /// Writes entries; later ones win over earlier ones of the same key. After an error some of them
    /// may have been written, so that the caller writes all of them again.
    async fn set(&self, entries: Vec<OffsetEntry>) -> StoreResult<()>;

    /// The partitions of which the connector has a stored offset, as far as they have been read: a
    /// `get` before makes that everything. Keys of another shape than `[string, map]` are left out.
    async fn connector_partitions(&self, connector: &str) -> StoreResult<Vec<StoredPartition>>;
}
