//! Offsets that are changed in transactions.

use super::{OffsetEntry, OffsetStore, StoredPartition};
use crate::error::StoreResult;
use crate::transaction::{ClaimedProducer, TransactionalProducerFactory};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;

/// Offsets of an exactly-once source that a user changes: each write is one transaction, with the
/// transactional id of a task, whose producer is fenced by that if there is one left.
///
/// Tasks do not write through it: they have a producer of their own, which writes the records too.
pub struct TransactionalOffsetStore {
    topic: String,
    reading: Arc<dyn OffsetStore>,
    factory: TransactionalProducerFactory,
}

impl TransactionalOffsetStore {
    /// A store that reads from `reading`, a store of committed offsets on `topic`, and writes there
    /// itself.
    pub fn new(
        topic: impl Into<String>,
        reading: Arc<dyn OffsetStore>,
        factory: TransactionalProducerFactory,
    ) -> Self {
        Self {
            topic: topic.into(),
            reading,
            factory,
        }
    }
}

#[async_trait]
impl OffsetStore for TransactionalOffsetStore {
    async fn start(&self) -> StoreResult<()> {
        self.reading.start().await
    }

    async fn stop(&self) {
        self.reading.stop().await;
    }

    async fn get(&self, keys: &[Bytes]) -> StoreResult<Vec<Option<Bytes>>> {
        self.reading.get(keys).await
    }

    async fn set(&self, entries: Vec<OffsetEntry>) -> StoreResult<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let records: Vec<(Bytes, Option<Bytes>)> = entries
            .into_iter()
            .map(|entry| (entry.key, entry.value))
            .collect();
        let mut producer = ClaimedProducer::claim(&self.factory, &self.topic).await?;
        let written = producer.write(&self.topic, &records).await;
        producer.close().await;
        written
    }

    async fn connector_partitions(&self, connector: &str) -> StoreResult<Vec<StoredPartition>> {
        self.reading.connector_partitions(connector).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryOffsetStore;
    use connect_kafka::error::ErrorCode;
    use connect_kafka::producer::{FakeTransactions, TransactionError, TransactionalProducer};

    fn store(brokers: &FakeTransactions) -> TransactionalOffsetStore {
        let brokers = brokers.clone();
        TransactionalOffsetStore::new(
            "offsets",
            Arc::new(MemoryOffsetStore::new()),
            Box::new(move || Ok(Box::new(brokers.producer("g-c-0").0))),
        )
    }

    fn entry(key: &'static str, value: Option<&'static str>) -> OffsetEntry {
        OffsetEntry {
            key: Bytes::from_static(key.as_bytes()),
            value: value.map(|value| Bytes::from_static(value.as_bytes())),
        }
    }

    #[tokio::test]
    async fn a_change_is_one_transaction_and_fences_the_task() {
        let brokers = FakeTransactions::new();
        let (mut task, _) = brokers.producer("g-c-0");
        task.init_transactions(std::time::Duration::ZERO)
            .await
            .expect("the task was first");
        let store = store(&brokers);
        let entries = vec![entry("a", Some("1")), entry("b", None)];
        store.set(entries).await.expect("nothing is in the way");
        let written: Vec<(String, bool)> = brokers
            .committed()
            .iter()
            .map(|record| (record.topic.clone(), record.value.is_some()))
            .collect();
        assert_eq!(
            written,
            [("offsets".to_owned(), true), ("offsets".to_owned(), false)]
        );
        let error = task.begin_transaction().expect_err("it is a zombie now");
        assert!(matches!(error, TransactionError::Fenced { .. }), "{error}");
        store.set(Vec::new()).await.expect("nothing to do");
    }

    #[tokio::test]
    async fn a_failed_change_leaves_nothing() {
        let brokers = FakeTransactions::new();
        let store = store(&brokers);
        brokers.fail_next_commit(TransactionError::Retriable {
            transactional_id: "g-c-0".to_owned(),
            code: ErrorCode::TIMED_OUT,
            reason: "no answer".to_owned(),
        });
        let error = store.set(vec![entry("a", Some("1"))]).await;
        assert!(error.expect_err("no answer").is_retriable());
        assert_eq!(brokers.committed(), []);
    }
}
