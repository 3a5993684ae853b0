//! Transactions in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{FakeProducer, FakeProducerHandle, ProducedRecord};
use crate::error::ErrorCode;
use crate::producer::{
    Deliveries, Producer, ProducerError, ProducerRecord, SendError, TransactionError,
    TransactionalProducer,
};

#[derive(Default)]
struct State {
    /// How often each transactional id was taken over.
    epochs: BTreeMap<String, u64>,
    committed: Vec<ProducedRecord>,
    commit_errors: VecDeque<TransactionError>,
}

/// The brokers behind [`FakeTransactionalProducer`]s; clones are the same ones.
#[derive(Clone, Default)]
pub struct FakeTransactions {
    state: Arc<Mutex<State>>,
}

/// A [`TransactionalProducer`] in memory.
pub struct FakeTransactionalProducer {
    producer: FakeProducer,
    handle: FakeProducerHandle,
    brokers: FakeTransactions,
    transactional_id: String,
    epoch: Option<u64>,
    is_open: bool,
    /// How many of the written records belong to transactions that have ended.
    num_settled: usize,
    has_failed_delivery: bool,
}

impl FakeTransactions {
    /// Brokers without records.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A producer with this transactional id, and the test's hand on its deliveries.
    pub fn producer(
        &self,
        transactional_id: &str,
    ) -> (FakeTransactionalProducer, FakeProducerHandle) {
        let (producer, handle) = FakeProducer::new();
        let producer = FakeTransactionalProducer {
            producer,
            handle: handle.clone(),
            brokers: self.clone(),
            transactional_id: transactional_id.to_owned(),
            epoch: None,
            is_open: false,
            num_settled: 0,
            has_failed_delivery: false,
        };
        (producer, handle)
    }

    /// What a `read_committed` reader sees.
    pub fn committed(&self) -> Vec<ProducedRecord> {
        self.state().committed.clone()
    }

    /// Makes the next commit fail, with nothing committed.
    pub fn fail_next_commit(&self, error: TransactionError) {
        self.state().commit_errors.push_back(error);
    }

    /// Takes a transactional id over, as an admin does that fences producers.
    pub fn fence(&self, transactional_id: &str) {
        *self
            .state()
            .epochs
            .entry(transactional_id.to_owned())
            .or_default() += 1;
    }
}

impl FakeTransactionalProducer {
    fn out_of_order(&self, reason: &str) -> TransactionError {
        TransactionError::Fatal {
            transactional_id: self.transactional_id.clone(),
            code: ErrorCode::STATE,
            reason: reason.to_owned(),
        }
    }

    fn check_epoch(&self, state: &State) -> Result<(), TransactionError> {
        let Some(epoch) = self.epoch else {
            return Err(self.out_of_order("init_transactions comes first"));
        };
        if state.epochs.get(&self.transactional_id) == Some(&epoch) {
            return Ok(());
        }
        Err(TransactionError::Fenced {
            transactional_id: self.transactional_id.clone(),
            code: ErrorCode::PRODUCER_FENCED,
            reason: "there is a newer producer".to_owned(),
        })
    }

    /// The records of the transaction that ends now.
    fn settle(&mut self) -> Vec<ProducedRecord> {
        let written = self.handle.written();
        let records = written[self.num_settled..].to_vec();
        self.num_settled = written.len();
        self.is_open = false;
        records
    }
}

#[async_trait]
impl Producer for FakeTransactionalProducer {
    fn send(&mut self, record: ProducerRecord<'_>) -> Result<(), SendError> {
        if !self.is_open {
            return Err(SendError::Refused {
                topic: record.topic.to_owned(),
                code: ErrorCode::STATE,
            });
        }
        self.has_failed_delivery |= self.handle.will_fail_next_delivery();
        self.producer.send(record)
    }

    fn deliveries(&mut self) -> Option<Deliveries> {
        self.producer.deliveries()
    }

    async fn wait_for_room(&mut self) {
        self.producer.wait_for_room().await;
    }

    async fn flush(&mut self, timeout: Duration) -> Result<(), ProducerError> {
        self.producer.flush(timeout).await
    }

    fn in_flight_bytes(&self) -> usize {
        self.producer.in_flight_bytes()
    }

    fn in_flight_records(&self) -> usize {
        self.producer.in_flight_records()
    }

    async fn close(self: Box<Self>, timeout: Duration) -> Result<(), ProducerError> {
        Box::new(self.producer).close(timeout).await
    }
}

#[async_trait]
impl TransactionalProducer for FakeTransactionalProducer {
    async fn init_transactions(&mut self, _timeout: Duration) -> Result<(), TransactionError> {
        self.brokers.fence(&self.transactional_id);
        self.epoch = self
            .brokers
            .state()
            .epochs
            .get(&self.transactional_id)
            .copied();
        Ok(())
    }

    fn begin_transaction(&mut self) -> Result<(), TransactionError> {
        self.check_epoch(&self.brokers.state())?;
        if self.is_open {
            return Err(self.out_of_order("a transaction is open"));
        }
        self.is_open = true;
        self.has_failed_delivery = false;
        Ok(())
    }

    async fn commit_transaction(&mut self, timeout: Duration) -> Result<(), TransactionError> {
        if !self.is_open {
            return Err(self.out_of_order("no transaction is open"));
        }
        let must_abort = |transactional_id: &str, reason: String| TransactionError::MustAbort {
            transactional_id: transactional_id.to_owned(),
            code: ErrorCode::MESSAGE_TIMED_OUT,
            reason,
        };
        if let Err(error) = self.producer.flush(timeout).await {
            return Err(must_abort(&self.transactional_id, error.to_string()));
        }
        if self.has_failed_delivery {
            let reason = "a record was not written".to_owned();
            return Err(must_abort(&self.transactional_id, reason));
        }
        let brokers = self.brokers.clone();
        let mut state = brokers.state();
        if let Some(error) = state.commit_errors.pop_front() {
            return Err(error);
        }
        self.check_epoch(&state)?;
        state.committed.extend(self.settle());
        Ok(())
    }

    async fn abort_transaction(&mut self, _timeout: Duration) -> Result<(), TransactionError> {
        if !self.is_open {
            return Err(self.out_of_order("no transaction is open"));
        }
        self.handle.fail(usize::MAX, ErrorCode::PURGED_IN_QUEUE);
        self.check_epoch(&self.brokers.state())?;
        self.settle();
        Ok(())
    }
}
