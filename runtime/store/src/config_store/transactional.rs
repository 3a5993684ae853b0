//! The leader's own producer of the config topic.

use super::codec::KeyValue;
use super::kafka::FencableWriter;
use crate::error::{StoreError, StoreResult};
use crate::transaction::{ClaimedProducer, TransactionalProducerFactory, fenced};
use async_trait::async_trait;
use connect_kafka::log::LogError;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// A leader writes one thing after the other, so that few ever wait.
const MAX_QUEUED_REQUESTS: usize = 16;

/// A [`FencableWriter`] over a transactional producer (`exactly.once.source.support` of `preparing` and
/// `enabled`): each write is one transaction, and a claim fences the leader before.
///
/// A task of its own owns the producer, from the first claim on, which must be made on a tokio runtime.
/// A producer that failed is closed, as in the JVM: the next write asks for another claim.
pub struct TransactionalConfigWriter {
    topic: String,
    requests: mpsc::Sender<Request>,
    /// Until the first claim.
    unstarted: Mutex<Option<(mpsc::Receiver<Request>, TransactionalProducerFactory)>>,
}

struct Request {
    /// `None` is a claim.
    records: Option<Vec<KeyValue>>,
    reply: oneshot::Sender<StoreResult<()>>,
}

impl TransactionalConfigWriter {
    /// A writer to `topic` that makes its producers by `factory`.
    pub fn new(topic: impl Into<String>, factory: TransactionalProducerFactory) -> Self {
        let (requests, receiver) = mpsc::channel(MAX_QUEUED_REQUESTS);
        Self {
            topic: topic.into(),
            requests,
            unstarted: Mutex::new(Some((receiver, factory))),
        }
    }

    fn fenced(&self) -> StoreError {
        fenced(&self.topic)
    }

    async fn ask(&self, records: Option<Vec<KeyValue>>) -> StoreResult<()> {
        let (reply, answer) = oneshot::channel();
        let stopped = || {
            StoreError::Log(LogError::NotRunning {
                topic: self.topic.clone(),
            })
        };
        self.requests
            .send(Request { records, reply })
            .await
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

#[async_trait]
impl FencableWriter for TransactionalConfigWriter {
    async fn claim(&self) -> StoreResult<()> {
        let unstarted = self
            .unstarted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some((requests, factory)) = unstarted {
            let owner = Owner {
                topic: self.topic.clone(),
                factory,
                held: None,
            };
            tokio::spawn(owner.run(requests));
        }
        self.ask(None).await
    }

    async fn write(&self, records: Vec<KeyValue>) -> StoreResult<()> {
        let is_claimed = self
            .unstarted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none();
        if !is_claimed {
            return Err(self.fenced());
        }
        self.ask(Some(records)).await
    }
}

/// Owns the producer.
struct Owner {
    topic: String,
    factory: TransactionalProducerFactory,
    held: Option<ClaimedProducer>,
}

impl Owner {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(Request { records, reply }) = requests.recv().await {
            let outcome = match records {
                None => self.claim().await,
                Some(records) => self.write(&records).await,
            };
            // Whoever asked may have given up; the next request finds things as they are.
            let _ = reply.send(outcome);
        }
        self.let_go().await;
    }

    async fn claim(&mut self) -> StoreResult<()> {
        self.let_go().await;
        self.held = Some(ClaimedProducer::claim(&self.factory, &self.topic).await?);
        Ok(())
    }

    async fn write(&mut self, records: &[KeyValue]) -> StoreResult<()> {
        let Some(held) = &mut self.held else {
            return Err(fenced(&self.topic));
        };
        let written = held.write(&self.topic, records).await;
        if written.is_err() {
            self.let_go().await;
        }
        written
    }

    async fn let_go(&mut self) {
        if let Some(held) = self.held.take() {
            held.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use connect_kafka::error::ErrorCode;
    use connect_kafka::producer::{FakeTransactions, TransactionError};

    const TOPIC: &str = "connect-configs";

    fn writer(brokers: &FakeTransactions) -> TransactionalConfigWriter {
        let brokers = brokers.clone();
        TransactionalConfigWriter::new(
            TOPIC,
            Box::new(move || Ok(Box::new(brokers.producer("connect-cluster-g").0))),
        )
    }

    fn records(keys: &[&'static str]) -> Vec<KeyValue> {
        keys.iter()
            .map(|key| {
                let key = Bytes::from_static(key.as_bytes());
                (key.clone(), Some(key))
            })
            .collect()
    }

    fn committed(brokers: &FakeTransactions) -> Vec<String> {
        brokers
            .committed()
            .iter()
            .map(|record| {
                let key = record.key.as_deref().unwrap_or_default();
                String::from_utf8_lossy(key).into_owned()
            })
            .collect()
    }

    #[tokio::test]
    async fn a_write_needs_the_claim_and_is_one_transaction() {
        let brokers = FakeTransactions::new();
        let writer = writer(&brokers);
        let error = writer.write(records(&["a"])).await.expect_err("no claim");
        assert!(matches!(error, StoreError::Fenced { .. }), "{error}");
        writer.claim().await.expect("the first claim");
        writer.write(records(&["a", "b"])).await.expect("claimed");
        writer.write(records(&["c"])).await.expect("claimed");
        assert_eq!(committed(&brokers), ["a", "b", "c"]);
    }

    #[tokio::test]
    async fn the_leader_before_can_write_nothing_more() {
        let brokers = FakeTransactions::new();
        let [old, new] = [writer(&brokers), writer(&brokers)];
        old.claim().await.expect("the first leader");
        old.write(records(&["old"])).await.expect("it leads");
        new.claim().await.expect("the second leader");
        // Twice: the first time it finds out, the second time it knows.
        for _ in 0..2 {
            let error = old.write(records(&["late"])).await.expect_err("fenced");
            assert!(matches!(error, StoreError::Fenced { .. }), "{error}");
        }
        new.write(records(&["new"])).await.expect("it leads");
        assert_eq!(committed(&brokers), ["old", "new"]);
        old.claim().await.expect("it leads again");
        old.write(records(&["again"])).await.expect("claimed");
        assert!(new.write(records(&["late"])).await.is_err());
        assert_eq!(committed(&brokers), ["old", "new", "again"]);
    }

    #[tokio::test]
    async fn a_failure_leaves_nothing_visible_and_asks_for_a_claim() {
        let brokers = FakeTransactions::new();
        let writer = writer(&brokers);
        writer.claim().await.expect("claimed");
        brokers.fail_next_commit(TransactionError::Retriable {
            transactional_id: "connect-cluster-g".to_owned(),
            code: ErrorCode::TIMED_OUT,
            reason: "no answer".to_owned(),
        });
        let error = writer.write(records(&["a"])).await.expect_err("no answer");
        assert!(error.is_retriable(), "{error}");
        let error = writer.write(records(&["a"])).await.expect_err("no claim");
        assert!(matches!(error, StoreError::Fenced { .. }), "{error}");
        writer.claim().await.expect("claimed");
        writer.write(records(&["a"])).await.expect("claimed");
        assert_eq!(committed(&brokers), ["a"]);
    }
}
