//! Offsets of a running source task on their way to the store.

use super::codec::{encode_key, encode_offset};
use super::{OffsetEntry, OffsetStore};
use crate::error::{StoreError, StoreResult};
use bytes::Bytes;
use connect_api::ConnectError;
use connect_api::data::Map;
use futures::future::BoxFuture;
use indexmap::IndexMap;
use std::sync::Arc;
use std::time::Duration;

/// A write that [`OffsetWriter::begin_flush`] began. It is `Ok` once all offsets are durable.
pub type OffsetFlush = BoxFuture<'static, StoreResult<()>>;

type Offset = Option<Arc<Map>>;

/// Collects the offsets of one source task and writes the latest of each partition
/// (`OffsetStorageWriter`).
///
/// # Contract
///
/// One owner. Only offsets of records that are durable in Kafka (or were dropped) may be given to
/// [`offset`](Self::offset). Either [`flush`](Self::flush) does all, or the owner calls
/// [`begin_flush`](Self::begin_flush), drives what it returns while it goes on collecting, and calls
/// [`end_flush`](Self::end_flush) with the outcome. Offsets of a failed flush are kept and written by
/// the next one, unless newer ones have replaced them.
pub struct OffsetWriter {
    connector: Arc<str>,
    store: Arc<dyn OffsetStore>,
    pending: IndexMap<Bytes, Offset>,
    flushing: Option<IndexMap<Bytes, Offset>>,
    /// Records of one partition come in runs: its key need not be serialized for each of them.
    last_partition: Option<(Arc<Map>, Bytes)>,
    invalid_partition: Option<ConnectError>,
}

impl OffsetWriter {
    /// A writer for the offsets of a task of `connector` to a store that was started.
    pub fn new(connector: impl Into<Arc<str>>, store: Arc<dyn OffsetStore>) -> Self {
        Self {
            connector: connector.into(),
            store,
            pending: IndexMap::new(),
            flushing: None,
            last_partition: None,
            invalid_partition: None,
        }
    }

    /// Keeps the offset of a partition for the next flush, in place of an earlier one.
    pub fn offset(&mut self, partition: Option<&Arc<Map>>, offset: Option<Arc<Map>>) {
        match self.key(partition) {
            Ok(key) => {
                self.pending.insert(key, offset);
            }
            Err(error) => self.invalid_partition = Some(error),
        }
    }

    fn key(&mut self, partition: Option<&Arc<Map>>) -> connect_api::Result<Bytes> {
        let Some(partition) = partition else {
            return encode_key(&self.connector, None);
        };
        if let Some((last, key)) = &self.last_partition
            && Arc::ptr_eq(last, partition)
        {
            return Ok(key.clone());
        }
        let key = encode_key(&self.connector, Some(partition))?;
        self.last_partition = Some((Arc::clone(partition), key.clone()));
        Ok(key)
    }

    /// Whether a flush would write anything.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty() || self.invalid_partition.is_some()
    }

    /// Takes what was collected and begins to write it; `None` if there is nothing to write. Nothing
    /// happens until the future is driven.
    ///
    /// # Errors
    ///
    /// Those of [`begin_write`](Self::begin_write).
    pub fn begin_flush(&mut self) -> StoreResult<Option<OffsetFlush>> {
        let Some(entries) = self.begin_write()? else {
            return Ok(None);
        };
        let store = Arc::clone(&self.store);
        Ok(Some(Box::pin(async move { store.set(entries).await })))
    }

    /// As [`begin_flush`](Self::begin_flush), for an owner that writes the entries itself: with its own
    /// producer, in the transaction of the records that they are about.
    ///
    /// # Errors
    ///
    /// A [`StoreError::Data`] if a partition or an offset cannot be serialized, or if the last flush
    /// was not ended. Nothing is written then, and everything is kept: a bad offset stands in the way
    /// until its partition gets another one.
    pub fn begin_write(&mut self) -> StoreResult<Option<Vec<OffsetEntry>>> {
        if self.flushing.is_some() {
            return Err(StoreError::Data(ConnectError::fatal(format!(
                "the offsets of connector {} are being flushed already",
                self.connector
            ))));
        }
        if let Some(error) = &self.invalid_partition {
            return Err(StoreError::Data(error.clone()));
        }
        if self.pending.is_empty() {
            return Ok(None);
        }
        let entries = self
            .pending
            .iter()
            .map(|(key, offset)| {
                Ok(OffsetEntry {
                    key: key.clone(),
                    value: encode_offset(offset.as_deref())?,
                })
            })
            .collect::<connect_api::Result<Vec<_>>>()?;
        self.flushing = Some(std::mem::take(&mut self.pending));
        Ok(Some(entries))
    }

    /// Ends a flush that was begun: after a success what it wrote is let go, otherwise it is kept for
    /// the next one. Without a flush under way it does nothing.
    pub fn end_flush(&mut self, is_success: bool) {
        let Some(mut unwritten) = self.flushing.take() else {
            return;
        };
        if is_success {
            return;
        }
        // What was collected meanwhile is newer.
        unwritten.extend(std::mem::take(&mut self.pending));
        self.pending = unwritten;
    }

    /// Writes what was collected and waits until it is durable, for at most `timeout`. Returns whether
    /// there was anything to write. Cancel-safe: dropping the future keeps the offsets.
    ///
    /// # Errors
    ///
    /// Those of [`begin_flush`](Self::begin_flush) and [`OffsetStore::set`], and
    /// [`StoreError::Data`] when the time is up; a retriable error is worth another try at the next
    /// interval. All offsets are kept.
    pub async fn flush(&mut self, timeout: Duration) -> StoreResult<bool> {
        // One that was dropped on the way.
        self.end_flush(false);
        let Some(flush) = self.begin_flush()? else {
            return Ok(false);
        };
        let outcome = tokio::time::timeout(timeout, flush)
            .await
            .unwrap_or_else(|_| {
                Err(StoreError::Data(ConnectError::retriable(format!(
                    "the offsets of connector {} were not stored within {} ms \
                     (offset.flush.timeout.ms); they are kept for the next flush",
                    self.connector,
                    timeout.as_millis()
                ))))
            });
        self.end_flush(outcome.is_ok());
        outcome.map(|()| true)
    }
}
