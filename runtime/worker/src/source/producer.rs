//! The producer of a source task, with or without transactions.

use connect_api::Result;
use connect_kafka::producer::{Producer, ProducerError, TransactionalProducer};
use futures::future::BoxFuture;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::exactly_once::TransactionPlan;

/// Makes the producer of a task; called once, when the task starts.
pub type ProducerFactory =
    Box<dyn FnOnce() -> BoxFuture<'static, Result<Box<dyn Producer>>> + Send>;

/// What a source task writes with, which decides what a crash can do to its records.
pub enum SourceProducer {
    /// Records are written again after a crash unless their offsets were stored before.
    AtLeastOnce(ProducerFactory),
    /// Records and their offsets become visible together, or not at all (KIP-618).
    ExactlyOnce(TransactionPlan),
}

/// The producer of a running task.
pub(super) enum TaskProducer {
    Plain(Box<dyn Producer>),
    Transactional(Box<dyn TransactionalProducer>),
}

impl TaskProducer {
    pub(super) async fn close(self, timeout: Duration) -> std::result::Result<(), ProducerError> {
        match self {
            Self::Plain(producer) => producer.close(timeout).await,
            Self::Transactional(producer) => producer.close(timeout).await,
        }
    }

    pub(super) fn transactional(&mut self) -> Option<&mut dyn TransactionalProducer> {
        match self {
            Self::Plain(_) => None,
            Self::Transactional(producer) => Some(&mut **producer),
        }
    }
}

impl Deref for TaskProducer {
    type Target = dyn Producer;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Plain(producer) => &**producer,
            Self::Transactional(producer) => &**producer,
        }
    }
}

impl DerefMut for TaskProducer {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Plain(producer) => &mut **producer,
            Self::Transactional(producer) => &mut **producer,
        }
    }
}
